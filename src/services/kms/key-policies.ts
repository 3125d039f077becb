/** Key policies. Each key has exactly one, named `default`. */
import type {
  GetKeyPolicyRequest,
  GetKeyPolicyResponse,
  ListKeyPoliciesRequest,
  ListKeyPoliciesResponse,
  PutKeyPolicyRequest,
} from '@aws-sdk/client-kms';
import { AwsError, formatArn } from '../../common/index.ts';
import { allowsAction, resourcePolicyProblem } from '../../core/resource-policy/index.ts';
import { type Call, operation } from '../service.ts';
import { keyAccess, onKey, requireKey } from './access.ts';
import { changeKey } from './change-key.ts';
import { readMarker } from './pages.ts';

/** The policy of a key made without one: the account decides by its identity policies. */
export function defaultKeyPolicy(account: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: formatArn('iam', '', account, 'root') },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  });
}

/** Throws `MalformedPolicyDocumentException` for a policy that is none, or that would lock the caller out of the key. */
export function checkKeyPolicy(policy: string, call: Call, bypassLockoutCheck: boolean): void {
  const problem = resourcePolicyProblem(policy);
  if (problem !== undefined) {
    throw new AwsError(
      'MalformedPolicyDocumentException',
      problem === 'Invalid principal in policy'
        ? 'Policy contains a statement with one or more invalid principals.'
        : problem,
    );
  }
  if (/"ForAllValues:[^"]*"\s*:\s*\{[^}]*"kms:EncryptionContext:/i.test(policy)) {
    throw new AwsError(
      'MalformedPolicyDocumentException',
      'Overly permissive condition: ForAllValues with kms:EncryptionContext is not allowed.',
    );
  }
  const { principal, account } = call;
  const names = [account, formatArn('iam', '', account, 'root')];
  if (principal.type === 'User') names.push(principal.arn);
  if (principal.type === 'AssumedRole') names.push(principal.arn, principal.roleArn);
  if (!bypassLockoutCheck && !allowsAction(policy, 'kms:PutKeyPolicy', names)) {
    throw new AwsError(
      'MalformedPolicyDocumentException',
      'The new key policy will not allow you to update the key policy in the future.',
    );
  }
}

export const getKeyPolicy = operation<GetKeyPolicyRequest, GetKeyPolicyResponse>({
  authorize: onKey({ action: 'GetKeyPolicy' }),
  async handle(input, call) {
    const key = await requireKey(call, input.KeyId ?? '');
    assertDefaultName(input.PolicyName);
    return { Policy: key.policy, PolicyName: 'default' };
  },
});

export const putKeyPolicy = operation<PutKeyPolicyRequest, void>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, {
      action: 'PutKeyPolicy',
      context: { 'kms:BypassPolicyLockoutSafetyCheck': String(input.BypassPolicyLockoutSafetyCheck ?? false) },
    }),
  ],
  async handle(input, call) {
    assertDefaultName(input.PolicyName);
    const policy = input.Policy ?? '';
    await changeKey(call, input.KeyId, 'PutKeyPolicy', (key) => {
      checkKeyPolicy(policy, call, input.BypassPolicyLockoutSafetyCheck ?? false);
      return { ...key, policy };
    });
  },
});

export const listKeyPolicies = operation<ListKeyPoliciesRequest, ListKeyPoliciesResponse>({
  authorize: onKey({ action: 'ListKeyPolicies' }),
  async handle(input, call) {
    readMarker(input.Marker);
    await requireKey(call, input.KeyId ?? '');
    return { PolicyNames: ['default'], Truncated: false };
  },
});

function assertDefaultName(name: string | undefined): void {
  if (name !== undefined && name !== 'default') {
    throw new AwsError('NotFoundException', `No such policy exists`);
  }
}
