/** Rollbacks that would make it worse: the version to return to is deleted, throttled, or fails as well. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import {
  CodeDeployClient,
  CreateApplicationCommand,
  CreateDeploymentCommand,
  CreateDeploymentConfigCommand,
  CreateDeploymentGroupCommand,
  type DeploymentInfo,
  GetDeploymentCommand,
  StopDeploymentCommand,
} from '@aws-sdk/client-codedeploy';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  InvokeCommand,
  LambdaClient,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { executionRole, zipOf } from '../support/functions.ts';

let sluice: TestSluice;
let codedeploy: CodeDeployClient;
let lambda: LambdaClient;
let cloudwatch: CloudWatchClient;
let functionRole: string;
/** May what AWS's own role for CodeDeploy may, and look. */
let looking: string;
/** May what AWS's own role for CodeDeploy may. */
let usual: string;
/** AWS's own role may invoke hooks of such names. */
const SILENT_HOOK = 'CodeDeployHook_silent';
const folder = mkdtempSync(join(tmpdir(), 'sluice-rollback-'));

beforeAll(async () => {
  sluice = await startSluice({ services: ['codedeploy', 'lambda', 'cloudwatch', 'logs', 'events', 'sns'], seed: 7 });
  const config = { ...sluice.clientConfig(), maxAttempts: 1 };
  codedeploy = new CodeDeployClient(config);
  lambda = new LambdaClient(config);
  cloudwatch = new CloudWatchClient(config);
  functionRole = await executionRole(sluice, 'function');
  const look = ['lambda:GetFunctionConfiguration', 'lambda:GetFunctionConcurrency', 'cloudwatch:GetMetricData'];
  looking = await deployer('looking', [{ Effect: 'Allow', Action: look, Resource: '*' }]);
  usual = await deployer('usual', []);
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: SILENT_HOOK,
      Role: functionRole,
      Runtime: 'nodejs20.x',
      Handler: 'index.handler',
      Code: { ZipFile: await zipOf({ 'index.mjs': 'export const handler = async () => 1;' }) },
    }),
  );
  await codedeploy.send(
    new CreateDeploymentConfigCommand({
      deploymentConfigName: 'half',
      computePlatform: 'Lambda',
      trafficRoutingConfig: { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 50, canaryInterval: 30 } },
    }),
  );
});

afterAll(async () => {
  for (const client of [codedeploy, lambda, cloudwatch]) client?.destroy();
  await sluice?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function deployer(name: string, more: readonly object[]): Promise<string> {
  const { account } = sluice;
  const root = { type: 'Root', account, arn: `arn:aws:iam::${account}:root` } as const;
  const iam = sluice.house.door.as(root, { account, region: 'us-east-1' });
  const trust = { Effect: 'Allow', Principal: { Service: 'codedeploy.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
  });
  const PolicyArn = 'arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda';
  await iam.call('iam', 'AttachRolePolicy', { RoleName: name, PolicyArn });
  if (more.length > 0) {
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: more });
    await iam.call('iam', 'PutRolePolicy', { RoleName: name, PolicyName: 'look', PolicyDocument });
  }
  return Role.Arn;
}

type Setup = Readonly<{ app: string; alarm: string }>;

/** Version N throws while there is a file `down-N`. */
const CODE = (app: string, version: number): string => `import { existsSync } from 'node:fs';
  export const handler = async () => {
    if (existsSync(${JSON.stringify(join(folder, app))} + '-down-${version}')) throw new Error('down');
    return ${version};
  };`;

function down(app: string, version: number): void {
  writeFileSync(join(folder, `${app}-down-${version}`), '');
}

let count = 0;

/** Function, application, group and alarm, all of one name; versions 1, 2 and 3, the alias on 2, and half on 3 once deployed. */
async function setUp(serviceRoleArn: string, first = false): Promise<Setup> {
  const app = `app-${++count}`;
  for (const version of [1, 2, 3]) {
    const ZipFile = await zipOf({ 'index.mjs': CODE(app, version) });
    await (version === 1
      ? lambda.send(
          new CreateFunctionCommand({
            FunctionName: app,
            Role: functionRole,
            Runtime: 'nodejs20.x',
            Handler: 'index.handler',
            Code: { ZipFile },
          }),
        )
      : lambda.send(new UpdateFunctionCodeCommand({ FunctionName: app, ZipFile })));
    await lambda.send(new PublishVersionCommand({ FunctionName: app }));
  }
  const FunctionVersion = first ? '2' : '1';
  await lambda.send(new CreateAliasCommand({ FunctionName: app, Name: 'live', FunctionVersion }));
  await cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: app,
      Namespace: app,
      MetricName: 'Orders',
      Statistic: 'Sum',
      Period: 86_400,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'ignore',
    }),
  );
  await codedeploy.send(new CreateApplicationCommand({ applicationName: app, computePlatform: 'Lambda' }));
  await codedeploy.send(
    new CreateDeploymentGroupCommand({
      applicationName: app,
      deploymentGroupName: app,
      serviceRoleArn,
      deploymentConfigName: 'half',
      alarmConfiguration: { enabled: true, alarms: [{ name: app }] },
      autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'] },
    }),
  );
  if (!first) await deploy({ app, alarm: app }, 1, 2, 'CodeDeployDefault.LambdaAllAtOnce');
  return { app, alarm: app };
}

async function deploy({ app }: Setup, from: number, to: number, deploymentConfigName = 'half', hook?: string) {
  const Properties = { Name: app, Alias: 'live', CurrentVersion: String(from), TargetVersion: String(to) };
  const content = JSON.stringify({
    version: 0.0,
    Resources: [{ fn: { Type: 'AWS::Lambda::Function', Properties } }],
    ...(hook !== undefined && { Hooks: [{ AfterAllowTraffic: hook }] }),
  });
  const { deploymentId = '' } = await codedeploy.send(
    new CreateDeploymentCommand({
      applicationName: app,
      deploymentGroupName: app,
      deploymentConfigName,
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content } },
    }),
  );
  await sluice.settled();
  return deploymentId;
}

async function get(deploymentId: string | undefined): Promise<DeploymentInfo> {
  const { deploymentInfo } = await codedeploy.send(new GetDeploymentCommand({ deploymentId }));
  return deploymentInfo ?? {};
}

/** The alarm is raised; the rollback that follows, as far as it comes without time. */
async function alarmed({ alarm }: Setup, deploymentId: string): Promise<DeploymentInfo> {
  await cloudwatch.send(new SetAlarmStateCommand({ AlarmName: alarm, StateValue: 'ALARM', StateReason: 'test' }));
  await sluice.settled();
  return get((await get(deploymentId)).rollbackInfo?.rollbackDeploymentId);
}

async function traffic({ app }: Setup): Promise<Record<string, number>> {
  const alias = await lambda.send(new GetAliasCommand({ FunctionName: app, Name: 'live' }));
  const [[version, weight] = ['', 0]] = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {});
  const rest = { [alias.FunctionVersion ?? '']: 100 - Math.round(weight * 100) };
  return version === '' ? rest : { ...rest, [version]: Math.round(weight * 100) };
}

/** Two dozen requests, half of them to each version or nearly so. */
async function invoke({ app }: Setup): Promise<void> {
  const one = () => lambda.send(new InvokeCommand({ FunctionName: app, Qualifier: 'live' }));
  for (let turn = 0; turn < 12; turn++) await Promise.all([one(), one()]);
  await sluice.settled();
}

describe('a rollback', () => {
  it('is at once and without a word where the version to return to is well', async () => {
    const setup = await setUp(looking);
    const id = await deploy(setup, 2, 3);
    down(setup.app, 3);
    await invoke(setup);
    expect(await alarmed(setup, id)).toMatchObject({ status: 'Succeeded', deploymentStatusMessages: [] });
    expect(await traffic(setup)).toEqual({ 2: 100 });
  });

  it('is what it is on AWS with a role that may not look, and says what it does not know', async () => {
    const setup = await setUp(usual);
    const id = await deploy(setup, 2, 3);
    for (const version of [2, 3]) down(setup.app, version);
    await invoke(setup);
    const { status, deploymentStatusMessages = [] } = await alarmed(setup, id);
    expect(status).toBe('Succeeded');
    for (const action of [
      'lambda:GetFunctionConfiguration',
      'lambda:GetFunctionConcurrency',
      'cloudwatch:GetMetricData',
    ])
      expect(deploymentStatusMessages[0]).toContain(`the service role may not ${action}`);
    expect(await traffic(setup)).toEqual({ 2: 100 });
  });

  it('of a deployment that moved nothing succeeds only where the traffic is at the version', async () => {
    const setup = await setUp(usual);
    const rolledBack = async (deploymentId: string) => {
      const { status, rollbackInfo } = await get(deploymentId);
      expect(status).toBe('Failed');
      return get(rollbackInfo?.rollbackDeploymentId);
    };
    // The AppSpec file is wrong about where the alias is, so nothing moves.
    expect(await rolledBack(await deploy(setup, 1, 3))).toMatchObject({ status: 'Succeeded' });
    await lambda.send(new UpdateAliasCommand({ FunctionName: setup.app, Name: 'live', FunctionVersion: '1' }));
    expect(await rolledBack(await deploy(setup, 2, 3))).toMatchObject({
      status: 'Failed',
      errorInformation: {
        code: 'INVALID_LAMBDA_CONFIGURATION',
        message: expect.stringMatching(
          /^The alias live of app-\d+ sends 0 % of its requests to version 2: .* To return to version 2: aws lambda /,
        ),
      },
    });
    expect(await traffic(setup)).toEqual({ 1: 100 });
  });

  it.each([
    [
      'a role that may look',
      () => looking,
      /^Version 2 of app-\d+ does not exist any more, .* weights are as they were/,
    ],
    ['a role that may not', () => usual, /could not be moved: Function not found/],
  ])('moves nothing to a version that was deleted meanwhile, with %s', async (_what, role, message) => {
    const setup = await setUp(role());
    // All the traffic is on version 3 while the hook is waited for.
    const id = await deploy(setup, 2, 3, 'CodeDeployDefault.LambdaAllAtOnce', SILENT_HOOK);
    await lambda.send(new DeleteFunctionCommand({ FunctionName: setup.app, Qualifier: '2' }));
    await codedeploy.send(new StopDeploymentCommand({ deploymentId: id, autoRollbackEnabled: true }));
    await sluice.settled();
    const rollback = await get((await get(id)).rollbackInfo?.rollbackDeploymentId);
    expect(rollback).toMatchObject({
      status: 'Failed',
      errorInformation: { code: 'INVALID_LAMBDA_FUNCTION', message: expect.stringMatching(message) },
    });
    expect(await traffic(setup)).toEqual({ 3: 100 });
  });

  it('moves nothing while the function is throttled, and says what to do', async () => {
    const setup = await setUp(looking);
    const id = await deploy(setup, 2, 3);
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: setup.app, ReservedConcurrentExecutions: 0 }));
    expect(await alarmed(setup, id)).toMatchObject({
      status: 'Failed',
      errorInformation: {
        code: 'RESOURCE_LIMIT_EXCEEDED',
        message: expect.stringContaining(
          `aws lambda update-alias --function-name ${setup.app} --name live --function-version 2 --routing-config AdditionalVersionWeights={}`,
        ),
      },
    });
    expect(await traffic(setup)).toEqual({ 2: 50, 3: 50 });
  });

  it('in place, without a deployment to return to, asks the same', async () => {
    const setup = await setUp(looking, true);
    const id = await deploy(setup, 2, 3);
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: setup.app, ReservedConcurrentExecutions: 0 }));
    await alarmed(setup, id).catch(() => undefined);
    expect(await get(id)).toMatchObject({
      status: 'Stopped',
      errorInformation: { code: 'ALARM_ACTIVE', message: expect.stringContaining('reserved concurrency') },
      rollbackInfo: { rollbackMessage: expect.stringContaining('was not returned to version 2') },
    });
    expect(await traffic(setup)).toEqual({ 2: 50, 3: 50 });
  });

  it('goes in steps where both versions fail, and to its end if that makes nothing worse', async () => {
    const setup = await setUp(looking);
    const id = await deploy(setup, 2, 3);
    for (const version of [2, 3]) down(setup.app, version);
    await invoke(setup);
    const rollback = await alarmed(setup, id);
    expect(rollback).toMatchObject({
      status: 'InProgress',
      deploymentStatusMessages: [expect.stringMatching(/^Version 2 of app-\d+ fails as well \((\d+) of \1 requests/)],
    });
    expect(await traffic(setup)).toEqual({ 3: 38, 2: 62 });
    await sluice.clock.advance('PT3M');
    expect(await traffic(setup)).toEqual({ 3: 25, 2: 75 });
    await sluice.clock.advance('PT3M');
    expect((await get(rollback.deploymentId)).status).toBe('Succeeded');
    expect(await traffic(setup)).toEqual({ 2: 100 });
  });

  it('goes back to where it began where that made it worse, and fails', async () => {
    const setup = await setUp(looking);
    const id = await deploy(setup, 2, 3);
    for (const version of [2, 3]) down(setup.app, version);
    await invoke(setup);
    const { deploymentId } = await alarmed(setup, id);
    // The new version recovers, the old one does not.
    rmSync(join(folder, `${setup.app}-down-3`));
    await sluice.clock.advance('PT60S');
    await invoke(setup);
    await sluice.clock.advance('PT2M');
    expect(await get(deploymentId)).toMatchObject({
      status: 'Failed',
      errorInformation: {
        code: 'CUSTOMER_APPLICATION_UNHEALTHY',
        message: expect.stringContaining('returning to it would make it worse'),
      },
    });
    expect(await traffic(setup)).toEqual({ 3: 50, 2: 50 });
  });
});
