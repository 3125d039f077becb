/** GetObject and HeadObject: the same question, with and without the bytes. */
import { Readable } from 'node:stream';
import type { GetObjectOutput, GetObjectRequest, HeadObjectOutput, HeadObjectRequest } from '@aws-sdk/client-s3';
import { checkRead, parseRange, type RangeRequest } from '../../core/object-read/index.ts';
import { type Call, operation } from '../service.ts';
import { onObject, requireBucket } from './access.ts';
import { checksumOutput } from './checksums.ts';
import { encryptionOutput, openDataKey } from './data-keys.ts';
import { invalidRequest, notImplemented, preconditionFailed, s3Error } from './errors.ts';
import { headerOutput } from './object-headers.ts';
import type { Bucket } from './records.ts';
import { openSegments } from './segments.ts';
import { findVersion, type ObjectVersion, shownVersion } from './versions.ts';

type ReadOutput = Omit<GetObjectOutput, 'Body'> & { Body?: Readable };

export const getObject = operation<GetObjectRequest, ReadOutput>({
  authorize: onObject('GetObject', 'GetObjectVersion'),
  async handle(input, call) {
    const { bucket, object, range, output } = await describe(input, call);
    // KMS is asked before a byte is sent, so that a refusal is an answer and not a broken stream.
    const Body = await bytesOf(call, bucket, object, range);
    return { ...output, Body };
  },
});

export const headObject = operation<HeadObjectRequest, HeadObjectOutput>({
  authorize: onObject('GetObject', 'GetObjectVersion'),
  async handle(input, call) {
    const { bucket, object, output } = await describe(input, call);
    if (input.ChecksumMode === 'ENABLED' && object.facts.encryption?.algorithm === 'aws:kms') {
      await openDataKey(call, bucket, object.facts.encryption);
    }
    return output as HeadObjectOutput;
  },
});

async function describe(
  input: GetObjectRequest & HeadObjectRequest,
  call: Call,
): Promise<{ bucket: Bucket; object: ObjectVersion; range: RangeRequest | undefined; output: ReadOutput }> {
  if (input.SSECustomerAlgorithm !== undefined || input.SSECustomerKey !== undefined) {
    throw notImplemented('Server-side encryption with customer-provided keys (SSE-C)');
  }
  const bucket = await requireBucket(call, input);
  const object = await findVersion(call, bucket, input);
  checkConditions(input, bucket, object);
  const range = chosenRange(input, object);
  const bytes = range === undefined ? object.bytes : range.end - range.start + 1;
  const { facts } = object;
  const tagCount = Object.keys(facts.tags).length;
  const versionId = shownVersion(bucket, object);
  const output: ReadOutput = {
    AcceptRanges: 'bytes',
    LastModified: new Date(object.modifiedAt),
    ContentLength: bytes,
    ETag: `"${object.etag}"`,
    ...headerOutput(facts.headers),
    ...overrides(input, call),
    Metadata: { ...facts.metadata },
    ...encryptionOutput(facts.encryption),
    ...(versionId !== undefined && { VersionId: versionId }),
    ...(range !== undefined && { ContentRange: `bytes ${range.start}-${range.end}/${object.bytes}` }),
    ...(tagCount > 0 && { TagCount: tagCount }),
    // The checksum is of the whole object: with a part of it, it would only mislead.
    ...(input.ChecksumMode === 'ENABLED' && range === undefined && checksumOutput(facts.checksum)),
    ...(input.PartNumber !== undefined && facts.partsCount !== undefined && { PartsCount: facts.partsCount }),
  };
  return { bucket, object, range, output };
}

/** The bytes of an object, as the caller: a stream that reads nothing before it is read. */
export async function bytesOf(
  call: Call,
  bucket: Bucket,
  object: ObjectVersion,
  range?: RangeRequest,
): Promise<Readable> {
  const { encryption } = object.facts;
  if (encryption === undefined) throw new Error(`object ${object.key} has no data key`);
  const dataKey = await openDataKey(call, bucket, encryption);
  const wanted = range ?? { start: 0, end: object.bytes - 1 };
  return Readable.from(openSegments(call.house.blobs, object.segments, dataKey, wanted), { objectMode: false });
}

function checkConditions(input: GetObjectRequest, bucket: Bucket, object: ObjectVersion): void {
  const outcome = checkRead(
    {
      ifMatch: input.IfMatch,
      ifNoneMatch: input.IfNoneMatch,
      ifModifiedSince: epochMs(input.IfModifiedSince),
      ifUnmodifiedSince: epochMs(input.IfUnmodifiedSince),
    },
    object,
  );
  if (outcome === 'Proceed') return;
  if (outcome !== 'NotModified') throw preconditionFailed(outcome.failed);
  const versionId = shownVersion(bucket, object);
  throw s3Error(304, 'NotModified', 'Not Modified', {
    headers: {
      etag: `"${object.etag}"`,
      'last-modified': new Date(object.modifiedAt).toUTCString(),
      ...(versionId !== undefined && { 'x-amz-version-id': versionId }),
    },
  });
}

/** A malformed date in a condition is no condition. */
export function epochMs(date: Date | number | string | undefined): number | undefined {
  if (date === undefined) return undefined;
  const at = new Date(date).getTime();
  return Number.isNaN(at) ? undefined : at;
}

/** Undefined: the whole object. */
function chosenRange(input: GetObjectRequest, object: ObjectVersion): RangeRequest | undefined {
  if (input.PartNumber !== undefined) {
    if (input.Range !== undefined)
      throw invalidRequest('Cannot specify both Range header and partNumber query parameter');
    return partRange(input.PartNumber, object);
  }
  if (input.Range === undefined) return undefined;
  const range = parseRange(input.Range, object.bytes);
  if (range !== 'Unsatisfiable') return range;
  throw s3Error(416, 'InvalidRange', 'The requested range is not satisfiable', {
    fields: { RangeRequested: input.Range, ActualObjectSize: object.bytes },
    headers: { 'content-range': `bytes */${object.bytes}` },
  });
}

function partRange(partNumber: number, object: ObjectVersion): RangeRequest | undefined {
  if (object.facts.partsCount === undefined) {
    if (partNumber !== 1) throw invalidPartNumber(partNumber, 1);
    return object.bytes === 0 ? undefined : { start: 0, end: object.bytes - 1 };
  }
  // Part numbers may have had gaps when they were uploaded; read, they count from 1.
  const index = partNumber - 1;
  const segment = object.segments[index];
  if (segment === undefined) throw invalidPartNumber(partNumber, object.facts.partsCount);
  const start = object.segments.slice(0, index).reduce((sum, { bytes }) => sum + bytes, 0);
  return segment.bytes === 0 ? undefined : { start, end: start + segment.bytes - 1 };
}

function invalidPartNumber(partNumber: number, actual: number): Error {
  return s3Error(416, 'InvalidPartNumber', 'The requested partnumber is not satisfiable', {
    fields: { PartNumberRequested: partNumber, ActualPartCount: actual },
  });
}

function overrides(input: GetObjectRequest, call: Call) {
  const found = {
    ...(input.ResponseCacheControl !== undefined && { CacheControl: input.ResponseCacheControl }),
    ...(input.ResponseContentDisposition !== undefined && { ContentDisposition: input.ResponseContentDisposition }),
    ...(input.ResponseContentEncoding !== undefined && { ContentEncoding: input.ResponseContentEncoding }),
    ...(input.ResponseContentLanguage !== undefined && { ContentLanguage: input.ResponseContentLanguage }),
    ...(input.ResponseContentType !== undefined && { ContentType: input.ResponseContentType }),
    ...(input.ResponseExpires !== undefined && { Expires: new Date(input.ResponseExpires) }),
  };
  if (Object.keys(found).length > 0 && call.principal.type === 'Anonymous') {
    throw invalidRequest('Request specific response headers cannot be used for anonymous GET requests.');
  }
  return found;
}
