/** The judge of a deployment group, by the official SDK: real invocations of both versions of an alias decide. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodeDeployClient, CreateApplicationCommand, CreateDeploymentCommand } from '@aws-sdk/client-codedeploy';
import {
  CreateDeploymentConfigCommand,
  CreateDeploymentGroupCommand,
  type DeploymentInfo,
  GetDeploymentCommand,
  TagResourceCommand,
} from '@aws-sdk/client-codedeploy';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  InvokeCommand,
  LambdaClient,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { NO_REQUESTS, readEvidence, requestTallies } from '../../src/services/request-tallies.ts';
import { timeSort } from '../../src/store/index.ts';
import { executionRole, zipOf } from '../support/functions.ts';

const GOOD = 'export const handler = async () => "well";';
const GOOD_TOO = 'export const handler = async () => "as well";';
const BAD = 'export const handler = async () => { throw new Error("no"); };';

let sluice: TestSluice;
let codedeploy: CodeDeployClient;
let lambda: LambdaClient;
let serviceRole: string;
let functionRole: string;
const stateDir = mkdtempSync(join(tmpdir(), 'sluice-judge-'));

beforeAll(async () => {
  await open(21);
  functionRole = await executionRole(sluice, 'function');
  const root = { type: 'Root', account: sluice.account, arn: `arn:aws:iam::${sluice.account}:root` } as const;
  const iam = sluice.house.door.as(root, { account: sluice.account, region: 'us-east-1' });
  const trust = { Effect: 'Allow', Principal: { Service: 'codedeploy.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: 'deployer',
    AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
  });
  serviceRole = Role.Arn;
  // As AWS's own role for deployments of functions: nothing that would let it read what the judge goes by.
  const may = { Effect: 'Allow', Action: ['lambda:GetAlias', 'lambda:UpdateAlias'], Resource: '*' };
  await iam.call('iam', 'PutRolePolicy', {
    RoleName: 'deployer',
    PolicyName: 'p',
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [may] }),
  });
  await codedeploy.send(new CreateApplicationCommand({ applicationName: 'app', computePlatform: 'Lambda' }));
  await codedeploy.send(
    new CreateDeploymentConfigCommand({
      deploymentConfigName: 'half',
      computePlatform: 'Lambda',
      trafficRoutingConfig: {
        type: 'TimeBasedCanary',
        timeBasedCanary: { canaryPercentage: 50, canaryInterval: 2 },
      },
    }),
  );
});

afterAll(async () => {
  await close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function open(seed: number): Promise<void> {
  const services = ['codedeploy', 'lambda', 'cloudwatch', 'logs', 'events'];
  sluice = await startSluice({ services, seed, stateDir, judge: 'extend=PT30S' });
  const config = { ...sluice.clientConfig(), maxAttempts: 1 };
  codedeploy = new CodeDeployClient(config);
  lambda = new LambdaClient(config);
}

async function close(): Promise<void> {
  codedeploy.destroy();
  lambda.destroy();
  await sluice.close();
}

/** A function whose version 1 is live, and a group that has this tag, or none. */
async function setUp(name: string, second: string, tag?: string): Promise<void> {
  for (const [index, code] of [GOOD, second].entries()) {
    const ZipFile = await zipOf({ 'index.mjs': code });
    if (index === 0)
      await lambda.send(
        new CreateFunctionCommand({
          FunctionName: name,
          Role: functionRole,
          Runtime: 'nodejs20.x',
          Handler: 'index.handler',
          Code: { ZipFile },
        }),
      );
    else await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile }));
    await lambda.send(new PublishVersionCommand({ FunctionName: name }));
  }
  await lambda.send(new CreateAliasCommand({ FunctionName: name, Name: 'live', FunctionVersion: '1' }));
  await createGroup(name, tag);
}

function createGroup(name: string, tag?: string) {
  return codedeploy.send(
    new CreateDeploymentGroupCommand({
      applicationName: 'app',
      deploymentGroupName: name,
      serviceRoleArn: serviceRole,
      deploymentConfigName: 'half',
      autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_STOP_ON_ALARM'] },
      ...(tag !== undefined && { tags: [{ Key: 'sluice:judge', Value: tag }] }),
    }),
  );
}

async function deploy(name: string, deploymentConfigName?: string): Promise<string> {
  const Properties = { Name: name, Alias: 'live', CurrentVersion: '1', TargetVersion: '2' };
  const content = JSON.stringify({
    version: 0.0,
    Resources: [{ fn: { Type: 'AWS::Lambda::Function', Properties } }],
  });
  const { deploymentId = '' } = await codedeploy.send(
    new CreateDeploymentCommand({
      applicationName: 'app',
      deploymentGroupName: name,
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content } },
      ...(deploymentConfigName !== undefined && { deploymentConfigName }),
    }),
  );
  await sluice.settled();
  return deploymentId;
}

async function get(deploymentId: string): Promise<DeploymentInfo> {
  return (await codedeploy.send(new GetDeploymentCommand({ deploymentId }))).deploymentInfo ?? {};
}

async function invoke(name: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++)
    await lambda.send(new InvokeCommand({ FunctionName: name, Qualifier: 'live', Payload: Buffer.from('{}') }));
  await sluice.settled();
}

describe('a deployment with a judge', () => {
  it('is stopped and rolled back within seconds when the new version fails, with the numbers, across a restart', async () => {
    await setUp('worse', BAD, 'on');
    const id = await deploy('worse');
    await invoke('worse', 16);
    await close();
    await open(22);
    await invoke('worse', 24);
    expect((await get(id)).status).toBe('InProgress');
    await sluice.clock.advance('PT10S');
    const stopped = await get(id);
    expect(stopped).toMatchObject({ status: 'Stopped', errorInformation: { code: 'CUSTOMER_APPLICATION_UNHEALTHY' } });
    expect(stopped.errorInformation?.message).toMatch(
      /^The judge finds that version 2 of worse fails more than version 1: of requests at the same time, (\d+) of \1 requests of version 2 failed, and 0 of \d+ of version 1 \(odds of .* to 1, where 200 to 1 are asked for\)\.$/,
    );
    // Across the end of the server, each was counted once.
    const [, fresh, old] =
      /(\d+) requests of version 2 failed, and 0 of (\d+)/.exec(stopped.errorInformation?.message ?? '') ?? [];
    expect(Number(fresh) + Number(old)).toBe(40);
    const alias = await lambda.send(new GetAliasCommand({ FunctionName: 'worse', Name: 'live' }));
    expect([alias.FunctionVersion, alias.RoutingConfig?.AdditionalVersionWeights ?? {}]).toEqual(['1', {}]);
    const counted = () =>
      requestTallies.count(sluice.house.store, { account: sluice.account, region: 'us-east-1', parent: 'worse:live' });
    expect(await counted()).toBeGreaterThan(0);
    await lambda.send(new DeleteFunctionCommand({ FunctionName: 'worse' }));
    expect(await counted()).toBe(0);
  });

  it('goes on in time when the new version is found safe', async () => {
    await setUp('safe', GOOD_TOO, 'errors=10/50 slow=off');
    const id = await deploy('safe');
    await invoke('safe', 40);
    await sluice.clock.advance('PT1M59S');
    expect((await get(id)).deploymentStatusMessages).toEqual([]);
    await sluice.clock.advance('PT1S');
    const done = await get(id);
    expect(done.status).toBe('Succeeded');
    expect(done.deploymentStatusMessages).toEqual([
      expect.stringMatching(
        /^At 50 % the judge finds version 2 safe: 0 of \d+ requests of version 2 failed, and 0 of \d+ of version 1\.$/,
      ),
    ]);
  });

  it('bakes longer without requests, up to the limit, then goes on and says so', async () => {
    await setUp('silent', GOOD_TOO, 'extend=PT30S');
    const id = await deploy('silent');
    await sluice.clock.advance('PT2M29S');
    expect(await get(id)).toMatchObject({
      status: 'InProgress',
      deploymentStatusMessages: [expect.stringMatching(/not enough evidence yet.*at most 30 s/)],
    });
    await sluice.clock.advance('PT1S');
    const done = await get(id);
    expect(done.status).toBe('Succeeded');
    expect(done.deploymentStatusMessages?.[1]).toBe(
      'At 50 % the judge has come to no answer, and has extended bakes by 30 s: no requests; too few to know what is slow. ' +
        'The deployment goes on (undecided=go).',
    );
    expect(Number(done.completeTime) - Number(done.startTime)).toBe(150_000);
  });

  it('is stopped at the limit where the group asks for that', async () => {
    await setUp('strict-function', GOOD_TOO, 'extend=PT0S undecided=stop');
    const id = await deploy('strict-function');
    await sluice.clock.advance('PT2M');
    expect(await get(id)).toMatchObject({
      status: 'Stopped',
      errorInformation: { message: expect.stringMatching(/no answer.*may not extend.*is stopped \(undecided=stop\)/) },
    });
  });

  it('says that there is nothing to judge when all traffic moves at once', async () => {
    await setUp('at-once', GOOD_TOO, 'on');
    const done = await get(await deploy('at-once', 'CodeDeployDefault.LambdaAllAtOnce'));
    expect(done.status).toBe('Succeeded');
    expect(done.deploymentStatusMessages).toEqual([expect.stringMatching(/^The judge has nothing to go by/)]);
  });
});

describe('the setting SLUICE_JUDGE', () => {
  it('holds for a group without the tag, and not for one with it', async () => {
    await setUp('house', GOOD_TOO);
    await setUp('spared', GOOD_TOO, 'off');
    const [house, spared] = [await deploy('house'), await deploy('spared')];
    await sluice.clock.advance('PT2M');
    expect((await get(spared)).status).toBe('Succeeded');
    expect(await get(house)).toMatchObject({
      status: 'InProgress',
      deploymentStatusMessages: [expect.stringMatching(/not enough evidence yet.*at most 30 s/)],
    });
    const response = await fetch(`${sluice.url}/_sluice/health`);
    expect(await response.json()).toMatchObject({
      defaults: { judge: { extendMs: 30_000, undecided: 'go' }, alarmFitness: 'warn' },
    });
  });
});

describe('the tag sluice:judge', () => {
  it('is refused with what is wrong, where a group is made and where it is tagged', async () => {
    await expect(createGroup('refused', 'errors=lots')).rejects.toMatchObject({
      name: 'InvalidTagsToAddException',
      message:
        'The value of the tag sluice:judge is not valid: errors=lots: expected off, TOLERANCE or TOLERANCE/MARGIN, in percent.',
    });
    await createGroup('tagged', 'off');
    const ResourceArn = `arn:aws:codedeploy:us-east-1:${sluice.account}:deploymentgroup:app/tagged`;
    const tag = (Value: string) =>
      codedeploy.send(new TagResourceCommand({ ResourceArn, Tags: [{ Key: 'sluice:judge', Value }] }));
    await expect(tag('please')).rejects.toMatchObject({ name: 'InvalidTagsToAddException' });
    await tag('alpha=0.1');
  });
});

describe('readEvidence()', () => {
  const versions = { functionName: 'fn', alias: 'live', old: '1', fresh: '2' };
  const tally = (begun: number, requests: number, dropped = 0) => ({ ...NO_REQUESTS, begun, requests, dropped });

  it('waits for what is still running, but not beyond its time, and never reads a second twice', async () => {
    const { store } = sluice.house;
    const scope = { account: sluice.account, region: 'us-east-1' };
    const put = (at: number, mainTally: ReturnType<typeof tally>, share = 0.1) =>
      requestTallies.put(
        store,
        { ...scope, id: `fn:live/${timeSort(at)}` },
        {
          at,
          deadlineAt: at + 60_000,
          splits: [{ main: '1', other: '2', share, mainTally, otherTally: tally(1, 1) }],
        },
        { parent: 'fn:live', sort: timeSort(at) },
      );
    const read = async (since: number, now: number) => {
      const { until, evidence } = await readEvidence(store, scope, versions, since, now);
      return { until, requests: evidence.map(({ fresh, old }) => fresh.requests + old.requests) };
    };
    await put(100_000, tally(3, 3));
    await put(101_000, tally(3, 2, 1));
    await put(102_000, tally(3, 2));
    await put(103_000, tally(3, 3));
    // Both first seconds are of one span of ten; the third is not over.
    expect(await read(100_500, 104_000)).toEqual({ until: 102_000, requests: [7] });
    expect(await read(102_000, 110_000)).toEqual({ until: 102_000, requests: [] });
    await put(102_000, tally(3, 3));
    expect(await read(102_000, 110_000)).toEqual({ until: 108_000, requests: [8] });
    expect(await read(108_000, 110_000)).toEqual({ until: 108_000, requests: [] });
    // What the last one drew is lost with a server: its time is over.
    await put(120_000, tally(3, 1));
    expect(await read(108_000, 179_999)).toEqual({ until: 120_000, requests: [] });
    expect(await read(108_000, 180_000)).toEqual({ until: 178_000, requests: [2] });
  });
});
