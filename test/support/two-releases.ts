/**
 * A pipeline (S3 ▶ CodeDeploy) that has delivered a function twice: the first release went well, the second was rolled back by
 * its alarm. On a stepped clock; metrics are put in by hand, and no function is called.
 */
import type { TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';
import { zipOf } from './functions.ts';

export const TWO_RELEASES_SERVICES = [
  'codepipeline',
  'codedeploy',
  'codebuild',
  'codecommit',
  'lambda',
  'cloudwatch',
  'logs',
  's3',
  'kms',
  'events',
  'sns',
  'sqs',
];

export type Released = Readonly<{ executionId: string; deploymentId: string }>;
export type TwoReleases = Readonly<{ root: Client; good: Released; bad: Released }>;

const BUCKET = 'releases';

export async function makeTwoReleases(sluice: TestSluice): Promise<TwoReleases> {
  const { account, region } = sluice;
  const root = sluice.house.door.as(
    { type: 'Root', account, arn: `arn:aws:iam::${account}:root` },
    { account, region },
  );
  const role = (name: string, service: string): Promise<string> => roleFor(root, name, service);
  const functionRole = await role('function', 'lambda');
  const deployRole = await role('deployer', 'codedeploy');
  await role('builder', 'codebuild');
  const pipelineRole = await role('pipeline', 'codepipeline');
  await root.call('lambda', 'CreateFunction', {
    FunctionName: 'greeter',
    Runtime: 'nodejs20.x',
    Handler: 'index.handler',
    Role: functionRole,
    Code: { ZipFile: await code(1) },
  });
  await publish(root, 1);
  await root.call('lambda', 'CreateAlias', { FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' });
  await root.call('cloudwatch', 'PutMetricAlarm', {
    AlarmName: 'greeter-errors',
    Namespace: 'Shop',
    MetricName: 'Errors',
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 2,
    Threshold: 5,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
  });
  await root.call('codedeploy', 'CreateApplication', { applicationName: 'shop', computePlatform: 'Lambda' });
  await root.call('codedeploy', 'CreateDeploymentGroup', {
    applicationName: 'shop',
    deploymentGroupName: 'live',
    serviceRoleArn: deployRole,
    deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
    deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
    alarmConfiguration: { enabled: true, alarms: [{ name: 'greeter-errors' }] },
    autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'] },
  });
  await root.call('s3', 'CreateBucket', { Bucket: BUCKET });
  await root.call('s3', 'PutBucketVersioning', { Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } });

  await publish(root, 2);
  await release(root, 1, 2);
  await root.call('codepipeline', 'CreatePipeline', { pipeline: pipeline(pipelineRole) });
  const good = await released(sluice, root, 0);

  await publish(root, 3);
  await release(root, 2, 3);
  await root.call('codepipeline', 'StartPipelineExecution', { name: 'delivery' });
  const bad = await released(sluice, root, 9);
  return { root, good, bad };
}

async function roleFor(root: Client, name: string, service: string): Promise<string> {
  const allow = (statement: object): string =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] });
  const { Role } = await root.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: allow({ Principal: { Service: `${service}.amazonaws.com` }, Action: 'sts:AssumeRole' }),
  });
  const PolicyDocument = allow({ Action: '*', Resource: '*' });
  await root.call('iam', 'PutRolePolicy', { RoleName: name, PolicyName: 'all', PolicyDocument });
  return Role.Arn;
}

function code(version: number): Promise<Buffer> {
  return zipOf({ 'index.mjs': `export const handler = async () => ${version};\n` });
}

async function publish(root: Client, version: number): Promise<void> {
  if (version > 1)
    await root.call('lambda', 'UpdateFunctionCode', { FunctionName: 'greeter', ZipFile: await code(version) });
  await root.call('lambda', 'PublishVersion', { FunctionName: 'greeter' });
}

async function release(root: Client, from: number, to: number): Promise<void> {
  const appspec = `version: 0.0
Resources:
  - greeter:
      Type: AWS::Lambda::Function
      Properties: { Name: greeter, Alias: live, CurrentVersion: "${from}", TargetVersion: "${to}" }
`;
  await root.call('s3', 'PutObject', {
    Bucket: BUCKET,
    Key: 'release.zip',
    Body: await zipOf({ 'appspec.yml': appspec }),
  });
}

function pipeline(roleArn: string): object {
  const action = (name: string, category: string, provider: string, more: object): object => ({
    name,
    actionTypeId: { category, owner: 'AWS', provider, version: '1' },
    ...more,
  });
  return {
    name: 'delivery',
    roleArn,
    artifactStore: { type: 'S3', location: BUCKET },
    stages: [
      {
        name: 'Source',
        actions: [
          action('Fetch', 'Source', 'S3', {
            configuration: { S3Bucket: BUCKET, S3ObjectKey: 'release.zip', PollForSourceChanges: 'false' },
            outputArtifacts: [{ name: 'release' }],
          }),
        ],
      },
      {
        name: 'Deploy',
        actions: [
          action('Canary', 'Deploy', 'CodeDeploy', {
            configuration: { ApplicationName: 'shop', DeploymentGroupName: 'live' },
            inputArtifacts: [{ name: 'release' }],
          }),
        ],
      },
    ],
  };
}

type Summary = Readonly<{ pipelineExecutionId: string; status: string }>;

/** Steps until the newest execution has ended, `errors` of them each minute once its deployment has begun. */
async function released(sluice: TestSluice, root: Client, errors: number): Promise<Released> {
  for (let step = 0; step < 60; step++) {
    await sluice.settled();
    const { pipelineExecutionSummaries: [newest] = [] } = await root.call<{ pipelineExecutionSummaries?: Summary[] }>(
      'codepipeline',
      'ListPipelineExecutions',
      { pipelineName: 'delivery', maxResults: 1 },
    );
    const { deployments: [deploymentId] = [] } = await root.call<{ deployments?: string[] }>(
      'codedeploy',
      'ListDeployments',
      {
        applicationName: 'shop',
        deploymentGroupName: 'live',
        includeOnlyStatuses: ['InProgress'],
      },
    );
    if (newest !== undefined && newest.status !== 'InProgress') {
      await sluice.clock.advance('PT1M');
      const { actionExecutionDetails } = await root.call<{
        actionExecutionDetails: { output?: { executionResult?: { externalExecutionId?: string } } }[];
      }>('codepipeline', 'ListActionExecutions', {
        pipelineName: 'delivery',
        filter: { pipelineExecutionId: newest.pipelineExecutionId },
      });
      const id = actionExecutionDetails.map(({ output }) => output?.executionResult?.externalExecutionId ?? '');
      return {
        executionId: newest.pipelineExecutionId,
        deploymentId: id.find((each) => each.startsWith('d-')) ?? '',
      };
    }
    if (deploymentId !== undefined && errors > 0) {
      await root.call('cloudwatch', 'PutMetricData', {
        Namespace: 'Shop',
        MetricData: [{ MetricName: 'Errors', Value: errors }],
      });
    }
    await sluice.clock.advance('PT20S');
  }
  throw new Error('the release does not end');
}
