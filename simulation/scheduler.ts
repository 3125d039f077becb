/**
 * The seeded scheduler: it holds everything that may happen next (answers of the database, timers, effects, what users do,
 * faults), picks one, runs it, lets everything drain that follows from it, and records it. Picking one is a step.
 *
 * Whatever may happen is offered with a delay in virtual milliseconds; the earliest happens first, and among those of one
 * instant the seed decides. So time, order and load come out of the same numbers: a slow answer is overtaken by a timer
 * because it is slow. A delay may be a number, or a function of a number in [0, 1) that is drawn for this very offer.
 *
 * Determinism. The same seed and the same offers make the same run, to the digest. What is drawn for an offer depends on
 * the seed, the offer's label and how many of that label there were before: leaving one thing out (to shrink a failure)
 * does not shuffle all the others. A step is a macrotask of its own, so that every microtask it gave rise to has run
 * before the next is picked. Nothing may wait for real time or real I/O in between, unless the scheduler is told: while
 * somebody holds it (`hold`), it picks nothing.
 *
 * Processes. An offer belongs to a process; `kill` drops all that process's offers, and nothing it awaits is ever answered.
 */
import { setImmediate } from 'node:timers';
import type { EpochMs } from '../src/common/index.ts';
import { hashText, mix, Random } from './random.ts';

/** From a number in [0, 1) to milliseconds. */
export type Spread = (u: number) => number;

export type Offer = Readonly<{
  /** Whose it is: `kill` drops it. Absent: it belongs to the world, which does not die. */
  process?: string;
  /** What happens, for the record; few different ones, since draws are counted by label. */
  label: string;
  /** From now, in virtual milliseconds; 0 when absent. */
  afterMs?: number | Spread;
  run(): void;
}>;

/** One step that was taken. */
export type Step = Readonly<{ step: number; at: EpochMs; process: string; label: string }>;

type Happening = {
  at: EpochMs;
  rank: number;
  order: number;
  process: string;
  label: string;
  run: (() => void) | undefined;
};

export type SchedulerOptions = Readonly<{
  seed: number;
  startAt: EpochMs;
  /** Keeps every step, for a printed history. */
  record?: boolean;
  /** Called after each step has drained; a throw ends the run. */
  afterStep?: () => void;
}>;

/** Steps that are put into the queue of macrotasks together: going round the event loop costs more than a step. */
const BATCH = 64;

export class Scheduler {
  readonly seed: number;
  readonly #heap: Happening[] = [];
  readonly #drawn = new Map<string, { seed: number; count: number }>();
  readonly #history: Step[] = [];
  readonly #record: boolean;
  readonly #afterStep: (() => void) | undefined;
  readonly #dead = new Set<string>();
  readonly #stalled = new Map<string, EpochMs>();
  #now: EpochMs;
  #steps = 0;
  #offers = 0;
  #holds = 0;
  #released: (() => void) | undefined;
  #low = 0;
  #high = 0;

  constructor(options: SchedulerOptions) {
    this.seed = options.seed;
    this.#now = options.startAt;
    this.#record = options.record ?? false;
    this.#afterStep = options.afterStep;
  }

  /** Virtual time. It moves only between steps. */
  now(): EpochMs {
    return this.#now;
  }

  /** How many things have happened. */
  get steps(): number {
    return this.#steps;
  }

  /** A generator of its own for this purpose; the same each time it is asked for from the same seed. */
  random(purpose: string): Random {
    return new Random(this.seed, purpose);
  }

  /** Something that may happen from now on. Returns a function that takes it back. */
  offer(offer: Offer): () => void {
    const process = offer.process ?? '';
    if (this.#dead.has(process)) return nothing;
    const drawn = this.#draw(offer.label);
    const rank = mix(drawn.seed + drawn.count);
    const { afterMs = 0 } = offer;
    const delayMs = typeof afterMs === 'number' ? afterMs : afterMs(mix(rank ^ 0x2545f491) / 4_294_967_296);
    const happening: Happening = {
      at: this.#now + Math.max(0, Math.floor(delayMs)),
      rank,
      order: this.#offers++,
      process,
      label: offer.label,
      run: offer.run,
    };
    this.#push(happening);
    return () => (happening.run = undefined);
  }

  /** Resolves once it has happened; never, if the process dies before. */
  wait(offer: Omit<Offer, 'run'>): Promise<void> {
    return new Promise((resolve) => void this.offer({ ...offer, run: resolve }));
  }

  /** Drops everything of this process, and whatever it offers from now on. */
  kill(process: string): void {
    this.#dead.add(process);
    for (const happening of this.#heap) if (happening.process === process) happening.run = undefined;
  }

  /** The process stands still until then: what it waits for happens afterwards, and the world does not wait for it. */
  stall(process: string, until: EpochMs): void {
    if (until > (this.#stalled.get(process) ?? 0)) this.#stalled.set(process, until);
  }

  isDead(process: string): boolean {
    return this.#dead.has(process);
  }

  /** Real work is going on whose end must not race with the next step; call the returned function when it has ended. */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      if (this.#holds === 0) this.#released?.();
    };
  }

  /** The instant of the next thing; undefined: nothing is left. */
  nextAt(): EpochMs | undefined {
    this.#tidy();
    return this.#heap[0]?.at;
  }

  /** Takes one step, without draining. False: there is nothing to do. */
  step(): boolean {
    let next = this.#next();
    while (next !== undefined && this.#putsOff(next)) next = this.#next();
    if (next?.run === undefined) return false;
    if (next.at > this.#now) this.#now = next.at;
    this.#steps += 1;
    this.#note(next);
    next.run();
    return true;
  }

  /**
   * Steps until `enough` says so (asked before each step) or nothing is left. A throw of a step or of `afterStep` ends
   * the run and is rethrown.
   */
  async run(enough: () => boolean): Promise<void> {
    const run: { done: boolean; failures: unknown[] } = { done: false, failures: [] };
    const one = (): void => {
      if (run.done || this.#holds > 0) return;
      try {
        if (this.#steps > 0) this.#afterStep?.();
        run.done = enough() || !this.step();
      } catch (error) {
        run.done = true;
        run.failures.push(error);
      }
    };
    while (!run.done) {
      if (this.#holds > 0) await this.#release();
      await new Promise<void>((resolve) => {
        for (let i = 0; i < BATCH; i++) setImmediate(one);
        setImmediate(resolve);
      });
    }
    if (run.failures.length > 0) throw run.failures[0];
  }

  /** Two runs with the same digest took the same steps at the same instants. */
  digest(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0');
  }

  /** Adds to the digest what a step saw or did: a run that differs there is another run. */
  note(value: number): void {
    this.#low = mix(this.#low ^ value);
    this.#high = (Math.imul(this.#high, 31) + this.#low) | 0;
  }

  /** The steps so far, if they are recorded. */
  history(): readonly Step[] {
    return this.#history;
  }

  #next(): Happening | undefined {
    this.#tidy();
    return this.#pop();
  }

  /** Puts off what belongs to a process that stands still. */
  #putsOff(happening: Happening): boolean {
    if (this.#stalled.size === 0) return false;
    const until = this.#stalled.get(happening.process);
    if (until === undefined) return false;
    if (until <= happening.at) {
      this.#stalled.delete(happening.process);
      return false;
    }
    happening.at = until;
    this.#push(happening);
    return true;
  }

  #note(happening: Happening): void {
    this.note(this.#draws(happening.label).seed ^ (happening.at % 4_294_967_296));
    if (!this.#record) return;
    const { at, process, label } = happening;
    this.#history.push({ step: this.#steps, at, process, label });
  }

  #draws(label: string): { seed: number; count: number } {
    let drawn = this.#drawn.get(label);
    if (drawn === undefined) {
      drawn = { seed: hashText(label, this.seed | 0) | 0, count: 0 };
      this.#drawn.set(label, drawn);
    }
    return drawn;
  }

  #draw(label: string): Readonly<{ seed: number; count: number }> {
    const drawn = this.#draws(label);
    drawn.count += 1;
    return drawn;
  }

  #release(): Promise<void> {
    return new Promise((resolve) => {
      this.#released = () => {
        this.#released = undefined;
        resolve();
      };
    });
  }

  // A binary heap by (at, rank, order).

  #tidy(): void {
    while (this.#heap.length > 0 && this.#heap[0]?.run === undefined) this.#pop();
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(happening);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Happening;
      if (!before(happening, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = happening;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Happening, heap[child] as Happening)) child += 1;
      if (!before(heap[child] as Happening, last)) break;
      heap[at] = heap[child] as Happening;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Happening, b: Happening): boolean {
  if (a.at !== b.at) return a.at < b.at;
  if (a.rank !== b.rank) return a.rank < b.rank;
  return a.order < b.order;
}

function nothing(): void {}
