/** GetSessionToken: the caller's own rights, for a while. Source: STS API Reference, "GetSessionToken". */
import type { GetSessionTokenRequest, GetSessionTokenResponse } from '@aws-sdk/client-sts';
import { AwsError, type Principal, SECOND_MS } from '../../common/index.ts';
import { operation } from '../index.ts';
import { issueSession } from './sessions.ts';

const USER_DEFAULT_SECONDS = 43_200;
const ROOT_MOST_SECONDS = 3600;

/** No policy is asked: only long-term credentials may call it, and it gives them nothing new. */
export const getSessionToken = operation<GetSessionTokenRequest, GetSessionTokenResponse>({
  authorize: () => [],
  handle: async ({ DurationSeconds, SerialNumber, TokenCode }, call) => {
    const { principal } = call;
    if ((principal.type !== 'User' && principal.type !== 'Root') || principal.temporary !== undefined) {
      throw new AwsError('AccessDeniedException', 'Cannot call GetSessionToken with session credentials', {
        statusCode: 403,
      });
    }
    if (SerialNumber !== undefined || TokenCode !== undefined) {
      throw new AwsError('ValidationError', 'MFA for GetSessionToken is not implemented by Sluice.', {
        statusCode: 400,
      });
    }
    const seconds =
      principal.type === 'Root'
        ? Math.min(DurationSeconds ?? ROOT_MOST_SECONDS, ROOT_MOST_SECONDS)
        : (DurationSeconds ?? USER_DEFAULT_SECONDS);
    const expiresAt = call.now + seconds * SECOND_MS;
    const session: Principal = { ...principal, temporary: { issuedAt: call.now, expiresAt } };
    return { Credentials: await issueSession(call, principal.account, session, expiresAt) };
  },
});
