/**
 * One of each resource, all called `demo`, so that input that is only slightly wrong gets as far as it can: what is made
 * first, in this order, and the inputs that the models alone do not tell.
 */
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { ZipFile } from 'yazl';

const ACCOUNT = '000000000000';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/demo`;
const FUNCTION = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:demo`;
const ALL = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }],
});
const IDENTITY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});
const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: {
        AWS: '*',
        Service: ['codebuild', 'codedeploy', 'codepipeline', 'lambda', 'events'].map((name) => `${name}.amazonaws.com`),
      },
      Action: 'sts:AssumeRole',
    },
  ],
});
const APPSPEC = JSON.stringify({
  version: 0.0,
  Resources: [
    {
      demo: {
        Type: 'AWS::Lambda::Function',
        Properties: { Name: 'demo', Alias: 'demo', CurrentVersion: '1', TargetVersion: '1' },
      },
    },
  ],
});
const PIPELINE = {
  name: 'demo',
  roleArn: ROLE,
  artifactStore: { type: 'S3', location: 'demo' },
  stages: [
    {
      name: 'Source',
      actions: [
        {
          name: 'Source',
          actionTypeId: { category: 'Source', owner: 'AWS', provider: 'S3', version: '1' },
          outputArtifacts: [{ name: 'source' }],
          configuration: { S3Bucket: 'demo', S3ObjectKey: 'demo', PollForSourceChanges: 'false' },
        },
      ],
    },
    {
      name: 'Approve',
      actions: [
        { name: 'Approve', actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' } },
      ],
    },
  ],
};
const PROJECT = {
  name: 'demo',
  serviceRole: ROLE,
  source: { type: 'NO_SOURCE', buildspec: 'version: 0.2\nphases:\n  build:\n    commands:\n      - "true"\n' },
  artifacts: { type: 'NO_ARTIFACTS' },
  environment: { type: 'LINUX_CONTAINER', image: 'aws/codebuild/standard:7.0', computeType: 'BUILD_GENERAL1_SMALL' },
};
const NOW = new Date(1_767_225_600_000);
const LATER = new Date(1_767_229_200_000);

export type Input = Record<string, unknown>;

/** What an operation is given beside the plausible values of its required members. */
export async function bases(): Promise<Readonly<Record<string, Input>>> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from('exports.handler = async () => "demo";'), 'index.js');
  zip.end();
  const code = await buffer(zip.outputStream as Readable);
  const targets = [{ Id: 'demo', Arn: FUNCTION }];
  return {
    'kms.CreateAlias': { AliasName: 'alias/demo' },
    'organizations.CreateOrganization': { FeatureSet: 'ALL' },
    'iam.CreateRole': { AssumeRolePolicyDocument: TRUST },
    'iam.UpdateAssumeRolePolicy': { PolicyDocument: TRUST },
    'iam.PutRolePolicy': { PolicyDocument: IDENTITY },
    'iam.CreatePolicyVersion': { PolicyArn: `arn:aws:iam::${ACCOUNT}:policy/demo`, PolicyDocument: IDENTITY },
    'iam.CreateAccessKey': { UserName: 'demo' },
    'iam.CreateServiceSpecificCredential': { UserName: 'demo', ServiceName: 'codecommit.amazonaws.com' },
    'iam.PutRolePermissionsBoundary': { PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' },
    'iam.PutUserPermissionsBoundary': { PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' },
    'lambda.CreateFunction': { Runtime: 'nodejs22.x', Handler: 'index.handler', Role: ROLE, Code: { ZipFile: code } },
    'lambda.UpdateFunctionCode': { ZipFile: code },
    'lambda.CreateAlias': { FunctionVersion: '1' },
    'lambda.AddPermission': { Action: 'lambda:InvokeFunction', Principal: 'events.amazonaws.com', StatementId: 'demo' },
    'codebuild.CreateProject': PROJECT,
    'codepipeline.CreatePipeline': { pipeline: PIPELINE },
    'codepipeline.UpdatePipeline': { pipeline: PIPELINE },
    'codepipeline.PutApprovalResult': { stageName: 'Approve', actionName: 'Approve' },
    'codedeploy.CreateApplication': { applicationName: 'demo', computePlatform: 'Lambda' },
    'codedeploy.UpdateApplication': { applicationName: 'demo' },
    'codedeploy.CreateDeploymentGroup': {
      serviceRoleArn: ROLE,
      deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
      deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
    },
    'codedeploy.UpdateDeploymentGroup': { currentDeploymentGroupName: 'demo' },
    'codedeploy.CreateDeployment': {
      deploymentGroupName: 'demo',
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content: APPSPEC } },
    },
    'codedeploy.RegisterApplicationRevision': {
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content: APPSPEC } },
    },
    'codedeploy.CreateDeploymentConfig': {
      computePlatform: 'Lambda',
      trafficRoutingConfig: { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 10, canaryInterval: 5 } },
    },
    'cloudwatch.PutMetricAlarm': {
      MetricName: 'demo',
      Namespace: 'demo',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
    },
    'cloudwatch.PutMetricData': { MetricData: [{ MetricName: 'demo', Value: 1 }] },
    'cloudwatch.GetMetricStatistics': { StartTime: NOW, EndTime: LATER, Statistics: ['Sum'], Period: 60 },
    'cloudwatch.GetMetricData': {
      StartTime: NOW,
      EndTime: LATER,
      MetricDataQueries: [
        { Id: 'demo', MetricStat: { Metric: { Namespace: 'demo', MetricName: 'demo' }, Period: 60, Stat: 'Sum' } },
      ],
    },
    'events.PutRule': { EventPattern: '{"source":["demo"]}' },
    'events.PutTargets': { Targets: targets },
    'events.PutPermission': { StatementId: 'demo', Action: 'events:PutEvents', Principal: '*' },
    'events.PutEvents': { Entries: [{ Source: 'demo', DetailType: 'demo', Detail: '{}' }] },
    'sns.Publish': { TopicArn: `arn:aws:sns:us-east-1:${ACCOUNT}:demo` },
    'secretsmanager.CreateSecret': { SecretString: 'demo' },
    'secretsmanager.PutSecretValue': { SecretString: 'demo' },
    'ssm.PutParameter': { Type: 'String' },
    'ssm.AddTagsToResource': { ResourceType: 'Parameter' },
    's3.PutObject': { Body: Buffer.from('demo') },
    's3.PutBucketVersioning': { VersioningConfiguration: { Status: 'Enabled' } },
    's3.PutBucketPolicy': { Policy: ALL },
    's3.PutBucketAcl': { ACL: 'private' },
    's3.PutBucketEncryption': {
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    },
    'logs.CreateLogStream': { logGroupName: 'demo' },
    'codecommit.CreateCommit': {
      branchName: 'demo',
      putFiles: [{ filePath: 'demo', fileContent: Buffer.from('demo') }],
    },
  };
}

/** What must be there first: `service.Operation`, in order. */
export const SEEDS = [
  'iam.CreateRole',
  'iam.PutRolePolicy',
  'iam.CreateUser',
  'iam.CreatePolicy',
  'kms.CreateKey',
  'kms.CreateAlias',
  'organizations.CreateOrganization',
  's3.CreateBucket',
  's3.PutBucketVersioning',
  's3.PutObject',
  'lambda.CreateFunction',
  'lambda.PublishVersion',
  'lambda.CreateAlias',
  'codebuild.CreateProject',
  'codepipeline.CreatePipeline',
  'codedeploy.CreateApplication',
  'codedeploy.CreateDeploymentGroup',
  'codecommit.CreateRepository',
  'codecommit.CreateCommit',
  'logs.CreateLogGroup',
  'logs.CreateLogStream',
  'sqs.CreateQueue',
  'sns.CreateTopic',
  'events.PutRule',
  'events.PutTargets',
  'cloudwatch.PutMetricAlarm',
  'secretsmanager.CreateSecret',
  'ssm.PutParameter',
] as const;
