/**
 * GetFederationToken: a user's rights for somebody else, within what the session policies allow; nothing without one.
 * Source: STS API Reference, "GetFederationToken"; IAM User Guide, "Permissions for GetFederationToken".
 */
import type { GetFederationTokenRequest, GetFederationTokenResponse } from '@aws-sdk/client-sts';
import { type AccessRequest, AwsError, type Principal, SECOND_MS } from '../../common/index.ts';
import { type Call, operation } from '../index.ts';
import { packedSize, sessionPolicies, sessionTags, tagContext } from './session-policies.ts';
import { issueSession } from './sessions.ts';

const DEFAULT_SECONDS = 43_200;
const ROOT_MOST_SECONDS = 3600;

export const getFederationToken = operation<GetFederationTokenRequest, GetFederationTokenResponse>({
  authorize: ({ Name, Tags }, call) => {
    // Who has not signed is told so.
    if (call.principal.type === 'Anonymous') return [];
    const resource = sessionArn(longTerm(call.principal).account, typeof Name === 'string' ? Name : '*');
    const context = tagContext(Tags);
    const requests: AccessRequest[] = [{ action: 'sts:GetFederationToken', resource, context }];
    if ((Tags?.length ?? 0) > 0) requests.push({ action: 'sts:TagSession', resource, context });
    return requests;
  },
  handle: async ({ Name = '', Policy, PolicyArns, DurationSeconds, Tags }, call) => {
    const user = longTerm(call.principal);
    const tags = sessionTags(Tags);
    const policies = await sessionPolicies(call.house.store, user.account, Policy, PolicyArns);
    const packed = packedSize(Policy, PolicyArns, tags);
    const expiresAt = call.now + secondsOf(user, DurationSeconds) * SECOND_MS;
    const principal: Principal = {
      type: 'FederatedUser',
      account: user.account,
      arn: sessionArn(user.account, Name),
      name: Name,
      userArn: user.arn,
      ...(user.type === 'User' ? { userId: user.userId } : {}),
      ...(policies === undefined ? {} : { sessionPolicies: policies }),
      ...(Object.keys(tags).length === 0 ? {} : { sessionTags: tags }),
      issuedAt: call.now,
      expiresAt,
    };
    return {
      Credentials: await issueSession(call, user.account, principal, expiresAt),
      FederatedUser: { FederatedUserId: `${user.account}:${Name}`, Arn: principal.arn },
      ...(packed === undefined ? {} : { PackedPolicySize: packed }),
    };
  },
});

type LongTerm = Extract<Principal, { type: 'User' | 'Root' }>;

function longTerm(principal: Call['principal']): LongTerm {
  if ((principal.type === 'User' || principal.type === 'Root') && principal.temporary === undefined) return principal;
  throw new AwsError('AccessDeniedException', 'Cannot call GetFederationToken with session credentials', {
    statusCode: 403,
  });
}

/** The root's sessions last an hour at most, however long was asked for. */
function secondsOf(user: LongTerm, asked: number | undefined): number {
  if (user.type === 'User') return asked ?? DEFAULT_SECONDS;
  return Math.min(asked ?? ROOT_MOST_SECONDS, ROOT_MOST_SECONDS);
}

function sessionArn(account: string, name: string): string {
  return `arn:aws:sts::${account}:federated-user/${name}`;
}
