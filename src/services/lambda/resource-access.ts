/** What Lambda knows of a function named by its ARN, qualified or not. */
import { parseArn } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { accessTo } from './access.ts';
import { functionKey, functions } from './records.ts';

export async function resourceAccess(arn: string, action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  const [, name, qualifier] = /^function:([^:]+)(?::([^:]+))?$/.exec(parsed?.resource ?? '') ?? [];
  if (parsed?.service !== 'lambda' || name === undefined) return undefined;
  const place = { account: parsed.account, region: parsed.region, name };
  const found = (await functions.get(house.store, functionKey(place)))?.document;
  if (found === undefined) return undefined;
  const named = { place, ...(qualifier === undefined ? {} : { qualifier }) };
  const { action: _action, resource: _resource, ...facts } = accessTo(action.replace(/^lambda:/i, ''), named, found);
  return { ...facts, context: resourceTagKeys(found.tags) };
}
