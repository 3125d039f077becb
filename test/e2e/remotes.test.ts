/** Two Sluices: a pipeline of one delivers into an account of the other, by the AWS API between them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListActionExecutionsOutput } from '@aws-sdk/client-codepipeline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileOptions } from '../../src/app/config.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { readRemotes, type RemoteSetting } from '../../src/app/remotes/settings.ts';
import type { Client } from '../../src/services/index.ts';
import { zipOf } from '../support/functions.ts';

const THERE = '333333333333';
/** An account of this side, that speaks for the other one here. */
const READER = '444444444444';
const AWAY = 'eu-west-1';
const HOME = 'us-east-1';

let here: TestSluice;
let there: TestSluice;
let local: Client;
let remote: Client;
const folder = mkdtempSync(join(tmpdir(), 'sluice-remotes-'));

const document = (...statements: object[]): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
  });

function rootOf(sluice: TestSluice, account: string, region: string): Client {
  return sluice.house.door.as({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` }, { account, region });
}

async function role(client: Client, RoleName: string, principal: object, ...statements: object[]): Promise<string> {
  const { Role } = await client.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName,
    AssumeRolePolicyDocument: document({ Principal: principal, Action: 'sts:AssumeRole' }),
  });
  await client.call('iam', 'PutRolePolicy', { RoleName, PolicyName: 'may', PolicyDocument: document(...statements) });
  return Role.Arn;
}

const DEPLOYER_MAY = [
  {
    Action: ['s3:GetObject', 's3:GetObjectVersion'],
    Resource: ['arn:aws:s3:::artifacts-there/*', 'arn:aws:s3:::artifacts-away/*'],
  },
  { Action: 's3:PutObject', Resource: 'arn:aws:s3:::site-there/*' },
  {
    Action: [
      'codedeploy:CreateDeployment',
      'codedeploy:GetDeployment',
      'codedeploy:GetDeploymentConfig',
      'codedeploy:RegisterApplicationRevision',
      'codedeploy:GetApplicationRevision',
    ],
    Resource: '*',
  },
];

/** The settings of over there: where this side is, is known once it has started. */
const back: RemoteSetting[] = [];

beforeAll(async () => {
  there = await startSluice({ account: THERE, region: AWAY, remotes: back });
  remote = rootOf(there, THERE, AWAY);
  await makeThere();
  const { AccessKey } = await remote.call<{ AccessKey: { AccessKeyId: string; SecretAccessKey: string } }>(
    'iam',
    'CreateAccessKey',
    { UserName: 'pipelines-elsewhere' },
  );
  // As a user would write it.
  const file = join(folder, 'sluice.yaml');
  writeFileSync(
    file,
    `remotes:
  - account: "${THERE}"
    regions: [${AWAY}]
    buckets: [artifacts-there]
    endpoint: ${there.url}
    credentials:
      accessKeyId: ${AccessKey.AccessKeyId}
      secretAccessKey: { env: THERE_SECRET }
`,
  );
  here = await startSluice({
    remotes: readRemotes(readFileSync(file, 'utf8'), { THERE_SECRET: AccessKey.SecretAccessKey }),
  });
  local = rootOf(here, here.account, HOME);
  await makeHere();
}, 60_000);
afterAll(async () => {
  await here?.close();
  await there?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function makeThere(): Promise<void> {
  for (const Bucket of ['artifacts-there', 'site-there']) {
    await remote.call('s3', 'CreateBucket', { Bucket, CreateBucketConfiguration: { LocationConstraint: AWAY } });
    await remote.call('s3', 'PutBucketVersioning', { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
  }
  await remote.call('iam', 'CreateUser', { UserName: 'pipelines-elsewhere' });
  await remote.call('iam', 'PutUserPolicy', {
    UserName: 'pipelines-elsewhere',
    PolicyName: 'may',
    PolicyDocument: document(
      { Action: ['s3:PutObject', 's3:GetObject', 's3:GetObjectVersion'], Resource: 'arn:aws:s3:::artifacts-there/*' },
      { Action: 'sts:AssumeRole', Resource: `arn:aws:iam::${THERE}:role/deployer` },
    ),
  });
  await role(remote, 'deployer', { AWS: `arn:aws:iam::${THERE}:user/pipelines-elsewhere` }, ...DEPLOYER_MAY);
  const functionRole = await role(
    remote,
    'function',
    { Service: 'lambda.amazonaws.com' },
    { Action: 'logs:*', Resource: '*' },
  );
  const codedeploy = await role(
    remote,
    'codedeploy',
    { Service: 'codedeploy.amazonaws.com' },
    { Action: ['lambda:*', 'cloudwatch:DescribeAlarms'], Resource: '*' },
    {
      Action: ['s3:GetObject', 's3:GetObjectVersion'],
      Resource: ['arn:aws:s3:::artifacts-there/*', 'arn:aws:s3:::artifacts-away/*'],
    },
  );
  for (const version of [1, 2]) {
    const ZipFile = await zipOf({ 'index.mjs': `export const handler = async () => ${version};` });
    if (version === 1)
      await remote.call('lambda', 'CreateFunction', {
        FunctionName: 'greeter',
        Role: functionRole,
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Code: { ZipFile },
      });
    else await remote.call('lambda', 'UpdateFunctionCode', { FunctionName: 'greeter', ZipFile });
    await remote.call('lambda', 'PublishVersion', { FunctionName: 'greeter' });
  }
  await remote.call('lambda', 'CreateAlias', { FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' });
  await remote.call('codedeploy', 'CreateApplication', { applicationName: 'app', computePlatform: 'Lambda' });
  await remote.call('codedeploy', 'CreateDeploymentGroup', {
    applicationName: 'app',
    deploymentGroupName: 'group',
    serviceRoleArn: codedeploy,
    deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
    deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
  });
}

async function makeHere(): Promise<void> {
  for (const Bucket of ['source-here', 'artifacts-here']) {
    await local.call('s3', 'CreateBucket', { Bucket });
    await local.call('s3', 'PutBucketVersioning', { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
  }
  const appspec = `version: 0.0\nResources:\n  - greeter:\n      Type: AWS::Lambda::Function\n      Properties: { Name: greeter, Alias: live, CurrentVersion: "1", TargetVersion: "2" }\n`;
  await local.call('s3', 'PutObject', {
    Bucket: 'source-here',
    Key: 'source.zip',
    Body: await zipOf({ 'appspec.yml': appspec, 'page.html': 'hello' }),
  });
  await role(
    local,
    'pipeline',
    { Service: 'codepipeline.amazonaws.com' },
    {
      Action: ['s3:*'],
      Resource: ['arn:aws:s3:::source-here*', 'arn:aws:s3:::artifacts-*'],
    },
    { Action: 'sts:AssumeRole', Resource: `arn:aws:iam::${THERE}:role/deployer` },
  );
  await local.call('codepipeline', 'CreatePipeline', {
    pipeline: pipelineOf('across', { type: 'S3', location: 'artifacts-there' }),
  });
}

/** A store in the Region of over there that lies here, and who reads it for the other side. */
async function makeStoreForBoth(): Promise<object> {
  const away = rootOf(here, here.account, AWAY);
  const reader = rootOf(here, READER, AWAY);
  const { User } = await reader.call<{ User: { Arn: string } }>('iam', 'CreateUser', { UserName: 'other-side' });
  const { AccessKey } = await reader.call<{ AccessKey: { AccessKeyId: string; SecretAccessKey: string } }>(
    'iam',
    'CreateAccessKey',
    { UserName: 'other-side' },
  );
  const { KeyMetadata } = await away.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', {
    Policy: document(
      { Principal: { AWS: here.account }, Action: 'kms:*', Resource: '*' },
      { Principal: { AWS: User.Arn }, Action: 'kms:Decrypt', Resource: '*' },
    ),
  });
  await reader.call('iam', 'PutUserPolicy', {
    UserName: 'other-side',
    PolicyName: 'may',
    PolicyDocument: document(
      { Action: ['s3:GetObject', 's3:GetObjectVersion'], Resource: 'arn:aws:s3:::artifacts-away/*' },
      { Action: 'kms:Decrypt', Resource: KeyMetadata.Arn },
    ),
  });
  await local.call('iam', 'PutRolePolicy', {
    RoleName: 'pipeline',
    PolicyName: 'may-use-the-key',
    PolicyDocument: document({ Action: ['kms:GenerateDataKey', 'kms:Decrypt'], Resource: KeyMetadata.Arn }),
  });
  await away.call('s3', 'CreateBucket', {
    Bucket: 'artifacts-away',
    CreateBucketConfiguration: { LocationConstraint: AWAY },
  });
  back.push({
    account: here.account,
    buckets: ['artifacts-away'],
    endpoint: here.url,
    credentials: { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey },
  });
  return { type: 'S3', location: 'artifacts-away', encryptionKey: { id: KeyMetadata.Arn, type: 'KMS' } };
}

function openToTheOtherSide(): Promise<unknown> {
  return rootOf(here, here.account, AWAY).call('s3', 'PutBucketPolicy', {
    Bucket: 'artifacts-away',
    Policy: document({
      Principal: { AWS: `arn:aws:iam::${READER}:user/other-side` },
      Action: ['s3:GetObject', 's3:GetObjectVersion'],
      Resource: 'arn:aws:s3:::artifacts-away/*',
    }),
  });
}

function pipelineOf(name: string, awayStore: object): object {
  const type = (category: string, provider: string) => ({ category, owner: 'AWS', provider, version: '1' });
  const deploy = (action: string, provider: string, configuration: object, runOrder: number) => ({
    name: action,
    runOrder,
    region: AWAY,
    roleArn: `arn:aws:iam::${THERE}:role/deployer`,
    actionTypeId: type('Deploy', provider),
    configuration,
    inputArtifacts: [{ name: 'source' }],
  });
  return {
    name,
    roleArn: `arn:aws:iam::${here.account}:role/pipeline`,
    artifactStores: { [HOME]: { type: 'S3', location: 'artifacts-here' }, [AWAY]: awayStore },
    stages: [
      {
        name: 'Source',
        actions: [
          {
            name: 'Fetch',
            actionTypeId: type('Source', 'S3'),
            configuration: { S3Bucket: 'source-here', S3ObjectKey: 'source.zip', PollForSourceChanges: 'false' },
            outputArtifacts: [{ name: 'source' }],
          },
        ],
      },
      {
        name: 'Deploy',
        actions: [
          deploy('Site', 'S3', { BucketName: 'site-there', Extract: 'true' }, 1),
          deploy('Function', 'CodeDeploy', { ApplicationName: 'app', DeploymentGroupName: 'group' }, 2),
        ],
      },
    ],
  };
}

type Actions = NonNullable<ListActionExecutionsOutput['actionExecutionDetails']>;

async function ended(
  pipelineExecutionId: string,
  pipelineName = 'across',
): Promise<{ status: string; actions: Actions }> {
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    const { pipelineExecution } = await local.call<{ pipelineExecution: { status: string } }>(
      'codepipeline',
      'GetPipelineExecution',
      { pipelineName, pipelineExecutionId },
    );
    const { actionExecutionDetails = [] } = await local.call<ListActionExecutionsOutput>(
      'codepipeline',
      'ListActionExecutions',
      { pipelineName, filter: { pipelineExecutionId } },
    );
    if (pipelineExecution.status !== 'InProgress')
      return { status: pipelineExecution.status, actions: actionExecutionDetails };
    if (performance.now() > giveUpAt) throw new Error(`gave up waiting: ${JSON.stringify(actionExecutionDetails)}`);
    // No event wakes a waiter across two endpoints: it looks again by the clock.
    await there.clock.advance('PT5S');
    await here.clock.advance('PT5S');
  }
}

const start = async (name = 'across'): Promise<string> =>
  (await local.call<{ pipelineExecutionId: string }>('codepipeline', 'StartPipelineExecution', { name }))
    .pipelineExecutionId;

/** The one that came with the pipeline. */
async function first(pipelineName: string): Promise<string> {
  const { pipelineExecutionSummaries: [summary] = [] } = await local.call<{
    pipelineExecutionSummaries?: { pipelineExecutionId: string }[];
  }>('codepipeline', 'ListPipelineExecutions', { pipelineName });
  return summary?.pipelineExecutionId ?? '';
}

const outcomes = (actions: Actions): unknown =>
  actions.map(({ actionName, status, output }) => [actionName, status, output?.executionResult?.errorDetails]);

/** The calls of an operation in the trail of a side, the newest first. */
async function trail(sluice: TestSluice, operation: string): Promise<unknown[]> {
  await sluice.open.audit.flush();
  return sluice.house.store.query(
    'SELECT account, region, principal, error_code AS "errorCode" FROM audit WHERE operation = $1 ORDER BY id DESC LIMIT 5',
    [operation],
  );
}

describe('compileOptions()', () => {
  it('names the file, the line and the key of a mistake', () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'remotes:\n  - account: "3333"\n    credentials: {}\n');
    expect(() => compileOptions({ configFile: file }, {})).toThrow(
      `${file}: line 2, remotes[0].account: expected twelve digits`,
    );
    expect(() => compileOptions({}, { SLUICE_CONFIG: join(folder, 'none.yaml') })).toThrow('none.yaml');
  });
});

describe('a pipeline here', () => {
  it('delivers into an account of another Sluice', async () => {
    const { status, actions } = await ended(await first('across'));
    expect(outcomes(actions)).toEqual([
      ['Function', 'Succeeded', undefined],
      ['Site', 'Succeeded', undefined],
      ['Fetch', 'Succeeded', undefined],
    ]);
    expect(status).toBe('Succeeded');
    const { Body } = await remote.call<{ Body: AsyncIterable<Uint8Array> }>('s3', 'GetObject', {
      Bucket: 'site-there',
      Key: 'page.html',
    });
    const chunks: Uint8Array[] = [];
    for await (const chunk of Body) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('hello');
    expect(await remote.call('lambda', 'GetAlias', { FunctionName: 'greeter', Name: 'live' })).toMatchObject({
      FunctionVersion: '2',
    });
  });

  it('is in the audit trails of both sides', async () => {
    const deployer = `arn:aws:sts::${THERE}:assumed-role/deployer/across`;
    const call = { account: THERE, region: AWAY, principal: deployer, errorCode: null };
    expect(await trail(here, 'CreateDeployment')).toContainEqual(call);
    expect(await trail(there, 'CreateDeployment')).toContainEqual(call);
    const pipeline = `arn:aws:sts::${here.account}:assumed-role/pipeline/across`;
    expect(await trail(here, 'AssumeRole')).toContainEqual(
      expect.objectContaining({ account: here.account, principal: pipeline, errorCode: null }),
    );
    expect(await trail(there, 'AssumeRole')).toContainEqual(
      expect.objectContaining({ principal: `arn:aws:iam::${THERE}:user/pipelines-elsewhere`, errorCode: null }),
    );
  });

  it('lets the other side read a bucket that lies here, as its bucket policy and its key allow', async () => {
    await local.call('codepipeline', 'CreatePipeline', {
      pipeline: pipelineOf('and-back', await makeStoreForBoth()),
    });
    const denied = await ended(await first('and-back'), 'and-back');
    expect(denied.actions[0]).toMatchObject({ actionName: 'Site', status: 'Failed' });
    expect(denied.actions[0]?.output?.executionResult?.errorDetails).toEqual({
      code: 'PermissionError',
      message: expect.stringMatching(/^Unable to access the artifact .* bucket 'artifacts-away'.*\(Access Denied\)$/),
    });
    // The role of over there, and whoever reads for it here.
    const asked = await trail(here, 'GetObject');
    for (const principal of [
      `arn:aws:sts::${THERE}:assumed-role/deployer/and-back`,
      `arn:aws:iam::${READER}:user/other-side`,
    ])
      expect(asked).toContainEqual(
        expect.objectContaining({ principal, errorCode: expect.stringContaining('AccessDenied') }),
      );
    await openToTheOtherSide();
    await remote.call('lambda', 'UpdateAlias', { FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' });
    const { actions } = await ended(await start('and-back'), 'and-back');
    expect(outcomes(actions)).toEqual([
      ['Function', 'Succeeded', undefined],
      ['Site', 'Succeeded', undefined],
      ['Fetch', 'Succeeded', undefined],
    ]);
  });

  it('fails by what is denied there, in the words of there', async () => {
    await remote.call('iam', 'PutRolePolicy', {
      RoleName: 'deployer',
      PolicyName: 'may',
      PolicyDocument: document(DEPLOYER_MAY[0] ?? {}),
    });
    const { status, actions } = await ended(await start());
    expect(status).toBe('Failed');
    expect(actions[0]).toMatchObject({ actionName: 'Site', status: 'Failed' });
    expect(actions[0]?.output?.executionResult?.errorDetails?.message).toContain(
      `User: arn:aws:sts::${THERE}:assumed-role/deployer/across is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::site-there/`,
    );
    await remote.call('iam', 'PutRolePolicy', {
      RoleName: 'deployer',
      PolicyName: 'may',
      PolicyDocument: document(...DEPLOYER_MAY),
    });
  });

  it('is held to its own policies here before anything is sent', async () => {
    await local.call('iam', 'PutRolePolicy', {
      RoleName: 'pipeline',
      PolicyName: 'may',
      PolicyDocument: document({
        Action: ['s3:*'],
        Resource: ['arn:aws:s3:::source-here*', 'arn:aws:s3:::artifacts-*'],
      }),
    });
    await here.clock.advance('PT2M');
    const { actions } = await ended(await start());
    expect(actions[0]).toMatchObject({ actionName: 'Site', status: 'Failed' });
    expect(actions[0]?.output?.executionResult?.errorDetails?.message).toBe(
      `arn:aws:iam::${here.account}:role/pipeline is not authorized to perform AssumeRole on role arn:aws:iam::${THERE}:role/deployer`,
    );
  });
});
