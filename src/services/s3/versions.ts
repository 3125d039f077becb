/** The one way that a version of an object comes to be, and the one way that it is found. */
import { ALPHANUMERIC, isAwsError } from '../../common/index.ts';
import { etagMatches } from '../../core/object-read/index.ts';
import type { StoredObject, Tx } from '../../store/index.ts';
import type { Call } from '../service.ts';
import { asCaller } from './access.ts';
import { discard, discardUnlessKept } from './body.ts';
import {
  accessDenied,
  invalidArgument,
  invalidRequest,
  noSuchBucket,
  noSuchKey,
  noSuchVersion,
  notImplemented,
  preconditionFailed,
  s3Error,
} from './errors.ts';
import { announce } from './notifications.ts';
import { type Bucket, bucketKey, buckets, NULL_VERSION, type ObjectFacts, objects, type Segment } from './records.ts';

export type ObjectVersion = StoredObject<ObjectFacts, Segment>;

export type WriteConditions = Readonly<{ IfMatch?: string | undefined; IfNoneMatch?: string | undefined }>;

export type NewVersion = Readonly<{
  key: string;
  bytes: number;
  /** Without quotes. */
  etag: string;
  facts: ObjectFacts;
  segments: readonly Segment[];
}>;

export type Saved = Readonly<{
  /** As the answer shows it; undefined in a bucket that never had versioning. */
  versionId: string | undefined;
}>;

/**
 * Makes the latest version of a key, in one transaction with its notifications and whatever `also` writes. When it fails
 * nothing is changed, and the new version's blobs are discarded; when nobody knows whether it failed, they are kept.
 */
export async function saveVersion(
  call: Call,
  bucket: Bucket,
  version: NewVersion,
  options: Readonly<{
    conditions?: WriteConditions;
    eventName: string;
    reason: string;
    /** The segments were there before and stay when it fails. */
    keepOnFailure?: boolean;
    also?: (tx: Tx) => Promise<void>;
  }>,
): Promise<Saved> {
  const freshId = newVersionId(call);
  const { store } = call.house;
  let replaced: readonly Segment[] = [];
  let versionId: string | undefined;
  try {
    await store.transaction(async (tx) => {
      const current = await lockForWrite(tx, bucket.name, version.key);
      await checkWrite(tx, bucket.name, version.key, options.conditions ?? {});
      const id = current.versioning === 'Enabled' ? freshId : NULL_VERSION;
      versionId = current.versioning === undefined ? undefined : id;
      const put = await objects.put(tx, bucket.name, {
        ...version,
        versionId: id,
        deleteMarker: false,
        modifiedAt: call.now,
      });
      replaced = put.replaced;
      await options.also?.(tx);
      await announce(tx, call, current, {
        name: options.eventName,
        detailType: 'Object Created',
        reason: options.reason,
        key: version.key,
        bytes: version.bytes,
        etag: version.etag,
        ...(versionId !== undefined && { versionId }),
        sequence: put.sequence,
      });
    });
  } catch (error) {
    if (options.keepOnFailure !== true) await discardUnlessKept(call.house, version.segments, error);
    throw error;
  }
  await discard(call.house, replaced);
  return { versionId };
}

/** Holds the bucket and the key until the transaction ends; the bucket as it is now. */
export async function lockForWrite(tx: Tx, bucket: string, key: string): Promise<Bucket> {
  await objects.lockBucket(tx, bucket, 'Shared');
  const current = (await buckets.get(tx, bucketKey(bucket)))?.document;
  if (current === undefined) throw noSuchBucket(bucket);
  await objects.lockKey(tx, bucket, key);
  return current;
}

/** Throws for conditions of a write that S3 does not offer; before any byte is read. */
export function checkWriteConditions({ IfMatch: ifMatch, IfNoneMatch: ifNoneMatch }: WriteConditions): void {
  if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== '*') {
    throw notImplemented('A write with If-None-Match other than *');
  }
  if (ifNoneMatch !== undefined && ifMatch !== undefined) {
    throw invalidRequest('If-Match and If-None-Match cannot be given together');
  }
}

async function checkWrite(tx: Tx, bucket: string, key: string, conditions: WriteConditions): Promise<void> {
  const { IfMatch: ifMatch, IfNoneMatch: ifNoneMatch } = conditions;
  if (ifMatch === undefined && ifNoneMatch === undefined) return;
  const latest = await objects.latest(tx, bucket, key);
  const exists = latest !== undefined && !latest.deleteMarker;
  if (ifNoneMatch !== undefined && exists) throw preconditionFailed('If-None-Match');
  if (ifMatch === undefined) return;
  if (!exists) throw noSuchKey(key);
  if (!etagMatches(ifMatch, latest.etag)) throw preconditionFailed('If-Match');
}

export function newVersionId(call: Call): string {
  return call.house.ids.text(32, `${ALPHANUMERIC}._`);
}

/** Throws `InvalidArgument` for what cannot be a version id. */
export function checkVersionId(versionId: string | undefined): void {
  if (versionId !== undefined && versionId !== NULL_VERSION && !/^[\w.-]{32}$/.test(versionId)) {
    throw invalidArgument('Invalid version id specified', 'versionId', versionId);
  }
}

/** Throws for a key that cannot be stored. */
export function checkKey(key: string): void {
  if (Buffer.byteLength(key) > 1024) {
    throw s3Error(400, 'KeyTooLongError', 'Your key is too long', {
      fields: { Size: Buffer.byteLength(key), MaxSizeAllowed: 1024 },
    });
  }
  if (key === '' || !isStorable(key)) {
    throw s3Error(400, 'InvalidURI', "Couldn't parse the specified URI.", { fields: { URI: key } });
  }
}

/**
 * The version that a read means. A missing one is `NoSuchKey` for a caller who may list the bucket and `AccessDenied` for
 * anybody else; a delete marker is 404 as the latest and 405 by its id.
 */
export async function findVersion(
  call: Call,
  bucket: Bucket,
  input: Readonly<{ Key?: string | undefined; VersionId?: string | undefined }>,
): Promise<ObjectVersion> {
  const { VersionId: versionId } = input;
  const key = input.Key ?? '';
  checkVersionId(versionId);
  const { store } = call.house;
  const found = isStorable(key)
    ? versionId === undefined
      ? await objects.latest(store, bucket.name, key)
      : await objects.version(store, bucket.name, key, versionId)
    : undefined;
  if (found === undefined) {
    await assertMayList(call, bucket);
    throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId);
  }
  if (!found.deleteMarker) return found;
  const headers = {
    'x-amz-delete-marker': 'true',
    ...(bucket.versioning !== undefined && { 'x-amz-version-id': found.versionId }),
  };
  if (versionId === undefined) throw noSuchKey(key, headers);
  throw s3Error(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    fields: { Method: 'GET', ResourceType: 'DeleteMarker' },
    headers: { ...headers, allow: 'DELETE' },
  });
}

/** PostgreSQL text holds neither the NUL character nor half a surrogate pair. */
function isStorable(key: string): boolean {
  return !key.includes('\0') && !/\p{Surrogate}/u.test(key);
}

/** Asked along the same path as every call: HeadBucket needs `s3:ListBucket`. Throws `AccessDenied` in its words. */
async function assertMayList(call: Call, bucket: Bucket): Promise<void> {
  try {
    await asCaller(call).call('s3', 'HeadBucket', { Bucket: bucket.name });
  } catch (error) {
    throw isAwsError(error) ? accessDenied(error.message, error) : error;
  }
}

/** `x-amz-version-id`, where the bucket has or had versioning. */
export function shownVersion(bucket: Bucket, version: Pick<ObjectVersion, 'versionId'>): string | undefined {
  return bucket.versioning === undefined ? undefined : version.versionId;
}
