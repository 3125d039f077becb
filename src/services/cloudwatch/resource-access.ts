/** What CloudWatch knows of an alarm named by its ARN. */
import { parseArn } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { alarms } from './records.ts';

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'cloudwatch' || !parsed.resource.startsWith('alarm:')) return undefined;
  const { account, region } = parsed;
  const key = { account, region, id: parsed.resource.slice('alarm:'.length) };
  const alarm = (await alarms.get(house.store, key))?.document;
  return alarm && { resourceAccount: account, context: resourceTagKeys(alarm.tags) };
}
