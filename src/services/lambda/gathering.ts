/**
 * How long logs and metrics of a busy function gather before they are written together. On a clock that runs at the
 * machine's pace nobody waits for them, so long; on one that stands, the next step will wait, so shortly; on one that
 * hurries, every instant waits, so hardly at all. Measured: a flush for each invocation cost as much as the invocation.
 */
import type { House } from '../service.ts';

const HURRYING_MS = 5;
const STANDING_MS = 25;
const RUNNING_MS = 200;
/** After this long without a flush the next one is a first one. */
const BUSY_MS = 500;

export class Gathering {
  readonly #house: House;
  #clockAt = -Infinity;
  #realAt = -Infinity;

  constructor(house: House) {
    this.#house = house;
  }

  /** Resolves when it is time to write. */
  async wait(): Promise<void> {
    const passedMs = this.#house.config.wallNow() - this.#realAt;
    const delayMs = passedMs < BUSY_MS ? this.#gatherMs(passedMs) : HURRYING_MS;
    await new Promise<void>((resolve) => void this.#house.config.wallTimer(resolve, delayMs));
  }

  #gatherMs(passedMs: number): number {
    const clockMs = this.#house.clock.now() - this.#clockAt;
    if (clockMs === 0) return STANDING_MS;
    return clockMs <= passedMs * 2 + HURRYING_MS ? RUNNING_MS : HURRYING_MS;
  }

  /** Call when all is written. */
  done(): void {
    this.#clockAt = this.#house.clock.now();
    this.#realAt = this.#house.config.wallNow();
  }
}
