/** What IAM knows of a role, user, policy, instance profile or OpenID Connect provider named by its ARN. The resource policy of a role is its trust policy. */
import { parseArn } from '../../common/index.ts';
import {
  managedPolicies,
  nameKey,
  oidcProviderKey,
  oidcProviders,
  type RoleRecord,
  roles,
  type Tags,
  users,
} from '../../store/index.ts';
import type { House, ResourceFacts } from '../index.ts';
import { resourceTags } from './access.ts';
import { policyIdOfArn } from './identity.ts';
import { instanceProfiles } from './instance-profile-records.ts';

export async function resourceAccess(arn: string, action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'iam') return undefined;
  const { account, resource } = parsed;
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  if (resource.startsWith('role/')) {
    const role = (await roles.get(house.store, nameKey(account, name)))?.document;
    return role?.arn === arn ? roleFacts(role, account, action) : undefined;
  }
  const found = await taggedThing(house, account, resource, name, arn);
  return found?.arn === arn ? { resourceAccount: account, context: resourceTags(found.tags) } : undefined;
}

type Thing = Readonly<{ arn: string; tags: Tags }>;

async function taggedThing(
  { store }: House,
  account: string,
  resource: string,
  name: string,
  arn: string,
): Promise<Thing | undefined> {
  const [kind = ''] = resource.split('/', 1);
  switch (kind) {
    case 'user':
      return (await users.get(store, nameKey(account, name)))?.document;
    case 'policy':
      return (await managedPolicies.get(store, nameKey(account, policyIdOfArn(arn))))?.document;
    case 'instance-profile':
      return (await instanceProfiles.get(store, nameKey(account, name)))?.document;
    case 'oidc-provider':
      return (await oidcProviders.get(store, oidcProviderKey(account, resource.slice(kind.length + 1))))?.document;
    default:
      return undefined;
  }
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
