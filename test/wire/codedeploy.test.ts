/** CodeDeploy by the official SDK: definitions, and Lambda deployments on a stepped clock with real functions and alarms. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  BatchGetApplicationRevisionsCommand,
  BatchGetApplicationsCommand,
  BatchGetDeploymentGroupsCommand,
  BatchGetDeploymentsCommand,
  BatchGetDeploymentTargetsCommand,
  CodeDeployClient,
  ContinueDeploymentCommand,
  CreateApplicationCommand,
  CreateDeploymentCommand,
  type CreateDeploymentCommandInput,
  CreateDeploymentConfigCommand,
  CreateDeploymentGroupCommand,
  type CreateDeploymentGroupCommandInput,
  DeleteApplicationCommand,
  DeleteDeploymentConfigCommand,
  DeleteDeploymentGroupCommand,
  type DeploymentInfo,
  GetApplicationCommand,
  GetApplicationRevisionCommand,
  GetDeploymentCommand,
  GetDeploymentConfigCommand,
  GetDeploymentGroupCommand,
  GetDeploymentTargetCommand,
  type LambdaTarget,
  ListApplicationRevisionsCommand,
  ListApplicationsCommand,
  ListDeploymentConfigsCommand,
  ListDeploymentGroupsCommand,
  ListDeploymentsCommand,
  ListDeploymentTargetsCommand,
  ListTagsForResourceCommand,
  PutLifecycleEventHookExecutionStatusCommand,
  RegisterApplicationRevisionCommand,
  StopDeploymentCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateApplicationCommand,
  UpdateDeploymentGroupCommand,
} from '@aws-sdk/client-codedeploy';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  GetAliasCommand,
  LambdaClient,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { executionRole, zipOf } from '../support/functions.ts';
import { failure, person, type Person } from '../support/people.ts';

let sluice: TestSluice;
let codedeploy: CodeDeployClient;
let lambda: LambdaClient;
let cloudwatch: CloudWatchClient;
let s3: S3Client;
let sqs: SQSClient;
let sns: SNSClient;
let events: EventBridgeClient;
let serviceRole: string;
let functionRole: string;
let hooksFolder: string;
const clients: { destroy(): void }[] = [];

const SERVICE_ROLE_MAY = [
  { Effect: 'Allow', Action: ['lambda:GetAlias', 'lambda:UpdateAlias', 'lambda:InvokeFunction'], Resource: '*' },
  {
    Effect: 'Allow',
    Action: ['cloudwatch:DescribeAlarms', 'sns:Publish', 's3:GetObject', 's3:GetObjectVersion', 's3:ListBucket'],
    Resource: '*',
  },
];

beforeAll(async () => {
  sluice = await startSluice({
    services: ['codedeploy', 'lambda', 'cloudwatch', 'logs', 's3', 'kms', 'events', 'sns', 'sqs'],
    seed: 13,
  });
  const config = { ...sluice.clientConfig(), maxAttempts: 1 };
  codedeploy = new CodeDeployClient(config);
  lambda = new LambdaClient(config);
  cloudwatch = new CloudWatchClient(config);
  s3 = new S3Client({ ...config, forcePathStyle: true });
  sqs = new SQSClient(config);
  sns = new SNSClient(config);
  events = new EventBridgeClient(config);
  clients.push(codedeploy, lambda, cloudwatch, s3, sqs, sns, events);
  functionRole = await executionRole(sluice, 'function');
  serviceRole = await role('deployer', SERVICE_ROLE_MAY);
  hooksFolder = mkdtempSync(join(tmpdir(), 'sluice-hooks-'));
});

afterAll(async () => {
  for (const made of clients) made.destroy();
  await sluice.close();
  rmSync(hooksFolder, { recursive: true, force: true });
});

/** A role that CodeDeploy may assume. */
async function role(name: string, statements: readonly object[]): Promise<string> {
  const { account } = sluice;
  const iam = sluice.house.door.as(
    { type: 'Root', account, arn: `arn:aws:iam::${account}:root` },
    { account, region: 'us-east-1' },
  );
  const trust = { Effect: 'Allow', Principal: { Service: 'codedeploy.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
  });
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  if (statements.length > 0)
    await iam.call('iam', 'PutRolePolicy', { RoleName: name, PolicyName: 'p', PolicyDocument });
  return Role.Arn;
}

function client(who: Person): CodeDeployClient {
  const made = new CodeDeployClient({ ...sluice.clientConfig({ credentials: who.credentials }), maxAttempts: 1 });
  clients.push(made);
  return made;
}

/** One for every refusal: nothing begins in it. */
let refusing: Setup | undefined;

let count = 0;
const unique = (what: string) => `${what}-${++count}`;

// Alarms of finished tests would go on being evaluated, each minute that a later test lets pass.
const alarms: string[] = [];
afterEach(async () => {
  if (alarms.length > 0) await cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: alarms.splice(0) }));
});

type Setup = Readonly<{ app: string; group: string; fn: string; alarm: string }>;

/** A function with versions 1, 2 and 3 and the alias live on 1; an application, a group and an alarm that is OK. */
async function setUp(over: Partial<CreateDeploymentGroupCommandInput> = {}): Promise<Setup> {
  const app = unique('app');
  const [fn, alarm, group] = [`${app}-fn`, `${app}-alarm`, `${app}-group`];
  for (const version of [1, 2, 3]) {
    const ZipFile = await zipOf({ 'index.mjs': `export const handler = async () => ${version};` });
    await (version === 1
      ? lambda.send(
          new CreateFunctionCommand({
            FunctionName: fn,
            Role: functionRole,
            Runtime: 'nodejs20.x',
            Handler: 'index.handler',
            Code: { ZipFile },
          }),
        )
      : lambda.send(new UpdateFunctionCodeCommand({ FunctionName: fn, ZipFile })));
    await lambda.send(new PublishVersionCommand({ FunctionName: fn }));
  }
  await lambda.send(new CreateAliasCommand({ FunctionName: fn, Name: 'live', FunctionVersion: '1' }));
  await cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: alarm,
      Namespace: app,
      MetricName: 'Errors',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    }),
  );
  alarms.push(alarm);
  await codedeploy.send(new CreateApplicationCommand({ applicationName: app, computePlatform: 'Lambda' }));
  await codedeploy.send(
    new CreateDeploymentGroupCommand({
      applicationName: app,
      deploymentGroupName: group,
      serviceRoleArn: serviceRole,
      deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
      alarmConfiguration: { enabled: true, alarms: [{ name: alarm }] },
      autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'] },
      ...over,
    }),
  );
  return { app, group, fn, alarm };
}

function appSpec(fn: string, current: number, target: number, hooks: Record<string, string> = {}): string {
  return JSON.stringify({
    version: 0.0,
    Resources: [
      {
        fn: {
          Type: 'AWS::Lambda::Function',
          Properties: { Name: fn, Alias: 'live', CurrentVersion: String(current), TargetVersion: String(target) },
        },
      },
    ],
    Hooks: Object.entries(hooks).map(([event, name]) => ({ [event]: name })),
  });
}

async function deploy(
  setup: Setup,
  content: string,
  over: Partial<CreateDeploymentCommandInput> = {},
): Promise<string> {
  const { deploymentId = '' } = await codedeploy.send(
    new CreateDeploymentCommand({
      applicationName: setup.app,
      deploymentGroupName: setup.group,
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content } },
      ...over,
    }),
  );
  await sluice.settled();
  return deploymentId;
}

async function get(deploymentId: string | undefined): Promise<DeploymentInfo> {
  const { deploymentInfo } = await codedeploy.send(new GetDeploymentCommand({ deploymentId }));
  return deploymentInfo ?? {};
}

async function target(deploymentId: string, targetId: string): Promise<LambdaTarget> {
  const { deploymentTarget } = await codedeploy.send(new GetDeploymentTargetCommand({ deploymentId, targetId }));
  return deploymentTarget?.lambdaTarget ?? {};
}

/** Percent that each version gets. */
async function traffic(fn: string): Promise<Record<string, number>> {
  const alias = await lambda.send(new GetAliasCommand({ FunctionName: fn, Name: 'live' }));
  const extra = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {});
  const rest = 100 - extra.reduce((sum, [, weight]) => sum + Math.round(weight * 100), 0);
  return Object.fromEntries([
    [alias.FunctionVersion ?? '', rest],
    ...extra.map(([version, weight]) => [version, Math.round(weight * 100)]),
  ]);
}

async function setAlarm(setup: Setup, StateValue: 'OK' | 'ALARM'): Promise<void> {
  await cloudwatch.send(new SetAlarmStateCommand({ AlarmName: setup.alarm, StateValue, StateReason: 'test' }));
  await sluice.settled();
}

/** Takes the group to version 2, so that there is a deployment to return to. */
async function deployTwo(setup: Setup): Promise<string> {
  const id = await deploy(setup, appSpec(setup.fn, 1, 2), {
    deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
  });
  expect((await get(id)).status).toBe('Succeeded');
  return id;
}

async function queue(name: string): Promise<{ url: string; arn: string }> {
  const statement = { Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: { Policy } }));
  return { url: QueueUrl, arn: `arn:aws:sqs:${sluice.region}:${sluice.account}:${name}` };
}

async function received(url: string): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) return all;
    for (const { Body = '{}', ReceiptHandle } of Messages) {
      all.push(JSON.parse(Body) as Record<string, unknown>);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
    }
  }
}

describe('a Lambda deployment', () => {
  it('is made once for a client token of a caller in the house, also when it is asked for again after its end', async () => {
    const setup = await setUp();
    const { account, region } = sluice;
    const root = sluice.house.door.as(
      { type: 'Root', account, arn: `arn:aws:iam::${account}:root` },
      { account, region },
    );
    const create = async (target: number, clientToken: string) => {
      const revision = {
        revisionType: 'AppSpecContent',
        appSpecContent: { content: appSpec(setup.fn, target - 1, target) },
      };
      const request = {
        applicationName: setup.app,
        deploymentGroupName: setup.group,
        deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
        revision,
      };
      const made = await root.call<{ deploymentId: string }>('codedeploy', 'CreateDeployment', request, {
        clientToken,
      });
      return made.deploymentId;
    };
    const first = await create(2, 'a');
    expect(first).toMatch(/^d-[A-Z0-9]{9}$/);
    expect(await create(2, 'a')).toBe(first); // while it runs
    await sluice.settled();
    const second = await create(3, 'b');
    await sluice.settled();
    expect(await create(2, 'a')).toBe(first); // long after
    await sluice.settled();
    expect(second).not.toBe(first);
    expect((await get(second)).status).toBe('Succeeded');
    expect(await traffic(setup.fn)).toEqual({ 3: 100 });
  });

  it('moves ten percent, waits five minutes, and moves the rest', async () => {
    const setup = await setUp();
    const id = await deploy(setup, appSpec(setup.fn, 1, 2));
    expect(id).toMatch(/^d-[A-Z0-9]{9}$/);
    expect(await get(id)).toMatchObject({
      status: 'InProgress',
      creator: 'user',
      computePlatform: 'Lambda',
      deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
      deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
      deploymentOverview: { Pending: 0, InProgress: 1, Succeeded: 0, Failed: 0, Skipped: 0, Ready: 0 },
      revision: { revisionType: 'AppSpecContent', appSpecContent: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    });
    expect((await get(id)).revision?.appSpecContent?.content).toBeUndefined();
    expect(await traffic(setup.fn)).toEqual({ 1: 90, 2: 10 });
    const begun = await target(id, setup.fn);
    expect(begun.lifecycleEvents?.map((event) => [event.lifecycleEventName, event.status])).toEqual([
      ['BeforeAllowTraffic', 'Succeeded'],
      ['AllowTraffic', 'InProgress'],
      ['AfterAllowTraffic', 'Pending'],
    ]);
    expect(begun.lambdaFunctionInfo).toEqual({
      functionName: setup.fn,
      functionAlias: 'live',
      currentVersion: '1',
      targetVersion: '2',
      targetVersionWeight: 0.1,
    });
    await sluice.clock.advance('PT4M59S');
    expect(await traffic(setup.fn)).toEqual({ 1: 90, 2: 10 });
    await sluice.clock.advance(1);
    expect(await traffic(setup.fn)).toEqual({ 2: 100 });
    const done = await get(id);
    expect(done.status).toBe('Succeeded');
    expect(Number(done.completeTime) - Number(done.startTime)).toBe(300_000);
    const { deploymentGroupInfo } = await codedeploy.send(
      new GetDeploymentGroupCommand({ applicationName: setup.app, deploymentGroupName: setup.group }),
    );
    expect(deploymentGroupInfo).toMatchObject({
      lastSuccessfulDeployment: { deploymentId: id, status: 'Succeeded' },
      lastAttemptedDeployment: { deploymentId: id },
      targetRevision: { revisionType: 'AppSpecContent' },
    });
  });

  it('moves by linear steps', async () => {
    const setup = await setUp();
    const deploymentConfigName = unique('linear');
    await codedeploy.send(
      new CreateDeploymentConfigCommand({
        deploymentConfigName,
        computePlatform: 'Lambda',
        trafficRoutingConfig: { type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 40, linearInterval: 2 } },
      }),
    );
    const id = await deploy(setup, appSpec(setup.fn, 1, 2), { deploymentConfigName });
    const seen = [await traffic(setup.fn)];
    for (let step = 0; step < 2; step++) {
      await sluice.clock.advance('PT2M');
      seen.push(await traffic(setup.fn));
    }
    expect(seen).toEqual([{ 1: 60, 2: 40 }, { 1: 20, 2: 80 }, { 2: 100 }]);
    expect((await get(id)).status).toBe('Succeeded');
  });

  it('stops as soon as the alarm is raised, and rolls back by a deployment of its own', async () => {
    const setup = await setUp();
    const previous = await deployTwo(setup);
    const id = await deploy(setup, appSpec(setup.fn, 2, 3));
    expect(await traffic(setup.fn)).toEqual({ 2: 90, 3: 10 });
    await sluice.clock.advance('PT90S');
    await cloudwatch.send(
      new PutMetricDataCommand({ Namespace: setup.app, MetricData: [{ MetricName: 'Errors', Value: 3 }] }),
    );
    await sluice.clock.advance('PT62S');
    const stopped = await get(id);
    expect(stopped.status).toBe('Stopped');
    expect(stopped.errorInformation?.code).toBe('ALARM_ACTIVE');
    expect(stopped.errorInformation?.message).toMatch(new RegExp(`Activated alarms: <${setup.alarm}>$`));
    const rollbackId = stopped.rollbackInfo?.rollbackDeploymentId ?? '';
    expect(stopped.rollbackInfo?.rollbackMessage).toContain(id);
    expect((await target(id, setup.fn)).lifecycleEvents?.map((event) => event.status)).toEqual([
      'Succeeded',
      'Failed',
      'Skipped',
    ]);
    const rollback = await get(rollbackId);
    expect(rollback).toMatchObject({
      status: 'Succeeded',
      creator: 'codeDeployRollback',
      deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
      rollbackInfo: { rollbackTriggeringDeploymentId: id },
      revision: (await get(previous)).revision,
    });
    expect(await traffic(setup.fn)).toEqual({ 2: 100 });
  });

  it('is stopped at once by an alarm that is raised already, and rolls back without touching the alias', async () => {
    const setup = await setUp();
    await deployTwo(setup);
    await setAlarm(setup, 'ALARM');
    const id = await deploy(setup, appSpec(setup.fn, 2, 3));
    const stopped = await get(id);
    expect([stopped.status, stopped.errorInformation?.code]).toEqual(['Stopped', 'ALARM_ACTIVE']);
    expect((await get(stopped.rollbackInfo?.rollbackDeploymentId)).status).toBe('Succeeded');
    expect(await traffic(setup.fn)).toEqual({ 2: 100 });
  });

  it('returns the traffic of a first deployment, though there is no deployment to roll back to', async () => {
    const setup = await setUp();
    const id = await deploy(setup, appSpec(setup.fn, 1, 2));
    await setAlarm(setup, 'ALARM');
    const stopped = await get(id);
    expect(stopped.status).toBe('Stopped');
    expect(stopped.rollbackInfo?.rollbackDeploymentId).toBeUndefined();
    expect(stopped.rollbackInfo?.rollbackMessage).toContain('no successful deployment');
    expect(await traffic(setup.fn)).toEqual({ 1: 100 });
  });

  it('stops when its alarm cannot be read, unless that is to be ignored', async () => {
    const setup = await setUp();
    await cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [setup.alarm] }));
    const stopped = await get(await deploy(setup, appSpec(setup.fn, 1, 2)));
    expect(stopped).toMatchObject({
      status: 'Stopped',
      errorInformation: { message: expect.stringContaining('could not be polled') },
    });
    const id = await deploy(setup, appSpec(setup.fn, 1, 2), {
      overrideAlarmConfiguration: { enabled: true, ignorePollAlarmFailure: true, alarms: [{ name: setup.alarm }] },
    });
    await sluice.clock.advance('PT5M');
    expect((await get(id)).status).toBe('Succeeded');
  });

  it('leaves the weights when it is stopped by hand, and later deployments fail until they are cleared', async () => {
    const setup = await setUp();
    const id = await deploy(setup, appSpec(setup.fn, 1, 2));
    expect(await codedeploy.send(new StopDeploymentCommand({ deploymentId: id }))).toMatchObject({
      status: 'Succeeded',
      statusMessage: 'No more commands will be scheduled for execution in the deployment instances',
    });
    expect(await get(id)).toMatchObject({ status: 'Stopped', errorInformation: { code: 'MANUAL_STOP' } });
    expect(await traffic(setup.fn)).toEqual({ 1: 90, 2: 10 });
    expect(await failure(codedeploy.send(new StopDeploymentCommand({ deploymentId: id })))).toBe(
      'DeploymentAlreadyCompletedException',
    );
    const poisoned = await get(await deploy(setup, appSpec(setup.fn, 1, 2)));
    expect(poisoned).toMatchObject({ status: 'Failed', errorInformation: { code: 'INVALID_LAMBDA_CONFIGURATION' } });
    expect(poisoned.startTime).toBeUndefined();
    await lambda.send(
      new UpdateAliasCommand({ FunctionName: setup.fn, Name: 'live', RoutingConfig: { AdditionalVersionWeights: {} } }),
    );
    await deployTwo(setup);
  });

  it('rolls back when it is stopped by hand and that is asked for', async () => {
    const setup = await setUp();
    await deployTwo(setup);
    const id = await deploy(setup, appSpec(setup.fn, 2, 3));
    await codedeploy.send(new StopDeploymentCommand({ deploymentId: id, autoRollbackEnabled: true }));
    await sluice.settled();
    const stopped = await get(id);
    expect((await get(stopped.rollbackInfo?.rollbackDeploymentId)).status).toBe('Succeeded');
    expect(await traffic(setup.fn)).toEqual({ 2: 100 });
  });

  it('calls its hooks, and goes by their answers', async () => {
    const setup = await setUp();
    const hook = `${setup.fn}-hook`;
    const seen = join(hooksFolder, hook);
    const code = `import { writeFileSync } from 'node:fs';
      export const handler = async (event) => writeFileSync(process.env.SEEN, JSON.stringify(event));`;
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName: hook,
        Role: functionRole,
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Code: { ZipFile: await zipOf({ 'index.mjs': code }) },
        Environment: { Variables: { SEEN: seen } },
      }),
    );
    const id = await deploy(setup, appSpec(setup.fn, 1, 2, { BeforeAllowTraffic: hook, AfterAllowTraffic: hook }));
    expect(await traffic(setup.fn)).toEqual({ 1: 100 });
    await expect.poll(() => existsSync(seen), { timeout: 20_000 }).toBe(true);
    const event = JSON.parse(readFileSync(seen, 'utf8')) as Record<string, string>;
    expect(Object.keys(event)).toEqual(['DeploymentId', 'LifecycleEventHookExecutionId']);
    expect(event['DeploymentId']).toBe(id);
    const lifecycleEventHookExecutionId = event['LifecycleEventHookExecutionId'] ?? '';
    const answer = (over: object) =>
      codedeploy.send(
        new PutLifecycleEventHookExecutionStatusCommand({
          deploymentId: id,
          lifecycleEventHookExecutionId,
          status: 'Succeeded',
          ...over,
        }),
      );
    expect(await failure(answer({ status: 'Skipped' }))).toBe('InvalidLifecycleEventHookExecutionStatusException');
    expect(await failure(answer({ lifecycleEventHookExecutionId: 'x' }))).toBe(
      'InvalidLifecycleEventHookExecutionIdException',
    );
    expect(await answer({})).toMatchObject({ lifecycleEventHookExecutionId });
    expect(await failure(answer({}))).toBe('LifecycleEventAlreadyCompletedException');
    await sluice.settled();
    expect(await traffic(setup.fn)).toEqual({ 1: 90, 2: 10 });
    rmSync(seen);
    await sluice.clock.advance('PT5M');
    expect((await get(id)).status).toBe('InProgress');
    await expect.poll(() => existsSync(seen), { timeout: 20_000 }).toBe(true);
    const second = JSON.parse(readFileSync(seen, 'utf8')) as Record<string, string>;
    await answer({ lifecycleEventHookExecutionId: second['LifecycleEventHookExecutionId'], status: 'Failed' });
    await sluice.settled();
    expect(await get(id)).toMatchObject({ status: 'Failed', errorInformation: { code: 'HOOK_EXECUTION_FAILURE' } });
    expect(await traffic(setup.fn)).toEqual({ 1: 100 });
  });

  it('fails when a hook is silent for an hour', async () => {
    const setup = await setUp({
      autoRollbackConfiguration: { enabled: false },
      alarmConfiguration: { enabled: false },
    });
    const id = await deploy(setup, appSpec(setup.fn, 1, 2, { BeforeAllowTraffic: setup.fn }));
    await sluice.clock.advance('PT59M');
    expect((await get(id)).status).toBe('InProgress');
    await sluice.clock.advance('PT1M');
    expect((await get(id)).status).toBe('Failed');
    expect(await traffic(setup.fn)).toEqual({ 1: 100 });
  });

  it.each<[string, (setup: Setup) => string, string]>([
    ['an AppSpec that names no function', () => JSON.stringify({ version: 0.0, Resources: [] }), 'INVALID_REVISION'],
    ['an AppSpec that is not YAML', () => '{{{', 'INVALID_REVISION'],
    ['a version that is not current', ({ fn }) => appSpec(fn, 2, 3), 'INVALID_LAMBDA_CONFIGURATION'],
    ['a function that does not exist', () => appSpec('none', 1, 2), 'INVALID_LAMBDA_FUNCTION'],
    ['a target version that does not exist', ({ fn }) => appSpec(fn, 1, 99), 'INVALID_LAMBDA_FUNCTION'],
    [
      'a hook that does not exist',
      ({ fn }) => appSpec(fn, 1, 2, { BeforeAllowTraffic: 'none' }),
      'INVALID_LAMBDA_FUNCTION',
    ],
  ])('fails on %s', async (_what, content, code) => {
    const setup = await setUp();
    const failed = await get(await deploy(setup, content(setup)));
    expect([failed.status, failed.errorInformation?.code]).toEqual(['Failed', code]);
    expect(await traffic(setup.fn)).toEqual({ 1: 100 });
  });

  it('reads the AppSpec from S3: bare, in a zip, and only as its service role may', async () => {
    const Bucket = unique('bundles');
    await s3.send(new CreateBucketCommand({ Bucket }));
    const setup = await setUp({ deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce' });
    const yaml = (current: number, to: number) => `version: 0.0
Resources:
  - fn:
      Type: AWS::Lambda::Function
      Properties: { Name: ${setup.fn}, Alias: live, CurrentVersion: "${current}", TargetVersion: "${to}" }
`;
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'appspec.yaml', Body: yaml(1, 2) }));
    const zip = await zipOf({ 'appspec.yaml': yaml(2, 3), 'src/index.mjs': '' });
    await s3.send(new PutObjectCommand({ Bucket, Key: 'bundle.zip', Body: zip }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'empty.zip', Body: await zipOf({ a: '', b: '' }) }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'bad.zip', Body: 'not a zip' }));
    const from = async (key: string, bundleType: 'YAML' | 'zip', more: object = {}) => {
      const revision = { revisionType: 'S3' as const, s3Location: { bucket: Bucket, key, bundleType, ...more } };
      return get(await deploy(setup, '', { revision }));
    };
    expect((await from('appspec.yaml', 'YAML', { eTag: 'other' })).errorInformation?.code).toBe('INVALID_REVISION');
    expect((await from('missing.yaml', 'YAML')).errorInformation?.code).toBe('REVISION_MISSING');
    expect((await from('empty.zip', 'zip')).errorInformation?.code).toBe('INVALID_REVISION');
    expect((await from('bad.zip', 'zip')).errorInformation?.code).toBe('INVALID_REVISION');
    expect((await from('appspec.yaml', 'YAML', { eTag: ETag })).status).toBe('Succeeded');
    expect((await from('bundle.zip', 'zip')).status).toBe('Succeeded');
    expect(await traffic(setup.fn)).toEqual({ 3: 100 });

    const narrow = await role('narrow', [{ Effect: 'Allow', Action: ['lambda:*', 'cloudwatch:*'], Resource: '*' }]);
    await codedeploy.send(
      new UpdateDeploymentGroupCommand({
        applicationName: setup.app,
        currentDeploymentGroupName: setup.group,
        serviceRoleArn: narrow,
      }),
    );
    const denied = await from('bundle.zip', 'zip');
    expect(denied.errorInformation).toMatchObject({
      code: 'IAM_ROLE_PERMISSIONS',
      message: expect.stringMatching(/AmazonS3.*s3:GetObject/s),
    });
  });

  it('fails where the role cannot be assumed, or may not move the alias', async () => {
    const setup = await setUp();
    const update = (serviceRoleArn: string) =>
      codedeploy.send(
        new UpdateDeploymentGroupCommand({
          applicationName: setup.app,
          currentDeploymentGroupName: setup.group,
          serviceRoleArn,
        }),
      );
    await update(`arn:aws:iam::${sluice.account}:role/never-made`);
    const id = await deploy(setup, appSpec(setup.fn, 1, 2));
    expect(await get(id)).toMatchObject({
      status: 'Failed',
      errorInformation: { code: expect.stringMatching(/^IAM_ROLE_/) },
    });
    await update(
      await role('reader', [
        { Effect: 'Allow', Action: ['lambda:GetAlias', 'cloudwatch:DescribeAlarms'], Resource: '*' },
      ]),
    );
    const denied = await get(await deploy(setup, appSpec(setup.fn, 1, 2)));
    expect(denied.errorInformation).toMatchObject({
      code: 'IAM_ROLE_PERMISSIONS',
      message: expect.stringMatching(/AWSLambda.*lambda:UpdateAlias/s),
    });
    expect(await traffic(setup.fn)).toEqual({ 1: 100 });
  });

  it('lets one deployment run in a group at a time', async () => {
    const setup = await setUp();
    const id = await deploy(setup, appSpec(setup.fn, 1, 2));
    await expect(deploy(setup, appSpec(setup.fn, 1, 3))).rejects.toThrow(
      `The Deployment Group '${setup.group}' already has an active Deployment '${id}'`,
    );
    const answers = await Promise.allSettled(
      [1, 2, 3].map(async () => codedeploy.send(new StopDeploymentCommand({ deploymentId: id }))),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
  });

  it('tells the event bus and its triggers', async () => {
    const bus = await queue('codedeploy-bus');
    const topic = await queue('codedeploy-topic');
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'deployments' }));
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: topic.arn }));
    await events.send(
      new PutRuleCommand({ Name: 'codedeploy', EventPattern: JSON.stringify({ source: ['aws.codedeploy'] }) }),
    );
    await events.send(new PutTargetsCommand({ Rule: 'codedeploy', Targets: [{ Id: 'q', Arn: bus.arn }] }));
    const setup = await setUp({
      triggerConfigurations: [
        {
          triggerName: 't',
          triggerTargetArn: TopicArn,
          triggerEvents: ['DeploymentStart', 'DeploymentSuccess', 'DeploymentRollback'],
        },
      ],
    });
    const id = await deployTwo(setup);
    await sluice.settled();
    const told = (await received(bus.url)).filter(
      (event) =>
        event['detail-type'] === 'CodeDeploy Deployment State-change Notification' &&
        (event['detail'] as Record<string, string>)['deploymentId'] === id,
    );
    expect(told.map((event) => (event['detail'] as Record<string, string>)['state'])).toEqual(['START', 'SUCCESS']);
    expect(told[0]).toMatchObject({
      'detail-type': 'CodeDeploy Deployment State-change Notification',
      resources: [
        `arn:aws:codedeploy:us-east-1:${sluice.account}:application:${setup.app}`,
        `arn:aws:codedeploy:us-east-1:${sluice.account}:deploymentgroup:${setup.app}/${setup.group}`,
      ],
      detail: { application: setup.app, deploymentGroup: setup.group, region: 'us-east-1' },
    });
    const messages = (await received(topic.url)).map((envelope) => String(envelope['Message']));
    expect(messages[0]).toContain('test message');
    expect(messages.slice(1).map((message) => JSON.parse(message) as object)).toMatchObject([
      { deploymentId: id, eventTriggerName: 't', applicationName: setup.app, completeTime: null },
      { deploymentId: id, status: 'SUCCEEDED' },
    ]);
    expect(
      await failure(
        codedeploy.send(
          new UpdateDeploymentGroupCommand({
            applicationName: setup.app,
            currentDeploymentGroupName: setup.group,
            triggerConfigurations: [
              {
                triggerName: 'x',
                triggerTargetArn: `arn:aws:sns:us-east-1:${sluice.account}:none`,
                triggerEvents: ['DeploymentStart'],
              },
            ],
          }),
        ),
      ),
    ).toBe('InvalidTriggerConfigException');
  });

  it('shows its one target, in lists and batches', async () => {
    const setup = await setUp();
    const id = await deployTwo(setup);
    const list = (input: object) => codedeploy.send(new ListDeploymentTargetsCommand({ deploymentId: id, ...input }));
    expect((await list({})).targetIds).toEqual([setup.fn]);
    expect((await list({ targetFilters: { TargetStatus: ['Failed'] } })).targetIds).toEqual([]);
    expect(await failure(list({ targetFilters: { Colour: ['blue'] } }))).toBe('InvalidTargetFilterNameException');
    const batch = (targetIds: string[]) =>
      codedeploy.send(new BatchGetDeploymentTargetsCommand({ deploymentId: id, targetIds }));
    expect((await batch([setup.fn])).deploymentTargets?.[0]?.lambdaTarget).toMatchObject({
      status: 'Succeeded',
      lambdaFunctionInfo: { targetVersionWeight: 1 },
    });
    expect(await failure(batch(['a', 'b']))).toBe('DeploymentTargetListSizeExceededException');
    expect(await failure(batch(['other']))).toBe('DeploymentTargetDoesNotExistException');
    expect(await failure(codedeploy.send(new ContinueDeploymentCommand({ deploymentId: id })))).toBe(
      'DeploymentAlreadyCompletedException',
    );
    const running = await deploy(setup, appSpec(setup.fn, 2, 3));
    expect(await failure(codedeploy.send(new ContinueDeploymentCommand({ deploymentId: running })))).toBe(
      'DeploymentIsNotInReadyStateException',
    );
  });

  it('is listed newest first, by group, status and time', async () => {
    const setup = await setUp();
    const [first, second] = [await deployTwo(setup), await deploy(setup, '{{{')];
    await sluice.clock.advance(10);
    const third = await deploy(setup, appSpec(setup.fn, 2, 3));
    const list = async (input: object) =>
      (
        await codedeploy.send(
          new ListDeploymentsCommand({ applicationName: setup.app, deploymentGroupName: setup.group, ...input }),
        )
      ).deployments;
    const all = await list({});
    expect(all).toHaveLength(4);
    expect(all?.[0]).toBe(third);
    expect(await list({ includeOnlyStatuses: ['InProgress'] })).toEqual([third]);
    expect(await list({ includeOnlyStatuses: ['Failed'] })).toEqual([second]);
    expect(await list({ createTimeRange: { start: new Date(sluice.clock.now() - 5000) } })).toEqual([third]);
    expect(await failure(list({ includeOnlyStatuses: ['Odd'] }))).toBe('InvalidDeploymentStatusException');
    expect(await failure(list({ createTimeRange: { start: new Date(2), end: new Date(1) } }))).toBe(
      'InvalidTimeRangeException',
    );
    expect(await failure(codedeploy.send(new ListDeploymentsCommand({ applicationName: setup.app })))).toBe(
      'DeploymentGroupNameRequiredException',
    );
    const { deploymentsInfo } = await codedeploy.send(
      new BatchGetDeploymentsCommand({ deploymentIds: [first, 'd-AAAAAAAAA', third] }),
    );
    expect(deploymentsInfo?.map((info) => info.deploymentId)).toEqual([first, third]);
  });
});

describe('alarms that cannot stop a bad release in time', () => {
  /** The rate of errors of all versions: at ten percent of the traffic, a version that fails 30 % shows 3 %. */
  async function diluted(over: Partial<CreateDeploymentGroupCommandInput> = {}): Promise<Setup> {
    const setup = await setUp(over);
    await cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName: setup.alarm,
        Namespace: 'AWS/Lambda',
        MetricName: 'Errors',
        Dimensions: [{ Name: 'FunctionName', Value: setup.fn }],
        Statistic: 'Average',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 0.05,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'notBreaching',
      }),
    );
    return setup;
  }

  it('are warned of in the status messages and on the bus, and the deployment goes on', async () => {
    const bus = await queue(unique('fitness-bus'));
    const detailType = 'Sluice Alarm Fitness Warning';
    const Name = unique('fitness');
    await events.send(new PutRuleCommand({ Name, EventPattern: JSON.stringify({ 'detail-type': [detailType] }) }));
    await events.send(new PutTargetsCommand({ Rule: Name, Targets: [{ Id: 'q', Arn: bus.arn }] }));
    const setup = await diluted();
    const id = await deploy(setup, appSpec(setup.fn, 1, 2));
    const { status, deploymentStatusMessages = [] } = await get(id);
    expect(status).toBe('InProgress');
    expect(deploymentStatusMessages).toEqual([
      expect.stringMatching(/^No alarm is certain .* at 60 requests a minute, which is a guess.*dilute the fault/),
    ]);
    await sluice.settled();
    expect(await received(bus.url)).toMatchObject([
      {
        source: 'aws.codedeploy',
        detail: {
          deploymentId: id,
          deploymentGroup: setup.group,
          message: deploymentStatusMessages[0],
          findings: [],
          alarms: [{ name: setup.alarm, verdicts: ['MayMiss', 'Cannot'] }],
        },
      },
    ]);
  });

  it('are reckoned with the requests of the last hour, where the role may read them', async () => {
    const setup = await diluted({
      serviceRoleArn: await role(unique('measuring'), [
        ...SERVICE_ROLE_MAY,
        { Effect: 'Allow', Action: 'cloudwatch:GetMetricData', Resource: '*' },
      ]),
    });
    const MetricData = [
      {
        MetricName: 'Invocations',
        Dimensions: [{ Name: 'FunctionName', Value: setup.fn }],
        Values: [1],
        Counts: [900],
      },
    ];
    const scope = { account: sluice.account, region: sluice.region };
    await sluice.house.door
      .asService('lambda.amazonaws.com', scope)
      .call('cloudwatch', 'PutMetricData', { Namespace: 'AWS/Lambda', MetricData });
    const { deploymentStatusMessages = [] } = await get(await deploy(setup, appSpec(setup.fn, 1, 2)));
    expect(deploymentStatusMessages[0]).toContain('at 900 requests a minute)');
  });

  it('are passed over or required by a tag of the group', async () => {
    const tagged = (value: string) => ({ tags: [{ Key: 'sluice:alarm-fitness', Value: value }] });
    const off = await diluted(tagged('off'));
    const passed = await get(await deploy(off, appSpec(off.fn, 1, 2)));
    expect([passed.status, passed.deploymentStatusMessages]).toEqual(['InProgress', []]);
    const required = await diluted(tagged('require'));
    const refused = deploy(required, appSpec(required.fn, 1, 2));
    await expect(refused).rejects.toThrow(
      /^The tag sluice:alarm-fitness .* dilute the fault .*what would make it certain: count the new version only/,
    );
    expect(await failure(refused)).toBe('InvalidAlarmConfigException');
    const { deployments } = await codedeploy.send(
      new ListDeploymentsCommand({ applicationName: required.app, deploymentGroupName: required.group }),
    );
    expect(deployments).toEqual([]);
    await cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [required.alarm] }));
    await cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName: required.alarm,
        Namespace: 'AWS/Lambda',
        MetricName: 'Errors',
        Dimensions: [{ Name: 'FunctionName', Value: required.fn }],
        Statistic: 'Sum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 0,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'notBreaching',
      }),
    );
    expect((await get(await deploy(required, appSpec(required.fn, 1, 2)))).status).toBe('InProgress');
  });
});

describe('definitions', () => {
  it('applications are made, renamed with their groups, tagged and deleted', async () => {
    const { app, group } = await setUp();
    const { application } = await codedeploy.send(new GetApplicationCommand({ applicationName: app }));
    expect(application).toMatchObject({ applicationName: app, computePlatform: 'Lambda', linkedToGitHub: false });
    expect(await failure(codedeploy.send(new CreateApplicationCommand({ applicationName: app })))).toBe(
      'ApplicationAlreadyExistsException',
    );
    const renamed = unique('renamed');
    await codedeploy.send(new UpdateApplicationCommand({ applicationName: app, newApplicationName: renamed }));
    const { applicationsInfo } = await codedeploy.send(
      new BatchGetApplicationsCommand({ applicationNames: [renamed] }),
    );
    expect(applicationsInfo?.[0]?.applicationId).toBe(application?.applicationId);
    const { deploymentGroups } = await codedeploy.send(new ListDeploymentGroupsCommand({ applicationName: renamed }));
    expect(deploymentGroups).toEqual([group]);
    const { applications } = await codedeploy.send(new ListApplicationsCommand({}));
    expect(applications).toContain(renamed);
    const ResourceArn = `arn:aws:codedeploy:us-east-1:${sluice.account}:application:${renamed}`;
    await codedeploy.send(
      new TagResourceCommand({
        ResourceArn,
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'b', Value: '2' },
        ],
      }),
    );
    await codedeploy.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['a'] }));
    expect((await codedeploy.send(new ListTagsForResourceCommand({ ResourceArn }))).Tags).toEqual([
      { Key: 'b', Value: '2' },
    ]);
    const config = `arn:aws:codedeploy:us-east-1:${sluice.account}:deploymentconfig:x`;
    expect(await failure(codedeploy.send(new ListTagsForResourceCommand({ ResourceArn: config })))).toBe(
      'ArnNotSupportedException',
    );
    await codedeploy.send(new DeleteApplicationCommand({ applicationName: renamed }));
    await codedeploy.send(new DeleteApplicationCommand({ applicationName: renamed }));
    expect(await failure(codedeploy.send(new GetApplicationCommand({ applicationName: renamed })))).toBe(
      'ApplicationDoesNotExistException',
    );
  });

  it('groups are changed member by member, renamed and deleted', async () => {
    const { app, group, alarm } = await setUp();
    const get = async (name: string) =>
      (await codedeploy.send(new GetDeploymentGroupCommand({ applicationName: app, deploymentGroupName: name })))
        .deploymentGroupInfo;
    const before = await get(group);
    expect(before).toMatchObject({
      deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
      alarmConfiguration: { enabled: true, ignorePollAlarmFailure: false, alarms: [{ name: alarm }] },
      computePlatform: 'Lambda',
      triggerConfigurations: [],
    });
    const renamed = `${group}-2`;
    await codedeploy.send(
      new UpdateDeploymentGroupCommand({
        applicationName: app,
        currentDeploymentGroupName: group,
        newDeploymentGroupName: renamed,
        alarmConfiguration: { enabled: false },
      }),
    );
    const after = await get(renamed);
    expect(after?.alarmConfiguration).toEqual({ enabled: false, ignorePollAlarmFailure: false, alarms: [] });
    expect([after?.deploymentGroupId, after?.autoRollbackConfiguration]).toEqual([
      before?.deploymentGroupId,
      before?.autoRollbackConfiguration,
    ]);
    const batch = await codedeploy.send(
      new BatchGetDeploymentGroupsCommand({ applicationName: app, deploymentGroupNames: [renamed, 'none'] }),
    );
    expect(batch.deploymentGroupsInfo).toHaveLength(1);
    expect(batch.errorMessage).toContain('none');
    await codedeploy.send(new DeleteDeploymentGroupCommand({ applicationName: app, deploymentGroupName: renamed }));
    expect(await failure(get(renamed))).toBe('DeploymentGroupDoesNotExistException');
  });

  it.each<[string, object, string]>([
    ['no application name', { applicationName: undefined }, 'ApplicationNameRequiredException'],
    ['a bad application name', { applicationName: 'a b' }, 'InvalidApplicationNameException'],
    ['an unknown application', { applicationName: 'none' }, 'ApplicationDoesNotExistException'],
    ['no group name', { deploymentGroupName: '' }, 'DeploymentGroupNameRequiredException'],
    ['a bad group name', { deploymentGroupName: '!' }, 'InvalidDeploymentGroupNameException'],
    ['no role', { serviceRoleArn: undefined }, 'RoleRequiredException'],
    ['a bad role', { serviceRoleArn: 'role' }, 'InvalidRoleException'],
    ['a role of another account', { serviceRoleArn: 'arn:aws:iam::999999999999:role/x' }, 'InvalidRoleException'],
    ['an unknown configuration', { deploymentConfigName: 'none' }, 'DeploymentConfigDoesNotExistException'],
    [
      'a configuration for hosts',
      { deploymentConfigName: 'CodeDeployDefault.OneAtATime' },
      'InvalidDeploymentConfigNameException',
    ],
    ['a style for hosts', { deploymentStyle: { deploymentType: 'IN_PLACE' } }, 'InvalidDeploymentStyleException'],
    [
      'alarms enabled without one',
      { alarmConfiguration: { enabled: true, alarms: [] } },
      'InvalidAlarmConfigException',
    ],
    [
      'an alarm twice',
      { alarmConfiguration: { enabled: true, alarms: [{ name: 'a' }, { name: 'a' }] } },
      'InvalidAlarmConfigException',
    ],
    [
      'eleven alarms',
      { alarmConfiguration: { enabled: true, alarms: Array.from({ length: 11 }, (_, n) => ({ name: `a${n}` })) } },
      'AlarmsLimitExceededException',
    ],
    ['rollback without events', { autoRollbackConfiguration: { enabled: true } }, 'InvalidAutoRollbackConfigException'],
    [
      'an unknown rollback event',
      { autoRollbackConfiguration: { enabled: true, events: ['X'] } },
      'InvalidAutoRollbackConfigException',
    ],
    [
      'a trigger without a topic',
      { triggerConfigurations: [{ triggerName: 't', triggerEvents: ['DeploymentStart'] }] },
      'InvalidTriggerConfigException',
    ],
    ['EC2 tags', { ec2TagFilters: [{ Key: 'a', Type: 'KEY_ONLY' }] }, 'InvalidEC2TagException'],
    ['reserved tags', { tags: [{ Key: 'aws:x', Value: '' }] }, 'InvalidTagsToAddException'],
  ])('CreateDeploymentGroup refuses %s', async (_what, over, code) => {
    const applicationName = unique('refusing');
    await codedeploy.send(new CreateApplicationCommand({ applicationName, computePlatform: 'Lambda' }));
    const input = { applicationName, deploymentGroupName: 'g', serviceRoleArn: serviceRole, ...over };
    expect(await failure(codedeploy.send(new CreateDeploymentGroupCommand(input as never)))).toBe(code);
  });

  it.each<[string, object, string]>([
    ['no group', { deploymentGroupName: undefined }, 'DeploymentGroupNameRequiredException'],
    ['no revision', { revision: undefined }, 'RevisionRequiredException'],
    [
      'a GitHub revision',
      { revision: { revisionType: 'GitHub', gitHubLocation: { repository: 'a/b', commitId: 'c'.repeat(40) } } },
      'InvalidRevisionException',
    ],
    [
      'a tar bundle',
      { revision: { revisionType: 'S3', s3Location: { bucket: 'b', key: 'k', bundleType: 'tar' } } },
      'InvalidRevisionException',
    ],
    [
      'a digest that does not match',
      { revision: { revisionType: 'AppSpecContent', appSpecContent: { content: 'x', sha256: 'y' } } },
      'InvalidRevisionException',
    ],
    ['a long description', { description: 'x'.repeat(257) }, 'DescriptionTooLongException'],
    [
      'ignored stop failures',
      { ignoreApplicationStopFailures: true },
      'InvalidIgnoreApplicationStopFailuresValueException',
    ],
    [
      'outdated instances only',
      { updateOutdatedInstancesOnly: true },
      'InvalidUpdateOutdatedInstancesOnlyValueException',
    ],
    ['an unknown file behaviour', { fileExistsBehavior: 'SHRUG' }, 'InvalidFileExistsBehaviorException'],
    ['target instances', { targetInstances: { autoScalingGroups: ['a'] } }, 'InvalidTargetInstancesException'],
    ['an unknown configuration', { deploymentConfigName: 'none' }, 'DeploymentConfigDoesNotExistException'],
  ])('CreateDeployment refuses %s', async (_what, over, code) => {
    const setup = (refusing ??= await setUp());
    expect(await failure(deploy(setup, 'x', over as never))).toBe(code);
  });

  it('configurations: seventeen predefined, and those of the account', async () => {
    const { deploymentConfigsList } = await codedeploy.send(new ListDeploymentConfigsCommand({}));
    expect(deploymentConfigsList?.filter((name) => name.startsWith('CodeDeployDefault.'))).toHaveLength(17);
    const get = async (deploymentConfigName: string) =>
      (await codedeploy.send(new GetDeploymentConfigCommand({ deploymentConfigName }))).deploymentConfigInfo;
    expect(await get('CodeDeployDefault.LambdaLinear10PercentEvery3Minutes')).toMatchObject({
      computePlatform: 'Lambda',
      trafficRoutingConfig: { type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 10, linearInterval: 3 } },
    });
    expect(await get('CodeDeployDefault.OneAtATime')).toMatchObject({
      minimumHealthyHosts: { type: 'MOST_CONCURRENCY', value: 1 },
    });
    const create = (deploymentConfigName: string, input: object) =>
      codedeploy.send(new CreateDeploymentConfigCommand({ deploymentConfigName, ...input }));
    const name = unique('config');
    await create(name, { minimumHealthyHosts: { type: 'HOST_COUNT', value: 2 } });
    expect(await get(name)).toMatchObject({
      computePlatform: 'Server',
      minimumHealthyHosts: { type: 'HOST_COUNT', value: 2 },
    });
    expect(await failure(create(name, { minimumHealthyHosts: { type: 'HOST_COUNT', value: 2 } }))).toBe(
      'DeploymentConfigAlreadyExistsException',
    );
    expect(await failure(create('CodeDeployDefault.Mine', {}))).toBe('InvalidDeploymentConfigNameException');
    expect(
      await failure(create(unique('config'), { minimumHealthyHosts: { type: 'FLEET_PERCENT', value: 100 } })),
    ).toBe('InvalidMinimumHealthyHostValueException');
    const lambdaConfig = (trafficRoutingConfig: object) =>
      create(unique('config'), { computePlatform: 'Lambda', trafficRoutingConfig });
    const badRouting = 'InvalidTrafficRoutingConfigurationException';
    expect(await failure(lambdaConfig({ type: 'TimeBasedCanary' }))).toBe(badRouting);
    expect(
      await failure(
        lambdaConfig({ type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 100, canaryInterval: 1 } }),
      ),
    ).toBe(badRouting);
    expect(
      await failure(
        lambdaConfig({ type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 1, linearInterval: 60 } }),
      ),
    ).toBe(badRouting);
    const remove = (deploymentConfigName: string) =>
      codedeploy.send(new DeleteDeploymentConfigCommand({ deploymentConfigName }));
    expect(await failure(remove('CodeDeployDefault.AllAtOnce'))).toBe('InvalidOperationException');
    await remove(name);
    expect(await failure(get(name))).toBe('DeploymentConfigDoesNotExistException');
    const used = unique('config');
    await create(used, { computePlatform: 'Lambda', trafficRoutingConfig: { type: 'AllAtOnce' } });
    await setUp({ deploymentConfigName: used });
    expect(await failure(remove(used))).toBe('DeploymentConfigInUseException');
  });

  it('revisions are registered by hand and by deployments', async () => {
    const setup = await setUp();
    const applicationName = setup.app;
    const s3Revision = {
      revisionType: 'S3' as const,
      s3Location: { bucket: 'b', key: 'releases/1', bundleType: 'JSON' as const },
    };
    await codedeploy.send(
      new RegisterApplicationRevisionCommand({ applicationName, revision: s3Revision, description: 'one' }),
    );
    await codedeploy.send(
      new RegisterApplicationRevisionCommand({ applicationName, revision: s3Revision, description: 'uno' }),
    );
    await deployTwo(setup);
    const list = async (input: object) =>
      (await codedeploy.send(new ListApplicationRevisionsCommand({ applicationName, ...input }))).revisions;
    expect(await list({})).toHaveLength(2);
    expect(await list({ s3Bucket: 'b', s3KeyPrefix: 'releases/' })).toEqual([s3Revision]);
    expect((await list({ deployed: 'include' }))?.[0]?.revisionType).toBe('AppSpecContent');
    expect(await list({ deployed: 'exclude' })).toEqual([s3Revision]);
    expect(await failure(list({ s3KeyPrefix: 'x' }))).toBe('BucketNameFilterRequiredException');
    const one = await codedeploy.send(new GetApplicationRevisionCommand({ applicationName, revision: s3Revision }));
    expect(one.revisionInfo).toMatchObject({ description: 'uno', deploymentGroups: [] });
    const inline = { revisionType: 'AppSpecContent' as const, appSpecContent: { content: appSpec(setup.fn, 1, 2) } };
    const two = await codedeploy.send(new GetApplicationRevisionCommand({ applicationName, revision: inline }));
    expect(two.revisionInfo).toMatchObject({ deploymentGroups: [setup.group], firstUsedTime: expect.any(Date) });
    expect(two.revision?.appSpecContent?.content).toBe(inline.appSpecContent.content);
    const other = { ...s3Revision, s3Location: { ...s3Revision.s3Location, key: 'none' } };
    expect(
      await failure(codedeploy.send(new GetApplicationRevisionCommand({ applicationName, revision: other }))),
    ).toBe('RevisionDoesNotExistException');
    const batch = await codedeploy.send(
      new BatchGetApplicationRevisionsCommand({ applicationName, revisions: [s3Revision, other] }),
    );
    expect([batch.revisions?.length, batch.errorMessage !== undefined]).toEqual([1, true]);
  });

  it('definitions of other platforms are kept, and their deployments refused plainly', async () => {
    const applicationName = unique('server');
    await codedeploy.send(new CreateApplicationCommand({ applicationName }));
    const group = new CreateDeploymentGroupCommand({
      applicationName,
      deploymentGroupName: 'g',
      serviceRoleArn: serviceRole,
    });
    await expect(codedeploy.send(group)).rejects.toThrow(/Server are not implemented by Sluice/);
    expect(
      await failure(
        codedeploy.send(new CreateApplicationCommand({ applicationName: 'x', computePlatform: 'Toaster' as never })),
      ),
    ).toBe('InvalidComputePlatformException');
  });

  it('ids are told apart: missing, malformed, unknown', async () => {
    const get = (deploymentId: string | undefined) =>
      failure(codedeploy.send(new GetDeploymentCommand({ deploymentId })));
    expect(await get(undefined)).toBe('DeploymentIdRequiredException');
    expect(await get('x')).toBe('InvalidDeploymentIdException');
    expect(await get('d-ZZZZZZZZZ')).toBe('DeploymentDoesNotExistException');
  });

  it('lets nobody deploy without each of the permissions it takes', async () => {
    const setup = await setUp();
    const arn = (resource: string) => `arn:aws:codedeploy:us-east-1:${sluice.account}:${resource}`;
    const statements = [
      { Action: 'codedeploy:CreateDeployment', Resource: arn(`deploymentgroup:${setup.app}/${setup.group}`) },
      { Action: 'codedeploy:GetDeploymentConfig', Resource: arn('deploymentconfig:CodeDeployDefault.*') },
      { Action: 'codedeploy:RegisterApplicationRevision', Resource: arn(`application:${setup.app}`) },
    ];
    const command = () =>
      new CreateDeploymentCommand({
        applicationName: setup.app,
        deploymentGroupName: setup.group,
        revision: { revisionType: 'AppSpecContent', appSpecContent: { content: appSpec(setup.fn, 1, 2) } },
      });
    for (const missing of statements) {
      const who = await person(
        sluice,
        unique('lacking'),
        statements.filter((statement) => statement !== missing),
      );
      await expect(client(who).send(command())).rejects.toThrow(missing.Action);
    }
    const may = await person(sluice, unique('deployer'), statements);
    expect((await client(may).send(command())).deploymentId).toMatch(/^d-/);
    const passing = await person(sluice, unique('passing'), [{ Action: 'codedeploy:*', Resource: '*' }]);
    const group = { applicationName: setup.app, deploymentGroupName: 'passed', serviceRoleArn: serviceRole };
    await expect(client(passing).send(new CreateDeploymentGroupCommand(group))).rejects.toThrow('iam:PassRole');
  });
});

describe('a restart', () => {
  it('finds the deployment and its alarm where they were, and ends as it would have', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'sluice-restart-'));
    const outer = { sluice, codedeploy, lambda, cloudwatch, serviceRole, functionRole };
    const open = async () => {
      sluice = await startSluice({ services: ['codedeploy', 'lambda', 'cloudwatch', 'logs', 's3', 'kms'], stateDir });
      const config = { ...sluice.clientConfig(), maxAttempts: 1 };
      [codedeploy, lambda, cloudwatch] = [
        new CodeDeployClient(config),
        new LambdaClient(config),
        new CloudWatchClient(config),
      ];
      clients.push(codedeploy, lambda, cloudwatch);
    };
    try {
      await open();
      functionRole = await executionRole(sluice, 'function');
      serviceRole = await role('deployer', SERVICE_ROLE_MAY);
      const good = await setUp();
      const bad = await setUp();
      await deployTwo(bad);
      const goodId = await deploy(good, appSpec(good.fn, 1, 2));
      const badId = await deploy(bad, appSpec(bad.fn, 2, 3));
      await sluice.clock.advance('PT1M');
      await cloudwatch.send(
        new PutMetricDataCommand({ Namespace: bad.app, MetricData: [{ MetricName: 'Errors', Value: 1 }] }),
      );
      await sluice.close();
      await open();
      expect((await get(goodId)).status).toBe('InProgress');
      await sluice.clock.advance('PT4M');
      expect((await get(goodId)).status).toBe('Succeeded');
      expect(await traffic(good.fn)).toEqual({ 2: 100 });
      const stopped = await get(badId);
      expect(stopped).toMatchObject({ status: 'Stopped', errorInformation: { code: 'ALARM_ACTIVE' } });
      expect((await get(stopped.rollbackInfo?.rollbackDeploymentId)).status).toBe('Succeeded');
      expect(await traffic(bad.fn)).toEqual({ 2: 100 });
    } finally {
      alarms.length = 0;
      await sluice.close();
      ({ sluice, codedeploy, lambda, cloudwatch, serviceRole, functionRole } = outer);
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});
