/** What SQS knows of a queue named by its ARN. */
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { queueKeyOfArn, queues } from './records.ts';

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const key = queueKeyOfArn(arn);
  const queue = key && (await queues.get(house.store, key))?.document;
  if (key === undefined || queue === undefined) return undefined;
  const policy = queue.attributes['Policy'] ?? '';
  return {
    resourceAccount: key.account,
    resourcePolicies: policy === '' ? [] : [{ name: `queue policy of ${key.id}`, document: policy }],
    context: resourceTagKeys(queue.tags),
  };
}
