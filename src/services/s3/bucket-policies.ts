/** Bucket policies, and whether they let the public in. */
import type {
  DeleteBucketPolicyRequest,
  GetBucketPolicyOutput,
  GetBucketPolicyRequest,
  GetBucketPolicyStatusOutput,
  GetBucketPolicyStatusRequest,
  PutBucketPolicyRequest,
} from '@aws-sdk/client-s3';
import { compileGlob } from '../../core/policy/index.ts';
import { isPublicPolicy, resourcePolicyProblem } from '../../core/resource-policy/index.ts';
import { formatArn } from '../../common/index.ts';
import { accounts } from '../../store/index.ts';
import { bindPolicy, shownPolicy } from '../bound-policies.ts';
import { type Call, operation } from '../service.ts';
import { onBucket, requireBucket } from './access.ts';
import { changeBucket } from './change-bucket.ts';
import { accessDenied, s3Error } from './errors.ts';
import { canonicalId } from './owners.ts';
import { type Bucket, bucketArn } from './records.ts';

const MAX_BYTES = 20 * 1024;

export const putBucketPolicy = operation<PutBucketPolicyRequest, void>({
  authorize: onBucket('PutBucketPolicy'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const policy = input.Policy ?? '';
    checkPolicy(policy, bucket);
    const written = await withoutCanonicalUsers(call, policy);
    const bound = await bindPolicy(call.house.store, bucket.account, written, (principal) =>
      invalidPrincipal(`"AWS" : "${principal}"`),
    );
    await changeBucket(call, input, (fresh) => {
      if (fresh.publicAccessBlock?.blockPublicPolicy === true && isPublicPolicy(policy)) {
        throw accessDenied(
          `User: ${'arn' in call.principal ? call.principal.arn : 'anonymous'} is not authorized to perform: s3:PutBucketPolicy on resource: "${bucketArn(bucket.name)}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`,
        );
      }
      return { ...fresh, ...bound };
    });
  },
});

export const getBucketPolicy = operation<GetBucketPolicyRequest, GetBucketPolicyOutput>({
  authorize: onBucket('GetBucketPolicy'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const policy = bucket.policy ?? fail(bucket.name);
    return { Policy: await shownPolicy(call.house.store, policy, bucket.policyPrincipals) };
  },
});

export const deleteBucketPolicy = operation<DeleteBucketPolicyRequest, void>({
  authorize: onBucket('DeleteBucketPolicy'),
  handle: (input, call) => changeBucket(call, input, ({ policy: _gone, policyPrincipals: _nobody, ...rest }) => rest),
});

export const getBucketPolicyStatus = operation<GetBucketPolicyStatusRequest, GetBucketPolicyStatusOutput>({
  authorize: onBucket('GetBucketPolicyStatus'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    return { PolicyStatus: { IsPublic: isPublicPolicy(bucket.policy ?? fail(bucket.name)) } };
  },
});

function fail(bucket: string): never {
  throw s3Error(404, 'NoSuchBucketPolicy', 'The bucket policy does not exist', { fields: { BucketName: bucket } });
}

/** Every resource must be this bucket or lie in it. */
function checkPolicy(policy: string, bucket: Bucket): void {
  if (Buffer.byteLength(policy) > MAX_BYTES) throw malformed('Policy exceeds the maximum allowed document size');
  const problem = resourcePolicyProblem(policy);
  if (problem !== undefined) throw malformed(problem);
  const arn = bucketArn(bucket.name);
  const { Statement } = JSON.parse(policy) as { Statement: unknown };
  for (const statement of [Statement].flat() as Record<string, unknown>[]) {
    for (const resource of [statement['Resource'] ?? statement['NotResource']].flat().map(String)) {
      if (resource !== arn && !resource.startsWith(`${arn}/`) && !covers(resource, arn)) {
        throw malformed('Policy has invalid resource');
      }
    }
    for (const action of [statement['Action'] ?? statement['NotAction']].flat().map(String)) {
      if (!/^(\*|s3:.+)$/i.test(action)) throw malformed('Policy has invalid action');
    }
  }
}

/** A pattern with wildcards that the bucket's ARN matches, alone or with something behind it. */
function covers(pattern: string, arn: string): boolean {
  return /[*?]/.test(pattern) && [arn, `${arn}/x`].some(compileGlob(pattern));
}

function malformed(message: string): Error {
  return s3Error(400, 'MalformedPolicy', message);
}

function invalidPrincipal(detail: string): Error {
  return s3Error(400, 'MalformedPolicy', 'Invalid principal in policy', { fields: { Detail: detail } });
}

/** A canonical user is an account, and is kept as one. Source: IAM User Guide, "Principal", "Specifying CanonicalUser". */
async function withoutCanonicalUsers(call: Call, policy: string): Promise<string> {
  if (!policy.includes('"CanonicalUser"')) return policy;
  const { store, config } = call.house;
  const members = (await accounts.list(store, { account: '' })).map(({ key }) => key.id);
  const known = new Map([config.defaultAccount, call.account, ...members].map((id) => [canonicalId(id), id]));
  const document = JSON.parse(policy) as { Statement: unknown };
  for (const statement of [document.Statement].flat() as Record<string, unknown>[]) {
    for (const member of ['Principal', 'NotPrincipal']) {
      const element = statement[member];
      if (typeof element !== 'object' || element === null || !('CanonicalUser' in element)) continue;
      const { CanonicalUser: users, ...others } = element as Record<string, unknown>;
      const roots = [users].flat().map((id) => {
        const account = known.get(String(id));
        if (account === undefined) throw invalidPrincipal(`"CanonicalUser" : "${String(id)}"`);
        return formatArn('iam', '', account, 'root');
      });
      statement[member] = { ...others, AWS: [...[others['AWS'] ?? []].flat(), ...roots] };
    }
  }
  return JSON.stringify(document);
}
