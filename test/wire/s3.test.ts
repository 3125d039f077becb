/** S3 by the official SDK: buckets, versions, reads, listings, copies, deletion, settings. */
import { createHash } from 'node:crypto';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketAclCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure } from '../support/people.ts';

let sluice: TestSluice;
let s3: S3Client;
const clients: S3Client[] = [];

function client(region?: string): S3Client {
  const config = sluice.clientConfig(region === undefined ? {} : { region });
  const made = new S3Client({ ...config, forcePathStyle: true, maxAttempts: 1 });
  clients.push(made);
  return made;
}

let buckets = 0;
async function newBucket(versioning?: 'Enabled'): Promise<string> {
  const Bucket = `wire-bucket-${++buckets}`;
  await s3.send(new CreateBucketCommand({ Bucket }));
  if (versioning !== undefined) await setVersioning(Bucket, versioning);
  return Bucket;
}

const setVersioning = (Bucket: string, Status: 'Enabled' | 'Suspended') =>
  s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
const put = (Bucket: string, Key: string, Body = Key) => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
const read = async (Bucket: string, Key: string, more: object = {}): Promise<string> => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return (await Body?.transformToString()) ?? '';
};

beforeAll(async () => {
  sluice = await startSluice({ services: ['s3', 'kms'] });
  s3 = client();
});
afterAll(async () => {
  for (const each of clients) each.destroy();
  await sluice?.close();
});

describe('buckets', () => {
  it('are made once, found, listed and deleted when empty', async () => {
    const Bucket = await newBucket();
    // us-east-1 answers its owner's second creation as the first.
    await s3.send(new CreateBucketCommand({ Bucket }));
    expect(await s3.send(new HeadBucketCommand({ Bucket }))).toMatchObject({ BucketRegion: 'us-east-1' });
    expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBeUndefined();
    expect((await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name)).toContain(Bucket);
    await put(Bucket, 'x');
    await expect(s3.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({
      name: 'BucketNotEmpty',
      $metadata: { httpStatusCode: 409 },
    });
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'x' }));
    await s3.send(new DeleteBucketCommand({ Bucket }));
    await expect(s3.send(new GetBucketLocationCommand({ Bucket }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
      $metadata: { httpStatusCode: 404 },
    });
    expect(await failure(s3.send(new HeadBucketCommand({ Bucket })))).toBe('NotFound');
  });

  it('are named by the rules, and unique across accounts', async () => {
    for (const Bucket of ['ab', 'Upper-case', '1.2.3.4', 'a..b', '-x-', 'xn--abc', 'abc-s3alias']) {
      expect(await failure(s3.send(new CreateBucketCommand({ Bucket })))).toBe('InvalidBucketName');
    }
    const Bucket = await newBucket();
    const account = '222222222222';
    const root = { type: 'Root', account, arn: `arn:aws:iam::${account}:root` } as const;
    const other = sluice.house.door.as(root, { account, region: 'us-east-1' });
    await expect(other.call('s3', 'CreateBucket', { Bucket })).rejects.toMatchObject({ code: 'BucketAlreadyExists' });
    expect((await other.call<{ Buckets: [] }>('s3', 'ListBuckets', {})).Buckets).toEqual([]);
  });

  it('live in their Region', async () => {
    const west = client('eu-west-1');
    const Bucket = `wire-bucket-${++buckets}`;
    const configuration = { CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' as const } };
    // The SDK adds the constraint by itself; a call without one is refused.
    const { account } = sluice;
    const root = { type: 'Root', account, arn: `arn:aws:iam::${account}:root` } as const;
    const door = sluice.house.door.as(root, { account, region: 'eu-west-1' });
    await expect(door.call('s3', 'CreateBucket', { Bucket })).rejects.toMatchObject({
      code: 'IllegalLocationConstraintException',
    });
    await west.send(new CreateBucketCommand({ Bucket, ...configuration }));
    expect(await failure(west.send(new CreateBucketCommand({ Bucket, ...configuration })))).toBe(
      'BucketAlreadyOwnedByYou',
    );
    expect((await west.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBe('eu-west-1');
    await expect(s3.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject({
      name: 'PermanentRedirect',
      $metadata: { httpStatusCode: 301 },
      $response: { headers: { 'x-amz-bucket-region': 'eu-west-1' } },
    });
  });

  it('are listed by page and prefix', async () => {
    for (const Bucket of ['paged-1', 'paged-2', 'paged-3']) await s3.send(new CreateBucketCommand({ Bucket }));
    const first = await s3.send(new ListBucketsCommand({ Prefix: 'paged-', MaxBuckets: 2 }));
    expect(first.Buckets?.map(({ Name }) => Name)).toEqual(['paged-1', 'paged-2']);
    const second = await s3.send(
      new ListBucketsCommand({ Prefix: 'paged-', MaxBuckets: 2, ContinuationToken: first.ContinuationToken }),
    );
    expect(second.Buckets?.map(({ Name }) => Name)).toEqual(['paged-3']);
    expect(second.ContinuationToken).toBeUndefined();
  });

  it('have settings, and say what they have not', async () => {
    const Bucket = await newBucket();
    expect(await s3.send(new GetBucketEncryptionCommand({ Bucket }))).toMatchObject({
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false }],
      },
    });
    expect((await s3.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    });
    expect((await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }))).OwnershipControls?.Rules).toEqual([
      { ObjectOwnership: 'BucketOwnerEnforced' },
    ]);
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBeUndefined();
    expect((await s3.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer).toBe('BucketOwner');
    expect(await failure(s3.send(new GetBucketTaggingCommand({ Bucket })))).toBe('NoSuchTagSet');
    expect(await failure(s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket })))).toBe(
      'NoSuchLifecycleConfiguration',
    );
    await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }));
    expect((await s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual([{ Key: 'a', Value: 'b' }]);
    const acl = await s3.send(new GetBucketAclCommand({ Bucket }));
    expect(acl.Grants).toMatchObject([{ Permission: 'FULL_CONTROL', Grantee: { ID: acl.Owner?.ID } }]);
    expect(await failure(s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' })))).toBe(
      'AccessControlListNotSupported',
    );
    const controls = { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' as const }] };
    await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: controls }));
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }));
    expect(await failure(s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' })))).toBe('AccessDenied');
  });
});

describe('objects', () => {
  it('come back byte for byte, with their headers, metadata and checksum', async () => {
    const Bucket = await newBucket();
    const Body = createHash('sha256').update('seed').digest();
    const stored = await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'dir/a b+c/ü.bin',
        Body,
        ContentType: 'application/x-test',
        CacheControl: 'no-store',
        ContentDisposition: 'attachment',
        ContentEncoding: 'identity',
        ContentLanguage: 'de',
        Expires: new Date('2030-01-01T00:00:00Z'),
        Metadata: { One: 'eins', two: 'zwei' },
        Tagging: 'team=red&empty=',
      }),
    );
    expect(stored).toMatchObject({
      ETag: `"${createHash('md5').update(Body).digest('hex')}"`,
      ServerSideEncryption: 'AES256',
      ChecksumType: 'FULL_OBJECT',
    });
    expect(stored.ChecksumCRC32).toBeDefined();
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'dir/a b+c/ü.bin', ChecksumMode: 'ENABLED' }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? [])).toEqual(Body);
    expect(got).toMatchObject({
      ContentLength: 32,
      ContentType: 'application/x-test',
      CacheControl: 'no-store',
      ContentDisposition: 'attachment',
      ContentEncoding: 'identity',
      ContentLanguage: 'de',
      Metadata: { one: 'eins', two: 'zwei' },
      TagCount: 2,
      AcceptRanges: 'bytes',
      ETag: stored.ETag,
      ChecksumCRC32: stored.ChecksumCRC32,
    });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'dir/a b+c/ü.bin' }));
    expect(head).toMatchObject({ ContentLength: 32, ETag: stored.ETag, Metadata: { one: 'eins', two: 'zwei' } });
    expect(await read(Bucket, 'dir/a b+c/ü.bin', { ResponseContentType: 'text/plain' })).toHaveLength(
      Body.toString('utf8').length,
    );
    await s3.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }));
    expect(await read(Bucket, 'empty')).toBe('');
  });

  it('with a wrong checksum or MD5 are refused and leave nothing', async () => {
    const Bucket = await newBucket();
    const Key = 'k';
    expect(
      await failure(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'abc', ChecksumSHA256: 'x'.repeat(43) + '=' }))),
    ).not.toBe('no error');
    const sha256 = createHash('sha256').update('other').digest('base64');
    expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'abc', ChecksumSHA256: sha256 })))).toBe(
      'BadDigest',
    );
    const md5 = createHash('md5').update('other').digest('base64');
    expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'abc', ContentMD5: md5 })))).toBe(
      'BadDigest',
    );
    expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
      // The SDK computes CRC64NVME only with its native addition.
      if (ChecksumAlgorithm === 'CRC64NVME') continue;
      const output = await s3.send(
        new PutObjectCommand({ Bucket, Key: ChecksumAlgorithm, Body: 'abc', ChecksumAlgorithm }),
      );
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: ChecksumAlgorithm, ChecksumMode: 'ENABLED' }));
      expect(output[`Checksum${ChecksumAlgorithm}`]).toBeDefined();
      expect(got[`Checksum${ChecksumAlgorithm}`]).toBe(output[`Checksum${ChecksumAlgorithm}`]);
      expect(await got.Body?.transformToString()).toBe('abc');
    }
  });

  it('are read in ranges', async () => {
    const Bucket = await newBucket();
    const Body = Buffer.alloc(200_000, 0).map((_, i) => (i * 7 + (i >> 8)) & 0xff);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body }));
    for (const [Range, start, end] of [
      ['bytes=0-0', 0, 0],
      ['bytes=65535-65536', 65_535, 65_536],
      ['bytes=100000-', 100_000, 199_999],
      ['bytes=-1', 199_999, 199_999],
      ['bytes=131072-999999', 131_072, 199_999],
    ] as const) {
      const part = await s3.send(new GetObjectCommand({ Bucket, Key: 'k', Range }));
      expect(part.$metadata.httpStatusCode).toBe(206);
      expect(part.ContentRange).toBe(`bytes ${start}-${end}/200000`);
      expect(part.ContentLength).toBe(end - start + 1);
      expect(Buffer.from((await part.Body?.transformToByteArray()) ?? [])).toEqual(Body.subarray(start, end + 1));
    }
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: 'k', Range: 'bytes=200000-' }))).rejects.toMatchObject({
      name: 'InvalidRange',
      $metadata: { httpStatusCode: 416 },
      $response: { headers: { 'content-range': 'bytes */200000' } },
    });
  });

  it('are read and written on conditions', async () => {
    const Bucket = await newBucket();
    const { ETag } = await put(Bucket, 'k', 'one');
    const get = (more: object) => failure(s3.send(new GetObjectCommand({ Bucket, Key: 'k', ...more })));
    expect(await get({ IfMatch: ETag })).toBe('no error');
    expect(await get({ IfMatch: '"x"' })).toBe('PreconditionFailed');
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: 'k', IfNoneMatch: ETag }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    expect(await get({ IfUnmodifiedSince: new Date(sluice.clock.now() - 3_600_000) })).toBe('PreconditionFailed');
    expect(await get({ IfModifiedSince: new Date(sluice.clock.now()) })).not.toBe('no error');
    const write = (more: object) => failure(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'two', ...more })));
    expect(await write({ IfNoneMatch: '*' })).toBe('PreconditionFailed');
    expect(await write({ IfMatch: '"x"' })).toBe('PreconditionFailed');
    expect(await read(Bucket, 'k')).toBe('one');
    expect(await write({ IfMatch: ETag })).toBe('no error');
    expect(await read(Bucket, 'k')).toBe('two');
    expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'new', Body: '1', IfNoneMatch: '*' })))).toBe(
      'no error',
    );
    expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'none', Body: '1', IfMatch: '"x"' })))).toBe(
      'NoSuchKey',
    );
    // Of many that race to be first, one is.
    const racers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        failure(s3.send(new PutObjectCommand({ Bucket, Key: 'race', Body: `${i}`, IfNoneMatch: '*' }))),
      ),
    );
    expect(racers.filter((outcome) => outcome === 'no error')).toHaveLength(1);
  });

  it('that are missing, too long named or of another class are refused', async () => {
    const Bucket = await newBucket();
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: 'no' }))).rejects.toMatchObject({
      name: 'NoSuchKey',
      Key: 'no',
      $metadata: { httpStatusCode: 404 },
    });
    expect(await failure(s3.send(new HeadObjectCommand({ Bucket, Key: 'no' })))).toBe('NotFound');
    expect(await failure(put(Bucket, 'k'.repeat(1025)))).toBe('KeyTooLongError');
    expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '', StorageClass: 'GLACIER' })))).toBe(
      'NotImplemented',
    );
    const metadata = { big: 'x'.repeat(2100) };
    expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '', Metadata: metadata })))).toBe(
      'MetadataTooLarge',
    );
    expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '', ACL: 'public-read' })))).toBe(
      'AccessControlListNotSupported',
    );
    const key = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: Buffer.alloc(32).toString('base64') };
    expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '', ...key })))).not.toBe('no error');
    expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
  });

  it('have tags, attributes and an access control list', async () => {
    const Bucket = await newBucket('Enabled');
    const { VersionId } = await put(Bucket, 'k', 'abc');
    const TagSet = [{ Key: 'stage', Value: 'build' }];
    expect(await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet } }))).toMatchObject({
      VersionId,
    });
    expect(await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'k' }))).toMatchObject({ TagSet, VersionId });
    const twice = [...TagSet, ...TagSet];
    expect(await failure(s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet: twice } })))).toBe(
      'InvalidTag',
    );
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'k' }));
    expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'k' }))).TagSet).toEqual([]);
    const attributes = await s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: 'k',
        ObjectAttributes: ['ETag', 'Checksum', 'ObjectSize', 'StorageClass', 'ObjectParts'],
      }),
    );
    expect(attributes).toMatchObject({
      ETag: '900150983cd24fb0d6963f7d28e17f72',
      ObjectSize: 3,
      StorageClass: 'STANDARD',
      Checksum: { ChecksumType: 'FULL_OBJECT' },
      VersionId,
    });
    const acl = await s3.send(new GetObjectAclCommand({ Bucket, Key: 'k' }));
    expect(acl.Grants).toMatchObject([{ Permission: 'FULL_CONTROL' }]);
  });
});

describe('versions', () => {
  it('pile up, are marked deleted, and come back', async () => {
    const Bucket = await newBucket();
    const unversioned = await put(Bucket, 'k', 'zero');
    expect(unversioned.VersionId).toBeUndefined();
    await setVersioning(Bucket, 'Enabled');
    const one = await put(Bucket, 'k', 'one');
    const two = await put(Bucket, 'k', 'two');
    expect(await read(Bucket, 'k')).toBe('two');
    expect(await read(Bucket, 'k', { VersionId: one.VersionId })).toBe('one');
    expect(await read(Bucket, 'k', { VersionId: 'null' })).toBe('zero');
    const gone = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    expect(gone).toMatchObject({ DeleteMarker: true });
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))).rejects.toMatchObject({
      name: 'NoSuchKey',
      $response: { headers: { 'x-amz-delete-marker': 'true', 'x-amz-version-id': gone.VersionId } },
    });
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: gone.VersionId }))).rejects.toMatchObject({
      name: 'MethodNotAllowed',
      $metadata: { httpStatusCode: 405 },
    });
    const listed = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    expect(listed.Versions?.map((each) => [each.VersionId, each.IsLatest])).toEqual([
      [two.VersionId, false],
      [one.VersionId, false],
      ['null', false],
    ]);
    expect(listed.DeleteMarkers).toMatchObject([{ VersionId: gone.VersionId, IsLatest: true }]);
    expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);

    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: gone.VersionId }));
    expect(await read(Bucket, 'k')).toBe('two');
    await setVersioning(Bucket, 'Suspended');
    expect((await put(Bucket, 'k', 'three')).VersionId).toBe('null');
    expect(await read(Bucket, 'k', { VersionId: 'null' })).toBe('three');
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: 'x'.repeat(32) }))).rejects.toMatchObject({
      name: 'NoSuchVersion',
    });
    expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: '?' })))).toBe('InvalidArgument');
  });

  it('list in pages, newest first', async () => {
    const Bucket = await newBucket('Enabled');
    for (const body of ['1', '2', '3']) for (const key of ['a', 'b']) await put(Bucket, key, body);
    const seen: string[] = [];
    let KeyMarker: string | undefined;
    let VersionIdMarker: string | undefined;
    do {
      const page = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 2, KeyMarker, VersionIdMarker }));
      for (const { Key, VersionId } of page.Versions ?? [])
        seen.push(`${Key} ${await read(Bucket, Key ?? '', { VersionId })}`);
      KeyMarker = page.NextKeyMarker;
      VersionIdMarker = page.NextVersionIdMarker;
    } while (KeyMarker !== undefined);
    expect(seen).toEqual(['a 3', 'a 2', 'a 1', 'b 3', 'b 2', 'b 1']);
  });
});

describe('listings', () => {
  it('group by delimiter, page by token, and start after', async () => {
    const Bucket = await newBucket();
    const names = ['a', 'dir/1', 'dir/2', 'dir/sub/3', 'e/x', 'z', '\u{1f4a7}', '\uffee'];
    for (const key of names) await put(Bucket, key);
    const whole = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }));
    expect(whole.Contents?.map(({ Key }) => Key)).toEqual(['a', 'z', '\uffee', '\u{1f4a7}']);
    expect(whole.CommonPrefixes).toEqual([{ Prefix: 'dir/' }, { Prefix: 'e/' }]);
    expect(whole.KeyCount).toBe(6);
    const seen: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 1, ContinuationToken }));
      seen.push(page.Contents?.[0]?.Key ?? page.CommonPrefixes?.[0]?.Prefix);
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(seen).toEqual(['a', 'dir/', 'e/', 'z', '\uffee', '\u{1f4a7}']);
    const inside = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'dir/', Delimiter: '/', StartAfter: 'dir/1' }),
    );
    expect(inside.Contents?.map(({ Key }) => Key)).toEqual(['dir/2']);
    expect(inside.CommonPrefixes).toEqual([{ Prefix: 'dir/sub/' }]);
    const v1 = await s3.send(new ListObjectsCommand({ Bucket, Delimiter: '/', MaxKeys: 2 }));
    expect(v1).toMatchObject({ IsTruncated: true, NextMarker: 'dir/', Contents: [{ Key: 'a', Size: 1 }] });
    const next = await s3.send(new ListObjectsCommand({ Bucket, Delimiter: '/', MaxKeys: 2, Marker: 'dir/' }));
    expect(next.CommonPrefixes).toEqual([{ Prefix: 'e/' }]);
    expect(await failure(s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken: 'no' })))).toBe(
      'InvalidArgument',
    );
    const none = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }));
    expect(none).toMatchObject({ KeyCount: 0, IsTruncated: false });
    await put(Bucket, 'sp ace+%');
    const encoded = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'sp', EncodingType: 'url' }));
    expect(encoded.Contents?.[0]?.Key).toBe('sp%20ace%2B%25');
  });
});

describe('copies', () => {
  it('carry bytes, headers and tags, or replace them', async () => {
    const Bucket = await newBucket('Enabled');
    const source = await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'a b/ü',
        Body: 'one',
        ContentType: 'text/x',
        Metadata: { k: 'v' },
        Tagging: 't=1',
      }),
    );
    await put(Bucket, 'a b/ü', 'two');
    const CopySource = `${Bucket}/${encodeURIComponent('a b/ü')}?versionId=${source.VersionId}`;
    const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }));
    expect(copied).toMatchObject({ CopySourceVersionId: source.VersionId, CopyObjectResult: { ETag: source.ETag } });
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'copy' }));
    expect(await got.Body?.transformToString()).toBe('one');
    expect(got).toMatchObject({ ContentType: 'text/x', Metadata: { k: 'v' }, TagCount: 1 });
    await s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'copy',
        CopySource: `${Bucket}/copy`,
        MetadataDirective: 'REPLACE',
        Metadata: { n: 'w' },
      }),
    );
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'copy' }))).Metadata).toEqual({ n: 'w' });
    expect(await failure(s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/copy` })))).toBe(
      'InvalidRequest',
    );
    const missing = new CopyObjectCommand({ Bucket, Key: 'x', CopySource: `${Bucket}/missing` });
    expect(await failure(s3.send(missing))).toBe('NoSuchKey');
    const changed = new CopyObjectCommand({ Bucket, Key: 'x', CopySource: `${Bucket}/copy`, CopySourceIfMatch: '"x"' });
    expect(await failure(s3.send(changed))).toBe('PreconditionFailed');
    expect(await failure(s3.send(new CopyObjectCommand({ Bucket, Key: 'x', CopySource: 'nonsense' })))).toBe(
      'InvalidArgument',
    );
  });
});

describe('deletions', () => {
  it('of many keys say what became of each', async () => {
    const Bucket = await newBucket();
    for (const key of ['a', 'b']) await put(Bucket, key);
    const Objects = ['a', 'b', 'never'].map((Key) => ({ Key }));
    const output = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(output.Deleted?.map(({ Key }) => Key)).toEqual(['a', 'b', 'never']);
    expect(output.Errors).toBeUndefined();
    expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
  });

  it('leave no blob behind', async () => {
    const Bucket = await newBucket();
    await put(Bucket, 'k', 'one');
    const digestOf = async (): Promise<string> => {
      const rows = await sluice.house.store.query<{ digest: string }>(
        "SELECT segments->0->>'digest' AS digest FROM objects WHERE bucket = $1",
        [Bucket],
      );
      return rows[0]?.digest ?? '';
    };
    const first = await digestOf();
    expect(await sluice.house.blobs.has(first)).toBe(true);
    expect(Buffer.from(await sluice.house.blobs.readAll(first)).includes('one')).toBe(false);
    await put(Bucket, 'k', 'two');
    expect(await sluice.house.blobs.has(first)).toBe(false);
    const second = await digestOf();
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    expect(await sluice.house.blobs.has(second)).toBe(false);
  });
});

describe('presigned URLs', () => {
  it('act as their signer', async () => {
    const Bucket = await newBucket();
    const putUrl = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'k' }));
    expect((await fetch(putUrl, { method: 'PUT', body: 'by url' })).status).toBe(200);
    const getUrl = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'k' }));
    expect(await (await fetch(getUrl)).text()).toBe('by url');
    const headUrl = await getSignedUrl(s3, new HeadObjectCommand({ Bucket, Key: 'k' }));
    expect((await fetch(headUrl, { method: 'HEAD' })).headers.get('content-length')).toBe('6');
    const tampered = await fetch(getUrl.replace('/k?', '/other?'));
    expect(tampered.status).toBe(403);
    expect(await tampered.text()).toContain('<Code>SignatureDoesNotMatch</Code>');
  });
});

describe('through the door', () => {
  it('bodies are bytes or streams, and come back as streams', async () => {
    const Bucket = await newBucket();
    const { account, region } = sluice;
    const root = { type: 'Root', account, arn: `arn:aws:iam::${account}:root` } as const;
    const door = sluice.house.door.as(root, { account, region });
    await door.call('s3', 'PutObject', { Bucket, Key: 'bytes', Body: new Uint8Array([1, 2, 3]) });
    const got = await door.call<{ Body: AsyncIterable<Uint8Array> }>('s3', 'GetObject', { Bucket, Key: 'bytes' });
    await door.call('s3', 'PutObject', { Bucket, Key: 'stream', Body: got.Body });
    const again = await door.call<{ Body: AsyncIterable<Uint8Array> }>('s3', 'GetObject', { Bucket, Key: 'stream' });
    const pieces: Uint8Array[] = [];
    for await (const piece of again.Body) pieces.push(piece);
    expect(Buffer.concat(pieces)).toEqual(Buffer.from([1, 2, 3]));
  });
});
