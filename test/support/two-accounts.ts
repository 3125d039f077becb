/**
 * A pipeline over two accounts, and two Regions if wanted, whose every permission is a statement of its own, so that a test
 * can take any of them away. In the tools account: a source in S3 and one in CodeCommit, a build with a parameter and a
 * secret, a static site; in the production account, by an action role: CodeDeploy, which shifts a Lambda alias under an
 * alarm. All of it lies under customer managed keys. Everything is made by calls of the API.
 */
import type { TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';
import { zipOf } from './functions.ts';

export const PRODUCTION = '222222222222';
export const TWO_ACCOUNTS_SERVICES = [
  'kms',
  's3',
  'logs',
  'events',
  'ssm',
  'secretsmanager',
  'lambda',
  'codecommit',
  'codebuild',
  'codedeploy',
  'codepipeline',
  'cloudwatch',
];

const ARTIFACTS = 'two-accounts-artifacts';
const SOURCE = 'two-accounts-source';
const SITE = 'two-accounts-site';

type RoleName = 'pipeline' | 'build' | 'deploy-action' | 'codedeploy' | 'function';
const ROLES: readonly RoleName[] = ['pipeline', 'build', 'deploy-action', 'codedeploy', 'function'];

/** Where a permission is written. `there`: in the Region of the deployment. */
type Policy =
  | Readonly<{ kind: 'identity'; role: RoleName }>
  | Readonly<{ kind: 'trust'; role: RoleName }>
  | Readonly<{ kind: 'key'; at: 'here' | 'there' }>
  | Readonly<{ kind: 'bucket'; at: 'here' | 'there' }>;

export type Statement = Readonly<Record<string, unknown>>;
export type Grant = Readonly<{ name: string; in: Policy; statement: Statement }>;

export interface TwoAccounts {
  readonly pipeline: string;
  readonly grants: readonly Grant[];
  /** Writes every policy without the grants of these names, and with these statements beside. */
  set(removed: ReadonlySet<string>, added?: readonly Grant[]): Promise<void>;
  /** What a deployment changed, as it was before. */
  restoreAlias(): Promise<void>;
  readonly tools: Client;
  readonly production: Client;
}

const BUILDSPEC = `
version: 0.2
env:
  parameter-store:
    TOKEN: /two-accounts/token
  secrets-manager:
    PASSWORD: two-accounts
phases:
  build:
    commands:
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

/** `deployRegion`: where the deployment is, if not in the Region of the pipeline. */
export async function makeTwoAccounts(sluice: TestSluice, deployRegion = sluice.region): Promise<TwoAccounts> {
  const { account, region } = sluice;
  const twoRegions = deployRegion !== region;
  const rootOf = (of: string, where: string): Client =>
    sluice.house.door.as({ type: 'Root', account: of, arn: `arn:aws:iam::${of}:root` }, { account: of, region: where });
  const tools = rootOf(account, region);
  const toolsThere = rootOf(account, deployRegion);
  const production = rootOf(PRODUCTION, deployRegion);
  const ofTools = (name: RoleName): boolean => name === 'pipeline' || name === 'build';
  const role = (name: RoleName): string => `arn:aws:iam::${ofTools(name) ? account : PRODUCTION}:role/${name}`;
  const clientOf = (name: RoleName): Client => (ofTools(name) ? tools : production);

  // Roles first: the policies of keys and buckets name them.
  for (const name of ROLES) {
    await clientOf(name).call('iam', 'CreateRole', {
      RoleName: name,
      AssumeRolePolicyDocument: document([KEPT_TRUST]),
    });
  }
  const makeKey = async (client: Client): Promise<string> =>
    (await client.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', {})).KeyMetadata.Arn;
  const key = await makeKey(tools);
  const keyThere = twoRegions ? await makeKey(toolsThere) : key;
  const bucketThere = twoRegions ? `${ARTIFACTS}-there` : ARTIFACTS;
  const places = {
    here: { key, bucket: ARTIFACTS, client: tools },
    there: { key: keyThere, bucket: bucketThere, client: toolsThere },
  };

  const trusts: Readonly<Record<RoleName, object>> = {
    pipeline: { Service: 'codepipeline.amazonaws.com' },
    build: { Service: 'codebuild.amazonaws.com' },
    'deploy-action': { AWS: role('pipeline') },
    codedeploy: { Service: 'codedeploy.amazonaws.com' },
    function: { Service: 'lambda.amazonaws.com' },
  };
  const trust = (name: RoleName): Grant => ({
    name: `trust of ${name}`,
    in: { kind: 'trust', role: name },
    statement: { Effect: 'Allow', Principal: trusts[name], Action: 'sts:AssumeRole' },
  });
  const may = (name: RoleName, Action: string, Resource = '*'): Grant => ({
    name: `${name} may ${Action}${Resource === '*' ? '' : ` on ${Resource}`}`,
    in: { kind: 'identity', role: name },
    statement: { Effect: 'Allow', Action, Resource },
  });
  const each = (name: RoleName, actions: readonly string[], resource?: string): Grant[] =>
    actions.map((action) => may(name, action, resource));
  const at = twoRegions ? ('there' as const) : ('here' as const);
  const inKey = (where: 'here' | 'there', name: string, Principal: object, Action: string | string[]): Grant => ({
    name: `key lets ${name}`,
    in: { kind: 'key', at: where },
    statement: { Effect: 'Allow', Principal, Action, Resource: '*' },
  });
  const inBucket = (name: RoleName): Grant => ({
    name: `bucket lets ${name}`,
    in: { kind: 'bucket', at },
    statement: {
      Effect: 'Allow',
      Principal: { AWS: role(name) },
      Action: 's3:GetObjectVersion',
      Resource: `arn:aws:s3:::${bucketThere}/*`,
    },
  });
  const itsAccount = { AWS: `arn:aws:iam::${account}:root` };
  const keyUse = ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:Encrypt'];
  const objects = `arn:aws:s3:::${ARTIFACTS}/*`;
  const objectsThere = `arn:aws:s3:::${bucketThere}/*`;
  const grants: readonly Grant[] = [
    ...ROLES.filter((name) => name !== 'function').map(trust),
    may('pipeline', 's3:GetBucketVersioning', `arn:aws:s3:::${SOURCE}`),
    may('pipeline', 's3:GetObject', `arn:aws:s3:::${SOURCE}/*`),
    ...each('pipeline', ['codecommit:GetBranch', 'codecommit:GetCommit']),
    ...each('pipeline', ['codecommit:UploadArchive', 'codecommit:GetUploadArchiveStatus']),
    ...each('pipeline', ['s3:PutObject', 's3:GetObject', 's3:GetObjectVersion'], objects),
    ...each('pipeline', ['kms:GenerateDataKey', 'kms:Decrypt'], key),
    ...(twoRegions
      ? [may('pipeline', 's3:PutObject', objectsThere), may('pipeline', 'kms:GenerateDataKey', keyThere)]
      : []),
    ...each('pipeline', ['codebuild:StartBuild', 'codebuild:BatchGetBuilds']),
    may('pipeline', 'sts:AssumeRole', role('deploy-action')),
    may('pipeline', 's3:PutObject', `arn:aws:s3:::${SITE}/*`),
    ...each('build', ['logs:CreateLogStream', 'logs:CreateLogGroup', 'logs:PutLogEvents']),
    ...each('build', ['s3:GetObjectVersion', 's3:PutObject'], objects),
    ...each('build', ['kms:GenerateDataKey', 'kms:Decrypt'], key),
    ...each('build', ['ssm:GetParameters', 'secretsmanager:GetSecretValue']),
    may('deploy-action', 's3:GetObjectVersion', objectsThere),
    may('deploy-action', 'kms:Decrypt', keyThere),
    ...each('deploy-action', ['codedeploy:CreateDeployment', 'codedeploy:GetDeployment']),
    ...each('deploy-action', ['codedeploy:GetDeploymentConfig', 'codedeploy:RegisterApplicationRevision']),
    may('codedeploy', 's3:GetObjectVersion', objectsThere),
    may('codedeploy', 'kms:Decrypt', keyThere),
    ...each('codedeploy', ['lambda:GetAlias', 'lambda:UpdateAlias', 'cloudwatch:DescribeAlarms']),
    inKey('here', 'its account', itsAccount, keyUse),
    ...(twoRegions ? [inKey('there', 'its account there', itsAccount, keyUse)] : []),
    inKey(at, 'deploy-action', { AWS: role('deploy-action') }, 'kms:Decrypt'),
    inKey(at, 'codedeploy', { AWS: role('codedeploy') }, 'kms:Decrypt'),
    inBucket('deploy-action'),
    inBucket('codedeploy'),
  ];

  const kept = (policy: Policy): readonly Statement[] => {
    switch (policy.kind) {
      case 'identity':
        return [{ Effect: 'Allow', Action: 'ec2:DescribeRegions', Resource: '*' }];
      case 'trust':
        return policy.role === 'function' ? [KEPT_TRUST, trust('function').statement] : [KEPT_TRUST];
      case 'key':
        return [
          { Effect: 'Allow', Principal: itsAccount, Action: ['kms:PutKeyPolicy', 'kms:DescribeKey'], Resource: '*' },
        ];
      default: {
        const bucket = `arn:aws:s3:::${places[policy.at].bucket}`;
        return [{ Effect: 'Deny', Principal: '*', Action: 's3:DeleteBucket', Resource: bucket }];
      }
    }
  };
  const written = new Map<string, string>();
  const write = async (policy: Policy, statements: readonly Statement[]): Promise<void> => {
    const text = document([...kept(policy), ...statements]);
    const id = JSON.stringify(policy);
    if (written.get(id) === text) return;
    written.set(id, text);
    if (policy.kind === 'key' || policy.kind === 'bucket') {
      const { client, key: KeyId, bucket: Bucket } = places[policy.at];
      await (policy.kind === 'key'
        ? client.call('kms', 'PutKeyPolicy', { KeyId, PolicyName: 'default', Policy: text })
        : client.call('s3', 'PutBucketPolicy', { Bucket, Policy: text }));
    } else if (policy.kind === 'identity') {
      const input = { RoleName: policy.role, PolicyName: 'may', PolicyDocument: text };
      await clientOf(policy.role).call('iam', 'PutRolePolicy', input);
    } else {
      const input = { RoleName: policy.role, PolicyDocument: text };
      await clientOf(policy.role).call('iam', 'UpdateAssumeRolePolicy', input);
    }
  };
  const policies: readonly Policy[] = [
    ...ROLES.flatMap((name): Policy[] => [
      { kind: 'identity', role: name },
      { kind: 'trust', role: name },
    ]),
    ...(twoRegions ? (['here', 'there'] as const) : (['here'] as const)).flatMap((where): Policy[] => [
      { kind: 'key', at: where },
      { kind: 'bucket', at: where },
    ]),
  ];
  const set = async (removed: ReadonlySet<string>, added: readonly Grant[] = []): Promise<void> => {
    const all = [...grants.filter(({ name }) => !removed.has(name)), ...added];
    for (const policy of policies) {
      const of = all.filter((grant) => JSON.stringify(grant.in) === JSON.stringify(policy));
      await write(
        policy,
        of.map(({ statement }) => statement),
      );
    }
  };

  for (const [bucket, client] of [
    [ARTIFACTS, tools],
    [SOURCE, tools],
    [SITE, tools],
    ...(twoRegions ? [[bucketThere, toolsThere] as const] : []),
  ] as const) {
    const where = client.scope.region;
    await client.call('s3', 'CreateBucket', {
      Bucket: bucket,
      ...(where === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: where } }),
    });
    const VersioningConfiguration = { Status: 'Enabled' };
    if (bucket !== SITE) await client.call('s3', 'PutBucketVersioning', { Bucket: bucket, VersioningConfiguration });
  }
  await set(new Set());
  await makeSources(tools, key);
  await tools.call('codebuild', 'CreateProject', {
    name: 'compile',
    source: { type: 'CODEPIPELINE', buildspec: BUILDSPEC },
    artifacts: { type: 'CODEPIPELINE' },
    environment: { type: 'LINUX_CONTAINER', image: 'aws/codebuild/standard:7.0', computeType: 'BUILD_GENERAL1_SMALL' },
    serviceRole: role('build'),
    encryptionKey: key,
  });
  await makeTarget(production, role('function'), role('codedeploy'));
  const pipeline = 'two-accounts';
  const store = (where: 'here' | 'there'): object => ({
    type: 'S3',
    location: places[where].bucket,
    encryptionKey: { id: places[where].key, type: 'KMS' },
  });
  await tools.call('codepipeline', 'CreatePipeline', {
    pipeline: {
      name: pipeline,
      roleArn: role('pipeline'),
      ...(twoRegions
        ? { artifactStores: { [region]: store('here'), [deployRegion]: store('there') } }
        : { artifactStore: store('here') }),
      stages: stagesOf(role('deploy-action'), twoRegions ? { region: deployRegion } : {}),
    },
  });
  const restoreAlias = async (): Promise<void> => {
    await production.call('lambda', 'UpdateAlias', { FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' });
  };
  return { pipeline, grants, set, restoreAlias, tools, production };
}

/** A policy is never empty. */
const KEPT_TRUST: Statement = {
  Effect: 'Allow',
  Principal: { Service: 'ec2.amazonaws.com' },
  Action: 'sts:AssumeRole',
};

async function makeSources(tools: Client, key: string): Promise<void> {
  await tools.call('s3', 'PutObject', {
    Bucket: SOURCE,
    Key: 'source.zip',
    Body: await zipOf({ 'readme.md': 'nothing to see' }),
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: key,
  });
  await tools.call('codecommit', 'CreateRepository', { repositoryName: 'settings' });
  await tools.call('codecommit', 'PutFile', {
    repositoryName: 'settings',
    branchName: 'main',
    fileContent: new TextEncoder().encode('colour = green\n'),
    filePath: 'settings.txt',
  });
  const parameter = { Name: '/two-accounts/token', Type: 'SecureString', Value: 'hush', KeyId: key };
  await tools.call('ssm', 'PutParameter', parameter);
  const secret = { Name: 'two-accounts', SecretString: 'hush as well', KmsKeyId: key };
  await tools.call('secretsmanager', 'CreateSecret', secret);
}

async function makeTarget(production: Client, functionRole: string, codedeployRole: string): Promise<void> {
  for (const version of [1, 2]) {
    const ZipFile = await zipOf({ 'index.mjs': `export const handler = async () => ${version};` });
    const definition = { Role: functionRole, Runtime: 'nodejs20.x', Handler: 'index.handler', Code: { ZipFile } };
    await (version === 1
      ? production.call('lambda', 'CreateFunction', { FunctionName: 'greeter', ...definition })
      : production.call('lambda', 'UpdateFunctionCode', { FunctionName: 'greeter', ZipFile }));
    await production.call('lambda', 'PublishVersion', { FunctionName: 'greeter' });
  }
  await production.call('lambda', 'CreateAlias', { FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' });
  await production.call('cloudwatch', 'PutMetricAlarm', {
    AlarmName: 'greeter-errors',
    Namespace: 'Test',
    MetricName: 'Errors',
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
  });
  await production.call('codedeploy', 'CreateApplication', { applicationName: 'app', computePlatform: 'Lambda' });
  await production.call('codedeploy', 'CreateDeploymentGroup', {
    applicationName: 'app',
    deploymentGroupName: 'group',
    serviceRoleArn: codedeployRole,
    deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
    deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
    alarmConfiguration: { enabled: true, alarms: [{ name: 'greeter-errors' }] },
  });
}

function stagesOf(deployActionRole: string, where: Readonly<{ region?: string }>): readonly object[] {
  const type = (category: string, provider: string) => ({ category, owner: 'AWS', provider, version: '1' });
  return [
    {
      name: 'Source',
      actions: [
        {
          name: 'Fetch',
          actionTypeId: type('Source', 'S3'),
          configuration: { S3Bucket: SOURCE, S3ObjectKey: 'source.zip', PollForSourceChanges: 'false' },
          outputArtifacts: [{ name: 'source' }],
        },
        {
          name: 'Settings',
          runOrder: 2,
          actionTypeId: type('Source', 'CodeCommit'),
          configuration: { RepositoryName: 'settings', BranchName: 'main', PollForSourceChanges: 'false' },
          outputArtifacts: [{ name: 'settings' }],
        },
      ],
    },
    {
      name: 'Build',
      actions: [
        {
          name: 'Compile',
          actionTypeId: type('Build', 'CodeBuild'),
          configuration: { ProjectName: 'compile', PrimarySource: 'source' },
          inputArtifacts: [{ name: 'source' }, { name: 'settings' }],
          outputArtifacts: [{ name: 'built' }],
        },
      ],
    },
    {
      name: 'Deploy',
      actions: [
        {
          name: 'Shift',
          ...where,
          actionTypeId: type('Deploy', 'CodeDeploy'),
          configuration: { ApplicationName: 'app', DeploymentGroupName: 'group' },
          inputArtifacts: [{ name: 'built' }],
          roleArn: deployActionRole,
        },
        {
          name: 'Site',
          runOrder: 2,
          actionTypeId: type('Deploy', 'S3'),
          configuration: { BucketName: SITE, Extract: 'true' },
          inputArtifacts: [{ name: 'built' }],
        },
      ],
    },
  ];
}

function document(statements: readonly Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}
