/**
 * Counts the invocations of an alias whose traffic is split, for the judge. Counts gather for as long as metrics do and are
 * written together; like metrics, what a crash finds unwritten is lost, and nothing is ever counted twice.
 */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import { durationClass } from '../../core/judge/index.ts';
import { timeSort, type Tx } from '../../store/index.ts';
import {
  addTallies,
  NO_REQUESTS,
  type RequestTally,
  requestTallies,
  type RunningTally,
  second,
  type SplitTally,
  tallyParent,
} from '../request-tallies.ts';
import type { House } from '../service.ts';
import { Gathering } from './gathering.ts';
import type { Place } from './records.ts';

/** How the version of an invocation was drawn. */
export type Draw = Readonly<{ alias: string; main: string; other: string; share: number; isOther: boolean }>;

/** `Answered`: the function has; `cold`: its environment was made for it. */
export type DrawEnd = Readonly<
  | { type: 'Answered'; failed: boolean; durationMs: number; cold: boolean }
  | { type: 'NotStarted' }
  | { type: 'Dropped' }
>;

/** Beyond its own time-out, an invocation may wait for an environment. */
const STARTING_MS = MINUTE_MS;
const KEPT_MS = 6 * HOUR_MS;
const TIDY_EVERY_MS = 10 * MINUTE_MS;
const TIDIED_AT_ONCE = 500;

type Gathered = { place: Place; alias: string; tally: RequestTally };

export class SplitTallies {
  readonly #house: House;
  readonly #gathering: Gathering;
  #gathered = new Map<string, Gathered>();
  #flushing: Promise<void> | undefined;
  #tidiedAt = -Infinity;

  constructor(house: House) {
    this.#house = house;
    this.#gathering = new Gathering(house);
  }

  /** An invocation begins; say how it ended by the function that is returned. */
  begin(place: Place, draw: Draw, timeoutSeconds: number): (end: DrawEnd) => void {
    const at = this.#house.clock.now();
    const deadlineAt = at + timeoutSeconds * SECOND_MS + STARTING_MS;
    this.#add(place, draw, at, deadlineAt, { ...NO_REQUESTS, begun: 1 });
    return (end) => this.#add(place, draw, at, deadlineAt, countOf(end));
  }

  async flushed(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
  }

  #add(place: Place, draw: Draw, at: number, deadlineAt: number, count: RunningTally): void {
    const { alias, main, other, share, isOther } = draw;
    const key = `${place.account} ${place.region} ${place.name}:${alias} ${second(at)}`;
    const split: SplitTally = {
      main,
      other,
      share,
      mainTally: isOther ? NO_REQUESTS : count,
      otherTally: isOther ? count : NO_REQUESTS,
    };
    const fresh: RequestTally = { at: second(at), deadlineAt, splits: [split] };
    const before = this.#gathered.get(key);
    if (before === undefined) this.#gathered.set(key, { place, alias, tally: fresh });
    else before.tally = merged(before.tally, fresh);
    this.#flushing ??= this.#flush();
  }

  async #flush(): Promise<void> {
    const end = this.#house.engine.beginActivity('Plumbing');
    try {
      await this.#gathering.wait();
      while (this.#gathered.size > 0) {
        // A fixed order, so that two writers never wait for each other crosswise.
        const gathered = [...this.#gathered].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
        this.#gathered = new Map();
        await this.#write(gathered);
      }
    } finally {
      this.#flushing = undefined;
      this.#gathering.done();
      end();
    }
  }

  async #write(gathered: readonly Gathered[]): Promise<void> {
    const { store, log } = this.#house;
    try {
      await store.transaction(async (tx) => {
        for (const each of gathered) await add(tx, each);
        await this.#tidy(tx, gathered);
      });
    } catch (error) {
      log.warn('requests of split traffic could not be counted', { error: String(error) });
    }
  }

  /** Drops what no deployment can still want to read. */
  async #tidy(tx: Tx, gathered: readonly Gathered[]): Promise<void> {
    const now = this.#house.clock.now();
    if (now - this.#tidiedAt < TIDY_EVERY_MS) return;
    this.#tidiedAt = now;
    for (const { place, alias } of gathered) {
      const { account, region, name } = place;
      const parent = tallyParent(name, alias);
      const oldest = await requestTallies.list(tx, { account, region, parent, limit: TIDIED_AT_ONCE });
      for (const { key, document } of oldest) if (document.at < now - KEPT_MS) await requestTallies.delete(tx, key);
    }
  }
}

async function add(tx: Tx, { place, alias, tally }: Gathered): Promise<void> {
  const { account, region, name } = place;
  const parent = tallyParent(name, alias);
  const sort = timeSort(tally.at);
  const key = { account, region, id: `${parent}/${sort}` };
  // The first to write a second makes its document; one that comes at the same time finds it.
  const inserted = await requestTallies.insert(tx, key, tally, { parent, sort });
  if (inserted) return;
  const stored = await requestTallies.getForUpdate(tx, key);
  await requestTallies.put(tx, key, stored === undefined ? tally : merged(stored.document, tally), { parent, sort });
}

function merged(one: RequestTally, other: RequestTally): RequestTally {
  const splits = [...one.splits];
  for (const split of other.splits) {
    const index = splits.findIndex(
      ({ main, other: second, share }) => main === split.main && second === split.other && share === split.share,
    );
    const before = splits[index];
    if (before === undefined) splits.push(split);
    else
      splits[index] = {
        ...before,
        mainTally: addTallies(before.mainTally, split.mainTally),
        otherTally: addTallies(before.otherTally, split.otherTally),
      };
  }
  return { at: one.at, deadlineAt: Math.max(one.deadlineAt, other.deadlineAt), splits };
}

function countOf(end: DrawEnd): RunningTally {
  switch (end.type) {
    case 'Answered': {
      const { failed, durationMs, cold } = end;
      const durations = cold ? [] : [[durationClass(durationMs), 1] as const];
      return { ...NO_REQUESTS, requests: 1, failed: failed ? 1 : 0, durations };
    }
    case 'NotStarted':
      return { ...NO_REQUESTS, requests: 1, failed: 1 };
    case 'Dropped':
      return { ...NO_REQUESTS, dropped: 1 };
  }
}
