/** Multipart uploads and large bodies, as current SDKs send them. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure } from '../support/people.ts';

const MIB = 1024 ** 2;
const Bucket = 'multipart-bucket';

let sluice: TestSluice;
let s3: S3Client;

beforeAll(async () => {
  sluice = await startSluice({ services: ['s3', 'kms'] });
  s3 = new S3Client({ ...sluice.clientConfig(), forcePathStyle: true, maxAttempts: 1 });
  await s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(async () => {
  s3?.destroy();
  await sluice?.close();
});

/** Bytes that differ everywhere, the same at each call. */
function bytes(length: number): Buffer {
  const out = Buffer.allocUnsafe(length);
  for (let at = 0, n = 0; at < length; at += 32, n++) {
    createHash('sha256').update(String(n)).digest().copy(out, at);
  }
  return out;
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

async function readHash(Key: string, more: object = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  const hash = createHash('sha256');
  for await (const piece of Body as Readable) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}

async function begin(Key: string, more: object = {}) {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
  const part = (PartNumber: number, Body: Uint8Array, extra: object = {}) =>
    s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...extra }));
  const complete = (Parts: object[], extra: object = {}) =>
    s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...extra }));
  return { UploadId, part, complete };
}

describe('large bodies', () => {
  it('go up in parts by lib-storage, 30 MB, and come back whole and in ranges', async () => {
    const Body = bytes(30 * MIB);
    await new Upload({ client: s3, params: { Bucket, Key: 'big', Body: Readable.from(chunks(Body)) } }).done();
    expect(await readHash('big')).toBe(sha256(Body));
    const start = 12 * MIB - 100;
    const end = 20 * MIB + 100;
    expect(await readHash('big', { Range: `bytes=${start}-${end}` })).toBe(sha256(Body.subarray(start, end + 1)));
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'big', ChecksumMode: 'ENABLED' }));
    expect(head.ETag).toMatch(/^"[0-9a-f]{32}-6"$/);
    expect(head.ContentLength).toBe(30 * MIB);
  });

  it('go up in one PUT as aws-chunked with a trailing checksum, without being held in memory', async () => {
    const Body = bytes(24 * MIB);
    const output = await s3.send(
      new PutObjectCommand({ Bucket, Key: 'one', Body: Readable.from(chunks(Body)), ContentLength: Body.length }),
    );
    expect(output.ChecksumCRC32).toBeDefined();
    expect(output.ETag).toBe(`"${createHash('md5').update(Body).digest('hex')}"`);
    expect(await readHash('one')).toBe(sha256(Body));
    const got = await s3.send(new HeadObjectCommand({ Bucket, Key: 'one', ChecksumMode: 'ENABLED' }));
    expect(got.ChecksumCRC32).toBe(output.ChecksumCRC32);
  });
});

function* chunks(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += 100_000) yield body.subarray(at, at + 100_000);
}

describe('multipart uploads', () => {
  it('are listed, completed in order, and then gone', async () => {
    const { UploadId, part, complete } = await begin('dir/parts', { Metadata: { a: 'b' }, ContentType: 'text/x' });
    const body = bytes(5 * MIB + 10);
    const first = await part(1, body.subarray(0, 5 * MIB));
    const third = await part(3, body.subarray(5 * MIB));
    await part(2, Buffer.from('never used'));
    const listed = await s3.send(new ListPartsCommand({ Bucket, Key: 'dir/parts', UploadId, MaxParts: 2 }));
    expect(listed).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2' });
    expect(listed.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, 5 * MIB],
      [2, 10],
    ]);
    const uploads = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'dir/' }));
    expect(uploads.Uploads).toMatchObject([{ Key: 'dir/parts', UploadId }]);
    const grouped = await s3.send(new ListMultipartUploadsCommand({ Bucket, Delimiter: '/' }));
    expect(grouped.CommonPrefixes).toEqual([{ Prefix: 'dir/' }]);
    const one = { PartNumber: 1, ETag: first.ETag };
    const three = { PartNumber: 3, ETag: third.ETag };
    expect(await failure(complete([three, one]))).toBe('InvalidPartOrder');
    expect(await failure(complete([one, { PartNumber: 4, ETag: third.ETag }]))).toBe('InvalidPart');
    expect(await failure(complete([one, { PartNumber: 3, ETag: first.ETag }]))).toBe('InvalidPart');
    const done = await complete([one, three]);
    expect(done.ETag).toMatch(/-2"$/);
    expect(await readHash('dir/parts')).toBe(sha256(body));
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'dir/parts' }))).toMatchObject({
      ContentType: 'text/x',
      Metadata: { a: 'b' },
    });
    const second = await s3.send(new GetObjectCommand({ Bucket, Key: 'dir/parts', PartNumber: 2 }));
    expect(second).toMatchObject({ ContentLength: 10, PartsCount: 2 });
    await second.Body?.transformToByteArray();
    expect(await failure(complete([one, three]))).toBe('NoSuchUpload');
  });

  it('with a small part are refused and can be mended', async () => {
    const { part, complete } = await begin('small');
    const small = await part(1, Buffer.from('x'));
    const end = await part(2, Buffer.from('y'));
    const two = { PartNumber: 2, ETag: end.ETag };
    expect(await failure(complete([{ PartNumber: 1, ETag: small.ETag }, two]))).toBe('EntityTooSmall');
    const large = await part(1, bytes(5 * MIB));
    await complete([{ PartNumber: 1, ETag: large.ETag }, two]);
  });

  it('that are aborted leave nothing', async () => {
    const { UploadId, part } = await begin('aborted');
    await part(1, Buffer.from('x'));
    const segment = await sluice.house.store.query<{ digest: string }>(
      "SELECT document->'segment'->>'digest' AS digest FROM documents WHERE kind = 's3.part' AND parent = $1",
      [UploadId],
    );
    const digest = segment[0]?.digest ?? '';
    expect(await sluice.house.blobs.has(digest)).toBe(true);
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'aborted', UploadId }));
    expect(await sluice.house.blobs.has(digest)).toBe(false);
    expect(await failure(part(2, Buffer.from('x')))).toBe('NoSuchUpload');
    expect(await failure(s3.send(new ListPartsCommand({ Bucket, Key: 'aborted', UploadId })))).toBe('NoSuchUpload');
  });

  it('copy parts of other objects', async () => {
    const body = bytes(6 * MIB);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: body }));
    const { UploadId, part, complete } = await begin('assembled');
    const copied = await s3.send(
      new UploadPartCopyCommand({
        Bucket,
        Key: 'assembled',
        UploadId,
        PartNumber: 1,
        CopySource: `${Bucket}/source`,
        CopySourceRange: `bytes=10-${10 + 5 * MIB - 1}`,
      }),
    );
    const end = await part(2, Buffer.from('end'));
    await complete([
      { PartNumber: 1, ETag: copied.CopyPartResult?.ETag },
      { PartNumber: 2, ETag: end.ETag },
    ]);
    const expected = Buffer.concat([body.subarray(10, 10 + 5 * MIB), Buffer.from('end')]);
    expect(await readHash('assembled')).toBe(sha256(expected));
  });

  it('have a checksum of checksums, or of the whole', async () => {
    const body = bytes(5 * MIB + 3);
    const pieces = [body.subarray(0, 5 * MIB), body.subarray(5 * MIB)];
    const composite = await begin('composite', { ChecksumAlgorithm: 'SHA256' });
    const parts: object[] = [];
    const raw: Buffer[] = [];
    for (const [i, piece] of pieces.entries()) {
      const { ETag, ChecksumSHA256 } = await composite.part(i + 1, piece, { ChecksumAlgorithm: 'SHA256' });
      const digest = createHash('sha256').update(piece).digest();
      expect(ChecksumSHA256).toBe(digest.toString('base64'));
      raw.push(digest);
      parts.push({ PartNumber: i + 1, ETag, ChecksumSHA256 });
    }
    const done = await composite.complete(parts);
    const expected = createHash('sha256').update(Buffer.concat(raw)).digest('base64');
    expect(done).toMatchObject({ ChecksumSHA256: `${expected}-2`, ChecksumType: 'COMPOSITE' });
    const attributes = await s3.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'composite', ObjectAttributes: ['ObjectParts', 'Checksum'] }),
    );
    expect(attributes.ObjectParts?.Parts).toHaveLength(2);

    const whole = await s3.send(
      new PutObjectCommand({ Bucket, Key: 'whole', Body: body, ChecksumAlgorithm: 'CRC32C' }),
    );
    const full = await begin('full', { ChecksumAlgorithm: 'CRC32C', ChecksumType: 'FULL_OBJECT' });
    const fullParts: object[] = [];
    for (const [i, piece] of pieces.entries()) {
      const { ETag } = await full.part(i + 1, piece, { ChecksumAlgorithm: 'CRC32C' });
      fullParts.push({ PartNumber: i + 1, ETag });
    }
    expect(await failure(full.complete(fullParts, { ChecksumCRC32C: 'AAAAAA==' }))).toBe('BadDigest');
    const joined = await full.complete(fullParts);
    expect(joined).toMatchObject({ ChecksumCRC32C: whole.ChecksumCRC32C, ChecksumType: 'FULL_OBJECT' });
  });

  it('under SSE-KMS read back', async () => {
    const body = bytes(5 * MIB + 7);
    const { part, complete } = await begin('kms', { ServerSideEncryption: 'aws:kms' });
    const a = await part(1, body.subarray(0, 5 * MIB));
    expect(a.ServerSideEncryption).toBe('aws:kms');
    const b = await part(2, body.subarray(5 * MIB));
    await complete([
      { PartNumber: 1, ETag: a.ETag },
      { PartNumber: 2, ETag: b.ETag },
    ]);
    expect(await readHash('kms')).toBe(sha256(body));
  });
});
