/**
 * The environment of a build's commands. Nothing of Sluice's own leaks in: `PATH`, the build's folder as `HOME`, what
 * CodeBuild sets, the service role's credentials, Sluice's address, and the variables of buildspec, project and build
 * (the later wins; values are literal).
 *
 * Differs from AWS: credentials come as `AWS_ACCESS_KEY_ID` and so on rather than from a container endpoint, and
 * `AWS_ENDPOINT_URL` points the AWS CLI and the SDKs at Sluice.
 * Source: CodeBuild User Guide, "Environment variables in build environments".
 */
import { isAwsError, type Session } from '../../../common/index.ts';
import type { Buildspec } from '../../../core/buildspec/index.ts';
import type { Client, House, Scope } from '../../service.ts';
import { type Build, type BuildDefinition, buildUuid, projectArn } from '../records.ts';
import type { Masker } from './masking.ts';
import { PhaseFailure } from './phase-failure.ts';

type Variable = Readonly<{ name: string; value: string; type: string }>;

export type BuildVariables = Readonly<{
  values: Readonly<Record<string, string>>;
  /** Names whose values came from a parameter or a secret; never exported. */
  secretNames: ReadonlySet<string>;
}>;

export const PARAMETERS_AT_ONCE = 10;

/** Of buildspec, project and build; the later wins. */
export function declaredVariables(
  definition: Readonly<{ environment: BuildDefinition['environment'] }>,
  buildspec: Pick<Buildspec, 'variables' | 'parameterStore' | 'secretsManager'>,
): Variable[] {
  const variables = new Map<string, Variable>();
  const put = (given: Readonly<Record<string, string>>, type: string): void => {
    for (const [name, value] of Object.entries(given)) variables.set(name, { name, value, type });
  };
  put(buildspec.variables, 'PLAINTEXT');
  put(buildspec.parameterStore, 'PARAMETER_STORE');
  put(buildspec.secretsManager, 'SECRETS_MANAGER');
  for (const { name = '', value = '', type = 'PLAINTEXT' } of definition.environment.environmentVariables) {
    variables.set(name, { name, value, type });
  }
  return [...variables.values()];
}

/** Reads parameters and secrets as the service role and hides their values. Throws `PhaseFailure`. */
export async function resolveVariables(
  definition: BuildDefinition,
  buildspec: Buildspec,
  client: Client,
  masker: Masker,
): Promise<BuildVariables> {
  const variables = declaredVariables(definition, buildspec);
  const of = (type: string): Variable[] => variables.filter((variable) => variable.type === type);
  const values: Record<string, string> = Object.fromEntries(of('PLAINTEXT').map(({ name, value }) => [name, value]));
  const secrets = {
    ...(await readParameters(of('PARAMETER_STORE'), client)),
    ...(await readSecrets(of('SECRETS_MANAGER'), client)),
  };
  masker.add(...Object.values(secrets));
  return { values: { ...values, ...secrets }, secretNames: new Set(Object.keys(secrets)) };
}

async function readParameters(variables: readonly Variable[], client: Client): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const names = [...new Set(variables.map(({ value }) => value))];
  const byName = new Map<string, string>();
  try {
    for (let at = 0; at < names.length; at += PARAMETERS_AT_ONCE) {
      const { Parameters = [] } = await client.call<{
        Parameters?: { Name?: string; ARN?: string; Value?: string; Selector?: string }[];
      }>('ssm', 'GetParameters', { Names: names.slice(at, at + PARAMETERS_AT_ONCE), WithDecryption: true });
      for (const { Name = '', ARN = '', Value = '', Selector = '' } of Parameters) {
        for (const name of [Name, ARN, `${Name}${Selector}`]) byName.set(name, Value);
      }
    }
  } catch (error) {
    if (isAwsError(error)) throw new PhaseFailure('Decrypted Variables Error', `${error.code}: ${error.message}`);
    throw error;
  }
  for (const { name, value } of variables) {
    const parameter = byName.get(value);
    if (parameter === undefined)
      throw new PhaseFailure('Decrypted Variables Error', `parameter does not exist: ${value}`);
    found[name] = parameter;
  }
  return found;
}

async function readSecrets(variables: readonly Variable[], client: Client): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name, value } of variables) found[name] = await readSecret(value, client);
  return found;
}

/** `secret-id:json-key:version-stage:version-id`; the id may be an ARN, which has six colons of its own. */
export function parseSecretReference(reference: string): Readonly<{ id: string; key: string; input: object }> {
  const arn = /^(arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:[^:]+)(?::(.*))?$/.exec(reference);
  const [first = '', ...others] = reference.split(':');
  const id = arn?.[1] ?? first;
  const [key = '', stage = '', versionId = ''] = arn === null ? others : (arn[2] ?? '').split(':');
  const input = {
    SecretId: id,
    ...(stage === '' ? {} : { VersionStage: stage }),
    ...(versionId === '' ? {} : { VersionId: versionId }),
  };
  return { id, key, input };
}

async function readSecret(reference: string, client: Client): Promise<string> {
  const { id, key, input } = parseSecretReference(reference);
  let text: string | undefined;
  try {
    const secret = await client.call<{ SecretString?: string }>('secretsmanager', 'GetSecretValue', input);
    text = secret.SecretString;
  } catch (error) {
    if (isAwsError(error)) throw new PhaseFailure('Secrets Manager Error', `${error.code}: ${error.message}`);
    throw error;
  }
  if (text === undefined) throw new PhaseFailure('Secrets Manager Error', `the secret ${id} has no text`);
  if (key === '') return text;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new PhaseFailure('Secrets Manager Error', `the secret ${id} is not JSON, and the key ${key} is asked of it`);
  }
  const value = parsed !== null && typeof parsed === 'object' ? (parsed as Record<string, unknown>)[key] : undefined;
  if (value === undefined) throw new PhaseFailure('Secrets Manager Error', `the secret ${id} has no key ${key}`);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export type Places = Readonly<{ buildDir: string; sourceDir: string; secondaryDirs: Readonly<Record<string, string>> }>;

export function commandEnvironment(
  options: Readonly<{
    house: House;
    scope: Scope;
    build: Build;
    buildspec: Buildspec;
    variables: Readonly<Record<string, string>>;
    session: Session;
    places: Places;
    resolvedSourceVersion: string | undefined;
    logStream: string | undefined;
  }>,
): Record<string, string> {
  const { house, scope, build, session, places } = options;
  const { definition } = build;
  const secondaryVersions = new Map(
    definition.secondarySourceVersions.map((each) => [each.sourceIdentifier, each.sourceVersion]),
  );
  const environment: Record<string, string | undefined> = {
    PATH: house.config.searchPath,
    LANG: 'C.UTF-8',
    ...options.variables,
    HOME: places.buildDir,
    TMPDIR: options.variables['TMPDIR'] ?? `${places.buildDir}/tmp`,
    AWS_REGION: scope.region,
    AWS_DEFAULT_REGION: scope.region,
    AWS_ENDPOINT_URL: house.config.endpoint(),
    AWS_ACCESS_KEY_ID: session.accessKeyId,
    AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
    AWS_SESSION_TOKEN: session.sessionToken,
    CODEBUILD_BUILD_ARN: build.arn,
    CODEBUILD_BUILD_ID: build.id,
    CODEBUILD_BUILD_IMAGE: definition.environment.image,
    CODEBUILD_BUILD_NUMBER: String(definition.buildNumber),
    CODEBUILD_BUILD_SUCCEEDING: '1',
    CODEBUILD_BUILD_URL: buildUrl(scope, build),
    CODEBUILD_CI: 'true',
    CODEBUILD_INITIATOR: definition.initiator,
    CODEBUILD_KMS_KEY_ID: definition.encryptionKey,
    CODEBUILD_LOG_PATH: options.logStream,
    CODEBUILD_PROJECT_ARN: projectArn(scope, definition.projectName),
    CODEBUILD_RESOLVED_SOURCE_VERSION: options.resolvedSourceVersion,
    CODEBUILD_SOURCE_REPO_URL: repositoryUrl(definition.source),
    CODEBUILD_SOURCE_VERSION: sourceVersion(definition.source, definition.sourceVersion),
    CODEBUILD_SRC_DIR: places.sourceDir,
    CODEBUILD_START_TIME: String(build.startedAt),
    ...gitHelper(house, options.buildspec.gitCredentialHelper),
  };
  for (const source of definition.secondarySources) {
    const id = source.sourceIdentifier ?? '';
    environment[`CODEBUILD_SRC_DIR_${id}`] = places.secondaryDirs[id];
    environment[`CODEBUILD_SOURCE_REPO_URL_${id}`] = repositoryUrl(source);
    environment[`CODEBUILD_SOURCE_VERSION_${id}`] = sourceVersion(source, secondaryVersions.get(id));
  }
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Makes git ask Sluice's credential helper, which signs with the AWS variables of the environment. */
export function gitHelper(house: House, wanted: boolean): Record<string, string> {
  if (!wanted) return {};
  return {
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'credential.helper',
    GIT_CONFIG_VALUE_0: `!'${process.execPath}' '${house.config.assetsDir}/codebuild/git-credential-helper.mjs'`,
    GIT_CONFIG_KEY_1: 'credential.useHttpPath',
    GIT_CONFIG_VALUE_1: 'true',
  };
}

function repositoryUrl(source: BuildDefinition['source']): string | undefined {
  if (source.type === 'S3') return `s3://${(source.location ?? '').replace(/^arn:aws:s3:::/, '')}`;
  return source.type === 'CODECOMMIT' ? source.location : undefined;
}

function sourceVersion(source: BuildDefinition['source'], version: string | undefined): string | undefined {
  if (source.type === 'S3') return `arn:aws:s3:::${(source.location ?? '').replace(/^arn:aws:s3:::/, '')}`;
  return version;
}

function buildUrl(scope: Scope, build: Build): string {
  const project = encodeURIComponent(build.definition.projectName);
  const id = encodeURIComponent(build.id);
  return `https://${scope.region}.console.aws.amazon.com/codesuite/codebuild/${scope.account}/projects/${project}/build/${id}/?region=${scope.region}#${buildUuid(build.id)}`;
}
