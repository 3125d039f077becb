/**
 * AssumeRole: the role's trust policy decides, with the caller's own policies where it delegates or where accounts differ.
 * Sources: STS API Reference, "AssumeRole"; IAM User Guide, "Roles terms and concepts" (role chaining), "Monitor and
 * control actions taken with assumed roles" (source identity), "Pass session tags".
 */
import type { AssumeRoleRequest, AssumeRoleResponse } from '@aws-sdk/client-sts';
import { type AccessRequest, AwsError, type Principal } from '../../common/index.ts';
import type { RoleRecord, Tags } from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { DEFAULT_SECONDS, roleOf, secondsOf, startRoleSession, trustRequest } from './role-sessions.ts';
import { sessionTags, tagContext } from './session-policies.ts';

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
    const own = sessionTags(input.Tags);
    const inherited = inheritedTags(call.principal, own);
    const made = await startRoleSession(call, role, {
      name: RoleSessionName,
      seconds: duration(call.principal, role, DurationSeconds),
      policy: Policy,
      policyArns: PolicyArns,
      passedTags: own,
      tags: { ...own, ...inherited },
      transitiveTagKeys: [...(input.TransitiveTagKeys ?? []), ...Object.keys(inherited)],
      sourceIdentity: sourceIdentityOf(call.principal, input.SourceIdentity),
    });
    return made.answer;
  },
});

/** Tags and source identity, passed or inherited, are permissions of their own. */
function accessRequests(
  input: AssumeRoleRequest,
  roleArn: string,
  role: RoleRecord | undefined,
  call: Call,
): readonly AccessRequest[] {
  const tags = input.Tags ?? [];
  const transitive = input.TransitiveTagKeys ?? [];
  const inherits = Object.keys(transitiveTags(call.principal)).length > 0;
  const sourceIdentity = sourceIdentityOf(call.principal, input.SourceIdentity);
  const context: Record<string, string | readonly string[]> = { 'sts:RoleSessionName': input.RoleSessionName ?? '' };
  if (input.ExternalId !== undefined) context['sts:ExternalId'] = input.ExternalId;
  if (input.DurationSeconds !== undefined) context['sts:DurationSeconds'] = String(input.DurationSeconds);
  if (sourceIdentity !== undefined) context['sts:SourceIdentity'] = sourceIdentity;
  if (transitive.length > 0) context['sts:TransitiveTagKeys'] = transitive;
  Object.assign(context, tagContext(tags));
  const actions = [
    'sts:AssumeRole',
    ...(tags.length > 0 || transitive.length > 0 || inherits ? ['sts:TagSession'] : []),
    ...(sourceIdentity === undefined ? [] : ['sts:SetSourceIdentity']),
  ];
  const { principal } = call;
  const isSelf = principal.type === 'AssumedRole' && role !== undefined && principal.roleId === role.roleId;
  const asked = isSelf ? { ...role, trustBound: withoutOwnAccount(role.trustBound, principal.account) } : role;
  return actions.map((action) => trustRequest(action, roleArn, asked, context));
}

/**
 * A role that assumes itself must be named by its own trust policy: that its account is, is not enough.
 * Source: AWS Security Blog, "Announcing an update to IAM role trust policy behavior".
 */
function withoutOwnAccount(trust: string, account: string): string {
  const { Statement, ...rest } = JSON.parse(trust) as { Statement: unknown };
  const statements = (Array.isArray(Statement) ? Statement : [Statement]) as Record<string, unknown>[];
  const isOwn = (name: unknown): boolean => name === account || name === `arn:aws:iam::${account}:root`;
  const named = statements.map((statement) => {
    const { AWS: aws, ...others } = (statement['Principal'] ?? {}) as Record<string, unknown>;
    if (statement['Effect'] !== 'Allow' || aws === undefined) return statement;
    const names = (Array.isArray(aws) ? (aws as unknown[]) : [aws]).filter((name) => !isOwn(name));
    return { ...statement, Principal: { ...others, AWS: names } };
  });
  return JSON.stringify({ ...rest, Statement: named });
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
  return secondsOf(role, seconds);
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

function notImplemented(what: string): AwsError {
  return new AwsError('ValidationError', `${what} for AssumeRole is not implemented by Sluice.`, { statusCode: 400 });
}
