/** The rest of STS by the official SDK: federation tokens, encoded authorization messages, sessions that are revoked. */
import {
  CreateRoleCommand,
  DeleteAccessKeyCommand,
  DeleteRolePolicyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  GetUserCommand,
  IAMClient,
  ListUsersCommand,
  PutRolePolicyCommand,
  UpdateAccessKeyCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import {
  AssumeRoleCommand,
  DecodeAuthorizationMessageCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  type GetFederationTokenCommandInput,
  GetSessionTokenCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientConfig, startSluice, type TestSluice } from '../../src/app/testing.ts';
import { why } from '../../src/app/why/ask.ts';
import { decide, type DecisionInput } from '../../src/core/policy/index.ts';
import { encodeAuthorizationMessage } from '../../src/services/sts/index.ts';
import { failure, type Person, person } from '../support/people.ts';

type Keys = ClientConfig['credentials'];

let sluice: TestSluice;
let other: TestSluice;
let ann: Person;
const clients: { destroy(): void }[] = [];

const all = { Action: ['s3:*', 'iam:*', 'sts:*'], Resource: '*' };
const document = (...Statement: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const allow = (Action: string | string[]): string => document({ Effect: 'Allow', Action, Resource: '*' });

beforeAll(async () => {
  sluice = await startSluice({ services: ['iam', 'sts', 's3', 'sns'] });
  ann = await person(sluice, 'ann', [all]);
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await sluice?.close();
  await other?.close();
});

function client<T extends { destroy(): void }>(
  Client: new (config: ClientConfig & { maxAttempts: number; forcePathStyle: boolean }) => T,
  credentials?: Keys,
): T {
  const options = credentials === undefined ? {} : { credentials };
  const made = new Client({ ...sluice.clientConfig(options), maxAttempts: 1, forcePathStyle: true });
  clients.push(made);
  return made;
}

type Issued = { Credentials?: { AccessKeyId?: string; SecretAccessKey?: string; SessionToken?: string } };

const keysOf = ({ Credentials }: Issued): Keys => ({
  accessKeyId: Credentials?.AccessKeyId ?? '',
  secretAccessKey: Credentials?.SecretAccessKey ?? '',
  sessionToken: Credentials?.SessionToken ?? '',
});

const federate = async (who: Keys, input: Partial<GetFederationTokenCommandInput> = {}) =>
  client(STSClient, who).send(new GetFederationTokenCommand({ Name: 'guest', ...input }));

const text = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'no error';
};

describe('GetFederationToken', () => {
  it('names the guest, and gives nothing without a session policy', async () => {
    const answer = await federate(ann.credentials);
    const arn = `arn:aws:sts::${sluice.account}:federated-user/guest`;
    expect(answer.FederatedUser).toEqual({ FederatedUserId: `${sluice.account}:guest`, Arn: arn });
    expect(answer.Credentials?.Expiration?.getTime()).toBe(sluice.clock.now() + 43_200_000);
    const keys = keysOf(answer);
    expect(await client(STSClient, keys).send(new GetCallerIdentityCommand({}))).toMatchObject({
      Arn: arn,
      UserId: `${sluice.account}:guest`,
    });
    expect(await text(client(S3Client, keys).send(new ListBucketsCommand({})))).toContain('AccessDenied');
  });

  it('gives what the user and the session policy both allow, and never IAM or STS', async () => {
    const bob = await person(sluice, 'bob', [{ Action: ['s3:*', 'iam:*', 'sts:*'], Resource: '*' }]);
    const answer = await federate(bob.credentials, { Policy: allow(['s3:ListAllMyBuckets', 'iam:*', 'sts:*']) });
    expect(answer.PackedPolicySize).toBeGreaterThan(0);
    const keys = keysOf(answer);
    await client(S3Client, keys).send(new ListBucketsCommand({}));
    expect(await failure(client(S3Client, keys).send(new CreateBucketCommand({ Bucket: 'guests' })))).toBe(
      'AccessDenied',
    );
    expect(await failure(client(IAMClient, keys).send(new ListUsersCommand({})))).toBe('AccessDenied');
    const RoleArn = `arn:aws:iam::${sluice.account}:role/Any`;
    const sts = client(STSClient, keys);
    expect(await failure(sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'x1' })))).toBe('AccessDenied');
    expect(await failure(sts.send(new GetSessionTokenCommand({})))).toBe('AccessDenied');
    expect(await failure(sts.send(new GetFederationTokenCommand({ Name: 'again' })))).toBe('AccessDenied');
    // What the user loses, the session loses.
    await client(IAMClient).send(new DeleteUserPolicyCommand({ UserName: 'bob', PolicyName: 'test' }));
    expect(await failure(client(S3Client, keys).send(new ListBucketsCommand({})))).toBe('AccessDenied');
  });

  it('takes managed session policies, and tags that decide', async () => {
    const PolicyArns = [{ arn: 'arn:aws:iam::aws:policy/AmazonS3FullAccess' }];
    const Tags = [{ Key: 'Team', Value: 'guests' }];
    const Policy = document({
      Effect: 'Allow',
      Action: 's3:ListAllMyBuckets',
      Resource: '*',
      Condition: { StringEquals: { 'aws:PrincipalTag/Team': 'guests' } },
    });
    await client(S3Client, keysOf(await federate(ann.credentials, { PolicyArns }))).send(new ListBucketsCommand({}));
    const list = async (input: Partial<GetFederationTokenCommandInput>) =>
      failure(client(S3Client, keysOf(await federate(ann.credentials, input))).send(new ListBucketsCommand({})));
    expect(await list({ Policy, Tags })).toBe('no error');
    expect(await list({ Policy })).toBe('AccessDenied');
    const carl = await person(sluice, 'carl', [{ Action: 'sts:GetFederationToken', Resource: '*' }]);
    await federate(carl.credentials);
    expect(await text(federate(carl.credentials, { Tags }))).toContain('not authorized to perform: sts:TagSession');
    const dora = await person(sluice, 'dora', []);
    expect(await text(federate(dora.credentials))).toContain(
      `sts:GetFederationToken on resource: arn:aws:sts::${sluice.account}:federated-user/guest`,
    );
  });

  it('refuses sessions, and what is no policy', async () => {
    const session = keysOf(await client(STSClient, ann.credentials).send(new GetSessionTokenCommand({})));
    expect(await text(federate(session))).toContain('Cannot call GetFederationToken with session credentials');
    expect(await failure(federate(ann.credentials, { Policy: '{}' }))).toBe('MalformedPolicyDocumentException');
    expect(await failure(federate(ann.credentials, { Name: 'x' }))).toBe('ValidationError');
    expect(await failure(federate(ann.credentials, { PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/None' }] }))).toBe(
      'ValidationError',
    );
    const tags = (...keys: string[]) => keys.map((Key) => ({ Key, Value: 'v' }));
    expect(await text(federate(ann.credentials, { Tags: tags('a', 'A') }))).toContain('Duplicate tag keys');
    expect(await text(federate(ann.credentials, { Tags: tags('aws:x') }))).toContain('reserved');
    const hour = await federate({ accessKeyId: 'test', secretAccessKey: 'test' }, { DurationSeconds: 7200 });
    expect(hour.Credentials?.Expiration?.getTime()).toBe(sluice.clock.now() + 3_600_000);
  });

  it('is never a fault of ours, whatever the session policy', async () => {
    const words = fc.constantFrom(
      'Version',
      '2012-10-17',
      'Statement',
      'Effect',
      'Allow',
      'Action',
      's3:*',
      '*',
      'Resource',
      'Condition',
    );
    const policy = fc.oneof(
      fc.json(),
      fc.string(),
      fc.dictionary(words, fc.oneof(words, fc.dictionary(words, words))).map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(policy, async (Policy) => {
        expect(await text(federate(ann.credentials, { Policy }))).toMatch(
          /^(?:MalformedPolicyDocument|ValidationError|PackedPolicyTooLarge|no error)/,
        );
      }),
      { numRuns: 40, seed: 3 },
    );
  });
});

describe('a session', () => {
  const revoke = (at: number): string =>
    document({
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { DateLessThan: { 'aws:TokenIssueTime': new Date(at).toISOString() } },
    });

  it('is cut off by AWSRevokeOlderSessions, and one begun later is not', async () => {
    const iam = client(IAMClient);
    const AssumeRolePolicyDocument = document({
      Effect: 'Allow',
      Principal: { AWS: ann.arn },
      Action: 'sts:AssumeRole',
    });
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'Cut', AssumeRolePolicyDocument }));
    const put = { RoleName: 'Cut', PolicyName: 'may', PolicyDocument: allow('s3:ListAllMyBuckets') };
    await iam.send(new PutRolePolicyCommand(put));
    const assume = async () =>
      keysOf(
        await client(STSClient, ann.credentials).send(
          new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: 'run' }),
        ),
      );
    const list = async (keys: Keys) => failure(client(S3Client, keys).send(new ListBucketsCommand({})));
    const before = await assume();
    expect(await list(before)).toBe('no error');
    await sluice.clock.advance(5);
    const PolicyDocument = revoke(sluice.clock.now());
    await iam.send(new PutRolePolicyCommand({ RoleName: 'Cut', PolicyName: 'AWSRevokeOlderSessions', PolicyDocument }));
    expect(await list(before)).toBe('AccessDenied');
    await sluice.clock.advance(5);
    expect(await list(await assume())).toBe('no error');
    await iam.send(new DeleteRolePolicyCommand({ RoleName: 'Cut', PolicyName: 'AWSRevokeOlderSessions' }));
    expect(await list(before)).toBe('no error');
  });

  it('of a user outlives the key that made it, and not the user', async () => {
    const iam = client(IAMClient);
    const eve = await person(sluice, 'eve', [all]);
    const token = keysOf(await client(STSClient, eve.credentials).send(new GetSessionTokenCommand({})));
    const guest = keysOf(await federate(eve.credentials, { Policy: allow('s3:*') }));
    const key = { UserName: 'eve', AccessKeyId: eve.credentials.accessKeyId };
    await iam.send(new UpdateAccessKeyCommand({ ...key, Status: 'Inactive' }));
    expect(await failure(client(S3Client, eve.credentials).send(new ListBucketsCommand({})))).toBe(
      'InvalidAccessKeyId',
    );
    for (const keys of [token, guest]) await client(S3Client, keys).send(new ListBucketsCommand({}));
    await iam.send(new UpdateUserCommand({ UserName: 'eve', NewUserName: 'eva' }));
    for (const keys of [token, guest]) await client(S3Client, keys).send(new ListBucketsCommand({}));
    const eva = await client(STSClient, token).send(new GetCallerIdentityCommand({}));
    expect(eva.Arn).toBe(`arn:aws:iam::${sluice.account}:user/eva`);
    await iam.send(new UpdateUserCommand({ UserName: 'eva', NewUserName: 'eve' }));
    await iam.send(new DeleteAccessKeyCommand(key));
    await iam.send(new DeleteUserPolicyCommand({ UserName: 'eve', PolicyName: 'test' }));
    await iam.send(new DeleteUserCommand({ UserName: 'eve' }));
    for (const keys of [token, guest]) {
      expect(await failure(client(STSClient, keys).send(new GetCallerIdentityCommand({})))).toBe(
        'InvalidClientTokenId',
      );
    }
    expect(await failure(iam.send(new GetUserCommand({ UserName: 'eve' })))).toBe('NoSuchEntityException');
  });
});

describe('DecodeAuthorizationMessage', () => {
  const input = (): DecisionInput => ({
    principal: { type: 'User', account: sluice.account, arn: ann.arn, userName: 'ann', userId: 'AIDAEXAMPLE' },
    request: { action: 's3:PutObject', resource: 'arn:aws:s3:::demo/a' },
    scope: { account: sluice.account, region: 'us-east-1' },
    policies: {
      identity: [
        {
          name: 'no-puts on user ann',
          document: document({ Sid: 'NoPuts', Effect: 'Deny', Action: 's3:Put*', Resource: '*' }),
        },
      ],
    },
    context: { 'aws:SourceIp': '127.0.0.1', 'aws:TagKeys': ['a', 'b'] },
  });
  const encoded = (): string => encodeAuthorizationMessage(sluice.house, { input: input(), decision: decide(input()) });
  const decode = async (who: Keys, EncodedMessage: string) =>
    client(STSClient, who).send(new DecodeAuthorizationMessageCommand({ EncodedMessage }));

  it('shows the denial to who may see it', async () => {
    const { DecodedMessage } = await decode(ann.credentials, encoded());
    expect(JSON.parse(DecodedMessage ?? '')).toEqual({
      allowed: false,
      explicitDeny: true,
      matchedStatements: {
        items: [
          {
            statementId: 'NoPuts',
            effect: 'DENY',
            principals: { items: [] },
            principalGroups: { items: [] },
            actions: { items: [{ value: 's3:Put*' }] },
            resources: { items: [{ value: '*' }] },
            conditions: { items: [] },
          },
        ],
      },
      failures: { items: [] },
      context: {
        principal: { id: 'AIDAEXAMPLE', name: 'ann', arn: ann.arn },
        action: 's3:PutObject',
        resource: 'arn:aws:s3:::demo/a',
        conditions: {
          items: [
            { key: 'aws:SourceIp', values: { items: [{ value: '127.0.0.1' }] } },
            { key: 'aws:TagKeys', values: { items: [{ value: 'a' }, { value: 'b' }] } },
          ],
        },
      },
    });
    const blind = await person(sluice, 'blind', []);
    expect(await failure(decode(blind.credentials, encoded()))).toBe('AccessDenied');
  });

  it('decodes what `sluice why` says of a denial', async () => {
    const answer = await why(sluice.open, {
      subject: `${ann.arn} sns:Publish arn:aws:sns:us-east-1:${sluice.account}:x`,
    });
    const { encodedMessage = '' } = (answer as { explanation: { encodedMessage?: string } }).explanation;
    const { DecodedMessage } = await decode(ann.credentials, encodedMessage);
    expect(JSON.parse(DecodedMessage ?? '')).toMatchObject({ allowed: false, context: { action: 'sns:Publish' } });
  });

  it('refuses what was changed, cut, made up or sealed elsewhere', async () => {
    const good = encoded();
    const flipped = good.slice(0, 40) + (good[40] === 'A' ? 'B' : 'A') + good.slice(41);
    for (const bad of [flipped, good.slice(0, -4), `${good}AAAA`, 'AAAA', '%%%', good.repeat(3).slice(0, 10_240)]) {
      expect(await failure(decode(ann.credentials, bad))).toBe('InvalidAuthorizationMessageException');
    }
    other = await startSluice({ services: ['sts'] });
    const foreign = encodeAuthorizationMessage(other.house, { input: input(), decision: decide(input()) });
    expect(await failure(decode(ann.credentials, foreign))).toBe('InvalidAuthorizationMessageException');
    // A message is nothing that another seal opens, and no seal of something else is a message.
    const sealed = sluice.house.secrets.seal(Buffer.from('{}'), 'iam access key AKIA').toString('base64url');
    expect(await failure(decode(ann.credentials, sealed))).toBe('InvalidAuthorizationMessageException');
  });

  it('always fits, whatever there is to say', () => {
    const noise = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [
        `aws:RequestTag/${i}`,
        sluice.house.ids.text(60, 'abcdefghijklmnopqrstuvwxyz0123456789'),
      ]),
    );
    const much = { ...input(), context: noise };
    expect(
      encodeAuthorizationMessage(sluice.house, { input: much, decision: decide(much) }).length,
    ).toBeLessThanOrEqual(10_240);
  });
});
