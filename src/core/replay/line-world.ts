/**
 * The executions of a pipeline played once more with something changed: whoever started, stopped, approved or edited does so
 * when they did, and each action takes as long and ends as it did then. An action that never ran then takes what the same
 * action took in another execution, and that is said.
 */
import { type EpochMs, HOUR_MS, isoSeconds } from '../../common/index.ts';
import {
  type ActionExecution,
  decide,
  type Execution,
  type ExecutionMode,
  isOver,
  type LineEffect,
  type LineEvent,
  type PipelineLine,
  type Plan,
  type TimerEffect,
  type TimerFired,
} from '../pipeline-execution/index.ts';
import type { PlayedTurn } from './deployment-world.ts';
import type { Replay, ReplayedTurn, Tagged } from './replay.ts';

export type LineChange = Readonly<{
  mode?: ExecutionMode;
  /** Of every action, or of those named `Stage/Action`. */
  timeouts: readonly Readonly<{ action?: string; timeoutMs: number }>[];
}>;

export type PlayedLine = Readonly<{
  turns: readonly PlayedTurn<PipelineLine>[];
  state: PipelineLine;
  /** Every execution that was seen, as it was last. */
  executions: ReadonlyMap<string, Execution>;
  assumed: readonly string[];
}>;

export function playLine(recorded: Replay<PipelineLine>, first: PipelineLine, change: LineChange): PlayedLine {
  return new World(recorded, changedLine(first, change), change).play();
}

/** Every execution of a replay, as it was last before it left the line. */
export function executionsSeen(
  first: PipelineLine,
  turns: readonly Readonly<{ after: PipelineLine }>[],
): ReadonlyMap<string, Execution> {
  const seen = new Map<string, Execution>();
  for (const { executions } of [first, ...turns.map(({ after }) => after)])
    for (const execution of executions) seen.set(execution.id, execution);
  return seen;
}

function changedLine(line: PipelineLine, change: LineChange): PipelineLine {
  const plans = Object.entries(line.plans).map(([version, plan]) => [version, changedPlan(plan, change)] as const);
  return { ...line, plans: Object.fromEntries(plans) };
}

function changedPlan(plan: Plan, { mode, timeouts }: LineChange): Plan {
  return {
    ...plan,
    ...(mode !== undefined && { mode }),
    stages: plan.stages.map((stage) => ({
      ...stage,
      actions: stage.actions.map((action) => {
        const wanted = timeouts.findLast(
          ({ action: name }) => name === undefined || name === `${stage.name}/${action.name}`,
        );
        return wanted === undefined ? action : { ...action, timeoutMs: wanted.timeoutMs };
      }),
    })),
  };
}

/** What an action did in the record, from its start. */
type Course = Readonly<{
  executionId: string;
  name: string;
  startedAt: EpochMs;
  events: readonly Readonly<{ afterMs: number; event: LineEvent }>[];
  ended: boolean;
}>;

const OF_ACTIONS: ReadonlySet<string> = new Set([
  'ActionProgressed',
  'ActionReported',
  'ActionSucceeded',
  'ActionFailed',
  'ApprovalGiven',
]);
const OF_PEOPLE: ReadonlySet<string> = new Set([
  'ExecutionStarted',
  'StopRequested',
  'StageRetryRequested',
  'TransitionChanged',
  'DefinitionChanged',
]);
const ENDS: ReadonlySet<string> = new Set(['ActionSucceeded', 'ActionFailed', 'ApprovalGiven']);

const LONGEST_MS = 31 * 24 * HOUR_MS;
const MOST_TURNS = 100_000;

class World {
  readonly #courses: readonly Course[];
  readonly #waiting: { at: EpochMs; event: LineEvent }[] = [];
  readonly #timers = new Map<string, EpochMs>();
  readonly #turns: PlayedTurn<PipelineLine>[] = [];
  readonly #assumed = new Set<string>();
  readonly #change: LineChange;
  readonly #endAt: EpochMs;
  #state: PipelineLine;
  #now: EpochMs;

  constructor(recorded: Replay<PipelineLine>, first: PipelineLine, change: LineChange) {
    this.#state = first;
    this.#change = change;
    this.#courses = coursesOf(recorded.turns);
    this.#now = recorded.turns[0]?.at ?? 0;
    this.#endAt = (recorded.turns.at(-1)?.at ?? 0) + LONGEST_MS;
    for (const { at, event } of recorded.turns) {
      if (!OF_PEOPLE.has(event.type)) continue;
      const given = event as LineEvent;
      const changed = given.type === 'DefinitionChanged' ? { ...given, plan: changedPlan(given.plan, change) } : given;
      this.#waiting.push({ at, event: changed });
    }
    // Actions that were under way at the beginning go on as they did.
    for (const execution of first.executions)
      for (const action of execution.actions) if (action.status === 'InProgress') this.#run(execution, action);
    if (first.timerAt !== undefined) this.#timers.set('deadline', first.timerAt);
  }

  play(): PlayedLine {
    const first = this.#state;
    while (this.#turns.length < MOST_TURNS) {
      const next = Math.min(...this.#waiting.map(({ at }) => at), ...this.#timers.values());
      if (!Number.isFinite(next) || next > this.#endAt) break;
      this.#now = Math.max(this.#now, next);
      const index = this.#waiting.findIndex(({ at }) => at === next);
      const [answer] = index < 0 ? [] : this.#waiting.splice(index, 1);
      if (answer !== undefined) {
        this.#tell(answer.event);
        continue;
      }
      for (const [timer, at] of this.#timers)
        if (at <= this.#now && this.#timers.delete(timer)) this.#tell({ type: 'TimerFired', timer });
    }
    return {
      turns: this.#turns,
      state: this.#state,
      executions: executionsSeen(first, this.#turns),
      assumed: [...this.#assumed],
    };
  }

  #tell(event: LineEvent | TimerFired): void {
    const before = this.#state;
    const { state, effects } = decide(before, event, this.#now);
    this.#state = state;
    if (state !== before) this.#turns.push({ at: this.#now, event: event as Tagged, before, after: state, effects });
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: LineEffect | TimerEffect): void {
    switch (effect.type) {
      case 'WakeAt':
        // Looking at an action answers nothing here: what became of it is known.
        if (!effect.timer.startsWith('poll:')) this.#timers.set(effect.timer, effect.at);
        break;
      case 'CancelTimer':
        this.#timers.delete(effect.timer);
        break;
      case 'StartAction': {
        const id = effect.actionExecutionId;
        for (const execution of this.#state.executions) {
          const action = execution.actions.find((each) => each.id === id);
          if (action !== undefined) this.#run(execution, action);
        }
        break;
      }
      case 'ArchiveExecutions': {
        const over = this.#state.executions.filter((execution) => isOver(this.#state, execution));
        this.#waiting.push({
          at: this.#now,
          event: { type: 'ExecutionsArchived', executionIds: over.map(({ id }) => id) },
        });
        break;
      }
      default:
    }
  }

  /** What the action will tell, as it told then. */
  #run(execution: Execution, action: ActionExecution): void {
    const name = `${action.stage}/${action.action}`;
    const attempt = execution.actions.filter((each) => `${each.stage}/${each.action}` === name).indexOf(action);
    const own = this.#courses.filter((course) => course.executionId === execution.id && course.name === name)[attempt];
    const other = this.#courses.find((course) => course.name === name && course.ended);
    const course = own ?? other;
    if (course === undefined) {
      this.#assumed.add(`${name} never ended then. Assumed: it does not end by itself.`);
      return;
    }
    if (own === undefined) {
      const who = `${name} of ${execution.id} never ran then`;
      this.#assumed.add(`${who}. Assumed: it takes and gives what it did in ${course.executionId}.`);
    } else if (!own.ended) {
      this.#assumed.add(
        `${name} of ${execution.id} had not ended by itself then. Assumed: it goes on until its time is over.`,
      );
    }
    const timed = this.#change.timeouts.some((timeout) => timeout.action === undefined || timeout.action === name);
    for (const { afterMs, event } of course.events) {
      const { deadlineAt, ...rest } = event as LineEvent & { deadlineAt?: EpochMs };
      const moved =
        deadlineAt === undefined || timed ? {} : { deadlineAt: deadlineAt - course.startedAt + action.startedAt };
      const own = { ...rest, ...moved, actionExecutionId: action.id } as LineEvent;
      this.#waiting.push({ at: action.startedAt + afterMs, event: own });
    }
  }
}

/** In the order of their starts. */
function coursesOf(turns: readonly ReplayedTurn<PipelineLine>[]): readonly Course[] {
  const courses = new Map<
    string,
    {
      executionId: string;
      name: string;
      startedAt: EpochMs;
      events: { afterMs: number; event: LineEvent }[];
      ended: boolean;
    }
  >();
  const begin = (execution: Execution, action: ActionExecution): void => {
    if (courses.has(action.id)) return;
    const name = `${action.stage}/${action.action}`;
    courses.set(action.id, { executionId: execution.id, name, startedAt: action.startedAt, events: [], ended: false });
  };
  const first = turns[0]?.before.executions ?? [];
  for (const execution of first) for (const action of execution.actions) begin(execution, action);
  for (const { at, event, after, effects } of turns) {
    const id = (event as { actionExecutionId?: string }).actionExecutionId;
    const course = id === undefined ? undefined : courses.get(id);
    if (course !== undefined && OF_ACTIONS.has(event.type)) {
      course.events.push({ afterMs: at - course.startedAt, event: event as LineEvent });
      course.ended ||= ENDS.has(event.type);
    }
    if (!effects.some(({ type }) => type === 'StartAction')) continue;
    for (const execution of after.executions) for (const action of execution.actions) begin(execution, action);
  }
  return [...courses.values()];
}

/** `it ended Succeeded at 12:05:00Z` */
export function endWords(execution: Execution | undefined): string {
  if (execution === undefined) return 'never started';
  return `${execution.status} at ${isoSeconds(execution.updatedAt)}`;
}
