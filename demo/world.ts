/**
 * The demo's world, made only through the public API: two accounts, roles that trust each other by policy, a key, an
 * artifact bucket, a repository, a build project, a function behind an alias, an alarm, a deployment group, a pipeline.
 */
import { CloudWatchClient, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { CodeBuildClient, CreateProjectCommand } from '@aws-sdk/client-codebuild';
import { CodeCommitClient, CreateRepositoryCommand } from '@aws-sdk/client-codecommit';
import { CodeDeployClient, CreateApplicationCommand, CreateDeploymentGroupCommand } from '@aws-sdk/client-codedeploy';
import { CodePipelineClient, CreatePipelineCommand } from '@aws-sdk/client-codepipeline';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateServiceSpecificCredentialCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { CreateAliasCommand as CreateKeyAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateAliasCommand, CreateFunctionCommand, LambdaClient, PublishVersionCommand } from '@aws-sdk/client-lambda';
import {
  CreateAccountCommand,
  CreateOrganizationCommand,
  DescribeCreateAccountStatusCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations';
import { CreateBucketCommand, PutBucketPolicyCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { ZipFile } from 'yazl';
import { BOOTSTRAP_HANDLER } from './service.ts';

export const REGION = 'us-east-1';
export const FUNCTION = 'greeter';
export const ALIAS = 'live';
export const ALARM = 'greeter-errors';
export const APPLICATION = 'greeter';
export const GROUP = 'greeter-live';
export const PIPELINE = 'greeter';
export const REPOSITORY = 'greeter';
export const PROJECT = 'greeter-build';

export type Credentials = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;
export type ClientConfig = Readonly<{ endpoint: string; region: string; credentials: Credentials }>;

export type World = Readonly<{
  tools: Readonly<{ account: string; config: ClientConfig }>;
  production: Readonly<{ account: string; config: ClientConfig }>;
  /** With user and password: `http://user:password@127.0.0.1:port/v1/repos/greeter`. */
  gitUrl: string;
  pipelineRoleArn: string;
}>;

export type WorldOptions = Readonly<{
  endpoint: string;
  /** Where the build finds `@aws-sdk/...` and `yazl`: what the build image of AWS has as its CLI. */
  nodePath: string;
  report: (line: string) => void;
}>;

export async function makeWorld({ endpoint, nodePath, report }: WorldOptions): Promise<World> {
  const root: ClientConfig = {
    endpoint,
    region: REGION,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const admin = await makeAdministrator(root);
  const tools = await makeAccount(admin, 'tools');
  const production = await makeAccount(admin, 'production');
  report(`accounts   tools ${tools.account}, production ${production.account}`);

  const arn = (account: string, role: string): string => `arn:aws:iam::${account}:role/${role}`;
  const names = {
    pipelineRole: arn(tools.account, 'greeter-pipeline'),
    buildRole: arn(tools.account, 'greeter-build'),
    eventsRole: arn(tools.account, 'greeter-start'),
    executionRole: arn(production.account, 'greeter-function'),
    publisherRole: arn(production.account, 'greeter-publisher'),
    actionRole: arn(production.account, 'greeter-deploy-action'),
    codedeployRole: arn(production.account, 'greeter-codedeploy'),
  };
  const bucket = `greeter-artifacts-${tools.account}`;
  const functionArn = `arn:aws:lambda:${REGION}:${production.account}:function:${FUNCTION}`;

  const toolsIam = new IAMClient(tools.config);
  const productionIam = new IAMClient(production.config);
  const pipelineArn = `arn:aws:codepipeline:${REGION}:${tools.account}:${PIPELINE}`;
  const repositoryArn = `arn:aws:codecommit:${REGION}:${tools.account}:${REPOSITORY}`;
  const projectArn = `arn:aws:codebuild:${REGION}:${tools.account}:project/${PROJECT}`;

  await makeRole(toolsIam, 'greeter-pipeline', service('codepipeline'));
  await makeRole(toolsIam, 'greeter-build', service('codebuild'));
  await makeRole(toolsIam, 'greeter-start', service('events'));
  await makeRole(productionIam, 'greeter-function', service('lambda'));
  await makeRole(productionIam, 'greeter-publisher', { AWS: names.buildRole });
  await makeRole(productionIam, 'greeter-deploy-action', { AWS: names.pipelineRole });
  await makeRole(productionIam, 'greeter-codedeploy', service('codedeploy'));

  const keyArn = await makeKey(new KMSClient(tools.config), tools.account, [
    names.pipelineRole,
    names.buildRole,
    names.actionRole,
    names.codedeployRole,
  ]);
  const objects = `arn:aws:s3:::${bucket}/*`;
  await grant(toolsIam, 'greeter-pipeline', [
    allow(['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'], objects),
    allow(['s3:GetBucketVersioning', 's3:GetBucketLocation', 's3:ListBucket'], `arn:aws:s3:::${bucket}`),
    allow(['kms:Decrypt', 'kms:GenerateDataKey', 'kms:Encrypt', 'kms:DescribeKey'], keyArn),
    allow(
      [
        'codecommit:GetBranch',
        'codecommit:GetCommit',
        'codecommit:GetRepository',
        'codecommit:GitPull',
        'codecommit:GetFolder',
        'codecommit:GetFile',
        'codecommit:GetBlob',
        'codecommit:UploadArchive',
        'codecommit:GetUploadArchiveStatus',
        'codecommit:CancelUploadArchive',
      ],
      repositoryArn,
    ),
    allow(['codebuild:StartBuild', 'codebuild:BatchGetBuilds', 'codebuild:StopBuild'], projectArn),
    allow(['sts:AssumeRole'], names.actionRole),
  ]);
  await grant(toolsIam, 'greeter-build', [
    allow(['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'], objects),
    allow(['s3:GetBucketLocation', 's3:GetBucketAcl'], `arn:aws:s3:::${bucket}`),
    allow(['kms:Decrypt', 'kms:GenerateDataKey', 'kms:Encrypt', 'kms:DescribeKey'], keyArn),
    allow(
      ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      `arn:aws:logs:${REGION}:${tools.account}:log-group:/aws/codebuild/*`,
    ),
    allow(['sts:AssumeRole'], names.publisherRole),
  ]);
  await grant(toolsIam, 'greeter-start', [allow(['codepipeline:StartPipelineExecution'], pipelineArn)]);
  await grant(productionIam, 'greeter-function', [
    allow(
      ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      `arn:aws:logs:${REGION}:${production.account}:log-group:/aws/lambda/*`,
    ),
  ]);
  await grant(productionIam, 'greeter-publisher', [
    allow(
      ['lambda:UpdateFunctionCode', 'lambda:PublishVersion', 'lambda:GetFunction', 'lambda:GetAlias'],
      [functionArn, `${functionArn}:*`],
    ),
  ]);
  await grant(productionIam, 'greeter-deploy-action', [
    allow(
      [
        'codedeploy:CreateDeployment',
        'codedeploy:GetDeployment',
        'codedeploy:GetDeploymentConfig',
        'codedeploy:GetApplicationRevision',
        'codedeploy:RegisterApplicationRevision',
        'codedeploy:GetApplication',
        'codedeploy:GetDeploymentGroup',
        'codedeploy:StopDeployment',
      ],
      '*',
    ),
    allow(['s3:GetObject', 's3:GetObjectVersion'], objects),
    allow(['kms:Decrypt'], keyArn),
  ]);
  await grant(productionIam, 'greeter-codedeploy', [
    allow(
      [
        'lambda:GetAlias',
        'lambda:UpdateAlias',
        'lambda:GetFunction',
        'lambda:GetFunctionConfiguration',
        'lambda:GetProvisionedConcurrencyConfig',
      ],
      [functionArn, `${functionArn}:*`],
    ),
    allow(['lambda:InvokeFunction'], `arn:aws:lambda:*:*:function:CodeDeployHook_*`),
    allow(['cloudwatch:DescribeAlarms'], '*'),
    allow(['s3:GetObject', 's3:GetObjectVersion'], objects),
    allow(['kms:Decrypt'], keyArn),
  ]);
  report('roles      seven, with trust and permission policies; nothing is allowed that they do not name');

  await makeBucket(new S3Client({ ...tools.config, forcePathStyle: true }), bucket, [
    names.actionRole,
    names.codedeployRole,
  ]);
  report(`artifacts  s3://${bucket}, encrypted under a customer managed key`);

  const codecommit = new CodeCommitClient(tools.config);
  await codecommit.send(
    new CreateRepositoryCommand({ repositoryName: REPOSITORY, repositoryDescription: 'the greeter service' }),
  );
  const gitUrl = await makeGitUrl(toolsIam, endpoint, repositoryArn);

  await new CodeBuildClient(tools.config).send(
    new CreateProjectCommand({
      name: PROJECT,
      source: { type: 'CODEPIPELINE' },
      artifacts: { type: 'CODEPIPELINE' },
      environment: {
        type: 'LINUX_CONTAINER',
        computeType: 'BUILD_GENERAL1_SMALL',
        image: 'aws/codebuild/standard:7.0',
        environmentVariables: [
          { name: 'FUNCTION_NAME', value: functionArn },
          { name: 'PUBLISHER_ROLE_ARN', value: names.publisherRole },
          { name: 'NODE_PATH', value: nodePath },
          { name: 'NODE_NO_WARNINGS', value: '1' },
        ],
      },
      serviceRole: names.buildRole,
      encryptionKey: keyArn,
    }),
  );
  await makeFunction(new LambdaClient(production.config), names.executionRole);
  report(`function   ${FUNCTION}, alias ${ALIAS} at version 1`);

  await new CloudWatchClient(production.config).send(
    new PutMetricAlarmCommand({
      AlarmName: ALARM,
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Dimensions: [
        { Name: 'FunctionName', Value: FUNCTION },
        { Name: 'Resource', Value: `${FUNCTION}:${ALIAS}` },
      ],
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
    }),
  );
  const codedeploy = new CodeDeployClient(production.config);
  await codedeploy.send(new CreateApplicationCommand({ applicationName: APPLICATION, computePlatform: 'Lambda' }));
  await codedeploy.send(
    new CreateDeploymentGroupCommand({
      applicationName: APPLICATION,
      deploymentGroupName: GROUP,
      deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
      serviceRoleArn: names.codedeployRole,
      deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
      alarmConfiguration: { enabled: true, alarms: [{ name: ALARM }] },
      autoRollbackConfiguration: { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'] },
    }),
  );
  report(`deployment ${GROUP}: 10 % for 5 minutes, then 100 %; alarm ${ALARM} rolls back`);

  await new CodePipelineClient(tools.config).send(
    new CreatePipelineCommand({
      pipeline: {
        name: PIPELINE,
        roleArn: names.pipelineRole,
        pipelineType: 'V2',
        executionMode: 'SUPERSEDED',
        artifactStore: { type: 'S3', location: bucket, encryptionKey: { id: keyArn, type: 'KMS' } },
        stages: [
          {
            name: 'Source',
            actions: [
              {
                name: 'Commit',
                actionTypeId: { category: 'Source', owner: 'AWS', provider: 'CodeCommit', version: '1' },
                configuration: { RepositoryName: REPOSITORY, BranchName: 'main', PollForSourceChanges: 'false' },
                outputArtifacts: [{ name: 'source' }],
                namespace: 'SourceVariables',
              },
            ],
          },
          {
            name: 'Build',
            actions: [
              {
                name: 'TestAndPublish',
                actionTypeId: { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' },
                configuration: { ProjectName: PROJECT },
                inputArtifacts: [{ name: 'source' }],
                outputArtifacts: [{ name: 'appspec' }],
                namespace: 'BuildVariables',
              },
            ],
          },
          {
            name: 'Approve',
            actions: [
              {
                name: 'Release',
                actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' },
                configuration: {
                  CustomData: 'Release #{BuildVariables.SERVICE_VERSION} of commit #{SourceVariables.CommitId}?',
                },
              },
            ],
          },
          {
            name: 'Deploy',
            actions: [
              {
                name: 'Canary',
                actionTypeId: { category: 'Deploy', owner: 'AWS', provider: 'CodeDeploy', version: '1' },
                configuration: { ApplicationName: APPLICATION, DeploymentGroupName: GROUP },
                inputArtifacts: [{ name: 'appspec' }],
                roleArn: names.actionRole,
              },
            ],
          },
        ],
      },
    }),
  );
  const events = new EventBridgeClient(tools.config);
  await events.send(
    new PutRuleCommand({
      Name: 'greeter-push',
      EventPattern: JSON.stringify({
        source: ['aws.codecommit'],
        'detail-type': ['CodeCommit Repository State Change'],
        resources: [repositoryArn],
        detail: { event: ['referenceCreated', 'referenceUpdated'], referenceType: ['branch'], referenceName: ['main'] },
      }),
    }),
  );
  await events.send(
    new PutTargetsCommand({
      Rule: 'greeter-push',
      Targets: [{ Id: 'pipeline', Arn: pipelineArn, RoleArn: names.eventsRole }],
    }),
  );
  report('pipeline   Source → Build → Approve → Deploy (as a role of the production account)');
  return { tools, production, gitUrl, pipelineRoleArn: names.pipelineRole };
}

/** A root account cannot assume roles, here as on AWS: a user of the first account does. */
async function makeAdministrator(root: ClientConfig): Promise<ClientConfig> {
  const iam = new IAMClient(root);
  await iam.send(new CreateUserCommand({ UserName: 'administrator' }));
  await iam.send(
    new AttachUserPolicyCommand({
      UserName: 'administrator',
      PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess',
    }),
  );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'administrator' }));
  return {
    ...root,
    credentials: { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' },
  };
}

async function makeAccount(
  root: ClientConfig,
  name: string,
): Promise<Readonly<{ account: string; config: ClientConfig }>> {
  const organizations = new OrganizationsClient(root);
  await organizations.send(new CreateOrganizationCommand({ FeatureSet: 'ALL' })).catch((error: unknown) => {
    if (!(error instanceof Error) || error.name !== 'AlreadyInOrganizationException') throw error;
  });
  const { CreateAccountStatus } = await organizations.send(
    new CreateAccountCommand({ AccountName: name, Email: `${name}@example.com` }),
  );
  let status = CreateAccountStatus;
  for (let tries = 0; status?.State === 'IN_PROGRESS' && tries < 100; tries++) {
    status = (
      await organizations.send(new DescribeCreateAccountStatusCommand({ CreateAccountRequestId: status.Id ?? '' }))
    ).CreateAccountStatus;
  }
  const account = status?.AccountId;
  if (status?.State !== 'SUCCEEDED' || account === undefined)
    throw new Error(`the account ${name} could not be made: ${status?.FailureReason ?? status?.State}`);
  const { Credentials: given } = await new STSClient(root).send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${account}:role/OrganizationAccountAccessRole`,
      RoleSessionName: 'demo',
    }),
  );
  const credentials = {
    accessKeyId: given?.AccessKeyId ?? '',
    secretAccessKey: given?.SecretAccessKey ?? '',
    sessionToken: given?.SessionToken ?? '',
  };
  return { account, config: { ...root, credentials } };
}

function service(name: string): object {
  return { Service: `${name}.amazonaws.com` };
}

function allow(actions: readonly string[], resources: string | readonly string[]): object {
  return { Effect: 'Allow', Action: actions, Resource: resources };
}

function policy(statements: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

async function makeRole(iam: IAMClient, name: string, principal: object): Promise<void> {
  const trust = policy([{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }]);
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: trust }));
}

async function grant(iam: IAMClient, role: string, statements: readonly object[]): Promise<void> {
  await iam.send(
    new PutRolePolicyCommand({ RoleName: role, PolicyName: 'permissions', PolicyDocument: policy(statements) }),
  );
}

async function makeKey(kms: KMSClient, account: string, users: readonly string[]): Promise<string> {
  const keyPolicy = policy([
    {
      Sid: 'Account',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${account}:root` },
      Action: 'kms:*',
      Resource: '*',
    },
    {
      Sid: 'Users',
      Effect: 'Allow',
      Principal: { AWS: users },
      Action: ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'],
      Resource: '*',
    },
  ]);
  const { KeyMetadata } = await kms.send(
    new CreateKeyCommand({ Description: 'artifacts of greeter', Policy: keyPolicy }),
  );
  await kms.send(new CreateKeyAliasCommand({ AliasName: 'alias/greeter', TargetKeyId: KeyMetadata?.KeyId ?? '' }));
  return KeyMetadata?.Arn ?? '';
}

async function makeBucket(s3: S3Client, bucket: string, readers: readonly string[]): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  await s3.send(
    new PutBucketPolicyCommand({
      Bucket: bucket,
      Policy: policy([
        {
          Effect: 'Allow',
          Principal: { AWS: readers },
          Action: ['s3:GetObject', 's3:GetObjectVersion'],
          Resource: `arn:aws:s3:::${bucket}/*`,
        },
      ]),
    }),
  );
}

async function makeGitUrl(iam: IAMClient, endpoint: string, repositoryArn: string): Promise<string> {
  await iam.send(new CreateUserCommand({ UserName: 'developer' }));
  await iam.send(
    new PutUserPolicyCommand({
      UserName: 'developer',
      PolicyName: 'push',
      PolicyDocument: policy([allow(['codecommit:GitPull', 'codecommit:GitPush'], repositoryArn)]),
    }),
  );
  const { ServiceSpecificCredential: given } = await iam.send(
    new CreateServiceSpecificCredentialCommand({ UserName: 'developer', ServiceName: 'codecommit.amazonaws.com' }),
  );
  const url = new URL(`/v1/repos/${REPOSITORY}`, endpoint);
  url.username = encodeURIComponent(given?.ServiceUserName ?? '');
  url.password = encodeURIComponent(given?.ServicePassword ?? '');
  return url.href;
}

async function makeFunction(lambda: LambdaClient, role: string): Promise<void> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(BOOTSTRAP_HANDLER), 'index.mjs');
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: FUNCTION,
      Runtime: 'nodejs20.x',
      Handler: 'index.handler',
      Role: role,
      Code: { ZipFile: Buffer.concat(chunks) },
      Timeout: 3,
    }),
  );
  const { Version } = await lambda.send(new PublishVersionCommand({ FunctionName: FUNCTION }));
  await lambda.send(new CreateAliasCommand({ FunctionName: FUNCTION, Name: ALIAS, FunctionVersion: Version ?? '1' }));
}
