/** How IAM's records are addressed, found and shown. */
import { awsManagedPolicy } from '../../core/managed-policies/index.ts';
import { AwsError, type Ids, UPPER_ALPHANUMERIC } from '../../common/index.ts';
import {
  type Collection,
  type GroupRecord,
  groups,
  nameKey,
  type Queryable,
  type RoleRecord,
  roles,
  type Stored,
  type Tags,
  type UserRecord,
  users,
} from '../../store/index.ts';
import type { Call } from '../index.ts';

/** The three that carry policies. */
export type EntityKind = 'role' | 'user' | 'group';
export type Entity = RoleRecord | UserRecord | GroupRecord;

type EntityOf = { role: RoleRecord; user: UserRecord; group: GroupRecord };

const COLLECTIONS: { readonly [K in EntityKind]: Collection<EntityOf[K]> } = {
  role: roles,
  user: users,
  group: groups,
};

export function entities<K extends EntityKind>(kind: K): Collection<EntityOf[K]> {
  return COLLECTIONS[kind];
}

export function entityName(record: Entity): string {
  if ('roleName' in record) return record.roleName;
  return 'userName' in record ? record.userName : record.groupName;
}

/** Locks the row when `q` is a transaction. Throws NoSuchEntity. */
export async function entityForUpdate<K extends EntityKind>(
  q: Queryable,
  kind: K,
  account: string,
  name: string,
): Promise<EntityOf[K]> {
  return present(await COLLECTIONS[kind].getForUpdate(q, nameKey(account, name)), kind, name).document;
}

/** Throws NoSuchEntity. */
export async function entityNamed<K extends EntityKind>(
  q: Queryable,
  kind: K,
  account: string,
  name: string,
): Promise<EntityOf[K]> {
  return present(await COLLECTIONS[kind].get(q, nameKey(account, name)), kind, name).document;
}

export async function saveEntity<K extends EntityKind>(
  q: Queryable,
  kind: K,
  account: string,
  record: EntityOf[K],
): Promise<void> {
  await COLLECTIONS[kind].update(q, nameKey(account, entityName(record)), record);
}

function present<T>(stored: Stored<T> | undefined, kind: EntityKind, name: string): Stored<T> {
  if (stored === undefined) throw noSuchEntity(`The ${kind} with name ${name} cannot be found.`);
  return stored;
}

export function noSuchEntity(message: string): AwsError {
  return new AwsError('NoSuchEntityException', message);
}

export function deleteConflict(what: string): AwsError {
  return new AwsError('DeleteConflictException', `Cannot delete entity, must ${what} first.`);
}

export function quotaExceeded(quota: string, limit: number): AwsError {
  return new AwsError('LimitExceededException', `Cannot exceed quota for ${quota}: ${limit}`);
}

export function validationError(message: string): AwsError {
  return new AwsError('ValidationError', message, { statusCode: 400 });
}

/** `AROA` and the like, with 17 characters. */
export function newUniqueId(ids: Ids, prefix: 'AROA' | 'AIDA' | 'AGPA' | 'AIPA' | 'ANPA'): string {
  return prefix + ids.text(17, UPPER_ALPHANUMERIC);
}

export function iamArn(account: string, kind: string, path: string, name: string): string {
  return `arn:aws:iam::${account}:${kind}${path}${name}`;
}

export function policyNameOf(arn: string): string {
  return awsManagedPolicy(arn)?.policyName ?? arn.slice(arn.lastIndexOf('/') + 1);
}

/** RFC 3986, as IAM's answers carry policy documents. */
export function urlEncoded(document: string): string {
  return encodeURIComponent(document).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export type WireTag = Readonly<{ Key: string | undefined; Value: string | undefined }>;

export function wireTags(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** Answers leave the member out where there are none. */
export function tagsMember(tags: Tags): { Tags?: { Key: string; Value: string }[] } {
  return Object.keys(tags).length === 0 ? {} : { Tags: wireTags(tags) };
}

const MOST_TAGS = 50;

/** Adds or replaces; keys are equal without regard to case. */
export function withTags(tags: Tags, added: readonly WireTag[] | undefined): Tags {
  const folded = new Set<string>();
  for (const { Key = '' } of added ?? []) {
    if (folded.has(Key.toLowerCase())) {
      throw new AwsError(
        'InvalidInputException',
        'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
      );
    }
    if (/^aws:/i.test(Key)) {
      throw new AwsError('InvalidInputException', 'Tag keys beginning with aws: are reserved for system use.');
    }
    folded.add(Key.toLowerCase());
  }
  const kept = Object.entries(tags).filter(([key]) => !folded.has(key.toLowerCase()));
  const all = [...kept, ...(added ?? []).map(({ Key = '', Value = '' }) => [Key, Value] as const)];
  if (all.length > MOST_TAGS) {
    throw new AwsError('LimitExceededException', 'The number of tags has reached the maximum limit.');
  }
  return Object.fromEntries(all);
}

export function withoutTags(tags: Tags, keys: readonly string[] | undefined): Tags {
  const gone = new Set((keys ?? []).map((key) => key.toLowerCase()));
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key.toLowerCase())));
}

/** The role that services keep for themselves cannot be changed by hand. */
export function refuseServiceLinked(role: RoleRecord, call: Call): void {
  if (!role.path.startsWith('/aws-service-role/') || call.principal.type === 'Service') return;
  throw new AwsError(
    'UnmodifiableEntityException',
    `Cannot perform the operation on the protected role '${role.roleName}' - this role is only modifiable by AWS`,
  );
}
