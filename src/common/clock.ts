/**
 * The one clock (DESIGN.md idea 4). Everything that waits for simulated time waits on a `Clock`; what waits for a
 * machine (a child process, a socket) waits on the machine and never reads this.
 */
import type { EpochMs } from './time.ts';

export interface Clock {
  now(): EpochMs;
  /**
   * Calls `callback` once, soon after `now() >= at`; at once (asynchronously) if that is already so.
   * Returns a function that cancels; cancelling twice is harmless.
   */
  onReach(at: EpochMs, callback: () => void): () => void;
}

/** A clock stepped by hand: time moves only by `set`. Waiters run in order of their instant. */
export class ManualClock implements Clock {
  #now: EpochMs;
  #waiters: { at: EpochMs; callback: () => void }[] = [];

  constructor(startAt: EpochMs) {
    this.#now = startAt;
  }

  now(): EpochMs {
    return this.#now;
  }

  onReach(at: EpochMs, callback: () => void): () => void {
    const waiter = { at, callback };
    if (at <= this.#now) {
      let live = true;
      void Promise.resolve().then(() => live && callback());
      return () => (live = false);
    }
    this.#waiters.push(waiter);
    return () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
    };
  }

  /** The earliest instant that anyone waits for. */
  nextAt(): EpochMs | undefined {
    let next: EpochMs | undefined;
    for (const { at } of this.#waiters) if (next === undefined || at < next) next = at;
    return next;
  }

  /** Moves forward to `at` (never back) and calls the waiters that are due, earliest first. */
  set(at: EpochMs): void {
    if (at > this.#now) this.#now = at;
    const due = this.#waiters.filter((waiter) => waiter.at <= this.#now).sort((a, b) => a.at - b.at);
    this.#waiters = this.#waiters.filter((waiter) => waiter.at > this.#now);
    for (const { callback } of due) callback();
  }
}
