/**
 * The engine's surface. Glossary:
 * - loop: a kind of control loop (pipeline execution, build, deployment, alarm, ...), defined by a pure decider.
 * - state: a document (store) of the loop's kind. - event: what goes into `decide`. - effect: what comes out of it.
 * - timer: a named instant per state; when it is reached the event `{ type: 'TimerFired', timer }` is decided.
 *
 * One turn: load state, `decide(state, event, now)`, save state + history + effects + timers in one transaction, then
 * perform the effects. Their results come back as events, and the effect is forgotten in the same transaction that
 * saves what its result decided. A process killed anywhere resumes: unfinished effects are performed again.
 * Many due decisions share one transaction (group commit).
 *
 * The history of a state is its creation, then every event that changed it, in order, each with the instant, a fingerprint of
 * the state after it and a record of the effects: decided again, they come to the same states and effects (docs/adr/0016).
 */
import type { Decision, EpochMs } from '../common/index.ts';
import type { DocumentKey, Placement, Tx } from '../store/index.ts';

/** Effects that the engine itself performs, inside the saving transaction. Any decider may return them. */
export type EngineEffect =
  /** Sets (or moves) the named timer. `wakeKey`: `wake(key)` makes it due at once. */
  | Readonly<{ type: 'WakeAt'; timer: string; at: EpochMs; wakeKey?: string }>
  | Readonly<{ type: 'CancelTimer'; timer: string }>
  /** Makes every timer with this key due now: whoever waits for that thing looks at it at once. */
  | Readonly<{ type: 'Wake'; wakeKey: string }>;

export type TimerFired = Readonly<{ type: 'TimerFired'; timer: string }>;

export type EffectContext = Readonly<{
  key: DocumentKey;
  /** Stable over retries and restarts, unique for ever: the key that makes the second time harmless. */
  effectId: string;
  /** 1 for the first try. */
  attempt: number;
  /** Taken over from a process that is gone, or from an earlier run of this one: it may have been performed already. */
  resumed?: boolean;
  now: EpochMs;
}>;

export interface LoopDefinition<
  State,
  Event extends Readonly<{ type: string }>,
  Effect extends Readonly<{ type: string }>,
> {
  readonly kind: string;
  /**
   * Effects of one state are performed in order within a lane (`effect.lane`, absent: one common lane), also where one
   * fails: what stands behind it waits until it is done or given up. Different lanes run side by side. Give a lane to an
   * effect that may take long or fail for long, so that the state's other effects need not wait.
   *
   * Pure. Must accept `TimerFired` for its timers, late and repeated. Final states ignore every event.
   */
  decide(state: State, event: Event | TimerFired, now: EpochMs): Decision<State, Effect | EngineEffect>;
  /** A final state keeps no timers, ignores every event, and no history is added to it. */
  isFinal(state: State): boolean;
  /**
   * Performs one effect; runs outside any transaction, may run again after a crash, and must then do no harm.
   * Returns the event that its result is: one, so that deciding it and forgetting the effect are saved as one. An
   * expected failure is an event; a throw means "try again later": it is retried after 1, 2, 4 ... 60 seconds of the
   * clock, `maxAttempts` times (default 10), then `onGivenUp`. When an effect comes to a lane that waits so, the one that
   * failed is tried at once, beside those times and counted for none.
   * Long work (a build) is started here and reported later through `engine.submit`; the effect ends at once.
   */
  perform(effect: Effect, context: EffectContext): Promise<Event | void>;
  readonly maxAttempts?: number;
  /** `None`: a state is removed once it is done, nobody will ask how it came about, and nothing is written down of it. */
  readonly history?: 'None';
  /** The event that stands for an effect which failed for good. Absent: the effect is dropped and logged. */
  onGivenUp?(effect: Effect, error: Error): Event;
  /** Where the state is listed; computed anew at each save. Absent: placement stays as created. */
  place?(state: State): Placement;
  /**
   * The process (by its name in `House.members`) that holds the outside work of this state, where only it can perform the
   * effects: they go to it for as long as it lives. Absent, or undefined: any process may.
   */
  performedBy?(state: State): string | undefined;
}

/** The event of the first row of a history: the state that it stands with, and the effects, are those that were created. */
export type Created = Readonly<{ type: 'Created'; effects: readonly Tagged[] }>;

/** Any event or effect: a `type` and its members. */
export type Tagged = Readonly<{ type: string; [member: string]: unknown }>;

export interface Engine {
  // eslint-disable-next-line -- one registry holds loops of every state type
  register(loop: LoopDefinition<any, any, any>): void;
  /** Inserts a new loop state with its first effects, inside the caller's transaction. False if the key is taken. */
  create<State>(
    tx: Tx,
    kind: string,
    key: DocumentKey,
    state: State,
    effects: readonly Tagged[],
    placement?: Placement,
  ): Promise<boolean>;
  /** Decides `event` in a transaction of the engine's (grouped with others) and returns the new state; undefined if there is no such state. */
  submit<State>(kind: string, key: DocumentKey, event: Tagged): Promise<State | undefined>;
  /** Decides inside the caller's transaction: for a handler that must read, decide and write as one. */
  submitIn<State>(tx: Tx, kind: string, key: DocumentKey, event: Tagged): Promise<State | undefined>;
  /** Makes every timer with this key due now. */
  wake(tx: Tx, wakeKey: string): Promise<void>;
  /** Removes a state with its timers, effects and history. */
  remove(tx: Tx, kind: string, key: DocumentKey): Promise<void>;
  /**
   * Tells the engine that outside work is going on; call the returned function when it ends.
   * `Work` (a child process, a request to a function): an automatic clock does not jump over it.
   * `Plumbing` (a batch of metrics or logs about to be written): `settled` waits for it too, so that a stepped clock
   * does not move past data that already happened.
   */
  beginActivity(kind?: 'Work' | 'Plumbing'): () => void;
  /** Resolves when nothing is due now, no effect is being performed and no plumbing is under way. `Work` is not waited for. */
  settled(): Promise<void>;
}

/** Helps type inference: `defineLoop<State, Event, Effect>({ ... })`. */
export function defineLoop<State, Event extends Readonly<{ type: string }>, Effect extends Readonly<{ type: string }>>(
  loop: LoopDefinition<State, Event, Effect>,
): LoopDefinition<State, Event, Effect> {
  return loop;
}
