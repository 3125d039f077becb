/**
 * Two accounts and two Regions by the official SDK: each way between them is closed without its grant, in AWS's words, and open
 * with it; whoever stands outside the organization stays outside.
 */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { AddPermissionCommand, InvokeCommand, LambdaClient, RemovePermissionCommand } from '@aws-sdk/client-lambda';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutResourcePolicyCommand as PutSecretPolicyCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import {
  DeleteResourcePolicyCommand,
  GetParameterCommand,
  GetParameterHistoryCommand,
  GetParametersCommand,
  GetResourcePoliciesCommand,
  PutParameterCommand,
  PutResourcePolicyCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { recentAudit } from '../../src/store/index.ts';
import { executionRole, zipOf } from '../support/functions.ts';
import { type Person, person } from '../support/people.ts';

const EAST = 'us-east-1';
const WEST = 'eu-west-1';
const STRANGER = '999999999999';

let sluice: TestSluice;
let A: string;
/** A member of A's organization. */
let B: string;
let organization: string;
let bob: Person;
let stranger: Person;
const clients: { destroy(): void }[] = [];

function client<C extends { destroy(): void }>(Client: new (config: any) => C, who?: Person, region = EAST): C {
  const made = new Client({
    ...sluice.clientConfig({ ...(who && { credentials: who.credentials }), region }),
    maxAttempts: 1,
  });
  clients.push(made);
  return made;
}

/** The root of an account, inside the house. */
function root(account: string, region: string) {
  return sluice.house.door.as({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` }, { account, region });
}

const document = (...Statement: object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: Statement.map((each) => ({ Effect: 'Allow', ...each })) });

/** `allowed`, or the message of the refusal. */
async function answer(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'allowed';
  } catch (error) {
    return (error as Error).message;
  }
}

beforeAll(async () => {
  sluice = await startSluice({
    services: [
      'organizations',
      'events',
      'sns',
      'sqs',
      'lambda',
      'logs',
      'cloudwatch',
      'secretsmanager',
      'ssm',
      'kms',
      's3',
    ],
  });
  A = sluice.account;
  const organizations = root(A, EAST);
  const { Organization } = await organizations.call<{ Organization: { Id: string } }>(
    'organizations',
    'CreateOrganization',
    {},
  );
  organization = Organization.Id;
  const { CreateAccountStatus } = await organizations.call<{ CreateAccountStatus: { Id: string } }>(
    'organizations',
    'CreateAccount',
    { AccountName: 'b', Email: 'b@example.com' },
  );
  await sluice.settled();
  const made = await organizations.call<{ CreateAccountStatus: { AccountId: string } }>(
    'organizations',
    'DescribeCreateAccountStatus',
    { CreateAccountRequestId: CreateAccountStatus.Id },
  );
  B = made.CreateAccountStatus.AccountId;
  bob = await person(sluice, 'bob', [{ Action: '*', Resource: '*' }], B);
  stranger = await person(sluice, 'stranger', [{ Action: '*', Resource: '*' }], STRANGER);
});
afterAll(async () => {
  for (const each of clients) each.destroy();
  await sluice?.close();
});

async function queue(account: string, region: string, QueueName: string, Policy?: string): Promise<string> {
  const { QueueUrl } = await root(account, region).call<{ QueueUrl: string }>('sqs', 'CreateQueue', {
    QueueName,
    ...(Policy === undefined ? {} : { Attributes: { Policy } }),
  });
  return QueueUrl;
}

async function received(account: string, region: string, QueueUrl: string): Promise<string[]> {
  await sluice.settled();
  const as = root(account, region);
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await as.call<{ Messages?: { Body: string; ReceiptHandle: string }[] }>(
      'sqs',
      'ReceiveMessage',
      { QueueUrl, MaxNumberOfMessages: 10 },
    );
    if (Messages.length === 0) return bodies;
    for (const { Body, ReceiptHandle } of Messages) {
      bodies.push(Body);
      await as.call('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle });
    }
  }
}

describe('a queue', () => {
  it('takes messages of another account when its policy and the caller’s agree', async () => {
    const QueueUrl = await queue(A, EAST, 'inbox');
    const arn = `arn:aws:sqs:${EAST}:${A}:inbox`;
    const send = (who: Person) =>
      answer(client(SQSClient, who).send(new SendMessageCommand({ QueueUrl, MessageBody: 'm' })));
    expect(await send(bob)).toBe(
      `User: ${bob.arn} is not authorized to perform: sqs:SendMessage on resource: ${arn} because no resource-based policy allows the sqs:SendMessage action`,
    );
    const Policy = document({
      Principal: '*',
      Action: 'sqs:SendMessage',
      Resource: arn,
      Condition: { StringEquals: { 'aws:PrincipalOrgID': organization } },
    });
    await root(A, EAST).call('sqs', 'SetQueueAttributes', { QueueUrl, Attributes: { Policy } });
    expect(await send(bob)).toBe('allowed');
    expect(await send(stranger)).toContain('because no resource-based policy allows the sqs:SendMessage action');
    const powerless = await person(sluice, 'powerless', [], B);
    expect(await send(powerless)).toContain('because no identity-based policy allows the sqs:SendMessage action');
    expect(await received(A, EAST, QueueUrl)).toEqual(['m']);
    const grant = { QueueUrl, Label: 'stranger', AWSAccountIds: [STRANGER], Actions: ['SendMessage'] };
    await root(A, EAST).call('sqs', 'AddPermission', grant);
    expect(await answer(root(A, EAST).call('sqs', 'AddPermission', grant))).toContain('Already exists');
    expect(await send(stranger)).toBe('allowed');
    await root(A, EAST).call('sqs', 'RemovePermission', { QueueUrl, Label: 'stranger' });
    expect(await send(stranger)).toContain('no resource-based policy allows');
    expect(await send(bob)).toBe('allowed');
  });
});

describe('a topic', () => {
  it('reaches a queue of another account and Region by the queue’s policy', async () => {
    const { TopicArn } = await root(A, EAST).call<{ TopicArn: string }>('sns', 'CreateTopic', { Name: 'news' });
    const QueueUrl = await queue(B, WEST, 'news');
    const Endpoint = `arn:aws:sqs:${WEST}:${B}:news`;
    await root(A, EAST).call('sns', 'Subscribe', {
      TopicArn,
      Protocol: 'sqs',
      Endpoint,
      Attributes: { RawMessageDelivery: 'true' },
    });
    const sns = client(SNSClient);
    await sns.send(new PublishCommand({ TopicArn, Message: 'unheard' }));
    expect(await received(B, WEST, QueueUrl)).toEqual([]);
    const allow = (sourceOrganization: string) =>
      root(B, WEST).call('sqs', 'SetQueueAttributes', {
        QueueUrl,
        Attributes: {
          Policy: document({
            Principal: { Service: 'sns.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: Endpoint,
            Condition: {
              ArnEquals: { 'aws:SourceArn': TopicArn },
              StringEquals: { 'aws:SourceAccount': A, 'aws:SourceOrgID': sourceOrganization },
            },
          }),
        },
      });
    await allow('o-someoneelse');
    await sns.send(new PublishCommand({ TopicArn, Message: 'unheard too' }));
    expect(await received(B, WEST, QueueUrl)).toEqual([]);
    await allow(organization);
    await sns.send(new PublishCommand({ TopicArn, Message: 'heard' }));
    expect(await received(B, WEST, QueueUrl)).toEqual(['heard']);
  });

  it('is published to from another account by its policy', async () => {
    const { TopicArn } = await root(A, WEST).call<{ TopicArn: string }>('sns', 'CreateTopic', { Name: 'open' });
    const publish = () => answer(client(SNSClient, bob, WEST).send(new PublishCommand({ TopicArn, Message: 'm' })));
    expect(await publish()).toBe(
      `User: ${bob.arn} is not authorized to perform: sns:Publish on resource: ${TopicArn} because no resource-based policy allows the sns:Publish action`,
    );
    const grant = { TopicArn, Label: 'b', AWSAccountId: [B], ActionName: ['Publish'] };
    await root(A, WEST).call('sns', 'AddPermission', grant);
    expect(await answer(root(A, WEST).call('sns', 'AddPermission', grant))).toContain('Statement already exists');
    expect(await publish()).toBe('allowed');
    await root(A, WEST).call('sns', 'RemovePermission', { TopicArn, Label: 'b' });
    expect(await publish()).toContain('no resource-based policy allows');
  });
});

describe('a function', () => {
  let FunctionName: string;
  beforeAll(async () => {
    const Role = await executionRole(sluice, 'execution');
    const { FunctionArn } = await root(A, WEST).call<{ FunctionArn: string }>('lambda', 'CreateFunction', {
      FunctionName: 'greet',
      Role,
      Runtime: 'nodejs20.x',
      Handler: 'index.handler',
      Code: { ZipFile: new Uint8Array(await zipOf({ 'index.js': 'exports.handler = async () => "hello";' })) },
    });
    FunctionName = FunctionArn;
    await sluice.settled();
  });
  const invoke = (who: Person) =>
    answer(client(LambdaClient, who, WEST).send(new InvokeCommand({ FunctionName, InvocationType: 'DryRun' })));
  const permit = (StatementId: string, grant: object) =>
    client(LambdaClient, undefined, WEST).send(
      new AddPermissionCommand({
        FunctionName,
        StatementId,
        Action: 'lambda:InvokeFunction',
        Principal: '*',
        ...grant,
      }),
    );
  const withdraw = (StatementId: string) =>
    client(LambdaClient, undefined, WEST).send(new RemovePermissionCommand({ FunctionName, StatementId }));

  it('is invoked from another account by its policy: the account, or everybody of the organization', async () => {
    expect(await invoke(bob)).toBe(
      `User: ${bob.arn} is not authorized to perform: lambda:InvokeFunction on resource: ${FunctionName} because no resource-based policy allows the lambda:InvokeFunction action`,
    );
    await permit('account', { Principal: B });
    expect(await invoke(bob)).toBe('allowed');
    expect(await invoke(stranger)).toContain('no resource-based policy allows');
    await withdraw('account');
    expect(await invoke(bob)).toContain('no resource-based policy allows');
    await permit('organization', { PrincipalOrgID: organization });
    expect(await invoke(bob)).toBe('allowed');
    expect(await invoke(stranger)).toContain('no resource-based policy allows');
    await withdraw('organization');
  });

  it('is invoked by a topic of another account and Region that its policy names', async () => {
    const { TopicArn } = await root(B, EAST).call<{ TopicArn: string }>('sns', 'CreateTopic', { Name: 'calls' });
    await root(B, EAST).call('sns', 'Subscribe', { TopicArn, Protocol: 'lambda', Endpoint: FunctionName });
    const attempts = async (): Promise<string[]> => {
      await client(SNSClient, bob).send(new PublishCommand({ TopicArn, Message: 'm' }));
      await sluice.settled();
      await sluice.open.audit.flush();
      const records = await recentAudit(sluice.house.store, A, 200);
      return records
        .filter(({ operation, principal }) => operation === 'Invoke' && principal === 'sns.amazonaws.com')
        .map(({ errorCode }) => errorCode ?? 'allowed');
    };
    expect((await attempts())[0]).toBe('AccessDeniedException');
    const grant = { Principal: 'sns.amazonaws.com', SourceArn: TopicArn };
    await permit('wrong', { ...grant, SourceAccount: A });
    expect((await attempts())[0]).toBe('AccessDeniedException');
    await permit('right', { ...grant, SourceAccount: B });
    expect((await attempts())[0]).toBe('allowed');
  });
});

describe('an event bus', () => {
  it('takes events of another account and Region by a role and its own policy, and they go no further', async () => {
    const heard = await queue(
      B,
      WEST,
      'heard',
      document({ Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' }),
    );
    const back = await queue(
      A,
      EAST,
      'back',
      document({ Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' }),
    );
    const busOf = (account: string, region: string) => `arn:aws:events:${region}:${account}:event-bus/default`;
    const roleOf = async (account: string): Promise<string> => {
      const iam = root(account, EAST);
      const { Role } = await iam.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
        RoleName: 'forwarder',
        AssumeRolePolicyDocument: document({
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sts:AssumeRole',
        }),
      });
      await iam.call('iam', 'PutRolePolicy', {
        RoleName: 'forwarder',
        PolicyName: 'p',
        PolicyDocument: document({ Action: 'events:PutEvents', Resource: '*' }),
      });
      return Role.Arn;
    };
    const rule = async (account: string, region: string, Targets: object[]): Promise<void> => {
      const as = root(account, region);
      await as.call('events', 'PutRule', { Name: 'all', EventPattern: JSON.stringify({ source: ['travel'] }) });
      await as.call('events', 'PutTargets', { Rule: 'all', Targets });
    };
    const withoutRole = rule(A, EAST, [{ Id: 'b', Arn: busOf(B, WEST) }]);
    expect(await answer(withoutRole)).toContain('RoleArn is required');
    await rule(A, EAST, [
      { Id: 'b', Arn: busOf(B, WEST), RoleArn: await roleOf(A) },
      { Id: 'q', Arn: `arn:aws:sqs:${EAST}:${A}:back` },
    ]);
    await rule(B, WEST, [
      { Id: 'q', Arn: `arn:aws:sqs:${WEST}:${B}:heard` },
      // It would run in a circle.
      { Id: 'a', Arn: busOf(A, EAST), RoleArn: await roleOf(B) },
    ]);
    const permit = (Value: string) =>
      root(B, WEST).call('events', 'PutPermission', {
        StatementId: 'organization',
        Action: 'events:PutEvents',
        Principal: '*',
        Condition: { Type: 'StringEquals', Key: 'aws:PrincipalOrgID', Value },
      });
    await root(A, EAST).call('events', 'PutPermission', { StatementId: 'b', Action: 'events:PutEvents', Principal: B });
    const put = () =>
      client(EventBridgeClient).send(
        new PutEventsCommand({ Entries: [{ Source: 'travel', DetailType: 't', Detail: '{"n":1}' }] }),
      );
    await put();
    expect(await received(B, WEST, heard)).toEqual([]);
    await permit('o-someoneelse');
    await put();
    expect(await received(B, WEST, heard)).toEqual([]);
    await permit(organization);
    await received(A, EAST, back);
    await put();
    const [event] = (await received(B, WEST, heard)).map((body) => JSON.parse(body) as object);
    expect(event).toMatchObject({ source: 'travel', account: A, region: EAST, detail: { n: 1 } });
    expect(await received(A, EAST, back)).toHaveLength(1);
  });

  it('takes events that a member of the organization puts, and none of a stranger', async () => {
    const put = async (who: Person): Promise<string> =>
      answer(
        client(EventBridgeClient, who, WEST).send(
          new PutEventsCommand({
            Entries: [
              {
                Source: 'own',
                DetailType: 't',
                Detail: '{}',
                EventBusName: `arn:aws:events:${WEST}:${A}:event-bus/default`,
              },
            ],
          }),
        ),
      );
    expect(await put(bob)).toContain('because no resource-based policy allows the events:PutEvents action');
    await root(A, WEST).call('events', 'PutPermission', {
      StatementId: 'organization',
      Action: 'events:PutEvents',
      Principal: '*',
      Condition: { Type: 'StringEquals', Key: 'aws:PrincipalOrgID', Value: organization },
    });
    expect(await put(bob)).toBe('allowed');
    expect(await put(stranger)).toContain('because no resource-based policy allows the events:PutEvents action');
  });
});

/** A key of A whose policy lets its own account in, and B where said. */
async function keyOf(region: string, ...friends: string[]): Promise<string> {
  const { KeyMetadata } = await client(KMSClient, undefined, region).send(
    new CreateKeyCommand({
      Policy: document({
        Principal: { AWS: [A, ...friends].map((account) => `arn:aws:iam::${account}:root`) },
        Action: 'kms:*',
        Resource: '*',
      }),
    }),
  );
  return KeyMetadata?.Arn ?? '';
}

describe('a secret', () => {
  it('is read from another account by its policy and its own key, and never under the default key', async () => {
    const ours = client(SecretsManagerClient);
    const theirs = client(SecretsManagerClient, bob);
    const made = async (Name: string, KmsKeyId?: string): Promise<string> =>
      (await ours.send(new CreateSecretCommand({ Name, SecretString: 's', ...(KmsKeyId && { KmsKeyId }) }))).ARN ?? '';
    const share = (SecretId: string) =>
      ours.send(
        new PutSecretPolicyCommand({
          SecretId,
          ResourcePolicy: document({
            Principal: { AWS: `arn:aws:iam::${B}:root` },
            Action: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
            Resource: '*',
          }),
        }),
      );
    const read = (SecretId: string) => answer(theirs.send(new GetSecretValueCommand({ SecretId })));
    const open = await made('open', await keyOf(EAST, B));
    expect(await read(open)).toBe(
      `User: ${bob.arn} is not authorized to perform: secretsmanager:GetSecretValue on resource: ${open} because no resource-based policy allows the secretsmanager:GetSecretValue action`,
    );
    await share(open);
    expect(await read(open)).toBe('allowed');
    expect(await read('open')).toBe("Secrets Manager can't find the specified secret.");
    await theirs.send(new PutSecretValueCommand({ SecretId: open, SecretString: 'theirs' }));
    expect((await ours.send(new GetSecretValueCommand({ SecretId: 'open' }))).SecretString).toBe('theirs');
    const keyless = await made('keyless', await keyOf(EAST));
    await share(keyless);
    expect(await read(keyless)).toMatch(/^Access to KMS is not allowed.*kms:Decrypt/);
    const plain = await made('plain');
    await share(plain);
    expect(await read(plain)).toBe(
      "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.",
    );
  });
});

describe('a parameter', () => {
  it('is read from another account by its policy, if it is advanced', async () => {
    const ours = client(SSMClient);
    const theirs = client(SSMClient, bob);
    const arnOf = (name: string) => `arn:aws:ssm:${EAST}:${A}:parameter/${name}`;
    const put = (Name: string, more: object = {}) =>
      ours.send(new PutParameterCommand({ Name, Value: 'v', Type: 'String', ...more }));
    const share = (
      name: string,
      Action: string[] = ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParameterHistory'],
    ) =>
      ours.send(
        new PutResourcePolicyCommand({
          ResourceArn: arnOf(name),
          Policy: document({ Principal: { AWS: `arn:aws:iam::${B}:root` }, Action, Resource: arnOf(name) }),
        }),
      );
    const read = (Name: string, WithDecryption = true) =>
      answer(theirs.send(new GetParameterCommand({ Name, WithDecryption })));
    await put('/standard');
    expect(await answer(share('standard'))).toContain('advanced-parameter tier');
    await put('/shared', { Tier: 'Advanced' });
    expect(await answer(put('/shared', { Tier: 'Standard', Overwrite: true }))).toContain("can't downgrade");
    expect(await read(arnOf('shared'))).toBe(
      `User: ${bob.arn} is not authorized to perform: ssm:GetParameter on resource: ${arnOf('shared')} because no resource-based policy allows the ssm:GetParameter action`,
    );
    expect(await answer(share('shared', ['ssm:PutParameter']))).toContain('cannot be granted');
    const { PolicyId = '', PolicyHash = '' } = await share('shared');
    expect((await theirs.send(new GetParameterCommand({ Name: `${arnOf('shared')}:1` }))).Parameter).toMatchObject({
      Name: '/shared',
      Value: 'v',
      ARN: arnOf('shared'),
    });
    expect((await theirs.send(new GetParametersCommand({ Names: [arnOf('shared')] }))).Parameters).toHaveLength(1);
    const history = await theirs.send(new GetParameterHistoryCommand({ Name: arnOf('shared') }));
    expect(history.Parameters).toMatchObject([{ Value: 'v', Tier: 'Advanced' }]);
    expect(
      await answer(client(SSMClient, stranger).send(new GetParameterCommand({ Name: arnOf('shared') }))),
    ).toContain('no resource-based policy allows');
    const elsewhere = client(SSMClient, bob, WEST).send(new GetParameterCommand({ Name: arnOf('shared') }));
    expect(await answer(elsewhere)).toContain('not found');
    await put('/sealed', { Tier: 'Advanced', Type: 'SecureString', KeyId: await keyOf(EAST, B) });
    await share('sealed');
    expect(await read(arnOf('sealed'))).toBe('allowed');
    await put('/own-key', { Tier: 'Advanced', Type: 'SecureString' });
    await share('own-key');
    expect(await read(arnOf('own-key'))).toContain('kms:Decrypt');
    expect(await read(arnOf('own-key'), false)).toBe('allowed');
    const { Policies } = await ours.send(new GetResourcePoliciesCommand({ ResourceArn: arnOf('shared') }));
    expect(Policies).toMatchObject([{ PolicyId, PolicyHash }]);
    const remove = (hash: string) =>
      answer(ours.send(new DeleteResourcePolicyCommand({ ResourceArn: arnOf('shared'), PolicyId, PolicyHash: hash })));
    expect(await remove('x')).toContain('hash');
    expect(await remove(PolicyHash)).toBe('allowed');
    expect(await read(arnOf('shared'))).toContain('no resource-based policy allows');
  });
});
