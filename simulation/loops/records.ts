/** The documents of the world of loops, as the services keep theirs, less what decides nothing. */
import type { AlarmDefinition, AlarmState } from '../../src/core/alarm/index.ts';
import type { AsyncInvocationState } from '../../src/core/async-invocation/index.ts';
import type { BuildState } from '../../src/core/build/index.ts';
import type { DeploymentState, Target } from '../../src/core/lambda-deployment/index.ts';
import type { Artifact, Execution, PipelineLine } from '../../src/core/pipeline-execution/index.ts';
import { collection, type DocumentKey } from '../../src/store/documents.ts';

export const LINE = 'codepipeline.line';
export const BUILD = 'codebuild.build';
export const DEPLOYMENT = 'codedeploy.deployment';
export const ALARM = 'cloudwatch.alarm';
export const INVOCATION = 'lambda.async-invocation';

export type BuildDefinition = Readonly<{
  /** The action execution that asked for it; a build that a user started has none. */
  actionExecutionId?: string;
  /** What it builds. */
  source: Artifact;
  outputs: readonly string[];
  timeoutMs: number;
}>;
export type Build = BuildState<BuildDefinition>;

export type DeploymentInfo = Readonly<{
  group: string;
  /** Names the pipeline action that asked for it. */
  description?: string;
  /** What is deployed; of a rollback, what is returned to. */
  revision: Artifact;
  rollbackTarget?: Target;
}>;
export type Deployment = DeploymentState<DeploymentInfo>;

/** Where a group stands is read from its deployments. */
export type Group = Readonly<{ name: string; lastAttemptedId?: string; lastSuccessfulId?: string }>;

export type SimulatedAlarm = AlarmState<SimulatedAlarmDefinition>;
export type SimulatedAlarmDefinition = AlarmDefinition & Readonly<{ group: string }>;

/** An event for a function, which is a hook of this deployment. */
export type HookEvent = Readonly<{ deploymentId: string; executionId: string; fails: boolean; holder?: string }>;

export const lines = collection<PipelineLine>(LINE);
export const executions = collection<Execution>('codepipeline.execution');
/** Locked by whoever starts a build of it. */
export const projects = collection<Readonly<{ name: string }>>('codebuild.project');
export const builds = collection<Build>(BUILD);
export const activeBuilds = collection<Readonly<{ holder?: string }>>('codebuild.active-build');
export const deployments = collection<Deployment>(DEPLOYMENT);
export const groups = collection<Group>('codedeploy.deployment-group');
export const alarms = collection<SimulatedAlarm>(ALARM);
export const invocations = collection<AsyncInvocationState>(INVOCATION);
export const hookEvents = collection<HookEvent>('lambda.event');

export function keyOf(id: string): DocumentKey {
  return { account: '111111111111', region: 'eu-central-1', id };
}

export function executionKey(pipeline: string, executionId: string): DocumentKey {
  return keyOf(`${pipeline}/${executionId}`);
}

export function deploymentArn(id: string): string {
  return `arn:aws:codedeploy:eu-central-1:111111111111:deployment:${id}`;
}

export function alarmArn(name: string): string {
  return `arn:aws:cloudwatch:eu-central-1:111111111111:alarm:${name}`;
}

export function buildArn(id: string): string {
  return `arn:aws:codebuild:eu-central-1:111111111111:build/${id}`;
}
