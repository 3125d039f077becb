/** Key policies. Each key has exactly one, named `default`. */
import type {
  GetKeyPolicyRequest,
  GetKeyPolicyResponse,
  ListKeyPoliciesRequest,
  ListKeyPoliciesResponse,
  PutKeyPolicyRequest,
} from '@aws-sdk/client-kms';
import { AwsError, formatArn } from '../../common/index.ts';
import { allowsAction, deniesAction, resourcePolicyProblem } from '../../core/resource-policy/index.ts';
import { type BoundPolicy, bindPolicy, shownPolicy } from '../bound-policies.ts';
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

const LARGEST_KEY_POLICY_BYTES = 32_768;

/** Throws `MalformedPolicyDocumentException` for a policy that is none, or that would lock the caller out of the key. */
export function checkKeyPolicy(policy: string, call: Call, bypassLockoutCheck: boolean): void {
  if (Buffer.byteLength(policy) > LARGEST_KEY_POLICY_BYTES) {
    throw new AwsError('LimitExceededException', 'The key policy document exceeds the maximum size of 32768 bytes.');
  }
  const problem = resourcePolicyProblem(policy);
  if (problem !== undefined) throw malformed(problem === 'Invalid principal in policy' ? INVALID_PRINCIPAL : problem);
  if (hasOpenEncryptionContext(policy)) {
    throw malformed('Overly permissive condition: ForAllValues with kms:EncryptionContext is not allowed.');
  }
  if (!bypassLockoutCheck && locksOut(policy, call)) {
    throw malformed('The new key policy will not allow you to update the key policy in the future.');
  }
}

/** A request without an encryption context would meet the condition: all of its no values match. */
function hasOpenEncryptionContext(policy: string): boolean {
  const { Statement } = JSON.parse(policy) as { Statement: unknown };
  return [Statement]
    .flat()
    .flatMap((statement) => Object.entries((statement as { Condition?: object }).Condition ?? {}))
    .some(
      ([operator, keys]) =>
        operator.startsWith('ForAllValues:') &&
        Object.keys(keys as object).some((key) => key.toLowerCase().startsWith('kms:encryptioncontext:')),
    );
}

/** Nobody of the account, or not this caller, could put another policy in its place. Conditions are not weighed. */
function locksOut(policy: string, { principal, account }: Call): boolean {
  const names = [account, formatArn('iam', '', account, 'root')];
  if (principal.type === 'User') names.push(principal.arn);
  if (principal.type === 'AssumedRole') names.push(principal.arn, principal.roleArn);
  return !allowsAction(policy, 'kms:PutKeyPolicy', names) || deniesAction(policy, 'kms:PutKeyPolicy', names);
}

/** The policy as a key keeps it. Throws `MalformedPolicyDocumentException` for a user or role that does not exist. */
export function boundKeyPolicy(policy: string, call: Call): Promise<BoundPolicy> {
  return bindPolicy(call.house.store, call.account, policy, () => malformed(INVALID_PRINCIPAL));
}

const INVALID_PRINCIPAL = 'Policy contains a statement with one or more invalid principals.';

function malformed(message: string): AwsError {
  return new AwsError('MalformedPolicyDocumentException', message);
}

export const getKeyPolicy = operation<GetKeyPolicyRequest, GetKeyPolicyResponse>({
  authorize: onKey({ action: 'GetKeyPolicy' }),
  async handle(input, call) {
    const key = await requireKey(call, input.KeyId ?? '');
    assertDefaultName(input.PolicyName);
    return { Policy: await shownPolicy(call.house.store, key.policy, key.policyPrincipals), PolicyName: 'default' };
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
    checkKeyPolicy(policy, call, input.BypassPolicyLockoutSafetyCheck ?? false);
    const bound = await boundKeyPolicy(policy, call);
    await changeKey(call, input.KeyId, 'PutKeyPolicy', (key) => ({ ...key, ...bound }));
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
