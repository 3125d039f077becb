/** Parts of a multipart upload: uploaded, copied, listed. Each is a segment of the object that they become. */
import type {
  ListPartsOutput,
  ListPartsRequest,
  UploadPartCopyOutput,
  UploadPartCopyRequest,
  UploadPartOutput,
  UploadPartRequest,
} from '@aws-sdk/client-s3';
import { parseRange, type RangeRequest } from '../../core/object-read/index.ts';
import { type Call, operation } from '../service.ts';
import { accessTo, requireBucket } from './access.ts';
import { type Body, discard, discardUnlessKept, type Ingested, ingest } from './body.ts';
import { requestedAlgorithm, verifyChecksum, verifyContentMd5 } from './checksums.ts';
import { openCopySource, sourceAccess } from './copy-source.ts';
import { encryptionOutput, openDataKey } from './data-keys.ts';
import { invalidArgument, invalidRequest, noSuchUpload, notImplemented } from './errors.ts';
import { bytesOf } from './get-object.ts';
import { requireUpload } from './multipart-uploads.ts';
import { ownerOf } from './owners.ts';
import { pageSize } from './pages.ts';
import { GLOBAL, type Part, parts, type Segment, type Upload, uploads } from './records.ts';

const MAX_PARTS = 10_000;

export const uploadPart = operation<UploadPartRequest, UploadPartOutput>({
  authorize: async (input, call) => [await accessTo(call, input.Bucket, 'PutObject', { key: input.Key })],
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    if (input.SSECustomerAlgorithm !== undefined) {
      throw notImplemented('Server-side encryption with customer-provided keys (SSE-C)');
    }
    const partNumber = checkedNumber(input.PartNumber);
    const upload = await requireUpload(call.house.store, input);
    const algorithm = requestedAlgorithm(input, call.http?.headers);
    if (algorithm !== undefined && upload.checksumChosen && algorithm !== upload.checksumAlgorithm) {
      throw invalidRequest(
        `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksumAlgorithm.toLowerCase()}, actual checksum Type: ${algorithm.toLowerCase()}`,
      );
    }
    const dataKey = await openDataKey(call, bucket, upload.facts.encryption);
    const body = await ingest(call.house, input.Body as Body, dataKey, upload.checksumAlgorithm, algorithm);
    try {
      if (algorithm !== undefined) verifyChecksum(input, algorithm, body.checksums[algorithm] ?? '');
      verifyContentMd5(input.ContentMD5, body.md5);
    } catch (error) {
      await discard(call.house, [body.segment]);
      throw error;
    }
    const part = await savePart(call, upload, partNumber, body);
    const shown = algorithm ?? (upload.checksumChosen ? upload.checksumAlgorithm : undefined);
    return {
      ETag: `"${part.etag}"`,
      ...(shown !== undefined && { [`Checksum${shown}`]: body.checksums[shown] }),
      ...encryptionOutput(upload.facts.encryption),
    };
  },
});

export const uploadPartCopy = operation<UploadPartCopyRequest, UploadPartCopyOutput>({
  authorize: async (input, call) => [
    ...(await sourceAccess(call, input, false, {})),
    await accessTo(call, input.Bucket, 'PutObject', { key: input.Key }),
  ],
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    if (input.SSECustomerAlgorithm !== undefined) {
      throw notImplemented('Server-side encryption with customer-provided keys (SSE-C)');
    }
    const partNumber = checkedNumber(input.PartNumber);
    const upload = await requireUpload(call.house.store, input);
    const source = await openCopySource(call, input);
    const range = copyRange(input.CopySourceRange, source.object.bytes);
    const dataKey = await openDataKey(call, bucket, upload.facts.encryption);
    const bytes = await bytesOf(call, source.bucket, source.object, range);
    const body = await ingest(call.house, bytes, dataKey, upload.checksumAlgorithm);
    const part = await savePart(call, upload, partNumber, body);
    return {
      CopyPartResult: {
        ETag: `"${part.etag}"`,
        LastModified: new Date(part.modifiedAt),
        ...(upload.checksumChosen && { [`Checksum${upload.checksumAlgorithm}`]: body.checksum }),
      },
      ...(source.versionId !== undefined && { CopySourceVersionId: source.versionId }),
      ...encryptionOutput(upload.facts.encryption),
    };
  },
});

/** The second upload of a number replaces the first. */
async function savePart(call: Call, upload: Upload, partNumber: number, body: Ingested): Promise<Part> {
  const part: Part = {
    partNumber,
    etag: body.md5,
    modifiedAt: call.now,
    segment: { ...body.segment, checksum: body.checksum },
  };
  const id = `${upload.uploadId}/${String(partNumber).padStart(5, '0')}`;
  let replaced: Segment | undefined;
  try {
    await call.house.store.transaction(async (tx) => {
      // The upload is locked: it cannot be completed or aborted between the look and the write.
      if ((await uploads.getForUpdate(tx, { ...GLOBAL, id: upload.uploadId })) === undefined) {
        throw noSuchUpload(upload.uploadId);
      }
      replaced = (await parts.get(tx, { ...GLOBAL, id }))?.document.segment;
      await parts.put(tx, { ...GLOBAL, id }, part, { parent: upload.uploadId, sort: id });
    });
  } catch (error) {
    await discardUnlessKept(call.house, [body.segment], error);
    throw error;
  }
  if (replaced !== undefined) await discard(call.house, [replaced]);
  return part;
}

function checkedNumber(partNumber: number | undefined): number {
  if (partNumber === undefined || !Number.isInteger(partNumber) || partNumber < 1 || partNumber > MAX_PARTS) {
    throw invalidArgument(
      `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`,
      'partNumber',
      partNumber,
    );
  }
  return partNumber;
}

function copyRange(header: string | undefined, bytes: number): RangeRequest | undefined {
  if (header === undefined) return undefined;
  const range = /^bytes=\d+-\d+$/.test(header) ? parseRange(header, bytes) : undefined;
  const end = Number(/-(\d+)$/.exec(header)?.[1]);
  if (range === undefined) {
    throw invalidArgument(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      'x-amz-copy-source-range',
      header,
    );
  }
  if (range === 'Unsatisfiable' || end >= bytes) {
    throw invalidArgument(
      `Range specified is not valid for source object of size: ${bytes}`,
      'x-amz-copy-source-range',
      header,
    );
  }
  return range;
}

export const listParts = operation<ListPartsRequest, ListPartsOutput>({
  authorize: async (input, call) => [
    await accessTo(call, input.Bucket, 'ListMultipartUploadParts', { key: input.Key }),
  ],
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const limit = pageSize(input.MaxParts, 'max-parts');
    const after = Number(input.PartNumberMarker ?? 0);
    if (!Number.isInteger(after) || after < 0) {
      throw invalidArgument(
        'Provided part-number-marker not an integer or within integer range',
        'part-number-marker',
        input.PartNumberMarker,
      );
    }
    const { store } = call.house;
    const upload = await requireUpload(store, input);
    const marker = `${upload.uploadId}/${String(after).padStart(5, '0')}`;
    const rows = await parts.list(store, {
      ...GLOBAL,
      parent: upload.uploadId,
      after: { sort: marker, id: marker },
      limit: limit + 1,
    });
    const shown = rows.slice(0, limit).map(({ document }) => document);
    const last = shown.at(-1);
    return {
      Bucket: bucket.name,
      Key: upload.key,
      UploadId: upload.uploadId,
      PartNumberMarker: String(after),
      NextPartNumberMarker: String(last?.partNumber ?? 0),
      MaxParts: limit,
      IsTruncated: rows.length > limit && limit > 0,
      ...(shown.length > 0 && { Parts: shown.map((part) => partEntry(part, upload)) }),
      Initiator: { ID: upload.initiator.id, DisplayName: upload.initiator.displayName },
      Owner: ownerOf(bucket.account),
      StorageClass: 'STANDARD',
      ...(upload.checksumChosen && { ChecksumAlgorithm: upload.checksumAlgorithm, ChecksumType: upload.checksumType }),
    };
  },
});

function partEntry(part: Part, upload: Upload) {
  return {
    PartNumber: part.partNumber,
    LastModified: new Date(part.modifiedAt),
    ETag: `"${part.etag}"`,
    Size: part.segment.bytes,
    ...(upload.checksumChosen && { [`Checksum${upload.checksumAlgorithm}`]: part.segment.checksum }),
  };
}
