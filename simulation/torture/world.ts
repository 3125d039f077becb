/** What the workload works on, made before the first kill: delivery lines, queues, a rule, buckets, people. */
import { PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import {
  CreateApplicationCommand,
  CreateDeploymentConfigCommand,
  CreateDeploymentGroupCommand,
} from '@aws-sdk/client-codedeploy';
import { CreateCustomActionTypeCommand, CreatePipelineCommand } from '@aws-sdk/client-codepipeline';
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateAliasCommand, CreateFunctionCommand, PublishVersionCommand } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { ZipFile } from 'yazl';
import { ACCOUNT, type Clients, REGION } from './clients.ts';
import type { Model } from './model.ts';

/** One way to production: a pipeline, the function that it deploys to, the alarm that guards it. */
export type Line = Readonly<{ pipeline: string; functionName: string; group: string; alarm: string; source: string }>;

export type World = Readonly<{ lines: readonly Line[]; messagesUrl: string; eventsUrl: string }>;

export const APPLICATION = 'torture';
export const BUCKET = 'torture-objects';
export const ALIAS = 'live';
export const SOURCES = 'torture-sources';
export const WORKER = { category: 'Test', owner: 'Custom', provider: 'Torturer', version: '1' } as const;
export const NAMESPACE = 'Torture';
export const EVENT_SOURCE = 'torture.driver';

const HANDLER = 'export const handler = async () => ({ well: true });\n';

export async function makeWorld(clients: Clients, model: Model, lineCount: number): Promise<World> {
  const { s3, sqs, events, lambda, codepipeline, codedeploy, cloudwatch } = clients;
  const [functionRole, deployRole, pipelineRole] = await Promise.all([
    makeRole(clients, 'function', 'lambda'),
    makeRole(clients, 'deploy', 'codedeploy'),
    makeRole(clients, 'pipeline', 'codepipeline'),
  ]);
  for (const bucket of [BUCKET, SOURCES, 'torture-artifacts'])
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: SOURCES, VersioningConfiguration: { Status: 'Enabled' } }));
  const { QueueUrl: messagesUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'messages' }));
  const eventsUrl = await makeEventQueue(clients);
  await events.send(new PutRuleCommand({ Name: 'torture', EventPattern: JSON.stringify({ source: [EVENT_SOURCE] }) }));
  await events.send(
    new PutTargetsCommand({ Rule: 'torture', Targets: [{ Id: 'queue', Arn: arnOf('sqs', 'events') }] }),
  );
  await codepipeline.send(
    new CreateCustomActionTypeCommand({
      category: WORKER.category,
      provider: WORKER.provider,
      version: WORKER.version,
      inputArtifactDetails: { minimumCount: 0, maximumCount: 5 },
      outputArtifactDetails: { minimumCount: 0, maximumCount: 5 },
    }),
  );
  await codedeploy.send(new CreateApplicationCommand({ applicationName: APPLICATION, computePlatform: 'Lambda' }));
  await codedeploy.send(
    new CreateDeploymentConfigCommand({
      deploymentConfigName: 'HalfThenAll',
      computePlatform: 'Lambda',
      trafficRoutingConfig: {
        type: 'TimeBasedCanary',
        timeBasedCanary: { canaryPercentage: 50, canaryInterval: 1 },
      },
    }),
  );
  const lines: Line[] = [];
  for (let index = 0; index < lineCount; index++) {
    const line = {
      pipeline: `line-${index}`,
      functionName: `function-${index}`,
      group: `group-${index}`,
      alarm: `alarm-${index}`,
      source: `line-${index}.zip`,
    };
    lines.push(line);
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName: line.functionName,
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Role: functionRole,
        Code: { ZipFile: await zipOf({ 'index.mjs': HANDLER }) },
      }),
    );
    const { Version: first = '' } = await lambda.send(new PublishVersionCommand({ FunctionName: line.functionName }));
    model.versions.set(line.functionName, new Set([first]));
    await lambda.send(new CreateAliasCommand({ FunctionName: line.functionName, Name: ALIAS, FunctionVersion: first }));
    await cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName: line.alarm,
        Namespace: NAMESPACE,
        MetricName: `Errors${index}`,
        Statistic: 'Sum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        TreatMissingData: 'notBreaching',
      }),
    );
    await codedeploy.send(
      new CreateDeploymentGroupCommand({
        applicationName: APPLICATION,
        deploymentGroupName: line.group,
        deploymentConfigName: 'HalfThenAll',
        serviceRoleArn: deployRole,
        deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
        alarmConfiguration: { enabled: true, alarms: [{ name: line.alarm }] },
        autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'] },
      }),
    );
    // Creating a pipeline starts it: its first execution finds nothing to deploy, and fails at its source.
    await makePipeline(clients, line, pipelineRole);
  }
  return { lines, messagesUrl, eventsUrl };
}

async function makePipeline({ codepipeline }: Clients, line: Line, roleArn: string): Promise<void> {
  await codepipeline.send(
    new CreatePipelineCommand({
      pipeline: {
        name: line.pipeline,
        roleArn,
        pipelineType: 'V2',
        executionMode: 'QUEUED',
        artifactStore: { type: 'S3', location: 'torture-artifacts' },
        stages: [
          {
            name: 'Source',
            actions: [
              {
                name: 'Object',
                actionTypeId: { category: 'Source', owner: 'AWS', provider: 'S3', version: '1' },
                configuration: { S3Bucket: SOURCES, S3ObjectKey: line.source, PollForSourceChanges: 'false' },
                outputArtifacts: [{ name: 'source' }],
              },
            ],
          },
          {
            name: 'Check',
            actions: [
              { name: 'Work', actionTypeId: WORKER, inputArtifacts: [{ name: 'source' }], runOrder: 1 },
              {
                name: 'Approve',
                actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' },
                runOrder: 2,
              },
            ],
          },
          {
            name: 'Deploy',
            actions: [
              {
                name: 'Canary',
                actionTypeId: { category: 'Deploy', owner: 'AWS', provider: 'CodeDeploy', version: '1' },
                configuration: { ApplicationName: APPLICATION, DeploymentGroupName: line.group },
                inputArtifacts: [{ name: 'source' }],
              },
            ],
          },
        ],
      },
    }),
  );
}

/** A zip with the AppSpec file of a deployment. */
export async function putSource(clients: Clients, line: Line, current: string, target: string): Promise<void> {
  const appSpec = {
    version: 0.0,
    Resources: [
      {
        torture: {
          Type: 'AWS::Lambda::Function',
          Properties: { Name: line.functionName, Alias: ALIAS, CurrentVersion: current, TargetVersion: target },
        },
      },
    ],
  };
  const Body = await zipOf({ 'appspec.yml': JSON.stringify(appSpec) });
  await clients.s3.send(new PutObjectCommand({ Bucket: SOURCES, Key: line.source, Body }));
}

async function makeEventQueue({ sqs }: Clients): Promise<string> {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: arnOf('sqs', 'events'),
      },
    ],
  });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  return QueueUrl;
}

function arnOf(service: string, resource: string): string {
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
}

/** A role of a service that may do everything: permissions are tried elsewhere. */
async function makeRole({ iam }: Clients, name: string, service: string): Promise<string> {
  const trust = { Effect: 'Allow', Principal: { Service: `${service}.amazonaws.com` }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: name,
      PolicyName: 'all',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
      }),
    }),
  );
  return Role?.Arn ?? '';
}

async function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
