/**
 * What goes wrong, and what users do: everything that is not the system's own doing. Each kind draws from a generator of
 * its own and numbers what it does (`crash:3`), whether or not it is left out, so that a failure can be shrunk by leaving
 * out one after another while the rest stays as it was.
 */
import type { Scheduler } from '../scheduler.ts';
import type { Random } from '../random.ts';

/** Kinds, or single ones by number: those that are left out; or the only ones that are not. */
export type Chosen = Readonly<{ omit?: readonly string[]; only?: readonly string[] }>;

export class Mischief {
  readonly #scheduler: Scheduler;
  readonly #omitted: ReadonlySet<string>;
  readonly #only: ReadonlySet<string> | undefined;
  readonly #randoms = new Map<string, Random>();
  readonly #numbers = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  readonly #done: string[] = [];
  #stopped = false;

  constructor(scheduler: Scheduler, { omit, only }: Chosen) {
    this.#scheduler = scheduler;
    this.#omitted = new Set(omit);
    this.#only = only === undefined ? undefined : new Set(only);
  }

  /** True if it happens on this occasion. */
  strikes(kind: string, rate: number): boolean {
    if (rate === 0 || this.#stopped) return false;
    return this.random(kind).chance(rate) && this.admit(kind);
  }

  /** Does it again and again, `gapMs` apart in the mean. */
  every(kind: string, gapMs: number, strike: () => void): void {
    if (gapMs === 0) return;
    const random = this.random(`${kind}, when`);
    const next = (): void => {
      const afterMs = -gapMs * Math.log(1 - random.uniform());
      this.#scheduler.offer({
        label: kind,
        afterMs,
        run: () => {
          if (this.#stopped) return;
          if (this.admit(kind)) strike();
          next();
        },
      });
    };
    next();
  }

  /** Counts one more of the kind; false if it is to be left out. */
  admit(kind: string): boolean {
    const number = (this.#numbers.get(kind) ?? 0) + 1;
    this.#numbers.set(kind, number);
    const name = `${kind}:${number}`;
    if (this.#omitted.has(kind) || this.#omitted.has(name) || this.#only?.has(name) === false) return false;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    this.#done.push(name);
    return true;
  }

  /** The generator of this kind. */
  random(kind: string): Random {
    let random = this.#randoms.get(kind);
    if (random === undefined) this.#randoms.set(kind, (random = this.#scheduler.random(kind)));
    return random;
  }

  /** From here on nothing goes wrong any more. */
  stop(): void {
    this.#stopped = true;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** How often each kind happened. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort());
  }

  /** All that happened, in order. */
  done(): readonly string[] {
    return this.#done;
  }
}
