/**
 * Who exists: the records of users, roles, policies and keys. IAM writes them; STS, Organizations and the authorisation
 * of every call read them. They are kept here because those services must agree on the shape, and no service imports
 * another.
 *
 * Names are unique without regard to case within an account, so ids are names in lower case (`nameKey`).
 * IAM is global: region is `''`. Keys and sessions are found by their id alone: account is `''` too.
 */
import { createHmac } from 'node:crypto';
import type { EpochMs, Principal } from '../common/index.ts';
import { collection, type DocumentKey, nextInSequence } from './documents.ts';
import type { Queryable } from './store.ts';

/** Inline policies by name, as JSON text. */
export type InlinePolicies = Readonly<Record<string, string>>;
export type Tags = Readonly<Record<string, string>>;

export type RoleRecord = Readonly<{
  roleName: string;
  /** `AROA...`: a role made anew under the same name has another. */
  roleId: string;
  path: string;
  arn: string;
  createdAt: EpochMs;
  description?: string;
  maxSessionSeconds: number;
  /** The trust policy as it was written. */
  trust: string;
  /** The same, with users and roles of this house replaced by their unique ids: what decides. */
  trustBound: string;
  /** The ARNs that were replaced, with their ids. */
  bound: Readonly<Record<string, string>>;
  inline: InlinePolicies;
  attached: readonly string[];
  boundary?: string;
  tags: Tags;
}>;

export type UserRecord = Readonly<{
  userName: string;
  userId: string;
  path: string;
  arn: string;
  createdAt: EpochMs;
  inline: InlinePolicies;
  attached: readonly string[];
  boundary?: string;
  tags: Tags;
  /** Keys (`nameKey`) of the groups. */
  groups: readonly string[];
}>;

export type GroupRecord = Readonly<{
  groupName: string;
  groupId: string;
  path: string;
  arn: string;
  createdAt: EpochMs;
  inline: InlinePolicies;
  attached: readonly string[];
}>;

export type PolicyVersionRecord = Readonly<{ versionId: string; document: string; createdAt: EpochMs }>;

export type PolicyRecord = Readonly<{
  policyName: string;
  policyId: string;
  path: string;
  arn: string;
  description?: string;
  createdAt: EpochMs;
  updatedAt: EpochMs;
  defaultVersionId: string;
  /** Oldest first; at most five. */
  versions: readonly PolicyVersionRecord[];
  /** The number of the next version: numbers are never used again. */
  nextVersion: number;
  tags: Tags;
}>;

export type AccessKeyRecord = Readonly<{
  accessKeyId: string;
  /** Needed to verify signatures; sealed (`services/identity-secrets.ts`). */
  sealedSecret?: string;
  /** In clear: as written before secrets were sealed, until the next start. */
  secretAccessKey?: string;
  account: string;
  /** Empty: a key of the account's root. */
  userName: string;
  status: 'Active' | 'Inactive';
  createdAt: EpochMs;
}>;

export type SessionRecord = Readonly<{
  accessKeyId: string;
  /** Needed to verify signatures; sealed. The session token is derived from it and not kept. */
  sealedSecret?: string;
  /** In clear: as written before secrets were sealed, until the next start. */
  secretAccessKey?: string;
  principal: Principal;
  expiresAt: EpochMs;
}>;

export type ServiceCredentialRecord = Readonly<{
  credentialId: string;
  account: string;
  userName: string;
  service: string;
  /** `alice-at-111122223333` */
  serviceUserName: string;
  salt: string;
  /** SHA-256 of salt and password, hex. The password has the entropy of a key, so that a slow hash adds nothing. */
  passwordHash: string;
  status: 'Active' | 'Inactive';
  createdAt: EpochMs;
}>;

/** An OpenID Connect provider whose tokens roles of the account may trust. */
export type OidcProviderRecord = Readonly<{
  /** `https://token.actions.githubusercontent.com`, as it was given: what `iss` of a token must be. */
  url: string;
  arn: string;
  clientIds: readonly string[];
  /** SHA-1 of certificates, in lower case. */
  thumbprints: readonly string[];
  createdAt: EpochMs;
  tags: Tags;
}>;

/** An account of this house: the default one, and those that Organizations made. */
export type AccountRecord = Readonly<{
  id: string;
  name: string;
  email: string;
  joinedMethod: 'INVITED' | 'CREATED';
  joinedAt: EpochMs;
  status: 'ACTIVE' | 'SUSPENDED';
  organizationId: string;
  /** The root or unit it is in. */
  parentId: string;
  tags: Tags;
}>;

/** The last use of an access key or a role, kept to the quarter of an hour. */
export type UseRecord = Readonly<{ at: EpochMs; service: string; region: string }>;

export const roles = collection<RoleRecord>('iam.role');
export const users = collection<UserRecord>('iam.user');
export const groups = collection<GroupRecord>('iam.group');
export const managedPolicies = collection<PolicyRecord>('iam.policy');
/** Listed under `account/user key`. */
export const accessKeys = collection<AccessKeyRecord>('iam.access-key');
/** Listed under the hour in which they expire (`sessionHour`), in order of expiry. */
export const sessions = collection<SessionRecord>('sts.session');
/** Listed under `account/user key`. */
export const serviceCredentials = collection<ServiceCredentialRecord>('iam.service-credential');
/** By host and path of the provider's URL (`oidcProviderKey`). */
export const oidcProviders = collection<OidcProviderRecord>('iam.oidc-provider');
/** By account id (account `''`), listed under the organisation. */
export const accounts = collection<AccountRecord>('organizations.account');
/** By access key id (account `''`) or role key. */
export const uses = collection<UseRecord>('iam.use');

export function nameKey(account: string, name: string): DocumentKey {
  return { account, region: '', id: name.toLowerCase() };
}

export function globalKey(id: string): DocumentKey {
  return { account: '', region: '', id };
}

/** `hostAndPath`: the part of the provider's ARN after `oidc-provider/`; paths are told apart by case. */
export function oidcProviderKey(account: string, hostAndPath: string): DocumentKey {
  return { account, region: '', id: hostAndPath };
}

/** What of a provider's URL is in its ARN and before its condition keys: no scheme, no slash at the end. */
export function hostAndPathOf(url: string): string {
  return url.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

export function userParent(account: string, userName: string): string {
  return `${account}/${userName.toLowerCase()}`;
}

export function sessionHour(expiresAt: EpochMs): string {
  return String(Math.floor(expiresAt / 3_600_000));
}

const GENERATION = 'iam.generation';

/** Counts the writes of IAM's, so that several processes learn of each other's. Part of each such transaction. */
export async function bumpIdentityGeneration(q: Queryable): Promise<void> {
  await nextInSequence(q, GENERATION);
}

export async function identityGeneration(q: Queryable): Promise<string> {
  const rows = await q.query<{ value: string }>('SELECT value::text AS value FROM counters WHERE name = $1', [
    GENERATION,
  ]);
  return rows[0]?.value ?? '0';
}

/**
 * The session token of temporary credentials: derived from their secret, so that nothing is kept that could be stolen
 * apart from it, and the same after a restart.
 */
export function sessionTokenOf(accessKeyId: string, secretAccessKey: string): string {
  const part = (i: number): Buffer =>
    createHmac('sha256', secretAccessKey).update(`session ${i} ${accessKeyId}`).digest();
  return `FwoGZXIvYXdzE${Buffer.concat([part(0), part(1), part(2), part(3), part(4), part(5)]).toString('base64')}`;
}
