/**
 * The worked example of a cross-account, cross-Region delivery: a pipeline in one account, its targets in another account
 * and Region, with nothing granted that is not needed. Every grant has a name and can be taken away and given back.
 *
 *   tools (A)      us-east-1   source bucket, build, pipeline, artifact bucket `art-use1` under key K1
 *                  eu-west-1   artifact bucket `art-euw1` under key K2
 *   target (B)     eu-west-1   function `greeter`, CodeDeploy application          by role X, deploying with role D
 *                  us-east-1   bucket `site-of-b`                                  by role X
 */
import type { ActionExecutionDetail, ListActionExecutionsOutput } from '@aws-sdk/client-codepipeline';
import type { TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';
import { zipOf } from './functions.ts';

export const TARGET = '222222222222';
export const HOME = 'us-east-1';
export const AWAY = 'eu-west-1';
export const PIPELINE = 'delivery';

type Statement = Readonly<{
  Effect?: 'Deny';
  Principal?: unknown;
  Action: unknown;
  Resource?: unknown;
  Condition?: object;
}>;
/** A statement and the name by which a test takes it away; without a name it always stands. */
type Grant = Readonly<{ grant?: string; statement: Statement }>;

export type Ended = Readonly<{
  pipelineExecutionId: string;
  status: string;
  /** The last action execution of each action, by its name. */
  actions: Readonly<Record<string, ActionExecutionDetail>>;
}>;

export interface CrossAccountLayout {
  readonly tools: Client;
  readonly target: Client;
  readonly arns: Readonly<Record<'P' | 'C' | 'X' | 'D' | 'K1' | 'K2', string>>;
  /** Takes grants away, and gives all others back. */
  without(...grants: readonly string[]): Promise<void>;
  /** Runs the pipeline from its source to its end. */
  run(options?: Readonly<{ keepAlias?: boolean }>): Promise<Ended>;
  /** Retries what failed in a stage, and goes on to the end; what was deployed before is undone. */
  retry(pipelineExecutionId: string, stageName: string): Promise<Ended>;
  declaration(): Promise<Record<string, unknown>>;
  /** Deletes the pipeline's role and makes it anew, with the same name, trust and policy. */
  remakeP(): Promise<void>;
}

const BUILDSPEC = `
version: 0.2
phases:
  build:
    commands:
      - echo built > page.html
artifacts:
  files: [appspec.yml, page.html]
`;

const APPSPEC = `
version: 0.0
Resources:
  - greeter:
      Type: AWS::Lambda::Function
      Properties: { Name: greeter, Alias: live, CurrentVersion: "1", TargetVersion: "2" }
`;

const document = (statements: readonly Statement[]): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
  });

export async function crossAccountLayout(sluice: TestSluice): Promise<CrossAccountLayout> {
  const A = sluice.account;
  const root = (account: string, region = HOME): Client =>
    sluice.house.door.as({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` }, { account, region });
  const [tools, toolsAway, target, targetAway] = [root(A), root(A, AWAY), root(TARGET), root(TARGET, AWAY)];
  const roleArn = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`;
  const roles = { P: roleArn(A, 'P'), C: roleArn(A, 'C'), X: roleArn(TARGET, 'X'), D: roleArn(TARGET, 'D') };
  const key = async (client: Client): Promise<string> =>
    (await client.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', {})).KeyMetadata.Arn;
  const [K1, K2] = [await key(tools), await key(toolsAway)];
  const bucket = (name: string): string => `arn:aws:s3:::${name}`;
  const objectsOf = (name: string): string => `${bucket(name)}/*`;
  const readOf = ['s3:GetObject', 's3:GetObjectVersion'];
  const useOf = ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'];
  const owner = (account: string, grant = 'administration'): Grant => ({
    grant,
    // Administration alone: using the key is granted by name.
    statement: {
      Principal: { AWS: account },
      Action: ['kms:Put*', 'kms:Get*', 'kms:List*', 'kms:Describe*', 'kms:Enable*', 'kms:Disable*'],
      Resource: '*',
    },
  });
  const logs = {
    statement: { Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'], Resource: '*' },
  };

  const identity: Readonly<Record<string, readonly Grant[]>> = {
    P: [
      {
        statement: {
          Action: [...readOf, 's3:GetBucketVersioning'],
          Resource: [bucket('source-of-a'), objectsOf('source-of-a')],
        },
      },
      {
        grant: 'repository',
        statement: {
          Action: [
            'codecommit:GetBranch',
            'codecommit:GetCommit',
            'codecommit:UploadArchive',
            'codecommit:GetUploadArchiveStatus',
          ],
          Resource: `arn:aws:codecommit:${HOME}:${A}:code-of-a`,
        },
      },
      { grant: '4', statement: { Action: ['s3:PutObject', ...readOf], Resource: objectsOf('art-use1') } },
      { grant: '5 identity', statement: { Action: useOf, Resource: K1 } },
      { grant: '6 bucket', statement: { Action: ['s3:PutObject', ...readOf], Resource: objectsOf('art-euw1') } },
      { grant: '6 key', statement: { Action: useOf, Resource: K2 } },
      {
        grant: '7',
        statement: {
          Action: ['codebuild:StartBuild', 'codebuild:BatchGetBuilds'],
          Resource: `arn:aws:codebuild:${HOME}:${A}:project/compile`,
        },
      },
      { grant: '10', statement: { Action: 'sts:AssumeRole', Resource: roles.X } },
    ],
    C: [
      logs,
      { grant: '8', statement: { Action: readOf, Resource: objectsOf('art-use1') } },
      { grant: '8 key', statement: { Action: 'kms:Decrypt', Resource: K1 } },
      { grant: '9', statement: { Action: 's3:PutObject', Resource: objectsOf('art-use1') } },
      { grant: '9 key', statement: { Action: 'kms:GenerateDataKey', Resource: K1 } },
    ],
    X: [
      { grant: '14', statement: { Action: readOf, Resource: [objectsOf('art-euw1'), objectsOf('art-use1')] } },
      { grant: '16', statement: { Action: ['kms:Decrypt', 'kms:DescribeKey'], Resource: [K1, K2] } },
      {
        grant: '24',
        statement: {
          Action: [
            'codedeploy:CreateDeployment',
            'codedeploy:GetDeployment',
            'codedeploy:GetDeploymentConfig',
            'codedeploy:GetApplicationRevision',
            'codedeploy:RegisterApplicationRevision',
          ],
          Resource: '*',
        },
      },
      { statement: { Action: 's3:PutObject', Resource: objectsOf('site-of-b') } },
    ],
    D: [
      {
        statement: {
          Action: [
            'lambda:GetAlias',
            'lambda:UpdateAlias',
            'lambda:GetFunction',
            'lambda:GetFunctionConfiguration',
            'lambda:InvokeFunction',
            'cloudwatch:DescribeAlarms',
          ],
          Resource: '*',
        },
      },
      { statement: { Action: readOf, Resource: objectsOf('art-euw1') } },
      { statement: { Action: ['kms:Decrypt'], Resource: K2 } },
    ],
  };
  const trust: Readonly<Record<string, readonly Grant[]>> = {
    P: [{ grant: '2', statement: { Principal: { Service: 'codepipeline.amazonaws.com' }, Action: 'sts:AssumeRole' } }],
    C: [{ statement: { Principal: { Service: 'codebuild.amazonaws.com' }, Action: 'sts:AssumeRole' } }],
    X: [{ grant: '11', statement: { Principal: { AWS: A }, Action: 'sts:AssumeRole' } }],
    D: [{ statement: { Principal: { Service: 'codedeploy.amazonaws.com' }, Action: 'sts:AssumeRole' } }],
  };
  const keys: Readonly<Record<string, readonly Grant[]>> = {
    [K1]: [
      owner(A),
      // By root delegation: the identity policies of P and C count too.
      { grant: '5 key', statement: { Principal: { AWS: A }, Action: useOf, Resource: '*' } },
      {
        grant: '15 home',
        statement: { Principal: { AWS: TARGET }, Action: ['kms:Decrypt', 'kms:DescribeKey'], Resource: '*' },
      },
    ],
    [K2]: [
      owner(A),
      { grant: '6 key policy', statement: { Principal: { AWS: A }, Action: useOf, Resource: '*' } },
      {
        grant: '15',
        statement: { Principal: { AWS: TARGET }, Action: ['kms:Decrypt', 'kms:DescribeKey'], Resource: '*' },
      },
    ],
  };
  const encrypted = (name: string): Grant => ({
    grant: '26',
    statement: {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: objectsOf(name),
      Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' } },
    },
  });
  const buckets: Readonly<Record<string, readonly Grant[]>> = {
    'art-use1': [
      encrypted('art-use1'),
      { grant: '13 home', statement: { Principal: { AWS: TARGET }, Action: readOf, Resource: objectsOf('art-use1') } },
    ],
    'art-euw1': [
      encrypted('art-euw1'),
      { grant: '13', statement: { Principal: { AWS: TARGET }, Action: readOf, Resource: objectsOf('art-euw1') } },
    ],
  };

  const clientOf = (name: string): Client => (name === 'X' || name === 'D' ? target : tools);
  const inRegion = (name: string): Client => (name === 'art-euw1' || name === K2 ? toolsAway : tools);
  const standing = (grants: readonly Grant[], missing: ReadonlySet<string>): Statement[] =>
    grants.filter(({ grant }) => grant === undefined || !missing.has(grant)).map(({ statement }) => statement);
  const touched = (grants: readonly Grant[], changed: ReadonlySet<string>): boolean =>
    grants.some(({ grant }) => grant !== undefined && changed.has(grant));
  const apply = async (missing: ReadonlySet<string>, changes: (grants: readonly Grant[]) => boolean): Promise<void> => {
    for (const [name, grants] of Object.entries(identity)) {
      if (changes(grants))
        await clientOf(name).call('iam', 'PutRolePolicy', {
          RoleName: name,
          PolicyName: 'may',
          PolicyDocument: document(standing(grants, missing)),
        });
    }
    for (const [name, grants] of Object.entries(trust)) {
      const left = standing(grants, missing);
      // A trust policy cannot be empty: without its grant it trusts a service that has nothing to do with it.
      const nobody = { Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
      if (changes(grants))
        await clientOf(name).call('iam', 'UpdateAssumeRolePolicy', {
          RoleName: name,
          PolicyDocument: document(left.length > 0 ? left : [nobody]),
        });
    }
    for (const [keyId, grants] of Object.entries(keys))
      if (changes(grants))
        await inRegion(keyId).call('kms', 'PutKeyPolicy', {
          KeyId: keyId,
          PolicyName: 'default',
          Policy: document(standing(grants, missing)),
        });
    for (const [name, grants] of Object.entries(buckets))
      if (changes(grants))
        await inRegion(name).call('s3', 'PutBucketPolicy', {
          Bucket: name,
          Policy: document(standing(grants, missing)),
        });
  };

  for (const name of Object.keys(trust)) {
    await clientOf(name).call('iam', 'CreateRole', {
      RoleName: name,
      AssumeRolePolicyDocument: document((trust[name] ?? []).map(({ statement }) => statement)),
    });
  }
  for (const name of ['source-of-a', 'art-use1']) await makeBucket(tools, name);
  await makeBucket(toolsAway, 'art-euw1');
  await makeBucket(target, 'site-of-b');
  await apply(new Set(), () => true);
  await makeTarget(targetAway, roles.D);
  await tools.call('s3', 'PutObject', {
    Bucket: 'source-of-a',
    Key: 'source.zip',
    Body: await zipOf({ 'buildspec.yml': BUILDSPEC, 'appspec.yml': APPSPEC }),
  });
  await tools.call('codebuild', 'CreateProject', {
    name: 'compile',
    source: { type: 'CODEPIPELINE' },
    artifacts: { type: 'CODEPIPELINE' },
    environment: { type: 'LINUX_CONTAINER', image: 'aws/codebuild/standard:7.0', computeType: 'BUILD_GENERAL1_SMALL' },
    serviceRole: roles.C,
    encryptionKey: K1,
  });
  await tools.call('codepipeline', 'CreatePipeline', { pipeline: pipelineOf(roles, K1, K2) });

  let missing: ReadonlySet<string> = new Set();
  const resetAlias = (): Promise<unknown> =>
    targetAway.call('lambda', 'UpdateAlias', { FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' });
  const layout: CrossAccountLayout = {
    tools,
    target,
    arns: { ...roles, K1, K2 },
    async without(...grants) {
      const next = new Set(grants);
      const changed = new Set([...missing, ...next]);
      missing = next;
      await apply(next, (each) => touched(each, changed));
    },
    async run({ keepAlias = false } = {}) {
      if (!keepAlias) await resetAlias();
      const { pipelineExecutionId } = await tools.call<{ pipelineExecutionId: string }>(
        'codepipeline',
        'StartPipelineExecution',
        { name: PIPELINE },
      );
      return ended(sluice, tools, pipelineExecutionId);
    },
    async retry(pipelineExecutionId, stageName) {
      await resetAlias();
      await tools.call('codepipeline', 'RetryStageExecution', {
        pipelineName: PIPELINE,
        pipelineExecutionId,
        stageName,
        retryMode: 'FAILED_ACTIONS',
      });
      return ended(sluice, tools, pipelineExecutionId);
    },
    async remakeP() {
      const RoleName = 'P';
      await tools.call('iam', 'DeleteRolePolicy', { RoleName, PolicyName: 'may' });
      await tools.call('iam', 'DeleteRole', { RoleName });
      await tools.call('iam', 'CreateRole', {
        RoleName,
        AssumeRolePolicyDocument: document(standing(trust['P'] ?? [], missing)),
      });
      await apply(missing, (grants) => grants === identity['P']);
    },
    async declaration() {
      const { pipeline } = await tools.call<{ pipeline: Record<string, unknown> }>('codepipeline', 'GetPipeline', {
        name: PIPELINE,
      });
      return pipeline;
    },
  };
  // The execution that came with the pipeline.
  const { pipelineExecutionSummaries: [first] = [] } = await tools.call<{
    pipelineExecutionSummaries?: { pipelineExecutionId: string }[];
  }>('codepipeline', 'ListPipelineExecutions', { pipelineName: PIPELINE });
  if (first !== undefined) await ended(sluice, tools, first.pipelineExecutionId);
  return layout;
}

async function makeBucket(client: Client, name: string): Promise<void> {
  await client.call('s3', 'CreateBucket', {
    Bucket: name,
    ...(client.scope.region === HOME ? {} : { CreateBucketConfiguration: { LocationConstraint: client.scope.region } }),
  });
  await client.call('s3', 'PutBucketVersioning', { Bucket: name, VersioningConfiguration: { Status: 'Enabled' } });
}

async function makeTarget(client: Client, serviceRoleArn: string): Promise<void> {
  const { Role } = await client.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: 'function',
    AssumeRolePolicyDocument: document([{ Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }]),
  });
  for (const version of [1, 2]) {
    const ZipFile = await zipOf({ 'index.mjs': `export const handler = async () => ${version};` });
    if (version === 1)
      await client.call('lambda', 'CreateFunction', {
        FunctionName: 'greeter',
        Role: Role.Arn,
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Code: { ZipFile },
      });
    else await client.call('lambda', 'UpdateFunctionCode', { FunctionName: 'greeter', ZipFile });
    await client.call('lambda', 'PublishVersion', { FunctionName: 'greeter' });
  }
  await client.call('lambda', 'CreateAlias', { FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' });
  await client.call('codedeploy', 'CreateApplication', { applicationName: 'app', computePlatform: 'Lambda' });
  await client.call('codedeploy', 'CreateDeploymentGroup', {
    applicationName: 'app',
    deploymentGroupName: 'group',
    serviceRoleArn,
    deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
    deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
  });
}

export function pipelineOf(roles: Readonly<{ P: string; X: string }>, homeKey: string, awayKey: string) {
  const type = (category: string, provider: string) => ({ category, owner: 'AWS', provider, version: '1' });
  return {
    name: PIPELINE,
    roleArn: roles.P,
    artifactStores: {
      [HOME]: { type: 'S3', location: 'art-use1', encryptionKey: { id: homeKey, type: 'KMS' } },
      [AWAY]: { type: 'S3', location: 'art-euw1', encryptionKey: { id: awayKey, type: 'KMS' } },
    },
    stages: [
      {
        name: 'Source',
        actions: [
          {
            name: 'Fetch',
            actionTypeId: type('Source', 'S3'),
            configuration: { S3Bucket: 'source-of-a', S3ObjectKey: 'source.zip', PollForSourceChanges: 'false' },
            outputArtifacts: [{ name: 'source' }],
          },
        ],
      },
      {
        name: 'Build',
        actions: [
          {
            name: 'Compile',
            actionTypeId: type('Build', 'CodeBuild'),
            configuration: { ProjectName: 'compile' },
            inputArtifacts: [{ name: 'source' }],
            outputArtifacts: [{ name: 'built' }],
          },
        ],
      },
      {
        name: 'Deploy',
        actions: [
          {
            name: 'Away',
            runOrder: 1,
            region: AWAY,
            roleArn: roles.X,
            actionTypeId: type('Deploy', 'CodeDeploy'),
            configuration: { ApplicationName: 'app', DeploymentGroupName: 'group' },
            inputArtifacts: [{ name: 'built' }],
          },
          {
            name: 'Home',
            runOrder: 2,
            roleArn: roles.X,
            actionTypeId: type('Deploy', 'S3'),
            configuration: { BucketName: 'site-of-b', Extract: 'true' },
            inputArtifacts: [{ name: 'built' }],
          },
        ],
      },
    ],
  };
}

async function ended(sluice: TestSluice, tools: Client, pipelineExecutionId: string): Promise<Ended> {
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    const { pipelineExecution } = await tools.call<{ pipelineExecution: { status: string } }>(
      'codepipeline',
      'GetPipelineExecution',
      { pipelineName: PIPELINE, pipelineExecutionId },
    );
    const { actionExecutionDetails = [] } = await tools.call<ListActionExecutionsOutput>(
      'codepipeline',
      'ListActionExecutions',
      { pipelineName: PIPELINE, filter: { pipelineExecutionId } },
    );
    if (pipelineExecution.status !== 'InProgress') {
      return {
        pipelineExecutionId,
        status: pipelineExecution.status,
        actions: Object.fromEntries(
          actionExecutionDetails.toReversed().map((detail) => [detail.actionName ?? '', detail]),
        ),
      };
    }
    if (performance.now() > giveUpAt)
      throw new Error(`gave up waiting for ${pipelineExecutionId}: ${JSON.stringify(actionExecutionDetails)}`);
    await sluice.settled();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
