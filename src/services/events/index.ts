/** EventBridge: buses, rules with patterns and schedules, and delivery to targets. Archives, pipes and API destinations are not implemented. */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import {
  createEventBus,
  deleteEventBus,
  describeEventBus,
  listEventBuses,
  putPermission,
  removePermission,
} from './buses.ts';
import { deliveryLoop } from './delivery.ts';
import { putEvents } from './put-events.ts';
import { resourceAccess } from './resource-access.ts';
import {
  deleteRule,
  describeRule,
  disableRule,
  enableRule,
  listRuleNamesByTarget,
  listRules,
  listTagsForResource,
  listTargetsByRule,
  putRule,
  putTargets,
  removeTargets,
  tagResource,
  testEventPattern,
  untagResource,
} from './rules.ts';
import { scheduleLoop } from './schedules.ts';

export const events: ServiceDefinition = {
  name: 'events',
  iamPrefix: 'events',
  resourceAccess,
  operations: operationsOf({
    createEventBus,
    deleteEventBus,
    deleteRule,
    describeEventBus,
    describeRule,
    disableRule,
    enableRule,
    listEventBuses,
    listRuleNamesByTarget,
    listRules,
    listTagsForResource,
    listTargetsByRule,
    putEvents,
    putPermission,
    putRule,
    putTargets,
    removePermission,
    removeTargets,
    tagResource,
    testEventPattern,
    untagResource,
  }),
  loops: (house) => [deliveryLoop(house), scheduleLoop(house)],
};
