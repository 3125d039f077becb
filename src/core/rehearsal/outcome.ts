/** What came of one rehearsal. */

/** Counted from the beginning of the rehearsal. */
export type Moment = Readonly<{ atMs: number; what: string }>;

/** An execution of a rehearsed pipeline. */
export type ExecutionOutcome = Readonly<{
  /** In the order of the pushes, from 1. */
  number: number;
  /** The version that its deployments bring; version 1 served before. */
  version: number;
  /** `Waiting`: nothing will ever happen to it by itself. */
  status: 'Succeeded' | 'Failed' | 'Stopped' | 'Superseded' | 'Cancelled' | 'Waiting';
  startedAtMs: number;
  endedAtMs: number;
  /** Where it waited for others, for how long. */
  waits: readonly Readonly<{ stage: string; forMs: number }>[];
}>;

export type Rehearsal = Readonly<{
  fault: string;
  seed: number;
  /** Of the deployment, or of the pipeline's first execution. */
  status: ExecutionOutcome['status'];
  /** A deployment of the release did not succeed. */
  stopped: boolean;
  /** The pipeline failed by mere chance (a build, an approver) before the fault could show. */
  lost?: true;
  /** How the rollback ended, if there was one. */
  rollback?: 'Succeeded' | 'Failed' | 'Stopped';
  /** Why it did not succeed: the code of the deployment or action. */
  code?: string;
  message?: string;
  /** `Stage/Action` that failed. */
  at?: string;
  /** The alarms that acted. */
  alarms: readonly string[];
  /** From when the fault could first be felt (the traffic's move, the beginning of the action) to the end. */
  endedAfterMs: number;
  /** Requests that failed because of the new version. */
  hurt: number;
  requests: number;
  /** Requests a minute that go on failing after the end. */
  goesOnPerMinute: number;
  /** Of a pipeline. */
  executions?: readonly ExecutionOutcome[];
  /** Of a pipeline, by deployment group: the version that serves at the end. */
  serves?: Readonly<Record<string, number>>;
  timeline: readonly Moment[];
}>;
