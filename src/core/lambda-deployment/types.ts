/**
 * The words of a Lambda deployment.
 *
 * Glossary: the target is the alias that moves, from its current version to its target version; the weight is the percent
 * of requests that the target version gets. A lifecycle event is one of CodeDeploy's three. A rollback is a deployment of
 * its own (`rollbackOf` says of which), whose target version is the version to return to.
 */
import type { EpochMs } from '../../common/index.ts';
import type { LambdaHookName } from '../appspec/index.ts';
import type { Step } from '../traffic-shift/index.ts';

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
 * - `Restoring`: without a deployment to roll back to, the alias is returned to its current version before the end.
 * - `Ended`: final.
 */
export type Phase = Readonly<
  | { name: 'Preparing' }
  | { name: 'CheckingAlarms'; check: number; next: 'Begin' | 'Move' | 'Succeed' }
  | { name: 'BeforeAllowTraffic'; deadlineAt: EpochMs }
  | { name: 'Moving'; weightPercent: number; ending?: Ending }
  | { name: 'Baking'; nextAt: EpochMs }
  | { name: 'AfterAllowTraffic'; deadlineAt: EpochMs }
  | { name: 'Restoring'; ending: Ending }
  | { name: 'Ended'; status: 'Succeeded' | 'Failed' | 'Stopped'; error?: DeploymentError }
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
  rollbackPolicy: RollbackPolicy;
  /** The group's last successful deployment, which a rollback returns to. */
  previousDeploymentId?: string;
  /** The id that a rollback of this deployment gets, drawn beforehand so that making it twice makes one. */
  reservedRollbackId: string;
  rollbackOf?: Readonly<{ deploymentId: string; moveTraffic: boolean }>;
  rollbackInfo?: RollbackInfo;
  hookExecutionIds: Readonly<Record<LambdaHookName, string>>;
}>;

export type DeploymentEvent = Readonly<
  | { type: 'TimerFired'; timer: string }
  | { type: 'RevisionRead'; target: Target }
  | { type: 'PreparationFailed'; code: string; message: string }
  /** `check`: the check that waits for it, if one does. `unreadable`: why the alarms could not be read. */
  | { type: 'AlarmsRead'; check?: number; raised: readonly string[]; unreadable?: DeploymentError }
  | { type: 'TrafficSet'; weightPercent: number }
  | { type: 'TrafficNotSet'; weightPercent: number; code: string; message: string }
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
  /** Answers HookNotInvoked, or nothing. */
  | { type: 'InvokeHook'; hook: LambdaHookName; functionName: string; executionId: string; lane: 'hooks' }
  | { type: 'CreateRollback'; rollbackId: string; previousDeploymentId: string; moveTraffic: boolean; lane: 'rollback' }
  | { type: 'Announce'; announcement: Announcement; at: EpochMs; lane: 'announce' }
>;
