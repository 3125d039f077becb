/** ListObjects, ListObjectsV2 and ListObjectVersions: keys byte by byte, grouped by a delimiter. */
import type {
  CommonPrefix,
  DeleteMarkerEntry,
  ListObjectsOutput,
  ListObjectsRequest,
  ListObjectsV2Output,
  ListObjectsV2Request,
  ListObjectVersionsOutput,
  ListObjectVersionsRequest,
  _Object as ListedContent,
  ObjectVersion as VersionEntry,
} from '@aws-sdk/client-s3';
import type { RequestContext } from '../../common/index.ts';
import type { ListedObject, Listing } from '../../store/index.ts';
import { operation } from '../service.ts';
import { onBucket, requireBucket } from './access.ts';
import { invalidArgument } from './errors.ts';
import { ownerOf } from './owners.ts';
import { keyEncoder, pageSize, readToken, writeToken } from './pages.ts';
import { type Bucket, type ObjectFacts, objects } from './records.ts';
import { checkVersionId } from './versions.ts';

type ListInput = Readonly<{
  Prefix?: string | undefined;
  Delimiter?: string | undefined;
  MaxKeys?: number | undefined;
}>;

function listContext(input: ListInput): RequestContext {
  return {
    ...(typeof input.Prefix === 'string' && { 's3:prefix': input.Prefix }),
    ...(typeof input.Delimiter === 'string' && { 's3:delimiter': input.Delimiter }),
    ...(input.MaxKeys !== undefined && { 's3:max-keys': String(input.MaxKeys) }),
  };
}

export const listObjects = operation<ListObjectsRequest, ListObjectsOutput>({
  authorize: onBucket('ListBucket', listContext),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const limit = pageSize(input.MaxKeys, 'max-keys');
    const encode = keyEncoder(input.EncodingType);
    const listing =
      limit === 0
        ? NOTHING
        : await objects.listLatest(call.house.store, {
            bucket: bucket.name,
            prefix: input.Prefix,
            delimiter: input.Delimiter,
            limit,
            ...(isGiven(input.Marker) && { after: { key: input.Marker } }),
          });
    const last = listing.entries.at(-1);
    return {
      Name: bucket.name,
      Prefix: encode(input.Prefix ?? ''),
      Marker: encode(input.Marker ?? ''),
      MaxKeys: limit,
      ...(isGiven(input.Delimiter) && { Delimiter: encode(input.Delimiter) }),
      ...(input.EncodingType !== undefined && { EncodingType: input.EncodingType }),
      IsTruncated: listing.more,
      // Without a delimiter the last key is the marker, and S3 leaves it to the client to see that.
      ...(listing.more && isGiven(input.Delimiter) && last && { NextMarker: encode(nameOf(last)) }),
      ...grouped(listing, bucket, encode, true),
    };
  },
});

export const listObjectsV2 = operation<ListObjectsV2Request, ListObjectsV2Output>({
  authorize: onBucket('ListBucket', listContext),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const limit = pageSize(input.MaxKeys, 'max-keys');
    const encode = keyEncoder(input.EncodingType);
    const token = readToken(input.ContinuationToken);
    if (input.ContinuationToken !== undefined && token?.['after'] === undefined) {
      throw invalidArgument(
        'The continuation token provided is incorrect',
        'continuation-token',
        input.ContinuationToken,
      );
    }
    const after = token?.['after'] ?? input.StartAfter;
    const listing =
      limit === 0
        ? NOTHING
        : await objects.listLatest(call.house.store, {
            bucket: bucket.name,
            prefix: input.Prefix,
            delimiter: input.Delimiter,
            limit,
            ...(isGiven(after) && { after: { key: after } }),
          });
    const last = listing.entries.at(-1);
    return {
      Name: bucket.name,
      Prefix: encode(input.Prefix ?? ''),
      MaxKeys: limit,
      KeyCount: listing.entries.length,
      IsTruncated: listing.more,
      ...(isGiven(input.Delimiter) && { Delimiter: encode(input.Delimiter) }),
      ...(input.EncodingType !== undefined && { EncodingType: input.EncodingType }),
      ...(input.ContinuationToken !== undefined && { ContinuationToken: input.ContinuationToken }),
      ...(isGiven(input.StartAfter) && { StartAfter: encode(input.StartAfter) }),
      ...(listing.more && last && { NextContinuationToken: writeToken({ after: nameOf(last) }) }),
      ...grouped(listing, bucket, encode, input.FetchOwner === true),
    };
  },
});

export const listObjectVersions = operation<ListObjectVersionsRequest, ListObjectVersionsOutput>({
  authorize: onBucket('ListBucketVersions', listContext),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const limit = pageSize(input.MaxKeys, 'max-keys');
    const encode = keyEncoder(input.EncodingType);
    const { store } = call.house;
    const { KeyMarker: keyMarker, VersionIdMarker: versionMarker } = input;
    if (isGiven(versionMarker) && !isGiven(keyMarker)) {
      throw invalidArgument(
        'A version-id marker cannot be specified without a key marker.',
        'version-id-marker',
        versionMarker,
      );
    }
    if (isGiven(versionMarker)) checkVersionId(versionMarker);
    // A version that is gone meanwhile marks no place: the listing goes on with the next key.
    const marked =
      isGiven(keyMarker) && isGiven(versionMarker)
        ? await objects.version(store, bucket.name, keyMarker, versionMarker)
        : undefined;
    const listing =
      limit === 0
        ? NOTHING
        : await objects.listVersions(store, {
            bucket: bucket.name,
            prefix: input.Prefix,
            delimiter: input.Delimiter,
            limit,
            ...(isGiven(keyMarker) && { after: { key: keyMarker, versionSequence: marked?.sequence } }),
          });
    const found = listing.entries.flatMap((entry) => (entry.type === 'Object' ? [entry.object] : []));
    const last = listing.entries.at(-1);
    const versions = found.filter((object) => !object.deleteMarker).map((each) => versionEntry(each, bucket, encode));
    const markers = found.filter((object) => object.deleteMarker).map((each) => markerEntry(each, bucket, encode));
    return {
      Name: bucket.name,
      Prefix: encode(input.Prefix ?? ''),
      KeyMarker: encode(keyMarker ?? ''),
      VersionIdMarker: versionMarker ?? '',
      MaxKeys: limit,
      ...(isGiven(input.Delimiter) && { Delimiter: encode(input.Delimiter) }),
      ...(input.EncodingType !== undefined && { EncodingType: input.EncodingType }),
      IsTruncated: listing.more,
      ...(listing.more && last && { NextKeyMarker: encode(nameOf(last)) }),
      ...(listing.more && last?.type === 'Object' && { NextVersionIdMarker: last.object.versionId }),
      ...(versions.length > 0 && { Versions: versions }),
      ...(markers.length > 0 && { DeleteMarkers: markers }),
      ...commonPrefixes(listing, encode),
    };
  },
});

type Encode = (key: string) => string;

const NOTHING: Listing<ObjectFacts> = { entries: [], more: false };

/** An empty parameter is as good as none. */
function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function nameOf(entry: Listing<ObjectFacts>['entries'][number]): string {
  return entry.type === 'Object' ? entry.object.key : entry.prefix;
}

function grouped(
  listing: Listing<ObjectFacts>,
  bucket: Bucket,
  encode: Encode,
  withOwner: boolean,
): { Contents?: ListedContent[]; CommonPrefixes?: CommonPrefix[] } {
  const contents = listing.entries.flatMap((entry) =>
    entry.type === 'Object'
      ? [{ ...shown(entry.object, encode), ...(withOwner && { Owner: ownerOf(bucket.account) }) }]
      : [],
  );
  return { ...(contents.length > 0 && { Contents: contents }), ...commonPrefixes(listing, encode) };
}

function commonPrefixes(listing: Listing<ObjectFacts>, encode: Encode): { CommonPrefixes?: CommonPrefix[] } {
  const prefixes = listing.entries.flatMap((entry) =>
    entry.type === 'CommonPrefix' ? [{ Prefix: encode(entry.prefix) }] : [],
  );
  return prefixes.length === 0 ? {} : { CommonPrefixes: prefixes };
}

function shown(object: ListedObject<ObjectFacts>, encode: Encode) {
  const { checksum } = object.facts;
  return {
    Key: encode(object.key),
    LastModified: new Date(object.modifiedAt),
    ETag: `"${object.etag}"`,
    ...(checksum && { ChecksumAlgorithm: [checksum.algorithm], ChecksumType: checksum.type }),
    Size: object.bytes,
    StorageClass: 'STANDARD' as const,
  };
}

function versionEntry(object: ListedObject<ObjectFacts>, bucket: Bucket, encode: Encode): VersionEntry {
  return {
    ...shown(object, encode),
    VersionId: object.versionId,
    IsLatest: object.isLatest,
    Owner: ownerOf(bucket.account),
  };
}

function markerEntry(object: ListedObject<ObjectFacts>, bucket: Bucket, encode: Encode): DeleteMarkerEntry {
  return {
    Key: encode(object.key),
    VersionId: object.versionId,
    IsLatest: object.isLatest,
    LastModified: new Date(object.modifiedAt),
    Owner: ownerOf(bucket.account),
  };
}
