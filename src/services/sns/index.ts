/** SNS: topics with policies, subscriptions of queues and functions, filter policies, delivery at least once. */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { addPermission, removePermission } from './permissions.ts';
import { deliveryLoop, publish, publishBatch } from './publish.ts';
import { resourceAccess } from './resource-access.ts';
import {
  getSubscriptionAttributes,
  listSubscriptions,
  listSubscriptionsByTopic,
  setSubscriptionAttributes,
  subscribe,
  unsubscribe,
} from './subscriptions.ts';
import {
  createTopic,
  deleteTopic,
  getTopicAttributes,
  listTagsForResource,
  listTopics,
  setTopicAttributes,
  tagResource,
  untagResource,
} from './topics.ts';

export const sns: ServiceDefinition = {
  name: 'sns',
  iamPrefix: 'sns',
  resourceAccess,
  operations: operationsOf({
    addPermission,
    createTopic,
    deleteTopic,
    getSubscriptionAttributes,
    getTopicAttributes,
    listSubscriptions,
    listSubscriptionsByTopic,
    listTagsForResource,
    listTopics,
    publish,
    publishBatch,
    removePermission,
    setSubscriptionAttributes,
    setTopicAttributes,
    subscribe,
    tagResource,
    unsubscribe,
    untagResource,
  }),
  loops: (house) => [deliveryLoop(house)],
};
