/**
 * What a rehearsed pipeline leaves to be told: a timeline, where each execution waited and how it ended, and what failed
 * first. It watches the line of executions and decides nothing.
 */
import type { EpochMs } from '../../common/index.ts';
import {
  type ActionExecution,
  type Change,
  type Execution,
  type PipelineLine,
  stageOf,
} from '../pipeline-execution/index.ts';
import type { ExecutionOutcome, Moment } from './outcome.ts';

export type Failure = Readonly<{ at: string; code: string; message: string; actionStartedAt: EpochMs }>;

/** Executions by number, in the order of their pushes, from 1. */
export class PipelineRecord {
  readonly #startAt: EpochMs;
  readonly #now: () => EpochMs;
  readonly #startedAt = new Map<number, EpochMs>();
  readonly #ended = new Map<number, { status: ExecutionOutcome['status']; at: EpochMs }>();
  readonly #waiting = new Map<number, { stage: string; since: EpochMs }>();
  readonly #waits = new Map<number, { stage: string; forMs: number }[]>();
  readonly timeline: Moment[] = [];
  /** Of the first execution: its first action that failed. */
  failure: Failure | undefined;

  constructor(startAt: EpochMs, now: () => EpochMs) {
    this.#startAt = startAt;
    this.#now = now;
  }

  /** How many have ended. */
  get ended(): number {
    return this.#ended.size;
  }

  begin(number: number): void {
    this.#startedAt.set(number, this.#now());
  }

  say(number: number, what: string): void {
    const who = number === 1 ? '' : `push ${number}: `;
    this.timeline.push({ atMs: this.#now() - this.#startAt, what: `${who}${what}` });
  }

  /** `ruleOf`: what acted, where the code of the action does not say. */
  note(change: Change, ruleOf: (number: number, at: string) => string | undefined): void {
    const number = numberOf(change.executionId);
    if (change.of === 'Action') {
      const at = `${change.stage}/${change.action}`;
      if (change.state === 'STARTED') {
        this.say(number, at);
        return;
      }
      const { errorCode = '', externalExecutionSummary = '' } = change.result ?? {};
      const message = change.state === 'FAILED' ? `: ${externalExecutionSummary || errorCode}` : '';
      this.say(number, `${at}: ${wordOf(change.state)}${message}`);
      if (number === 1 && change.state === 'FAILED')
        this.failure ??= {
          at,
          code: ruleOf(number, at) ?? errorCode,
          message: externalExecutionSummary,
          actionStartedAt: change.startedAt,
        };
    }
    if (change.of !== 'Pipeline') return;
    const status = FINAL[change.state];
    this.say(number, change.state === 'STARTED' ? 'the pipeline starts' : `the pipeline: ${wordOf(change.state)}`);
    if (status === undefined) return;
    this.#ended.set(number, { status, at: this.#now() });
    this.#endWait(number);
  }

  /** Who waits where, as the line stands. */
  noteWaits(line: PipelineLine): void {
    for (const execution of line.executions) {
      const number = numberOf(execution.id);
      const before = this.#waiting.get(number);
      const stage = waitsBefore(line, execution);
      if (before?.stage === stage) continue;
      this.#endWait(number);
      if (stage === undefined) continue;
      this.#waiting.set(number, { stage, since: this.#now() });
      this.say(number, `waits before ${stage}`);
    }
  }

  #endWait(number: number): void {
    const waiting = this.#waiting.get(number);
    if (waiting === undefined || !this.#waiting.delete(number)) return;
    const forMs = this.#now() - waiting.since;
    const waits = this.#waits.get(number) ?? [];
    if (forMs > 0) waits.push({ stage: waiting.stage, forMs });
    this.#waits.set(number, waits);
  }

  /** What came of the first so many; whoever waits still, waits until now. */
  outcomes(pushes: number): readonly ExecutionOutcome[] {
    for (const number of this.#waiting.keys()) this.#endWait(number);
    return Array.from({ length: pushes }, (_, index) => this.#outcome(index + 1));
  }

  #outcome(number: number): ExecutionOutcome {
    const ended = this.#ended.get(number);
    return {
      number,
      version: number + 1,
      status: ended?.status ?? 'Waiting',
      startedAtMs: (this.#startedAt.get(number) ?? this.#startAt) - this.#startAt,
      endedAtMs: (ended?.at ?? this.#now()) - this.#startAt,
      waits: this.#waits.get(number) ?? [],
    };
  }
}

const FINAL: Readonly<Record<string, ExecutionOutcome['status']>> = {
  SUCCEEDED: 'Succeeded',
  FAILED: 'Failed',
  STOPPED: 'Stopped',
  SUPERSEDED: 'Superseded',
  CANCELED: 'Cancelled',
};

function wordOf(state: Change['state']): string {
  return FINAL[state] ?? state.slice(0, 1) + state.slice(1).toLowerCase();
}

/** An execution's id begins with its number. */
export function numberOf(executionId: string): number {
  return Number(executionId.slice(0, 8));
}

export function executionIdOf(number: number): string {
  return `${String(number).padStart(8, '0')}-0000-4000-8000-000000000000`;
}

export function pathOf({ stage, action }: ActionExecution): string {
  return `${stage}/${action}`;
}

/** The stage at whose entrance an execution waits; undefined: at none. */
function waitsBefore(line: PipelineLine, execution: Execution): string | undefined {
  if (execution.status !== 'InProgress' || execution.position !== 'Waiting') return undefined;
  return stageOf(line, execution).name;
}
