/** The policies of a simulation, each with the name and type by which its result calls it. */
import type { PolicySourceType } from '@aws-sdk/client-iam';
import { AwsError, parseArn } from '../../common/index.ts';
import { awsManagedPolicy } from '../../core/managed-policies/index.ts';
import { parsePolicy, type PolicyKind, validatePolicyDocument } from '../../core/policy/index.ts';
import { type GroupRecord, groups, type Queryable, type RoleRecord, type UserRecord } from '../../store/index.ts';
import { contextKeysOf } from './context-keys.ts';
import { managedDocuments } from './identity.ts';
import { type Entity, type EntityKind, entityNamed, entityName } from './records.ts';

export type SimulatedPolicy = Readonly<{ id: string; type: PolicySourceType; document: string }>;

export type PolicySource = Readonly<{
  kind: EntityKind;
  account: string;
  entity: Entity;
  policies: readonly SimulatedPolicy[];
  boundary: SimulatedPolicy | undefined;
}>;

/** Those that are given as text; throws InvalidInput. */
export function givenPolicies(
  documents: readonly string[] | undefined,
  list: 'PolicyInputList' | 'PermissionsBoundaryPolicyInputList',
): readonly SimulatedPolicy[] {
  return (documents ?? []).map((document, i) => {
    checkPolicy(document, 'identity');
    return { id: `${list}.${i + 1}`, type: 'none', document };
  });
}

export function checkPolicy(document: string, kind: PolicyKind): void {
  const check = validatePolicyDocument(document, kind);
  if (!check.ok) throw invalidInput(check.message);
}

/** Of the user, group or role that the ARN names, with those of a user's groups. Throws NoSuchEntity and InvalidInput. */
export async function policySource(q: Queryable, account: string, arn: string): Promise<PolicySource> {
  const parsed = parseArn(arn);
  const [kindText = ''] = (parsed?.resource ?? '').split('/');
  const kind = (['user', 'group', 'role'] as const).find((each) => each === kindText);
  if (parsed?.service !== 'iam' || kind === undefined) throw invalidInput(`Invalid Entity Arn: ${arn}`);
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  if (parsed.account !== account) throw invalidInput(`Invalid Entity Arn: ${arn} does not belong to this account`);
  const entity = await entityNamed(q, kind, account, name);
  const own = kind === 'user' ? await membershipsOf(q, account, entity as UserRecord) : [];
  const policies: SimulatedPolicy[] = [];
  for (const holder of [entity, ...own]) policies.push(...(await policiesOf(q, account, holder)));
  return { kind, account, entity, policies, boundary: await boundaryOf(q, account, entity) };
}

/** The statements' condition keys and variables, of all together. */
export function requiredContextKeys(policies: readonly Pick<SimulatedPolicy, 'document'>[]): readonly string[] {
  const keys = policies.flatMap(({ document }) => {
    const parsed = parsePolicy(document);
    return parsed === undefined ? [] : contextKeysOf(parsed.statements, parsed.version === '2012-10-17');
  });
  return [...new Map(keys.map((key) => [key.toLowerCase(), key])).values()];
}

async function membershipsOf(q: Queryable, account: string, user: UserRecord): Promise<GroupRecord[]> {
  return (await groups.getMany(q, { account, region: '' }, user.groups)).map(({ document }) => document);
}

async function policiesOf(q: Queryable, account: string, holder: Entity): Promise<SimulatedPolicy[]> {
  const type: EntityKind = 'roleId' in holder ? 'role' : 'userId' in holder ? 'user' : 'group';
  return [
    ...Object.entries(holder.inline).map(([name, document]) => ({
      id: `${type}_${entityName(holder)}_${name}`,
      type,
      document,
    })),
    ...(await attached(q, account, holder.attached)),
  ];
}

async function attached(q: Queryable, account: string, arns: readonly string[]): Promise<SimulatedPolicy[]> {
  return (await managedDocuments(q, account, arns)).map(({ name: arn, document }) => ({
    id: arn.slice(arn.lastIndexOf('/') + 1),
    type: awsManagedPolicy(arn) === undefined ? 'user-managed' : 'aws-managed',
    document,
  }));
}

async function boundaryOf(q: Queryable, account: string, entity: Entity): Promise<SimulatedPolicy | undefined> {
  const { boundary } = entity as RoleRecord | UserRecord;
  if (boundary === undefined) return undefined;
  const [found] = await attached(q, account, [boundary]);
  // As in a decision: a boundary whose policy is gone allows nothing.
  return found ?? { id: boundary, type: 'user-managed', document: '{"Version":"2012-10-17","Statement":[]}' };
}

export function invalidInput(message: string): AwsError {
  return new AwsError('InvalidInputException', message);
}
