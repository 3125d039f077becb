/** Why, by the control endpoint: each kind of gate, closed by the policy that belongs to it, and what opens it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/common/index.ts';
import type { QuestionAnswer, RequestAnswer, WhyAnswer } from '../../src/app/why/ask.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { Client, Scope } from '../../src/services/index.ts';

const POLICY_OF = (...Statement: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const ALLOW_ALL = { Effect: 'Allow', Action: '*', Resource: '*' };

let sluice: TestSluice;
let root: Client;
let scope: Scope;
let member: string;

beforeAll(async () => {
  sluice = await startSluice({ services: ['kms', 's3', 'sqs', 'organizations'], seed: 21 });
  scope = { account: sluice.account, region: sluice.region };
  root = rootOf(sluice.account);
  await root.call('organizations', 'CreateOrganization', { FeatureSet: 'ALL' });
  const { CreateAccountStatus } = await root.call<{ CreateAccountStatus: { Id: string } }>(
    'organizations',
    'CreateAccount',
    { AccountName: 'member', Email: 'member@example.com' },
  );
  await sluice.settled();
  const made = await root.call<{ CreateAccountStatus: { AccountId: string } }>(
    'organizations',
    'DescribeCreateAccountStatus',
    { CreateAccountRequestId: CreateAccountStatus.Id },
  );
  member = made.CreateAccountStatus.AccountId;
  await root.call('s3', 'CreateBucket', { Bucket: 'things' });
  await root.call('s3', 'PutObject', { Bucket: 'things', Key: 'a', Body: Buffer.from('a') });
});

afterAll(() => sluice?.close());

function rootOf(account: string): Client {
  const arn = `arn:aws:iam::${account}:root`;
  return sluice.house.door.as({ type: 'Root', account, arn }, { account, region: sluice.region });
}

/** A role that its account may assume, with one policy. */
async function role(
  name: string,
  statements: readonly object[],
  more: object = {},
  of: Client = root,
): Promise<string> {
  const { Role } = await of.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: POLICY_OF({
      Effect: 'Allow',
      Principal: { Service: 'codebuild.amazonaws.com' },
      Action: 'sts:AssumeRole',
    }),
    ...more,
  });
  if (statements.length > 0) {
    const input = { RoleName: name, PolicyName: 'work', PolicyDocument: POLICY_OF(...statements) };
    await of.call('iam', 'PutRolePolicy', input);
  }
  return Role.Arn;
}

async function session(roleArn: string, policy?: string): Promise<Principal> {
  const by = { type: 'Service', service: 'codebuild.amazonaws.com' } as const;
  const assumed = await sluice.house.door.assumeRole({
    roleArn,
    sessionName: 'me',
    by,
    region: sluice.region,
    ...(policy === undefined ? {} : { policy }),
  });
  return assumed.principal;
}

async function respond(subject: string, more: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${sluice.url}/_sluice/why?${new URLSearchParams({ subject, ...more })}`);
}

async function question(subject: string, more: Readonly<Record<string, string>> = {}): Promise<QuestionAnswer> {
  const response = await respond(subject, more);
  expect(response.status).toBe(200);
  return (await response.json()) as WhyAnswer & QuestionAnswer;
}

/** The answer for the newest denied call. */
async function lastDenied(): Promise<RequestAnswer> {
  await sluice.open.audit.flush();
  const [row] = await sluice.house.store.query<{ request_id: string }>(
    `SELECT request_id FROM audit WHERE error_code IS NOT NULL AND record ->> 'parentRequestId' IS NULL ORDER BY id DESC LIMIT 1`,
  );
  const response = await respond(row?.request_id ?? '');
  expect(response.status).toBe(200);
  return (await response.json()) as WhyAnswer & RequestAnswer;
}

function denied(call: Promise<unknown>): Promise<void> {
  return expect(call).rejects.toMatchObject({ code: expect.stringMatching(/AccessDenied/) });
}

describe('why names the gate that is closed', () => {
  it('identity: nothing allows, and a statement opens it', async () => {
    const arn = await role('nobody', []);
    const { explanation } = await question(`${arn} s3:GetObject arn:aws:s3:::things/a`);
    expect(explanation).toMatchObject({
      allowed: false,
      firstClosed: { gate: 'identity' },
      mend: { proven: true, steps: [{ kind: 'Add', statement: { Action: 's3:GetObject' } }] },
    });
  });

  it('trust: the role lets somebody else in', async () => {
    const arn = await role('locked', []);
    const asker = await role('asker', [ALLOW_ALL]);
    const { explanation } = await question(`${asker} sts:AssumeRole ${arn}`);
    expect(explanation).toMatchObject({
      firstClosed: { gate: 'trust' },
      mend: { proven: true, steps: [{ statement: { Principal: { AWS: asker }, Action: 'sts:AssumeRole' } }] },
    });
    // A service that the trust policy names gets in.
    expect(await question(`codebuild.amazonaws.com sts:AssumeRole ${arn}`)).toMatchObject({
      explanation: { allowed: true, gates: [{ gate: 'trust', state: 'open' }] },
    });
  });

  it('boundary: what it does not allow is taken away', async () => {
    const { Policy } = await root.call<{ Policy: { Arn: string } }>('iam', 'CreatePolicy', {
      PolicyName: 'edge',
      PolicyDocument: POLICY_OF({ Effect: 'Allow', Action: 'sqs:*', Resource: '*' }),
    });
    const arn = await role('bounded', [ALLOW_ALL], { PermissionsBoundary: Policy.Arn });
    const { explanation } = await question(`${arn} s3:GetObject arn:aws:s3:::things/a`);
    expect(explanation).toMatchObject({
      firstClosed: { gate: 'boundary' },
      gates: [{ gate: 'identity', state: 'open', by: { statement: ALLOW_ALL } }, { gate: 'boundary' }],
      mend: { proven: true, steps: [{ policyName: Policy.Arn }] },
    });
  });

  it('session: the policy of a session that was denied', async () => {
    const arn = await role('narrowed', [ALLOW_ALL]);
    const narrow = await session(arn, POLICY_OF({ Effect: 'Allow', Action: 'sqs:*', Resource: '*' }));
    await denied(sluice.house.door.as(narrow, scope).call('s3', 'GetObject', { Bucket: 'things', Key: 'a' }));
    expect(await lastDenied()).toMatchObject({
      decided: { action: 's3:GetObject', firstClosed: { gate: 'session' } },
      now: [{ allowed: false, mend: { proven: true } }],
    });
  });

  it('organization: a service control policy over the account', async () => {
    const { Roots } = await root.call<{ Roots: { Id: string }[] }>('organizations', 'ListRoots', {});
    const [{ Id: RootId } = { Id: '' }] = Roots;
    await root
      .call('organizations', 'EnablePolicyType', { RootId, PolicyType: 'SERVICE_CONTROL_POLICY' })
      .catch(() => undefined);
    const deny = { Sid: 'NoQueues', Effect: 'Deny', Action: 'sqs:*', Resource: '*' };
    const { Policy } = await root.call<{ Policy: { PolicySummary: { Id: string } } }>('organizations', 'CreatePolicy', {
      Name: 'no-queues',
      Description: '',
      Type: 'SERVICE_CONTROL_POLICY',
      Content: POLICY_OF(deny),
    });
    await root.call('organizations', 'AttachPolicy', { PolicyId: Policy.PolicySummary.Id, TargetId: member });
    const arn = await role('worker', [ALLOW_ALL], {}, rootOf(member));
    const there = sluice.house.door.as(await session(arn), { account: member, region: sluice.region });
    await denied(there.call('sqs', 'CreateQueue', { QueueName: 'queue' }));
    expect(await lastDenied()).toMatchObject({
      account: member,
      decided: { firstClosed: { gate: 'organization', by: { sid: 'NoQueues', statement: deny } } },
      now: [{ allowed: false, mend: { steps: [{ kind: 'Remove', statement: deny }], proven: true } }],
    });
  });

  it('resource: a bucket policy that denies, and the condition that would spare the call', async () => {
    const deny = {
      Sid: 'OnlyEncrypted',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: 'arn:aws:s3:::sealed/*',
      Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' } },
    };
    await root.call('s3', 'CreateBucket', { Bucket: 'sealed' });
    await root.call('s3', 'PutBucketPolicy', { Bucket: 'sealed', Policy: POLICY_OF(deny) });
    const arn = await role('writer', [ALLOW_ALL]);
    const subject = `${arn} s3:PutObject arn:aws:s3:::sealed/a`;
    const { explanation } = await question(subject);
    expect(explanation).toMatchObject({
      firstClosed: { gate: 'resource', by: { sid: 'OnlyEncrypted', statement: deny } },
      mend: { proven: true, steps: [{ kind: 'Remove', words: expect.stringContaining('aws:kms') }] },
    });
    const spared = await question(subject, { context: 's3:x-amz-server-side-encryption=aws:kms' });
    expect(spared.explanation.allowed).toBe(true);
  });

  it('key and grant: an object that is readable under a key that is not', async () => {
    const { KeyMetadata } = await root.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', {});
    await root.call('s3', 'PutObject', {
      Bucket: 'things',
      Key: 'sealed',
      Body: Buffer.from('a'),
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: KeyMetadata.Arn,
    });
    const arn = await role('reader', [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::things/*' }]);
    const reader = sluice.house.door.as(await session(arn), scope);
    await denied(reader.call('s3', 'GetObject', { Bucket: 'things', Key: 'sealed' }));
    // The id is that of the call that was made; KMS was asked for it.
    expect(await lastDenied()).toMatchObject({
      service: 's3',
      now: [{ action: 's3:GetObject', allowed: true }],
      madeFor: [
        { service: 'kms', viaService: `s3.${sluice.region}.amazonaws.com`, decided: { action: 'kms:Decrypt' } },
      ],
    });
    const before = await question(`${arn} s3:GetObject arn:aws:s3:::things/sealed`);
    expect(before).toMatchObject({
      explanation: { allowed: true },
      followedBy: [
        { action: 'kms:Decrypt', allowed: false, firstClosed: { gate: 'identity' }, mend: { proven: true } },
      ],
    });
    const grant = { KeyId: KeyMetadata.Arn, GranteePrincipal: arn, Operations: ['Decrypt'] };
    await root.call('kms', 'CreateGrant', grant);
    const after = await question(`${arn} s3:GetObject arn:aws:s3:::things/sealed`);
    expect(after.followedBy[0]).toMatchObject({ allowed: true });
    expect(after.followedBy[0]?.gates.at(-1)).toMatchObject({ gate: 'grant', state: 'open' });
  });
});

describe('why refuses what is no question', () => {
  it.each([
    ['', 400, /Ask with/],
    ['nothing-by-this-id', 404, /Nothing is known by the id/],
    ['one two', 400, /three words/],
    ['anonymous s3:GetObjct arn:aws:s3:::things/a', 400, /There is no action s3:GetObjct\. Perhaps s3:GetObject\?/],
    ['anonymous s3:GetObject things/a', 400, /neither an ARN/],
    ['arn:aws:iam::111122223333:role/gone s3:GetObject *', 404, /There is no user, role/],
  ])('%j', async (subject, status, words) => {
    const response = await respond(subject);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { message: string }).message).toMatch(words);
  });

  it('judges everybody, services and accounts', async () => {
    expect(await question('anonymous s3:GetObject arn:aws:s3:::things/a')).toMatchObject({ denied: true });
    expect(await question(`${sluice.account} s3:GetObject arn:aws:s3:::things/a`)).toMatchObject({ denied: false });
    const missing = await question(`${sluice.account} s3:GetObject arn:aws:s3:::nowhere/a`);
    expect(missing.notes).toEqual([expect.stringContaining('There is no arn:aws:s3:::nowhere/a')]);
  });

  it('keeps the external id of a denied call out of the trail', async () => {
    const arn = await role('guarded', []);
    const asker = sluice.house.door.as(await session(await role('guest', [ALLOW_ALL])), scope);
    await denied(asker.call('sts', 'AssumeRole', { RoleArn: arn, RoleSessionName: 'me', ExternalId: 'between-us' }));
    await sluice.open.audit.flush();
    const rows = await sluice.house.store.query<{ text: string }>(`SELECT record::text AS text FROM audit`);
    expect(rows.some(({ text }) => text.includes('sts:ExternalId'))).toBe(true);
    expect((await lastDenied()).decided?.firstClosed).toMatchObject({ gate: 'trust' });
    const decisions = await sluice.house.store.query<{ text: string }>(
      `SELECT (record -> 'decision')::text AS text FROM audit WHERE record ->> 'decision' IS NOT NULL`,
    );
    expect(decisions.some(({ text }) => text.includes('between-us'))).toBe(false);
  });
});
