/**
 * No secret in what the system writes: a server is made to handle secrets of every kind, in calls that succeed and calls that
 * fail, with builds and functions that print them; then everything that it wrote (its log, every table of the database, every
 * file of the state folder but the master secret, CloudWatch Logs, every error that a caller read) is searched for each of
 * them: in clear, in base64 at any offset, in hex.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import {
  CreateAccessKeyCommand,
  CreateServiceSpecificCredentialCommand,
  CreateUserCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import {
  CreateKeyCommand,
  DecryptCommand,
  DisableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateMacCommand,
  KMSClient,
} from '@aws-sdk/client-kms';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { buildRole, BUILD_SERVICES, ENVIRONMENT, logOf, makeProject, runBuild } from '../support/builds.ts';
import { executionRole, zipOf } from '../support/functions.ts';

/** Not secret: it is put where secrets are, and must be found. */
const MARKER = 'planted-marker-4f1d9b7c2e';

let sluice: TestSluice;
const stateDir = mkdtempSync(join(tmpdir(), 'sluice-leak-'));
/** By what they are. */
const secrets = new Map<string, string | Uint8Array>();
/** What was written, by where. */
const written: { where: string; bytes: Buffer }[] = [];
const errors: string[] = [];

/** Kept apart from this file's own name and path, which errors and logs may tell. */
function secret(what: string, value: string | Uint8Array | undefined): string {
  if (value === undefined || value.length < 8) throw new Error(`no secret to look for: ${what}`);
  secrets.set(what, value);
  return String(value);
}

/** A call that must fail; what it says is searched too. */
async function refused(sent: Promise<unknown>): Promise<void> {
  const failure = await sent.then(
    () => undefined,
    (error: Error & { $response?: { body?: unknown } }) => error,
  );
  if (failure === undefined) throw new Error('a call that must fail did not');
  errors.push(`${failure.name}: ${failure.message}`);
}

beforeAll(async () => {
  sluice = await startSluice({ stateDir, services: [...BUILD_SERVICES, 'lambda'], log: 'silent', clock: 'real' });
  const { log } = sluice.house as { log: Record<'info' | 'warn' | 'error', (m: string, f?: object) => void> };
  for (const level of ['info', 'warn', 'error'] as const) {
    log[level] = (message, fields) => {
      const text = `${message} ${JSON.stringify(fields ?? {}, (_key, value: unknown) => (value instanceof Error ? `${value.stack}` : value))}`;
      written.push({ where: 'log', bytes: Buffer.from(text) });
    };
  }
  await useSecrets();
  await gather();
}, 120_000);

afterAll(async () => {
  await sluice?.close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function useSecrets(): Promise<void> {
  const config = { ...sluice.clientConfig(), maxAttempts: 1 };
  await credentials(config);
  await keys(new KMSClient(config));
  const parameter = secret('SecureString', 'parameter-value-b81e6d0f53');
  const value = secret('secret value', 'secret-value-77c3a90d12');
  await stored(new SSMClient(config), new SecretsManagerClient(config), parameter, value);
  await builds(new CodeBuildClient(config));
  await functions(new LambdaClient(config));
}

type Config = ReturnType<TestSluice['clientConfig']> & { maxAttempts: number };

async function credentials(config: Config): Promise<void> {
  const iam = new IAMClient(config);
  await iam.send(new CreateUserCommand({ UserName: 'keeper', Tags: [{ Key: 'marker', Value: MARKER }] }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'keeper' }));
  const secretAccessKey = secret('secret access key', AccessKey?.SecretAccessKey);
  const git = await iam.send(
    new CreateServiceSpecificCredentialCommand({ UserName: 'keeper', ServiceName: 'codecommit.amazonaws.com' }),
  );
  secret('git password', git.ServiceSpecificCredential?.ServicePassword);
  const own = { ...config, credentials: { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey } };
  const sts = new STSClient(own);
  await sts.send(new GetCallerIdentityCommand({}));
  const { Credentials } = await sts.send(new GetSessionTokenCommand({}));
  secret('secret key of a session', Credentials?.SecretAccessKey);
  secret('session token', Credentials?.SessionToken);
  // Failures: not allowed, signed with another secret, and sent with the secret where it does not belong.
  await refused(
    sts.send(new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::000000000000:role/none', RoleSessionName: 's1' })),
  );
  const wrong = new STSClient({ ...own, credentials: { ...own.credentials, secretAccessKey: `${secretAccessKey}x` } });
  await refused(wrong.send(new GetCallerIdentityCommand({})));
}

async function keys(kms: KMSClient): Promise<void> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: MARKER }));
  const KeyId = KeyMetadata?.KeyId ?? '';
  const text = new TextEncoder().encode(secret('plaintext', 'plaintext-under-a-key-0a5fd3'));
  const sealed = await kms.send(new EncryptCommand({ KeyId, Plaintext: text }));
  await kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }));
  secret('data key', (await kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))).Plaintext);
  const pair = await kms.send(new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P256' }));
  secret('private data key', pair.PrivateKeyPlaintext);
  const mac = await kms.send(new CreateKeyCommand({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }));
  await kms.send(
    new GenerateMacCommand({ KeyId: mac.KeyMetadata?.KeyId, MacAlgorithm: 'HMAC_SHA_256', Message: text }),
  );
  const wrong = { CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: { a: '1' } };
  await refused(kms.send(new DecryptCommand(wrong)));
  await kms.send(new DisableKeyCommand({ KeyId }));
  await refused(kms.send(new EncryptCommand({ KeyId, Plaintext: text })));
  await refused(kms.send(new EncryptCommand({ KeyId, Plaintext: new Uint8Array(5000).fill(text[0] ?? 0) })));
}

async function stored(ssm: SSMClient, sm: SecretsManagerClient, parameter: string, value: string): Promise<void> {
  const put = { Name: '/leak/token', Value: parameter, Type: 'SecureString' as const };
  await ssm.send(new PutParameterCommand({ ...put, Description: MARKER }));
  await ssm.send(new GetParameterCommand({ Name: put.Name, WithDecryption: true }));
  await refused(ssm.send(new PutParameterCommand(put)));
  await refused(ssm.send(new PutParameterCommand({ ...put, Name: 'not a name!' })));
  await refused(ssm.send(new PutParameterCommand({ ...put, Overwrite: true, AllowedPattern: '^[0-9]$' })));
  await refused(ssm.send(new PutParameterCommand({ ...put, Overwrite: true, KeyId: 'alias/none' })));
  await sm.send(new CreateSecretCommand({ Name: 'leak', SecretString: value }));
  await refused(sm.send(new CreateSecretCommand({ Name: 'leak', SecretString: value })));
  await refused(sm.send(new CreateSecretCommand({ Name: 'other', SecretString: value, KmsKeyId: 'alias/none' })));
  await refused(sm.send(new PutSecretValueCommand({ SecretId: 'none', SecretString: value })));
}

async function builds(codebuild: CodeBuildClient): Promise<void> {
  const role = await buildRole(sluice, 'leak-builder', ['logs:*', 'kms:*', 'ssm:*', 'secretsmanager:*']);
  const environment = {
    ...ENVIRONMENT,
    environmentVariables: [
      { name: 'TOKEN', value: '/leak/token', type: 'PARAMETER_STORE' as const },
      { name: 'PASSWORD', value: 'leak', type: 'SECRETS_MANAGER' as const },
    ],
  };
  const spec = (...commands: string[]): string =>
    `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((line) => `      - ${line}\n`).join('')}`;
  const printing = spec(`echo ${MARKER}`, 'echo "$TOKEN and $PASSWORD"', 'env', 'test -n "$TOKEN"');
  await makeProject(codebuild, 'prints', role, printing, { environment });
  const printed = await runBuild(codebuild, 'prints');
  expect(printed.buildStatus).toBe('SUCCEEDED');
  expect(await logOf(sluice, printed)).toContain('*** and ***');
  const failing = spec('ls "/$TOKEN/$PASSWORD"', 'exit 3');
  await makeProject(codebuild, 'fails', role, failing, { environment });
  expect((await runBuild(codebuild, 'fails')).buildStatus).toBe('FAILED');
  const poor = await buildRole(sluice, 'leak-poor', ['logs:*']);
  await makeProject(codebuild, 'poor', poor, printing, { environment });
  expect((await runBuild(codebuild, 'poor')).buildStatus).not.toBe('SUCCEEDED');
}

async function functions(lambda: LambdaClient): Promise<void> {
  const Variables = { API_KEY: secret('environment variable', 'function-variable-e2c94410ab') };
  const Role = await executionRole(sluice, 'leak-function');
  const source =
    'exports.handler = async () => { if (!process.env.API_KEY) return "none"; throw new Error("on purpose"); };';
  const input = {
    FunctionName: 'leak',
    Role,
    Runtime: 'nodejs20.x' as const,
    Handler: 'index.handler',
    Code: { ZipFile: await zipOf({ 'index.js': source }) },
    Environment: { Variables },
  };
  await lambda.send(new CreateFunctionCommand(input));
  const payload = secret('payload of an event', 'event-payload-51d6c0aa7f');
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: 'leak', Payload: new TextEncoder().encode(JSON.stringify({ payload })) }),
  );
  expect(answer.FunctionError).toBe('Unhandled');
  await refused(lambda.send(new CreateFunctionCommand(input)));
  await refused(lambda.send(new CreateFunctionCommand({ ...input, FunctionName: 'none', Role: `${Role}-none` })));
}

/** Everything that the system wrote, as bytes. */
async function gather(): Promise<void> {
  const { house, open } = sluice;
  house.log.info(`the log says ${Buffer.from(`..${MARKER}`).toString('base64')}`);
  writeFileSync(join(stateDir, 'planted'), Buffer.from(MARKER).toString('hex'));
  await sluice.settled();
  await open.audit.flush();
  const tables = await house.store.query<{ schema: string; name: string }>(
    "SELECT table_schema AS schema, table_name AS name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')",
  );
  for (const { schema, name } of tables) {
    // Binary columns come as hex, which is searched for.
    const rows = await house.store.query<{ row: string }>(`SELECT t::text AS row FROM "${schema}"."${name}" t`);
    for (const { row } of rows) written.push({ where: `table ${name}`, bytes: Buffer.from(row) });
  }
  written.push({ where: 'errors', bytes: Buffer.from(errors.join('\n')) });
  for (const path of filesUnder(stateDir)) {
    if (!path.endsWith('/master-secret')) written.push({ where: `file ${path}`, bytes: readFileSync(path) });
  }
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesUnder(path);
    return entry.isFile() && statSync(path).size < 64 * 2 ** 20 ? [path] : [];
  });
}

/** The forms in which a value may lie there. Base64 at the three offsets, without what depends on the neighbours. */
function formsOf(value: string | Uint8Array): readonly Buffer[] {
  const bytes = Buffer.from(value as string);
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(offset === 0 ? 0 : offset + 1, Math.floor((offset + bytes.length) / 3) * 4);
  });
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const hex = bytes.toString('hex');
  return [bytes, ...[...base64, ...url, hex, hex.toUpperCase()].map((text) => Buffer.from(text))];
}

function placesOf(value: string | Uint8Array): readonly string[] {
  const forms = formsOf(value);
  const places = written.filter(({ bytes }) => forms.some((form) => bytes.includes(form)));
  return [...new Set(places.map(({ where }) => where))];
}

describe('the search', () => {
  it('finds what is there: in the log, in tables and files, in clear and encoded', () => {
    const places = placesOf(MARKER);
    // The tag of the user, what the build printed, base64 at an odd offset, hex.
    for (const place of ['table documents', 'table log_events', 'log', `file ${join(stateDir, 'planted')}`])
      expect(places).toContain(place);
  });

  it('looks through the trail, and for every secret', () => {
    const trail = written.filter(({ where }) => where === 'table audit');
    expect(trail.some(({ bytes }) => bytes.includes('PutParameter'))).toBe(true);
    expect(trail.some(({ bytes }) => bytes.includes('CreateSecret'))).toBe(true);
    expect([...secrets.keys()]).toHaveLength(11);
    expect(errors.length).toBeGreaterThan(12);
  });
});

describe('no secret', () => {
  it('is in anything that was written', () => {
    const leaks = [...secrets].map(([what, value]) => [what, placesOf(value)] as const);
    expect(leaks.filter(([, places]) => places.length > 0)).toEqual([]);
  });

  it('of the machine is: neither the master secret nor what it wraps', async () => {
    const master = readFileSync(join(stateDir, 'master-secret'));
    expect(placesOf(master)).toEqual([]);
    expect(statSync(join(stateDir, 'master-secret')).mode & 0o777).toBe(0o600);
  });
});
