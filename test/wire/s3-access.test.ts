/** Who may what in S3, and under which key: policies, public access, SSE-KMS, notifications. */
import {
  type CreateBucketCommandInput,
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketEncryptionCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateQueueCommand, ReceiveMessageCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person, type Person, type Statement } from '../support/people.ts';

const OTHER = '222222222222';

let sluice: TestSluice;
let s3: S3Client;
let kms: KMSClient;
const clients: { destroy(): void }[] = [];

function client(who?: Person): S3Client {
  const config = sluice.clientConfig(who === undefined ? {} : { credentials: who.credentials });
  const made = new S3Client({ ...config, forcePathStyle: true, maxAttempts: 1 });
  clients.push(made);
  return made;
}

let last = 0;
const next = (): number => ++last;
async function newBucket(input: Partial<CreateBucketCommandInput> = {}): Promise<string> {
  const Bucket = `access-bucket-${next()}`;
  await s3.send(new CreateBucketCommand({ Bucket, ...input }));
  return Bucket;
}
const somebody = (statements: readonly Statement[], account?: string): Promise<Person> =>
  person(sluice, `user-${next()}`, statements, account);
const allow = (Bucket: string, Principal: unknown, Action: string | string[], more: object = {}): Promise<unknown> =>
  s3.send(
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal,
            Action,
            Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
            ...more,
          },
        ],
      }),
    }),
  );

beforeAll(async () => {
  sluice = await startSluice({ services: ['s3', 'kms', 'events', 'sqs'] });
  s3 = client();
  kms = new KMSClient(sluice.clientConfig());
  clients.push(kms);
});
afterAll(async () => {
  for (const each of clients) each.destroy();
  await sluice?.close();
});

describe('permissions', () => {
  it('are by object and by bucket, and a denial names what is missing', async () => {
    const Bucket = await newBucket();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'in/k', Body: 'x' }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'out/k', Body: 'x' }));
    const ada = await somebody([
      { Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/in/*` },
      {
        Action: 's3:ListBucket',
        Resource: `arn:aws:s3:::${Bucket}`,
        Condition: { StringEquals: { 's3:prefix': 'in/' } },
      },
    ]);
    const asAda = client(ada);
    await asAda.send(new GetObjectCommand({ Bucket, Key: 'in/k' }));
    await expect(asAda.send(new GetObjectCommand({ Bucket, Key: 'out/k' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: ${ada.arn} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::${Bucket}/out/k because no identity-based policy allows the s3:GetObject action`,
      $metadata: { httpStatusCode: 403 },
    });
    expect((await asAda.send(new ListObjectsV2Command({ Bucket, Prefix: 'in/' }))).KeyCount).toBe(1);
    expect(await failure(asAda.send(new ListObjectsV2Command({ Bucket })))).toBe('AccessDenied');
    // Whoever may not list learns nothing of what is not there.
    await expect(asAda.send(new GetObjectCommand({ Bucket, Key: 'in/missing' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('s3:ListBucket'),
    });
    const outcome = await asAda.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'in/k' }] } }));
    expect(outcome.Errors).toMatchObject([{ Key: 'in/k', Code: 'AccessDenied' }]);
    expect(outcome.Deleted).toBeUndefined();
  });

  it('cross accounts where the bucket policy and the identity agree', async () => {
    const Bucket = await newBucket();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    const bob = await somebody([{ Action: 's3:*', Resource: '*' }], OTHER);
    const eve = await somebody([], OTHER);
    const get = new GetObjectCommand({ Bucket, Key: 'k' });
    expect(await failure(client(bob).send(get))).toBe('AccessDenied');
    await allow(Bucket, { AWS: OTHER }, ['s3:GetObject', 's3:PutObject']);
    await client(bob).send(get);
    expect(await failure(client(eve).send(get))).toBe('AccessDenied');
    await client(bob).send(new PutObjectCommand({ Bucket, Key: 'theirs', Body: 'x' }));
    // The owner of the bucket owns what others put into it.
    await s3.send(new GetObjectCommand({ Bucket, Key: 'theirs' }));
    const wrongOwner = new GetObjectCommand({ Bucket, Key: 'k', ExpectedBucketOwner: OTHER });
    expect(await failure(s3.send(wrongOwner))).toBe('AccessDenied');
  });

  it('of a bucket policy are checked, kept, and mended by the root user', async () => {
    const Bucket = await newBucket();
    expect(await failure(s3.send(new GetBucketPolicyCommand({ Bucket })))).toBe('NoSuchBucketPolicy');
    expect(await failure(s3.send(new PutBucketPolicyCommand({ Bucket, Policy: '{' })))).toBe('MalformedPolicy');
    expect(await failure(allow(Bucket, { AWS: OTHER }, 's3:GetObject', { Resource: 'arn:aws:s3:::another/*' }))).toBe(
      'MalformedPolicy',
    );
    await expect(allow(Bucket, '*', 's3:GetObject')).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('BlockPublicPolicy'),
    });
    await allow(Bucket, '*', 's3:*', { Effect: 'Deny' });
    expect(await failure(s3.send(new ListObjectsV2Command({ Bucket })))).toBe('AccessDenied');
    await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
    await s3.send(new ListObjectsV2Command({ Bucket }));
  });

  it('let the public in only where nothing blocks it', async () => {
    const Bucket = await newBucket();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'open' }));
    const url = `${sluice.url}/${Bucket}/k`;
    expect((await fetch(url)).status).toBe(403);
    await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
    await allow(Bucket, '*', 's3:GetObject');
    expect((await s3.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus).toEqual({ IsPublic: true });
    expect(await (await fetch(url)).text()).toBe('open');
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(403);
  });

  it('may ask for encryption', async () => {
    const Bucket = await newBucket();
    await allow(Bucket, '*', 's3:PutObject', {
      Effect: 'Deny',
      Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' } },
    });
    await expect(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('with an explicit deny in a resource-based policy'),
    });
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ServerSideEncryption: 'aws:kms' }));
  });
});

describe('SSE-KMS', () => {
  it('asks the key at each write and read, as the caller', async () => {
    const Bucket = await newBucket();
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    const SSEKMSKeyId = KeyMetadata?.Arn ?? '';
    const s3Only = await somebody([{ Action: 's3:*', Resource: '*' }]);
    const both = await somebody([
      { Action: 's3:*', Resource: '*' },
      {
        Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
        Resource: SSEKMSKeyId,
        Condition: {
          StringEquals: {
            'kms:ViaService': 's3.us-east-1.amazonaws.com',
            'kms:EncryptionContext:aws:s3:arn': `arn:aws:s3:::${Bucket}/k`,
          },
        },
      },
    ]);
    const put = new PutObjectCommand({
      Bucket,
      Key: 'k',
      Body: 'secret',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId,
    });
    await expect(client(s3Only).send(put)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: ${s3Only.arn} is not authorized to perform: kms:GenerateDataKey on resource: ${SSEKMSKeyId} because no identity-based policy allows the kms:GenerateDataKey action`,
    });
    const stored = await client(both).send(put);
    expect(stored).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId });
    const got = await client(both).send(new GetObjectCommand({ Bucket, Key: 'k', Range: 'bytes=1-3' }));
    expect(await got.Body?.transformToString()).toBe('ecr');
    await expect(client(s3Only).send(new GetObjectCommand({ Bucket, Key: 'k' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('kms:Decrypt'),
    });
    // Without the bytes the key is not needed.
    await client(s3Only).send(new HeadObjectCommand({ Bucket, Key: 'k' }));
    await kms.send(new DisableKeyCommand({ KeyId: SSEKMSKeyId }));
    await expect(client(both).send(new GetObjectCommand({ Bucket, Key: 'k' }))).rejects.toMatchObject({
      name: 'KMS.DisabledException',
      $metadata: { httpStatusCode: 400 },
    });
    await kms.send(new EnableKeyCommand({ KeyId: SSEKMSKeyId }));
  });

  it('under the AWS managed key stays in the account', async () => {
    const Bucket = await newBucket();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ServerSideEncryption: 'aws:kms' }));
    await allow(Bucket, { AWS: OTHER }, 's3:GetObject');
    const bob = await somebody([{ Action: ['s3:*', 'kms:*'], Resource: '*' }], OTHER);
    expect(await failure(client(bob).send(new GetObjectCommand({ Bucket, Key: 'k' })))).toBe('AccessDenied');
    const cy = await somebody([{ Action: 's3:GetObject', Resource: '*' }]);
    const got = await client(cy).send(new GetObjectCommand({ Bucket, Key: 'k' }));
    expect(await got.Body?.transformToString()).toBe('x');
  });

  it('can be what a bucket does by default', async () => {
    const Bucket = await newBucket();
    const KMSMasterKeyID = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
    await s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [
            {
              ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID },
              BucketKeyEnabled: true,
            },
          ],
        },
      }),
    );
    expect(await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))).toMatchObject({
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: KMSMasterKeyID,
      BucketKeyEnabled: true,
    });
    const unknown = new PutObjectCommand({
      Bucket,
      Key: 'k',
      Body: 'x',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: '00000000-0000-4000-8000-000000000000',
    });
    expect(await failure(s3.send(unknown))).toBe('KMS.NotFoundException');
  });
});

describe('notifications', () => {
  it('reach EventBridge and a queue, and lose nothing on the way', async () => {
    const Bucket = await newBucket();
    const sqs = new SQSClient(sluice.clientConfig());
    const events = new EventBridgeClient(sluice.clientConfig());
    clients.push(sqs, events);
    const queueArn = (name: string): string => `arn:aws:sqs:us-east-1:${sluice.account}:${name}`;
    const newQueue = async (QueueName: string, service: string): Promise<string> => {
      const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName }));
      const Policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: service },
            Action: 'sqs:SendMessage',
            Resource: queueArn(QueueName),
          },
        ],
      });
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
      return QueueUrl;
    };
    const receive = async (QueueUrl: string): Promise<any[]> => {
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      return (Messages ?? []).map(({ Body }) => JSON.parse(Body ?? '{}'));
    };
    const direct = await newQueue('direct', 's3.amazonaws.com');
    const bus = await newQueue('bus', 'events.amazonaws.com');
    await sqs.send(new CreateQueueCommand({ QueueName: 'closed' }));
    await events.send(new PutRuleCommand({ Name: 's3', EventPattern: JSON.stringify({ source: ['aws.s3'] }) }));
    await events.send(new PutTargetsCommand({ Rule: 's3', Targets: [{ Id: '1', Arn: queueArn('bus') }] }));
    const queue = (name: string, prefix: string) => ({
      QueueArn: queueArn(name),
      Events: ['s3:ObjectCreated:*' as const],
      Filter: { Key: { FilterRules: [{ Name: 'prefix' as const, Value: prefix }] } },
    });
    const configure = (QueueConfigurations: ReturnType<typeof queue>[]) =>
      s3.send(
        new PutBucketNotificationConfigurationCommand({
          Bucket,
          NotificationConfiguration: { EventBridgeConfiguration: {}, QueueConfigurations },
        }),
      );
    expect(await failure(configure([queue('closed', 'in/')]))).toBe('InvalidArgument');
    expect(await failure(configure([queue('direct', 'in/'), queue('direct', 'in/sub/')]))).toBe('InvalidArgument');
    await configure([queue('direct', 'in/')]);
    expect(await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }))).toMatchObject({
      EventBridgeConfiguration: {},
      QueueConfigurations: [queue('direct', 'in/')],
    });
    expect(await receive(direct)).toMatchObject([{ Event: 's3:TestEvent', Bucket }]);

    await s3.send(new PutObjectCommand({ Bucket, Key: 'in/a b', Body: 'xyz' }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'out', Body: 'x' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'out' }));
    await sluice.settled();
    await sluice.clock.advance('PT1S');
    await sluice.settled();
    expect(await receive(direct)).toMatchObject([
      {
        Records: [
          { eventName: 'ObjectCreated:Put', s3: { bucket: { name: Bucket }, object: { key: 'in/a+b', size: 3 } } },
        ],
      },
    ]);
    const seen = (await receive(bus)).sort((a, b) => (a.detail.reason < b.detail.reason ? 1 : -1));
    const summary = seen
      .map((event) => `${event['detail-type']} ${event.detail.object.key} ${event.detail.reason}`)
      .sort();
    expect(summary).toEqual([
      'Object Created in/a b PutObject',
      'Object Created out PutObject',
      'Object Deleted out DeleteObject',
    ]);
    expect(seen[0]).toMatchObject({
      source: 'aws.s3',
      account: sluice.account,
      resources: [`arn:aws:s3:::${Bucket}`],
      detail: { version: '0', bucket: { name: Bucket }, requester: sluice.account },
    });
    const left = await sluice.house.store.query("SELECT 1 FROM documents WHERE kind = 's3.notification'");
    expect(left).toEqual([]);
  });
});

describe('condition keys of the request', () => {
  it('tell how it was signed, how long ago, and what it makes', async () => {
    const Bucket = await newBucket();
    const only = (Condition: object) =>
      s3.send(
        new PutBucketPolicyCommand({
          Bucket,
          Policy: JSON.stringify({
            Version: '2012-10-17',
            Statement: {
              Effect: 'Deny',
              Principal: '*',
              Action: ['s3:PutObject', 's3:GetObject'],
              Resource: `arn:aws:s3:::${Bucket}/*`,
              Condition,
            },
          }),
        }),
      );
    const put = () => s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    await only({ StringNotEquals: { 's3:authType': 'REST-HEADER' } });
    await put();
    await only({ NumericGreaterThan: { 's3:signatureAge': '600000' } });
    await put();
    await only({ NumericLessThan: { 's3:signatureAge': '600000' } });
    expect(await failure(put())).toBe('AccessDenied');
    await only({ Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } });
    expect(await failure(put())).toBe('AccessDenied');
    await s3.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x', IfNoneMatch: '*' }));
    await only({ NumericLessThan: { 's3:TlsVersion': '1.2' } });
    await put();
  });

  it('strangers read two words, the account of the bucket the reason', async () => {
    const Bucket = await newBucket();
    const stranger = client(await somebody([{ Action: 's3:*', Resource: '*' }], OTHER));
    const own = client(await somebody([]));
    const get = new GetObjectCommand({ Bucket, Key: 'k' });
    await expect(stranger.send(get)).rejects.toMatchObject({ name: 'AccessDenied', message: 'Access Denied' });
    await expect(own.send(get)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringMatching(/because no identity-based policy allows the s3:GetObject action$/),
    });
  });
});
