/** Preflight, of pipelines that are never run: what it says besides denials, and of what lies elsewhere. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ActionReport, PreflightReport } from '../../src/app/preflight/preflight.ts';
import { Walk } from '../../src/app/preflight/walk.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { roleSession } from '../../src/app/why/principal-of.ts';
import type { Principal } from '../../src/common/index.ts';
import type { Client } from '../../src/services/index.ts';
import { zipOf } from '../support/functions.ts';

/** An account at another endpoint. */
const FAR = '333333333333';
const POLICY_OF = (...Statement: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const type = (category: string, provider: string, owner = 'AWS') => ({ category, owner, provider, version: '1' });

let sluice: TestSluice;
let root: Client;

beforeAll(async () => {
  sluice = await startSluice({
    services: ['kms', 's3', 'sns', 'lambda', 'logs', 'events', 'codepipeline'],
    remotes: [
      {
        account: FAR,
        buckets: [],
        endpoint: 'http://far.example',
        credentials: { accessKeyId: 'a', secretAccessKey: 's' },
      },
    ],
    seed: 4,
  });
  const { account, region } = sluice;
  root = sluice.house.door.as({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` }, { account, region });
  const trust = (Service: string): string =>
    POLICY_OF({ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' });
  await root.call('iam', 'CreateRole', {
    RoleName: 'pipeline',
    AssumeRolePolicyDocument: trust('codepipeline.amazonaws.com'),
  });
  await root.call('iam', 'CreateRole', {
    RoleName: 'function',
    AssumeRolePolicyDocument: trust('lambda.amazonaws.com'),
  });
  await root.call('iam', 'PutRolePolicy', {
    RoleName: 'pipeline',
    PolicyName: 'work',
    PolicyDocument: POLICY_OF({ Effect: 'Allow', Action: ['s3:*', 'kms:*', 'lambda:*', 'sns:*'], Resource: '*' }),
  });
  await root.call('s3', 'CreateBucket', { Bucket: 'artifacts' });
  await root.call('s3', 'CreateBucket', { Bucket: 'source' });
  const VersioningConfiguration = { Status: 'Enabled' };
  await root.call('s3', 'PutBucketVersioning', { Bucket: 'source', VersioningConfiguration });
  await root.call('lambda', 'CreateFunction', {
    FunctionName: 'gate',
    Role: `arn:aws:iam::${account}:role/function`,
    Runtime: 'nodejs20.x',
    Handler: 'index.handler',
    Code: { ZipFile: await zipOf({ 'index.mjs': 'export const handler = async () => 1;' }) },
  });
});

afterAll(() => sluice?.close());

type Action = Readonly<Record<string, unknown>>;

async function pipeline(name: string, second: Action, store: object = {}, source = 'source'): Promise<PreflightReport> {
  await root.call('codepipeline', 'CreatePipeline', {
    pipeline: {
      name,
      roleArn: `arn:aws:iam::${sluice.account}:role/pipeline`,
      artifactStore: { type: 'S3', location: 'artifacts', ...store },
      stages: [
        {
          name: 'Source',
          actions: [
            {
              name: 'Fetch',
              actionTypeId: type('Source', 'S3'),
              configuration: { S3Bucket: source, S3ObjectKey: 'a.zip', PollForSourceChanges: 'false' },
              outputArtifacts: [{ name: 'source' }],
              namespace: 'Source',
            },
          ],
        },
        { name: 'Next', actions: [{ name: 'Do', ...second }] },
      ],
    },
  });
  const response = await fetch(`${sluice.url}/_sluice/preflight?pipeline=${name}`);
  expect(response.status).toBe(200);
  return (await response.json()) as PreflightReport;
}

function next({ actions }: PreflightReport): ActionReport {
  const found = actions.find(({ action }) => action === 'Do');
  if (found === undefined) throw new Error('the action is in no report');
  return found;
}

const APPROVAL: Action = { actionTypeId: type('Approval', 'Manual') };

it('says what will fail for another reason than a permission', async () => {
  const missing = await pipeline('missing', APPROVAL, {}, 'no-such-bucket');
  expect(missing.clean).toBe(false);
  expect(missing.actions[0]?.fails).toContain('the bucket no-such-bucket does not exist');
  const { KeyMetadata } = await root.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', {});
  await root.call('kms', 'DisableKey', { KeyId: KeyMetadata.Arn });
  const encryptionKey = { id: KeyMetadata.Arn, type: 'KMS' };
  const disabled = await pipeline('disabled', APPROVAL, { encryptionKey });
  expect(disabled.actions[0]?.fails).toEqual([`${KeyMetadata.Arn} is disabled.`]);
});

it('says what it cannot know, and guesses nothing', async () => {
  const report = await pipeline('unknown', {
    actionTypeId: type('Invoke', 'Lambda'),
    configuration: { FunctionName: '#{Source.ETag}' },
  });
  // Nor is the source there yet; its key will be known when it is.
  expect(report.actions[0]?.unknown).toEqual([expect.stringContaining('source/a.zip is not there yet')]);
  expect(next(report).unknown).toEqual(['what #{Source.ETag} is, in FunctionName, and so what the action calls']);
  expect(report.clean).toBe(true);
});

it('follows an invocation into the function, whose log it can go without', async () => {
  const report = await pipeline('invoke', {
    actionTypeId: type('Invoke', 'Lambda'),
    configuration: { FunctionName: 'gate' },
  });
  const { denied, passedOver, unknown } = next(report);
  expect(denied).toEqual([]);
  expect(passedOver).toEqual([expect.objectContaining({ action: 'logs:CreateLogStream', allowed: false })]);
  expect(unknown).toEqual([expect.stringContaining('the code of the function gate')]);
  expect(report.clean).toBe(true);
});

it('judges the topic of an approval and the target of a deployment', async () => {
  const { TopicArn } = await root.call<{ TopicArn: string }>('sns', 'CreateTopic', { Name: 'approvals' });
  const elsewhere = TopicArn.replace(sluice.account, '222222222222');
  const approval = await pipeline('approval', { ...APPROVAL, configuration: { NotificationArn: elsewhere } });
  expect(next(approval).denied).toEqual([
    expect.objectContaining({
      action: 'sns:Publish',
      resource: elsewhere,
      firstClosed: expect.objectContaining({ gate: 'resource' }),
    }),
  ]);
  const deployment = await pipeline('deploy', {
    actionTypeId: type('Deploy', 'S3'),
    configuration: { BucketName: 'artifacts', Extract: 'true', ObjectKey: 'site' },
    inputArtifacts: [{ name: 'source' }],
  });
  expect(next(deployment)).toMatchObject({ denied: [], fails: [] });
});

it('judges the hop to another endpoint, and says that the rest is decided there', async () => {
  const roleArn = `arn:aws:iam::${FAR}:role/deploy`;
  const { account, region } = sluice;
  const pipelineRole = await roleSession(sluice.house, `arn:aws:iam::${account}:role/pipeline`, 'far');
  const walk = new Walk(sluice.open);
  const call = { service: 's3', operation: 'PutObject', input: { Bucket: 'site', Key: 'a' }, purpose: 'deploy' };
  await walk.judge({ ...call, scope: { account: FAR, region }, as: { roleArn } }, pipelineRole as Principal);
  expect(walk.judged.map(({ input, decision }) => [input.request.action, decision.allowed])).toEqual([
    ['sts:AssumeRole', false],
  ]);
  expect(walk.remarks).toEqual([
    { part: '', kind: 'unknown', text: `what ${roleArn} may do: it lies at http://far.example` },
  ]);
});

it('knows no pipeline of another Region', async () => {
  const there = await fetch(`${sluice.url}/_sluice/preflight?pipeline=invoke&region=eu-west-1`);
  expect(there.status).toBe(404);
  const nothing = await fetch(`${sluice.url}/_sluice/preflight`);
  expect(nothing.status).toBe(400);
});
