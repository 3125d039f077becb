/** `sluice fitness` and `sluice rehearse`, as a user types them, against a deployment group of a running server. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';

let sluice: TestSluice;
let root: Client;
const folder = mkdtempSync(join(tmpdir(), 'sluice-fitness-'));

beforeAll(async () => {
  sluice = await startSluice();
  const account = sluice.account;
  root = sluice.house.door.as(
    { type: 'Root', account, arn: `arn:aws:iam::${account}:root` },
    { account, region: sluice.region },
  );
  const { Role } = await root.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: 'deployer',
    AssumeRolePolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'codedeploy.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    }),
  });
  const alarm = (AlarmName: string, over: object) =>
    root.call('cloudwatch', 'PutMetricAlarm', {
      AlarmName,
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Dimensions: [
        { Name: 'FunctionName', Value: 'greeter' },
        { Name: 'Resource', Value: 'greeter:live' },
      ],
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
      ...over,
    });
  await alarm('errors', {});
  await alarm('rate', { Statistic: 'Average', Threshold: 5 });
  await root.call('codedeploy', 'CreateApplication', { applicationName: 'app', computePlatform: 'Lambda' });
  await alarm('orders', { Namespace: 'Shop', MetricName: 'Orders' });
  for (const name of ['errors', 'rate', 'orders']) {
    await root.call('codedeploy', 'CreateDeploymentGroup', {
      applicationName: 'app',
      deploymentGroupName: name,
      serviceRoleArn: Role.Arn,
      deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
      deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
      alarmConfiguration: { enabled: true, alarms: [{ name }] },
      autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'] },
    });
  }
  await makePipeline(root);
});
afterAll(async () => {
  await sluice?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** S3, CodeBuild, an approval, and a deployment to app/errors; the role of the pipeline may do everything but see builds. */
async function makePipeline(client: Client): Promise<void> {
  const role = async (name: string, service: string, statement: object): Promise<string> => {
    const { Role } = await client.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
      }),
    });
    await client.call('iam', 'PutRolePolicy', {
      RoleName: name,
      PolicyName: 'own',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Resource: '*', ...statement }],
      }),
    });
    return Role.Arn;
  };
  const pipelineRole = await role('pipeline', 'codepipeline.amazonaws.com', { NotAction: 'codebuild:BatchGetBuilds' });
  const buildRole = await role('build', 'codebuild.amazonaws.com', { Action: '*' });
  for (const Bucket of ['artifacts', 'source']) {
    await client.call('s3', 'CreateBucket', { Bucket });
    await client.call('s3', 'PutBucketVersioning', { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
  }
  await client.call('codebuild', 'CreateProject', {
    name: 'package',
    serviceRole: buildRole,
    timeoutInMinutes: 12,
    source: { type: 'S3', location: 'source/code.zip', buildspec: '{"version":"0.2"}' },
    artifacts: { type: 'NO_ARTIFACTS' },
    environment: { type: 'LINUX_CONTAINER', image: 'local', computeType: 'BUILD_GENERAL1_SMALL' },
  });
  const action = (name: string, category: string, provider: string, more: object) => ({
    name,
    actionTypeId: { category, owner: 'AWS', provider, version: '1' },
    ...more,
  });
  await client.call('codepipeline', 'CreatePipeline', {
    pipeline: {
      name: 'shop',
      roleArn: pipelineRole,
      artifactStore: { type: 'S3', location: 'artifacts' },
      stages: [
        {
          name: 'Source',
          actions: [
            action('Code', 'Source', 'S3', {
              configuration: { S3Bucket: 'source', S3ObjectKey: 'code.zip', PollForSourceChanges: 'false' },
              outputArtifacts: [{ name: 'code' }],
            }),
          ],
        },
        {
          name: 'Build',
          actions: [
            action('Package', 'Build', 'CodeBuild', {
              configuration: { ProjectName: 'package' },
              inputArtifacts: [{ name: 'code' }],
              outputArtifacts: [{ name: 'package' }],
            }),
          ],
        },
        {
          name: 'Deploy',
          actions: [
            action('Approve', 'Approval', 'Manual', { runOrder: 1 }),
            action('Live', 'Deploy', 'CodeDeploy', {
              runOrder: 2,
              configuration: { ApplicationName: 'app', DeploymentGroupName: 'errors' },
              inputArtifacts: [{ name: 'package' }],
            }),
          ],
        },
      ],
    },
  });
}

function run(...words: string[]): Promise<{ code: number; out: string }> {
  return runAt(sluice, ...words);
}

function runAt({ url }: TestSluice, ...words: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['dist/cli.js', ...words, '--endpoint', url],
      { encoding: 'utf8' },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr }),
    );
  });
}

/** Runs the guide's script; resolves to what it prints. */
function make({ url }: TestSluice): Promise<string> {
  const env = { ...process.env, AWS_ENDPOINT_URL: url };
  return new Promise((resolve) => {
    execFile(process.execPath, ['examples/rehearse/server/make.mjs'], { env, encoding: 'utf8' }, (_error, out, err) =>
      resolve(out + err),
    );
  });
}

describe('sluice fitness', () => {
  it('says that an alarm can fire in time', async () => {
    const { code, out } = await run('fitness', 'app/errors', '--rate', '600');
    expect(out).toContain('✓ app/errors: an alarm is certain to stop a bad release in time');
    expect(out).toMatch(/10 % for 5 min +✓ can fire/);
    expect(code).toBe(0);
  });

  it('says why one cannot, and what mends it', async () => {
    const { code, out } = await run('fitness', 'app/rate', '--rate', '600');
    expect(out).toContain('an error rate is 0 to 1, and the threshold is meant as percent');
    expect(code).toBe(1);
    const { out: json } = await run('fitness', 'app/rate', '--rate', '600', '--json');
    expect(JSON.parse(json)).toMatchObject([
      { group: 'rate', fit: false, alarms: [{ steps: [{ verdict: 'Cannot', cause: 'Percent' }, {}] }] },
    ]);
  });

  it('ends with 2 where there is no such group', async () => {
    expect(await run('fitness', 'app/nothing')).toMatchObject({ code: 2, out: expect.stringContaining('nothing') });
  });
});

describe('sluice rehearse', () => {
  it('shows what is caught, when, and at what price', async () => {
    const { code, out } = await run('rehearse', 'app/errors', '--seeds', '5', '--timeline', 'errors 30 %');
    expect(out).toMatch(/healthy +0 % +0 +0 +Succeeded/);
    expect(out).toMatch(/errors 30 % +100 % .*Stopped, rolled back +errors/);
    expect(out).toMatch(/only at 100 % +0 % /);
    expect(out).toContain('all traffic is back on the old version');
    expect(code).toBe(0);
  });

  it('says of an alarm that it has no figures for', async () => {
    const { out } = await run('rehearse', 'app/orders', '--seeds', '1');
    expect(out).toContain('? the alarm orders (Sum of Shop/Orders) took no part');
  });

  it('holds a group to what a scenario asserts', async () => {
    const file = join(folder, 'scenario.yaml');
    const scenario = (hurt: number): void =>
      writeFileSync(
        file,
        `workload: { requestsPerMinute: 600 }\nseeds: 10\nassert:\n  - { fault: errors 30 %, caughtWithin: PT3M, hurtAtMost: ${hurt} }\n  - { fault: healthy, falseRollbacks: 1 % }\n`,
      );
    scenario(200);
    expect(await run('rehearse', 'app/errors', '--scenario', file)).toMatchObject({ code: 0 });
    scenario(0);
    expect(await run('rehearse', 'app/errors', '--scenario', file)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/✗ errors 30 %: to hurt at most 0 requests; it hurt \d+/),
    });
    writeFileSync(file, 'seed: 3\n');
    expect(await run('rehearse', 'app/errors', '--scenario', file)).toMatchObject({
      code: 2,
      out: expect.stringContaining('line 1, seed: unknown'),
    });
  });

  it('says of the group of the guide, made by its script, what the guide shows', async () => {
    const made = await make(sluice);
    const { out } = await run('rehearse', 'greeter/live', '--seeds', '5');
    const [, shown] =
      /npx sluice rehearse greeter\/live --seeds 5\n```\n\n```\n([^`]*)```/.exec(
        readFileSync('docs/guides/rehearse.md', 'utf8'),
      ) ?? [];
    expect(made + out).toBe(shown);
  });

  it('has a group without the tag judged where the server says so', async () => {
    const judged = await startSluice({ judge: 'on' });
    await make(judged);
    const { out } = await runAt(judged, 'rehearse', 'greeter/live', '--seeds', '2');
    expect(out).toMatch(/errors 30 % +100 % .*Stopped, rolled back +the judge/);
    await judged.close();
  });

  it('plays a whole pipeline as it stands, and takes away each grant that it needs', async () => {
    const { code, out } = await run('rehearse', 'shop', '--seeds', '2', '--grants', '--timeline', 'approver asleep');
    expect(out).toMatch(/healthy +0 % +0 +0 +Succeeded/);
    expect(out).toMatch(/errors 30 % +100 % .*Failed, rolled back +errors/);
    expect(out).toMatch(
      /approver asleep +100 % +7 d .*Failed; push 2 Superseded; push 3 Failed +Timeout of Deploy\/Approve/,
    );
    // Of the project: its builds are ended after twelve minutes.
    expect(out).toMatch(/build hangs +100 % +12 min .*TIMED_OUT of Build\/Package/);
    expect(out).toMatch(/second push .*Succeeded; push 2 Succeeded/);
    expect(out).toMatch(/no codedeploy:CreateDeployment +100 % .*PermissionError of Deploy\/Live/);
    expect(out).toMatch(/no logs:CreateLogStream \(build\) +100 % .*FAILED of Build\/Package/);
    expect(out).not.toContain('codecommit:');
    expect(out).toContain(
      '? Build/Package will be denied codebuild:BatchGetBuilds, as it stands (sluice preflight shop)',
    );
    expect(out).toMatch(/7d 0:04:10 {2}Deploy\/Approve: Failed: The action did not end within 10080 minutes\./);
    expect(code).toBe(0);
  });

  it('stops before a stage whose transition is disabled', async () => {
    const transition = { pipelineName: 'shop', stageName: 'Deploy', transitionType: 'Inbound' };
    await root.call('codepipeline', 'DisableStageTransition', { ...transition, reason: 'freeze' });
    const { out } = await run('rehearse', 'shop', '--seeds', '1', '--json');
    await root.call('codepipeline', 'EnableStageTransition', transition);
    expect(JSON.parse(out)).toMatchObject({
      kind: 'Pipeline',
      name: 'shop',
      results: expect.arrayContaining([expect.objectContaining({ fault: 'healthy', ends: 'Waiting' })]) as unknown,
    });
  });
});
