/**
 * The accounts of the world before anything happens: people, roles with exactly the grants they need (each by name, so
 * that one can be taken away and given back), buckets, keys, a function with versions, deployment groups with alarms, and
 * pipelines. Everything is made through the door by the roots of the accounts.
 *
 *   tools (A)    buckets `source`, `artifacts` under key K, pipelines `p0`...; people `dev`, `releaser`, `worker`, `admin`
 *                function `inspector` for their Invoke actions
 *   target (B)   function `greeter` with an alias per group, CodeDeploy application `app`, function `checker` for the hooks of
 *                deployments; people `operator`, `app`, `admin`
 */
import type { Client, Scope } from '../../src/services/index.ts';
import type { Random } from '../random.ts';
import { storedZip } from './stored-zip.ts';

export const TOOLS = '111111111111';
export const TARGET = '222222222222';
export const REGION = 'us-east-1';
export const FUNCTION = 'greeter';
export const APPLICATION = 'app';
export const VERSIONS = 8;
/** Of the hooks of deployments, and of Invoke actions. */
export const CHECKER = 'checker';
export const INSPECTOR = 'inspector';
/** The Invoke action. */
export const INSPECT = 'Inspect';
const FUNCTION_TIMEOUT_SECONDS = 30;

export type Statement = Readonly<{
  Effect?: 'Deny';
  Principal?: unknown;
  Action: string | readonly string[];
  Resource?: string | readonly string[];
}>;
export type Grant = Readonly<{ name: string; statement: Statement }>;

export type Person = Readonly<{ name: string; account: string; accessKeyId: string }>;

export type PipelinePlan = Readonly<{
  name: string;
  mode: 'SUPERSEDED' | 'QUEUED' | 'PARALLEL';
  /** How a push starts it. */
  starts: 'Poll' | 'ByHand';
  builds: 1 | 2;
  approval: boolean;
  group: string;
  /** An Invoke action before it deploys. */
  inspects: boolean;
}>;

export type GroupPlan = Readonly<{
  name: string;
  alias: string;
  alarm: string;
  config: string;
  watched: boolean;
  /** Of every deployment to it. */
  hooks: readonly ('BeforeAllowTraffic' | 'AfterAllowTraffic')[];
}>;

export type Layout = Readonly<{
  people: Readonly<
    Record<'dev' | 'releaser' | 'worker' | 'admin' | 'operator' | 'app' | 'targetAdmin' | 'nobody', Person>
  >;
  pipelines: readonly PipelinePlan[];
  groups: readonly GroupPlan[];
  roles: Readonly<Record<RoleName, string>>;
  key: string;
  /** A secret property of the actions of the pipelines. */
  secret: string;
  /** What nobody but its owner may see. */
  secrets: readonly string[];
  /** Names of the topic and queue that announcements end in. */
  queueUrl: string;
}>;

export type RoleName = 'P' | 'X' | 'D' | 'R';

const CONFIGS = [
  'CodeDeployDefault.LambdaAllAtOnce',
  'CodeDeployDefault.LambdaCanary10Percent5Minutes',
  'CodeDeployDefault.LambdaCanary10Percent10Minutes',
  'CodeDeployDefault.LambdaLinear10PercentEvery1Minute',
  'CodeDeployDefault.LambdaLinear10PercentEvery2Minutes',
] as const;

export const WORK_TYPE = { category: 'Build', owner: 'Custom', provider: 'Maker', version: '1' } as const;

export function roleArn(name: RoleName): string {
  return `arn:aws:iam::${name === 'P' ? TOOLS : TARGET}:role/${name}`;
}

export function accountOf(name: RoleName): string {
  return name === 'P' ? TOOLS : TARGET;
}

/** The policies of the roles, grant by grant. `key` is the ARN of the key of the artifacts. */
export function grantsOf(key: string): Readonly<Record<RoleName, readonly Grant[]>> {
  const objects = 'arn:aws:s3:::artifacts/*';
  const read = ['s3:GetObject', 's3:GetObjectVersion'];
  return {
    P: [
      {
        name: 'source',
        statement: {
          Action: [...read, 's3:GetBucketVersioning', 's3:ListBucket'],
          Resource: ['arn:aws:s3:::source', 'arn:aws:s3:::source/*'],
        },
      },
      { name: 'artifacts', statement: { Action: ['s3:PutObject', ...read], Resource: objects } },
      { name: 'key', statement: { Action: ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'], Resource: key } },
      { name: 'assume X', statement: { Action: 'sts:AssumeRole', Resource: roleArn('X') } },
      {
        name: 'inspector',
        statement: { Action: ['lambda:InvokeFunction', 'lambda:ListFunctions'], Resource: '*' },
      },
    ],
    X: [
      { name: 'artifacts', statement: { Action: read, Resource: objects } },
      { name: 'key', statement: { Action: ['kms:Decrypt', 'kms:DescribeKey'], Resource: key } },
      {
        name: 'deploy',
        statement: {
          Action: [
            'codedeploy:CreateDeployment',
            'codedeploy:GetDeployment',
            'codedeploy:BatchGetDeployments',
            'codedeploy:ListDeployments',
            'codedeploy:GetDeploymentConfig',
            'codedeploy:GetApplicationRevision',
            'codedeploy:RegisterApplicationRevision',
          ],
          Resource: '*',
        },
      },
    ],
    D: [
      {
        name: 'function',
        statement: { Action: ['lambda:GetAlias', 'lambda:UpdateAlias', 'lambda:GetFunction'], Resource: '*' },
      },
      {
        name: 'original',
        statement: { Action: ['lambda:GetFunctionConfiguration', 'lambda:GetFunctionConcurrency'], Resource: '*' },
      },
      { name: 'figures', statement: { Action: 'cloudwatch:GetMetricData', Resource: '*' } },
      { name: 'alarms', statement: { Action: 'cloudwatch:DescribeAlarms', Resource: '*' } },
      { name: 'hooks', statement: { Action: 'lambda:InvokeFunction', Resource: '*' } },
      { name: 'artifacts', statement: { Action: read, Resource: objects } },
      { name: 'key', statement: { Action: 'kms:Decrypt', Resource: key } },
    ],
    R: [{ name: 'read', statement: { Action: ['lambda:GetAlias'], Resource: '*' } }],
  };
}

export function policyOf(statements: readonly Statement[]): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
  });
}

const NOTHING: Statement = { Action: 'sts:GetCallerIdentity', Resource: '*' };

/** A role's policy without these grants; never empty. */
export function rolePolicy(grants: readonly Grant[], without: ReadonlySet<string>): string {
  const left = grants.filter(({ name }) => !without.has(name)).map(({ statement }) => statement);
  return policyOf(left.length > 0 ? left : [NOTHING]);
}

/** `functions` draws what hangs on functions. */
export async function layOut(root: (scope: Scope) => Client, random: Random, functions: Random): Promise<Layout> {
  const tools = root({ account: TOOLS, region: REGION });
  const target = root({ account: TARGET, region: REGION });
  const groups = planGroups(random).map((group) => ({ ...group, hooks: planHooks(functions) }));
  const pipelines = planPipelines(random, groups).map((plan) => ({ ...plan, inspects: functions.chance(0.5) }));
  const secrets: string[] = [];

  const trust: Readonly<Record<RoleName, unknown>> = {
    P: { Service: 'codepipeline.amazonaws.com' },
    X: { AWS: TOOLS },
    D: { Service: 'codedeploy.amazonaws.com' },
    R: { AWS: TOOLS },
  };
  for (const [name, Principal] of Object.entries(trust)) {
    const client = accountOf(name as RoleName) === TOOLS ? tools : target;
    await client.call('iam', 'CreateRole', {
      RoleName: name,
      AssumeRolePolicyDocument: policyOf([{ Principal, Action: 'sts:AssumeRole' }]),
    });
  }
  const person = async (client: Client, name: string, statements: readonly Statement[]): Promise<Person> => {
    await client.call('iam', 'CreateUser', { UserName: name });
    if (statements.length > 0)
      await client.call('iam', 'PutUserPolicy', {
        UserName: name,
        PolicyName: 'may',
        PolicyDocument: policyOf(statements),
      });
    type Made = { AccessKey: { AccessKeyId: string; SecretAccessKey: string } };
    const { AccessKey } = await client.call<Made>('iam', 'CreateAccessKey', { UserName: name });
    secrets.push(AccessKey.SecretAccessKey);
    return { name, account: client.scope.account, accessKeyId: AccessKey.AccessKeyId };
  };
  const everything: Statement = { Action: '*', Resource: '*' };
  const pipelineArns = [`arn:aws:codepipeline:${REGION}:${TOOLS}:p*`];
  const people: Layout['people'] = {
    dev: await person(tools, 'dev', [
      { Action: ['s3:PutObject', 's3:GetObject', 's3:GetObjectVersion'], Resource: 'arn:aws:s3:::source/*' },
      {
        Action: [
          'codepipeline:StartPipelineExecution',
          'codepipeline:StopPipelineExecution',
          'codepipeline:RetryStageExecution',
          'codepipeline:GetPipeline',
          'codepipeline:GetPipelineState',
          'codepipeline:GetPipelineExecution',
          'codepipeline:ListPipelineExecutions',
          'codepipeline:ListActionExecutions',
          'codepipeline:DisableStageTransition',
          'codepipeline:EnableStageTransition',
        ],
        Resource: pipelineArns,
      },
    ]),
    releaser: await person(tools, 'releaser', [
      {
        Action: [
          'codepipeline:GetPipelineState',
          'codepipeline:PutApprovalResult',
          'codepipeline:ListActionExecutions',
        ],
        Resource: pipelineArns,
      },
    ]),
    worker: await person(tools, 'worker', [
      {
        Action: [
          'codepipeline:PollForJobs',
          'codepipeline:AcknowledgeJob',
          'codepipeline:GetJobDetails',
          'codepipeline:PutJobSuccessResult',
          'codepipeline:PutJobFailureResult',
        ],
        Resource: '*',
      },
      { Action: 'sts:AssumeRole', Resource: roleArn('R') },
    ]),
    admin: await person(tools, 'admin', [everything]),
    operator: await person(target, 'operator', [
      {
        Action: [
          'codedeploy:StopDeployment',
          'codedeploy:CreateDeployment',
          'codedeploy:GetDeployment',
          'codedeploy:ListDeployments',
          'codedeploy:GetDeploymentConfig',
          'codedeploy:GetApplicationRevision',
          'codedeploy:RegisterApplicationRevision',
        ],
        Resource: '*',
      },
      { Action: ['cloudwatch:SetAlarmState', 'cloudwatch:DescribeAlarms'], Resource: '*' },
      { Action: 'lambda:GetAlias', Resource: '*' },
    ]),
    app: await person(target, 'app', [{ Action: ['lambda:GetAlias', 'lambda:InvokeFunction'], Resource: '*' }]),
    targetAdmin: await person(target, 'admin', [everything]),
    nobody: await person(tools, 'nobody', []),
  };

  const { KeyMetadata } = await tools.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', {});
  const key = KeyMetadata.Arn;
  await tools.call('kms', 'PutKeyPolicy', {
    KeyId: key,
    PolicyName: 'default',
    Policy: policyOf([
      { Principal: { AWS: TOOLS }, Action: 'kms:*', Resource: '*' },
      { Principal: { AWS: TARGET }, Action: ['kms:Decrypt', 'kms:DescribeKey'], Resource: '*' },
    ]),
  });
  for (const Bucket of ['source', 'artifacts']) {
    await tools.call('s3', 'CreateBucket', { Bucket });
    await tools.call('s3', 'PutBucketVersioning', { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
  }
  await tools.call('s3', 'PutBucketPolicy', {
    Bucket: 'artifacts',
    Policy: policyOf([
      {
        Principal: { AWS: TARGET },
        Action: ['s3:GetObject', 's3:GetObjectVersion'],
        Resource: 'arn:aws:s3:::artifacts/*',
      },
    ]),
  });
  for (const [name, grants] of Object.entries(grantsOf(key))) {
    const client = accountOf(name as RoleName) === TOOLS ? tools : target;
    await client.call('iam', 'PutRolePolicy', {
      RoleName: name,
      PolicyName: 'may',
      PolicyDocument: rolePolicy(grants, new Set()),
    });
  }
  await makeFunction(target, groups);
  await makeReporter(target, CHECKER, ['codedeploy:PutLifecycleEventHookExecutionStatus']);
  await makeReporter(tools, INSPECTOR, ['codepipeline:PutJobSuccessResult', 'codepipeline:PutJobFailureResult']);
  for (const group of groups) await makeGroup(target, group);
  const secret = `hush-${random.bits().toString(16).padStart(8, '0')}-hush`;
  secrets.push(secret);
  await tools.call('codepipeline', 'CreateCustomActionType', {
    category: WORK_TYPE.category,
    provider: WORK_TYPE.provider,
    version: WORK_TYPE.version,
    configurationProperties: [
      { name: 'Password', required: true, key: true, secret: true, queryable: false, type: 'String' },
    ],
    inputArtifactDetails: { minimumCount: 0, maximumCount: 5 },
    outputArtifactDetails: { minimumCount: 0, maximumCount: 5 },
  });
  const queueUrl = await makeEar(tools);
  for (const plan of pipelines)
    await tools.call('codepipeline', 'CreatePipeline', { pipeline: declarationOf(plan, key, secret) });
  return {
    people,
    pipelines,
    groups,
    roles: { P: roleArn('P'), X: roleArn('X'), D: roleArn('D'), R: roleArn('R') },
    key,
    secret,
    secrets,
    queueUrl,
  };
}

/** Everything that services announce in A goes to a queue, where the world hears it. */
async function makeEar(tools: Client): Promise<string> {
  const { QueueUrl } = await tools.call<{ QueueUrl: string }>('sqs', 'CreateQueue', { QueueName: 'ear' });
  const Arn = `arn:aws:sqs:${REGION}:${TOOLS}:ear`;
  await tools.call('sqs', 'SetQueueAttributes', {
    QueueUrl,
    Attributes: {
      Policy: policyOf([{ Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: Arn }]),
    },
  });
  await tools.call('events', 'PutRule', {
    Name: 'ear',
    EventPattern: JSON.stringify({ source: ['aws.codepipeline', 'aws.codedeploy', 'aws.cloudwatch'] }),
  });
  await tools.call('events', 'PutTargets', { Rule: 'ear', Targets: [{ Id: 'ear', Arn }] });
  return QueueUrl;
}

function planHooks(random: Random): GroupPlan['hooks'] {
  return random.pick([[], ['BeforeAllowTraffic'], ['AfterAllowTraffic'], ['BeforeAllowTraffic', 'AfterAllowTraffic']]);
}

function planGroups(random: Random): Omit<GroupPlan, 'hooks'>[] {
  return Array.from({ length: random.between(1, 3) }, (_, n) => ({
    name: `g${n}`,
    alias: `live${n}`,
    alarm: `errors${n}`,
    config: random.pick(CONFIGS),
    watched: random.chance(0.85),
  }));
}

function planPipelines(random: Random, groups: readonly GroupPlan[]): Omit<PipelinePlan, 'inspects'>[] {
  return Array.from({ length: random.between(1, 3) }, (_, n) => ({
    name: `p${n}`,
    mode: random.pick(['SUPERSEDED', 'SUPERSEDED', 'QUEUED', 'PARALLEL'] as const),
    starts: random.pick(['Poll', 'ByHand'] as const),
    builds: random.pick([1, 1, 2] as const),
    approval: random.chance(0.6),
    group: random.pick(groups).name,
  }));
}

/** `edits`: how often it was edited; an edit changes what runs, not what it is for. */
export function declarationOf(plan: PipelinePlan, key: string, secret: string, edits = 0): Record<string, unknown> {
  const aws = (category: string, provider: string) => ({ category, owner: 'AWS', provider, version: '1' });
  return {
    name: plan.name,
    roleArn: roleArn('P'),
    pipelineType: plan.mode === 'SUPERSEDED' ? 'V1' : 'V2',
    executionMode: plan.mode,
    artifactStore: { type: 'S3', location: 'artifacts', encryptionKey: { id: key, type: 'KMS' } },
    stages: [
      {
        name: 'Source',
        actions: [
          {
            name: 'Fetch',
            actionTypeId: aws('Source', 'S3'),
            configuration: {
              S3Bucket: 'source',
              S3ObjectKey: `${plan.name}.zip`,
              PollForSourceChanges: String(plan.starts === 'Poll'),
            },
            outputArtifacts: [{ name: 'source' }],
          },
        ],
      },
      {
        name: 'Build',
        actions: Array.from({ length: plan.builds }, (_, n) => ({
          name: `Make${n}`,
          actionTypeId: WORK_TYPE,
          runOrder: edits % 2 === 0 ? 1 : n + 1,
          configuration: { Password: secret },
          inputArtifacts: [{ name: 'source' }],
          outputArtifacts: [{ name: `built${n}` }],
        })),
      },
      ...(plan.approval && edits % 3 !== 2
        ? [{ name: 'Approve', actions: [{ name: 'Ask', actionTypeId: aws('Approval', 'Manual') }] }]
        : []),
      ...(plan.inspects
        ? [
            {
              name: 'Look',
              actions: [
                {
                  name: INSPECT,
                  actionTypeId: aws('Invoke', 'Lambda'),
                  configuration: { FunctionName: INSPECTOR },
                  inputArtifacts: [{ name: 'built0' }],
                },
              ],
            },
          ]
        : []),
      {
        name: 'Deploy',
        actions: [
          {
            name: 'Release',
            roleArn: roleArn('X'),
            actionTypeId: aws('Deploy', 'CodeDeploy'),
            configuration: { ApplicationName: APPLICATION, DeploymentGroupName: plan.group },
            inputArtifacts: [{ name: 'built0' }],
          },
        ],
      },
    ],
  };
}

async function makeFunction(target: Client, groups: readonly GroupPlan[]): Promise<void> {
  const { Role } = await target.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: 'function',
    AssumeRolePolicyDocument: policyOf([{ Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }]),
  });
  for (let version = 1; version <= VERSIONS; version++) {
    const ZipFile = storedZip({ 'index.mjs': `export const handler = async () => ${version};` });
    if (version === 1)
      await target.call('lambda', 'CreateFunction', {
        FunctionName: FUNCTION,
        Role: Role.Arn,
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Code: { ZipFile },
      });
    else await target.call('lambda', 'UpdateFunctionCode', { FunctionName: FUNCTION, ZipFile });
    await target.call('lambda', 'PublishVersion', { FunctionName: FUNCTION });
  }
  for (const { alias } of groups)
    await target.call('lambda', 'CreateAlias', { FunctionName: FUNCTION, Name: alias, FunctionVersion: '1' });
  await target.call('codedeploy', 'CreateApplication', { applicationName: APPLICATION, computePlatform: 'Lambda' });
}

/** A function that reports with the grants of a role of its own, and writes logs. */
async function makeReporter(client: Client, name: string, actions: readonly string[]): Promise<void> {
  const { Role } = await client.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: policyOf([{ Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }]),
  });
  await client.call('iam', 'PutRolePolicy', {
    RoleName: name,
    PolicyName: 'may',
    PolicyDocument: policyOf([
      { Action: actions, Resource: '*' },
      { Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'], Resource: '*' },
    ]),
  });
  await client.call('lambda', 'CreateFunction', {
    FunctionName: name,
    Role: Role.Arn,
    Runtime: 'nodejs20.x',
    Handler: 'index.handler',
    Timeout: FUNCTION_TIMEOUT_SECONDS,
    Code: { ZipFile: storedZip({ 'index.mjs': `export const handler = async () => '${name}';` }) },
  });
}

async function makeGroup(target: Client, group: GroupPlan): Promise<void> {
  await target.call('cloudwatch', 'PutMetricAlarm', {
    AlarmName: group.alarm,
    Namespace: 'AWS/Lambda',
    MetricName: 'Errors',
    Dimensions: [
      { Name: 'FunctionName', Value: FUNCTION },
      { Name: 'Resource', Value: `${FUNCTION}:${group.alias}` },
    ],
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
  });
  await target.call('codedeploy', 'CreateDeploymentGroup', {
    applicationName: APPLICATION,
    deploymentGroupName: group.name,
    serviceRoleArn: roleArn('D'),
    deploymentConfigName: group.config,
    deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
    ...(group.watched ? { alarmConfiguration: { enabled: true, alarms: [{ name: group.alarm }] } } : {}),
    autoRollbackConfiguration: {
      enabled: true,
      events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
    },
  });
}
