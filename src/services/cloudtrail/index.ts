/** CloudTrail: the event history, read from the audit trail of the house. */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { lookupEvents } from './lookup-events.ts';

export const cloudtrail: ServiceDefinition = {
  name: 'cloudtrail',
  iamPrefix: 'cloudtrail',
  operations: operationsOf({ lookupEvents }),
};
