/** Who a key is, and what its principal may do. Every call asks. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { MINUTE_MS, type Principal } from '../../common/index.ts';
import {
  type AccessKeyRecord,
  accessKeys,
  globalKey,
  type GroupRecord,
  groups,
  managedPolicies,
  nameKey,
  type Queryable,
  roles,
  serviceCredentials,
  sessions,
  sessionTokenOf,
  type Tags,
  type UserRecord,
  users,
  uses,
} from '../../store/index.ts';
import { keptSecret } from '../identity-secrets.ts';
import type { Credentials, House, Identity, PrincipalPolicies } from '../index.ts';
import { awsManagedPolicy } from '../../core/managed-policies/index.ts';
import { known } from './identity-cache.ts';

type Named = Readonly<{ name: string; document: string }>;

export function createIdentity(house: () => House): Identity {
  return {
    credentials: async (accessKeyId, use) => {
      const found = await credentialsOf(house(), accessKeyId);
      if (found !== undefined && use !== undefined) noteUse(house(), accessKeyId, use);
      return found;
    },
    serviceCredentials: (service, userName, password) => byServiceCredential(house(), service, userName, password),
    policiesOf: (principal) => policiesOf(house(), principal),
  };
}

async function credentialsOf(house: House, accessKeyId: string): Promise<Credentials | undefined> {
  const { credentials } = await known(house);
  if (credentials.has(accessKeyId)) return credentials.get(accessKeyId);
  const found = await loadCredentials(house, accessKeyId);
  // An unknown key is not remembered: a caller could fill the memory with names.
  if (found !== undefined) credentials.set(accessKeyId, found);
  return found;
}

async function loadCredentials(house: House, accessKeyId: string): Promise<Credentials | undefined> {
  if (accessKeyId === ROOT_KEY) {
    const account = house.config.defaultAccount;
    return { accessKeyId, secretAccessKey: ROOT_KEY, principal: { type: 'Root', account, arn: rootArn(account) } };
  }
  if (accessKeyId.startsWith('ASIA')) {
    const session = (await sessions.get(house.store, globalKey(accessKeyId)))?.document;
    if (session === undefined) return undefined;
    const { expiresAt } = session;
    const principal = await alive(house, session.principal);
    if (principal === undefined) return undefined;
    const secretAccessKey = keptSecret(house, accessKeyId, session);
    return {
      accessKeyId,
      secretAccessKey,
      sessionToken: sessionTokenOf(accessKeyId, secretAccessKey),
      expiresAt,
      principal,
    };
  }
  const key = (await accessKeys.get(house.store, globalKey(accessKeyId)))?.document;
  if (key === undefined || key.status !== 'Active') return undefined;
  const principal = await ownerOf(house, key);
  return principal && { accessKeyId, secretAccessKey: keptSecret(house, accessKeyId, key), principal };
}

async function ownerOf(house: House, key: AccessKeyRecord): Promise<Principal | undefined> {
  const { account, userName } = key;
  if (userName === '') return { type: 'Root', account, arn: rootArn(account) };
  const user = (await users.get(house.store, nameKey(account, userName)))?.document;
  return user && userPrincipal(account, user);
}

/**
 * The sessions of a role or user end with it: their keys are known no more. Those of a key that was deactivated or deleted
 * go on until they expire; a user's policies, or a condition on `aws:TokenIssueTime`, cut them off. A user who was renamed
 * goes on under the new name.
 * Source: IAM User Guide, "Disabling permissions for temporary security credentials".
 */
async function alive({ store }: House, principal: Principal): Promise<Principal | undefined> {
  switch (principal.type) {
    case 'AssumedRole': {
      const role = (await roles.get(store, nameKey(principal.account, principal.roleName)))?.document;
      return role?.roleId === principal.roleId ? principal : undefined;
    }
    case 'User': {
      const user = await userById(store, principal.account, principal.userName, principal.userId);
      return user && { ...principal, userName: user.userName, arn: user.arn };
    }
    case 'FederatedUser': {
      if (principal.userId === undefined) return principal;
      const name = principal.userArn.slice(principal.userArn.lastIndexOf('/') + 1);
      const user = await userById(store, principal.account, name, principal.userId);
      return user && { ...principal, userArn: user.arn };
    }
    default:
      return principal;
  }
}

/** `name` is what the user was called; all are looked through only where nobody of that name is the one. */
async function userById(q: Queryable, account: string, name: string, id: string): Promise<UserRecord | undefined> {
  const user = (await users.get(q, nameKey(account, name)))?.document;
  if (user?.userId === id) return user;
  return (await users.list(q, { account })).map(({ document }) => document).find(({ userId }) => userId === id);
}

/** The root key of the first account. The listener takes it from this machine only. */
const ROOT_KEY = 'test';

function rootArn(account: string): string {
  return `arn:aws:iam::${account}:root`;
}

function userPrincipal(account: string, user: UserRecord): Principal {
  return { type: 'User', account, arn: user.arn, userName: user.userName, userId: user.userId };
}

async function byServiceCredential(
  house: House,
  service: string,
  userName: string,
  password: string,
): Promise<Principal | undefined> {
  const credential = (await serviceCredentials.get(house.store, globalKey(`${service}/${userName}`)))?.document;
  if (credential === undefined || credential.status !== 'Active') return undefined;
  const given = createHash('sha256').update(credential.salt).update(password).digest();
  if (!timingSafeEqual(given, Buffer.from(credential.passwordHash, 'hex'))) return undefined;
  const user = (await users.get(house.store, nameKey(credential.account, credential.userName)))?.document;
  return user && userPrincipal(credential.account, user);
}

async function policiesOf(house: House, principal: Principal): Promise<PrincipalPolicies> {
  if (principal.type === 'User') {
    return remembered(house, `user ${principal.account} ${principal.userId} ${principal.userName}`, (q) =>
      userPolicies(q, principal),
    );
  }
  if (principal.type === 'FederatedUser') {
    const { account, userArn, userId } = principal;
    if (userId === undefined) return withSession(NOTHING, principal);
    const userName = userArn.slice(userArn.lastIndexOf('/') + 1);
    const name = `user ${account} ${userId} ${userName}`;
    return withSession(await remembered(house, name, (q) => userPolicies(q, { account, userId, userName })), principal);
  }
  if (principal.type !== 'AssumedRole') return { identity: [] };
  const policies = await remembered(house, `role ${principal.account} ${principal.roleId} ${principal.roleName}`, (q) =>
    rolePolicies(q, principal),
  );
  return withSession(policies, principal);
}

async function remembered(
  house: House,
  name: string,
  load: (q: Queryable) => Promise<PrincipalPolicies>,
): Promise<PrincipalPolicies> {
  const { policies } = await known(house);
  const found = policies.get(name);
  if (found !== undefined) return found;
  const loaded = await load(house.store);
  policies.set(name, loaded);
  return loaded;
}

/** A role or user that is gone, or made anew under the same name, leaves its old sessions and keys with nothing. */
const NOTHING: PrincipalPolicies = { identity: [] };

async function rolePolicies(
  q: Queryable,
  principal: Extract<Principal, { type: 'AssumedRole' }>,
): Promise<PrincipalPolicies> {
  const role = (await roles.get(q, nameKey(principal.account, principal.roleName)))?.document;
  if (role === undefined || role.roleId !== principal.roleId) return NOTHING;
  return {
    identity: [
      ...inlineOf(role.inline, `on role ${role.roleName}`),
      ...(await managedDocuments(q, principal.account, role.attached)),
    ],
    ...(await boundaryOf(q, principal.account, role.boundary)),
    tags: role.tags,
  };
}

async function userPolicies(
  q: Queryable,
  principal: Readonly<{ account: string; userId: string; userName: string }>,
): Promise<PrincipalPolicies> {
  const { account } = principal;
  const user = (await users.get(q, nameKey(account, principal.userName)))?.document;
  if (user === undefined || user.userId !== principal.userId) return NOTHING;
  const memberships: GroupRecord[] = (await groups.getMany(q, { account, region: '' }, user.groups)).map(
    (group) => group.document,
  );
  const attached = [...new Set([...user.attached, ...memberships.flatMap((group) => group.attached)])];
  return {
    identity: [
      ...inlineOf(user.inline, `on user ${user.userName}`),
      ...memberships.flatMap((group) => inlineOf(group.inline, `on group ${group.groupName}`)),
      ...(await managedDocuments(q, account, attached)),
    ],
    ...(await boundaryOf(q, account, user.boundary)),
    tags: user.tags,
  };
}

function inlineOf(inline: Readonly<Record<string, string>>, where: string): Named[] {
  return Object.entries(inline).map(([name, document]) => ({ name: `${name} ${where}`, document }));
}

/** The default versions of managed policies, of AWS or the account, by ARN; of those that exist. */
export async function managedDocuments(q: Queryable, account: string, arns: readonly string[]): Promise<Named[]> {
  const ids = arns.filter((arn) => awsManagedPolicy(arn) === undefined).map(policyIdOfArn);
  const own = new Map(
    (await managedPolicies.getMany(q, { account, region: '' }, ids)).map(({ document: policy }) => [
      policy.arn,
      policy.versions.find((version) => version.versionId === policy.defaultVersionId)?.document,
    ]),
  );
  return arns.flatMap((arn) => {
    const document = awsManagedPolicy(arn)?.document ?? own.get(arn);
    return document === undefined ? [] : [{ name: arn, document }];
  });
}

/** A boundary whose policy is gone allows nothing: it must not fall away with it. */
async function boundaryOf(
  q: Queryable,
  account: string,
  arn: string | undefined,
): Promise<{ boundary: Named } | undefined> {
  if (arn === undefined) return undefined;
  const [found] = await managedDocuments(q, account, [arn]);
  return { boundary: found ?? { name: arn, document: '{"Version":"2012-10-17","Statement":[]}' } };
}

export function policyIdOfArn(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1).toLowerCase();
}

/** Session tags override the role's or user's tags of the same key, whatever its case. */
function withSession(
  policies: PrincipalPolicies,
  principal: Extract<Principal, { type: 'AssumedRole' | 'FederatedUser' }>,
): PrincipalPolicies {
  const { sessionPolicies, sessionTags } = principal;
  if (sessionPolicies === undefined && sessionTags === undefined) return policies;
  return {
    ...policies,
    ...(sessionPolicies === undefined
      ? {}
      : { session: sessionPolicies.map((document, i) => ({ name: `session policy ${i + 1}`, document })) }),
    ...(sessionTags === undefined ? {} : { tags: overridden(policies.tags ?? {}, sessionTags) }),
  };
}

function overridden(tags: Tags, sessionTags: Tags): Tags {
  const keys = new Set(Object.keys(sessionTags).map((key) => key.toLowerCase()));
  return {
    ...Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.has(key.toLowerCase()))),
    ...sessionTags,
  };
}

const USE_EVERY_MS = 15 * MINUTE_MS;
const lastUses = new WeakMap<House, Map<string, number>>();

/** Remembers the use of a long-term key, one write in a quarter of an hour; AWS is no more exact. */
function noteUse(house: House, accessKeyId: string, use: Readonly<{ service: string; region: string }>): void {
  if (!accessKeyId.startsWith('AKIA')) return;
  let noted = lastUses.get(house);
  if (noted === undefined) lastUses.set(house, (noted = new Map()));
  const now = house.clock.now();
  const last = noted.get(accessKeyId);
  if (last !== undefined && now - last < USE_EVERY_MS) return;
  noted.set(accessKeyId, now);
  const done = house.engine.beginActivity('Plumbing');
  void uses
    .put(house.store, globalKey(accessKeyId), { at: now, service: use.service, region: use.region })
    .catch((error: unknown) => house.log.warn('the use of an access key could not be noted', { error: String(error) }))
    .finally(done);
}
