/** Builds: start, retry, stop. */
import { createHash } from 'node:crypto';
import type {
  EnvironmentVariable,
  RetryBuildInput,
  RetryBuildOutput,
  StartBuildInput,
  StartBuildOutput,
  StopBuildInput,
  StopBuildOutput,
} from '@aws-sdk/client-codebuild';
import { type AccessRequest, AwsError, MINUTE_MS, type Principal } from '../../common/index.ts';
import { submitBuild } from '../../core/build/index.ts';
import type { Tx } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { buildShape } from './build-shape.ts';
import {
  checkArtifacts,
  checkCache,
  checkEnvironment,
  checkLogs,
  checkSecondaryArtifacts,
  checkSecondarySources,
  checkServiceRole,
  checkSource,
} from './project-rules.ts';
import { findProject, onProject, passProjectRole, projectNotFound, shownArtifacts } from './projects.ts';
import {
  activeBuilds,
  type Build,
  BUILD_LOOP,
  buildArn,
  type BuildDefinition,
  buildIdOf,
  buildKey,
  builds,
  buildSort,
  invalidInput,
  notImplemented,
  type Project,
  projectArn,
  projectKey,
  projectOfBuild,
  projects,
  startTokens,
} from './records.ts';

/** How CodePipeline tells the revision, and the digests of its artifacts; the build's commands do not see these. */
const REVISION_VARIABLE = 'CODEPIPELINE_SOURCE_REVISION';
const DIGESTS_VARIABLE = 'CODEPIPELINE_SOURCE_DIGESTS';
const TOKEN_LIFE_MS = 5 * MINUTE_MS;

export const startBuild = operation<StartBuildInput, StartBuildOutput>({
  authorize: (input, call) => [
    ...onProject('StartBuild', 'projectName')(input, call),
    ...passProjectRole(input.serviceRoleOverride, input.projectName, call),
  ],
  async handle(input, call) {
    const project = await findProject(call, input.projectName ?? '');
    refuseOverrides(input);
    const definition = defined(project, input, call);
    if (input.serviceRoleOverride !== undefined)
      await checkServiceRole(call.house, call, project.name, input.serviceRoleOverride);
    const { idempotencyToken, ...request } = input;
    const build = await begin(call, project.name, definition, { idempotencyToken, request });
    return { build: buildShape(call, build) };
  },
});

/** The same definition again, as a new build. */
export const retryBuild = operation<RetryBuildInput, RetryBuildOutput>({
  authorize: (input, call) => onBuild('RetryBuild', input.id, call),
  async handle(input, call) {
    if (!input.id) throw invalidInput('Build ID is required');
    const old = await findBuild(call, input.id);
    if (old.status === 'IN_PROGRESS') throw invalidInput('Cannot retry a build that is in progress');
    if (old.definition.fromPipeline)
      throw invalidInput('Builds started by CodePipeline cannot be retried: retry the stage');
    const definition = { ...old.definition, initiator: initiatorOf(call.principal) };
    const request = { retry: old.id };
    const build = await begin(call, old.definition.projectName, definition, {
      idempotencyToken: input.idempotencyToken,
      request,
    });
    return { build: buildShape(call, build) };
  },
});

/** Ends a build that is under way; a finished one is returned as it is. */
export const stopBuild = operation<StopBuildInput, StopBuildOutput>({
  authorize: (input, call) => onBuild('StopBuild', input.id, call),
  async handle(input, call) {
    const { id } = await findBuild(call, input.id ?? '');
    const build = await call.house.engine.submit<Build>(BUILD_LOOP, buildKey(call, id), { type: 'StopRequested' });
    if (build === undefined) throw buildNotFound(call, id);
    return { build: buildShape(call, build) };
  },
});

export function onBuild(action: string, id: unknown, call: Call): readonly AccessRequest[] {
  const text = typeof id === 'string' ? id.replace(/^arn:.*:build\//, '') : '';
  const resource = text.includes(':') ? projectArn(call, projectOfBuild(text)) : '*';
  return [{ action: `codebuild:${action}`, resource }];
}

export async function findBuild(call: Call, idOrArn: string): Promise<Build> {
  const id = buildIdOf(idOrArn);
  const stored = await builds.get(call.house.store, buildKey(call, id));
  if (stored === undefined) throw buildNotFound(call, id);
  return stored.document;
}

function buildNotFound(call: Call, id: string): AwsError {
  return new AwsError('ResourceNotFoundException', `Build cannot be found: ${buildArn(call, id)}`);
}

async function begin(
  call: Call,
  projectName: string,
  definition: Omit<BuildDefinition, 'buildNumber'>,
  start: Readonly<{ idempotencyToken: string | undefined; request: object }>,
): Promise<Build> {
  const { house } = call;
  return house.store.transaction(async (tx) => {
    const stored = await projects.getForUpdate(tx, projectKey(call, projectName));
    if (stored === undefined) throw projectNotFound(call, projectName);
    const known = await buildOfToken(tx, call, projectName, start);
    if (known !== undefined) return known;
    const limit = stored.document.concurrentBuildLimit;
    if (limit !== undefined) {
      const active = await activeBuilds.count(tx, { account: call.account, region: call.region, parent: projectName });
      if (active >= limit) {
        throw new AwsError(
          'AccountLimitExceededException',
          `Cannot have more than ${limit} active builds for the project`,
        );
      }
    }
    const buildNumber = stored.document.lastBuildNumber + 1;
    await projects.update(tx, stored.key, { ...stored.document, lastBuildNumber: buildNumber });
    const id = `${projectName}:${house.ids.uuid()}`;
    const { state, effects } = submitBuild<BuildDefinition>(
      {
        id,
        arn: buildArn(call, id),
        definition: { ...definition, buildNumber },
        queuedTimeoutMs: definition.queuedTimeoutInMinutes * MINUTE_MS,
      },
      call.now,
    );
    const placement = { parent: projectName, sort: buildSort(call.now, buildNumber) };
    await house.engine.create(tx, BUILD_LOOP, buildKey(call, id), state, effects, placement);
    await activeBuilds.insert(tx, buildKey(call, id), { buildId: id }, { parent: projectName });
    if (start.idempotencyToken) {
      const token = { request: digest(start.request), buildId: id, at: call.now };
      await startTokens.put(tx, tokenKey(call, projectName, start.idempotencyToken), token);
    }
    return state;
  });
}

/** The build that the same request with the same token started within the last five minutes. */
async function buildOfToken(
  tx: Tx,
  call: Call,
  projectName: string,
  start: Readonly<{ idempotencyToken: string | undefined; request: object }>,
): Promise<Build | undefined> {
  if (!start.idempotencyToken) return undefined;
  const token = await startTokens.get(tx, tokenKey(call, projectName, start.idempotencyToken));
  if (token === undefined || call.now - token.document.at >= TOKEN_LIFE_MS) return undefined;
  if (token.document.request !== digest(start.request)) {
    throw invalidInput('Invalid idempotency token: the token was used with different parameters');
  }
  return (await builds.get(tx, buildKey(call, token.document.buildId)))?.document;
}

function tokenKey(call: Call, projectName: string, token: string): { account: string; region: string; id: string } {
  return { account: call.account, region: call.region, id: `${projectName}/${token}` };
}

function digest(request: object): string {
  const sorted = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(sorted)
      : value !== null && typeof value === 'object'
        ? Object.fromEntries(
            Object.entries(value)
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([key, each]) => [key, sorted(each)]),
          )
        : value;
  return createHash('sha256')
    .update(JSON.stringify(sorted(request)))
    .digest('hex');
}

function refuseOverrides(input: StartBuildInput): void {
  if (input.sourceAuthOverride !== undefined) throw notImplemented('sourceAuthOverride');
  if (input.insecureSslOverride === true) throw notImplemented('insecureSslOverride');
  if (input.reportBuildStatusOverride === true || input.buildStatusConfigOverride !== undefined) {
    throw notImplemented('reporting build status');
  }
  if (input.certificateOverride) throw notImplemented('certificateOverride');
  if (input.privilegedModeOverride === true) throw notImplemented('privilegedModeOverride');
  if (input.debugSessionEnabled === true) throw notImplemented('debugSessionEnabled');
  if (input.fleetOverride?.fleetArn) throw notImplemented('fleetOverride');
  if ((input.autoRetryLimitOverride ?? 0) > 0) throw notImplemented('autoRetryLimitOverride');
}

/** The project as it stands, with the overrides of this start. Throws what StartBuild refuses. */
export function defined(project: Project, input: StartBuildInput, call: Call): Omit<BuildDefinition, 'buildNumber'> {
  const given = input.environmentVariablesOverride ?? [];
  const fromPipeline = isPipeline(call.principal, given);
  const told = (variable: string) => (fromPipeline ? given.find(({ name }) => name === variable)?.value : undefined);
  const [pipelineRevision, sourceDigests] = [told(REVISION_VARIABLE), readDigests(told(DIGESTS_VARIABLE))];
  const overrides = fromPipeline
    ? given.filter(({ name }) => name !== REVISION_VARIABLE && name !== DIGESTS_VARIABLE)
    : given;
  const source = { ...project.source };
  if (input.sourceTypeOverride !== undefined && input.sourceTypeOverride !== source.type) {
    source.type = input.sourceTypeOverride;
    delete source.location;
    delete source.gitSubmodulesConfig;
  }
  if (input.sourceLocationOverride !== undefined) source.location = input.sourceLocationOverride;
  if (input.gitCloneDepthOverride !== undefined) source.gitCloneDepth = input.gitCloneDepthOverride;
  if (input.gitSubmodulesConfigOverride !== undefined) source.gitSubmodulesConfig = input.gitSubmodulesConfigOverride;
  if (input.buildspecOverride !== undefined) source.buildspec = input.buildspecOverride;
  const artifacts = shownArtifacts(input.artifactsOverride ?? project.artifacts, project.name);
  if (source.type === 'CODEPIPELINE' || artifacts.type === 'CODEPIPELINE') {
    throw invalidInput(
      'Cannot start a build of a project whose source or artifacts are of type CODEPIPELINE: its pipeline starts it. Override the source and the artifacts to build it by itself',
    );
  }
  checkSource(source);
  checkArtifacts(artifacts);
  const secondarySources = input.secondarySourcesOverride ?? project.secondarySources;
  const secondarySourceVersions =
    input.secondarySourcesVersionOverride ??
    (input.secondarySourcesOverride === undefined ? project.secondarySourceVersions : []);
  checkSecondarySources(secondarySources, secondarySourceVersions, fromPipeline);
  const secondaryArtifacts = (input.secondaryArtifactsOverride ?? project.secondaryArtifacts).map((each) =>
    shownArtifacts(each, project.name),
  );
  checkSecondaryArtifacts(secondaryArtifacts);
  const environment = {
    ...project.environment,
    ...(input.environmentTypeOverride === undefined ? {} : { type: input.environmentTypeOverride }),
    ...(input.imageOverride === undefined ? {} : { image: input.imageOverride }),
    ...(input.computeTypeOverride === undefined ? {} : { computeType: input.computeTypeOverride }),
    ...(input.registryCredentialOverride === undefined ? {} : { registryCredential: input.registryCredentialOverride }),
    ...(input.imagePullCredentialsTypeOverride === undefined
      ? {}
      : { imagePullCredentialsType: input.imagePullCredentialsTypeOverride }),
    environmentVariables: overridden(project.environment.environmentVariables ?? [], overrides),
  };
  checkEnvironment({ ...environment, environmentVariables: overrides });
  const cache = input.cacheOverride ?? project.cache;
  checkCache(cache);
  const logsConfig = input.logsConfigOverride ?? project.logsConfig;
  if (logsConfig !== undefined) checkLogs(logsConfig);
  const sourceVersion =
    input.sourceVersion || (input.sourceTypeOverride === undefined ? project.sourceVersion : undefined);
  return {
    projectName: project.name,
    initiator: fromPipeline ? `codepipeline/${sessionName(call.principal)}` : initiatorOf(call.principal),
    fromPipeline,
    ...(pipelineRevision === undefined ? {} : { pipelineRevision }),
    ...(sourceDigests === undefined ? {} : { sourceDigests }),
    source,
    secondarySources,
    ...(sourceVersion === undefined ? {} : { sourceVersion }),
    secondarySourceVersions,
    artifacts,
    secondaryArtifacts,
    cache,
    environment,
    serviceRole: input.serviceRoleOverride ?? project.serviceRole,
    encryptionKey: input.encryptionKeyOverride ?? project.encryptionKey,
    ...(logsConfig === undefined ? {} : { logsConfig }),
    timeoutInMinutes: input.timeoutInMinutesOverride ?? project.timeoutInMinutes,
    queuedTimeoutInMinutes: input.queuedTimeoutInMinutesOverride ?? project.queuedTimeoutInMinutes,
  };
}

function readDigests(text: string | undefined): Readonly<Record<string, string>> | undefined {
  if (text === undefined) return undefined;
  const read = objectOf(text);
  if (read === undefined || !Object.values(read).every((digest) => typeof digest === 'string'))
    throw invalidInput(`${DIGESTS_VARIABLE} is not an object of digests`);
  return read as Readonly<Record<string, string>>;
}

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function overridden(
  given: readonly EnvironmentVariable[],
  overrides: readonly EnvironmentVariable[],
): EnvironmentVariable[] {
  const names = new Set(overrides.map(({ name }) => name));
  const typed = overrides.map(({ name, value, type }) => ({ name, value, type: type ?? ('PLAINTEXT' as const) }));
  return [...given.filter(({ name }) => !names.has(name)), ...typed];
}

/** CodePipeline starts builds by a role session named after the pipeline, and hands over its execution's variables. */
function isPipeline(principal: Principal, overrides: readonly EnvironmentVariable[]): boolean {
  return principal.type === 'AssumedRole' && overrides.some(({ name }) => name?.startsWith('CODEPIPELINE_'));
}

function sessionName(principal: Principal): string {
  return principal.type === 'AssumedRole' ? principal.sessionName : '';
}

function initiatorOf(principal: Principal): string {
  switch (principal.type) {
    case 'User':
      return principal.userName;
    case 'AssumedRole':
      return `${principal.roleName}/${principal.sessionName}`;
    case 'Service':
      return principal.service;
    case 'Root':
      return 'root';
    default:
      return 'anonymous';
  }
}
