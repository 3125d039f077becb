/**
 * Makes the layout by the AWS API alone, with the official SDK: an organization of four accounts, keys and buckets in two
 * Regions, roles, a build project, a pipeline. Everything is what the same calls would make in AWS.
 */
import { CodeBuildClient, CreateProjectCommand } from '@aws-sdk/client-codebuild';
import { CodePipelineClient, CreatePipelineCommand, type PipelineDeclaration } from '@aws-sdk/client-codepipeline';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { CreateKeyCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import {
  CreateAccountCommand,
  CreateOrganizationCommand,
  DescribeCreateAccountStatusCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations';
import {
  CreateBucketCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { ZipFile } from 'yazl';
import {
  ACCOUNT_NAMES,
  type AccountName,
  AWAY,
  type Grant,
  grantsOf,
  HOME,
  type Ids,
  type Place,
  placeName,
  roleArn,
  statementsAt,
  TARGETS,
} from './grants.ts';

export const PIPELINE = 'site';

type Credentials = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;
type Config = Readonly<{ endpoint: string; region: string; credentials: Credentials }>;

export type Layout = Readonly<{
  ids: Ids;
  grants: readonly Grant[];
  config(account: AccountName, region?: string): Config;
  /** Writes the policies that these grants are in without them, and those before with all again. */
  breakGrants(names: readonly string[]): Promise<void>;
  /** Puts a new page into the source bucket. */
  pushPage(text: string): Promise<void>;
}>;

export async function makeLayout(endpoint: string, report: (line: string) => void): Promise<Layout> {
  const root: Config = { endpoint, region: HOME, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  const accounts = await makeAccounts(root);
  const config = (account: AccountName, region: string = HOME): Config => ({
    endpoint,
    region,
    credentials: accounts[account].credentials,
  });
  const s3 = (account: AccountName, region: string = HOME): S3Client =>
    new S3Client({ ...config(account, region), forcePathStyle: true });
  report(`accounts   ${ACCOUNT_NAMES.map((name) => `${name} ${accounts[name].id}`).join(', ')}`);

  const bare = { 'us-east-1': '', 'eu-west-1': '' };
  for (const region of [HOME, AWAY] as const) {
    const { KeyMetadata } = await new KMSClient(config('tools', region)).send(
      new CreateKeyCommand({ Description: 'pipeline artifacts' }),
    );
    bare[region] = KeyMetadata?.Arn ?? '';
  }
  const tools = accounts.tools.id;
  const ids: Ids = {
    accounts: Object.fromEntries(ACCOUNT_NAMES.map((name) => [name, accounts[name].id])) as Ids['accounts'],
    keys: bare,
    artifactBuckets: { [HOME]: `artifacts-${tools}-${HOME}`, [AWAY]: `artifacts-${tools}-${AWAY}` },
    sites: {
      source: `source-${tools}`,
      ...Object.fromEntries(TARGETS.map(({ name, account }) => [name, `site-${name}-${accounts[account].id}`])),
    },
  };
  await makeBucket(s3('tools'), ids.sites['source'] ?? '', HOME);
  for (const region of [HOME, AWAY]) await makeBucket(s3('tools', region), ids.artifactBuckets[region] ?? '', region);
  for (const { name, account, region } of TARGETS) await makeBucket(s3(account, region), ids.sites[name] ?? '', region);
  report(`artifacts  ${Object.values(ids.artifactBuckets).join(', ')}, each under its Region's key`);

  const grants = grantsOf(ids);
  const places = new Map(grants.map(({ at }) => [placeName(at), at]));
  const write = async (place: Place, without: ReadonlySet<string>): Promise<void> => {
    const statements = statementsAt(grants, place, without);
    const document = JSON.stringify({ Version: '2012-10-17', Statement: statements });
    if ('region' in place && place.kind === 'key') {
      const KeyId = ids.keys[place.region];
      await new KMSClient(config('tools', place.region)).send(new PutKeyPolicyCommand({ KeyId, Policy: document }));
    } else if ('region' in place) {
      const Bucket = ids.artifactBuckets[place.region];
      await s3('tools', place.region).send(new PutBucketPolicyCommand({ Bucket, Policy: document }));
    } else if (place.kind === 'identity') {
      await new IAMClient(config(place.account)).send(
        new PutRolePolicyCommand({ RoleName: place.role, PolicyName: 'delivery', PolicyDocument: document }),
      );
    } else {
      await new IAMClient(config(place.account)).send(
        new UpdateAssumeRolePolicyCommand({
          RoleName: place.role,
          PolicyDocument: statements.length > 0 ? document : TRUSTS_NOBODY,
        }),
      );
    }
  };
  // Roles first: policies name them.
  for (const place of places.values()) {
    if (!('role' in place) || place.kind !== 'trust' || place.account !== 'tools') continue;
    await makeRole(config('tools'), place.role);
  }
  for (const { name, account } of TARGETS) await makeRole(config(account), `deploy-${name}`);
  for (const place of places.values()) await write(place, new Set());
  report(
    `roles      pipeline and build in tools; ${TARGETS.map(({ name }) => `deploy-${name}`).join(', ')}; ${grants.length} grants`,
  );

  const layout: Layout = {
    ids,
    grants,
    config,
    async breakGrants(names) {
      const without = new Set(names);
      for (const { name, at } of grants) if (without.has(name)) await write(at, without);
    },
    async pushPage(text) {
      const Body = await zipOf({ 'buildspec.yml': BUILDSPEC, 'page.txt': text });
      await s3('tools').send(new PutObjectCommand({ Bucket: ids.sites['source'], Key: 'source.zip', Body }));
    },
  };
  await layout.pushPage('first');
  await new CodeBuildClient(config('tools')).send(
    new CreateProjectCommand({
      name: 'site',
      source: { type: 'CODEPIPELINE' },
      artifacts: { type: 'CODEPIPELINE' },
      environment: {
        type: 'LINUX_CONTAINER',
        image: 'aws/codebuild/standard:7.0',
        computeType: 'BUILD_GENERAL1_SMALL',
      },
      serviceRole: roleArn(ids, 'tools', 'build'),
      encryptionKey: ids.keys[HOME],
    }),
  );
  await new CodePipelineClient(config('tools')).send(new CreatePipelineCommand({ pipeline: pipelineOf(ids) }));
  report('pipeline   Source, Build, Dev, Staging (by approval), Production in two Regions');
  return layout;
}

const BUILDSPEC = `
version: 0.2
phases:
  build:
    commands:
      - printf '<h1>%s</h1>' "$(cat page.txt)" > index.html
artifacts:
  files: [index.html]
`;

const TRUSTS_NOBODY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});

function pipelineOf(ids: Ids): PipelineDeclaration {
  const type = (category: 'Source' | 'Build' | 'Deploy' | 'Approval', provider: string) =>
    ({ category, owner: 'AWS', provider, version: '1' }) as const;
  const store = (region: string) =>
    ({
      type: 'S3',
      location: ids.artifactBuckets[region],
      encryptionKey: { id: ids.keys[region], type: 'KMS' },
    }) as const;
  const deploy = ({ name, account, region }: (typeof TARGETS)[number], runOrder: number) => ({
    name: `Deploy-${name}`,
    runOrder,
    ...(region === HOME ? {} : { region }),
    roleArn: roleArn(ids, account, `deploy-${name}`),
    actionTypeId: type('Deploy', 'S3'),
    configuration: { BucketName: ids.sites[name] ?? '', Extract: 'true' },
    inputArtifacts: [{ name: 'built' }],
  });
  const [dev, staging, production, productionEu] = TARGETS;
  return {
    name: PIPELINE,
    roleArn: roleArn(ids, 'tools', 'pipeline'),
    artifactStores: { [HOME]: store(HOME), [AWAY]: store(AWAY) },
    stages: [
      {
        name: 'Source',
        actions: [
          {
            name: 'Fetch',
            actionTypeId: type('Source', 'S3'),
            configuration: {
              S3Bucket: ids.sites['source'] ?? '',
              S3ObjectKey: 'source.zip',
              PollForSourceChanges: 'false',
            },
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
            configuration: { ProjectName: 'site' },
            inputArtifacts: [{ name: 'source' }],
            outputArtifacts: [{ name: 'built' }],
          },
        ],
      },
      { name: 'Dev', actions: [deploy(dev, 1)] },
      {
        name: 'Staging',
        actions: [{ name: 'Approve', runOrder: 1, actionTypeId: type('Approval', 'Manual') }, deploy(staging, 2)],
      },
      { name: 'Production', actions: [deploy(production, 1), deploy(productionEu, 1)] },
    ],
  };
}

async function makeAccounts(
  root: Config,
): Promise<Readonly<Record<AccountName, { id: string; credentials: Credentials }>>> {
  // The root of an account cannot assume roles: an administrator does.
  const iam = new IAMClient(root);
  await iam.send(new CreateUserCommand({ UserName: 'admin' }));
  await iam.send(
    new AttachUserPolicyCommand({ UserName: 'admin', PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }),
  );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'admin' }));
  const credentials = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
  const admin = { ...root, credentials };
  const organizations = new OrganizationsClient(admin);
  const sts = new STSClient(admin);
  await organizations.send(new CreateOrganizationCommand({ FeatureSet: 'ALL' }));
  const made: Partial<Record<AccountName, { id: string; credentials: Credentials }>> = {};
  for (const name of ACCOUNT_NAMES) {
    const begun = await organizations.send(
      new CreateAccountCommand({ AccountName: name, Email: `${name}@example.com` }),
    );
    let status = begun.CreateAccountStatus;
    while (status?.State === 'IN_PROGRESS') {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const answer = await organizations.send(
        new DescribeCreateAccountStatusCommand({ CreateAccountRequestId: status.Id }),
      );
      status = answer.CreateAccountStatus;
    }
    const id = status?.AccountId ?? '';
    const { Credentials: session } = await sts.send(
      new AssumeRoleCommand({
        RoleArn: `arn:aws:iam::${id}:role/OrganizationAccountAccessRole`,
        RoleSessionName: 'layout',
      }),
    );
    made[name] = {
      id,
      credentials: {
        accessKeyId: session?.AccessKeyId ?? '',
        secretAccessKey: session?.SecretAccessKey ?? '',
        sessionToken: session?.SessionToken ?? '',
      },
    };
  }
  return made as Record<AccountName, { id: string; credentials: Credentials }>;
}

async function makeBucket(s3: S3Client, Bucket: string, region: string): Promise<void> {
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      ...(region === HOME ? {} : { CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
    }),
  );
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
}

async function makeRole(config: Config, RoleName: string): Promise<void> {
  await new IAMClient(config).send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: TRUSTS_NOBODY }));
}

async function zipOf(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name);
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
