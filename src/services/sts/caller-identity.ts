/** Who is calling, and whose a key is. Source: STS API Reference, "GetCallerIdentity", "GetAccessKeyInfo". */
import type { GetAccessKeyInfoRequest, GetAccessKeyInfoResponse, GetCallerIdentityResponse } from '@aws-sdk/client-sts';
import { accountOfAccessKeyId, AwsError, type Principal } from '../../common/index.ts';
import { operation } from '../index.ts';

/** Needs no permission, and no policy can deny it. */
export const getCallerIdentity = operation<object, GetCallerIdentityResponse>({
  authorize: () => [],
  handle: async (_, { principal, account }) => ({
    UserId: userId(principal),
    Account: 'account' in principal ? principal.account : account,
    Arn: 'arn' in principal ? principal.arn : userId(principal),
  }),
});

export const getAccessKeyInfo = operation<GetAccessKeyInfoRequest, GetAccessKeyInfoResponse>({
  handle: async ({ AccessKeyId = '' }) => {
    const account = accountOfAccessKeyId(AccessKeyId);
    if (account === undefined) {
      throw new AwsError('ValidationError', `The access key ID ${AccessKeyId} is not valid.`, { statusCode: 400 });
    }
    return { Account: account };
  },
});

function userId(principal: Principal): string {
  switch (principal.type) {
    case 'User':
      return principal.userId;
    case 'AssumedRole':
      return `${principal.roleId}:${principal.sessionName}`;
    case 'FederatedUser':
      return `${principal.account}:${principal.name}`;
    case 'Root':
      return principal.account;
    case 'Service':
      return principal.service;
    default:
      return 'anonymous';
  }
}
