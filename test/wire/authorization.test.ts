/**
 * Every call is authorised, and a denial names what is missing. IAM itself is the service called: what is tested is the
 * path from the policies to the answer, changes of policy taking effect at once, and what outlives a restart.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AttachUserPolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteUserPolicyCommand,
  GetUserCommand,
  IAMClient,
  ListRolesCommand,
  ListUsersCommand,
  PutUserPermissionsBoundaryCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientConfig, startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person } from '../support/people.ts';

let sluice: TestSluice;
let iam: IAMClient;
const clients: IAMClient[] = [];

beforeAll(async () => {
  sluice = await startSluice({ services: ['iam', 'sts'] });
  iam = client({ accessKeyId: 'test', secretAccessKey: 'test' });
});
afterAll(async () => {
  for (const made of clients) made.destroy();
  await sluice?.close();
});

function client(credentials: ClientConfig['credentials'], of: TestSluice = sluice): IAMClient {
  const made = new IAMClient({ ...of.clientConfig({ credentials }), maxAttempts: 1 });
  clients.push(made);
  return made;
}

const statement = (Action: string | string[], rest: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource: '*',
  ...rest,
});
const policy = (...statements: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement: statements });
const put = (UserName: string, ...statements: object[]) =>
  iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'own', PolicyDocument: policy(...statements) }));
const denial = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata: { httpStatusCode: number } };
    return `${$metadata.httpStatusCode} ${name}: ${message}`;
  }
  return 'allowed';
};

describe('a call', () => {
  it('without credentials is refused', async () => {
    const response = await fetch(sluice.url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'Action=GetCallerIdentity&Version=2011-06-15',
    });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('MissingAuthenticationToken');
  });

  it('with a key that nobody has, or a wrong secret, is refused', async () => {
    expect(
      await failure(
        client({ accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'x' }).send(new ListUsersCommand({})),
      ),
    ).toBe('InvalidClientTokenId');
    const { credentials } = await person(sluice, 'forger', []);
    expect(await failure(client({ ...credentials, secretAccessKey: 'wrong' }).send(new ListUsersCommand({})))).toBe(
      'SignatureDoesNotMatch',
    );
  });

  it('is denied by the name of the missing grant, and allowed as soon as it is there', async () => {
    const { arn, credentials } = await person(sluice, 'step', []);
    const own = client(credentials);
    const get = () => own.send(new GetUserCommand({ UserName: 'step' }));
    const head = `403 AccessDenied: User: ${arn} is not authorized to perform: iam:GetUser on resource: ${arn}`;
    expect(await denial(get())).toBe(`${head} because no identity-based policy allows the iam:GetUser action`);
    await put('step', statement('iam:GetUser', { Resource: `${arn}x` }));
    expect(await denial(get())).toContain('no identity-based policy');
    await put('step', statement('iam:GetUser', { Resource: 'arn:aws:iam::*:user/${aws:username}' }));
    expect(await denial(get())).toBe('allowed');
    await put('step', statement('iam:*'), statement('iam:GetUser', { Effect: 'Deny' }));
    expect(await denial(get())).toBe(`${head} with an explicit deny in an identity-based policy`);
    await iam.send(new DeleteUserPolicyCommand({ UserName: 'step', PolicyName: 'own' }));
    expect(await denial(get())).toContain('no identity-based policy');
  });

  it('is limited by a boundary, which gives nothing', async () => {
    const { credentials } = await person(sluice, 'bounded', []);
    const own = client(credentials);
    const list = () => own.send(new ListRolesCommand({}));
    const { Policy } = await iam.send(
      new CreatePolicyCommand({ PolicyName: 'boundary', PolicyDocument: policy(statement('s3:*')) }),
    );
    const PermissionsBoundary = Policy?.Arn ?? '';
    await iam.send(new PutUserPermissionsBoundaryCommand({ UserName: 'bounded', PermissionsBoundary }));
    await put('bounded', statement('iam:ListRoles'));
    expect(await denial(list())).toContain('because no permissions boundary allows the iam:ListRoles action');
    await iam.send(
      new CreatePolicyVersionCommand({
        PolicyArn: PermissionsBoundary,
        PolicyDocument: policy(statement('iam:List*')),
        SetAsDefault: true,
      }),
    );
    expect(await denial(list())).toBe('allowed');
    await iam.send(new DeleteUserPolicyCommand({ UserName: 'bounded', PolicyName: 'own' }));
    expect(await denial(list())).toContain('no identity-based policy');
  });

  it('meets the version of a managed policy that is in force', async () => {
    const { credentials } = await person(sluice, 'versioned', []);
    const own = client(credentials);
    const { Policy } = await iam.send(
      new CreatePolicyCommand({ PolicyName: 'in-force', PolicyDocument: policy(statement('s3:*')) }),
    );
    const PolicyArn = Policy?.Arn ?? '';
    await iam.send(new AttachUserPolicyCommand({ UserName: 'versioned', PolicyArn }));
    const PolicyDocument = policy(statement('iam:ListUsers'));
    await iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument }));
    expect(await denial(own.send(new ListUsersCommand({})))).toContain('AccessDenied');
    await iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument, SetAsDefault: true }));
    expect(await denial(own.send(new ListUsersCommand({})))).toBe('allowed');
  });

  it('meets conditions on the request, the caller and the tags', async () => {
    const { credentials } = await person(sluice, 'conditional', []);
    const own = client(credentials);
    const make = (UserName: string, team?: string) =>
      own.send(new CreateUserCommand({ UserName, ...(team && { Tags: [{ Key: 'team', Value: team }] }) }));
    await put(
      'conditional',
      // Whoever makes something with tags needs the right to tag it too.
      statement(['iam:CreateUser', 'iam:TagUser'], {
        Condition: {
          StringEquals: { 'aws:RequestTag/team': 'red', 'aws:RequestedRegion': sluice.region },
          'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] },
          IpAddress: { 'aws:SourceIp': ['127.0.0.0/8', '::1/128'] },
          DateGreaterThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' },
          Bool: { 'aws:SecureTransport': 'false' },
        },
      }),
    );
    expect(await denial(make('red-one', 'red'))).toBe('allowed');
    expect(await denial(make('blue-one', 'blue'))).toContain('AccessDenied');
    expect(await denial(make('bare-one'))).toContain('AccessDenied');
  });

  it('names no other account’s role in its answers', async () => {
    const { arn, credentials } = await person(sluice, 'prober', [{ Action: '*', Resource: '*' }]);
    const sts = new STSClient({ ...sluice.clientConfig({ credentials }), maxAttempts: 1 });
    const RoleArn = 'arn:aws:iam::222222222222:role/Secret';
    expect(await denial(sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'x1' })))).toBe(
      `403 AccessDenied: User: ${arn} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`,
    );
    sts.destroy();
  });

  it('is denied before its input is judged, so that an outsider learns nothing by it', async () => {
    const { credentials } = await person(sluice, 'outsider', []);
    const bad = new CreateRoleCommand({ RoleName: 'x y', AssumeRolePolicyDocument: 'nonsense' });
    expect(await failure(client(credentials).send(bad))).toBe('AccessDenied');
    expect(await failure(iam.send(bad))).toBe('ValidationError');
  });
});

describe('services and roles between them', () => {
  it('a service may do as itself only what is in its table', async () => {
    const as = (service: string) =>
      sluice.house.door.asService(service, { account: '333333333333', region: 'us-east-1' });
    const trust = policy({ Effect: 'Allow', Principal: { AWS: sluice.account }, Action: 'sts:AssumeRole' });
    const input = { RoleName: 'Entrance', AssumeRolePolicyDocument: trust };
    await expect(as('codepipeline.amazonaws.com').call('iam', 'CreateRole', input)).rejects.toMatchObject({
      code: 'AccessDeniedException',
      message: expect.stringContaining('codepipeline.amazonaws.com is not authorized to perform: iam:CreateRole'),
    });
    await as('organizations.amazonaws.com').call('iam', 'CreateRole', input);
    await expect(as('organizations.amazonaws.com').call('iam', 'DeleteRole', input)).rejects.toMatchObject({
      code: 'AccessDeniedException',
    });
  });
});

describe('after a restart', () => {
  it('keys, policies and sessions are what they were', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'sluice-authorization-'));
    const start = () => startSluice({ services: ['iam', 'sts'], stateDir });
    let kept = await start();
    try {
      const { arn, credentials } = await person(kept, 'keeper', [{ Action: 'iam:ListUsers', Resource: '*' }]);
      const root = client({ accessKeyId: 'test', secretAccessKey: 'test' }, kept);
      const { Role } = await root.send(
        new CreateRoleCommand({
          RoleName: 'Kept',
          AssumeRolePolicyDocument: policy({ Effect: 'Allow', Principal: { AWS: arn }, Action: 'sts:AssumeRole' }),
        }),
      );
      const before = new STSClient({ ...kept.clientConfig({ credentials }), maxAttempts: 1 });
      const session = await before.send(new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: 'kept' }));
      before.destroy();
      await kept.close();
      kept = await start();
      await client(credentials, kept).send(new ListUsersCommand({}));
      expect(await failure(client(credentials, kept).send(new ListRolesCommand({})))).toBe('AccessDenied');
      const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = session.Credentials ?? {};
      const keys = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
      const after = new STSClient({ ...kept.clientConfig({ credentials: keys }), maxAttempts: 1 });
      expect((await after.send(new GetCallerIdentityCommand({}))).Arn).toBe(session.AssumedRoleUser?.Arn);
      after.destroy();
    } finally {
      await kept.close();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});
