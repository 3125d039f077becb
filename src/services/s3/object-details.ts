/** What is known of an object beside its bytes: tags, attributes, access control list. */
import type {
  DeleteObjectTaggingOutput,
  DeleteObjectTaggingRequest,
  GetObjectAclOutput,
  GetObjectAclRequest,
  GetObjectAttributesOutput,
  GetObjectAttributesRequest,
  GetObjectTaggingOutput,
  GetObjectTaggingRequest,
  PutObjectTaggingOutput,
  PutObjectTaggingRequest,
} from '@aws-sdk/client-s3';
import { type Call, operation } from '../service.ts';
import { existingAccess, onObject, requireBucket, tagContext } from './access.ts';
import { checksumOutput } from './checksums.ts';
import { noSuchKey } from './errors.ts';
import { announce } from './notifications.ts';
import { ownerGrants, ownerOf } from './owners.ts';
import { objects } from './records.ts';
import { checkedTags, type Tags, tagSet } from './tags.ts';
import { findVersion, lockForWrite, type ObjectVersion, shownVersion } from './versions.ts';

export const getObjectTagging = operation<GetObjectTaggingRequest, GetObjectTaggingOutput>({
  authorize: onObject('GetObjectTagging', 'GetObjectVersionTagging'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const object = await findVersion(call, bucket, input);
    const VersionId = shownVersion(bucket, object);
    return { TagSet: tagSet(object.facts.tags), ...(VersionId !== undefined && { VersionId }) };
  },
});

export const putObjectTagging = operation<PutObjectTaggingRequest, PutObjectTaggingOutput>({
  authorize: async (input, call) => {
    const pairs = (input.Tagging?.TagSet ?? []).filter((tag) => typeof tag?.Key === 'string');
    const context = tagContext(Object.fromEntries(pairs.map((tag) => [tag.Key ?? '', tag.Value ?? ''])));
    return [await existingAccess(call, input, 'PutObjectTagging', 'PutObjectVersionTagging', context)];
  },
  handle: (input, call) => setTags(call, input, checkedTags(input.Tagging?.TagSet, 10), 'Added'),
});

export const deleteObjectTagging = operation<DeleteObjectTaggingRequest, DeleteObjectTaggingOutput>({
  authorize: onObject('DeleteObjectTagging', 'DeleteObjectVersionTagging'),
  handle: (input, call) => setTags(call, input, {}, 'Deleted'),
});

async function setTags(
  call: Call,
  input: PutObjectTaggingRequest | DeleteObjectTaggingRequest,
  tags: Tags,
  change: 'Added' | 'Deleted',
): Promise<{ VersionId?: string }> {
  const bucket = await requireBucket(call, input);
  const found = await findVersion(call, bucket, input);
  const { key, versionId } = found;
  await call.house.store.transaction(async (tx) => {
    const current = await lockForWrite(tx, bucket.name, key);
    const fresh = await objects.version(tx, bucket.name, key, versionId);
    if (fresh === undefined) throw noSuchKey(key);
    await objects.setFacts(tx, bucket.name, key, versionId, { ...fresh.facts, tags });
    await announce(tx, call, current, {
      name: change === 'Added' ? 'ObjectTagging:Put' : 'ObjectTagging:Delete',
      detailType: `Object Tags ${change}`,
      key,
      bytes: fresh.bytes,
      etag: fresh.etag,
      ...(current.versioning !== undefined && { versionId }),
      sequence: fresh.sequence,
    });
  });
  const VersionId = shownVersion(bucket, found);
  return VersionId === undefined ? {} : { VersionId };
}

export const getObjectAcl = operation<GetObjectAclRequest, GetObjectAclOutput>({
  authorize: onObject('GetObjectAcl', 'GetObjectVersionAcl'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    await findVersion(call, bucket, input);
    return { Owner: ownerOf(bucket.account), Grants: ownerGrants(bucket.account) };
  },
});

export const getObjectAttributes = operation<GetObjectAttributesRequest, GetObjectAttributesOutput>({
  authorize: async (input, call) => [
    await existingAccess(call, input, 'GetObject', 'GetObjectVersion'),
    await existingAccess(call, input, 'GetObjectAttributes', 'GetObjectVersionAttributes'),
  ],
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const object = await findVersion(call, bucket, input);
    const VersionId = shownVersion(bucket, object);
    const wanted = new Set<string>(input.ObjectAttributes ?? []);
    const { checksum } = object.facts;
    return {
      LastModified: new Date(object.modifiedAt),
      ...(VersionId !== undefined && { VersionId }),
      ...(wanted.has('ETag') && { ETag: object.etag }),
      ...(wanted.has('Checksum') && checksum && { Checksum: checksumOutput(checksum) }),
      ...(wanted.has('ObjectParts') &&
        object.facts.partsCount !== undefined && { ObjectParts: partsOf(object, input) }),
      ...(wanted.has('StorageClass') && { StorageClass: 'STANDARD' as const }),
      ...(wanted.has('ObjectSize') && { ObjectSize: object.bytes }),
    };
  },
});

function partsOf(
  object: ObjectVersion,
  input: GetObjectAttributesRequest,
): NonNullable<GetObjectAttributesOutput['ObjectParts']> {
  const limit = Math.min(input.MaxParts ?? 1000, 1000);
  const after = Number(input.PartNumberMarker ?? 0);
  const algorithm = object.facts.checksum?.algorithm;
  const all = object.segments.map((segment, index) => ({
    PartNumber: segment.partNumber ?? index + 1,
    Size: segment.bytes,
    ...(algorithm !== undefined && segment.checksum !== undefined && { [`Checksum${algorithm}`]: segment.checksum }),
  }));
  const rest = all.filter(({ PartNumber }) => PartNumber > after);
  const Parts = rest.slice(0, limit);
  const last = Parts.at(-1)?.PartNumber;
  return {
    TotalPartsCount: all.length,
    PartNumberMarker: String(after),
    MaxParts: limit,
    IsTruncated: rest.length > limit,
    ...(last !== undefined && { NextPartNumberMarker: String(last) }),
    // AWS names the parts only where each has a checksum of its own.
    ...(object.facts.checksum?.type === 'COMPOSITE' && { Parts }),
  };
}
