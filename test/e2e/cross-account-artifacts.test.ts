/**
 * Artifacts between Regions and accounts: what is copied, by whom and under which key, and that a consumer gets what was
 * made. A build runs in another account and Region by the action's role; what it makes is deployed at home.
 */
import type { ActionExecutionDetail, ListActionExecutionsOutput } from '@aws-sdk/client-codepipeline';
import type { GetObjectOutput, ListObjectsV2Output } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';
import { zipOf } from '../support/functions.ts';

const B = '222222222222';
const HOME = 'us-east-1';
const AWAY = 'eu-west-1';
const BUILDSPEC = `
version: 0.2
phases:
  build:
    commands: [cat given.txt > made.txt, echo "made away" >> made.txt]
artifacts:
  files: [made.txt]
`;

let sluice: TestSluice;
let tools: Client;
let toolsAway: Client;
let targetAway: Client;
let roles: Readonly<Record<'P' | 'C' | 'X', string>>;
let keys: Readonly<Record<'K1' | 'K2', string>>;

type Statement = Readonly<Record<string, unknown>>;
const document = (...statements: Statement[]): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
  });

beforeAll(async () => {
  sluice = await startSluice({ clock: 'auto', seed: 11 });
  const root = (account: string, region: string): Client =>
    sluice.house.door.as({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` }, { account, region });
  [tools, toolsAway, targetAway] = [root(sluice.account, HOME), root(sluice.account, AWAY), root(B, AWAY)];
  const A = sluice.account;
  const objects = ['arn:aws:s3:::art-home/*', 'arn:aws:s3:::art-away/*'];
  const readAndWrite = ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'];
  const useKey = ['kms:Decrypt', 'kms:GenerateDataKey'];
  roles = {
    P: await role(
      tools,
      'P',
      { Service: 'codepipeline.amazonaws.com' },
      { Action: readAndWrite, Resource: [...objects, 'arn:aws:s3:::sources/*', 'arn:aws:s3:::site/*'] },
      { Action: 's3:GetBucketVersioning', Resource: 'arn:aws:s3:::sources' },
      { Action: useKey, Resource: '*' },
      { Action: 'sts:AssumeRole', Resource: `arn:aws:iam::${B}:role/X` },
    ),
    X: await role(
      targetAway,
      'X',
      { AWS: A },
      { Action: ['codebuild:StartBuild', 'codebuild:BatchGetBuilds'], Resource: '*' },
      { Action: readAndWrite, Resource: objects },
      { Action: useKey, Resource: '*' },
    ),
    C: await role(
      targetAway,
      'C',
      { Service: 'codebuild.amazonaws.com' },
      { Action: 'logs:*', Resource: '*' },
      { Action: readAndWrite, Resource: objects },
      { Action: useKey, Resource: '*' },
    ),
  };
  const key = async (client: Client): Promise<string> => {
    const Policy = document({ Principal: { AWS: [A, B] }, Action: 'kms:*', Resource: '*' });
    return (await client.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', { Policy })).KeyMetadata.Arn;
  };
  keys = { K1: await key(tools), K2: await key(toolsAway) };
  for (const Bucket of ['sources', 'site', 'art-home']) await tools.call('s3', 'CreateBucket', { Bucket });
  await tools.call('s3', 'PutBucketVersioning', { Bucket: 'sources', VersioningConfiguration: { Status: 'Enabled' } });
  await toolsAway.call('s3', 'CreateBucket', {
    Bucket: 'art-away',
    CreateBucketConfiguration: { LocationConstraint: AWAY },
  });
  for (const [client, Bucket] of [
    [tools, 'art-home'],
    [toolsAway, 'art-away'],
  ] as const)
    await client.call('s3', 'PutBucketPolicy', {
      Bucket,
      Policy: document({ Principal: { AWS: B }, Action: readAndWrite, Resource: `arn:aws:s3:::${Bucket}/*` }),
    });
  await tools.call('s3', 'PutObject', {
    Bucket: 'sources',
    Key: 'code.zip',
    Body: await zipOf({ 'buildspec.yml': BUILDSPEC, 'given.txt': 'given at home\n' }),
  });
  await tools.call('s3', 'PutObject', { Bucket: 'sources', Key: 'other.zip', Body: await zipOf({ a: 'b' }) });
  await targetAway.call('codebuild', 'CreateProject', {
    name: 'compile',
    source: { type: 'CODEPIPELINE' },
    artifacts: { type: 'CODEPIPELINE' },
    environment: { type: 'LINUX_CONTAINER', image: 'aws/codebuild/standard:7.0', computeType: 'BUILD_GENERAL1_SMALL' },
    serviceRole: roles.C,
    encryptionKey: keys.K2,
  });
  await tools.call('codepipeline', 'CreatePipeline', { pipeline: pipeline() });
}, 60_000);
afterAll(() => sluice?.close());

async function role(client: Client, RoleName: string, principal: object, ...statements: Statement[]): Promise<string> {
  const { Role } = await client.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName,
    AssumeRolePolicyDocument: document({ Principal: principal, Action: 'sts:AssumeRole' }),
  });
  await client.call('iam', 'PutRolePolicy', { RoleName, PolicyName: 'may', PolicyDocument: document(...statements) });
  return Role.Arn;
}

function pipeline() {
  const type = (category: string, provider: string) => ({ category, owner: 'AWS', provider, version: '1' });
  const source = (name: string, artifact: string, S3ObjectKey: string) => ({
    name,
    actionTypeId: type('Source', 'S3'),
    configuration: { S3Bucket: 'sources', S3ObjectKey, PollForSourceChanges: 'false' },
    outputArtifacts: [{ name: artifact }],
  });
  return {
    name: 'carry',
    roleArn: roles.P,
    artifactStores: {
      [HOME]: { type: 'S3', location: 'art-home', encryptionKey: { id: keys.K1, type: 'KMS' } },
      [AWAY]: { type: 'S3', location: 'art-away', encryptionKey: { id: keys.K2, type: 'KMS' } },
    },
    stages: [
      { name: 'Source', actions: [source('Code', 'code', 'code.zip'), source('Other', 'other', 'other.zip')] },
      {
        name: 'Build',
        actions: [
          {
            name: 'Compile',
            region: AWAY,
            roleArn: roles.X,
            actionTypeId: type('Build', 'CodeBuild'),
            configuration: { ProjectName: 'compile' },
            inputArtifacts: [{ name: 'code' }],
            outputArtifacts: [{ name: 'made' }],
          },
        ],
      },
      {
        name: 'Deploy',
        actions: [
          {
            name: 'Site',
            actionTypeId: type('Deploy', 'S3'),
            configuration: { BucketName: 'site', Extract: 'true' },
            inputArtifacts: [{ name: 'made' }],
          },
        ],
      },
    ],
  };
}

type Ended = Readonly<{ id: string; status: string; actions: Readonly<Record<string, ActionExecutionDetail>> }>;

/** Waits until nothing of the execution runs any more, or until it stands before a closed transition. */
async function ended(id: string, until?: string): Promise<Ended> {
  const giveUpAt = performance.now() + 50_000;
  for (;;) {
    const { pipelineExecution } = await tools.call<{ pipelineExecution: { status: string } }>(
      'codepipeline',
      'GetPipelineExecution',
      { pipelineName: 'carry', pipelineExecutionId: id },
    );
    const { actionExecutionDetails = [] } = await tools.call<ListActionExecutionsOutput>(
      'codepipeline',
      'ListActionExecutions',
      { pipelineName: 'carry', filter: { pipelineExecutionId: id } },
    );
    const actions = Object.fromEntries(
      actionExecutionDetails.toReversed().map((detail) => [detail.actionName ?? '', detail]),
    );
    const { status } = pipelineExecution;
    if (status !== 'InProgress' || (until !== undefined && actions[until]?.status === 'Succeeded'))
      return { id, status, actions };
    if (performance.now() > giveUpAt) throw new Error(`gave up waiting: ${JSON.stringify(actionExecutionDetails)}`);
    await sluice.settled();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function keysIn(client: Client, Bucket: string): Promise<readonly string[]> {
  const { Contents = [] } = await client.call<ListObjectsV2Output>('s3', 'ListObjectsV2', { Bucket });
  return Contents.map(({ Key = '' }) => Key.slice(0, Key.lastIndexOf('/'))).sort();
}

async function read(client: Client, Bucket: string, Key: string): Promise<{ text: string; key: string | undefined }> {
  const { Body, SSEKMSKeyId } = await client.call<GetObjectOutput>('s3', 'GetObject', { Bucket, Key });
  const chunks: Uint8Array[] = [];
  for await (const chunk of Body as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return { text: Buffer.concat(chunks).toString(), key: SSEKMSKeyId };
}

describe('a build in another account and Region', () => {
  it('gets copies of its inputs alone, and what it makes is brought home, each under the key of its Region', async () => {
    const { pipelineExecutionSummaries: [first] = [] } = await tools.call<{
      pipelineExecutionSummaries?: { pipelineExecutionId: string }[];
    }>('codepipeline', 'ListPipelineExecutions', { pipelineName: 'carry' });
    const { status, actions } = await ended(first?.pipelineExecutionId ?? '');
    expect(Object.values(actions).map(({ output }) => output?.executionResult?.errorDetails?.message)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(status).toBe('Succeeded');
    expect((await read(tools, 'site', 'made.txt')).text).toBe('given at home\nmade away\n');
    expect(await keysIn(tools, 'art-home')).toEqual(['carry/code', 'carry/made', 'carry/other']);
    expect(await keysIn(toolsAway, 'art-away')).toEqual(['carry/code', 'carry/made']);
    for (const [client, Bucket, key] of [
      [tools, 'art-home', keys.K1],
      [toolsAway, 'art-away', keys.K2],
    ] as const) {
      const { Contents = [] } = await client.call<ListObjectsV2Output>('s3', 'ListObjectsV2', { Bucket });
      for (const { Key = '' } of Contents) expect((await read(client, Bucket, Key)).key).toBe(key);
    }
    await sluice.open.audit.flush();
    const written = await sluice.house.store.query<{ principal: string; bucket: string }>(
      `SELECT DISTINCT principal, split_part(record->'resources'->>0, '/', 1) AS bucket FROM audit
        WHERE operation = 'PutObject' AND record->'resources'->>0 LIKE 'arn:aws:s3:::art-%/carry/%' ORDER BY 2, 1`,
    );
    const pipelineSession = `arn:aws:sts::${sluice.account}:assumed-role/P/carry`;
    expect(written).toEqual([
      { bucket: 'arn:aws:s3:::art-away', principal: pipelineSession },
      { bucket: 'arn:aws:s3:::art-away', principal: expect.stringContaining(`${B}:assumed-role/C/`) },
      { bucket: 'arn:aws:s3:::art-home', principal: pipelineSession },
    ]);
  });

  it('whose output is changed before it is brought home, fails its consumer; nothing of it is deployed', async () => {
    const transition = { pipelineName: 'carry', stageName: 'Deploy', transitionType: 'Inbound' };
    await tools.call('codepipeline', 'DisableStageTransition', { ...transition, reason: 'to look at it' });
    const { pipelineExecutionId } = await tools.call<{ pipelineExecutionId: string }>(
      'codepipeline',
      'StartPipelineExecution',
      { name: 'carry' },
    );
    const { actions } = await ended(pipelineExecutionId, 'Compile');
    const { bucket, key } = actions['Compile']?.output?.outputArtifacts?.[0]?.s3location ?? {};
    expect(bucket).toBe('art-away');
    const forged = { Bucket: bucket, Key: key, Body: await zipOf({ 'made.txt': 'forged' }) };
    await toolsAway.call('s3', 'PutObject', { ...forged, ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keys.K2 });
    await tools.call('codepipeline', 'EnableStageTransition', transition);
    const { status, actions: after } = await ended(pipelineExecutionId);
    expect(status).toBe('Failed');
    expect(after['Site']?.output?.executionResult?.errorDetails).toEqual({
      code: 'RevisionUnavailable',
      message: expect.stringMatching(
        /^The artifact made in art-away\/carry\/made\/\w{7} is not what its producer made/,
      ),
    });
    expect((await read(tools, 'site', 'made.txt')).text).toBe('given at home\nmade away\n');
  });

  it('has no store of both kinds, nor one too few', async () => {
    const whole = pipeline();
    const update = (changed: object) => tools.call('codepipeline', 'UpdatePipeline', { pipeline: changed });
    const { [AWAY]: away, ...home } = whole.artifactStores;
    await expect(update({ ...whole, artifactStore: away })).rejects.toMatchObject({
      code: 'InvalidStructureException',
      message: expect.stringContaining('you cannot use both'),
    });
    await expect(update({ ...whole, artifactStores: home })).rejects.toMatchObject({
      code: 'InvalidStructureException',
      message: expect.stringContaining(`missing in 'pipeline.artifactStores': ${AWAY}`),
    });
    const [stage, ...rest] = whole.stages;
    const elsewhere = { ...stage, actions: stage?.actions.map((action) => ({ ...action, region: AWAY })) };
    await expect(update({ ...whole, stages: [elsewhere, ...rest] })).rejects.toMatchObject({
      code: 'InvalidActionDeclarationException',
    });
  });
});
