/**
 * A pipeline over two accounts whose every permission is a statement of its own, so that a test can take any of them away:
 * an S3 source and a build in the tools account, under a customer managed key, and CodeDeploy shifting a Lambda alias in
 * the production account by an action role. Everything is made by calls of the API.
 */
import type { TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';
import { zipOf } from './functions.ts';

export const PRODUCTION = '222222222222';
const BUCKET = 'two-accounts-artifacts';
const SOURCE = 'two-accounts-source';
const OBJECTS = `arn:aws:s3:::${BUCKET}/*`;

/** Where a permission is written. */
type Home = 'pipeline' | 'build' | 'deploy-action' | 'codedeploy' | 'function';
type Policy =
  | Readonly<{ kind: 'identity' | 'trust'; role: Home }>
  | Readonly<{ kind: 'key' }>
  | Readonly<{ kind: 'bucket' }>;

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

export async function makeTwoAccounts(sluice: TestSluice): Promise<TwoAccounts> {
  const { account, region } = sluice;
  const rootOf = (of: string): Client =>
    sluice.house.door.as({ type: 'Root', account: of, arn: `arn:aws:iam::${of}:root` }, { account: of, region });
  const [tools, production] = [rootOf(account), rootOf(PRODUCTION)];
  const role = (name: Home): string => {
    const owner = name === 'pipeline' || name === 'build' ? account : PRODUCTION;
    return `arn:aws:iam::${owner}:role/${name}`;
  };
  const clientOf = (name: Home): Client => (role(name).includes(PRODUCTION) ? production : tools);

  const trusts: Readonly<Record<Home, object>> = {
    pipeline: { Service: 'codepipeline.amazonaws.com' },
    build: { Service: 'codebuild.amazonaws.com' },
    'deploy-action': { AWS: role('pipeline') },
    codedeploy: { Service: 'codedeploy.amazonaws.com' },
    function: { Service: 'lambda.amazonaws.com' },
  };
  const trust = (name: Home): Grant => ({
    name: `trust of ${name}`,
    in: { kind: 'trust', role: name },
    statement: { Effect: 'Allow', Principal: trusts[name], Action: 'sts:AssumeRole' },
  });
  const may = (name: Home, Action: string, Resource = '*'): Grant => ({
    name: `${name} may ${Action}${Resource === '*' ? '' : ` on ${Resource}`}`,
    in: { kind: 'identity', role: name },
    statement: { Effect: 'Allow', Action, Resource },
  });
  const NAMES: readonly Home[] = ['pipeline', 'build', 'deploy-action', 'codedeploy', 'function'];
  const open = (): readonly Grant[] => NAMES.map(trust);

  // Roles first: the policies of key and bucket name them.
  for (const name of NAMES) {
    await clientOf(name).call('iam', 'CreateRole', {
      RoleName: name,
      AssumeRolePolicyDocument: document([
        { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ]),
    });
  }
  const { KeyMetadata } = await tools.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', {});
  const key = KeyMetadata.Arn;
  const inKey = (name: string, Principal: object, Action: string | string[]): Grant => ({
    name: `key lets ${name}`,
    in: { kind: 'key' },
    statement: { Effect: 'Allow', Principal, Action, Resource: '*' },
  });
  const inBucket = (name: Home, Action: string): Grant => ({
    name: `bucket lets ${name} ${Action}`,
    in: { kind: 'bucket' },
    statement: { Effect: 'Allow', Principal: { AWS: role(name) }, Action, Resource: OBJECTS },
  });
  const deployAction = [
    'codedeploy:CreateDeployment',
    'codedeploy:GetDeployment',
    'codedeploy:GetDeploymentConfig',
    'codedeploy:RegisterApplicationRevision',
  ];
  const grants: readonly Grant[] = [
    ...open().filter(({ name }) => name !== 'trust of function'),
    may('pipeline', 's3:GetBucketVersioning', `arn:aws:s3:::${SOURCE}`),
    may('pipeline', 's3:GetObject', `arn:aws:s3:::${SOURCE}/*`),
    may('pipeline', 's3:PutObject', OBJECTS),
    may('pipeline', 's3:GetObject', OBJECTS),
    may('pipeline', 's3:GetObjectVersion', OBJECTS),
    may('pipeline', 'kms:GenerateDataKey', key),
    may('pipeline', 'kms:Decrypt', key),
    may('pipeline', 'codebuild:StartBuild'),
    may('pipeline', 'codebuild:BatchGetBuilds'),
    may('pipeline', 'sts:AssumeRole', role('deploy-action')),
    may('build', 'logs:CreateLogStream'),
    may('build', 'logs:CreateLogGroup'),
    may('build', 'logs:PutLogEvents'),
    may('build', 's3:GetObjectVersion', OBJECTS),
    may('build', 's3:PutObject', OBJECTS),
    may('build', 'kms:GenerateDataKey', key),
    may('build', 'kms:Decrypt', key),
    may('build', 'ssm:GetParameters'),
    may('deploy-action', 's3:GetObjectVersion', OBJECTS),
    may('deploy-action', 'kms:Decrypt', key),
    ...deployAction.map((action) => may('deploy-action', action)),
    may('codedeploy', 's3:GetObjectVersion', OBJECTS),
    may('codedeploy', 'kms:Decrypt', key),
    may('codedeploy', 'lambda:GetAlias'),
    may('codedeploy', 'lambda:UpdateAlias'),
    inKey('its account', { AWS: `arn:aws:iam::${account}:root` }, [
      'kms:Decrypt',
      'kms:GenerateDataKey',
      'kms:Encrypt',
    ]),
    inKey('deploy-action', { AWS: role('deploy-action') }, 'kms:Decrypt'),
    inKey('codedeploy', { AWS: role('codedeploy') }, 'kms:Decrypt'),
    inBucket('deploy-action', 's3:GetObjectVersion'),
    inBucket('codedeploy', 's3:GetObjectVersion'),
  ];

  const kept: Readonly<Record<Policy['kind'], readonly Statement[]>> = {
    identity: [{ Effect: 'Allow', Action: 'ec2:DescribeRegions', Resource: '*' }],
    trust: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    key: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: ['kms:PutKeyPolicy', 'kms:GetKeyPolicy', 'kms:DescribeKey'],
        Resource: '*',
      },
    ],
    bucket: [{ Effect: 'Deny', Principal: '*', Action: 's3:DeleteBucket', Resource: `arn:aws:s3:::${BUCKET}` }],
  };
  const written = new Map<string, string>();
  const write = async (policy: Policy, statements: readonly Statement[]): Promise<void> => {
    const text = document([...kept[policy.kind], ...statements]);
    const id = JSON.stringify(policy);
    if (written.get(id) === text) return;
    written.set(id, text);
    switch (policy.kind) {
      case 'identity':
        await clientOf(policy.role).call('iam', 'PutRolePolicy', {
          RoleName: policy.role,
          PolicyName: 'may',
          PolicyDocument: text,
        });
        return;
      case 'trust':
        await clientOf(policy.role).call('iam', 'UpdateAssumeRolePolicy', {
          RoleName: policy.role,
          PolicyDocument: text,
        });
        return;
      case 'key':
        await tools.call('kms', 'PutKeyPolicy', { KeyId: key, PolicyName: 'default', Policy: text });
        return;
      default:
        await tools.call('s3', 'PutBucketPolicy', { Bucket: BUCKET, Policy: text });
    }
  };
  const places: readonly Policy[] = [
    ...NAMES.flatMap((name): Policy[] => [
      { kind: 'identity', role: name },
      { kind: 'trust', role: name },
    ]),
    { kind: 'key' },
    { kind: 'bucket' },
  ];
  const same = (one: Policy, other: Policy): boolean => JSON.stringify(one) === JSON.stringify(other);
  const set = async (removed: ReadonlySet<string>, added: readonly Grant[] = []): Promise<void> => {
    const all = [...grants.filter(({ name }) => !removed.has(name)), ...added];
    for (const place of places) {
      const of = all.filter((grant) => same(grant.in, place)).map(({ statement }) => statement);
      const own = place.kind === 'trust' && place.role === 'function' ? [trust('function').statement] : [];
      await write(place, [...own, ...of]);
    }
  };

  for (const bucket of [BUCKET, SOURCE]) {
    await tools.call('s3', 'CreateBucket', { Bucket: bucket });
    await tools.call('s3', 'PutBucketVersioning', { Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } });
  }
  await set(new Set());
  await tools.call('s3', 'PutObject', {
    Bucket: SOURCE,
    Key: 'source.zip',
    Body: await zipOf({ 'readme.md': 'nothing to see' }),
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: key,
  });
  await tools.call('ssm', 'PutParameter', {
    Name: '/two-accounts/token',
    Type: 'SecureString',
    Value: 'hush',
    KeyId: key,
  });
  await tools.call('codebuild', 'CreateProject', {
    name: 'compile',
    source: { type: 'CODEPIPELINE', buildspec: BUILDSPEC },
    artifacts: { type: 'CODEPIPELINE' },
    environment: { type: 'LINUX_CONTAINER', image: 'aws/codebuild/standard:7.0', computeType: 'BUILD_GENERAL1_SMALL' },
    serviceRole: role('build'),
    encryptionKey: key,
  });
  for (const version of [1, 2]) {
    const ZipFile = await zipOf({ 'index.mjs': `export const handler = async () => ${version};` });
    await (version === 1
      ? production.call('lambda', 'CreateFunction', {
          FunctionName: 'greeter',
          Role: role('function'),
          Runtime: 'nodejs20.x',
          Handler: 'index.handler',
          Code: { ZipFile },
        })
      : production.call('lambda', 'UpdateFunctionCode', { FunctionName: 'greeter', ZipFile }));
    await production.call('lambda', 'PublishVersion', { FunctionName: 'greeter' });
  }
  await production.call('lambda', 'CreateAlias', { FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' });
  await production.call('codedeploy', 'CreateApplication', { applicationName: 'app', computePlatform: 'Lambda' });
  await production.call('codedeploy', 'CreateDeploymentGroup', {
    applicationName: 'app',
    deploymentGroupName: 'group',
    serviceRoleArn: role('codedeploy'),
    deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
    deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
  });
  const pipeline = 'two-accounts';
  const type = (category: string, provider: string) => ({ category, owner: 'AWS', provider, version: '1' });
  await tools.call('codepipeline', 'CreatePipeline', {
    pipeline: {
      name: pipeline,
      roleArn: role('pipeline'),
      artifactStore: { type: 'S3', location: BUCKET, encryptionKey: { id: key, type: 'KMS' } },
      stages: [
        {
          name: 'Source',
          actions: [
            {
              name: 'Fetch',
              actionTypeId: type('Source', 'S3'),
              configuration: { S3Bucket: SOURCE, S3ObjectKey: 'source.zip', PollForSourceChanges: 'false' },
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
              name: 'Shift',
              actionTypeId: type('Deploy', 'CodeDeploy'),
              configuration: { ApplicationName: 'app', DeploymentGroupName: 'group' },
              inputArtifacts: [{ name: 'built' }],
              roleArn: role('deploy-action'),
            },
          ],
        },
      ],
    },
  });
  const restoreAlias = async (): Promise<void> => {
    await production.call('lambda', 'UpdateAlias', { FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' });
  };
  return { pipeline, grants, set, restoreAlias, tools, production };
}

function document(statements: readonly Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}
