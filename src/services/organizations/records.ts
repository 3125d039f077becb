/** The records of an organisation, and who may read and write them. */
import type { Root } from '@aws-sdk/client-organizations';
import { AwsError, type EpochMs } from '../../common/index.ts';
import { type AccountRecord, accounts, collection, globalKey, type Queryable, type Tags } from '../../store/index.ts';
import { decodeToken, encodeToken } from '../pages.ts';
import type { Call } from '../index.ts';

export type OrganizationRecord = Readonly<{
  /** `o-` and ten characters. */
  id: string;
  managementAccount: string;
  featureSet: 'ALL' | 'CONSOLIDATED_BILLING';
  /** `r-` and four characters. */
  rootId: string;
  rootTags: Tags;
  /** The policy types that are enabled on the root; absent: none. */
  policyTypes?: readonly ('SERVICE_CONTROL_POLICY' | 'RESOURCE_CONTROL_POLICY')[];
  createdAt: EpochMs;
}>;

export type UnitRecord = Readonly<{
  /** `ou-`, the root's four characters, `-`, eight more. */
  id: string;
  name: string;
  parentId: string;
  organizationId: string;
  tags: Tags;
}>;

export const organizations = collection<OrganizationRecord>('organizations.organization');
/** Listed under their organisation, in order of id. */
export const units = collection<UnitRecord>('organizations.unit');

/** The organisation of the caller's account. Throws AWSOrganizationsNotInUse. */
export async function organizationOf(q: Queryable, call: Call): Promise<OrganizationRecord> {
  const member = (await accounts.get(q, globalKey(call.account)))?.document;
  const organization =
    member === undefined ? undefined : (await organizations.get(q, globalKey(member.organizationId)))?.document;
  if (organization === undefined) {
    throw new AwsError('AWSOrganizationsNotInUseException', 'Your account is not a member of an organization.');
  }
  return organization;
}

/** As `organizationOf`, for what only the management account may do. */
export async function managedOrganization(q: Queryable, call: Call): Promise<OrganizationRecord> {
  const organization = await organizationOf(q, call);
  if (organization.managementAccount !== call.account) {
    throw new AwsError('AccessDeniedException', "You don't have permissions to access this resource.");
  }
  return organization;
}

export async function accountsOf(q: Queryable, organization: OrganizationRecord): Promise<AccountRecord[]> {
  return (await accounts.list(q, { account: '', parent: organization.id })).map(({ document }) => document);
}

export async function unitsOf(q: Queryable, organization: OrganizationRecord): Promise<UnitRecord[]> {
  return (await units.list(q, { account: '', parent: organization.id })).map(({ document }) => document);
}

export async function memberAccount(
  q: Queryable,
  organization: OrganizationRecord,
  accountId: string,
): Promise<AccountRecord> {
  const found = (await accounts.get(q, globalKey(accountId)))?.document;
  if (found?.organizationId !== organization.id) {
    throw new AwsError('AccountNotFoundException', "You specified an account that doesn't exist.");
  }
  return found;
}

export async function unitNamed(q: Queryable, organization: OrganizationRecord, unitId: string): Promise<UnitRecord> {
  const found = (await units.get(q, globalKey(unitId)))?.document;
  if (found?.organizationId !== organization.id) {
    throw new AwsError(
      'OrganizationalUnitNotFoundException',
      "You specified an organizational unit that doesn't exist.",
    );
  }
  return found;
}

/** Is there such a root or unit? */
export async function isParent(q: Queryable, organization: OrganizationRecord, id: string): Promise<boolean> {
  if (id === organization.rootId) return true;
  return (await units.get(q, globalKey(id)))?.document.organizationId === organization.id;
}

export async function requireParent(q: Queryable, organization: OrganizationRecord, id: string): Promise<void> {
  if (await isParent(q, organization, id)) return;
  throw new AwsError('ParentNotFoundException', "You specified a root or OU that doesn't exist.");
}

export function shownRoot(organization: OrganizationRecord): Root {
  return {
    Id: organization.rootId,
    Arn: organizationsArn(organization, 'root', organization.rootId),
    Name: 'Root',
    PolicyTypes: (organization.policyTypes ?? []).map((Type) => ({ Type, Status: 'ENABLED' as const })),
  };
}

export function organizationsArn(organization: OrganizationRecord, kind: string, id?: string): string {
  const tail = id === undefined ? organization.id : `${organization.id}/${id}`;
  return `arn:aws:organizations::${organization.managementAccount}:${kind}/${tail}`;
}

const DEFAULT_RESULTS = 20;

/** A page of a list in memory, in order of `keyOf` (unique). An organisation holds hundreds of things, not millions. */
export function page<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  request: Readonly<{ NextToken?: string | undefined; MaxResults?: number | undefined }>,
): { items: T[]; next: { NextToken?: string } } {
  const refuse = (): AwsError =>
    new AwsError('InvalidInputException', 'You specified an invalid value for NextToken.', {
      fields: { Reason: 'INVALID_NEXT_TOKEN' },
    });
  const after = request.NextToken === undefined ? '' : decodeToken(request.NextToken, refuse)['after'];
  if (typeof after !== 'string') throw refuse();
  const rest = all.filter((item) => keyOf(item) > after).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const items = rest.slice(0, request.MaxResults ?? DEFAULT_RESULTS);
  const last = items[items.length - 1];
  return {
    items,
    next: rest.length > items.length && last !== undefined ? { NextToken: encodeToken({ after: keyOf(last) }) } : {},
  };
}

export function tagsOf(tags: readonly Readonly<{ Key: string | undefined; Value: string | undefined }>[] = []): Tags {
  return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}
