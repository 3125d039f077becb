/**
 * EventBridge notifications and CloudWatch metrics of builds.
 * Source: CodeBuild User Guide, "Build notifications input format reference"; "Monitoring CodeBuild metrics".
 */
import { type EpochMs, type Json, type JsonObject, SECOND_MS } from '../../common/index.ts';
import type { BuildPhase, BuildStatus } from '../../core/build/index.ts';
import type { House, Scope } from '../service.ts';
import { buildShape, shownSource } from './build-shape.ts';
import { type Build, SERVICE } from './records.ts';

/** `phases`: how many the build had at that moment; later ones are left out. */
export async function publishState(
  house: House,
  scope: Scope,
  build: Build,
  event: Readonly<{ status: BuildStatus; phases: number; at: EpochMs }>,
): Promise<void> {
  const phases = build.phases.slice(0, event.phases);
  await house.door.publish(scope, {
    source: 'aws.codebuild',
    detailType: 'CodeBuild Build State Change',
    resources: [build.arn],
    at: event.at,
    detail: {
      'build-status': event.status,
      'project-name': build.definition.projectName,
      'build-id': build.arn,
      'current-phase': phases.at(-1)?.phaseType ?? 'SUBMITTED',
      'current-phase-context': contextText(phases.at(-1)),
      version: '1',
      'additional-information': additional(scope, build, phases, event.status !== 'IN_PROGRESS'),
    },
  });
}

export async function publishPhase(
  house: House,
  scope: Scope,
  build: Build,
  event: Readonly<{ index: number; at: EpochMs }>,
): Promise<void> {
  const phases = build.phases.slice(0, event.index + 1);
  const phase = phases.at(-1);
  // A build that was put back in line has fewer phases than when this was decided.
  if (phases.length <= event.index || phase?.endedAt === undefined) return;
  await house.door.publish(scope, {
    source: 'aws.codebuild',
    detailType: 'CodeBuild Build Phase Change',
    resources: [build.arn],
    at: event.at,
    detail: {
      'completed-phase': phase.phaseType,
      'completed-phase-status': phase.status ?? '',
      'completed-phase-context': contextText(phase),
      'completed-phase-duration-seconds': seconds(phase),
      'completed-phase-start': eventTime(phase.startedAt),
      'completed-phase-end': eventTime(phase.endedAt),
      'project-name': build.definition.projectName,
      'build-id': build.arn,
      version: '1',
      'additional-information': additional(scope, build, phases, false),
    },
  });
}

function additional(scope: Scope, build: Build, phases: readonly BuildPhase[], complete: boolean): JsonObject {
  const { definition } = build;
  const shape = buildShape(scope, build);
  const source = shownSource(build);
  const { environment } = definition;
  return {
    artifact: plain({
      md5sum: shape.artifacts?.md5sum,
      sha256sum: shape.artifacts?.sha256sum,
      location: shape.artifacts?.location,
    }),
    environment: plain({
      image: environment.image,
      'privileged-mode': environment.privilegedMode ?? false,
      'image-pull-credentials-type': environment.imagePullCredentialsType,
      'compute-type': environment.computeType,
      type: environment.type,
      // Values of this kind are shown by AWS; secrets are given as references, which are what is shown.
      'environment-variables': environment.environmentVariables.map(({ name, value, type }) =>
        plain({ name, value, type }),
      ),
    }),
    'timeout-in-minutes': definition.timeoutInMinutes,
    'queued-timeout-in-minutes': definition.queuedTimeoutInMinutes,
    'build-complete': complete,
    'build-number': definition.buildNumber,
    initiator: definition.initiator,
    'build-start-time': eventTime(build.startedAt),
    source: plain({ location: source.location, type: source.type, buildspec: source.buildspec }),
    ...(definition.sourceVersion === undefined ? {} : { 'source-version': definition.sourceVersion }),
    logs: plain({
      'group-name': shape.logs?.groupName,
      'stream-name': shape.logs?.streamName,
      'deep-link': shape.logs?.deepLink,
    }),
    phases: phases.map((phase) =>
      plain({
        'phase-type': phase.phaseType,
        'start-time': eventTime(phase.startedAt),
        'end-time': phase.endedAt === undefined ? undefined : eventTime(phase.endedAt),
        'duration-in-seconds': phase.endedAt === undefined ? undefined : seconds(phase),
        'phase-status': phase.status,
        'phase-context': phase.endedAt === undefined ? undefined : phaseContext(phase),
      }),
    ),
    ...(complete && shape.exportedEnvironmentVariables !== undefined && shape.exportedEnvironmentVariables.length > 0
      ? {
          'exported-environment-variables': shape.exportedEnvironmentVariables.map(({ name, value }) =>
            plain({ name, value }),
          ),
        }
      : {}),
  };
}

function plain(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function phaseContext(phase: BuildPhase): Json {
  return phase.contexts.length === 0
    ? [': ']
    : phase.contexts.map(({ statusCode, message }) => `${statusCode}: ${message}`);
}

function contextText(phase: BuildPhase | undefined): string {
  if (phase === undefined || phase.contexts.length === 0) return '[: ]';
  return `[${phase.contexts.map(({ statusCode, message }) => `${statusCode}: ${message}`).join(', ')}]`;
}

function seconds(phase: BuildPhase): number {
  return phase.endedAt === undefined ? 0 : Math.floor((phase.endedAt - phase.startedAt) / SECOND_MS);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Sep 1, 2017 4:12:29 PM`, UTC: the form of CodeBuild's notifications. */
export function eventTime(at: EpochMs): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = date.getUTCHours();
  const time = `${hours % 12 === 0 ? 12 : hours % 12}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()} ${time} ${hours < 12 ? 'AM' : 'PM'}`;
}

const PHASE_METRICS: Readonly<Record<string, string>> = {
  SUBMITTED: 'SubmittedDuration',
  QUEUED: 'QueuedDuration',
  PROVISIONING: 'ProvisioningDuration',
  DOWNLOAD_SOURCE: 'DownloadSourceDuration',
  INSTALL: 'InstallDuration',
  PRE_BUILD: 'PreBuildDuration',
  BUILD: 'BuildDuration',
  POST_BUILD: 'PostBuildDuration',
  UPLOAD_ARTIFACTS: 'UploadArtifactsDuration',
  FINALIZING: 'FinalizingDuration',
};

/** Per project and for the account, once a build has ended. */
export async function countMetrics(house: House, scope: Scope, build: Build): Promise<void> {
  const at = build.endedAt ?? house.clock.now();
  const failed = build.status === 'FAILED' || build.status === 'FAULT' || build.status === 'TIMED_OUT';
  const values: [name: string, value: number, unit: 'Count' | 'Seconds'][] = [
    ['Builds', 1, 'Count'],
    ...(build.status === 'SUCCEEDED' ? [['SucceededBuilds', 1, 'Count'] as [string, number, 'Count']] : []),
    ...(failed ? [['FailedBuilds', 1, 'Count'] as [string, number, 'Count']] : []),
    ['Duration', (at - build.startedAt) / SECOND_MS, 'Seconds'],
  ];
  for (const phase of build.phases) {
    const name = PHASE_METRICS[phase.phaseType];
    if (name !== undefined && phase.endedAt !== undefined)
      values.push([name, (phase.endedAt - phase.startedAt) / SECOND_MS, 'Seconds']);
  }
  const dimensions = [[], [{ Name: 'ProjectName', Value: build.definition.projectName }]];
  await house.door.asService(SERVICE, scope).call('cloudwatch', 'PutMetricData', {
    Namespace: 'AWS/CodeBuild',
    MetricData: dimensions.flatMap((Dimensions) =>
      values.map(([MetricName, Value, Unit]) => ({ MetricName, Value, Unit, Dimensions, Timestamp: new Date(at) })),
    ),
  });
}
