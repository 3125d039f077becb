/** What SNS knows of a topic named by its ARN. */
import { parseArn } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { topicKey, topics } from './records.ts';

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'sns' || parsed.resource.includes(':')) return undefined;
  const topic = (await topics.get(house.store, topicKey(arn)))?.document;
  if (topic === undefined) return undefined;
  return {
    resourceAccount: parsed.account,
    resourcePolicies: [{ name: `topic policy of ${topic.name}`, document: topic.policy }],
    context: resourceTagKeys(topic.tags),
  };
}
