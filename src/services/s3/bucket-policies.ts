/** Bucket policies, and whether they let the public in. */
import type {
  DeleteBucketPolicyRequest,
  GetBucketPolicyOutput,
  GetBucketPolicyRequest,
  GetBucketPolicyStatusOutput,
  GetBucketPolicyStatusRequest,
  PutBucketPolicyRequest,
} from '@aws-sdk/client-s3';
import { isPublicPolicy, resourcePolicyProblem } from '../../core/resource-policy/index.ts';
import { operation } from '../service.ts';
import { onBucket, requireBucket } from './access.ts';
import { changeBucket } from './change-bucket.ts';
import { accessDenied, s3Error } from './errors.ts';
import { type Bucket, bucketArn } from './records.ts';

const MAX_BYTES = 20 * 1024;

export const putBucketPolicy = operation<PutBucketPolicyRequest, void>({
  authorize: onBucket('PutBucketPolicy'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const policy = input.Policy ?? '';
    checkPolicy(policy, bucket);
    await changeBucket(call, input, (fresh) => {
      if (fresh.publicAccessBlock?.blockPublicPolicy === true && isPublicPolicy(policy)) {
        throw accessDenied(
          `User: ${'arn' in call.principal ? call.principal.arn : 'anonymous'} is not authorized to perform: s3:PutBucketPolicy on resource: "${bucketArn(bucket.name)}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`,
        );
      }
      return { ...fresh, policy };
    });
  },
});

export const getBucketPolicy = operation<GetBucketPolicyRequest, GetBucketPolicyOutput>({
  authorize: onBucket('GetBucketPolicy'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    return { Policy: bucket.policy ?? fail(bucket.name) };
  },
});

export const deleteBucketPolicy = operation<DeleteBucketPolicyRequest, void>({
  authorize: onBucket('DeleteBucketPolicy'),
  handle: (input, call) => changeBucket(call, input, ({ policy: _gone, ...rest }) => rest),
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
  if (!/[*?]/.test(pattern)) return false;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const regex = new RegExp(`^${source}$`);
  return regex.test(arn) || regex.test(`${arn}/x`);
}

function malformed(message: string): Error {
  return s3Error(400, 'MalformedPolicy', message);
}
