/**
 * What follows from StartBuild: the calls of the build itself, as its service role, in the order of its phases
 * (`run/build-run.ts`). What the commands of the buildspec call cannot be known; nor, where the buildspec lies in the
 * source, which parameters and secrets it names.
 */
import type { BuildArtifacts, ProjectArtifacts, ProjectSource, StartBuildInput } from '@aws-sdk/client-codebuild';
import { isAwsError } from '../../common/index.ts';
import type { Buildspec } from '../../core/buildspec/index.ts';
import type { Foreseen, ForeseenCaller, Foresight } from '../foreseen.ts';
import type { Call, Scope } from '../service.ts';
import { artifactKey } from './build-shape.ts';
import { defined } from './builds.ts';
import { isInline, splitS3Location } from './project-rules.ts';
import { type BuildDefinition, buildUuid, type Project, projectKey, projectNameOf, projects } from './records.ts';
import { encryption, keyId } from './run/artifacts.ts';
import { logTarget } from './run/build-run.ts';
import { declaredVariables, parseSecretReference, PARAMETERS_AT_ONCE } from './run/environment.ts';
import { parseBuildspec } from './run/find-buildspec.ts';
import { isPhaseFailure } from './run/phase-failure.ts';
import { roleUse } from './run/role-session.ts';

/** Stands in for the id that the build will get. */
const UUID = '00000000-0000-4000-8000-000000000000';

type Definition = BuildDefinition;
type Planned = Readonly<{ id: string; definition: Definition; scope: Scope; as: ForeseenCaller }>;

export const foresee = { StartBuild: startBuild };

async function* startBuild(input: StartBuildInput, call: Call, foresight: Foresight): AsyncGenerator<Foreseen> {
  const name = projectNameOf(input.projectName ?? '');
  const project = (await projects.get(call.house.store, projectKey(call, name)))?.document;
  if (project === undefined) {
    yield { fails: `there is no project ${name} in ${call.account}, ${call.region}` };
    return;
  }
  const definition = definitionOf(project, input, call);
  if ('fails' in definition) {
    yield definition;
    return;
  }
  foresight.placeholders.set(UUID, '*');
  const scope = { account: call.account, region: call.region };
  const id = `${name}:${UUID}`;
  const planned: Planned = { id, definition, scope, as: roleUse(scope, { id, definition }) };
  yield* logs(planned);
  yield* sources(planned);
  const buildspec = yield* buildspecOf(planned);
  yield* variables(planned, buildspec);
  yield { unknown: `what the commands of the build ${name} call, as ${definition.serviceRole}` };
  yield* artifacts(planned, buildspec);
  yield* s3Log(planned);
}

function definitionOf(project: Project, input: StartBuildInput, call: Call): Definition | Readonly<{ fails: string }> {
  try {
    return { ...defined(project, input, call), buildNumber: project.lastBuildNumber + 1 };
  } catch (error) {
    if (isAwsError(error)) return { fails: `the build cannot be started: ${error.message}` };
    throw error;
  }
}

function* logs({ id, definition, scope, as }: Planned): Generator<Foreseen> {
  const target = logTarget({ id, definition });
  if (target === undefined) return;
  const { groupName: logGroupName, streamName: logStreamName } = target;
  const group = `arn:aws:logs:${scope.region}:${scope.account}:log-group:${logGroupName}`;
  const input = { logGroupName, logStreamName };
  const common = { service: 'logs', scope, as };
  yield { ...common, operation: 'CreateLogStream', input, purpose: 'open the log of the build' };
  yield {
    ...common,
    operation: 'CreateLogGroup',
    input: { logGroupName },
    purpose: 'make the log group of the project',
    unlessExists: group,
  };
  yield {
    ...common,
    operation: 'PutLogEvents',
    input: { ...input, logEvents: [] },
    purpose: 'write the log of the build',
    optional: true,
  };
}

function* sources({ definition, scope, as }: Planned): Generator<Foreseen> {
  const versions = new Map(
    definition.secondarySourceVersions.map((each) => [each.sourceIdentifier, each.sourceVersion]),
  );
  yield* source(definition.source, definition.sourceVersion, 'the source', scope, as);
  for (const each of definition.secondarySources) {
    const what = `the secondary source ${each.sourceIdentifier ?? ''}`;
    yield* source(each, versions.get(each.sourceIdentifier) || undefined, what, scope, as);
  }
}

function* source(
  { type, location = '' }: ProjectSource,
  version: string | undefined,
  what: string,
  scope: Scope,
  as: ForeseenCaller,
): Generator<Foreseen> {
  if (type === 'CODECOMMIT') {
    const repository = /\/v1\/repos\/([\w.-]+)\/?$/.exec(location)?.[1] ?? '';
    const resource = `arn:aws:codecommit:${scope.region}:${scope.account}:${repository}`;
    yield { action: 'codecommit:GitPull', resource, scope, as, purpose: `clone ${what}` };
  }
  const place = type === 'S3' ? splitS3Location(location) : undefined;
  if (place === undefined) return;
  const common = { service: 's3', scope, as, purpose: `read ${what}` };
  if (place.key.endsWith('/')) {
    yield { ...common, operation: 'ListObjectsV2', input: { Bucket: place.bucket, Prefix: place.key } };
    yield { ...common, operation: 'GetObject', input: { Bucket: place.bucket, Key: `${place.key}*` } };
    return;
  }
  const input = { Bucket: place.bucket, Key: place.key, ...(version ? { VersionId: version } : {}) };
  yield { ...common, operation: 'GetObject', input };
}

/** Undefined where it lies in the source or in S3. */
function* buildspecOf({ definition, scope, as }: Planned): Generator<Foreseen, Buildspec | undefined> {
  const given = definition.source.buildspec;
  if (isInline(given)) {
    try {
      return parseBuildspec(given ?? '');
    } catch (error) {
      if (!isPhaseFailure(error)) throw error;
      yield { fails: `the buildspec cannot be read: ${error.message}` };
      return undefined;
    }
  }
  const place = given?.startsWith('arn:aws:s3:::') === true ? splitS3Location(given) : undefined;
  if (place !== undefined) {
    const input = { Bucket: place.bucket, Key: place.key };
    yield { service: 's3', operation: 'GetObject', input, scope, as, purpose: 'read the buildspec' };
  }
  const where = place === undefined ? 'the source' : given;
  yield { unknown: `which parameters and secrets the buildspec names: it lies in ${where}` };
  return undefined;
}

function* variables({ definition, scope, as }: Planned, buildspec: Buildspec | undefined): Generator<Foreseen> {
  const none = { variables: {}, parameterStore: {}, secretsManager: {} };
  const declared = declaredVariables(definition, buildspec ?? none);
  const valuesOf = (type: string): string[] =>
    declared.filter((each) => each.type === type && !each.value.includes('*')).map(({ value }) => value);
  for (const { name, type, value } of declared) {
    // A variable of the pipeline stands in it.
    if (type !== 'PLAINTEXT' && value.includes('*')) yield { unknown: `what ${name} is read from` };
  }
  const names = [...new Set(valuesOf('PARAMETER_STORE'))];
  for (let at = 0; at < names.length; at += PARAMETERS_AT_ONCE) {
    const input = { Names: names.slice(at, at + PARAMETERS_AT_ONCE), WithDecryption: true };
    yield { service: 'ssm', operation: 'GetParameters', input, scope, as, purpose: 'read the parameters of the build' };
  }
  for (const reference of valuesOf('SECRETS_MANAGER')) {
    const { id, input } = parseSecretReference(reference);
    const purpose = `read the secret ${id}`;
    yield { service: 'secretsmanager', operation: 'GetSecretValue', input, scope, as, purpose };
  }
}

function* artifacts(planned: Planned, buildspec: Buildspec | undefined): Generator<Foreseen> {
  const { definition } = planned;
  const primary = definition.artifacts;
  const writes = buildspec === undefined || (buildspec.artifacts?.files.length ?? 0) > 0;
  if (primary.type === 'S3' && writes) yield* artifact(planned, primary, 'the artifacts of the build');
  for (const secondary of definition.secondaryArtifacts) {
    const name = secondary.artifactIdentifier ?? '';
    if (buildspec !== undefined && !Object.hasOwn(buildspec.secondaryArtifacts, name)) continue;
    if (secondary.type === 'S3') yield* artifact(planned, secondary, `the artifact ${name}`);
  }
}

function* artifact(
  { id, definition, scope, as }: Planned,
  artifacts: ProjectArtifacts & BuildArtifacts,
  what: string,
): Generator<Foreseen> {
  if (artifacts.overrideArtifactName === true) yield { unknown: `the name of ${what}: the buildspec gives it` };
  const place = artifactKey({ id, definition }, artifacts, artifacts.name === '/' ? '' : (artifacts.name ?? ''));
  const slash = place.indexOf('/');
  const bucket = slash < 0 ? place : place.slice(0, slash);
  const given = slash < 0 ? '' : place.slice(slash + 1);
  const key = artifacts.packaging === 'ZIP' ? given || definition.projectName : `${given}${given === '' ? '' : '/'}*`;
  const input = {
    Bucket: bucket,
    Key: key,
    ...encryption(artifacts, definition.encryptionKey, scope),
    ...(artifacts.bucketOwnerAccess === 'FULL' ? { ACL: 'bucket-owner-full-control' } : {}),
    ...(artifacts.bucketOwnerAccess === 'READ_ONLY' ? { ACL: 'bucket-owner-read' } : {}),
  };
  yield { service: 's3', operation: 'PutObject', input, scope, as, purpose: `write ${what}` };
}

function* s3Log({ id, definition, scope, as }: Planned): Generator<Foreseen> {
  const { status, location = '', encryptionDisabled } = definition.logsConfig?.s3Logs ?? {};
  if (status !== 'ENABLED') return;
  const place = splitS3Location(`${location.replace(/\/+$/, '')}/${buildUuid(id)}.gz`);
  if (place === undefined) return;
  const input = {
    Bucket: place.bucket,
    Key: place.key,
    ...(encryptionDisabled === true
      ? {}
      : { ServerSideEncryption: 'aws:kms', ...keyId(definition.encryptionKey, scope) }),
  };
  yield { service: 's3', operation: 'PutObject', input, scope, as, purpose: 'write the log of the build to S3' };
}
