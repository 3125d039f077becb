/** A build as the API shows it. */
import type {
  Build as BuildShape,
  BuildArtifacts,
  BuildPhase as PhaseShape,
  LogsLocation,
  ProjectSource,
} from '@aws-sdk/client-codebuild';
import { SECOND_MS } from '../../common/index.ts';
import { type BuildPhase, currentPhase } from '../../core/build/index.ts';
import type { Scope } from '../service.ts';
import type { Build } from './records.ts';

/** What the runner reports of a build, beside its phases. */
export type Facts = Readonly<{
  resolvedSourceVersion?: string;
  logs?: Readonly<{ groupName?: string; streamName?: string; s3LogsArn?: string }>;
  artifacts?: BuildArtifacts;
  secondaryArtifacts?: BuildArtifacts[];
  exportedVariables?: { name: string; value: string }[];
}>;

export function buildShape(scope: Scope, build: Build): BuildShape {
  const { definition } = build;
  const facts = build.facts as Facts;
  return {
    id: build.id,
    arn: build.arn,
    buildNumber: definition.buildNumber,
    startTime: new Date(build.startedAt),
    endTime: build.endedAt === undefined ? undefined : new Date(build.endedAt),
    currentPhase: currentPhase(build),
    buildStatus: build.status,
    sourceVersion: definition.sourceVersion,
    resolvedSourceVersion: facts.resolvedSourceVersion,
    projectName: definition.projectName,
    phases: build.phases.map(phaseShape),
    source: shownSource(build),
    secondarySources: [...definition.secondarySources],
    secondarySourceVersions: [...definition.secondarySourceVersions],
    artifacts: facts.artifacts ?? expectedArtifacts(build),
    secondaryArtifacts: facts.secondaryArtifacts ?? [],
    cache: definition.cache,
    environment: definition.environment,
    serviceRole: definition.serviceRole,
    logs: logsShape(scope, build, facts),
    timeoutInMinutes: definition.timeoutInMinutes,
    queuedTimeoutInMinutes: definition.queuedTimeoutInMinutes,
    buildComplete: build.endedAt !== undefined,
    initiator: definition.initiator,
    encryptionKey: definition.encryptionKey,
    exportedEnvironmentVariables: facts.exportedVariables ?? [],
  };
}

export function shownSource(build: Build): ProjectSource {
  const { source, fromPipeline } = build.definition;
  if (!fromPipeline) return source;
  return { type: 'CODEPIPELINE', ...(source.buildspec === undefined ? {} : { buildspec: source.buildspec }) };
}

function phaseShape(phase: BuildPhase): PhaseShape {
  return {
    phaseType: phase.phaseType,
    phaseStatus: phase.status,
    startTime: new Date(phase.startedAt),
    ...(phase.endedAt === undefined
      ? {}
      : {
          endTime: new Date(phase.endedAt),
          durationInSeconds: Math.floor((phase.endedAt - phase.startedAt) / SECOND_MS),
          contexts: phase.contexts.length === 0 ? [{ statusCode: '', message: '' }] : [...phase.contexts],
        }),
  };
}

/** Where the artifacts will go, before they are there. */
function expectedArtifacts(build: Build): BuildArtifacts {
  const { artifacts } = build.definition;
  if (artifacts.type !== 'S3') return { location: '' };
  return {
    location: `arn:aws:s3:::${artifactKey(build, artifacts)}`,
    overrideArtifactName: artifacts.overrideArtifactName,
    encryptionDisabled: artifacts.encryptionDisabled,
  };
}

/** `bucket/path/namespace/name`, without empty parts. `name` is the buildspec's, where that counts. */
export function artifactKey(
  build: Pick<Build, 'id' | 'definition'>,
  artifacts: Build['definition']['artifacts'],
  name = artifacts.name ?? '',
): string {
  const namespace = artifacts.namespaceType === 'BUILD_ID' ? build.id.slice(build.id.indexOf(':') + 1) : '';
  const bucket = (artifacts.location ?? '').replace(/^arn:aws:s3:::/, '');
  const parts = [bucket, artifacts.path ?? '', namespace, name].map((part) => part.replace(/^\/+|\/+$/g, ''));
  return parts.filter((part) => part !== '').join('/');
}

function logsShape(scope: Scope, build: Build, facts: Facts): LogsLocation {
  const { logsConfig } = build.definition;
  const group = facts.logs?.groupName;
  const stream = facts.logs?.streamName;
  const console = `https://console.aws.amazon.com/cloudwatch/home?region=${scope.region}#logsV2:log-groups`;
  return {
    groupName: group,
    streamName: stream,
    deepLink:
      group === undefined
        ? console
        : `${console}/log-group/${consoleEscape(group)}/log-events/${consoleEscape(stream ?? '')}`,
    ...(group === undefined
      ? {}
      : {
          cloudWatchLogsArn: `arn:aws:logs:${scope.region}:${scope.account}:log-group:${group}:log-stream:${stream ?? ''}`,
        }),
    s3LogsArn: facts.logs?.s3LogsArn,
    cloudWatchLogs: logsConfig?.cloudWatchLogs ?? { status: 'ENABLED' },
    s3Logs: logsConfig?.s3Logs ?? { status: 'DISABLED', encryptionDisabled: false },
  };
}

/** The console writes `/` as `$252F`: percent-encoded twice, with `$` for `%`. */
function consoleEscape(text: string): string {
  return encodeURIComponent(encodeURIComponent(text)).replaceAll('%', '$');
}
