/**
 * One commit through a whole pipeline of real services: CodeCommit, CodeBuild, a Lambda function as a gate, and
 * CodeDeploy in another account, started by an EventBridge rule. Roles may only what AWS's documentation grants them.
 */
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  GetPipelineExecutionOutput,
  GetPipelineStateOutput,
  ListActionExecutionsOutput,
  ListPipelineExecutionsOutput,
} from '@aws-sdk/client-codepipeline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';
import { zipOf } from '../support/functions.ts';

const PRODUCTION = '222222222222';
const REGION = 'us-east-1';
const BUCKET = 'pipeline-artifacts';

let sluice: TestSluice;
let tools: Client;
let production: Client;
let folder: string;
let toolsAccount: string;

beforeAll(async () => {
  sluice = await startSluice({ seed: 11 });
  toolsAccount = sluice.account;
  tools = rootOf(toolsAccount);
  production = rootOf(PRODUCTION);
  folder = mkdtempSync(join(tmpdir(), 'sluice-pipeline-'));
});

afterAll(async () => {
  await sluice?.close();
  rmSync(folder, { recursive: true, force: true });
});

function rootOf(account: string): Client {
  return sluice.house.door.as(
    { type: 'Root', account, arn: `arn:aws:iam::${account}:root` },
    { account, region: REGION },
  );
}

type Statement = Readonly<{ Action: readonly string[]; Resource: string | readonly string[] }>;

async function role(of: Client, name: string, principal: object, statements: readonly Statement[]): Promise<string> {
  const { Role } = await of.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: policy([{ Principal: principal, Action: 'sts:AssumeRole' }]),
  });
  if (statements.length > 0) {
    await of.call('iam', 'PutRolePolicy', { RoleName: name, PolicyName: 'may', PolicyDocument: policy(statements) });
  }
  return Role.Arn;
}

function policy(statements: readonly object[]): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
  });
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const giveUpAt = performance.now() + 45_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > giveUpAt) throw new Error(`gave up waiting for ${what}: ${await picture()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await sluice.settled();
  }
}

async function picture(): Promise<string> {
  const { actionExecutionDetails = [] } = await tools.call<ListActionExecutionsOutput>(
    'codepipeline',
    'ListActionExecutions',
    { pipelineName: 'delivery' },
  );
  return JSON.stringify(
    actionExecutionDetails.map(({ actionName, status, output }) => [actionName, status, output?.executionResult]),
  );
}

const BUILDSPEC = `
version: 0.2
env:
  exported-variables: [LABEL]
phases:
  build:
    commands:
      - test -n "$COMMIT"
      - export LABEL="built-$(cat message.txt)"
      - |
        cat > appspec.yml <<END
        version: 0.0
        Resources:
          - greeter:
              Type: AWS::Lambda::Function
              Properties: { Name: greeter, Alias: live, CurrentVersion: "1", TargetVersion: "2" }
        END
artifacts:
  files: [appspec.yml]
`;

/** Writes the job it gets to the file that it is told. */
const GATE = `
import { writeFileSync } from 'node:fs';
export const handler = async (event) => writeFileSync(process.env.OUT, JSON.stringify(event));
`;

const OBJECTS = `arn:aws:s3:::${BUCKET}/*`;
const KEY_USE = { Action: ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'], Resource: '*' };

const DEPLOY_ACTION_MAY: readonly Statement[] = [
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
  { Action: ['s3:GetObject', 's3:GetObjectVersion'], Resource: OBJECTS },
  KEY_USE,
];

async function makeWorld(): Promise<void> {
  const codepipeline = { Service: 'codepipeline.amazonaws.com' };
  const deployAction = `arn:aws:iam::${PRODUCTION}:role/deploy-action`;
  const logs = { Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'], Resource: '*' };
  const pipelineRole = await role(tools, 'pipeline', codepipeline, [
    { Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'], Resource: OBJECTS },
    KEY_USE,
    {
      Action: [
        'codecommit:GetBranch',
        'codecommit:GetCommit',
        'codecommit:UploadArchive',
        'codecommit:GetUploadArchiveStatus',
      ],
      Resource: '*',
    },
    { Action: ['codebuild:StartBuild', 'codebuild:BatchGetBuilds'], Resource: '*' },
    { Action: ['lambda:InvokeFunction'], Resource: '*' },
    { Action: ['sts:AssumeRole'], Resource: deployAction },
  ]);
  const buildRole = await role(tools, 'build', { Service: 'codebuild.amazonaws.com' }, [
    { Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'], Resource: OBJECTS },
    KEY_USE,
    logs,
  ]);
  const gateRole = await role(tools, 'gate', { Service: 'lambda.amazonaws.com' }, [logs]);
  const startRole = await role(tools, 'start', { Service: 'events.amazonaws.com' }, [
    { Action: ['codepipeline:StartPipelineExecution'], Resource: '*' },
  ]);
  const functionRole = await role(production, 'function', { Service: 'lambda.amazonaws.com' }, [logs]);
  await role(production, 'deploy-action', { AWS: pipelineRole }, DEPLOY_ACTION_MAY);
  const codedeployRole = await role(production, 'codedeploy', { Service: 'codedeploy.amazonaws.com' }, [
    {
      Action: [
        'lambda:GetAlias',
        'lambda:UpdateAlias',
        'lambda:InvokeFunction',
        'lambda:GetFunction',
        'lambda:GetFunctionConfiguration',
        'cloudwatch:DescribeAlarms',
      ],
      Resource: '*',
    },
    { Action: ['s3:GetObject', 's3:GetObjectVersion'], Resource: OBJECTS },
    KEY_USE,
  ]);

  const { KeyMetadata } = await tools.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', {
    Policy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${toolsAccount}:root` }, Action: 'kms:*', Resource: '*' },
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${PRODUCTION}:root` },
          Action: ['kms:Decrypt', 'kms:DescribeKey'],
          Resource: '*',
        },
      ],
    }),
  });
  await tools.call('s3', 'CreateBucket', { Bucket: BUCKET });
  await tools.call('s3', 'PutBucketVersioning', { Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } });
  await tools.call('s3', 'PutBucketPolicy', {
    Bucket: BUCKET,
    Policy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${PRODUCTION}:root` },
          Action: ['s3:GetObject', 's3:GetObjectVersion'],
          Resource: OBJECTS,
        },
      ],
    }),
  });

  await tools.call('codecommit', 'CreateRepository', { repositoryName: 'service' });
  await tools.call('codebuild', 'CreateProject', {
    name: 'build',
    source: { type: 'CODEPIPELINE' },
    artifacts: { type: 'CODEPIPELINE' },
    environment: { type: 'LINUX_CONTAINER', image: 'aws/codebuild/standard:7.0', computeType: 'BUILD_GENERAL1_SMALL' },
    serviceRole: buildRole,
    encryptionKey: KeyMetadata.Arn,
  });
  await tools.call('lambda', 'CreateFunction', {
    FunctionName: 'gate',
    Role: gateRole,
    Runtime: 'nodejs20.x',
    Handler: 'index.handler',
    Code: { ZipFile: await zipOf({ 'index.mjs': GATE }) },
    Environment: { Variables: { OUT: join(folder, 'job.json') } },
  });
  for (const version of [1, 2]) {
    const ZipFile = await zipOf({ 'index.mjs': `export const handler = async () => ${version};` });
    if (version === 1) {
      await production.call('lambda', 'CreateFunction', {
        FunctionName: 'greeter',
        Role: functionRole,
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Code: { ZipFile },
      });
    } else await production.call('lambda', 'UpdateFunctionCode', { FunctionName: 'greeter', ZipFile });
    await production.call('lambda', 'PublishVersion', { FunctionName: 'greeter' });
  }
  await production.call('lambda', 'CreateAlias', { FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' });
  await production.call('codedeploy', 'CreateApplication', { applicationName: 'app', computePlatform: 'Lambda' });
  await production.call('codedeploy', 'CreateDeploymentGroup', {
    applicationName: 'app',
    deploymentGroupName: 'group',
    serviceRoleArn: codedeployRole,
    deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
    deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
  });

  const type = (category: string, provider: string) => ({ category, owner: 'AWS', provider, version: '1' });
  await tools.call('codepipeline', 'CreatePipeline', {
    pipeline: {
      name: 'delivery',
      roleArn: pipelineRole,
      artifactStore: { type: 'S3', location: BUCKET, encryptionKey: { id: KeyMetadata.Arn, type: 'KMS' } },
      stages: [
        {
          name: 'Source',
          actions: [
            {
              name: 'Commit',
              actionTypeId: type('Source', 'CodeCommit'),
              configuration: { RepositoryName: 'service', BranchName: 'main', PollForSourceChanges: 'false' },
              outputArtifacts: [{ name: 'source' }],
              namespace: 'Src',
            },
          ],
        },
        {
          name: 'Build',
          actions: [
            {
              name: 'Compile',
              actionTypeId: type('Build', 'CodeBuild'),
              configuration: {
                ProjectName: 'build',
                EnvironmentVariables: '[{"name":"COMMIT","value":"#{Src.CommitId}"}]',
              },
              inputArtifacts: [{ name: 'source' }],
              outputArtifacts: [{ name: 'built' }],
              namespace: 'Built',
            },
            {
              name: 'Gate',
              runOrder: 2,
              actionTypeId: type('Invoke', 'Lambda'),
              configuration: { FunctionName: 'gate', UserParameters: '#{Built.LABEL}' },
              inputArtifacts: [{ name: 'built' }],
            },
          ],
        },
        {
          name: 'Deploy',
          actions: [
            {
              name: 'Canary',
              actionTypeId: type('Deploy', 'CodeDeploy'),
              configuration: { ApplicationName: 'app', DeploymentGroupName: 'group' },
              inputArtifacts: [{ name: 'built' }],
              roleArn: deployAction,
            },
          ],
        },
      ],
    },
  });
  await tools.call('events', 'PutRule', {
    Name: 'push',
    EventPattern: JSON.stringify({ source: ['aws.codecommit'], detail: { referenceName: ['main'] } }),
  });
  await tools.call('events', 'PutTargets', {
    Rule: 'push',
    Targets: [{ Id: '1', Arn: `arn:aws:codepipeline:${REGION}:${toolsAccount}:delivery`, RoleArn: startRole }],
  });
}

it('carries a commit from the repository to a canary in another account', async () => {
  await makeWorld();
  // The execution that came with the pipeline finds no branch.
  await until('the first execution to fail', async () => {
    const { pipelineExecutionSummaries: [first] = [] } = await tools.call<ListPipelineExecutionsOutput>(
      'codepipeline',
      'ListPipelineExecutions',
      { pipelineName: 'delivery' },
    );
    return first?.status === 'Failed';
  });
  expect(await picture()).toContain('no branch named main was found in the selected AWS CodeCommit repository service');

  const file = (text: string) => Buffer.from(text);
  const { commitId } = await tools.call<{ commitId: string }>('codecommit', 'CreateCommit', {
    repositoryName: 'service',
    branchName: 'main',
    commitMessage: 'Greet the world',
    putFiles: [
      { filePath: 'buildspec.yml', fileContent: file(BUILDSPEC) },
      { filePath: 'message.txt', fileContent: file('hello') },
      { filePath: '.gitattributes', fileContent: file('message.txt export-ignore\n') },
    ],
  });
  const id = await until('the rule to start an execution', async () => {
    const { pipelineExecutionSummaries: [first] = [] } = await tools.call<ListPipelineExecutionsOutput>(
      'codepipeline',
      'ListPipelineExecutions',
      { pipelineName: 'delivery' },
    );
    return first?.trigger?.triggerType === 'CloudWatchEvent' && first;
  });
  expect(id.trigger?.triggerDetail).toBe(`arn:aws:events:${REGION}:${toolsAccount}:rule/push`);

  const job = await until('the gate to be asked', async () => {
    await sluice.clock.advance('PT10S');
    return existsSync(join(folder, 'job.json')) && (JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')) as Job);
  });
  const { id: jobId, data } = job['CodePipeline.job'];
  expect(data.actionConfiguration.configuration).toEqual({ FunctionName: 'gate', UserParameters: 'built-hello' });
  expect(data.encryptionKey?.type).toBe('KMS');
  await tools.call('codepipeline', 'PutJobSuccessResult', { jobId, executionDetails: { summary: 'open' } });

  await until('the canary to be weighted', async () => {
    const alias = await production.call<{ RoutingConfig?: { AdditionalVersionWeights?: Record<string, number> } }>(
      'lambda',
      'GetAlias',
      { FunctionName: 'greeter', Name: 'live' },
    );
    return alias.RoutingConfig?.AdditionalVersionWeights?.['2'] === 0.1;
  });
  await sluice.clock.advance('PT6M');
  const done = await until('the pipeline to succeed', async () => {
    const { pipelineExecution } = await tools.call<GetPipelineExecutionOutput>('codepipeline', 'GetPipelineExecution', {
      pipelineName: 'delivery',
      pipelineExecutionId: id.pipelineExecutionId,
    });
    if (pipelineExecution?.status === 'Failed') throw new Error(await picture());
    return pipelineExecution?.status === 'Succeeded' && pipelineExecution;
  });
  expect(done.artifactRevisions?.[0]).toMatchObject({
    name: 'source',
    revisionId: commitId,
    revisionSummary: 'Greet the world',
  });
  const { FunctionVersion } = await production.call<{ FunctionVersion: string }>('lambda', 'GetAlias', {
    FunctionName: 'greeter',
    Name: 'live',
  });
  expect(FunctionVersion).toBe('2');
});

it('names the missing grant, and goes on from there once it is given', async () => {
  await production.call('iam', 'DeleteRolePolicy', { RoleName: 'deploy-action', PolicyName: 'may' });
  rmSync(join(folder, 'job.json'));
  const { pipelineExecutionId } = await tools.call<{ pipelineExecutionId: string }>(
    'codepipeline',
    'StartPipelineExecution',
    { name: 'delivery' },
  );
  const job = await until('the gate to be asked', async () => {
    await sluice.clock.advance('PT10S');
    return existsSync(join(folder, 'job.json')) && (JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')) as Job);
  });
  await tools.call('codepipeline', 'PutJobSuccessResult', { jobId: job['CodePipeline.job'].id });
  await until('the deployment to be refused', async () => {
    const { pipelineExecution } = await tools.call<GetPipelineExecutionOutput>('codepipeline', 'GetPipelineExecution', {
      pipelineName: 'delivery',
      pipelineExecutionId,
    });
    return pipelineExecution?.status === 'Failed';
  });
  const { stageStates = [] } = await tools.call<GetPipelineStateOutput>('codepipeline', 'GetPipelineState', {
    name: 'delivery',
  });
  const error = stageStates[2]?.actionStates?.[0]?.latestExecution?.errorDetails;
  expect(error?.code).toBe('PermissionError');
  expect(error?.message).toContain(`located in the Amazon S3 artifact bucket '${BUCKET}'`);
  await production.call('iam', 'PutRolePolicy', {
    RoleName: 'deploy-action',
    PolicyName: 'may',
    PolicyDocument: policy(DEPLOY_ACTION_MAY),
  });
  await tools.call('codepipeline', 'RetryStageExecution', {
    pipelineName: 'delivery',
    stageName: 'Deploy',
    pipelineExecutionId,
    retryMode: 'FAILED_ACTIONS',
  });
  await until('the deployment to be made', async () => {
    const { stageStates: states = [] } = await tools.call<GetPipelineStateOutput>('codepipeline', 'GetPipelineState', {
      name: 'delivery',
    });
    return states[2]?.actionStates?.[0]?.latestExecution?.externalExecutionId?.startsWith('d-');
  });
});

type Job = Readonly<{
  'CodePipeline.job': {
    id: string;
    data: { actionConfiguration: { configuration: object }; encryptionKey?: { type: string } };
  };
}>;
