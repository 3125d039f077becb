/**
 * What the operations of Organizations need to be allowed, and what it knows of its resources.
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Organizations"; Organizations
 * User Guide, "Attaching organization policies" (both the policy and its target are asked).
 */
import { type AccessRequest, parseArn } from '../../common/index.ts';
import { accounts, globalKey, type Queryable, type Tags } from '../../store/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { Call, House, ResourceFacts } from '../index.ts';
import { CONTROL_POLICY_TYPES, fullAccessPolicy, policies, policyArn, type PolicyRecord } from './policy-records.ts';
import { type OrganizationRecord, organizations, units } from './records.ts';

/** On a root, unit, account or policy, by its id. */
export async function onOrganization(
  call: Call,
  action: string,
  id: string | undefined,
): Promise<readonly AccessRequest[]> {
  const q = call.house.store;
  const organization = await organizationAt(q, call.account);
  const policy = id?.startsWith('p-') === true ? await policyNamed(q, id) : undefined;
  return [
    {
      action: `organizations:${action}`,
      resource: arnOf(organization, call.account, id ?? '', policy),
      ...(policy === undefined ? {} : { context: { 'organizations:PolicyType': policy.type } }),
    },
  ];
}

/** On several, each by its id. */
export async function onEach(
  call: Call,
  action: string,
  ids: readonly (string | undefined)[],
): Promise<readonly AccessRequest[]> {
  const context: Record<string, string | readonly string[]> = {};
  const requests = (await Promise.all(ids.map((id) => onOrganization(call, action, id)))).flat();
  for (const request of requests) Object.assign(context, request.context);
  return requests.map((request) => ({ ...request, context }));
}

/** On a policy that does not exist yet: any of its type. */
export async function onPolicyType(
  call: Call,
  action: string,
  type: string | undefined,
): Promise<readonly AccessRequest[]> {
  const organization = await organizationAt(call.house.store, call.account);
  const kind = type?.toLowerCase() ?? '*';
  return [
    {
      action: `organizations:${action}`,
      resource: `${stem(organization, call.account, 'policy')}/${kind}/p-*`,
    },
  ];
}

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'organizations') return undefined;
  const [kind, organizationId = '', ...rest] = parsed.resource.split('/');
  const organization = (await organizations.get(house.store, globalKey(organizationId)))?.document;
  const id = rest[rest.length - 1] ?? '';
  if (organization === undefined) return undefined;
  const tags = await tagsOf(house.store, kind ?? '', organization, id);
  return tags && { resourceAccount: organization.managementAccount, context: resourceTagKeys(tags) };
}

async function tagsOf(
  q: Queryable,
  kind: string,
  organization: OrganizationRecord,
  id: string,
): Promise<Tags | undefined> {
  switch (kind) {
    case 'root':
      return id === organization.rootId ? organization.rootTags : undefined;
    case 'ou':
      return (await units.get(q, globalKey(id)))?.document.tags;
    case 'account':
      return (await accounts.get(q, globalKey(id)))?.document.tags;
    case 'policy':
      return (await policyNamed(q, id))?.tags;
    default:
      return undefined;
  }
}

async function organizationAt(q: Queryable, account: string): Promise<OrganizationRecord | undefined> {
  const member = (await accounts.get(q, globalKey(account)))?.document;
  return member && (await organizations.get(q, globalKey(member.organizationId)))?.document;
}

async function policyNamed(q: Queryable, id: string): Promise<PolicyRecord | undefined> {
  const managed = CONTROL_POLICY_TYPES.map(fullAccessPolicy).find((policy) => policy.id === id);
  return managed ?? (await policies.get(q, globalKey(id)))?.document;
}

function arnOf(
  organization: OrganizationRecord | undefined,
  account: string,
  id: string,
  policy: PolicyRecord | undefined,
): string {
  if (organization !== undefined && policy !== undefined) return policyArn(organization, policy);
  if (id.startsWith('p-')) return `${stem(organization, account, 'policy')}/*/${id}`;
  if (id.startsWith('r-')) return `${stem(organization, account, 'root')}/${id}`;
  if (id.startsWith('ou-')) return `${stem(organization, account, 'ou')}/${id}`;
  return /^\d{12}$/.test(id) ? `${stem(organization, account, 'account')}/${id}` : '*';
}

function stem(organization: OrganizationRecord | undefined, account: string, kind: string): string {
  return `arn:aws:organizations::${organization?.managementAccount ?? account}:${kind}/${organization?.id ?? '*'}`;
}
