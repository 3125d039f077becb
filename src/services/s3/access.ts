/**
 * What an S3 call needs to be allowed, and the bucket that a handler works on.
 *
 * Bucket actions are on the bucket's ARN, object actions on the object's; the bucket policy is the resource policy of
 * both. A bucket that does not exist is asked for without a policy, as one of the caller's own account.
 * Source: Service Authorization Reference, "Amazon S3"; S3 User Guide, "How Amazon S3 authorizes a request".
 */
import type { AccessRequest, Principal, RequestContext, ResourcePolicy } from '../../common/index.ts';
import { isPublicPolicy } from '../../core/resource-policy/index.ts';
import type { Call } from '../service.ts';
import { accessDenied, noSuchBucket, s3Error } from './errors.ts';
import { type Bucket, bucketArn, bucketKey, buckets, objectArn, objects } from './records.ts';

type BucketInput = Readonly<{ Bucket?: string | undefined; ExpectedBucketOwner?: string | undefined }>;
type ObjectInput = BucketInput & Readonly<{ Key?: string | undefined; VersionId?: string | undefined }>;

const looked = new WeakMap<Call, Map<string, Promise<Bucket | undefined>>>();

/** The bucket as it was when the call first asked for it: read once, for `authorize` and `handle`. */
export function findBucket(call: Call, name: string): Promise<Bucket | undefined> {
  let byName = looked.get(call);
  if (byName === undefined) looked.set(call, (byName = new Map()));
  let found = byName.get(name);
  if (found === undefined) {
    found = buckets.get(call.house.store, bucketKey(name)).then((stored) => stored?.document);
    byName.set(name, found);
  }
  return found;
}

/**
 * The bucket a handler works on. Throws `NoSuchBucket`, `AccessDenied` when it belongs to another account than the caller
 * expects, and `PermanentRedirect` when the call came to another Region than the bucket's.
 */
export async function requireBucket(call: Call, input: BucketInput): Promise<Bucket> {
  return checkBucket(call, await findBucket(call, input.Bucket ?? ''), input);
}

export function checkBucket(call: Call, bucket: Bucket | undefined, input: BucketInput): Bucket {
  if (bucket === undefined) throw noSuchBucket(input.Bucket ?? '');
  if (input.ExpectedBucketOwner !== undefined && input.ExpectedBucketOwner !== bucket.account) throw accessDenied();
  if (bucket.region !== call.region) {
    throw s3Error(
      301,
      'PermanentRedirect',
      'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.',
      {
        fields: { Bucket: bucket.name, Endpoint: `${bucket.name}.s3.${bucket.region}.amazonaws.com` },
        headers: { 'x-amz-bucket-region': bucket.region },
      },
    );
  }
  return bucket;
}

/** An action on a bucket, or with `key` on an object of it. `action` is without prefix: `ListBucket`. */
export async function accessTo(
  call: Call,
  name: unknown,
  action: string,
  options: Readonly<{ key?: unknown; context?: RequestContext }> = {},
): Promise<AccessRequest> {
  if (typeof name !== 'string' || name === '') return { action: `s3:${action}`, resource: '*' };
  const bucket = await findBucket(call, name);
  const resource = typeof options.key === 'string' ? objectArn(name, options.key) : bucketArn(name);
  return {
    action: `s3:${action}`,
    resource,
    context: { ...requestContext(call), ...(bucket && { 's3:ResourceAccount': bucket.account }), ...options.context },
    ...(bucket && { resourceAccount: bucket.account, resourcePolicies: policiesOf(bucket, call.principal, action) }),
  };
}

/** `action` without prefix. */
export function policiesOf(bucket: Bucket, principal: Principal, action: string): readonly ResourcePolicy[] {
  const { policy } = bucket;
  if (policy === undefined) return [];
  // The root user of the owner can always mend a policy that locks everybody out.
  const isOwner = principal.type === 'Root' && principal.account === bucket.account;
  if (isOwner && /^(Get|Put|Delete)BucketPolicy$/.test(action)) return [];
  // RestrictPublicBuckets: a public policy lets in the owner's account and services, nobody else.
  const outsider =
    principal.type === 'Anonymous' || (principal.type !== 'Service' && principal.account !== bucket.account);
  if (outsider && bucket.publicAccessBlock?.restrictPublicBuckets === true && isPublicPolicy(policy)) return [];
  return [{ name: `bucket policy of ${bucket.name}`, document: policy }];
}

/** Condition keys that any S3 request may have, from its headers. */
function requestContext(call: Call): RequestContext {
  const headers = call.http?.headers;
  if (headers === undefined) return {};
  const contentSha256 = headers['x-amz-content-sha256'];
  const { signature, tlsVersion } = call.http ?? {};
  return {
    ...(signature !== undefined && {
      's3:authType': signature.inUrl ? 'REST-QUERY-STRING' : 'REST-HEADER',
      's3:signatureversion': 'AWS4-HMAC-SHA256',
      's3:signatureAge': String(Math.max(0, call.house.config.wallNow() - signature.at)),
    }),
    ...(tlsVersion !== undefined && { 's3:TlsVersion': tlsVersion }),
    ...(contentSha256 !== undefined && { 's3:x-amz-content-sha256': contentSha256 }),
  };
}

/** The usual `authorize` of an operation on a bucket. */
export function onBucket(action: string, context?: (input: any) => RequestContext) {
  return async (input: BucketInput, call: Call): Promise<readonly AccessRequest[]> => [
    await accessTo(call, input.Bucket, action, context === undefined ? {} : { context: context(input) }),
  ];
}

/**
 * The usual `authorize` of an operation on an object that is there: one action for the object as it is, another for one of
 * its versions.
 */
export function onObject(action: string, versionAction: string) {
  return async (input: ObjectInput, call: Call): Promise<readonly AccessRequest[]> => [
    await existingAccess(call, input, action, versionAction),
  ];
}

/** An action on an existing object, with the condition keys of its version and tags. */
export async function existingAccess(
  call: Call,
  input: ObjectInput,
  action: string,
  versionAction: string,
  context: RequestContext = {},
): Promise<AccessRequest> {
  const { Bucket: bucket, Key: key, VersionId: versionId } = input;
  const tags = await existingTags(call, bucket, key, versionId);
  return accessTo(call, bucket, versionId === undefined ? action : versionAction, {
    key,
    context: {
      ...(versionId !== undefined && { 's3:VersionId': versionId }),
      ...Object.fromEntries(Object.entries(tags).map(([tag, value]) => [`s3:ExistingObjectTag/${tag}`, value])),
      ...context,
    },
  });
}

async function existingTags(
  call: Call,
  bucket: unknown,
  key: unknown,
  versionId: unknown,
): Promise<Readonly<Record<string, string>>> {
  if (typeof bucket !== 'string' || typeof key !== 'string') return {};
  const { store } = call.house;
  const found =
    typeof versionId === 'string'
      ? await objects.version(store, bucket, key, versionId)
      : await objects.latest(store, bucket, key);
  return found?.facts.tags ?? {};
}

/** Condition keys of a request that writes an object. */
export function writeContext(input: {
  ACL?: string | undefined;
  ServerSideEncryption?: string | undefined;
  SSEKMSKeyId?: string | undefined;
  StorageClass?: string | undefined;
  CopySource?: string | undefined;
  MetadataDirective?: string | undefined;
  IfMatch?: string | undefined;
  IfNoneMatch?: string | undefined;
  GrantFullControl?: string | undefined;
  GrantRead?: string | undefined;
  GrantReadACP?: string | undefined;
  GrantWrite?: string | undefined;
  GrantWriteACP?: string | undefined;
  SSECustomerAlgorithm?: string | undefined;
  WebsiteRedirectLocation?: string | undefined;
}): RequestContext {
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ['s3:x-amz-acl', input.ACL],
    ['s3:x-amz-grant-full-control', input.GrantFullControl],
    ['s3:x-amz-grant-read', input.GrantRead],
    ['s3:x-amz-grant-read-acp', input.GrantReadACP],
    ['s3:x-amz-grant-write', input.GrantWrite],
    ['s3:x-amz-grant-write-acp', input.GrantWriteACP],
    ['s3:x-amz-server-side-encryption-customer-algorithm', input.SSECustomerAlgorithm],
    ['s3:x-amz-website-redirect-location', input.WebsiteRedirectLocation],
    ['s3:x-amz-server-side-encryption', input.ServerSideEncryption],
    ['s3:x-amz-server-side-encryption-aws-kms-key-id', input.SSEKMSKeyId],
    ['s3:x-amz-storage-class', input.StorageClass],
    ['s3:x-amz-copy-source', input.CopySource?.replace(/^\//, '')],
    ['s3:x-amz-metadata-directive', input.MetadataDirective],
    ['s3:if-match', input.IfMatch],
    ['s3:if-none-match', input.IfNoneMatch],
  ];
  return Object.fromEntries(pairs.filter((pair): pair is readonly [string, string] => typeof pair[1] === 'string'));
}

export function tagContext(tags: Readonly<Record<string, string>>): RequestContext {
  const names = Object.keys(tags);
  if (names.length === 0) return {};
  return {
    ...Object.fromEntries(names.map((name) => [`s3:RequestObjectTag/${name}`, tags[name] ?? ''])),
    's3:RequestObjectTagKeys': names,
  };
}

/** A client of S3 that acts as the caller, from where the caller acts: for a call that is several calls. */
export function asCaller(call: Call) {
  const { http, principal, account, region } = call;
  const context: RequestContext | undefined = http && {
    'aws:SourceIp': http.sourceIp.replace(/^::ffff:/, ''),
    'aws:SecureTransport': String(http.secure),
    'aws:UserAgent': http.userAgent,
  };
  return call.house.door.as(
    principal,
    { account, region },
    { ...(context && { context }), ...(call.viaService !== undefined && { viaService: call.viaService }) },
  );
}
