/**
 * AssumeRole: the role's trust policy decides, with the caller's own policies where it delegates or where accounts differ.
 * Sources: STS API Reference, "AssumeRole"; IAM User Guide, "Roles terms and concepts" (role chaining), "Monitor and
 * control actions taken with assumed roles" (source identity), "Pass session tags".
 */
import type { AssumeRoleRequest, AssumeRoleResponse } from '@aws-sdk/client-sts';
import { type AccessRequest, AwsError, MINUTE_MS, parseArn, type Principal, SECOND_MS } from '../../common/index.ts';
import { globalKey, nameKey, type RoleRecord, roles, type Tags, uses } from '../../store/index.ts';
import { type Call, type House, operation } from '../index.ts';
import { packedSize, sessionPolicies, sessionTags } from './session-policies.ts';
import { issueSession } from './sessions.ts';

const DEFAULT_SECONDS = 3600;
const CHAINED_SECONDS = 3600;

export const assumeRole = operation<AssumeRoleRequest, AssumeRoleResponse>({
  authorize: async (input, call) => {
    if (call.principal.type === 'Root') {
      throw new AwsError('AccessDeniedException', 'Roles may not be assumed by root accounts.', { statusCode: 403 });
    }
    // Without a role there is nothing to allow; the model's constraints refuse the call next.
    if (typeof input.RoleArn !== 'string') return [];
    return accessRequests(input, input.RoleArn, await roleOf(call, input.RoleArn), call);
  },
  handle: async (input, call) => {
    const { RoleArn = '', RoleSessionName = '', Policy, PolicyArns, DurationSeconds } = input;
    if (input.SerialNumber !== undefined || input.TokenCode !== undefined) throw notImplemented('MFA');
    if ((input.ProvidedContexts?.length ?? 0) > 0) throw notImplemented('ProvidedContexts');
    const role = await roleOf(call, RoleArn);
    if (role === undefined)
      throw new AwsError('AccessDeniedException', `Role ${RoleArn} is gone.`, { statusCode: 403 });
    const account = parseArn(role.arn)?.account ?? call.account;
    const seconds = duration(call.principal, role, DurationSeconds);
    const own = sessionTags(input.Tags);
    const inherited = inheritedTags(call.principal, own);
    const policies = await sessionPolicies(call.house.store, account, Policy, PolicyArns);
    const packed = packedSize(Policy, PolicyArns, own);
    const sourceIdentity = sourceIdentityOf(call.principal, input.SourceIdentity);
    const tags = { ...own, ...inherited };
    const transitive = [...new Set([...(input.TransitiveTagKeys ?? []), ...Object.keys(inherited)])];
    const principal: Principal = {
      type: 'AssumedRole',
      account,
      arn: `arn:aws:sts::${account}:assumed-role/${role.roleName}/${RoleSessionName}`,
      roleArn: role.arn,
      roleName: role.roleName,
      roleId: role.roleId,
      sessionName: RoleSessionName,
      ...(policies === undefined ? {} : { sessionPolicies: policies }),
      ...(Object.keys(tags).length === 0 ? {} : { sessionTags: tags }),
      ...(transitive.length === 0 ? {} : { transitiveTagKeys: transitive }),
      ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
      issuedAt: call.now,
      expiresAt: call.now + seconds * SECOND_MS,
    };
    const credentials = await issueSession(call, account, principal, principal.expiresAt);
    await noteUse(call, role);
    return {
      Credentials: credentials,
      AssumedRoleUser: { AssumedRoleId: `${role.roleId}:${RoleSessionName}`, Arn: principal.arn },
      ...(packed === undefined ? {} : { PackedPolicySize: packed }),
      ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
    };
  },
});

/** Tags and source identity, passed or inherited, are permissions of their own. */
function accessRequests(
  input: AssumeRoleRequest,
  roleArn: string,
  role: RoleRecord | undefined,
  call: Call,
): readonly AccessRequest[] {
  const resourceAccount = parseArn(roleArn)?.account ?? call.account;
  const tags = input.Tags ?? [];
  const transitive = input.TransitiveTagKeys ?? [];
  const inherits = Object.keys(transitiveTags(call.principal)).length > 0;
  const sourceIdentity = sourceIdentityOf(call.principal, input.SourceIdentity);
  const context: Record<string, string | readonly string[]> = { 'sts:RoleSessionName': input.RoleSessionName ?? '' };
  if (input.ExternalId !== undefined) context['sts:ExternalId'] = input.ExternalId;
  if (input.DurationSeconds !== undefined) context['sts:DurationSeconds'] = String(input.DurationSeconds);
  if (sourceIdentity !== undefined) context['sts:SourceIdentity'] = sourceIdentity;
  if (transitive.length > 0) context['sts:TransitiveTagKeys'] = transitive;
  if (tags.length > 0) context['aws:TagKeys'] = tags.map(({ Key = '' }) => Key);
  for (const { Key = '', Value = '' } of tags) context[`aws:RequestTag/${Key}`] = Value;
  for (const [key, value] of Object.entries(role?.tags ?? {})) context[`aws:ResourceTag/${key}`] = value;
  const actions = [
    'sts:AssumeRole',
    ...(tags.length > 0 || transitive.length > 0 || inherits ? ['sts:TagSession'] : []),
    ...(sourceIdentity === undefined ? [] : ['sts:SetSourceIdentity']),
  ];
  return actions.map((action) => ({
    action,
    resource: roleArn,
    resourceAccount,
    // A role that does not exist trusts nobody, and is denied in the same words.
    resourcePolicies: role === undefined ? [] : [{ name: `trust policy of ${roleArn}`, document: role.trustBound }],
    resourcePolicyMode: 'Only' as const,
    context,
  }));
}

/** Authorising and performing are one call: the role is read once. */
const rolesOfCalls = new WeakMap<Call, RoleRecord | undefined>();

async function roleOf(call: Call, roleArn: string): Promise<RoleRecord | undefined> {
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

function duration(principal: Principal, role: RoleRecord, asked: number | undefined): number {
  const seconds = asked ?? DEFAULT_SECONDS;
  if (principal.type === 'AssumedRole' && seconds > CHAINED_SECONDS) {
    throw new AwsError(
      'ValidationError',
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
      { statusCode: 400 },
    );
  }
  if (seconds > role.maxSessionSeconds) {
    throw new AwsError(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
      { statusCode: 400 },
    );
  }
  return seconds;
}

function transitiveTags(principal: Principal): Tags {
  if (principal.type !== 'AssumedRole') return {};
  const keys = new Set(principal.transitiveTagKeys?.map((key) => key.toLowerCase()));
  return Object.fromEntries(Object.entries(principal.sessionTags ?? {}).filter(([key]) => keys.has(key.toLowerCase())));
}

/** Transitive tags pass down the chain and cannot be overridden. */
function inheritedTags(principal: Principal, own: Tags): Tags {
  const inherited = transitiveTags(principal);
  const keys = new Set(Object.keys(inherited).map((key) => key.toLowerCase()));
  if (Object.keys(own).some((key) => keys.has(key.toLowerCase()))) {
    throw new AwsError(
      'InvalidParameterValue',
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
      { statusCode: 400 },
    );
  }
  return inherited;
}

/** Once set, it stays down the chain. */
function sourceIdentityOf(principal: Principal, given: string | undefined): string | undefined {
  const inherited = principal.type === 'AssumedRole' ? principal.sourceIdentity : undefined;
  if (inherited !== undefined && given !== undefined && inherited !== given) {
    throw new AwsError('ValidationError', 'SourceIdentity cannot be changed once it is set in a session.', {
      statusCode: 400,
    });
  }
  return inherited ?? given;
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

function notImplemented(what: string): AwsError {
  return new AwsError('ValidationError', `${what} for AssumeRole is not implemented by Sluice.`, { statusCode: 400 });
}
