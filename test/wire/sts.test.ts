/** STS by the official SDK: who may assume a role, what the session may do, and when it ends. */
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DetachRolePolicyCommand,
  GetRoleCommand,
  IAMClient,
  ListRolesCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientConfig, startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person, type Person } from '../support/people.ts';

type Keys = ClientConfig['credentials'];
type Statement = Record<string, unknown>;

let sluice: TestSluice;
let iam: IAMClient;
/** May assume whatever trusts the account. */
let ann: Person;
const clients: { destroy(): void }[] = [];

beforeAll(async () => {
  sluice = await startSluice({ services: ['iam', 'sts'] });
  iam = new IAMClient({ ...sluice.clientConfig(), maxAttempts: 1 });
  ann = await person(sluice, 'ann', [{ Action: 'sts:*', Resource: '*' }]);
});
afterAll(async () => {
  for (const client of [iam, ...clients]) client?.destroy();
  await sluice?.close();
});

function sts(credentials: Keys): STSClient {
  const client = new STSClient({ ...sluice.clientConfig({ credentials }), maxAttempts: 1 });
  clients.push(client);
  return client;
}

function iamAs(credentials: Keys): IAMClient {
  const client = new IAMClient({ ...sluice.clientConfig({ credentials }), maxAttempts: 1 });
  clients.push(client);
  return client;
}

async function role(name: string, statement: Statement, rest: object = {}): Promise<string> {
  const AssumeRolePolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', ...statement }],
  });
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument, ...rest }));
  return Role?.Arn ?? '';
}

async function assume(credentials: Keys, RoleArn: string, rest: Partial<AssumeRoleCommandInput> = {}) {
  const answer = await sts(credentials).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'run', ...rest }));
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '', Expiration } = answer.Credentials ?? {};
  return {
    ...answer,
    keys: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
    lastsMs: (Expiration?.getTime() ?? 0) - sluice.clock.now(),
  };
}

const text = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'no error';
};
const account = (): { AWS: string } => ({ AWS: `arn:aws:iam::${sluice.account}:root` });

describe('GetCallerIdentity', () => {
  it('names root, user and session', async () => {
    const who = (credentials: Keys) => sts(credentials).send(new GetCallerIdentityCommand({}));
    expect(await who({ accessKeyId: 'test', secretAccessKey: 'test' })).toMatchObject({
      Account: sluice.account,
      Arn: `arn:aws:iam::${sluice.account}:root`,
      UserId: sluice.account,
    });
    expect(await who(ann.credentials)).toMatchObject({ Arn: ann.arn, UserId: expect.stringMatching(/^AIDA/) });
    const session = await assume(
      ann.credentials,
      await role('WithPath', { Principal: { AWS: ann.arn } }, { Path: '/a/b/' }),
    );
    const arn = `arn:aws:sts::${sluice.account}:assumed-role/WithPath/run`;
    expect(await who(session.keys)).toMatchObject({
      Arn: arn,
      UserId: expect.stringMatching(/^AROA[A-Z0-9]{17}:run$/),
    });
    expect(session.AssumedRoleUser).toMatchObject({ Arn: arn });
    expect(session.keys.accessKeyId).toMatch(/^ASIA/);
  });
});

describe('AssumeRole', () => {
  it('is for users and sessions, never for root', async () => {
    const arn = await role('NotForRoot', { Principal: account() });
    expect(await text(assume({ accessKeyId: 'test', secretAccessKey: 'test' }, arn))).toBe(
      'AccessDenied: Roles may not be assumed by root accounts.',
    );
  });

  it('needs the trust policy, and the identity policy where that names the account', async () => {
    const nobody = await person(sluice, 'nobody', []);
    const byAccount = await role('ByAccount', { Principal: account() });
    const byName = await role('ByName', { Principal: { AWS: nobody.arn } });
    const byService = await role('ByService', { Principal: { Service: 'codebuild.amazonaws.com' } });
    await assume(ann.credentials, byAccount);
    expect(await text(assume(nobody.credentials, byAccount))).toBe(
      `AccessDenied: User: ${nobody.arn} is not authorized to perform: sts:AssumeRole on resource: ${byAccount} because no identity-based policy allows the sts:AssumeRole action`,
    );
    await assume(nobody.credentials, byName);
    expect(await text(assume(ann.credentials, byService))).toBe(
      `AccessDenied: User: ${ann.arn} is not authorized to perform: sts:AssumeRole on resource: ${byService} because no role trust policy allows the sts:AssumeRole action`,
    );
    expect(await text(assume(ann.credentials, `arn:aws:iam::${sluice.account}:role/Absent`))).toContain(
      'because no role trust policy allows',
    );
  });

  it('by itself needs a role to be named, where its account is not enough', async () => {
    const arn = await role('Self', { Principal: account() });
    const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
    await iam.send(new AttachRolePolicyCommand({ RoleName: 'Self', PolicyArn }));
    const { keys } = await assume(ann.credentials, arn);
    expect(await text(assume(keys, arn))).toContain('because no role trust policy allows the sts:AssumeRole action');
    const named = await role('Named', { Principal: account() });
    await iam.send(new AttachRolePolicyCommand({ RoleName: 'Named', PolicyArn }));
    const Statement = [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: [account().AWS, named] } }];
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'Named', PolicyDocument }));
    await assume((await assume(ann.credentials, named)).keys, named);
  });

  it('lets a service in that is trusted, by the door', async () => {
    const roleArn = await role('ForBuilds', {
      Principal: { Service: 'codebuild.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': sluice.account } },
    });
    const by = (service: string, sourceAccount: string) =>
      sluice.house.door.assumeRole({
        roleArn,
        sessionName: 'build',
        region: sluice.region,
        by: { type: 'Service', service, sourceAccount },
      });
    expect((await by('codebuild.amazonaws.com', sluice.account)).principal).toMatchObject({
      type: 'AssumedRole',
      roleName: 'ForBuilds',
    });
    expect(await text(by('codebuild.amazonaws.com', '999999999999'))).toContain(
      'codebuild.amazonaws.com is not authorized',
    );
    expect(await text(by('lambda.amazonaws.com', sluice.account))).toContain('lambda.amazonaws.com is not authorized');
  });

  it('minds external id and session name', async () => {
    const arn = await role('External', {
      Principal: { AWS: ann.arn },
      Condition: { StringEquals: { 'sts:ExternalId': 'secret-1', 'sts:RoleSessionName': 'run' } },
    });
    await assume(ann.credentials, arn, { ExternalId: 'secret-1' });
    expect(await failure(assume(ann.credentials, arn))).toBe('AccessDenied');
    expect(await failure(assume(ann.credentials, arn, { ExternalId: 'secret-2' }))).toBe('AccessDenied');
    expect(await failure(assume(ann.credentials, arn, { ExternalId: 'secret-1', RoleSessionName: 'walk' }))).toBe(
      'AccessDenied',
    );
  });

  it('lasts an hour unless said, and at most what the role says', async () => {
    const arn = await role('Long', { Principal: { AWS: ann.arn } }, { MaxSessionDuration: 7200 });
    expect((await assume(ann.credentials, arn)).lastsMs).toBe(3_600_000);
    expect((await assume(ann.credentials, arn, { DurationSeconds: 7200 })).lastsMs).toBe(7_200_000);
    expect(await text(assume(ann.credentials, arn, { DurationSeconds: 7201 }))).toBe(
      'ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    );
    expect(await failure(assume(ann.credentials, arn, { DurationSeconds: 899 }))).toBe('ValidationError');
  });

  it('in a chain lasts at most an hour', async () => {
    const first = await role('ChainFirst', { Principal: { AWS: ann.arn } });
    const second = await role('ChainSecond', { Principal: { AWS: first } }, { MaxSessionDuration: 7200 });
    const { keys } = await assume(ann.credentials, first);
    await assume(keys, second);
    expect(await text(assume(keys, second, { DurationSeconds: 7200 }))).toContain('1 hour session limit');
  });

  it('gives what role and session policy both allow', async () => {
    const arn = await role('Admin', { Principal: { AWS: ann.arn } });
    await iam.send(
      new AttachRolePolicyCommand({ RoleName: 'Admin', PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }),
    );
    const list = (keys: Keys) => iamAs(keys).send(new ListRolesCommand({}));
    const get = (keys: Keys) => iamAs(keys).send(new GetRoleCommand({ RoleName: 'Admin' }));
    const free = await assume(ann.credentials, arn);
    await list(free.keys);
    const narrow = await assume(ann.credentials, arn, {
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'iam:ListRoles', Resource: '*' }],
      }),
    });
    expect(narrow.PackedPolicySize).toBeGreaterThan(0);
    await list(narrow.keys);
    expect(await text(get(narrow.keys))).toBe(
      `AccessDenied: User: ${narrow.AssumedRoleUser?.Arn} is not authorized to perform: iam:GetRole on resource: ${arn} because no session policy allows the iam:GetRole action`,
    );
    const byArn = await assume(ann.credentials, arn, {
      PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' }],
    });
    expect(await failure(list(byArn.keys))).toBe('AccessDenied');
    expect(await failure(assume(ann.credentials, arn, { Policy: '{"Version":' }))).toBe(
      'MalformedPolicyDocumentException',
    );
    expect(await failure(assume(ann.credentials, arn, { PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/None' }] }))).toBe(
      'ValidationError',
    );
  });

  it('asks leave for tags and source identity, and passes them down the chain', async () => {
    const plain = await role('Untagged', { Principal: { AWS: ann.arn } });
    const Tags = [{ Key: 'team', Value: 'red' }];
    expect(await text(assume(ann.credentials, plain, { Tags }))).toContain('sts:TagSession');
    expect(await text(assume(ann.credentials, plain, { SourceIdentity: 'ann' }))).toContain('sts:SetSourceIdentity');
    const Action = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'];
    const first = await role('TagFirst', { Principal: { AWS: ann.arn }, Action });
    const second = await role('TagSecond', {
      Principal: { AWS: first },
      Action,
      Condition: { StringEquals: { 'aws:PrincipalTag/team': 'red' } },
    });
    const untagged = await assume(ann.credentials, first);
    expect(await failure(assume(untagged.keys, second))).toBe('AccessDenied');
    const tagged = await assume(ann.credentials, first, { Tags, TransitiveTagKeys: ['team'], SourceIdentity: 'ann' });
    const chained = await assume(tagged.keys, second);
    expect(chained.SourceIdentity).toBe('ann');
    expect(await failure(assume(tagged.keys, second, { Tags: [{ Key: 'Team', Value: 'blue' }] }))).toBe(
      'InvalidParameterValue',
    );
    expect(await failure(assume(tagged.keys, second, { SourceIdentity: 'bob' }))).toBe('ValidationError');
  });

  it('across accounts needs both sides, and tells nothing of the other', async () => {
    const other = '222222222222';
    const root = { type: 'Root', account: other, arn: `arn:aws:iam::${other}:root` } as const;
    const there = sluice.house.door.as(root, { account: other, region: 'us-east-1' });
    const trusting = (AWS: string): string =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' }],
      });
    const make = (RoleName: string, AWS: string) =>
      there.call('iam', 'CreateRole', { RoleName, AssumeRolePolicyDocument: trusting(AWS) });
    await make('Deploy', sluice.account);
    await make('Closed', other);
    const nobody = await person(sluice, 'stranger', []);
    const arn = `arn:aws:iam::${other}:role/Deploy`;
    const session = await assume(ann.credentials, arn);
    expect(await sts(session.keys).send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: other });
    for (const [who, target] of [
      [nobody, 'Deploy'],
      [ann, 'Closed'],
      [ann, 'Absent'],
    ] as const) {
      const resource = `arn:aws:iam::${other}:role/${target}`;
      expect(await text(assume(who.credentials, resource))).toBe(
        `AccessDenied: User: ${who.arn} is not authorized to perform: sts:AssumeRole on resource: ${resource}`,
      );
    }
  });

  it('refuses what is no role', async () => {
    expect(await failure(assume(ann.credentials, `arn:aws:iam::${sluice.account}:user/ann`))).toBe('ValidationError');
    expect(await failure(assume(ann.credentials, 'arn:aws:iam::1:role/x-y-z'))).toBe('ValidationError');
  });
});

describe('a session', () => {
  it('ends when the clock says so', async () => {
    const { keys } = await assume(ann.credentials, await role('Short', { Principal: { AWS: ann.arn } }), {
      DurationSeconds: 900,
    });
    const client = sts(keys);
    await client.send(new GetCallerIdentityCommand({}));
    await sluice.clock.advance('PT15M1S');
    expect(await text(client.send(new GetCallerIdentityCommand({})))).toMatch(/^ExpiredToken/);
    // Sweeping takes it away once an hour has gone by and somebody asks for a session.
    await sluice.clock.advance('PT3H');
    await assume(ann.credentials, await role('Later', { Principal: { AWS: ann.arn } }));
    expect(await failure(client.send(new GetCallerIdentityCommand({})))).toBe('InvalidClientTokenId');
  });

  it('is nothing without its token, or with another', async () => {
    const { keys } = await assume(ann.credentials, await role('Token', { Principal: { AWS: ann.arn } }));
    const without = { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey };
    expect(await failure(sts(without).send(new GetCallerIdentityCommand({})))).toBe('InvalidClientTokenId');
    expect(await failure(sts({ ...keys, sessionToken: 'wrong' }).send(new GetCallerIdentityCommand({})))).toBe(
      'InvalidClientTokenId',
    );
  });

  it('may do nothing once its role is gone, even when there is a new one of the same name', async () => {
    const trust = { Principal: { AWS: ann.arn } };
    const arn = await role('Gone', trust);
    const PolicyArn = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess';
    await iam.send(new AttachRolePolicyCommand({ RoleName: 'Gone', PolicyArn }));
    const { keys } = await assume(ann.credentials, arn);
    const client = iamAs(keys);
    await client.send(new ListRolesCommand({}));
    const detach = { RoleName: 'Gone', PolicyArn };
    await iam.send(new DetachRolePolicyCommand(detach));
    await iam.send(new DeleteRoleCommand({ RoleName: 'Gone' }));
    await role('Gone', trust);
    await iam.send(new AttachRolePolicyCommand(detach));
    // Not even who it is: its key is known no more.
    expect(await failure(client.send(new ListRolesCommand({})))).toBe('InvalidClientTokenId');
  });

  it('leaves its secret and token in no log, event or audit record', async () => {
    const { keys } = await assume(ann.credentials, await role('Quiet', { Principal: { AWS: ann.arn } }));
    await sluice.settled();
    await sluice.open.audit.flush();
    const rows = await sluice.house.store.query<{ text: string }>('SELECT audit::text AS text FROM audit');
    const all = rows.map(({ text }) => text).join('\n');
    expect(all).toContain('AssumeRole');
    expect(all).not.toContain(keys.secretAccessKey);
    expect(all).not.toContain(keys.sessionToken);
    const documents = await sluice.house.store.query<{ text: string }>('SELECT document::text AS text FROM documents');
    expect(documents.some(({ text }) => text.includes(keys.sessionToken))).toBe(false);
  });
});

describe('GetSessionToken', () => {
  it('gives a user their own rights, but not over IAM', async () => {
    const who = await person(sluice, 'tokened', [{ Action: ['iam:ListRoles', 'sts:AssumeRole'], Resource: '*' }]);
    await iamAs(who.credentials).send(new ListRolesCommand({}));
    const { Credentials } = await sts(who.credentials).send(new GetSessionTokenCommand({}));
    expect((Credentials?.Expiration?.getTime() ?? 0) - sluice.clock.now()).toBe(43_200_000);
    const keys = {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    };
    expect((await sts(keys).send(new GetCallerIdentityCommand({}))).Arn).toBe(who.arn);
    expect(await failure(iamAs(keys).send(new ListRolesCommand({})))).toBe('AccessDenied');
    await assume(keys, await role('FromToken', { Principal: account() }));
    expect(await failure(sts(keys).send(new GetSessionTokenCommand({})))).toBe('AccessDenied');
  });
});

describe('GetAccessKeyInfo', () => {
  it('names the account of a key', async () => {
    const info = await sts(ann.credentials).send(
      new GetAccessKeyInfoCommand({ AccessKeyId: ann.credentials.accessKeyId }),
    );
    expect(info.Account).toBe(sluice.account);
  });
});
