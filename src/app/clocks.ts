/**
 * The kinds of clock: real; scaled (`x60`: a minute a second); manual (moves when told); automatic (jumps to the next
 * due instant when nothing is going on). The last two are stepped by `Stepper`, which lets the engine settle at every
 * instant at which something is due, so that a five-minute step happens in the order in which five minutes would.
 */
import { type Clock, type EpochMs, ManualClock } from '../common/index.ts';
import type { RunningEngine } from '../engine/index.ts';

export type ClockMode = Readonly<
  { kind: 'real' } | { kind: 'scaled'; factor: number } | { kind: 'manual' } | { kind: 'auto' }
>;

/** `real`, `manual`, `auto`, `x60`; undefined for anything else. */
export function parseClockMode(text: string): ClockMode | undefined {
  if (text === 'real' || text === 'manual' || text === 'auto') return { kind: text };
  const factor = /^x(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  return factor !== undefined && Number(factor) > 0 ? { kind: 'scaled', factor: Number(factor) } : undefined;
}

export function formatClockMode(mode: ClockMode): string {
  return mode.kind === 'scaled' ? `x${mode.factor}` : mode.kind;
}

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Real time, or real time multiplied since `origin`. */
export class RunningClock implements Clock {
  readonly #wallNow: () => number;
  readonly #factor: number;
  readonly #wallOrigin: number;
  readonly #origin: EpochMs;
  readonly #timers = new Set<NodeJS.Timeout>();

  /** `startAt` of the clock is `wallOrigin` of the machine, which is now unless said. */
  constructor(options: Readonly<{ wallNow: () => number; factor?: number; startAt?: EpochMs; wallOrigin?: EpochMs }>) {
    this.#wallNow = options.wallNow;
    this.#factor = options.factor ?? 1;
    this.#wallOrigin = options.wallOrigin ?? options.wallNow();
    this.#origin = options.startAt ?? this.#wallOrigin;
  }

  now(): EpochMs {
    if (this.#factor === 1 && this.#origin === this.#wallOrigin) return this.#wallNow();
    return Math.floor(this.#origin + (this.#wallNow() - this.#wallOrigin) * this.#factor);
  }

  onReach(at: EpochMs, callback: () => void): () => void {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const delayMs = Math.max(0, Math.ceil((at - this.now()) / this.#factor));
      timer = setTimeout(
        () => {
          this.#timers.delete(timer);
          if (this.now() >= at) callback();
          else arm();
        },
        Math.min(delayMs, LONGEST_TIMEOUT_MS),
      );
      timer.unref();
      this.#timers.add(timer);
    };
    arm();
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** Moves a manual clock from due instant to due instant, settling the engine at each. */
export class Stepper {
  readonly clock: ManualClock;
  readonly #engine: RunningEngine;
  readonly #persist: (now: EpochMs) => Promise<void>;
  #turn: Promise<void> = Promise.resolve();

  constructor(clock: ManualClock, engine: RunningEngine, persist: (now: EpochMs) => Promise<void>) {
    this.clock = clock;
    this.#engine = engine;
    this.#persist = persist;
  }

  /** Moves `ms` forward and resolves when all that became due on the way is done. Advances queue behind each other. */
  advance(ms: number): Promise<void> {
    const step = this.#turn.then(() => this.#advanceTo(this.clock.now() + ms));
    this.#turn = step.catch(() => {});
    return step;
  }

  async #advanceTo(target: EpochMs): Promise<void> {
    await this.#engine.settled();
    for (;;) {
      const next = await this.nextAt();
      if (next === undefined || next > target) break;
      await this.#moveTo(Math.max(next, this.clock.now()));
    }
    await this.#moveTo(target);
  }

  /** The next instant at which anything is due, whoever waits for it. */
  async nextAt(): Promise<EpochMs | undefined> {
    const waiting = this.clock.nextAt();
    const due = await this.#engine.nextDueAt();
    return due === undefined ? waiting : Math.min(due, waiting ?? due);
  }

  /**
   * One jump to the next due instant, if nothing begins until it is made: what begins may be due earlier, or do away with
   * what was due. Resolves to whether it jumped.
   */
  jump(isBusy: () => boolean): Promise<boolean> {
    const step = this.#turn.then(() => this.#jump(isBusy));
    this.#turn = step.then(
      () => {},
      () => {},
    );
    return step;
  }

  async #jump(isBusy: () => boolean): Promise<boolean> {
    await this.#engine.settled();
    const before = this.#engine.activityCount();
    const rests = (): boolean => !isBusy() && !this.#engine.isWorking() && this.#engine.activityCount() === before;
    const next = await this.nextAt();
    if (next === undefined || !rests()) return false;
    const at = Math.max(next, this.clock.now());
    await this.#persist(at);
    if (!rests()) {
      await this.#persist(this.clock.now());
      return false;
    }
    this.clock.set(at);
    await breathe();
    await this.#engine.settled();
    return true;
  }

  async #moveTo(at: EpochMs): Promise<void> {
    await this.#persist(at);
    this.clock.set(at);
    await breathe();
    await this.#engine.settled();
  }
}

/** Jumps to the next due instant whenever the engine is settled, no call is being answered and no outside work is going on. */
export class AutoStepper {
  readonly #stepper: Stepper;
  readonly #engine: RunningEngine;
  readonly #isBusy: () => boolean;
  #stopped = false;
  #running: Promise<void> | undefined;

  /** `isBusy`: calls are being answered that take their time from the clock. */
  constructor(stepper: Stepper, engine: RunningEngine, isBusy: () => boolean) {
    this.#stepper = stepper;
    this.#engine = engine;
    this.#isBusy = isBusy;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    let idleTurns = 0;
    while (!this.#stopped) {
      await pause(idleTurns > 3 ? 20 : 1);
      await this.#engine.settled();
      if (this.#stopped || this.#isBusy() || this.#engine.isWorking()) {
        idleTurns = 0;
        continue;
      }
      const jumped = await this.#stepper.jump(this.#isBusy).catch(() => false);
      idleTurns = jumped ? 0 : idleTurns + 1;
    }
  }
}

/** Lets callbacks of this instant run before the engine is asked whether it is settled. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
