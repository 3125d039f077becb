/** What CloudWatch Logs knows of a log group or stream named by its ARN. The account's policies count for services alone. */
import { parseArn, type Principal } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { groupKey, groups, policiesFor } from './records.ts';

const NOBODY: Principal = { type: 'Anonymous' };

export async function resourceAccess(
  arn: string,
  _action: string,
  house: House,
  principal: Principal = NOBODY,
): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  const [, name] = /^log-group:([^:]+)/.exec(parsed?.resource ?? '') ?? [];
  if (parsed?.service !== 'logs' || name === undefined) return undefined;
  const { account, region } = parsed;
  const group = (await groups.get(house.store, groupKey(parsed, name)))?.document;
  if (group === undefined) return undefined;
  return {
    resourceAccount: account,
    resourcePolicies: await policiesFor({ house, principal, account, region }),
    context: resourceTagKeys(group.tags),
  };
}
