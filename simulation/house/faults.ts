/**
 * What goes wrong with the machine of a house: slow and failing statements, commits whose answer is lost, a disk that is
 * full, late timers, a clock that is off. Faults come in spells: for a while one kind is likely, then the machine is well
 * again, as in life; `stop` ends them for good.
 */
import { StateFolderError } from '../../src/store/index.ts';
import type { BlobDisk, BlobTrip } from '../memory-blobs.ts';
import { failure, type Trip } from '../memory-store/index.ts';
import type { Random } from '../random.ts';
import type { Scheduler, Spread } from '../scheduler.ts';

export const SPELLS = [
  'None',
  'SlowDatabase',
  'FailingStatements',
  'DatabaseDown',
  'LostCommits',
  'FailingBlobs',
  'FullDisk',
] as const;
export type Spell = (typeof SPELLS)[number];

/** Errors that a fault made; whatever is caused by one is justified. */
const injected = new WeakSet<object>();

export function isInjected(error: unknown): boolean {
  for (let each: unknown = error, depth = 0; typeof each === 'object' && each !== null && depth < 8; depth++) {
    // A disk is full in this world only when a fault made it so.
    if (injected.has(each) || (each as { reason?: unknown }).reason === 'Full') return true;
    each = (each as { cause?: unknown }).cause;
  }
  return false;
}

export class HouseFaults {
  readonly #scheduler: Scheduler;
  readonly #blobDisk: BlobDisk;
  readonly #random: Random;
  readonly counts: Record<string, number> = {};
  #spell: Spell = 'None';
  #live = false;
  #stopped = false;
  /** For a history told by a test: the next trip of this kind fails, or the one after so many. */
  failNext: Readonly<{ trip: `${'Statement' | 'Commit'} ${'Going' | 'Coming'}`; after?: number }> | undefined;
  clockOffMs = 0;
  /** Mostly on time; now and then late, as on a loaded machine. */
  readonly timerLate: Spread = (u) => (this.#live && !this.#stopped && u > 0.98 ? (u - 0.98) * 100_000 : 0);

  constructor(scheduler: Scheduler, blobDisk: BlobDisk) {
    this.#scheduler = scheduler;
    this.#blobDisk = blobDisk;
    this.#random = scheduler.random('faults of the machine');
  }

  /** From here on the scheduler answers; before, everything is answered at once (the world is being made). */
  begin(): void {
    this.#live = true;
  }

  stop(): void {
    this.spell('None');
    this.#stopped = true;
  }

  /** None begins once they have stopped. */
  spell(spell: Spell): void {
    if (this.#stopped) return;
    this.#spell = spell;
    this.#blobDisk.isFull = spell === 'FullDisk';
    if (spell !== 'None') this.count(spell);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  onDatabase(process: string, { of, way }: Parameters<Trip>[0]): Promise<void> | undefined {
    if (!this.#live || (of === 'Statement' && way === 'Coming')) return undefined;
    return new Promise((resolve, reject) => {
      this.#scheduler.offer({
        process,
        label: LABELS[`${of} ${way}`] ?? '',
        afterMs: this.#spell === 'SlowDatabase' ? SLOW : PROMPT,
        run: () => {
          const failure = this.#databaseFailure(of, way);
          if (failure === undefined) resolve();
          else reject(failure);
        },
      });
    });
  }

  readonly onBlobs = (process: string, { of, way }: Parameters<BlobTrip>[0]): Promise<void> | undefined => {
    if (!this.#live || (of === 'Read' && way === 'Coming')) return undefined;
    return new Promise((resolve, reject) => {
      this.#scheduler.offer({
        process,
        label: 'blob',
        afterMs: PROMPT,
        run: () => {
          if (this.#spell !== 'FailingBlobs' || !this.#random.chance(0.2)) return resolve();
          this.count('failed blob');
          reject(made(new StateFolderError('Full', 'blobs', 'Sluice cannot write to blobs: the disk is full.')));
        },
      });
    });
  };

  /** As the driver would say it: the store words it, and tries again what it may (src/store/failures.ts). */
  #databaseFailure(of: 'Statement' | 'Commit', way: 'Going' | 'Coming'): Error | undefined {
    const chance = this.#chanceOfFailure(of, way);
    if (!this.#isTold(`${of} ${way}`) && (chance === 0 || !this.#random.chance(chance))) return undefined;
    this.count(`failed ${of.toLowerCase()} ${way.toLowerCase()}`);
    return made(failure('ECONNRESET', 'the connection was reset (simulated)'));
  }

  #isTold(trip: string): boolean {
    if (this.failNext?.trip !== trip) return false;
    const { after = 0 } = this.failNext;
    this.failNext = after === 0 ? undefined : { ...this.failNext, after: after - 1 };
    return after === 0;
  }

  #chanceOfFailure(of: 'Statement' | 'Commit', way: 'Going' | 'Coming'): number {
    switch (this.#spell) {
      case 'DatabaseDown':
        return way === 'Going' ? 0.9 : 0;
      case 'FailingStatements':
        return way === 'Going' ? 0.05 : 0;
      case 'LostCommits':
        return of === 'Commit' ? 0.1 : 0;
      default:
        return 0;
    }
  }
}

const LABELS: Readonly<Record<string, string>> = {
  'Statement Going': 'statement',
  'Commit Going': 'commit',
  'Commit Coming': 'commit answer',
};

/** Milliseconds for which nobody looks at the clock, mostly. */
const PROMPT: Spread = (u) => (u < 0.9 ? 0 : u * 5);
const SLOW: Spread = (u) => (u < 0.5 ? u * 20 : u < 0.98 ? u * 200 : u * 20_000);

function made<E extends Error>(error: E): E {
  injected.add(error);
  return error;
}
