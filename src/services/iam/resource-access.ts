/** What IAM knows of a role, user or policy named by its ARN. The resource policy of a role is its trust policy. */
import { parseArn } from '../../common/index.ts';
import { managedPolicies, nameKey, type RoleRecord, roles, users } from '../../store/index.ts';
import type { House, ResourceFacts } from '../index.ts';
import { resourceTags } from './access.ts';
import { policyIdOfArn } from './identity.ts';

export async function resourceAccess(arn: string, action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'iam') return undefined;
  const { account, resource } = parsed;
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  if (resource.startsWith('role/')) {
    const role = (await roles.get(house.store, nameKey(account, name)))?.document;
    return role?.arn === arn ? roleFacts(role, account, action) : undefined;
  }
  const found = resource.startsWith('user/')
    ? (await users.get(house.store, nameKey(account, name)))?.document
    : resource.startsWith('policy/')
      ? (await managedPolicies.get(house.store, nameKey(account, policyIdOfArn(arn))))?.document
      : undefined;
  return found?.arn === arn ? { resourceAccount: account, context: resourceTags(found.tags) } : undefined;
}

function roleFacts(role: RoleRecord, resourceAccount: string, action: string): ResourceFacts {
  const context = resourceTags(role.tags);
  if (!/^sts:/i.test(action)) return { resourceAccount, context };
  return {
    resourceAccount,
    context,
    resourcePolicies: [{ name: `trust policy of ${role.arn}`, document: role.trustBound }],
    resourcePolicyMode: 'Only',
  };
}
