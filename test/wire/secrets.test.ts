/** Secrets Manager and Parameter Store by the official SDK: versions, labels, deletion by the clock, policies, keys. */
import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  DeleteResourcePolicyCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetRandomPasswordCommand,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import {
  AddTagsToResourceCommand,
  DeleteParameterCommand,
  DeleteParametersCommand,
  DescribeParametersCommand,
  GetParameterCommand,
  GetParameterHistoryCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  LabelParameterVersionCommand,
  ListTagsForResourceCommand,
  PutParameterCommand,
  RemoveTagsFromResourceCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person, type Person } from '../support/people.ts';

const OTHER = '222222222222';
const DAY_MS = 86_400_000;
const token = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

let sluice: TestSluice;
let secrets: SecretsManagerClient;
let ssm: SSMClient;
let kms: KMSClient;
const clients: { destroy(): void }[] = [];

function client<C extends { destroy(): void }>(
  make: new (config: ReturnType<TestSluice['clientConfig']> & { maxAttempts: number }) => C,
  who?: Person,
): C {
  const made = new make({ ...sluice.clientConfig(who && { credentials: who.credentials }), maxAttempts: 1 });
  clients.push(made);
  return made;
}

beforeAll(async () => {
  sluice = await startSluice({ services: ['kms', 'secretsmanager', 'ssm'] });
  secrets = client(SecretsManagerClient);
  ssm = client(SSMClient);
  kms = client(KMSClient);
});
afterAll(async () => {
  for (const each of clients) each.destroy();
  await sluice?.close();
});

async function newKey(): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  return KeyMetadata?.Arn ?? '';
}

describe('secrets', () => {
  it('are made, described, read by name, ARN and part of the ARN, and listed', async () => {
    const made = await secrets.send(
      new CreateSecretCommand({
        Name: 'app/db',
        Description: 'the database',
        SecretString: 's3cret',
        Tags: [{ Key: 'team', Value: 'red' }],
      }),
    );
    expect(made.ARN).toMatch(
      new RegExp(`^arn:aws:secretsmanager:${sluice.region}:${sluice.account}:secret:app/db-[A-Za-z0-9]{6}$`),
    );
    for (const SecretId of ['app/db', made.ARN, made.ARN?.slice(0, -7)]) {
      const value = await secrets.send(new GetSecretValueCommand({ SecretId }));
      expect(value).toMatchObject({
        ARN: made.ARN,
        Name: 'app/db',
        SecretString: 's3cret',
        VersionId: made.VersionId,
        VersionStages: ['AWSCURRENT'],
      });
    }
    const described = await secrets.send(new DescribeSecretCommand({ SecretId: 'app/db' }));
    expect(described).toMatchObject({
      Description: 'the database',
      Tags: [{ Key: 'team', Value: 'red' }],
      VersionIdsToStages: { [made.VersionId ?? '']: ['AWSCURRENT'] },
    });
    const bytes = new Uint8Array([0, 1, 255]);
    await secrets.send(new CreateSecretCommand({ Name: 'app/key', SecretBinary: bytes }));
    const binary = await secrets.send(new GetSecretValueCommand({ SecretId: 'app/key' }));
    expect(binary.SecretString).toBeUndefined();
    expect(Buffer.from(binary.SecretBinary ?? [])).toEqual(Buffer.from(bytes));

    const first = await secrets.send(new ListSecretsCommand({ MaxResults: 1 }));
    const rest = await secrets.send(new ListSecretsCommand({ NextToken: first.NextToken }));
    const names = [...(first.SecretList ?? []), ...(rest.SecretList ?? [])].map((each) => each.Name);
    expect(names).toEqual(['app/db', 'app/key']);
    const tagged = await secrets.send(new ListSecretsCommand({ Filters: [{ Key: 'tag-value', Values: ['red'] }] }));
    expect(tagged.SecretList?.map((each) => each.Name)).toEqual(['app/db']);
    expect(await failure(secrets.send(new ListSecretsCommand({ NextToken: 'nonsense' })))).toBe(
      'InvalidNextTokenException',
    );
    expect(await failure(secrets.send(new GetSecretValueCommand({ SecretId: 'none' })))).toBe(
      'ResourceNotFoundException',
    );
    const elsewhere = made.ARN?.replace(sluice.region, 'eu-west-3');
    expect(await failure(secrets.send(new GetSecretValueCommand({ SecretId: elsewhere })))).toBe(
      'ResourceNotFoundException',
    );
  });

  it('are made once: a token used again answers the same, or is refused with another value', async () => {
    const make = (SecretString: string, n: number) =>
      secrets.send(new CreateSecretCommand({ Name: 'once', SecretString, ClientRequestToken: token(n) }));
    const made = await make('a', 1);
    expect((await make('a', 1)).VersionId).toBe(made.VersionId);
    expect(await failure(make('b', 1))).toBe('ResourceExistsException');
    expect(await failure(make('a', 2))).toBe('ResourceExistsException');
    const put = (SecretString: string, n: number) =>
      secrets.send(new PutSecretValueCommand({ SecretId: 'once', SecretString, ClientRequestToken: token(n) }));
    const second = await put('b', 3);
    expect((await put('b', 3)).VersionId).toBe(second.VersionId);
    expect(await failure(put('c', 3))).toBe('ResourceExistsException');
  });

  it('move their staging labels from version to version', async () => {
    await secrets.send(new CreateSecretCommand({ Name: 'staged', SecretString: '1', ClientRequestToken: token(11) }));
    const put = (value: string, n: number, VersionStages?: string[]) =>
      secrets.send(
        new PutSecretValueCommand({
          SecretId: 'staged',
          SecretString: value,
          ClientRequestToken: token(n),
          VersionStages,
        }),
      );
    await put('2', 12);
    await put('3', 13, ['AWSPENDING']);
    const read = async (input: object) =>
      (await secrets.send(new GetSecretValueCommand({ SecretId: 'staged', ...input }))).SecretString;
    expect(await read({})).toBe('2');
    expect(await read({ VersionStage: 'AWSPREVIOUS' })).toBe('1');
    expect(await read({ VersionStage: 'AWSPENDING' })).toBe('3');
    expect(await read({ VersionId: token(11) })).toBe('1');
    expect(await failure(read({ VersionId: token(11), VersionStage: 'AWSCURRENT' }))).toBe('InvalidRequestException');
    expect(await failure(read({ VersionId: token(99) }))).toBe('ResourceNotFoundException');
    expect(await failure(read({ VersionStage: 'none' }))).toBe('ResourceNotFoundException');
    const move = (input: object) =>
      secrets.send(new UpdateSecretVersionStageCommand({ SecretId: 'staged', VersionStage: 'AWSCURRENT', ...input }));
    expect(await failure(move({ MoveToVersionId: token(13) }))).toBe('InvalidParameterException');
    await move({ MoveToVersionId: token(13), RemoveFromVersionId: token(12) });
    expect(await read({})).toBe('3');
    expect(await read({ VersionStage: 'AWSPREVIOUS' })).toBe('2');
    expect(await failure(move({ RemoveFromVersionId: token(13) }))).toBe('InvalidParameterException');
    await secrets.send(
      new UpdateSecretCommand({
        SecretId: 'staged',
        SecretString: '4',
        Description: 'new',
        ClientRequestToken: token(14),
      }),
    );
    const { Description } = await secrets.send(new DescribeSecretCommand({ SecretId: 'staged' }));
    expect(Description).toBe('new');
    const labelled = await secrets.send(new ListSecretVersionIdsCommand({ SecretId: 'staged' }));
    expect(labelled.Versions?.map((each) => [each.VersionId, each.VersionStages])).toEqual([
      [token(13), ['AWSPENDING', 'AWSPREVIOUS']],
      [token(14), ['AWSCURRENT']],
    ]);
    const page = await secrets.send(
      new ListSecretVersionIdsCommand({ SecretId: 'staged', IncludeDeprecated: true, MaxResults: 3 }),
    );
    const rest = await secrets.send(
      new ListSecretVersionIdsCommand({ SecretId: 'staged', IncludeDeprecated: true, NextToken: page.NextToken }),
    );
    expect([page.Versions?.length, rest.Versions?.length]).toEqual([3, 1]);
  });

  it('wait for their deletion by the clock, and can be restored', async () => {
    const saved = await secrets.send(new CreateSecretCommand({ Name: 'saved', SecretString: 'x' }));
    const lost = await secrets.send(new CreateSecretCommand({ Name: 'lost', SecretString: 'x' }));
    const { DeletionDate } = await secrets.send(new DeleteSecretCommand({ SecretId: 'lost', RecoveryWindowInDays: 7 }));
    expect(DeletionDate?.getTime()).toBe(sluice.clock.now() + 7 * DAY_MS);
    await secrets.send(new DeleteSecretCommand({ SecretId: 'saved' }));
    expect(await failure(secrets.send(new GetSecretValueCommand({ SecretId: 'lost' })))).toBe(
      'InvalidRequestException',
    );
    expect(await failure(secrets.send(new CreateSecretCommand({ Name: 'lost' })))).toBe('InvalidRequestException');
    const { SecretList } = await secrets.send(
      new ListSecretsCommand({ Filters: [{ Key: 'name', Values: ['saved', 'lost'] }] }),
    );
    expect(SecretList).toEqual([]);
    await sluice.clock.advance('P6D');
    await secrets.send(new RestoreSecretCommand({ SecretId: 'saved' }));
    await secrets.send(new DescribeSecretCommand({ SecretId: 'lost' }));
    await sluice.clock.advance('P30D');
    expect(await failure(secrets.send(new DescribeSecretCommand({ SecretId: 'lost' })))).toBe(
      'ResourceNotFoundException',
    );
    expect((await secrets.send(new GetSecretValueCommand({ SecretId: 'saved' }))).ARN).toBe(saved.ARN);
    const again = await secrets.send(new CreateSecretCommand({ Name: 'lost', SecretString: 'y' }));
    expect(again.ARN).not.toBe(lost.ARN);
    expect(await failure(secrets.send(new GetSecretValueCommand({ SecretId: lost.ARN })))).toBe(
      'ResourceNotFoundException',
    );
    const force = { SecretId: 'lost', ForceDeleteWithoutRecovery: true };
    expect(await failure(secrets.send(new DeleteSecretCommand({ ...force, RecoveryWindowInDays: 7 })))).toBe(
      'InvalidParameterException',
    );
    await secrets.send(new DeleteSecretCommand(force));
    await secrets.send(new DeleteSecretCommand(force));
    expect(await failure(secrets.send(new DeleteSecretCommand({ SecretId: 'lost' })))).toBe(
      'ResourceNotFoundException',
    );
    expect(
      await failure(secrets.send(new DeleteSecretCommand({ SecretId: 'saved', RecoveryWindowInDays: 6 }))),
    ).toMatch(/InvalidParameterException|ValidationException/);
  });

  it('carry tags, and refuse what cannot be', async () => {
    await secrets.send(new CreateSecretCommand({ Name: 'tagged' }));
    await secrets.send(
      new TagResourceCommand({
        SecretId: 'tagged',
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'b', Value: '2' },
        ],
      }),
    );
    await secrets.send(new UntagResourceCommand({ SecretId: 'tagged', TagKeys: ['a'] }));
    expect((await secrets.send(new DescribeSecretCommand({ SecretId: 'tagged' }))).Tags).toEqual([
      { Key: 'b', Value: '2' },
    ]);
    const refused: [ConstructorParameters<typeof CreateSecretCommand>[0], string][] = [
      [{ Name: 'two', SecretString: 'x', SecretBinary: new Uint8Array([1]) }, 'InvalidParameterException'],
      [{ Name: 'bad name' }, 'ValidationException'],
      [{ Name: 'replicas', AddReplicaRegions: [{ Region: 'eu-west-1' }] }, 'InvalidParameterException'],
      [{ Name: 'nul', Description: 'a\u0000b' }, 'ValidationException'],
      [{ Name: 'keyless', SecretString: 'x', KmsKeyId: 'alias/none' }, 'EncryptionFailure'],
    ];
    for (const [input, name] of refused) {
      expect(await failure(secrets.send(new CreateSecretCommand(input)))).toBe(name);
    }
    await secrets.send(new CreateSecretCommand({ Name: 'odd', SecretString: 'a\u0000b' }));
    expect((await secrets.send(new GetSecretValueCommand({ SecretId: 'odd' }))).SecretString).toBe('a\u0000b');
  });

  it('help with passwords', async () => {
    const { RandomPassword = '' } = await secrets.send(
      new GetRandomPasswordCommand({ PasswordLength: 40, ExcludePunctuation: true, ExcludeCharacters: 'abc' }),
    );
    expect(RandomPassword).toMatch(/^[A-Zd-z0-9]{40}$/);
    for (const kind of [/[A-Z]/, /[d-z]/, /[0-9]/]) expect(RandomPassword).toMatch(kind);
    expect(
      await failure(
        secrets.send(
          new GetRandomPasswordCommand({
            ExcludeLowercase: true,
            ExcludeUppercase: true,
            ExcludeNumbers: true,
            ExcludePunctuation: true,
          }),
        ),
      ),
    ).toBe('InvalidParameterException');
  });

  it('are closed to whoever is not granted them, or their key', async () => {
    const KmsKeyId = await newKey();
    const own = await secrets.send(new CreateSecretCommand({ Name: 'perm/own', SecretString: 'own', KmsKeyId }));
    const plain = await secrets.send(new CreateSecretCommand({ Name: 'perm/plain', SecretString: 'plain' }));
    const reader = client(
      SecretsManagerClient,
      await person(sluice, 'reader', [
        {
          Action: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
          Resource: `arn:aws:secretsmanager:*:*:secret:perm/*`,
        },
      ]),
    );
    // The AWS managed key serves everybody of the account who comes through Secrets Manager.
    expect((await reader.send(new GetSecretValueCommand({ SecretId: plain.ARN }))).SecretString).toBe('plain');
    await expect(reader.send(new GetSecretValueCommand({ SecretId: 'perm/own' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringMatching(new RegExp(`^Access to KMS is not allowed.*kms:Decrypt on resource: ${KmsKeyId}`)),
    });
    await expect(
      reader.send(new PutSecretValueCommand({ SecretId: 'perm/own', SecretString: 'x' })),
    ).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('kms:GenerateDataKey'),
    });
    await expect(reader.send(new DescribeSecretCommand({ SecretId: own.ARN }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`secretsmanager:DescribeSecret on resource: ${own.ARN}`),
    });
    await kms.send(new DisableKeyCommand({ KeyId: KmsKeyId }));
    expect(await failure(secrets.send(new GetSecretValueCommand({ SecretId: own.ARN })))).toBe('DecryptionFailure');
  });

  it('let another account in by their policy, and can shut one out', async () => {
    const { ARN } = await secrets.send(new CreateSecretCommand({ Name: 'shared', SecretString: 'x' }));
    const guest = await person(sluice, 'guest', [{ Action: 'secretsmanager:DescribeSecret', Resource: '*' }], OTHER);
    const theirs = client(SecretsManagerClient, guest);
    const describeIt = () => theirs.send(new DescribeSecretCommand({ SecretId: ARN }));
    expect(await failure(describeIt())).toBe('AccessDeniedException');
    const allow = (Principal: unknown) =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal, Action: 'secretsmanager:DescribeSecret', Resource: '*' }],
      });
    const ResourcePolicy = allow({ AWS: guest.arn });
    await secrets.send(new PutResourcePolicyCommand({ SecretId: ARN, ResourcePolicy, BlockPublicPolicy: true }));
    expect((await describeIt()).Name).toBe('shared');
    expect(await secrets.send(new GetResourcePolicyCommand({ SecretId: ARN }))).toMatchObject({ ResourcePolicy });
    for (const everybody of ['*', { AWS: '*' }, { AWS: ['*'] }]) {
      const policy = { SecretId: ARN, ResourcePolicy: allow(everybody), BlockPublicPolicy: true };
      expect(await failure(secrets.send(new PutResourcePolicyCommand(policy)))).toBe('PublicPolicyException');
    }
    expect(await failure(secrets.send(new PutResourcePolicyCommand({ SecretId: ARN, ResourcePolicy: '{' })))).toBe(
      'MalformedPolicyDocumentException',
    );
    await secrets.send(new DeleteResourcePolicyCommand({ SecretId: ARN }));
    expect(await failure(describeIt())).toBe('AccessDeniedException');
  });
});

describe('parameters', () => {
  const put = (Name: string, Value: string, more: object = {}) =>
    ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', ...more }));

  it('have versions, labels and a history', async () => {
    expect(await put('/v/one', 'a')).toMatchObject({ Version: 1, Tier: 'Standard' });
    await expect(put('/v/one', 'b')).rejects.toMatchObject({ name: 'ParameterAlreadyExists' });
    expect((await put('/v/one', 'b', { Overwrite: true, Description: 'second' })).Version).toBe(2);
    await put('/v/one', 'c', { Overwrite: true });
    const label = (ParameterVersion: number | undefined, ...Labels: string[]) =>
      ssm.send(new LabelParameterVersionCommand({ Name: '/v/one', ParameterVersion, Labels }));
    expect(await label(2, 'stable', 'aws-no', '1no')).toMatchObject({
      InvalidLabels: ['aws-no', '1no'],
      ParameterVersion: 2,
    });
    const get = async (Name: string) => (await ssm.send(new GetParameterCommand({ Name }))).Parameter;
    expect(await get('/v/one')).toMatchObject({
      Value: 'c',
      Version: 3,
      Type: 'String',
      DataType: 'text',
      ARN: `arn:aws:ssm:${sluice.region}:${sluice.account}:parameter/v/one`,
    });
    expect(await get('/v/one:1')).toMatchObject({ Value: 'a', Selector: ':1' });
    expect(await get('/v/one:stable')).toMatchObject({ Value: 'b', Selector: ':stable' });
    expect((await get(`arn:aws:ssm:${sluice.region}:${sluice.account}:parameter/v/one`))?.Value).toBe('c');
    expect(await failure(get(`arn:aws:ssm:${sluice.region}:${OTHER}:parameter/v/one`))).toMatch(
      /ParameterNotFound|AccessDenied/,
    );
    await label(undefined, 'stable');
    expect((await get('/v/one:stable'))?.Value).toBe('c');
    expect(await failure(get('/v/one:9'))).toBe('ParameterVersionNotFound');
    expect(await failure(get('/v/none'))).toBe('ParameterNotFound');
    expect(await failure(label(9, 'x'))).toBe('ParameterVersionNotFound');
    await label(1, 'l1', 'l2', 'l3', 'l4', 'l5', 'l6', 'l7', 'l8', 'l9', 'l10');
    expect(await failure(label(1, 'l11'))).toBe('ParameterVersionLabelLimitExceeded');
    const first = await ssm.send(new GetParameterHistoryCommand({ Name: '/v/one', MaxResults: 2 }));
    const rest = await ssm.send(new GetParameterHistoryCommand({ Name: '/v/one', NextToken: first.NextToken }));
    const history = [...(first.Parameters ?? []), ...(rest.Parameters ?? [])];
    expect(history.map((each) => [each.Version, each.Value, each.Description])).toEqual([
      [1, 'a', undefined],
      [2, 'b', 'second'],
      [3, 'c', 'second'],
    ]);
    expect(history[2]?.Labels).toEqual(['stable']);
  });

  it('make room for the hundred-and-first version, unless the oldest is labelled', async () => {
    for (let n = 1; n <= 101; n++) await put('/many', String(n), { Overwrite: true });
    const { Parameters } = await ssm.send(new GetParameterHistoryCommand({ Name: '/many', MaxResults: 1 }));
    expect(Parameters?.[0]?.Version).toBe(2);
    await ssm.send(new LabelParameterVersionCommand({ Name: '/many', ParameterVersion: 2, Labels: ['kept'] }));
    expect(await failure(put('/many', 'x', { Overwrite: true }))).toBe('ParameterMaxVersionLimitExceeded');
  });

  it('are found by path, several names and filters', async () => {
    await put('/p/a', '1');
    await put('/p/b', '2,3', { Type: 'StringList' });
    await put('/p/deep/c', '4');
    const byPath = async (input: object) =>
      (await ssm.send(new GetParametersByPathCommand({ Path: '/p', ...input }))).Parameters?.map((each) => each.Name);
    expect(await byPath({})).toEqual(['/p/a', '/p/b']);
    expect(await byPath({ Recursive: true })).toEqual(['/p/a', '/p/b', '/p/deep/c']);
    const first = await ssm.send(new GetParametersByPathCommand({ Path: '/p', MaxResults: 1 }));
    expect(await byPath({ NextToken: first.NextToken })).toEqual(['/p/b']);
    expect(await failure(byPath({ Path: 'p' }))).toBe('ValidationException');
    const several = await ssm.send(new GetParametersCommand({ Names: ['/p/a', '/p/none', '/p/b:7'] }));
    expect(several.Parameters?.map((each) => each.Name)).toEqual(['/p/a']);
    expect(several.InvalidParameters).toEqual(['/p/none', '/p/b:7']);
    const filtered = async (ParameterFilters: { Key: string; Option?: string; Values: string[] }[]) =>
      (await ssm.send(new DescribeParametersCommand({ ParameterFilters }))).Parameters?.map((each) => each.Name);
    expect(await filtered([{ Key: 'Path', Option: 'Recursive', Values: ['/p'] }])).toEqual([
      '/p/a',
      '/p/b',
      '/p/deep/c',
    ]);
    expect(await filtered([{ Key: 'Name', Option: 'BeginsWith', Values: ['/p/d'] }])).toEqual(['/p/deep/c']);
    expect(
      await filtered([
        { Key: 'Path', Option: 'OneLevel', Values: ['/p'] },
        { Key: 'Type', Values: ['StringList'] },
      ]),
    ).toEqual(['/p/b']);
    const all = await ssm.send(new DescribeParametersCommand({ MaxResults: 1 }));
    expect(all.Parameters).toHaveLength(1);
    expect((await ssm.send(new DescribeParametersCommand({ NextToken: all.NextToken }))).Parameters?.length).toBe(
      (await ssm.send(new DescribeParametersCommand({}))).Parameters!.length - 1,
    );
    const gone = await ssm.send(new DeleteParametersCommand({ Names: ['/p/a', '/p/none'] }));
    expect(gone).toMatchObject({ DeletedParameters: ['/p/a'], InvalidParameters: ['/p/none'] });
    await ssm.send(new DeleteParameterCommand({ Name: '/p/b' }));
    expect(await failure(ssm.send(new DeleteParameterCommand({ Name: '/p/b' })))).toBe('ParameterNotFound');
  });

  it('are refused by their name, value and type', async () => {
    for (const [input, name] of [
      [{ Name: 'a/b' }, 'ValidationException'],
      [{ Name: '/aws/x' }, 'AccessDeniedException'],
      [{ Name: `/${'x/'.repeat(15)}y` }, 'HierarchyLevelLimitExceededException'],
      [{ Name: 'typeless', Type: undefined }, 'ValidationException'],
      [{ Name: 'large', Value: 'x'.repeat(4097) }, 'ValidationException'],
      [{ Name: 'advanced', Tier: 'Intelligent-Tiering' }, 'ValidationException'],
      [{ Name: 'pattern', AllowedPattern: '^[0-9]+$' }, 'ParameterPatternMismatchException'],
      [{ Name: 'nul', Value: 'a\u0000b' }, 'ValidationException'],
      [{ Name: 'keyless', Type: 'SecureString', KeyId: 'alias/none' }, 'InvalidKeyId'],
    ] as const) {
      expect(await failure(put('x', 'value', input)), JSON.stringify(input).slice(0, 80)).toBe(name);
    }
  });

  it('carry tags', async () => {
    await put('tagged', 'x', { Tags: [{ Key: 'a', Value: '1' }] });
    const on = { ResourceType: 'Parameter', ResourceId: 'tagged' } as const;
    await ssm.send(new AddTagsToResourceCommand({ ...on, Tags: [{ Key: 'b', Value: '2' }] }));
    await ssm.send(new RemoveTagsFromResourceCommand({ ...on, TagKeys: ['a'] }));
    expect((await ssm.send(new ListTagsForResourceCommand(on))).TagList).toEqual([{ Key: 'b', Value: '2' }]);
    expect(await failure(ssm.send(new ListTagsForResourceCommand({ ...on, ResourceId: 'none' })))).toBe(
      'InvalidResourceId',
    );
  });

  it('of the kind SecureString lie closed, and open with the key alone', async () => {
    const KeyId = await newKey();
    await put('/s/own', 'hidden', { Type: 'SecureString', KeyId });
    await put('/s/plain', 'hidden too', { Type: 'SecureString' });
    const closed = await ssm.send(new GetParameterCommand({ Name: '/s/own' }));
    expect(closed.Parameter?.Value).not.toContain('hidden');
    const open = await ssm.send(new GetParameterCommand({ Name: '/s/own', WithDecryption: true }));
    expect(open.Parameter).toMatchObject({ Value: 'hidden', Type: 'SecureString' });
    const stored = await sluice.house.store.query("SELECT document::text AS text FROM documents WHERE id = '/s/own'");
    expect(JSON.stringify(stored)).not.toContain('hidden');

    const reader = client(
      SSMClient,
      await person(sluice, 'ssm-reader', [{ Action: 'ssm:GetParameter*', Resource: 'arn:aws:ssm:*:*:parameter/s*' }]),
    );
    const read = (Name: string, WithDecryption = true) =>
      reader.send(new GetParameterCommand({ Name, WithDecryption }));
    expect((await read('/s/plain')).Parameter?.Value).toBe('hidden too');
    await read('/s/own', false);
    await expect(read('/s/own')).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`kms:Decrypt on resource: ${KeyId}`),
    });
    await expect(read('/v/one')).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(
        `ssm:GetParameter on resource: arn:aws:ssm:${sluice.region}:${sluice.account}:parameter/v/one`,
      ),
    });
    expect(await failure(reader.send(new PutParameterCommand({ Name: '/s/new', Value: 'x', Type: 'String' })))).toBe(
      'AccessDeniedException',
    );
    await kms.send(new DisableKeyCommand({ KeyId }));
    expect(await failure(ssm.send(new GetParameterCommand({ Name: '/s/own', WithDecryption: true })))).toBe(
      'InvalidKeyId',
    );
  });
});
