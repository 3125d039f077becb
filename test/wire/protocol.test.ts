/** The official clients against the bare wire: what they send is understood, what we send they understand. */
import { Readable } from 'node:stream';
import { CloudWatchClient, DescribeAlarmsCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { CodePipelineClient, GetPipelineCommand, ListPipelinesCommand } from '@aws-sdk/client-codepipeline';
import { IAMClient, CreateRoleCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import { KMSClient, EncryptCommand } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import {
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketTaggingCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CloudWatchLogsClient, StartLiveTailCommand } from '@aws-sdk/client-cloudwatch-logs';
import { SQSClient, SendMessageCommand } from '@aws-sdk/client-sqs';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AwsError } from '../../src/common/index.ts';
import { credentials, type Seen, startWireServer, type WireServer } from '../support/wire-server.ts';

let server: WireServer;
let answer: (seen: Seen) => Promise<Record<string, unknown>> | Record<string, unknown>;

beforeEach(async () => {
  answer = () => ({});
  server = await startWireServer((seen) => answer(seen));
});
afterEach(() => server.close());

const config = (): { endpoint: string; region: string; credentials: typeof credentials; maxAttempts: number } => ({
  endpoint: server.url,
  region: 'eu-west-1',
  credentials,
  maxAttempts: 1,
});

async function textOf(body: unknown): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as Readable) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}

describe('AWS JSON', () => {
  it('carries an input and an output', async () => {
    answer = () => ({
      pipeline: { name: 'demo', roleArn: 'arn:x', stages: [] },
      metadata: { created: new Date(1_700_000_000_123) },
    });
    const output = await new CodePipelineClient(config()).send(new GetPipelineCommand({ name: 'demo', version: 3 }));
    expect(server.seen[0]).toMatchObject({
      service: 'codepipeline',
      operation: 'GetPipeline',
      input: { name: 'demo', version: 3 },
    });
    expect(server.seen[0]?.exchange.region).toBe('eu-west-1');
    expect(output.metadata?.created).toEqual(new Date(1_700_000_000_123));
  });

  it('carries a modelled error', async () => {
    answer = () => {
      throw new AwsError('PipelineNotFoundException', "Account '1' does not have a pipeline with name 'x'");
    };
    await expect(new CodePipelineClient(config()).send(new GetPipelineCommand({ name: 'x' }))).rejects.toMatchObject({
      name: 'PipelineNotFoundException',
      message: "Account '1' does not have a pipeline with name 'x'",
      $metadata: { httpStatusCode: 400, requestId: 'c3a5f3a0-0000-4000-8000-000000000001' },
    });
  });

  it('answers a broken constraint in the words of AWS', async () => {
    await expect(new CodePipelineClient(config()).send(new GetPipelineCommand({ name: 'a b' }))).rejects.toMatchObject({
      name: 'ValidationException',
      message:
        "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z0-9.@\\-_]+",
    });
  });

  it('carries blobs', async () => {
    answer = () => ({ CiphertextBlob: Buffer.from([0, 255]) });
    const output = await new KMSClient(config()).send(
      new EncryptCommand({ KeyId: 'k', Plaintext: Buffer.from('hello'), EncryptionContext: { a: 'b' } }),
    );
    expect(Buffer.from(server.seen[0]?.input.Plaintext as Uint8Array).toString()).toBe('hello');
    expect([...(output.CiphertextBlob ?? [])]).toEqual([0, 255]);
  });

  it('refuses a wrong key and a wrong secret', async () => {
    const wrongKey = new CodePipelineClient({ ...config(), credentials: { ...credentials, accessKeyId: 'AKIDOTHER' } });
    await expect(wrongKey.send(new ListPipelinesCommand({}))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    });
    const wrongSecret = new CodePipelineClient({ ...config(), credentials: { ...credentials, secretAccessKey: 'no' } });
    await expect(wrongSecret.send(new ListPipelinesCommand({}))).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    });
  });
});

describe('services of several protocols', () => {
  it('CloudWatch takes what its current client sends', async () => {
    answer = () => ({
      MetricAlarms: [{ AlarmName: 'a', Threshold: 1.5, StateUpdatedTimestamp: new Date(1_700_000_000_000) }],
    });
    const client = new CloudWatchClient(config());
    await client.send(
      new PutMetricDataCommand({
        Namespace: 'N',
        MetricData: [{ MetricName: 'm', Value: 1.5, Timestamp: new Date(1_700_000_000_000) }],
      }),
    );
    expect(server.seen[0]?.input).toEqual({
      Namespace: 'N',
      MetricData: [{ MetricName: 'm', Value: 1.5, Timestamp: new Date(1_700_000_000_000) }],
    });
    const output = await client.send(new DescribeAlarmsCommand({}));
    expect(output.MetricAlarms?.[0]).toMatchObject({
      AlarmName: 'a',
      Threshold: 1.5,
      StateUpdatedTimestamp: new Date(1_700_000_000_000),
    });
  });

  it("SQS's client reads the query protocol's error code", async () => {
    answer = () => {
      throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
    };
    await expect(
      new SQSClient({ ...config(), useQueueUrlAsEndpoint: false }).send(
        new SendMessageCommand({ QueueUrl: 'q', MessageBody: 'm' }),
      ),
    ).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  });
});

describe('event streams', () => {
  it('arrive event by event', async () => {
    answer = () => ({
      responseStream: (async function* () {
        yield { sessionStart: { requestId: 'r', logGroupIdentifiers: ['g'] } };
        yield { sessionUpdate: { sessionResults: [{ message: 'hello', timestamp: 1 }] } };
        throw new AwsError('SessionTimeoutException', 'three hours are over');
      })(),
    });
    const client = new CloudWatchLogsClient({ ...config(), disableHostPrefix: true });
    const { responseStream } = await client.send(new StartLiveTailCommand({ logGroupIdentifiers: ['g'] }));
    const events: unknown[] = [];
    await expect(
      (async () => {
        for await (const event of responseStream ?? []) events.push(event);
      })(),
    ).rejects.toMatchObject({ name: 'SessionTimeoutException' });
    expect(events).toMatchObject([
      { sessionStart: { requestId: 'r', logGroupIdentifiers: ['g'] } },
      { sessionUpdate: { sessionResults: [{ message: 'hello', timestamp: 1 }] } },
    ]);
  });
});

describe('query', () => {
  it('carries lists and timestamps', async () => {
    answer = ({ operation }) =>
      operation === 'CreateRole'
        ? { Role: { RoleName: 'r', Path: '/', Arn: 'a', RoleId: 'i', CreateDate: new Date(1_700_000_000_000) } }
        : { Roles: [], IsTruncated: false };
    const client = new IAMClient(config());
    const { Role } = await client.send(
      new CreateRoleCommand({
        RoleName: 'r',
        AssumeRolePolicyDocument: '{"a":"+ &"}',
        Tags: [
          { Key: 'a', Value: 'b' },
          { Key: 'c', Value: '' },
        ],
      }),
    );
    expect(server.seen[0]?.input).toEqual({
      RoleName: 'r',
      AssumeRolePolicyDocument: '{"a":"+ &"}',
      Tags: [
        { Key: 'a', Value: 'b' },
        { Key: 'c', Value: '' },
      ],
    });
    expect(Role?.CreateDate).toEqual(new Date(1_700_000_000_000));
    expect(await client.send(new ListRolesCommand({}))).toMatchObject({ Roles: [], IsTruncated: false });
  });

  it('carries an error by its query code', async () => {
    answer = () => {
      throw new AwsError('NoSuchEntityException', 'The role with name r cannot be found.');
    };
    await expect(new IAMClient(config()).send(new ListRolesCommand({}))).rejects.toMatchObject({
      name: 'NoSuchEntityException',
      $metadata: { httpStatusCode: 404 },
    });
  });
});

describe('REST JSON', () => {
  it('carries payload, headers and status', async () => {
    answer = ({ operation }) =>
      operation === 'Invoke'
        ? { StatusCode: 200, ExecutedVersion: '7', Payload: Buffer.from('{"ok":true}') }
        : { Functions: [] };
    const client = new LambdaClient(config());
    const output = await client.send(
      new InvokeCommand({
        FunctionName: 'arn:aws:lambda:eu-west-1:111122223333:function:f:live',
        Payload: Buffer.from('{"a":1}'),
        LogType: 'Tail',
      }),
    );
    expect(server.seen[0]?.input).toMatchObject({
      FunctionName: 'arn:aws:lambda:eu-west-1:111122223333:function:f:live',
      LogType: 'Tail',
    });
    expect(Buffer.from(server.seen[0]?.input.Payload as Uint8Array).toString()).toBe('{"a":1}');
    expect(output).toMatchObject({ StatusCode: 200, ExecutedVersion: '7' });
    expect(Buffer.from(output.Payload ?? []).toString()).toBe('{"ok":true}');
    expect((await client.send(new ListFunctionsCommand({ MaxItems: 5 }))).Functions).toEqual([]);
    expect(server.seen[1]?.input).toEqual({ MaxItems: 5 });
  });
});

describe('S3', () => {
  const s3 = (more: object = {}): S3Client => new S3Client({ ...config(), forcePathStyle: true, ...more });

  it('reads an upload with a checksum, bytes and stream', async () => {
    const bodies: string[] = [];
    answer = async ({ input }) => {
      bodies.push(await textOf(input.Body));
      return { ETag: '"e"', ChecksumCRC32: input.ChecksumCRC32 };
    };
    const client = s3();
    const first = await client.send(
      new PutObjectCommand({ Bucket: 'b', Key: 'a b/ü+~.txt', Body: 'hello', Metadata: { x: 'y' } }),
    );
    expect(server.seen[0]?.input).toMatchObject({ Bucket: 'b', Key: 'a b/ü+~.txt', Metadata: { x: 'y' } });
    expect(first).toMatchObject({ ETag: '"e"', ChecksumCRC32: 'NhCmhg==' });
    const stream = await client.send(
      new PutObjectCommand({
        Bucket: 'b',
        Key: 'k',
        Body: Readable.from([Buffer.from('hel'), Buffer.from('lo')]),
        ContentLength: 5,
      }),
    );
    expect(stream.ChecksumCRC32).toBe('NhCmhg==');
    expect(server.seen[1]?.input.ContentEncoding).toBeUndefined();
    expect(bodies).toEqual(['hello', 'hello']);
  });

  it('tells its operations apart', async () => {
    answer = ({ operation }) =>
      operation === 'ListObjectsV2'
        ? {
            Contents: [{ Key: 'a<&>', Size: 3, LastModified: new Date(1_700_000_000_000) }],
            IsTruncated: false,
            KeyCount: 1,
          }
        : operation === 'GetBucketLocation'
          ? { LocationConstraint: 'eu-west-1' }
          : operation === 'GetObject'
            ? {
                Body: Readable.from([Buffer.from('bytes')]),
                ContentLength: 5,
                LastModified: new Date(1_700_000_000_000),
                Metadata: { a: 'b' },
              }
            : operation === 'DeleteObjects'
              ? { Deleted: [{ Key: 'a' }] }
              : {};
    const client = s3();
    const list = await client.send(new ListObjectsV2Command({ Bucket: 'b', Prefix: 'p/', MaxKeys: 5 }));
    expect(list.Contents).toEqual([{ Key: 'a<&>', Size: 3, LastModified: new Date(1_700_000_000_000) }]);
    expect(await client.send(new GetBucketLocationCommand({ Bucket: 'b' }))).toMatchObject({
      LocationConstraint: 'eu-west-1',
    });
    const object = await client.send(new GetObjectCommand({ Bucket: 'b', Key: 'k', Range: 'bytes=0-4' }));
    expect(await object.Body?.transformToString()).toBe('bytes');
    expect(object.Metadata).toEqual({ a: 'b' });
    const deleted = await client.send(
      new DeleteObjectsCommand({ Bucket: 'b', Delete: { Objects: [{ Key: 'a' }, { Key: 'c' }], Quiet: false } }),
    );
    expect(deleted.Deleted).toEqual([{ Key: 'a' }]);
    await client.send(new PutBucketTaggingCommand({ Bucket: 'b', Tagging: { TagSet: [{ Key: 'k', Value: 'v' }] } }));
    expect(server.seen.map(({ operation }) => operation)).toEqual([
      'ListObjectsV2',
      'GetBucketLocation',
      'GetObject',
      'DeleteObjects',
      'PutBucketTagging',
    ]);
    expect(server.seen[3]?.input.Delete).toEqual({ Objects: [{ Key: 'a' }, { Key: 'c' }], Quiet: false });
    expect(server.seen[4]?.input.Tagging).toEqual({ TagSet: [{ Key: 'k', Value: 'v' }] });
  });

  it('words errors with and without a body', async () => {
    answer = () => {
      throw new AwsError('NoSuchKey', 'The specified key does not exist.', { fields: { Key: 'k' } });
    };
    await expect(s3().send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }))).rejects.toMatchObject({
      name: 'NoSuchKey',
      $metadata: { httpStatusCode: 404 },
    });
    await expect(s3().send(new HeadObjectCommand({ Bucket: 'b', Key: 'k' }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    });
  });

  it('tells the client of a large upload what was wrong with it', async () => {
    answer = async ({ input }) => ({ ETag: await textOf(input.Body) });
    await expect(
      s3().send(
        new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: Buffer.alloc(4_000_000), ChecksumCRC32: 'AAAAAA==' }),
      ),
    ).rejects.toMatchObject({
      name: 'BadDigest',
      message: 'The CRC32 you specified did not match the calculated checksum.',
    });
    // Refused in the middle: the rest is still being sent when the answer goes out.
    const body = `${(1_000).toString(16)}\r\n${'a'.repeat(1_000)}\r\nnot a chunk${'b'.repeat(4_000_000)}`;
    const response = await fetch(`${server.url}/b/k`, {
      method: 'PUT',
      body,
      headers: { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
    });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining('<Code>InvalidRequest</Code>'),
    ]);
  });

  it('takes presigned URLs until they expire', async () => {
    answer = async ({ input }) => (input.Body === undefined ? {} : { ETag: await textOf(input.Body) });
    const url = await getSignedUrl(s3(), new PutObjectCommand({ Bucket: 'b', Key: 'k' }), { expiresIn: 60 });
    const put = await fetch(url, { method: 'PUT', body: 'data' });
    expect([put.status, put.headers.get('etag')]).toEqual([200, 'data']);
    const tampered = await fetch(url.replace('/k?', '/l?'), { method: 'PUT', body: 'data' });
    expect([tampered.status, await tampered.text()]).toEqual([
      403,
      expect.stringContaining('<Code>SignatureDoesNotMatch</Code>'),
    ]);
    const past = await getSignedUrl(s3(), new GetObjectCommand({ Bucket: 'b', Key: 'k' }), {
      expiresIn: 60,
      signingDate: new Date(performance.timeOrigin - 3_600_000),
    });
    const expired = await fetch(past);
    expect([expired.status, await expired.text()]).toEqual([
      403,
      expect.stringContaining('<Message>Request has expired</Message>'),
    ]);
  });
});
