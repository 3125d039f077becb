/** What AssumeRole and AssumeRoleWithWebIdentity share: the role, what its trust is asked, and the session that is made of it. */
import type { AssumeRoleResponse, PolicyDescriptorType } from '@aws-sdk/client-sts';
import {
  type AccessRequest,
  AwsError,
  MINUTE_MS,
  parseArn,
  type Principal,
  type RequestContext,
  SECOND_MS,
} from '../../common/index.ts';
import { globalKey, nameKey, type RoleRecord, roles, type Tags, uses } from '../../store/index.ts';
import type { Call, House } from '../index.ts';
import { packedSize, sessionPolicies } from './session-policies.ts';
import { issueSession } from './sessions.ts';

export const DEFAULT_SECONDS = 3600;

export type RoleSession = Readonly<{
  name: string;
  seconds: number;
  policy: string | undefined;
  policyArns: readonly PolicyDescriptorType[] | undefined;
  /** Passed with this call; for the packed size. */
  passedTags: Tags;
  /** With those that came down the chain. */
  tags: Tags;
  transitiveTagKeys: readonly string[];
  sourceIdentity: string | undefined;
  federated?: Pick<Extract<Principal, { type: 'AssumedRole' }>, 'federatedProvider' | 'federatedContext'>;
}>;

/** The call is allowed, and its durations and tags are checked. */
export async function startRoleSession(
  call: Call,
  role: RoleRecord,
  session: RoleSession,
): Promise<{ answer: AssumeRoleResponse }> {
  const { name, tags, sourceIdentity } = session;
  const account = parseArn(role.arn)?.account ?? call.account;
  const policies = await sessionPolicies(call.house.store, account, session.policy, session.policyArns);
  const packed = packedSize(session.policy, session.policyArns, session.passedTags);
  const transitive = [...new Set(session.transitiveTagKeys)];
  const principal: Principal = {
    type: 'AssumedRole',
    account,
    arn: `arn:aws:sts::${account}:assumed-role/${role.roleName}/${name}`,
    roleArn: role.arn,
    roleName: role.roleName,
    roleId: role.roleId,
    sessionName: name,
    ...(policies === undefined ? {} : { sessionPolicies: policies }),
    ...(Object.keys(tags).length === 0 ? {} : { sessionTags: tags }),
    ...(transitive.length === 0 ? {} : { transitiveTagKeys: transitive }),
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    ...session.federated,
    issuedAt: call.now,
    expiresAt: call.now + session.seconds * SECOND_MS,
  };
  const credentials = await issueSession(call, account, principal, principal.expiresAt);
  await noteUse(call, role);
  return {
    answer: {
      Credentials: credentials,
      AssumedRoleUser: { AssumedRoleId: `${role.roleId}:${name}`, Arn: principal.arn },
      ...(packed === undefined ? {} : { PackedPolicySize: packed }),
      ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
    },
  };
}

/** What the trust policy of the role is asked. */
export function trustRequest(
  action: string,
  roleArn: string,
  role: RoleRecord | undefined,
  context: RequestContext,
): AccessRequest {
  const resourceTags = Object.entries(role?.tags ?? {}).map(([key, value]) => [`aws:ResourceTag/${key}`, value]);
  return {
    action,
    resource: roleArn,
    resourceAccount: parseArn(roleArn)?.account ?? '',
    // A role that does not exist trusts nobody, and is denied in the same words.
    resourcePolicies: role === undefined ? [] : [{ name: `trust policy of ${roleArn}`, document: role.trustBound }],
    resourcePolicyMode: 'Only',
    context: { ...(Object.fromEntries(resourceTags) as RequestContext), ...context },
  };
}

/** Authorising and performing are one call: the role is read once. */
const rolesOfCalls = new WeakMap<Call, RoleRecord | undefined>();

export async function roleOf(call: Call, roleArn: string): Promise<RoleRecord | undefined> {
  if (rolesOfCalls.has(call)) return rolesOfCalls.get(call);
  const arn = parseArn(roleArn);
  if (arn?.service !== 'iam' || !/^\d{12}$/.test(arn.account) || !/^role\/./.test(arn.resource)) {
    throw new AwsError('ValidationError', `${roleArn} is invalid`, { statusCode: 400 });
  }
  const name = roleArn.slice(roleArn.lastIndexOf('/') + 1);
  const role = (await roles.get(call.house.store, nameKey(arn.account, name)))?.document;
  const found = role?.arn === roleArn ? role : undefined;
  rolesOfCalls.set(call, found);
  return found;
}

export function secondsOf(role: RoleRecord, seconds: number): number {
  if (seconds > role.maxSessionSeconds) {
    throw new AwsError(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
      { statusCode: 400 },
    );
  }
  return seconds;
}

const USE_EVERY_MS = 15 * MINUTE_MS;
const lastUses = new WeakMap<House, Map<string, number>>();

/** For `RoleLastUsed`: one write in a quarter of an hour. */
async function noteUse(call: Call, role: RoleRecord): Promise<void> {
  let noted = lastUses.get(call.house);
  if (noted === undefined) lastUses.set(call.house, (noted = new Map()));
  const last = noted.get(role.roleId);
  if (last !== undefined && call.now - last < USE_EVERY_MS) return;
  noted.set(role.roleId, call.now);
  await uses.put(call.house.store, globalKey(role.roleId), { at: call.now, service: 'sts', region: call.region });
}
