/** Policies on resources of every service are bound to the very role that they name, and refuse one that is not there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';

type Door = ReturnType<TestSluice['house']['door']['as']>;

let sluice: TestSluice;
let root: Door;
let account = '';

const S3 = { bucket: 'bound-policies' };
let keyId = '';
let queueUrl = '';
let topicArn = '';

beforeAll(async () => {
  sluice = await startSluice({
    services: ['iam', 'sts', 's3', 'kms', 'sqs', 'sns', 'secretsmanager', 'events', 'organizations', 'lambda', 'logs'],
  });
  account = sluice.account;
  root = as({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` });
  await root.call('s3', 'CreateBucket', { Bucket: S3.bucket });
  keyId = (await root.call<{ KeyMetadata: { KeyId: string } }>('kms', 'CreateKey', {})).KeyMetadata.KeyId;
  queueUrl = (await root.call<{ QueueUrl: string }>('sqs', 'CreateQueue', { QueueName: 'bound' })).QueueUrl;
  topicArn = (await root.call<{ TopicArn: string }>('sns', 'CreateTopic', { Name: 'bound' })).TopicArn;
  await root.call('secretsmanager', 'CreateSecret', { Name: 'bound', SecretString: 'x', ClientRequestToken: TOKEN });
  await root.call('events', 'CreateEventBus', { Name: 'bound' });
  await makeRole('trusting');
});
afterAll(() => sluice.close());

const TOKEN = '0123456789abcdef0123456789abcdef';

function as(principal: Parameters<TestSluice['house']['door']['as']>[0]): Door {
  return sluice.house.door.as(principal, { account: sluice.account, region: sluice.region });
}

async function makeRole(name: string): Promise<{ arn: string; id: string }> {
  const { Role } = await root.call<{ Role: { Arn: string; RoleId: string } }>('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole' }],
    }),
  });
  return { arn: Role.Arn, id: Role.RoleId };
}

function session({ arn, id }: { arn: string; id: string }): Door {
  const roleName = arn.slice(arn.lastIndexOf('/') + 1);
  return as({
    type: 'AssumedRole',
    account,
    arn: `arn:aws:sts::${account}:assumed-role/${roleName}/s`,
    roleArn: arn,
    roleName,
    roleId: id,
    sessionName: 's',
    issuedAt: sluice.clock.now(),
    expiresAt: sluice.clock.now() + 3_600_000,
  });
}

async function answer(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'done';
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
}

const statement = (principal: string, action: string, resource?: string) => ({
  Effect: 'Allow',
  Principal: { AWS: principal },
  Action: action,
  ...(resource === undefined ? {} : { Resource: resource }),
});
const document = (...statements: object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements }, null, 2);

type Kind = Readonly<{
  service: string;
  put: (principal: string) => Promise<unknown>;
  get: () => Promise<string>;
  refusal: (principal: string) => string;
  /** What the policy lets the role do, where it decides alone. */
  use?: (door: Door) => Promise<unknown>;
}>;

const KINDS: readonly Kind[] = [
  {
    service: 's3',
    put: (principal) =>
      root.call('s3', 'PutBucketPolicy', {
        Bucket: S3.bucket,
        // A condition on an ARN is not bound, and may name a role that does not exist.
        Policy: document({
          ...statement(principal, 's3:ListBucket', `arn:aws:s3:::${S3.bucket}`),
          Condition: { ArnNotEquals: { 'aws:PrincipalArn': `arn:aws:iam::${account}:role/other` } },
        }),
      }),
    get: async () => (await root.call<{ Policy: string }>('s3', 'GetBucketPolicy', { Bucket: S3.bucket })).Policy,
    refusal: () => 'MalformedPolicy: Invalid principal in policy',
    use: (door) => door.call('s3', 'ListObjectsV2', { Bucket: S3.bucket }),
  },
  {
    service: 'kms',
    put: (principal) =>
      root.call('kms', 'PutKeyPolicy', {
        KeyId: keyId,
        Policy: document(statement(account, 'kms:*', '*'), statement(principal, 'kms:GenerateDataKey', '*')),
      }),
    get: async () => (await root.call<{ Policy: string }>('kms', 'GetKeyPolicy', { KeyId: keyId })).Policy,
    refusal: () => 'MalformedPolicyDocumentException: Policy contains a statement with one or more invalid principals.',
    use: (door) => door.call('kms', 'GenerateDataKey', { KeyId: keyId, KeySpec: 'AES_256' }),
  },
  {
    service: 'sqs',
    put: (principal) =>
      root.call('sqs', 'SetQueueAttributes', {
        QueueUrl: queueUrl,
        Attributes: { Policy: document(statement(principal, 'sqs:SendMessage', '*')) },
      }),
    get: async () =>
      (
        await root.call<{ Attributes: { Policy: string } }>('sqs', 'GetQueueAttributes', {
          QueueUrl: queueUrl,
          AttributeNames: ['Policy'],
        })
      ).Attributes.Policy,
    refusal: () => 'InvalidAttributeValue: Invalid value for the parameter Policy.',
    use: (door) => door.call('sqs', 'SendMessage', { QueueUrl: queueUrl, MessageBody: 'x' }),
  },
  {
    service: 'sns',
    put: (principal) =>
      root.call('sns', 'SetTopicAttributes', {
        TopicArn: topicArn,
        AttributeName: 'Policy',
        AttributeValue: document(statement(principal, 'sns:Publish', topicArn)),
      }),
    get: async () =>
      (await root.call<{ Attributes: { Policy: string } }>('sns', 'GetTopicAttributes', { TopicArn: topicArn }))
        .Attributes.Policy,
    refusal: () => 'InvalidParameter: Invalid parameter: Policy Error: PrincipalNotFound',
    use: (door) => door.call('sns', 'Publish', { TopicArn: topicArn, Message: 'x' }),
  },
  {
    service: 'secretsmanager',
    put: (principal) =>
      root.call('secretsmanager', 'PutResourcePolicy', {
        SecretId: 'bound',
        ResourcePolicy: document(statement(principal, 'secretsmanager:DescribeSecret', '*')),
      }),
    get: async () =>
      (await root.call<{ ResourcePolicy: string }>('secretsmanager', 'GetResourcePolicy', { SecretId: 'bound' }))
        .ResourcePolicy,
    refusal: () => 'MalformedPolicyDocumentException: This resource policy contains an unsupported principal.',
    use: (door) => door.call('secretsmanager', 'DescribeSecret', { SecretId: 'bound' }),
  },
  {
    service: 'events',
    put: (principal) =>
      root.call('events', 'PutPermission', {
        EventBusName: 'bound',
        Policy: document(statement(principal, 'events:PutEvents', '*')),
      }),
    get: async () => (await root.call<{ Policy: string }>('events', 'DescribeEventBus', { Name: 'bound' })).Policy,
    refusal: (principal) =>
      `ValidationException: Parameter Policy is not valid: Invalid principal in policy: "AWS":"${principal}"`,
  },
  {
    service: 'iam',
    put: (principal) =>
      root.call('iam', 'UpdateAssumeRolePolicy', {
        RoleName: 'trusting',
        PolicyDocument: document(statement(principal, 'sts:AssumeRole')),
      }),
    get: async () =>
      decodeURIComponent(
        (await root.call<{ Role: { AssumeRolePolicyDocument: string } }>('iam', 'GetRole', { RoleName: 'trusting' }))
          .Role.AssumeRolePolicyDocument,
      ),
    refusal: (principal) => `MalformedPolicyDocumentException: Invalid principal in policy: "AWS":"${principal}"`,
    use: (door) =>
      door.call('sts', 'AssumeRole', {
        RoleArn: `arn:aws:iam::${account}:role/trusting`,
        RoleSessionName: 'hop',
      }),
  },
];

describe.each(KINDS)('a policy of $service', ({ service, put, get, refusal, use }) => {
  it('refuses a role that does not exist', async () => {
    const nobody = `arn:aws:iam::${account}:role/nobody`;
    expect(await answer(put(nobody))).toBe(refusal(nobody));
  });

  it('lets the role in that it named, and not one made anew under its name', async () => {
    const role = await makeRole(`bound-to-${service}`);
    await put(role.arn);
    expect(await get()).toContain(`"${role.arn}"`);
    if (use !== undefined) expect(await answer(use(session(role)))).toBe('done');

    await root.call('iam', 'DeleteRole', { RoleName: `bound-to-${service}` });
    expect(await get()).toContain(`"${role.id}"`);
    const other = await makeRole(`bound-to-${service}`);
    expect(other.arn).toBe(role.arn);
    const shown = await get();
    expect(shown).toContain(`"${role.id}"`);
    expect(shown).not.toContain(role.arn);
    if (use !== undefined) expect(await answer(use(session(other)))).toMatch(/^AccessDenied/);

    await put(role.arn);
    expect(await get()).toContain(`"${role.arn}"`);
    if (use !== undefined) expect(await answer(use(session(other)))).toBe('done');
  });

  it('takes principals of an account that this house does not know as written', async () => {
    const elsewhere = 'arn:aws:iam::999999999999:role/elsewhere';
    await put(elsewhere);
    expect(await get()).toContain(`"${elsewhere}"`);
  });
});

describe('a bucket policy', () => {
  it('keeps a canonical user as its account', async () => {
    const { Owner } = await root.call<{ Owner: { ID: string } }>('s3', 'ListBuckets', {});
    const policy = (id: string): string =>
      document({ ...statement('', 's3:GetObject', `arn:aws:s3:::${S3.bucket}/*`), Principal: { CanonicalUser: id } });
    await root.call('s3', 'PutBucketPolicy', { Bucket: S3.bucket, Policy: policy(Owner.ID) });
    const { Policy } = await root.call<{ Policy: string }>('s3', 'GetBucketPolicy', { Bucket: S3.bucket });
    expect(JSON.parse(Policy)).toMatchObject({
      Statement: [{ Principal: { AWS: [`arn:aws:iam::${account}:root`] } }],
    });
    expect(
      await answer(root.call('s3', 'PutBucketPolicy', { Bucket: S3.bucket, Policy: policy('f'.repeat(64)) })),
    ).toBe('MalformedPolicy: Invalid principal in policy');
  });
});

describe('a key policy', () => {
  const put = (...statements: object[]): Promise<string> =>
    answer(root.call('kms', 'PutKeyPolicy', { KeyId: keyId, Policy: document(...statements) }));

  it('must leave somebody who can change it', async () => {
    const lockedOut =
      'MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future.';
    expect(await put(statement(account, 'kms:Decrypt', '*'))).toBe(lockedOut);
    expect(
      await put(statement(account, 'kms:*', '*'), { ...statement('*', 'kms:PutKeyPolicy', '*'), Effect: 'Deny' }),
    ).toBe(lockedOut);
  });

  it('may not let in a request without an encryption context by ForAllValues', async () => {
    const open = {
      ...statement(account, 'kms:*', '*'),
      Condition: { 'ForAllValues:StringEquals': { 'kms:EncryptionContext:team': 'a' } },
    };
    expect(await put(statement(account, 'kms:*', '*'), open)).toBe(
      'MalformedPolicyDocumentException: Overly permissive condition: ForAllValues with kms:EncryptionContext is not allowed.',
    );
  });
});
