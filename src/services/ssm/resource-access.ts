/** What Systems Manager knows of a parameter named by its ARN. */
import { parseArn } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { locate, resourcePoliciesOf } from './records.ts';

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'ssm' || !parsed.resource.startsWith('parameter/')) return undefined;
  const parameter = (await locate(house.store, arn, parsed)).stored?.document;
  return (
    parameter && {
      resourceAccount: parsed.account,
      ...resourcePoliciesOf(parameter),
      context: resourceTagKeys(parameter.tags),
    }
  );
}
