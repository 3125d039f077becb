/** SQS: standard queues, enough to receive what the other services send. FIFO queues and encryption keys are refused. */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import {
  changeMessageVisibility,
  changeMessageVisibilityBatch,
  deleteMessage,
  deleteMessageBatch,
  receiveMessage,
  sendMessage,
  sendMessageBatch,
} from './messages.ts';
import { addPermission, removePermission } from './permissions.ts';
import {
  createQueue,
  deleteQueue,
  getQueueAttributes,
  getQueueUrl,
  listDeadLetterSourceQueues,
  listQueues,
  listQueueTags,
  purgeQueue,
  setQueueAttributes,
  tagQueue,
  untagQueue,
} from './queues.ts';
import { resourceAccess } from './resource-access.ts';

export const sqs: ServiceDefinition = {
  name: 'sqs',
  iamPrefix: 'sqs',
  resourceAccess,
  operations: operationsOf({
    addPermission,
    changeMessageVisibility,
    changeMessageVisibilityBatch,
    createQueue,
    deleteMessage,
    deleteMessageBatch,
    deleteQueue,
    getQueueAttributes,
    getQueueUrl,
    listDeadLetterSourceQueues,
    listQueueTags,
    listQueues,
    purgeQueue,
    receiveMessage,
    removePermission,
    sendMessage,
    sendMessageBatch,
    setQueueAttributes,
    tagQueue,
    untagQueue,
  }),
};
