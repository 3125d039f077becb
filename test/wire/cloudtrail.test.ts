/** CloudTrail's event history by the official SDK: who did what, as whom, and with which outcome, and nothing secret. */
import { CloudTrailClient, type Event, LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import { CodeBuildClient, CreateProjectCommand } from '@aws-sdk/client-codebuild';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateKeyCommand, DescribeKeyCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, type Person, person } from '../support/people.ts';

const OTHER = '222222222222';

let sluice: TestSluice;
let trail: CloudTrailClient;
let admin: Person;
let foreigner: Person;
let startedAt: number;
const clients: { destroy(): void }[] = [];

function client<C extends { destroy(): void }>(
  Client: new (config: any) => C,
  credentials?: Person['credentials'] & { sessionToken?: string },
  region?: string,
): C {
  const made = new Client({
    ...sluice.clientConfig({ ...(credentials && { credentials }), ...(region && { region }) }),
    forcePathStyle: true,
    maxAttempts: 1,
  });
  clients.push(made);
  return made;
}

beforeAll(async () => {
  sluice = await startSluice({
    services: ['iam', 'sts', 's3', 'kms', 'ssm', 'secretsmanager', 'cloudtrail', 'codebuild'],
  });
  startedAt = sluice.clock.now();
  trail = client(CloudTrailClient);
  admin = await person(sluice, 'admin', [{ Action: '*', Resource: '*' }]);
  foreigner = await person(sluice, 'foreigner', [{ Action: '*', Resource: '*' }], OTHER);
});

afterAll(async () => {
  for (const each of clients) each.destroy();
  await sluice.close();
});

type Found = Event & Readonly<{ record: Record<string, any> }>;

async function look(key: string, value: string, by: CloudTrailClient = trail): Promise<Found[]> {
  await sluice.open.audit.flush();
  const { Events = [] } = await by.send(
    new LookupEventsCommand({ LookupAttributes: [{ AttributeKey: key as 'EventName', AttributeValue: value }] }),
  );
  return Events.map((event) => ({ ...event, record: JSON.parse(event.CloudTrailEvent ?? '{}') }));
}

it('LookupEvents finds a call by each of its attributes', async () => {
  const kms = client(KMSClient, admin.credentials);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'for the trail' }));
  await kms.send(new DescribeKeyCommand({ KeyId: KeyMetadata?.KeyId }));
  const [made] = await look('EventName', 'CreateKey');
  expect(made).toMatchObject({
    EventName: 'CreateKey',
    EventSource: 'kms.amazonaws.com',
    Username: 'admin',
    ReadOnly: 'false',
    AccessKeyId: admin.credentials.accessKeyId,
    record: {
      eventVersion: '1.11',
      userIdentity: {
        type: 'IAMUser',
        arn: admin.arn,
        accountId: sluice.account,
        accessKeyId: admin.credentials.accessKeyId,
        userName: 'admin',
      },
      eventSource: 'kms.amazonaws.com',
      eventName: 'CreateKey',
      awsRegion: sluice.region,
      sourceIPAddress: '127.0.0.1',
      requestParameters: { description: 'for the trail' },
      responseElements: { keyMetadata: { arn: KeyMetadata?.Arn } },
      readOnly: false,
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: sluice.account,
      eventCategory: 'Management',
    },
  });
  expect(made?.record.userAgent).toContain('aws-sdk-js');
  expect(made?.record.userIdentity.principalId).toMatch(/^AIDA/);
  const named = await look('ResourceName', KeyMetadata?.Arn ?? '');
  expect(named.map((event) => event.EventName)).toEqual(['DescribeKey']);
  expect(named[0]?.Resources).toEqual([{ ResourceType: 'AWS::KMS::Key', ResourceName: KeyMetadata?.Arn }]);
  expect(named[0]?.record.resources).toEqual([
    { accountId: sluice.account, type: 'AWS::KMS::Key', ARN: KeyMetadata?.Arn },
  ]);
  expect((await look('EventId', made?.EventId ?? '')).map((event) => event.EventId)).toEqual([made?.EventId]);
  const names = async (key: string, value: string): Promise<(string | undefined)[]> =>
    (await look(key, value)).map((event) => event.EventName);
  expect(await names('ResourceType', 'AWS::KMS::Key')).toContain('DescribeKey');
  expect(await names('Username', 'admin')).toEqual(expect.arrayContaining(['CreateKey', 'DescribeKey']));
  expect(await names('AccessKeyId', admin.credentials.accessKeyId)).toContain('CreateKey');
  expect(await names('EventSource', 'kms.amazonaws.com')).toContain('CreateKey');
  expect(await names('ReadOnly', 'true')).not.toContain('CreateKey');
  expect(await names('ReadOnly', 'false')).not.toContain('DescribeKey');
  expect(await names('Username', 'nobody')).toEqual([]);
  expect(await names('EventId', 'what is no id')).toEqual([]);
});

it('LookupEvents pages from the newest to the oldest, and each token continues its own question', async () => {
  const sts = client(STSClient, admin.credentials);
  for (let turn = 0; turn < 5; turn += 1) {
    await sluice.clock.advance(1);
    await sts.send(new GetCallerIdentityCommand({}));
  }
  await sluice.open.audit.flush();
  const LookupAttributes = [{ AttributeKey: 'EventName' as const, AttributeValue: 'GetCallerIdentity' }];
  const seen: Event[] = [];
  let NextToken: string | undefined;
  do {
    const page = await trail.send(new LookupEventsCommand({ LookupAttributes, MaxResults: 2, NextToken }));
    expect(page.Events?.length).toBeLessThanOrEqual(2);
    seen.push(...(page.Events ?? []));
    NextToken = page.NextToken;
    if (seen.length === 2)
      expect(await failure(trail.send(new LookupEventsCommand({ MaxResults: 2, NextToken })))).toBe(
        'InvalidNextTokenException',
      );
  } while (NextToken !== undefined);
  expect(seen).toHaveLength(5);
  expect(new Set(seen.map((event) => event.EventId)).size).toBe(5);
  const times = seen.map((event) => Number(event.EventTime));
  expect(times).toEqual([...times].sort((a, b) => b - a));
  const StartTime = new Date(times[2] ?? 0);
  const late = await trail.send(new LookupEventsCommand({ LookupAttributes, StartTime }));
  expect(late.Events).toHaveLength(3);
  const early = await trail.send(new LookupEventsCommand({ LookupAttributes, EndTime: StartTime }));
  expect(early.Events).toHaveLength(3);
});

it('LookupEvents refuses what it cannot answer', async () => {
  const refused = (input: object): Promise<string> => failure(trail.send(new LookupEventsCommand(input)));
  expect(await refused({ MaxResults: 51 })).toBe('InvalidMaxResultsException');
  expect(await refused({ NextToken: 'x' })).toBe('InvalidNextTokenException');
  expect(await refused({ StartTime: new Date(2), EndTime: new Date(1) })).toBe('InvalidTimeRangeException');
  expect(await refused({ LookupAttributes: [{ AttributeKey: 'Colour', AttributeValue: 'red' }] })).toBe(
    'InvalidLookupAttributesException',
  );
  const nobody = await person(sluice, 'nobody-of-the-trail', []);
  const denied = client(CloudTrailClient, nobody.credentials);
  expect(await failure(denied.send(new LookupEventsCommand({})))).toBe('AccessDeniedException');
});

it('a denial is told with its whole reason', async () => {
  const nobody = await person(sluice, 'nobody', []);
  await failure(
    client(SSMClient, nobody.credentials).send(new PutParameterCommand({ Name: '/a', Value: 'b', Type: 'String' })),
  );
  const [denied] = await look('Username', 'nobody');
  expect(denied?.record).toMatchObject({
    errorCode: 'AccessDenied',
    errorMessage: `User: ${nobody.arn} is not authorized to perform: ssm:PutParameter on resource: arn:aws:ssm:${sluice.region}:${sluice.account}:parameter/a because no identity-based policy allows the ssm:PutParameter action`,
    responseElements: null,
  });
});

it('no secret is in an event', async () => {
  const secret = 'correct-horse-battery-staple';
  await client(SecretsManagerClient).send(new CreateSecretCommand({ Name: 'vault', SecretString: secret }));
  await client(SSMClient).send(new PutParameterCommand({ Name: '/vault', Value: secret, Type: 'SecureString' }));
  const kms = client(KMSClient);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  await kms.send(new EncryptCommand({ KeyId: KeyMetadata?.KeyId, Plaintext: Buffer.from(secret) }));
  await client(IAMClient).send(
    new CreateRoleCommand({
      RoleName: 'builder',
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'codebuild.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      }),
    }),
  );
  await client(CodeBuildClient).send(
    new CreateProjectCommand({
      name: 'vault',
      serviceRole: `arn:aws:iam::${sluice.account}:role/builder`,
      source: { type: 'NO_SOURCE', buildspec: 'version: 0.2\nphases: {build: {commands: ["true"]}}' },
      artifacts: { type: 'NO_ARTIFACTS' },
      environment: {
        type: 'LINUX_CONTAINER',
        image: 'aws/codebuild/standard:7.0',
        computeType: 'BUILD_GENERAL1_SMALL',
        environmentVariables: [{ name: 'PASSPHRASE', value: secret }],
      },
    }),
  );
  await sluice.open.audit.flush();
  const rows = await sluice.house.store.query<{ text: string }>(
    'SELECT record::text AS text FROM audit WHERE at >= $1',
    [startedAt],
  );
  expect(rows.length).toBeGreaterThan(5);
  const text = rows.map((row) => row.text).join('\n');
  expect(text).not.toContain(secret);
  expect(text).not.toContain(Buffer.from(secret).toString('base64'));
  expect(text).not.toContain(admin.credentials.secretAccessKey);
  const [project] = await look('EventName', 'CreateProject');
  expect(project?.record.requestParameters.environment.environmentVariables).toEqual([
    { name: 'PASSPHRASE', value: 'HIDDEN_DUE_TO_SECURITY_REASONS' },
  ]);
  expect((await look('EventName', 'PutParameter'))[0]?.record.requestParameters).toMatchObject({
    name: '/vault',
    value: 'HIDDEN_DUE_TO_SECURITY_REASONS',
  });
});

it('calls on the data of a resource are not in the history', async () => {
  const s3 = client(S3Client);
  await s3.send(new CreateBucketCommand({ Bucket: 'trail-bucket' }));
  await s3.send(new PutObjectCommand({ Bucket: 'trail-bucket', Key: 'k', Body: 'v' }));
  await s3.send(new GetObjectCommand({ Bucket: 'trail-bucket', Key: 'k' }));
  expect((await look('ResourceName', 'trail-bucket')).map((event) => event.EventName)).toEqual(['CreateBucket']);
  expect(await look('EventName', 'GetObject')).toEqual([]);
});

it('a call across accounts is in both, and the owner learns no name of the caller', async () => {
  await client(IAMClient).send(
    new CreateRoleCommand({
      RoleName: 'visited',
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { AWS: OTHER }, Action: 'sts:AssumeRole' }],
      }),
    }),
  );
  const RoleArn = `arn:aws:iam::${sluice.account}:role/visited`;
  const sts = client(STSClient, foreigner.credentials);
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'visit' }));
  const [theirs] = await look('EventName', 'AssumeRole', client(CloudTrailClient, foreigner.credentials));
  const [ours] = await look('EventName', 'AssumeRole');
  expect(theirs?.record).toMatchObject({
    userIdentity: { type: 'IAMUser', userName: 'foreigner', accountId: OTHER },
    recipientAccountId: OTHER,
    requestParameters: { roleArn: RoleArn, roleSessionName: 'visit' },
    responseElements: { credentials: { accessKeyId: Credentials?.AccessKeyId } },
  });
  expect(ours?.record).toMatchObject({
    userIdentity: { type: 'AWSAccount', accountId: OTHER },
    recipientAccountId: sluice.account,
    sharedEventID: theirs?.record.sharedEventID,
  });
  expect(ours?.record.userIdentity.principalId).toMatch(/^AIDA/);
  expect(ours?.Username).toBeUndefined();
  expect(ours?.EventId).not.toBe(theirs?.EventId);
  expect((await look('EventId', ours?.EventId ?? '')).map((event) => event.EventName)).toEqual(['AssumeRole']);
  expect(await look('EventId', theirs?.EventId ?? '')).toEqual([]);
  expect(await look('Username', 'foreigner')).toEqual([]);
  const session = {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  };
  await failure(client(KMSClient, session).send(new CreateKeyCommand({})));
  const [asRole] = await look('Username', 'visit');
  expect(asRole).toMatchObject({ AccessKeyId: session.accessKeyId });
  expect(asRole?.record.userIdentity).toMatchObject({
    type: 'AssumedRole',
    arn: `arn:aws:sts::${sluice.account}:assumed-role/visited/visit`,
    sessionContext: {
      sessionIssuer: { type: 'Role', arn: RoleArn, userName: 'visited' },
      attributes: { mfaAuthenticated: 'false' },
    },
  });
});

it('what a service does is told with its name: as itself, with a role, and with its caller’s credentials', async () => {
  const by = { type: 'Service', service: 'codebuild.amazonaws.com' } as const;
  const roleArn = `arn:aws:iam::${sluice.account}:role/builder`;
  const { region } = sluice;
  const session = await sluice.house.door.assumeRole({ roleArn, sessionName: 'AWSCodeBuild', by, region });
  const scope = { account: sluice.account, region };
  await failure(sluice.house.door.as(session.principal, scope).call('kms', 'ListKeys', {}));
  const hop = (await look('EventName', 'AssumeRole')).find(({ record }) => record.userIdentity.type === 'AWSService');
  expect(hop?.record).toMatchObject({
    userIdentity: { invokedBy: by.service },
    sourceIPAddress: by.service,
    requestParameters: { roleArn, roleSessionName: 'AWSCodeBuild' },
    responseElements: { credentials: { accessKeyId: session.accessKeyId } },
  });
  const [listed] = await look('EventName', 'ListKeys');
  expect(listed?.record).toMatchObject({
    userIdentity: { type: 'AssumedRole', accessKeyId: session.accessKeyId, invokedBy: by.service },
    sourceIPAddress: by.service,
    userAgent: by.service,
    errorCode: 'AccessDenied',
  });
  const { KeyMetadata } = await client(KMSClient).send(new CreateKeyCommand({}));
  await client(SecretsManagerClient, admin.credentials).send(
    new CreateSecretCommand({ Name: 'through', SecretString: 's', KmsKeyId: KeyMetadata?.Arn }),
  );
  const [forwarded] = await look('ResourceName', KeyMetadata?.Arn ?? '');
  expect(forwarded).toMatchObject({ EventName: 'GenerateDataKey', Username: 'admin' });
  expect(forwarded?.record).toMatchObject({
    userIdentity: { type: 'IAMUser', invokedBy: 'secretsmanager.amazonaws.com' },
    sourceIPAddress: 'secretsmanager.amazonaws.com',
  });
});

it('the history is of one Region, and IAM is told of in us-east-1', async () => {
  await client(KMSClient, undefined, 'eu-west-1').send(new CreateKeyCommand({ Description: 'european' }));
  const european = client(CloudTrailClient, undefined, 'eu-west-1');
  expect((await look('EventName', 'CreateKey', european)).map((event) => event.record.awsRegion)).toEqual([
    'eu-west-1',
  ]);
  expect(await look('EventName', 'CreateRole', european)).toEqual([]);
  const american = client(CloudTrailClient, undefined, 'us-east-1');
  expect((await look('EventName', 'CreateRole', american)).length).toBeGreaterThan(0);
});

it('the history ends after ninety days', async () => {
  expect((await look('EventName', 'CreateProject')).length).toBe(1);
  await sluice.clock.advance(`PT${91 * 24}H`);
  expect(await look('EventName', 'CreateProject')).toEqual([]);
});
