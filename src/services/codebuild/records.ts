/** What CodeBuild keeps: projects, builds (the loop's state), which builds are under way, start tokens. */
import type {
  EnvironmentVariable,
  LogsConfig,
  ProjectArtifacts,
  ProjectCache,
  ProjectEnvironment,
  ProjectSource,
  ProjectSourceVersion,
  Tag,
} from '@aws-sdk/client-codebuild';
import { AwsError, formatArn } from '../../common/index.ts';
import type { BuildState } from '../../core/build/index.ts';
import { collection, type DocumentKey } from '../../store/index.ts';
import type { Scope } from '../service.ts';

export type Project = Readonly<{
  name: string;
  description?: string;
  source: ProjectSource;
  secondarySources: readonly ProjectSource[];
  sourceVersion?: string;
  secondarySourceVersions: readonly ProjectSourceVersion[];
  artifacts: ProjectArtifacts;
  secondaryArtifacts: readonly ProjectArtifacts[];
  cache: ProjectCache;
  environment: ProjectEnvironment;
  serviceRole: string;
  timeoutInMinutes: number;
  queuedTimeoutInMinutes: number;
  encryptionKey: string;
  tags: readonly Tag[];
  logsConfig?: LogsConfig;
  concurrentBuildLimit?: number;
  createdAt: number;
  lastModifiedAt: number;
  /** The number of the last build; never given twice. */
  lastBuildNumber: number;
}>;

/** Everything that a build was started with: later changes of the project do not touch it. */
export type BuildDefinition = Readonly<{
  projectName: string;
  buildNumber: number;
  initiator: string;
  /** Source and artifacts are shown as CODEPIPELINE's. */
  fromPipeline: boolean;
  /** The revision of the pipeline's source that the primary input is; the build's resolved source version. */
  pipelineRevision?: string;
  /** SHA-256 of the pipeline's artifacts, by `bucket/key`: with other bytes the build fails. */
  sourceDigests?: Readonly<Record<string, string>>;
  source: ProjectSource;
  secondarySources: readonly ProjectSource[];
  sourceVersion?: string;
  secondarySourceVersions: readonly ProjectSourceVersion[];
  artifacts: ProjectArtifacts;
  secondaryArtifacts: readonly ProjectArtifacts[];
  cache: ProjectCache;
  environment: ProjectEnvironment & { environmentVariables: EnvironmentVariable[] };
  serviceRole: string;
  encryptionKey: string;
  logsConfig?: LogsConfig;
  timeoutInMinutes: number;
  queuedTimeoutInMinutes: number;
}>;

export type Build = BuildState<BuildDefinition>;

export const BUILD_LOOP = 'codebuild.build';
export const projects = collection<Project>('codebuild.project');
export const builds = collection<Build>(BUILD_LOOP);
/** One per build that is not final, under its project: counts against limits, and tells a start what it must look after. */
/** `holder`: the process in whose room it waits or runs, where several share the work. */
type ActiveBuild = Readonly<{ buildId: string; holder?: string }>;

export const activeBuilds = collection<ActiveBuild>('codebuild.active-build');
export const startTokens =
  collection<Readonly<{ request: string; buildId: string; at: number }>>('codebuild.start-token');

export const SERVICE = 'codebuild.amazonaws.com';

export function projectArn(scope: Scope, name: string): string {
  return formatArn('codebuild', scope.region, scope.account, `project/${name}`);
}

export function buildArn(scope: Scope, id: string): string {
  return formatArn('codebuild', scope.region, scope.account, `build/${id}`);
}

export function projectKey(scope: Scope, name: string): DocumentKey {
  return { account: scope.account, region: scope.region, id: name };
}

export function buildKey(scope: Scope, id: string): DocumentKey {
  return { account: scope.account, region: scope.region, id };
}

/** The part of a build id after the colon. */
export function buildUuid(id: string): string {
  return id.slice(id.indexOf(':') + 1);
}

export function projectOfBuild(id: string): string {
  return id.slice(0, Math.max(0, id.indexOf(':')));
}

/** Newest last: by start, then by number. */
export function buildSort(startedAt: number, buildNumber: number): string {
  return `${String(startedAt).padStart(15, '0')}/${String(buildNumber).padStart(10, '0')}`;
}

export function invalidInput(message: string): AwsError {
  return new AwsError('InvalidInputException', message);
}

export function notImplemented(what: string): AwsError {
  return invalidInput(`${what} is not implemented by Sluice`);
}

/** A name or an ARN of a project of this account and Region. */
export function projectNameOf(nameOrArn: string): string {
  return /^arn:[^:]*:codebuild:[^:]*:\d{12}:project\/(.+)$/.exec(nameOrArn)?.[1] ?? nameOrArn;
}

/** An id or an ARN of a build; throws for what is neither. */
export function buildIdOf(idOrArn: string): string {
  const id = /^arn:[^:]*:codebuild:[^:]*:\d{12}:build\/(.+)$/.exec(idOrArn)?.[1] ?? idOrArn;
  if (!/^[^:]+:[^:]+$/.test(id)) throw invalidInput('Invalid build ID provided');
  return id;
}
