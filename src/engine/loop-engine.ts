/**
 * The running engine. Three sources of turns meet in one inbox: submitted events, results of effects, due timers.
 * The committer takes whatever waits (up to `batchSize`) and decides it in one transaction; while that commits, the
 * next batch gathers: the busier, the larger the groups.
 *
 *   submit ─┐
 *   result ─┼─▶ inbox ─▶ committer (one transaction) ─▶ performer (lanes) ─▶ result ...
 *   timer  ─┘
 *
 * Leases: each saved effect names its owner and until when (machine time). Alone on a database, a starting engine takes
 * over every effect; sharing one, only those whose owner is gone (`sharing.ts`).
 */
import type { Clock, EpochMs } from '../common/index.ts';
import type { DocumentKey, Membership, Placement, Store, Tx } from '../store/index.ts';
import type { Engine, LoopDefinition, Tagged } from './engine.ts';
import { Lanes } from './lanes.ts';
import { Sharing } from './sharing.ts';
import { insertState, runTurns, saveFirstEffects, type SavedEffect, type Turn, type TurnsOutcome } from './turns.ts';
import { dropStaleTimers, dueTimers, forgetEffects, nextTimerAt, putOff, type Waiting } from './waiting.ts';

export type EngineOptions = Readonly<{
  store: Store;
  clock: Clock;
  /** Real milliseconds, for leases only. */
  wallNow: () => number;
  /** Calls back after real milliseconds; returns a cancel function. For leases only. */
  wallTimer: (callback: () => void, delayMs: number) => () => void;
  /** Names this process in leases. */
  owner: string;
  /** True when no other process uses the database: every unfinished effect is ours to resume. */
  alone: boolean;
  /** Says which processes stand, so that what a dead one held is taken over at once. Absent: when its leases run out. */
  members?: Membership;
  onError: (message: string, error: unknown) => void;
  batchSize?: number;
  /** A state that goes on for ever keeps at least so many of its newest turns. Absent: all. */
  historyTurns?: number;
  /** Test hook: called at named points; a throw there stands for a crash. */
  crashPoint?: (name: CrashPoint) => void;
}>;

export type CrashPoint = 'BeforeCommit' | 'AfterCommit' | 'BeforeEffect' | 'AfterEffect';

export interface RunningEngine extends Engine {
  /** Resumes unfinished effects and due timers. Register every loop first. */
  start(): Promise<void>;
  /** Stops taking turns; effects under way may finish. */
  stop(): Promise<void>;
  /** The earliest instant at which something is due (timer or retry); undefined: nothing waits. */
  nextDueAt(): Promise<EpochMs | undefined>;
  /** Outside work is going on (`beginActivity('Work')`). */
  isWorking(): boolean;
  /** Turns decided since start; for metrics and the bench. */
  turnCount(): number;
  /** As registered; to decide again what was decided. */
  definitionOf(kind: string): LoopDefinition<any, any, any> | undefined;
  /** Grows whenever anything begins: the same number twice, and nothing has begun between. */
  activityCount(): number;
}

type Pending = Turn & { resolve(state: unknown): void; reject(error: unknown): void };

export class LoopEngine implements RunningEngine {
  readonly #options: EngineOptions;
  readonly #loops = new Map<string, LoopDefinition<any, any, any>>();
  readonly #lanes: Lanes;
  #inbox: Pending[] = [];
  #committing = false;
  #done: { id: string; resolve(): void; reject(error: unknown): void }[] = [];
  #forgetting = false;
  #started = false;
  #stopped = false;
  #outstanding = 0;
  #working = 0;
  #activities = 0;
  #settlers: (() => void)[] = [];
  #cancelAlarm: (() => void) | undefined;
  #alarmAt: EpochMs | undefined;
  #scanning = false;
  #scanAgain = false;
  readonly #sharing: Sharing;
  #turns = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#lanes = new Lanes({
      clock: options.clock,
      perform: (first) => this.#performOne(first),
      done: ({ saved }) => this.#sharing.release(saved.id),
      runs: () => this.#begin(),
      rests: () => this.#end(),
      joined: () => (this.#activities += 1),
    });
    this.#sharing = new Sharing({
      ...options,
      adopt: ({ saved, dueAt }, resumed) => {
        this.#place({ saved: resumed ? { ...saved, resumed } : saved, dueAt });
      },
      scan: () => this.#scan(),
    });
  }

  register(loop: LoopDefinition<any, any, any>): void {
    if (this.#loops.has(loop.kind)) throw new Error(`loop ${loop.kind} is registered twice`);
    this.#loops.set(loop.kind, loop);
  }

  async start(): Promise<void> {
    this.#started = true;
    await this.#sharing.start();
    this.#scan();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#lanes.stop();
    this.#cancelAlarm?.();
    this.#sharing.stop();
    const error = new Error('the engine has stopped');
    for (const pending of this.#inbox.splice(0)) pending.reject(error);
    while (this.#committing || this.#scanning)
      await new Promise<void>((resolve) => void this.#options.wallTimer(resolve, 1));
  }

  async create<State>(
    tx: Tx,
    kind: string,
    key: DocumentKey,
    state: State,
    effects: readonly Readonly<{ type: string }>[],
    placement: Placement = {},
  ): Promise<boolean> {
    const loop = this.#loop(kind);
    this.#hold(tx);
    const placed = { ...placement, ...loop.place?.(state) };
    const now = this.#options.clock.now();
    if (!(await insertState(tx, loop, key, state, effects, placed, now))) return false;
    const outcome = await saveFirstEffects(tx, kind, key, effects, now, this.#sharing.lease());
    await this.#sharing.tell(tx, outcome.handed);
    this.#handOver(tx, outcome);
    return true;
  }

  submit<State>(kind: string, key: DocumentKey, event: Tagged): Promise<State | undefined> {
    this.#loop(kind);
    return this.#enqueue({ kind, key, event }) as Promise<State | undefined>;
  }

  async submitIn<State>(
    tx: Tx,
    kind: string,
    key: DocumentKey,
    event: Readonly<{ type: string }>,
  ): Promise<State | undefined> {
    this.#loop(kind);
    this.#hold(tx);
    const outcome = await this.#run(tx, [{ kind, key, event }]);
    this.#turns += 1;
    this.#handOver(tx, outcome);
    return outcome.states[0] as State | undefined;
  }

  async wake(tx: Tx, wakeKey: string): Promise<void> {
    this.#hold(tx);
    const now = this.#options.clock.now();
    const rows = await tx.query(
      'UPDATE timers SET due_at = $2 WHERE wake_key = $1 AND due_at > $2 RETURNING 1 AS done',
      [wakeKey, now],
    );
    if (rows.length > 0) tx.afterCommit(() => this.#scan());
  }

  async remove(tx: Tx, kind: string, key: DocumentKey): Promise<void> {
    const parameters = [kind, key.account, key.region, key.id];
    for (const table of ['timers', 'outbox', 'history']) {
      await tx.query(
        `DELETE FROM ${table} WHERE kind = $1 AND account = $2 AND region = $3 AND document_id = $4`,
        parameters,
      );
    }
    await tx.query('DELETE FROM documents WHERE kind = $1 AND account = $2 AND region = $3 AND id = $4', parameters);
  }

  beginActivity(kind: 'Work' | 'Plumbing' = 'Work'): () => void {
    let open = true;
    if (kind === 'Plumbing') this.#begin();
    else {
      this.#working += 1;
      this.#activities += 1;
    }
    return () => {
      if (!open) return;
      open = false;
      if (kind === 'Plumbing') this.#end();
      else this.#working -= 1;
    };
  }

  isWorking(): boolean {
    return this.#working > 0;
  }

  turnCount(): number {
    return this.#turns;
  }

  definitionOf(kind: string): LoopDefinition<any, any, any> | undefined {
    return this.#loops.get(kind);
  }

  activityCount(): number {
    return this.#activities;
  }

  settled(): Promise<void> {
    if (this.#outstanding === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settlers.push(resolve));
  }

  async nextDueAt(): Promise<EpochMs | undefined> {
    const timerAt = await nextTimerAt(this.#options.store);
    const laneAt = this.#lanes.nextDueAt();
    return timerAt === undefined || laneAt === undefined ? (timerAt ?? laneAt) : Math.min(timerAt, laneAt);
  }

  #loop(kind: string): LoopDefinition<any, any, any> {
    const loop = this.#loops.get(kind);
    if (loop === undefined) throw new Error(`no loop is registered for ${kind}`);
    return loop;
  }

  async #run(tx: Tx, turns: readonly Turn[]): Promise<TurnsOutcome> {
    const { clock, historyTurns } = this.#options;
    const outcome = await runTurns(tx, this.#loops, turns, clock.now(), this.#sharing.lease(), historyTurns);
    if (outcome.handed.size > 0) await this.#sharing.tell(tx, outcome.handed);
    return outcome;
  }

  #begin(): void {
    this.#outstanding += 1;
    this.#activities += 1;
  }

  /**
   * Until the transaction has ended: what it commits is to be seen in the database a moment before this process learns of
   * it, and a clock that moves by itself must not take that moment for rest.
   */
  #hold(tx: Tx): void {
    this.#begin();
    let committed = false;
    tx.afterCommit(() => (committed = true));
    tx.afterEnd(() => {
      if (!committed) this.#sharing.endedUnknown();
      this.#end();
    });
  }

  #end(): void {
    this.#outstanding -= 1;
    if (this.#outstanding > 0) return;
    const settlers = this.#settlers;
    this.#settlers = [];
    for (const settle of settlers) settle();
  }

  // Committing

  #enqueue(turn: Turn): Promise<unknown> {
    if (this.#stopped) return Promise.reject(new Error('the engine has stopped'));
    this.#begin();
    return new Promise<unknown>((resolve, reject) => {
      this.#inbox.push({ ...turn, resolve, reject });
      if (!this.#committing) {
        this.#committing = true;
        void this.#commitAll();
      }
    }).finally(() => this.#end());
  }

  async #commitAll(): Promise<void> {
    // One macrotask-free tick lets callers that resolved together share the first group.
    await Promise.resolve();
    while (this.#inbox.length > 0 && !this.#stopped) {
      const batch = this.#inbox.splice(0, this.#options.batchSize ?? 256);
      await this.#commit(batch);
    }
    this.#committing = false;
  }

  async #commit(batch: Pending[]): Promise<void> {
    try {
      this.#options.crashPoint?.('BeforeCommit');
      const outcome = await this.#options.store.transaction((tx) => this.#run(tx, batch));
      this.#options.crashPoint?.('AfterCommit');
      this.#turns += batch.length;
      this.#schedule(outcome);
      for (const [index, pending] of batch.entries()) pending.resolve(outcome.states[index]);
    } catch (error) {
      this.#sharing.endedUnknown();
      // A group fails as one; alone, each turn shows whether it is the culprit.
      if (batch.length === 1) batch[0]?.reject(error);
      else for (const pending of batch) await this.#commit([pending]);
    }
  }

  #handOver(tx: Tx, outcome: TurnsOutcome): void {
    if (outcome.effects.length > 0 || outcome.nextTimerAt !== undefined) tx.afterCommit(() => this.#schedule(outcome));
  }

  #schedule(outcome: TurnsOutcome): void {
    for (const saved of outcome.effects) this.#place({ saved, dueAt: 0 });
    if (outcome.nextTimerAt !== undefined) this.#alarm(outcome.nextTimerAt);
  }

  // Performing

  #place(effect: Waiting): void {
    if (!this.#started || this.#stopped) return;
    if (this.#sharing.hold(effect.saved.id, effect.saved.renewal)) this.#lanes.put(effect);
  }

  /** Resolves to what is to be tried again. */
  async #performOne(first: Waiting): Promise<Waiting | undefined> {
    const { saved } = first;
    if (this.#stopped) return undefined;
    const loop = this.#loops.get(saved.kind);
    if (loop === undefined) {
      this.#options.onError(`effect ${saved.id} belongs to the unknown loop ${saved.kind}`, undefined);
      return undefined;
    }
    const attempt = saved.attempts + 1;
    try {
      const mine = this.#sharing.mayPerform(saved.id);
      if (mine !== true && !(await mine)) return undefined;
      this.#options.crashPoint?.('BeforeEffect');
      const result = await loop.perform(saved.effect, {
        key: saved.key,
        effectId: saved.id,
        attempt,
        ...(saved.resumed === true && { resumed: true }),
        now: this.#options.clock.now(),
      });
      this.#options.crashPoint?.('AfterEffect');
      await this.#finish(saved, result ?? undefined);
      return undefined;
    } catch (error) {
      return this.#stopped ? undefined : this.#retry(loop, first, attempt, error);
    }
  }

  /** The event consumes the effect: both are saved, or neither. */
  async #finish(saved: SavedEffect, event: Readonly<{ type: string }> | undefined): Promise<void> {
    if (event === undefined) await this.#forget(saved.id);
    else await this.#enqueue({ kind: saved.kind, key: saved.key, event, effectId: saved.id });
  }

  /** Effects without a result are forgotten in groups: what ends while one deletion runs goes with the next. */
  #forget(id: string): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#done.push({ id, resolve, reject });
      if (this.#forgetting) return;
      this.#forgetting = true;
      void this.#forgetAll();
    });
  }

  async #forgetAll(): Promise<void> {
    await Promise.resolve();
    while (this.#done.length > 0) {
      const group = this.#done.splice(0);
      try {
        await forgetEffects(
          this.#options.store,
          group.map(({ id }) => id),
        );
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#forgetting = false;
  }

  /** Resolves to what is to be tried again. Never rejects: what cannot be noted in the database is kept here. */
  async #retry(
    loop: LoopDefinition<any, any, any>,
    first: Waiting,
    attempt: number,
    error: unknown,
  ): Promise<Waiting | undefined> {
    const { clock, store, onError } = this.#options;
    const { saved } = first;
    const failure = error instanceof Error ? error : new Error(String(error));
    onError(`effect ${saved.effect.type} of ${saved.kind} ${saved.key.id} failed (attempt ${attempt})`, failure);
    // A try before its time, for the sake of what stands behind it, is not one of its tries.
    if (clock.now() < first.dueAt) return first;
    const dueAt = clock.now() + Math.min(60_000, 1_000 * 2 ** (attempt - 1));
    if (attempt < (loop.maxAttempts ?? 10)) {
      await putOff(store, saved.id, attempt, dueAt).catch((late: unknown) =>
        onError('that an effect was put off could not be noted', late),
      );
      return { saved: { ...saved, attempts: attempt }, dueAt };
    }
    try {
      await this.#finish(saved, loop.onGivenUp?.(saved.effect, failure));
      return undefined;
    } catch (late) {
      onError('that an effect was given up could not be noted', late);
      return this.#stopped ? undefined : { saved, dueAt };
    }
  }

  // Timers

  /** Makes sure that the timers are looked at when `at` is reached. */
  #alarm(at: EpochMs): void {
    if (!this.#started || this.#stopped) return;
    if (at <= this.#options.clock.now()) return this.#scan();
    if (this.#alarmAt !== undefined && this.#alarmAt <= at) return;
    this.#cancelAlarm?.();
    this.#alarmAt = at;
    this.#cancelAlarm = this.#options.clock.onReach(at, () => {
      this.#alarmAt = undefined;
      this.#scan();
    });
  }

  /** Fires every due timer, again until none is due, then sets the alarm for the next. */
  #scan(): void {
    if (!this.#started || this.#stopped) return;
    if (this.#scanning) {
      this.#scanAgain = true;
      return;
    }
    this.#scanning = true;
    this.#begin();
    void this.#fireDue()
      .catch((error: unknown) => {
        this.#options.onError('the timers could not be read', error);
        this.#options.wallTimer(() => this.#scan(), 1_000);
      })
      .finally(() => {
        this.#scanning = false;
        if (this.#scanAgain) {
          this.#scanAgain = false;
          this.#scan();
        }
        this.#end();
      });
  }

  async #fireDue(): Promise<void> {
    const { store, clock } = this.#options;
    while (!this.#stopped) {
      const due = await dueTimers(store, clock.now());
      const known = due.filter(({ kind }) => this.#loops.has(kind));
      if (known.length === 0) break;
      await Promise.all(
        known.map(({ kind, key, name }) =>
          this.#enqueue({ kind, key, event: timerFired(name), timer: name }).catch((error: unknown) => {
            this.#options.onError(`timer ${name} of ${kind} ${key.id} failed`, error);
          }),
        ),
      );
      await dropStaleTimers(store, known, clock.now());
    }
    const nextAt = await nextTimerAt(store);
    if (nextAt !== undefined) this.#alarm(nextAt);
  }
}

function timerFired(timer: string): { type: 'TimerFired'; timer: string } {
  return { type: 'TimerFired', timer };
}
