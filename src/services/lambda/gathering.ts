/**
 * How long logs and metrics gather before they are written together. On a clock that stands or runs at the machine's
 * pace nobody waits for them, so a busy function's are gathered for longer; on one that is stepped or hurries, every
 * step waits, so not. Measured: a flush for each invocation cost as much as the invocation itself.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { House } from '../service.ts';

const SHORT_MS = 5;
const LONG_MS = 25;
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
    const steady = this.#house.clock.now() - this.#clockAt <= passedMs * 2 + SHORT_MS;
    await delay(steady && passedMs < BUSY_MS ? LONG_MS : SHORT_MS);
  }

  /** Call when all is written. */
  done(): void {
    this.#clockAt = this.#house.clock.now();
    this.#realAt = this.#house.config.wallNow();
  }
}
