/**
 * The words of a Lambda deployment.
 *
 * Glossary: the target is the alias that moves, from its current version to its target version; the weight is the percent
 * of requests that the target version gets. A lifecycle event is one of CodeDeploy's three. A rollback is a deployment of
 * its own (`rollbackOf` says of which), whose target version is the version to return to. Of a return of traffic, the
 * original is the version that it goes back to, the replacement the one that it leaves.
 */
import type { EpochMs } from '../../common/index.ts';
import type { LambdaHookName } from '../appspec/index.ts';
import type { Step } from '../traffic-shift/index.ts';
import type { EvidenceRead, JudgeWatch } from './judging.ts';

export type LifecycleEventName = 'BeforeAllowTraffic' | 'AllowTraffic' | 'AfterAllowTraffic';

export type LifecycleEvent = Readonly<{
  name: LifecycleEventName;
  status: 'Pending' | 'InProgress' | 'Succeeded' | 'Failed' | 'Skipped';
  startedAt?: EpochMs;
  endedAt?: EpochMs;
  /** Why it failed. */
  message?: string;
}>;

export type Target = Readonly<{
  functionName: string;
  alias: string;
  currentVersion: string;
  targetVersion: string;
  hooks: Readonly<Partial<Record<LambdaHookName, string>>>;
}>;

export type DeploymentError = Readonly<{ code: string; message: string }>;

/** How a deployment ends other than well. `rollback`: whether the configuration asks to return to the version before. */
export type Ending = DeploymentError & Readonly<{ status: 'Failed' | 'Stopped'; rollback: boolean }>;

export type AlarmWatch = Readonly<{
  names: readonly string[];
  arns: readonly string[];
  /** Go on when the state of the alarms cannot be read. */
  ignorePollFailure: boolean;
}>;

/**
 * - `Preparing`: the revision is being read; status Created.
 * - `CheckingAlarms`: the alarms are being read before `next` may happen.
 * - `Moving`: a weight is being set. - `Baking`: it is set, and the next step's time has not come.
 * - `Judging`: it has come, and the judge's last evidence is being read; see `judging.ts`.
 * - `Returning`: a rollback deployment brings the traffic back. `ending`: it is to end so once the weight is set.
 * - `Restoring`: without a deployment to roll back to, the alias is returned to its current version before the end.
 * - `Ended`: final.
 */
export type Phase = Readonly<
  | { name: 'Preparing' }
  | { name: 'CheckingAlarms'; check: number; next: 'Begin' | 'Move' | 'Succeed' }
  | { name: 'BeforeAllowTraffic'; deadlineAt: EpochMs }
  | { name: 'Moving'; weightPercent: number; ending?: Ending }
  | { name: 'Baking'; nextAt: EpochMs }
  | { name: 'Judging'; look: number }
  | { name: 'AfterAllowTraffic'; deadlineAt: EpochMs }
  | { name: 'Returning'; returning: Returning; ending?: Ending }
  | { name: 'Restoring'; returning: Returning; ending: Ending }
  | { name: 'Ended'; status: 'Succeeded' | 'Failed' | 'Stopped'; error?: DeploymentError }
>;

/** Requests of one version, and how many of them failed or were turned away. */
export type Served = Readonly<{ requests: number; failures: number }>;

/** What both versions did in the minute that began at `at`. */
export type Minute = Readonly<{ at: EpochMs; original: Served; replacement: Served }>;

/** What is known of the version that the traffic is to return to. An absent member could not be told. */
export type Original = Readonly<{
  exists?: boolean;
  /** As Lambda shows it: `Active`, `Pending`, `Inactive`, `Failed`. */
  state?: string;
  /** Of its function; null: nothing is reserved. */
  reservedConcurrency?: number | null;
  /** Of the alias's requests, how many in a hundred it gets now. */
  percent?: number;
  /** In order of time; a minute in which nothing was asked of either may be absent. */
  minutes: readonly Minute[];
  /** What could not be read, and why, for people. */
  unread: readonly string[];
}>;

/**
 * A return of traffic, as far as it has come; see `returning.ts`. Percent are of the requests that the original gets.
 * - `Looking`: at the original; after `waitUntil` it goes on with what it knows.
 * - `Setting`: `percent` is being set. - `Watching`: it is set; the next look is at `waitUntil`.
 * - `GoingBack`: to `percent`, where it started, because of `problem`.
 */
export type Returning = Readonly<
  {
    /** `Restore`: by the very deployment that moved the traffic, whose weights are those of the replacement. */
    of: 'Rollback' | 'Restore';
    /** What is undone moved no traffic, so nothing is moved: it is only seen that the original has all of it. */
    still?: true;
    /** Counts the looks. */
    look: number;
    /** Once it moves in steps: what the original had before, and what it has. */
    steps?: Readonly<{ startPercent: number; percent: number }>;
  } & (
    | { stage: 'Looking'; waitUntil: EpochMs }
    | { stage: 'Setting'; percent: number }
    | { stage: 'Watching'; waitUntil: EpochMs; sinceAt: EpochMs }
    | { stage: 'GoingBack'; percent: number; problem: DeploymentError }
  )
>;

export type RollbackPolicy = Readonly<{ onFailure: boolean; onAlarm: boolean; onRequest: boolean }>;

export type RollbackInfo = Readonly<{
  rollbackDeploymentId?: string;
  rollbackTriggeringDeploymentId?: string;
  message: string;
}>;

/** `Info` is what the service keeps beside; it decides nothing. */
export type DeploymentState<Info = unknown> = Readonly<{
  deploymentId: string;
  deploymentArn: string;
  info: Info;
  createdAt: EpochMs;
  startedAt?: EpochMs;
  completedAt?: EpochMs;
  phase: Phase;
  target?: Target;
  lifecycleEvents: readonly LifecycleEvent[];
  steps: readonly Step[];
  /** The step to take next. */
  stepIndex: number;
  shiftStartedAt?: EpochMs;
  /** As last confirmed. */
  weightPercent: number;
  /** A change of the alias was asked for, whether or not it came to pass. */
  touchedTraffic: boolean;
  /** Counts the checks of the alarms that something waits for. */
  checks: number;
  alarms: AlarmWatch;
  /** Absent: the group asks for no judge. */
  judge?: JudgeWatch;
  rollbackPolicy: RollbackPolicy;
  /** The group's last successful deployment, which a rollback returns to. */
  previousDeploymentId?: string;
  /** The id that a rollback of this deployment gets, drawn beforehand so that making it twice makes one. */
  reservedRollbackId: string;
  rollbackOf?: Readonly<{ deploymentId: string; moveTraffic: boolean }>;
  rollbackInfo?: RollbackInfo;
  /** What people should know of it beside its status, in order of time. */
  statusMessages?: readonly string[];
  hookExecutionIds: Readonly<Record<LambdaHookName, string>>;
}>;

export type DeploymentEvent = Readonly<
  | { type: 'TimerFired'; timer: string }
  /** `messages`: what people should know of the deployment before it begins. */
  | { type: 'RevisionRead'; target: Target; messages?: readonly string[] }
  | { type: 'PreparationFailed'; code: string; message: string }
  /** `check`: the check that waits for it, if one does. `unreadable`: why the alarms could not be read. */
  | { type: 'AlarmsRead'; check?: number; raised: readonly string[]; unreadable?: DeploymentError }
  | { type: 'TrafficSet'; weightPercent: number }
  | { type: 'TrafficNotSet'; weightPercent: number; code: string; message: string }
  | { type: 'OriginalRead'; look: number; original: Original }
  | EvidenceRead
  | { type: 'HookNotInvoked'; hook: LambdaHookName; code: string; message: string }
  | { type: 'HookAnswered'; executionId: string; succeeded: boolean }
  | { type: 'StopRequested'; rollback?: boolean }
>;

export type Announcement = 'START' | 'SUCCESS' | 'FAILURE' | 'STOP';

export type DeploymentEffect = Readonly<
  | { type: 'WakeAt'; timer: string; at: EpochMs; wakeKey?: string }
  | { type: 'CancelTimer'; timer: string }
  | { type: 'Wake'; wakeKey: string }
  /** Answers RevisionRead or PreparationFailed. */
  | { type: 'ReadRevision' }
  /** Answers AlarmsRead. */
  | { type: 'ReadAlarms'; check?: number; lane: 'alarms' }
  /** Answers TrafficSet or TrafficNotSet. */
  | { type: 'SetTraffic'; weightPercent: number; lane: 'traffic' }
  /** Answers OriginalRead, with the minutes from `sinceAt` on. Never worth waiting for: the return goes on without it. */
  | { type: 'ReadOriginal'; look: number; original: string; replacement: string; sinceAt: EpochMs; lane: 'original' }
  /** Answers EvidenceRead: what has been drawn, and ended, since the state's `judge.heardUntil`. */
  | { type: 'ReadEvidence'; look?: number; lane: 'judge' }
  /** Answers HookNotInvoked, or nothing. */
  | { type: 'InvokeHook'; hook: LambdaHookName; functionName: string; executionId: string; lane: 'hooks' }
  | { type: 'CreateRollback'; rollbackId: string; previousDeploymentId: string; moveTraffic: boolean; lane: 'rollback' }
  | { type: 'Announce'; announcement: Announcement; at: EpochMs; lane: 'announce' }
>;
