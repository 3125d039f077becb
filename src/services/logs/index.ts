/** CloudWatch Logs: groups, streams, events, filters, retention, tags, the account's resource policies. */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { deleteResourcePolicy, describeResourcePolicies, putResourcePolicy } from './account-policies.ts';
import {
  createLogGroup,
  createLogStream,
  deleteLogGroup,
  deleteLogStream,
  deleteRetentionPolicy,
  describeLogGroups,
  describeLogStreams,
  putRetentionPolicy,
} from './groups.ts';
import { filterLogEvents, getLogEvents, putLogEvents } from './log-events.ts';
import { resourceAccess } from './resource-access.ts';
import { retentionLoop, startRetention } from './retention.ts';
import {
  listTagsForResource,
  listTagsLogGroup,
  tagLogGroup,
  tagResource,
  untagLogGroup,
  untagResource,
} from './tags.ts';

export const logs: ServiceDefinition = {
  name: 'logs',
  iamPrefix: 'logs',
  resourceAccess,
  operations: operationsOf({
    createLogGroup,
    createLogStream,
    deleteLogGroup,
    deleteLogStream,
    deleteResourcePolicy,
    deleteRetentionPolicy,
    describeLogGroups,
    describeLogStreams,
    describeResourcePolicies,
    filterLogEvents,
    getLogEvents,
    listTagsForResource,
    listTagsLogGroup,
    putLogEvents,
    putResourcePolicy,
    putRetentionPolicy,
    tagLogGroup,
    tagResource,
    untagLogGroup,
    untagResource,
  }),
  loops: (house) => [retentionLoop(house)],
  start: startRetention,
};
