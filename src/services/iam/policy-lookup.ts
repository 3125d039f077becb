/** Finding managed policies by ARN, and who uses them. */
import {
  groups,
  managedPolicies,
  nameKey,
  type PolicyRecord,
  type Queryable,
  roles,
  users,
} from '../../store/index.ts';
import { awsManagedPolicy } from '../../core/managed-policies/index.ts';
import { policyIdOfArn } from './identity.ts';
import { entityName, type EntityKind, noSuchEntity, validationError } from './records.ts';

/** A policy of the account, locked when `q` is a transaction; undefined when there is none with exactly this ARN. */
export async function ownPolicy(q: Queryable, account: string, arn: string): Promise<PolicyRecord | undefined> {
  const record = (await managedPolicies.getForUpdate(q, nameKey(account, policyIdOfArn(arn))))?.document;
  return record?.arn === arn ? record : undefined;
}

/** Throws NoSuchEntity unless the policy exists and belongs to AWS or this account. */
export async function existingPolicy(q: Queryable, account: string, arn: string): Promise<void> {
  checkArn(arn);
  if (awsManagedPolicy(arn) === undefined && (await ownPolicy(q, account, arn)) === undefined) {
    throw noSuchEntity(`Policy ${arn} does not exist or is not attachable.`);
  }
}

export function checkArn(arn: string): void {
  if (!/^arn:[a-z-]+:iam::(?:\d{12}|aws):policy\/.+$/.test(arn)) throw validationError(`ARN ${arn} is not valid.`);
}

export type PolicyUse = Readonly<{
  kind: EntityKind;
  name: string;
  id: string;
  path: string;
  as: 'policy' | 'boundary';
}>;

/** Every use of every managed policy in the account, by ARN. Few entities per account: a walk is quicker than an index to keep. */
export async function policyUses(q: Queryable, account: string): Promise<ReadonlyMap<string, readonly PolicyUse[]>> {
  const found = new Map<string, PolicyUse[]>();
  const add = (arn: string, use: PolicyUse): void => {
    found.set(arn, [...(found.get(arn) ?? []), use]);
  };
  const entities = [
    ...(await roles.list(q, { account })).map(({ document }) => ({
      kind: 'role' as const,
      id: document.roleId,
      document,
    })),
    ...(await users.list(q, { account })).map(({ document }) => ({
      kind: 'user' as const,
      id: document.userId,
      document,
    })),
    ...(await groups.list(q, { account })).map(({ document }) => ({
      kind: 'group' as const,
      id: document.groupId,
      document,
    })),
  ];
  for (const { kind, id, document } of entities) {
    const use = { kind, name: entityName(document), id, path: document.path };
    for (const arn of document.attached) add(arn, { ...use, as: 'policy' });
    if ('boundary' in document && document.boundary !== undefined) add(document.boundary, { ...use, as: 'boundary' });
  }
  return found;
}
