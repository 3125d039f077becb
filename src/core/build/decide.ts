/**
 * A build: queued, run phase by phase, ended.
 *
 *   QUEUED ── admitted ──▶ running: PROVISIONING ▶ DOWNLOAD_SOURCE ▶ INSTALL ▶ PRE_BUILD ▶ BUILD ▶ POST_BUILD
 *     │                        │                                ▶ UPLOAD_ARTIFACTS ▶ FINALIZING ▶ COMPLETED (final)
 *     │ waited too long        ├── stopped ──────▶ STOPPED   (final)
 *     │ or stopped             ├── out of time ──▶ TIMED_OUT (final)
 *     ▼                        └── Sluice died ──▶ QUEUED again if no command began (at most `MAX_RESTARTS` times),
 *   TIMED_OUT, STOPPED (final)                     else FAULT (final): a build is never run twice behind its owner's back
 *
 * The commands run in the machine's time in a runner outside; it reports each phase as an event that names its `run`.
 * Events of an earlier run, late and repeated ones are ignored. A build ends SUCCEEDED only by its last phase ending
 * with no phase failed.
 * Source: CodeBuild User Guide, "View build details", "Build phase transitions"; reference/codebuild.md section 4.
 */
import { assertNever, type Decision, type EpochMs, type Json } from '../../common/index.ts';
import { type BuildPhaseType, COMMAND_PHASES, type OnFailure, phaseAfter, type RunPhase } from './phases.ts';

export type BuildStatus = 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'FAULT' | 'TIMED_OUT' | 'STOPPED';

export type PhaseContext = Readonly<{ statusCode: string; message: string }>;

export type BuildPhase = Readonly<{
  phaseType: BuildPhaseType;
  startedAt: EpochMs;
  endedAt?: EpochMs;
  /** Absent while it goes on, and for COMPLETED. */
  status?: Exclude<BuildStatus, 'IN_PROGRESS'>;
  contexts: readonly PhaseContext[];
}>;

/** What the runner found out on its way (resolved source version, artifacts, logs, exported variables); merged by key. */
export type BuildFacts = Readonly<Record<string, Json | undefined>>;

export type BuildState<Definition = unknown> = Readonly<{
  /** `<project>:<uuid>` */
  id: string;
  arn: string;
  /** What was started; the decider does not look into it. */
  definition: Definition;
  status: BuildStatus;
  startedAt: EpochMs;
  endedAt?: EpochMs;
  phases: readonly BuildPhase[];
  /** Counts admissions; 0 before the first. */
  run: number;
  /** The process in whose room it runs, where several share the work; absent before it is admitted. */
  holder?: string;
  /** StopBuild was called and the processes are being ended. */
  stopping: boolean;
  /** Of the clock, each time that it stands in line. Absent in builds of before it was kept. */
  queuedTimeoutMs?: number;
  facts: BuildFacts;
}>;

export type BuildEvent =
  | Readonly<{ type: 'Admitted'; holder?: string }>
  | Readonly<{
      type: 'PhaseEnded';
      run: number;
      phase: RunPhase;
      failed: boolean;
      contexts: readonly PhaseContext[];
      onFailure?: OnFailure;
      facts?: BuildFacts;
    }>
  | Readonly<{ type: 'StopRequested' }>
  /** The runner's processes are gone, by StopBuild. */
  | Readonly<{ type: 'Stopped'; run: number }>
  | Readonly<{ type: 'RanOutOfTime'; run: number }>
  /** The runner itself failed (a full disk): no fault of the build. */
  | Readonly<{ type: 'RunnerFailed'; run: number; message: string }>
  /** Sluice was away while the build went on; its processes were ended. */
  | Readonly<{ type: 'Interrupted' }>
  | Readonly<{ type: 'TimerFired'; timer: string }>;

export type BuildEffect =
  /** Waits in line for a place to run. */
  | Readonly<{ type: 'Enqueue' }>
  | Readonly<{ type: 'Run'; run: number; lane: 'run' }>
  /** Ends the processes of the run; its result is `Stopped`. */
  | Readonly<{ type: 'Kill'; run: number; lane: 'kill' }>
  /** "CodeBuild Build State Change"; `phases` is how many phases the build had then. */
  | Readonly<{ type: 'PublishState'; status: BuildStatus; phases: number; at: EpochMs; lane: 'events' }>
  /** "CodeBuild Build Phase Change" of the phase at `index`. */
  | Readonly<{ type: 'PublishPhase'; index: number; at: EpochMs; lane: 'events' }>
  | Readonly<{ type: 'CountMetrics'; lane: 'metrics' }>
  /** Gives the place back and removes the folder. */
  | Readonly<{ type: 'CleanUp'; lane: 'run' }>
  | Readonly<{ type: 'WakeAt'; timer: string; at: EpochMs }>
  | Readonly<{ type: 'CancelTimer'; timer: string }>
  | Readonly<{ type: 'Wake'; wakeKey: string }>;

export const MAX_RESTARTS = 3;
const QUEUE_TIMER = 'QueueTimeout';

type Decided<D> = Decision<BuildState<D>, BuildEffect>;

/** The state and first effects of a new build. `queuedTimeoutMs`: of the clock. */
export function submitBuild<D>(
  start: Readonly<{ id: string; arn: string; definition: D; queuedTimeoutMs: number }>,
  now: EpochMs,
): Decided<D> {
  const state: BuildState<D> = {
    id: start.id,
    arn: start.arn,
    definition: start.definition,
    status: 'IN_PROGRESS',
    startedAt: now,
    phases: [
      { phaseType: 'SUBMITTED', startedAt: now, endedAt: now, status: 'SUCCEEDED', contexts: [] },
      { phaseType: 'QUEUED', startedAt: now, contexts: [] },
    ],
    run: 0,
    stopping: false,
    queuedTimeoutMs: start.queuedTimeoutMs,
    facts: {},
  };
  return {
    state,
    effects: [
      ...waitInLine(start.queuedTimeoutMs, now),
      { type: 'PublishState', status: 'IN_PROGRESS', phases: 1, at: now, lane: 'events' },
      { type: 'PublishPhase', index: 0, at: now, lane: 'events' },
      { type: 'Enqueue' },
    ],
  };
}

export function isFinal(state: BuildState): boolean {
  return state.status !== 'IN_PROGRESS';
}

export function currentPhase(state: BuildState): BuildPhaseType {
  return state.phases.at(-1)?.phaseType ?? 'SUBMITTED';
}

export function decide<D>(state: BuildState<D>, event: BuildEvent, now: EpochMs): Decided<D> {
  const unchanged: Decided<D> = { state, effects: [] };
  if (isFinal(state)) return unchanged;
  const phase = currentPhase(state);
  switch (event.type) {
    case 'Admitted': {
      if (phase !== 'QUEUED') return unchanged;
      const run = state.run + 1;
      const admitted = enter(
        closePhase({ ...held(state, event.holder), run }, 'SUCCEEDED', [], now),
        'PROVISIONING',
        now,
      );
      return {
        state: admitted,
        effects: [
          { type: 'CancelTimer', timer: QUEUE_TIMER },
          { type: 'PublishPhase', index: state.phases.length - 1, at: now, lane: 'events' },
          { type: 'Run', run, lane: 'run' },
        ],
      };
    }
    case 'PhaseEnded': {
      if (event.run !== state.run || event.phase !== phase) return unchanged;
      const closed = closePhase(state, event.failed ? 'FAILED' : 'SUCCEEDED', event.contexts, now);
      const known = { ...closed, facts: { ...closed.facts, ...event.facts } };
      const next = phaseAfter(event.phase, event.failed, event.onFailure);
      if (next === 'COMPLETED') {
        return end(known, known.phases.some(({ status }) => status === 'FAILED') ? 'FAILED' : 'SUCCEEDED', now);
      }
      return {
        state: enter(known, next, now),
        effects: [{ type: 'PublishPhase', index: state.phases.length - 1, at: now, lane: 'events' }],
      };
    }
    case 'StopRequested':
      if (phase === 'QUEUED') return end(closePhase(state, 'STOPPED', [], now), 'STOPPED', now);
      if (state.stopping) return unchanged;
      return { state: { ...state, stopping: true }, effects: [{ type: 'Kill', run: state.run, lane: 'kill' }] };
    case 'Stopped':
      if (event.run !== state.run) return unchanged;
      return end(closePhase(state, 'STOPPED', [], now), 'STOPPED', now);
    case 'RanOutOfTime': {
      if (event.run !== state.run) return unchanged;
      return end(closePhase(state, 'TIMED_OUT', [TIMED_OUT], now), 'TIMED_OUT', now);
    }
    case 'RunnerFailed': {
      if (event.run !== state.run) return unchanged;
      const context = { statusCode: 'INTERNAL_ERROR', message: event.message };
      return end(closePhase(state, 'FAULT', [context], now), 'FAULT', now);
    }
    case 'Interrupted': {
      if (phase === 'QUEUED') return { state, effects: [{ type: 'Enqueue' }] };
      if (state.stopping) return end(closePhase(state, 'STOPPED', [], now), 'STOPPED', now);
      const begun = state.phases.some(({ phaseType }) => (COMMAND_PHASES as readonly string[]).includes(phaseType));
      if (!begun && state.run <= MAX_RESTARTS) {
        return { state: backInLine(state), effects: [...waitInLine(state.queuedTimeoutMs, now), { type: 'Enqueue' }] };
      }
      const context = { statusCode: 'INTERNAL_ERROR', message: INTERRUPTED };
      return end(closePhase(state, 'FAULT', [context], now), 'FAULT', now);
    }
    case 'TimerFired':
      if (event.timer !== QUEUE_TIMER || phase !== 'QUEUED') return unchanged;
      return end(closePhase(state, 'TIMED_OUT', [TIMED_OUT], now), 'TIMED_OUT', now);
    default:
      return assertNever(event);
  }
}

const TIMED_OUT: PhaseContext = { statusCode: 'BUILD_TIMED_OUT', message: 'Build has timed out. ' };
const INTERRUPTED =
  'Sluice ended while this phase was running. Its processes were ended; what they had done outside the build folder stands.';

function closePhase<D>(
  state: BuildState<D>,
  status: Exclude<BuildStatus, 'IN_PROGRESS'>,
  contexts: readonly PhaseContext[],
  now: EpochMs,
): BuildState<D> {
  const last = state.phases.at(-1);
  if (last === undefined) return state;
  return { ...state, phases: [...state.phases.slice(0, -1), { ...last, endedAt: now, status, contexts }] };
}

function enter<D>(state: BuildState<D>, phaseType: BuildPhaseType, now: EpochMs): BuildState<D> {
  return { ...state, phases: [...state.phases, { phaseType, startedAt: now, contexts: [] }] };
}

function held<D>({ holder: _before, ...state }: BuildState<D>, holder: string | undefined): BuildState<D> {
  return holder === undefined ? state : { ...state, holder };
}

function waitInLine(queuedTimeoutMs: number | undefined, now: EpochMs): BuildEffect[] {
  return queuedTimeoutMs === undefined ? [] : [{ type: 'WakeAt', timer: QUEUE_TIMER, at: now + queuedTimeoutMs }];
}

/** As it was before it was admitted, with what the lost run found out forgotten. */
function backInLine<D>(state: BuildState<D>): BuildState<D> {
  const queued = state.phases.findIndex(({ phaseType }) => phaseType === 'QUEUED');
  const phases = state.phases
    .slice(0, queued + 1)
    .map((phase, index): BuildPhase =>
      index === queued ? { phaseType: 'QUEUED', startedAt: phase.startedAt, contexts: [] } : phase,
    );
  return { ...held(state, undefined), phases, facts: {} };
}

/** `state` has its last phase closed. */
function end<D>(state: BuildState<D>, status: Exclude<BuildStatus, 'IN_PROGRESS'>, now: EpochMs): Decided<D> {
  const closedIndex = state.phases.length - 1;
  const ended = enter({ ...state, status, stopping: false, endedAt: now }, 'COMPLETED', now);
  return {
    state: ended,
    effects: [
      { type: 'CancelTimer', timer: QUEUE_TIMER },
      { type: 'PublishPhase', index: closedIndex, at: now, lane: 'events' },
      { type: 'PublishState', status, phases: ended.phases.length, at: now, lane: 'events' },
      { type: 'CountMetrics', lane: 'metrics' },
      { type: 'CleanUp', lane: 'run' },
      { type: 'Wake', wakeKey: state.arn },
    ],
  };
}
