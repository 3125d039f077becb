/** DeleteObject and DeleteObjects. */
import type {
  DeletedObject,
  DeleteObjectOutput,
  DeleteObjectRequest,
  DeleteObjectsOutput,
  DeleteObjectsRequest,
  ObjectIdentifier,
  _Error as DeleteError,
} from '@aws-sdk/client-s3';
import { isAwsError } from '../../common/index.ts';
import { etagMatches } from '../../core/object-read/index.ts';
import type { Tx } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { asCaller, onObject, requireBucket } from './access.ts';
import { discard } from './body.ts';
import { malformedXml, noSuchKey, notImplemented, preconditionFailed } from './errors.ts';
import { announce } from './notifications.ts';
import { type Bucket, NULL_VERSION, objects, type Segment } from './records.ts';
import { checkKey, checkVersionId, lockForWrite, newVersionId } from './versions.ts';

export const deleteObject = operation<DeleteObjectRequest, DeleteObjectOutput>({
  authorize: onObject('DeleteObject', 'DeleteObjectVersion'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const key = input.Key ?? '';
    checkKey(key);
    checkVersionId(input.VersionId);
    if (input.MFA !== undefined) throw notImplemented('MFA delete');
    if (input.IfMatchLastModifiedTime !== undefined || input.IfMatchSize !== undefined) {
      throw notImplemented('A conditional delete by time or size');
    }
    const freshId = newVersionId(call);
    let gone: readonly Segment[] = [];
    let output: DeleteObjectOutput = {};
    await call.house.store.transaction(async (tx) => {
      const current = await lockForWrite(tx, bucket.name, key);
      await checkMatch(tx, bucket.name, key, input.VersionId, input.IfMatch);
      const leavesMarker = input.VersionId === undefined && current.versioning !== undefined;
      const result = leavesMarker
        ? await putMarker(tx, call, current, key, current.versioning === 'Enabled' ? freshId : NULL_VERSION)
        : await removeVersion(tx, call, current, key, input.VersionId);
      gone = result.gone;
      output = result.output;
    });
    await discard(call.house, gone);
    return output;
  },
});

type Deletion = Readonly<{ gone: readonly Segment[]; output: DeleteObjectOutput }>;

async function putMarker(tx: Tx, call: Call, bucket: Bucket, key: string, versionId: string): Promise<Deletion> {
  const { sequence, replaced } = await objects.put(tx, bucket.name, {
    key,
    versionId,
    deleteMarker: true,
    bytes: 0,
    etag: '',
    modifiedAt: call.now,
    facts: { headers: {}, metadata: {}, tags: {} },
    segments: [],
  });
  await announce(tx, call, bucket, {
    name: 'ObjectRemoved:DeleteMarkerCreated',
    detailType: 'Object Deleted',
    reason: 'DeleteObject',
    deletionType: 'Delete Marker Created',
    key,
    versionId,
    sequence,
  });
  return { gone: replaced, output: { DeleteMarker: true, VersionId: versionId } };
}

async function removeVersion(
  tx: Tx,
  call: Call,
  bucket: Bucket,
  key: string,
  versionId: string | undefined,
): Promise<Deletion> {
  const removed = await objects.remove(tx, bucket.name, key, versionId ?? NULL_VERSION);
  if (removed !== undefined) {
    await announce(tx, call, bucket, {
      name: 'ObjectRemoved:Delete',
      detailType: 'Object Deleted',
      reason: 'DeleteObject',
      deletionType: 'Permanently Deleted',
      key,
      ...(versionId !== undefined && { versionId }),
      sequence: removed.sequence,
    });
  }
  return {
    gone: removed?.segments ?? [],
    output: {
      ...(versionId !== undefined && { VersionId: versionId }),
      ...(removed?.deleteMarker === true && { DeleteMarker: true }),
    },
  };
}

async function checkMatch(
  tx: Tx,
  bucket: string,
  key: string,
  versionId: string | undefined,
  ifMatch: string | undefined,
): Promise<void> {
  if (ifMatch === undefined) return;
  const found =
    versionId === undefined ? await objects.latest(tx, bucket, key) : await objects.version(tx, bucket, key, versionId);
  if (found === undefined || found.deleteMarker) throw noSuchKey(key);
  if (!etagMatches(ifMatch, found.etag)) throw preconditionFailed('If-Match');
}

/**
 * Each key is a call of its own, made as the caller: one may be allowed and the next denied, and the answer says which.
 */
export const deleteObjects = operation<DeleteObjectsRequest, DeleteObjectsOutput>({
  // What is asked for is known key by key; the caller as such needs no permission.
  authorize: () => [],
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const identifiers = input.Delete?.Objects ?? [];
    if (identifiers.length === 0 || identifiers.length > 1000) throw malformedXml();
    if (input.MFA !== undefined) throw notImplemented('MFA delete');
    const deleted: DeletedObject[] = [];
    const errors: DeleteError[] = [];
    for (const group of groupsOf(identifiers, 16)) {
      const outcomes = await Promise.all(group.map((identifier) => deleteOne(call, bucket.name, identifier)));
      for (const outcome of outcomes) {
        if ('error' in outcome) errors.push(outcome.error);
        else deleted.push(outcome.deleted);
      }
    }
    return {
      ...(input.Delete?.Quiet !== true && deleted.length > 0 && { Deleted: deleted }),
      ...(errors.length > 0 && { Errors: errors }),
    };
  },
});

async function deleteOne(
  call: Call,
  bucket: string,
  { Key, VersionId, ETag, LastModifiedTime, Size }: ObjectIdentifier,
): Promise<{ deleted: DeletedObject } | { error: DeleteError }> {
  try {
    const output = await asCaller(call).call<DeleteObjectOutput>('s3', 'DeleteObject', {
      Bucket: bucket,
      Key,
      VersionId,
      IfMatch: ETag,
      IfMatchLastModifiedTime: LastModifiedTime,
      IfMatchSize: Size,
    });
    return {
      deleted: {
        Key,
        ...(VersionId !== undefined && { VersionId }),
        ...(output.DeleteMarker === true && { DeleteMarker: true, DeleteMarkerVersionId: output.VersionId }),
      },
    };
  } catch (error) {
    if (!isAwsError(error)) call.house.log.error('a deletion failed', { error: String(error) });
    const Code = isAwsError(error) ? error.code.replace(/^AccessDeniedException$/, 'AccessDenied') : 'InternalError';
    const Message = isAwsError(error) ? error.message : 'We encountered an internal error. Please try again.';
    return { error: { Key, ...(VersionId !== undefined && { VersionId }), Code, Message } };
  }
}

function* groupsOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
