/**
 * A process's view of time: the scheduler's, plus what its machine's clock is off by. A jump (a leap of NTP, a suspended
 * machine) changes what `now()` says and, as with a real timer, not when a timer that is set fires: one that fires too
 * early by the clock is set again.
 */
import type { Clock, EpochMs } from '../src/common/index.ts';
import type { Scheduler, Spread } from './scheduler.ts';

export class SimulatedClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #process: string;
  readonly #late: Spread;
  #offMs: number;

  /** `late`: by how much a timer is late; a loaded machine is never on time. */
  constructor(scheduler: Scheduler, process: string, options: Readonly<{ offMs?: number; late?: Spread }> = {}) {
    this.#scheduler = scheduler;
    this.#process = process;
    this.#offMs = options.offMs ?? 0;
    this.#late = options.late ?? (() => 0);
  }

  now(): EpochMs {
    return this.#scheduler.now() + this.#offMs;
  }

  onReach(at: EpochMs, callback: () => void): () => void {
    let cancel: () => void;
    const arm = (): void => {
      const delayMs = Math.max(0, at - this.now());
      cancel = this.#scheduler.offer({
        process: this.#process,
        label: 'timer',
        afterMs: (u) => delayMs + this.#late(u),
        run: () => (this.now() >= at ? callback() : arm()),
      });
    };
    arm();
    return () => cancel();
  }

  /** Calls back after so many milliseconds of the machine, whatever its clock says. */
  after(delayMs: number, callback: () => void): () => void {
    return this.#scheduler.offer({
      process: this.#process,
      label: 'wall timer',
      afterMs: delayMs,
      run: callback,
    });
  }

  /** Sets the machine's clock forward, or back. */
  jump(byMs: number): void {
    this.#offMs += byMs;
  }
}
