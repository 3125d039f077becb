/**
 * Every grant of the layout, with the name by which `--break` takes it away. What a policy says is here and nowhere else:
 * read this file to see what a delivery across accounts and Regions needs.
 */
export type Place =
  | Readonly<{ kind: 'identity' | 'trust'; account: AccountName; role: string }>
  | Readonly<{ kind: 'key' | 'bucket'; region: string }>;

export type Statement = Readonly<{
  Effect?: 'Deny';
  Principal?: unknown;
  Action: unknown;
  Resource?: unknown;
  Condition?: object;
}>;
export type Grant = Readonly<{ name: string; lets: string; at: Place; statement: Statement }>;

export const ACCOUNT_NAMES = ['tools', 'dev', 'staging', 'production'] as const;
export type AccountName = (typeof ACCOUNT_NAMES)[number];

export const HOME = 'us-east-1';
export const AWAY = 'eu-west-1';

/** The places that are delivered to, in the order of the pipeline. */
export const TARGETS = [
  { name: 'dev', account: 'dev', region: HOME },
  { name: 'staging', account: 'staging', region: HOME },
  { name: 'production', account: 'production', region: HOME },
  { name: 'production-eu', account: 'production', region: AWAY },
] as const;

export type Ids = Readonly<{
  accounts: Readonly<Record<AccountName, string>>;
  /** ARNs by Region. */
  keys: Readonly<Record<string, string>>;
  artifactBuckets: Readonly<Record<string, string>>;
  sites: Readonly<Record<string, string>>;
}>;

export function roleArn(ids: Ids, account: AccountName, role: string): string {
  return `arn:aws:iam::${ids.accounts[account]}:role/${role}`;
}

export function grantsOf(ids: Ids): readonly Grant[] {
  const { accounts, keys, artifactBuckets: buckets } = ids;
  const read = ['s3:GetObject', 's3:GetObjectVersion'];
  const use = ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'];
  const objects = (region: string): string => `arn:aws:s3:::${buckets[region]}/*`;
  const pipeline: Place = { kind: 'identity', account: 'tools', role: 'pipeline' };
  const build: Place = { kind: 'identity', account: 'tools', role: 'build' };
  const trust = (role: string, service: string): Place & { service: string } => ({
    kind: 'trust',
    account: 'tools',
    role,
    service,
  });
  const toolsRole = (role: string, service: string): Grant => ({
    name: `${role}-trust`,
    lets: `${service} work as the role ${role}`,
    at: trust(role, service),
    statement: { Principal: { Service: `${service}.amazonaws.com` }, Action: 'sts:AssumeRole' },
  });
  const ofTools: Grant[] = [
    toolsRole('pipeline', 'codepipeline'),
    toolsRole('build', 'codebuild'),
    {
      name: 'pipeline-source',
      lets: 'the pipeline read its source',
      at: pipeline,
      statement: {
        Action: [...read, 's3:GetBucketVersioning'],
        Resource: [`arn:aws:s3:::${ids.sites['source']}`, `arn:aws:s3:::${ids.sites['source']}/*`],
      },
    },
    {
      name: 'pipeline-build',
      lets: 'the pipeline start the build and follow it',
      at: pipeline,
      statement: {
        Action: ['codebuild:StartBuild', 'codebuild:BatchGetBuilds'],
        Resource: `arn:aws:codebuild:${HOME}:${accounts.tools}:project/site`,
      },
    },
    {
      name: 'build-logs',
      lets: 'the build write its log',
      at: build,
      statement: {
        Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: `arn:aws:logs:${HOME}:${accounts.tools}:log-group:/aws/codebuild/*`,
      },
    },
    {
      name: 'build-artifacts',
      lets: 'the build read its source and write what it made',
      at: build,
      statement: { Action: [...read, 's3:PutObject'], Resource: objects(HOME) },
    },
    {
      name: 'build-key',
      lets: 'the build encrypt and decrypt',
      at: build,
      statement: { Action: use, Resource: keys[HOME] },
    },
  ];
  const ofRegions = [HOME, AWAY].flatMap((region): Grant[] => [
    {
      name: `pipeline-artifacts-${region}`,
      lets: `the pipeline keep artifacts in ${region}`,
      at: pipeline,
      statement: { Action: [...read, 's3:PutObject'], Resource: objects(region) },
    },
    {
      name: `pipeline-key-${region}`,
      lets: `the pipeline use the key of ${region}`,
      at: pipeline,
      statement: { Action: use, Resource: keys[region] },
    },
    {
      name: `key-administration-${region}`,
      lets: 'the tools account change the key’s policy',
      at: { kind: 'key', region },
      statement: {
        Principal: { AWS: accounts.tools },
        Action: ['kms:Put*', 'kms:Get*', 'kms:List*', 'kms:Describe*'],
        Resource: '*',
      },
    },
    {
      name: `key-tools-${region}`,
      lets: 'roles of the tools account use the key, where their policies allow it',
      at: { kind: 'key', region },
      statement: { Principal: { AWS: accounts.tools }, Action: use, Resource: '*' },
    },
  ]);
  const ofTargets = TARGETS.flatMap(({ name, account, region }): Grant[] => {
    const action: Place = { kind: 'identity', account, role: `deploy-${name}` };
    const id = accounts[account];
    return [
      {
        name: `pipeline-hop-${name}`,
        lets: `the pipeline become the action role of ${name}`,
        at: pipeline,
        statement: { Action: 'sts:AssumeRole', Resource: roleArn(ids, account, `deploy-${name}`) },
      },
      {
        name: `${name}-trust`,
        lets: `the tools account's pipeline in`,
        at: { kind: 'trust', account, role: `deploy-${name}` },
        statement: { Principal: { AWS: roleArn(ids, 'tools', 'pipeline') }, Action: 'sts:AssumeRole' },
      },
      {
        name: `${name}-artifacts`,
        lets: 'its action role read the artifact',
        at: action,
        statement: { Action: read, Resource: objects(region) },
      },
      {
        name: `${name}-key`,
        lets: 'its action role decrypt the artifact',
        at: action,
        statement: { Action: ['kms:Decrypt'], Resource: keys[region] },
      },
      {
        name: `${name}-site`,
        lets: 'its action role write the site',
        at: action,
        statement: { Action: 's3:PutObject', Resource: `arn:aws:s3:::${ids.sites[name]}/*` },
      },
      {
        name: `bucket-${name}`,
        lets: `the account of ${name} read artifacts`,
        at: { kind: 'bucket', region },
        statement: { Principal: { AWS: id }, Action: read, Resource: objects(region) },
      },
      {
        name: `key-${name}`,
        lets: `the account of ${name} decrypt artifacts`,
        at: { kind: 'key', region },
        statement: { Principal: { AWS: id }, Action: ['kms:Decrypt', 'kms:DescribeKey'], Resource: '*' },
      },
    ];
  });
  return [...ofTools, ...ofRegions, ...ofTargets];
}

/** The statements of a policy, without those of the names given. */
export function statementsAt(grants: readonly Grant[], place: Place, without: ReadonlySet<string>): readonly object[] {
  const same = (other: Place): boolean => placeName(other) === placeName(place);
  return grants
    .filter(({ name, at }) => same(at) && !without.has(name))
    .map(({ statement }) => ({ Effect: 'Allow', ...statement }));
}

export function placeName(place: Place): string {
  return 'role' in place ? `${place.kind} ${place.account}/${place.role}` : `${place.kind} ${place.region}`;
}
