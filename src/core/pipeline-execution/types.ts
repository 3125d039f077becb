/**
 * The words of a pipeline's executions.
 *
 * Glossary:
 * - line: one pipeline as its executions see it: the stages in a row, a lock and a transition in front of each, and
 *   every execution that is under way. One line is one loop state, because who may enter a stage, and who is
 *   superseded by whom, must be decided in one place.
 * - plan: what of a pipeline definition decides the order of things. Configuration and roles stay out of it (and so out
 *   of the history); the shell reads them from the stored definition of the same version when an action starts.
 * - entrance: the place in front of a stage where an execution waits for the lock and the transition.
 * - run: the action execution that counts for an action in its execution's current stage. A retry replaces it; the
 *   replaced one stays in `actions` as history.
 * - archive: executions that are over are written out as documents of their own and leave the line, so that a line
 *   stays as small after a million executions as after one.
 */
import type { EpochMs } from '../../common/index.ts';

export type ExecutionMode = 'SUPERSEDED' | 'QUEUED' | 'PARALLEL';

export type ActionType = Readonly<{ category: string; owner: string; provider: string; version: string }>;

export type ActionPlan = Readonly<{
  name: string;
  runOrder: number;
  type: ActionType;
  /** Names of artifacts. */
  inputs: readonly string[];
  outputs: readonly string[];
  namespace?: string;
  /** Where the action runs, when that is not the pipeline's Region. */
  region?: string;
  timeoutMs: number;
}>;

export type StagePlan = Readonly<{ name: string; actions: readonly ActionPlan[] }>;

export type Plan = Readonly<{ version: number; mode: ExecutionMode; stages: readonly StagePlan[] }>;

/** An object in an artifact bucket, with the digest that every hand-over is checked against. */
export type Artifact = Readonly<{
  name: string;
  bucket: string;
  key: string;
  versionId?: string;
  eTag?: string;
  /** SHA-256 of the bytes, 64 hex digits. */
  sha256: string;
  bytes: number;
}>;

/** What a source action found: the commit, the object version. */
export type Revision = Readonly<{ id: string; summary?: string; url?: string; createdAt?: EpochMs }>;

export type ActionStatus = 'InProgress' | 'Succeeded' | 'Failed' | 'Abandoned';

/** What the provider of an action tells about it; each part stays until a later report replaces it. */
export type ProviderReport = Readonly<{
  externalExecutionId?: string;
  externalExecutionUrl?: string;
  externalExecutionSummary?: string;
  summary?: string;
  percentComplete?: number;
  logStreamArn?: string;
  /** The configuration with its variables replaced and its secrets masked. */
  resolvedConfiguration?: Readonly<Record<string, string>>;
}>;

export type ActionExecution = ProviderReport &
  Readonly<{
    id: string;
    stage: string;
    action: string;
    status: ActionStatus;
    startedAt: EpochMs;
    updatedAt: EpochMs;
    deadlineAt: EpochMs;
    /** A timer is set to look at it again. */
    pollAt?: EpochMs;
    inputs: readonly Artifact[];
    outputs: readonly Artifact[];
    variables: Readonly<Record<string, string>>;
    revision?: Revision;
    /** Of an approval: what its answer must name. */
    token?: string;
    /** ARN of who approved or rejected. */
    updatedBy?: string;
    error?: ActionError;
  }>;

export type ActionError = Readonly<{ code: string; message: string }>;

export type ExecutionStatus =
  | 'InProgress'
  | 'Stopping'
  | 'Stopped'
  | 'Succeeded'
  | 'Failed'
  | 'Superseded'
  | 'Cancelled';

export type StageStatus = 'InProgress' | 'Stopping' | 'Stopped' | 'Succeeded' | 'Failed' | 'Cancelled';

export type Trigger = Readonly<{ type: string; detail?: string }>;

export type SourceRevisionOverride = Readonly<{ actionName: string; revisionType: string; revisionValue: string }>;

export type Execution = Readonly<{
  id: string;
  /** Order of starting within the pipeline, from 1. "Newer" means a greater ordinal. */
  ordinal: number;
  /** Of the definition it runs by, from start to end. */
  version: number;
  trigger: Trigger;
  /** Pipeline-level variables, resolved at the start. */
  variables: Readonly<Record<string, string>>;
  sourceRevisions: readonly SourceRevisionOverride[];
  status: ExecutionStatus;
  /** 1, plus one at each retry. */
  attempt: number;
  startedAt: EpochMs;
  updatedAt: EpochMs;
  /** Where in its plan it is. */
  stageIndex: number;
  position: 'Waiting' | 'Inside';
  /** Action name to action execution id, in the current stage. */
  runs: Readonly<Record<string, string>>;
  /** Every action execution of every attempt, oldest first. */
  actions: readonly ActionExecution[];
  /** Of the stages it has reached. */
  stages: Readonly<Record<string, Readonly<{ status: StageStatus; retries: number }>>>;
  stop?: Readonly<{ abandon: boolean; reason?: string }>;
  /** The definition changed under it: it ends as Cancelled once nothing of it runs. */
  cancelling?: true;
  /** It was held by a transition that stayed disabled for over 30 days, and is not taken up again. */
  stale?: true;
}>;

export type Transition = Readonly<{ enabled: boolean; reason?: string; changedAt: EpochMs; changedBy: string }>;

/** What a stage keeps beyond its executions: its gates, and who was last in it. */
export type StageRecord = Readonly<{
  inbound?: Transition;
  outbound?: Transition;
  /** The latest execution that entered the stage. */
  latest?: Readonly<{ executionId: string; status: StageStatus; retries: number }>;
  /** Per action, its latest execution of those that have left the line. */
  archivedActions: Readonly<Record<string, ActionExecution>>;
}>;

export type PipelineLine = Readonly<{
  /** Tells this pipeline from an earlier one of the same name. */
  pipelineId: string;
  /** Of the current definition. */
  version: number;
  /** The current plan, and those that executions under way still run by. */
  plans: Readonly<Record<string, Plan>>;
  stages: Readonly<Record<string, StageRecord>>;
  /** Oldest first: those under way, those that may be retried, and those about to be archived. */
  executions: readonly Execution[];
  lastOrdinal: number;
  /** The earliest deadline that the timer is set to. */
  timerAt?: EpochMs;
  /** How many times something was announced: successive announcements take turns among a few lanes. */
  announcements: number;
  /** An `ArchiveExecutions` effect is on its way. */
  archiving?: true;
}>;

export type LineEvent =
  | Readonly<{
      type: 'ExecutionStarted';
      executionId: string;
      trigger: Trigger;
      variables: Readonly<Record<string, string>>;
      sourceRevisions: readonly SourceRevisionOverride[];
    }>
  | Readonly<{ type: 'StopRequested'; executionId: string; abandon: boolean; reason?: string }>
  | Readonly<{ type: 'StageRetryRequested'; executionId: string; stage: string; mode: RetryMode }>
  | Readonly<{
      type: 'TransitionChanged';
      stage: string;
      direction: 'Inbound' | 'Outbound';
      enabled: boolean;
      reason?: string;
      changedBy: string;
    }>
  | Readonly<{ type: 'DefinitionChanged'; plan: Plan }>
  /** The action is under way. `pollAt` asks for another look; `deadlineAt` moves the timeout. */
  | Readonly<{
      type: 'ActionProgressed';
      actionExecutionId: string;
      report: ProviderReport;
      token?: string;
      /** A notification is to be sent once the token is saved. */
      notify?: boolean;
      pollAt?: EpochMs;
      wakeKey?: string;
      deadlineAt?: EpochMs;
    }>
  /** A job worker says it is done; its output artifacts are still to be collected. */
  | Readonly<{ type: 'ActionReported'; actionExecutionId: string } & ActionResult>
  | Readonly<{ type: 'ActionSucceeded'; actionExecutionId: string; outputs: readonly Artifact[] } & ActionResult>
  | Readonly<{ type: 'ActionFailed'; actionExecutionId: string; error: ActionError; report?: ProviderReport }>
  | Readonly<{
      type: 'ApprovalGiven';
      actionExecutionId: string;
      approved: boolean;
      summary: string;
      by: string;
    }>
  | Readonly<{ type: 'ExecutionsArchived'; executionIds: readonly string[] }>;

export type ActionResult = Readonly<{
  report: ProviderReport;
  variables: Readonly<Record<string, string>>;
  revision?: Revision;
}>;

export type RetryMode = 'FAILED_ACTIONS' | 'ALL_ACTIONS';

/** Effects about one action share a lane, so that a slow action holds nobody up. */
export type LineEffect =
  | Readonly<{ type: 'StartAction' | 'PollAction' | 'NotifyApproval'; lane: string; actionExecutionId: string }>
  | Readonly<{ type: 'CollectOutputs'; lane: string; actionExecutionId: string; result: ActionResult }>
  | Readonly<{ type: 'Announce'; lane: string; changes: readonly Change[] }>
  | Readonly<{ type: 'ArchiveExecutions'; lane: 'archive' }>;

/** As the engine performs them itself. */
export type TimerEffect =
  | Readonly<{ type: 'WakeAt'; timer: string; at: EpochMs; wakeKey?: string }>
  | Readonly<{ type: 'CancelTimer'; timer: string }>;

export type TimerFired = Readonly<{ type: 'TimerFired'; timer: string }>;

/** A change of state that the world is told about; in the order it happened. Source: CodePipeline User Guide, "Monitoring CodePipeline events". */
export type Change = Readonly<{
  of: 'Pipeline' | 'Stage' | 'Action';
  state: ChangeState;
  at: EpochMs;
  executionId: string;
  version: number;
  attempt: number;
  startedAt: EpochMs;
  trigger?: Trigger;
  stopReason?: string;
  stage?: string;
  action?: string;
  region?: string;
  actionType?: ActionType;
  inputs?: readonly ArtifactPlace[];
  outputs?: readonly ArtifactPlace[];
  result?: Readonly<{
    externalExecutionId?: string;
    externalExecutionSummary?: string;
    externalExecutionUrl?: string;
    errorCode?: string;
  }>;
}>;

export type ArtifactPlace = Readonly<{ name: string; bucket: string; key: string }>;

export type ChangeState =
  | 'STARTED'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'STOPPING'
  | 'STOPPED'
  | 'SUPERSEDED'
  | 'CANCELED'
  | 'RESUMED'
  | 'ABANDONED';
