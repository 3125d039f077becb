/** Multipart uploads: begun, listed, completed, aborted. The parts are in `parts.ts`. */
import { createHash } from 'node:crypto';
import type {
  AbortMultipartUploadOutput,
  AbortMultipartUploadRequest,
  CompletedPart,
  CompleteMultipartUploadOutput,
  CompleteMultipartUploadRequest,
  CreateMultipartUploadOutput,
  CreateMultipartUploadRequest,
  ListMultipartUploadsOutput,
  ListMultipartUploadsRequest,
} from '@aws-sdk/client-s3';
import { LOWER_ALPHANUMERIC } from '../../common/index.ts';
import { commonPrefixOf } from '../../core/key-listing/index.ts';
import type { Queryable } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { accessTo, onBucket, requireBucket } from './access.ts';
import { discard } from './body.ts';
import {
  type ChecksumAlgorithm,
  checkedAlgorithm,
  checksumOutput,
  combineParts,
  DEFAULT_ALGORITHM,
  isChecksumAlgorithm,
  multipartChecksumType,
} from './checksums.ts';
import { encryptionOutput, newDataKey, openDataKey } from './data-keys.ts';
import { invalidRequest, malformedXml, noSuchUpload, notImplemented, s3Error } from './errors.ts';
import { checkedMetadata, headersOf, refuseUnsupported } from './object-headers.ts';
import { canonicalId, checkAcl, checkObjectOwner, ownerOf } from './owners.ts';
import { keyEncoder, pageSize } from './pages.ts';
import { writeAccess } from './put-object.ts';
import { GLOBAL, type ObjectChecksum, type Part, parts, type Segment, type Upload, uploads } from './records.ts';
import { tagsOfHeader } from './tags.ts';
import { checkKey, checkWriteConditions, saveVersion } from './versions.ts';

const MIN_PART_BYTES = 5 * 1024 ** 2;
const MAX_OBJECT_BYTES = 50 * 1024 ** 4;

export const createMultipartUpload = operation<CreateMultipartUploadRequest, CreateMultipartUploadOutput>({
  authorize: (input, call) => writeAccess(input, call),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const key = input.Key ?? '';
    checkKey(key);
    checkAcl(bucket, input);
    checkObjectOwner(bucket, call.principal, input.ACL);
    refuseUnsupported(input);
    const checksumAlgorithm =
      input.ChecksumAlgorithm === undefined ? DEFAULT_ALGORITHM : checkedAlgorithm(input.ChecksumAlgorithm);
    if (input.ChecksumType !== undefined && input.ChecksumAlgorithm === undefined) {
      throw invalidRequest('The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.');
    }
    const checksumType = multipartChecksumType(checksumAlgorithm, input.ChecksumType);
    const { encryption } = await newDataKey(call, bucket, key, input);
    const uploadId = call.house.ids.text(64, LOWER_ALPHANUMERIC);
    const upload: Upload = {
      uploadId,
      bucket: bucket.name,
      key,
      initiatedAt: call.now,
      initiator: initiatorOf(call),
      facts: {
        headers: headersOf(input),
        metadata: checkedMetadata(input.Metadata),
        tags: tagsOfHeader(input.Tagging),
        encryption,
      },
      checksumAlgorithm,
      checksumType,
      checksumChosen: input.ChecksumAlgorithm !== undefined,
    };
    const placement = { parent: bucket.name, sort: key };
    await uploads.insert(call.house.store, { ...GLOBAL, id: uploadId }, upload, placement);
    return {
      Bucket: bucket.name,
      Key: key,
      UploadId: uploadId,
      ...encryptionOutput(encryption),
      ...(input.ChecksumAlgorithm !== undefined && {
        ChecksumAlgorithm: checksumAlgorithm,
        ChecksumType: checksumType,
      }),
    };
  },
});

function initiatorOf({ principal, account }: Call): Upload['initiator'] {
  if (principal.type === 'Root') return { id: canonicalId(account), displayName: 'root' };
  const arn = 'arn' in principal ? principal.arn : 'anonymous';
  return { id: arn, displayName: arn.split('/').pop() ?? arn };
}

/** Throws `NoSuchUpload` unless the upload is one of this bucket and key. */
export async function requireUpload(
  q: Queryable,
  input: Readonly<{ Bucket?: string | undefined; Key?: string | undefined; UploadId?: string | undefined }>,
): Promise<Upload> {
  const uploadId = input.UploadId ?? '';
  const upload = (await uploads.get(q, { ...GLOBAL, id: uploadId }))?.document;
  if (upload === undefined || upload.bucket !== input.Bucket || upload.key !== input.Key) throw noSuchUpload(uploadId);
  return upload;
}

export const abortMultipartUpload = operation<AbortMultipartUploadRequest, AbortMultipartUploadOutput>({
  authorize: async (input, call) => [await accessTo(call, input.Bucket, 'AbortMultipartUpload', { key: input.Key })],
  async handle(input, call) {
    await requireBucket(call, input);
    let gone: Segment[] = [];
    await call.house.store.transaction(async (tx) => {
      const upload = await requireUpload(tx, input);
      gone = (await parts.list(tx, { ...GLOBAL, parent: upload.uploadId })).map(({ document }) => document.segment);
      await parts.deleteUnder(tx, GLOBAL, upload.uploadId);
      if (!(await uploads.delete(tx, { ...GLOBAL, id: upload.uploadId }))) throw noSuchUpload(upload.uploadId);
    });
    await discard(call.house, gone);
    return {};
  },
});

export const completeMultipartUpload = operation<CompleteMultipartUploadRequest, CompleteMultipartUploadOutput>({
  authorize: async (input, call) => [
    await accessTo(call, input.Bucket, 'PutObject', {
      key: input.Key,
      context: {
        's3:ObjectCreationOperation': 'true',
        ...(typeof input.IfMatch === 'string' && { 's3:if-match': input.IfMatch }),
        ...(typeof input.IfNoneMatch === 'string' && { 's3:if-none-match': input.IfNoneMatch }),
      },
    }),
  ],
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    checkWriteConditions(input);
    if (input.SSECustomerAlgorithm !== undefined)
      throw notImplemented('Server-side encryption with customer-provided keys (SSE-C)');
    const { store } = call.house;
    const upload = await requireUpload(store, input);
    const stored = await parts.list(store, { ...GLOBAL, parent: upload.uploadId });
    const chosen = chosenParts(
      input.MultipartUpload?.Parts ?? [],
      stored.map(({ document }) => document),
      upload,
    );
    const bytes = chosen.reduce((sum, { segment }) => sum + segment.bytes, 0);
    if (bytes > MAX_OBJECT_BYTES) {
      throw s3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed object size.');
    }
    if (input.MpuObjectSize !== undefined && Number(input.MpuObjectSize) !== bytes) {
      throw invalidRequest(
        `The provided 'x-amz-mp-object-size' header value ${input.MpuObjectSize} does not match what was computed: ${bytes}`,
      );
    }
    const checksum = checkedWhole(input, upload, chosen);
    // Completing reads the data key, as reading the object would.
    await openDataKey(call, bucket, upload.facts.encryption);
    const etag = `${md5OfParts(chosen)}-${chosen.length}`;
    const kept = new Set(chosen.map(({ segment }) => segment.digest));
    const unused = stored.map(({ document }) => document.segment).filter(({ digest }) => !kept.has(digest));
    const saved = await saveCompleted(call, bucket, input, upload, { chosen, bytes, etag, checksum });
    await discard(call.house, unused);
    return {
      Location: `${call.http === undefined ? 'https' : call.http.secure ? 'https' : 'http'}://${call.http?.host ?? 's3.amazonaws.com'}/${bucket.name}/${encodeURIComponent(upload.key)}`,
      Bucket: bucket.name,
      Key: upload.key,
      ETag: `"${etag}"`,
      ...checksumOutput(checksum),
      ...encryptionOutput(upload.facts.encryption),
      ...(saved.versionId !== undefined && { VersionId: saved.versionId }),
    };
  },
});

type Completed = Readonly<{ chosen: readonly Part[]; bytes: number; etag: string; checksum: ObjectChecksum }>;

/** The parts stay the upload's until the object is there: a failed completion can be tried again. */
async function saveCompleted(
  call: Call,
  bucket: Parameters<typeof saveVersion>[1],
  input: CompleteMultipartUploadRequest,
  upload: Upload,
  { chosen, bytes, etag, checksum }: Completed,
) {
  const segments = chosen.map(({ segment, partNumber }) => ({ ...segment, partNumber }));
  return saveVersion(
    call,
    bucket,
    {
      key: upload.key,
      bytes,
      etag,
      facts: { ...upload.facts, checksum, partsCount: chosen.length },
      segments,
    },
    {
      conditions: input,
      keepOnFailure: true,
      eventName: 'ObjectCreated:CompleteMultipartUpload',
      reason: 'CompleteMultipartUpload',
      also: async (tx) => {
        if (!(await uploads.delete(tx, { ...GLOBAL, id: upload.uploadId }))) throw noSuchUpload(upload.uploadId);
        await parts.deleteUnder(tx, GLOBAL, upload.uploadId);
      },
    },
  );
}

/** The parts that the caller names, in order. Throws for what S3 refuses. */
function chosenParts(named: readonly CompletedPart[], stored: readonly Part[], upload: Upload): readonly Part[] {
  if (named.length === 0) throw malformedXml();
  const byNumber = new Map(stored.map((part) => [part.partNumber, part]));
  let before = 0;
  const chosen = named.map((completed) => {
    const number = completed.PartNumber ?? 0;
    if (number <= before) {
      throw s3Error(
        400,
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
        {
          fields: { UploadId: upload.uploadId },
        },
      );
    }
    before = number;
    const part = byNumber.get(number);
    const etag = completed.ETag?.replace(/^"(.*)"$/, '$1');
    if (part === undefined || part.etag !== etag) throw invalidPart(upload, number, etag);
    checkPartChecksum(completed, part, upload);
    return part;
  });
  for (const part of chosen.slice(0, -1)) {
    if (part.segment.bytes < MIN_PART_BYTES) {
      throw s3Error(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
        fields: {
          ProposedSize: part.segment.bytes,
          MinSizeAllowed: MIN_PART_BYTES,
          PartNumber: part.partNumber,
          ETag: part.etag,
        },
      });
    }
  }
  return chosen;
}

function checkPartChecksum(completed: CompletedPart, part: Part, upload: Upload): void {
  const members = completed as Readonly<Record<string, unknown>>;
  const said = members[`Checksum${upload.checksumAlgorithm}`];
  if (said !== undefined && said !== part.segment.checksum) throw invalidPart(upload, part.partNumber, part.etag);
  if (said === undefined && upload.checksumChosen && upload.checksumType === 'COMPOSITE') {
    throw invalidRequest(
      `The upload was created using a ${upload.checksumAlgorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${part.partNumber} in the request.`,
    );
  }
}

function invalidPart(upload: Upload, number: number, etag: string | undefined): Error {
  return s3Error(
    400,
    'InvalidPart',
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    { fields: { UploadId: upload.uploadId, PartNumber: number, ETag: etag } },
  );
}

/** The checksum of the whole, compared with what the caller says it is. */
function checkedWhole(input: CompleteMultipartUploadRequest, upload: Upload, chosen: readonly Part[]): ObjectChecksum {
  const { checksumAlgorithm: algorithm, checksumType: type } = upload;
  if (input.ChecksumType !== undefined && input.ChecksumType !== type) {
    throw invalidRequest(
      `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
    );
  }
  const whole = combineParts(
    algorithm,
    type,
    chosen.map(({ segment }) => ({ checksum: segment.checksum ?? '', bytes: segment.bytes })),
  );
  for (const [name, said] of Object.entries(input)) {
    const said2 = name.startsWith('Checksum') && isChecksumAlgorithm(name.slice(8)) ? said : undefined;
    if (said2 === undefined) continue;
    const matches =
      (name.slice(8) as ChecksumAlgorithm) === algorithm && withoutCount(said2) === withoutCount(whole.value);
    if (!matches) {
      throw s3Error(400, 'BadDigest', `The ${name.slice(8)} you specified did not match the calculated checksum.`);
    }
  }
  return whole;
}

function withoutCount(value: unknown): string {
  return String(value).replace(/-\d+$/, '');
}

function md5OfParts(chosen: readonly Part[]): string {
  const md5 = createHash('md5');
  for (const { etag } of chosen) md5.update(Buffer.from(etag, 'hex'));
  return md5.digest('hex');
}

export const listMultipartUploads = operation<ListMultipartUploadsRequest, ListMultipartUploadsOutput>({
  authorize: onBucket('ListBucketMultipartUploads'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const limit = pageSize(input.MaxUploads, 'max-uploads');
    const encode = keyEncoder(input.EncodingType);
    const { Prefix: prefix = '', Delimiter: delimiter, KeyMarker: keyMarker = '', UploadIdMarker: idMarker } = input;
    const rows = await uploads.list(call.house.store, {
      ...GLOBAL,
      parent: bucket.name,
      // Without an upload id the whole key is behind: no id sorts after this.
      ...(keyMarker !== '' && { after: { sort: keyMarker, id: idMarker ?? '\u{10ffff}' } }),
    });
    const entries: ({ upload: Upload } | { prefix: string })[] = [];
    let group: string | undefined;
    let more = false;
    for (const { document: upload } of rows) {
      if (!upload.key.startsWith(prefix)) continue;
      const common = commonPrefixOf(upload.key, prefix, delimiter);
      if (common !== undefined && (common === group || common === keyMarker)) continue;
      more = entries.length >= limit;
      if (more) break;
      group = common;
      entries.push(common === undefined ? { upload } : { prefix: common });
    }
    const last = entries.at(-1);
    const found = entries.flatMap((entry) => ('upload' in entry ? [entry.upload] : []));
    const prefixes = entries.flatMap((entry) => ('prefix' in entry ? [{ Prefix: encode(entry.prefix) }] : []));
    return {
      Bucket: bucket.name,
      KeyMarker: encode(keyMarker),
      UploadIdMarker: idMarker ?? '',
      ...(input.Prefix !== undefined && { Prefix: encode(prefix) }),
      ...(delimiter !== undefined && { Delimiter: encode(delimiter) }),
      ...(input.EncodingType !== undefined && { EncodingType: input.EncodingType }),
      MaxUploads: limit,
      IsTruncated: more,
      ...(more && last && 'upload' in last
        ? { NextKeyMarker: encode(last.upload.key), NextUploadIdMarker: last.upload.uploadId }
        : {}),
      ...(more && last && 'prefix' in last && { NextKeyMarker: encode(last.prefix) }),
      ...(found.length > 0 && { Uploads: found.map((upload) => uploadEntry(upload, bucket.account, encode)) }),
      ...(prefixes.length > 0 && { CommonPrefixes: prefixes }),
    };
  },
});

function uploadEntry(upload: Upload, account: string, encode: (key: string) => string) {
  return {
    UploadId: upload.uploadId,
    Key: encode(upload.key),
    Initiated: new Date(upload.initiatedAt),
    StorageClass: 'STANDARD' as const,
    Owner: ownerOf(account),
    Initiator: { ID: upload.initiator.id, DisplayName: upload.initiator.displayName },
    ...(upload.checksumChosen && { ChecksumAlgorithm: upload.checksumAlgorithm, ChecksumType: upload.checksumType }),
  };
}
