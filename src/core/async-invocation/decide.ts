/**
 * An asynchronous invocation of a function, from the moment the event was accepted.
 *
 *   Starting ── begun ──▶ Running ── ran ──▶ Succeeded                                    (final)
 *      ▲                     ├── failed, and tries or age are used up ──▶ Dropped         (final)
 *      │                     └── failed, or could not be run ──▶ Waiting
 *      └──── the wait is over, or the process that ran it is gone ────┘
 *
 * - A function error is tried again after one minute, then two, `maxRetries` times at most.
 * - What could not be run at all (throttled, a fault of ours) is tried again after 1, 2, 4 ... 300 seconds.
 * - Nothing is tried again past `maxAgeMs` after `receivedAt`.
 * - Each try has a number; results of another try than the present one, and all that comes late, change nothing.
 * - An event may be run more than once (a crash falls between running it and noting that), as in AWS.
 *
 * Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation".
 */
import { assertNever, type Decision, type EpochMs, MINUTE_MS, SECOND_MS } from '../../common/index.ts';

export type DropReason = 'RetriesExhausted' | 'EventAgeExceeded' | 'FunctionNotFound';

export type AsyncInvocationState = Readonly<{
  phase: 'Starting' | 'Running' | 'Waiting' | 'Succeeded' | 'Dropped';
  /** From 1. */
  run: number;
  functionErrors: number;
  refusals: number;
  receivedAt: EpochMs;
  maxRetries: number;
  maxAgeMs: number;
  wakeAt?: EpochMs;
  dropReason?: DropReason;
}>;

export type AsyncInvocationEvent = Readonly<
  | { type: 'RunBegun'; run: number }
  | { type: 'RunSucceeded'; run: number }
  | { type: 'RunFailed'; run: number }
  /** Throttled, or a fault of ours. */
  | { type: 'RunRefused'; run: number }
  | { type: 'FunctionNotFound'; run: number }
  /** The process that ran it is gone. */
  | { type: 'RunInterrupted' }
  | { type: 'TimerFired'; timer: string }
>;

export type AsyncInvocationEffect = Readonly<
  | { type: 'Run'; run: number }
  | { type: 'Conclude'; dropReason?: DropReason }
  | { type: 'WakeAt'; timer: 'retry'; at: EpochMs }
>;

type Decided = Decision<AsyncInvocationState, AsyncInvocationEffect>;

const LONGEST_BACKOFF_MS = 5 * MINUTE_MS;

export function startAsyncInvocation(
  options: Pick<AsyncInvocationState, 'receivedAt' | 'maxRetries' | 'maxAgeMs'>,
): Decided {
  const state = { phase: 'Starting', run: 1, functionErrors: 0, refusals: 0, ...options } as const;
  return { state, effects: [{ type: 'Run', run: 1 }] };
}

export function isFinal(state: AsyncInvocationState): boolean {
  return state.phase === 'Succeeded' || state.phase === 'Dropped';
}

export function decide(state: AsyncInvocationState, event: AsyncInvocationEvent, now: EpochMs): Decided {
  const unchanged: Decided = { state, effects: [] };
  if (isFinal(state)) return unchanged;
  if (event.type === 'TimerFired') {
    if (state.phase !== 'Waiting' || state.wakeAt === undefined) return unchanged;
    if (now < state.wakeAt) return { state, effects: [{ type: 'WakeAt', timer: 'retry', at: state.wakeAt }] };
    return runAgain(state);
  }
  if (state.phase === 'Waiting') return unchanged;
  if (event.type === 'RunInterrupted') return state.phase === 'Running' ? runAgain(state) : unchanged;
  if (event.run !== state.run) return unchanged;
  switch (event.type) {
    case 'RunBegun':
      return { state: { ...state, phase: 'Running' }, effects: [] };
    case 'RunSucceeded':
      return { state: { ...state, phase: 'Succeeded' }, effects: [{ type: 'Conclude' }] };
    case 'RunFailed': {
      const failed = { ...state, functionErrors: state.functionErrors + 1 };
      if (failed.functionErrors > state.maxRetries) return drop(failed, 'RetriesExhausted');
      return wait(failed, now + failed.functionErrors * MINUTE_MS);
    }
    case 'RunRefused': {
      const backoffMs = Math.min(SECOND_MS * 2 ** state.refusals, LONGEST_BACKOFF_MS);
      return wait({ ...state, refusals: state.refusals + 1 }, now + backoffMs);
    }
    case 'FunctionNotFound':
      return drop(state, 'FunctionNotFound');
    default:
      return assertNever(event);
  }
}

function runAgain({ wakeAt: _over, ...state }: AsyncInvocationState): Decided {
  const run = state.run + 1;
  return { state: { ...state, phase: 'Starting', run }, effects: [{ type: 'Run', run }] };
}

function wait(state: AsyncInvocationState, wakeAt: EpochMs): Decided {
  if (wakeAt > state.receivedAt + state.maxAgeMs) return drop(state, 'EventAgeExceeded');
  return { state: { ...state, phase: 'Waiting', wakeAt }, effects: [{ type: 'WakeAt', timer: 'retry', at: wakeAt }] };
}

function drop(state: AsyncInvocationState, dropReason: DropReason): Decided {
  return { state: { ...state, phase: 'Dropped', dropReason }, effects: [{ type: 'Conclude', dropReason }] };
}
