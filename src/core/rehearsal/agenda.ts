/** What is to happen when, by name. */
import type { EpochMs } from '../../common/index.ts';

export class Agenda {
  readonly #items = new Map<string, Readonly<{ at: EpochMs; act: () => void }>>();

  get nextAt(): EpochMs {
    let next = Infinity;
    for (const { at } of this.#items.values()) if (at < next) next = at;
    return next;
  }

  /** In the place of what has that name. */
  set(name: string, at: EpochMs, act: () => void): void {
    this.#items.set(name, { at, act });
  }

  cancel(name: string): void {
    this.#items.delete(name);
  }

  /** Everything that is due, in the order of its time; what becomes due meanwhile as well. */
  fire(now: EpochMs): void {
    for (;;) {
      let first: string | undefined;
      let firstAt = Infinity;
      for (const [name, { at }] of this.#items) if (at <= now && at < firstAt) [first, firstAt] = [name, at];
      const item = first === undefined ? undefined : this.#items.get(first);
      if (first === undefined || item === undefined) return;
      this.#items.delete(first);
      item.act();
    }
  }
}
