/** The source of a copy: finding it, its permissions and conditions. */
import { type AccessRequest, isAwsError, type RequestContext } from '../../common/index.ts';
import { checkRead } from '../../core/object-read/index.ts';
import type { Call } from '../service.ts';
import { existingAccess, findBucket } from './access.ts';
import { accessDenied, invalidArgument, noSuchBucket, notImplemented, preconditionFailed } from './errors.ts';
import { epochMs } from './get-object.ts';
import type { Bucket } from './records.ts';
import { findVersion, type ObjectVersion } from './versions.ts';

export type CopySourceInput = Readonly<{
  CopySource?: string | undefined;
  CopySourceIfMatch?: string | undefined;
  CopySourceIfNoneMatch?: string | undefined;
  CopySourceIfModifiedSince?: Date | undefined;
  CopySourceIfUnmodifiedSince?: Date | undefined;
  CopySourceSSECustomerKey?: unknown;
  ExpectedSourceBucketOwner?: string | undefined;
}>;

type Named = Readonly<{ Bucket: string; Key: string; VersionId?: string }>;

/** Reads `bucket/key?versionId=id`, URL-encoded, with or without a slash before it. */
export function parseCopySource(header: string | undefined): Named {
  const fail = (): never => {
    throw invalidArgument(
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      'x-amz-copy-source',
      header,
    );
  };
  const match = /^\/?([^/?]+)\/(.+?)(?:\?versionId=([^&]*))?$/s.exec(header ?? '');
  const [, bucket, key, versionId] = match ?? [];
  if (bucket === undefined || key === undefined) return fail();
  if (bucket.startsWith('arn:')) throw notImplemented('A copy from an access point');
  try {
    return {
      Bucket: decodeURIComponent(bucket),
      Key: decodeURIComponent(key),
      ...(versionId !== undefined && { VersionId: decodeURIComponent(versionId) }),
    };
  } catch {
    return fail();
  }
}

/** `s3:GetObject` on the source, and its tags where they are copied too. Nothing for a source that cannot be read. */
export async function sourceAccess(
  call: Call,
  input: CopySourceInput,
  withTags: boolean,
  context: RequestContext,
): Promise<readonly AccessRequest[]> {
  let named: Named;
  try {
    named = parseCopySource(input.CopySource);
  } catch (error) {
    if (isAwsError(error)) return [];
    throw error;
  }
  const requests = [await existingAccess(call, named, 'GetObject', 'GetObjectVersion', context)];
  if (withTags && (await hasTags(call, named))) {
    requests.push(await existingAccess(call, named, 'GetObjectTagging', 'GetObjectVersionTagging', context));
  }
  return requests;
}

async function hasTags(call: Call, named: Named): Promise<boolean> {
  const access = await existingAccess(call, named, 'GetObject', 'GetObjectVersion');
  return Object.keys(access.context ?? {}).some((name) => name.startsWith('s3:ExistingObjectTag/'));
}

export type CopySource = Readonly<{ bucket: Bucket; object: ObjectVersion; versionId: string | undefined }>;

/** The source itself, once its conditions hold. */
export async function openCopySource(call: Call, input: CopySourceInput): Promise<CopySource> {
  if (input.CopySourceSSECustomerKey !== undefined) throw notImplemented('A copy from an object under SSE-C');
  const named = parseCopySource(input.CopySource);
  const bucket = await findBucket(call, named.Bucket);
  if (bucket === undefined) throw noSuchBucket(named.Bucket);
  if (input.ExpectedSourceBucketOwner !== undefined && input.ExpectedSourceBucketOwner !== bucket.account) {
    throw accessDenied();
  }
  const object = await findVersion(call, bucket, named);
  const outcome = checkRead(
    {
      ifMatch: input.CopySourceIfMatch,
      ifNoneMatch: input.CopySourceIfNoneMatch,
      ifModifiedSince: epochMs(input.CopySourceIfModifiedSince),
      ifUnmodifiedSince: epochMs(input.CopySourceIfUnmodifiedSince),
    },
    object,
  );
  // For a copy, "not modified" is a failed precondition too.
  if (outcome === 'NotModified') throw preconditionFailed('x-amz-copy-source-If-None-Match');
  if (outcome !== 'Proceed') throw preconditionFailed(`x-amz-copy-source-${outcome.failed}`);
  return { bucket, object, versionId: bucket.versioning === undefined ? undefined : object.versionId };
}
