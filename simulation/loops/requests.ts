/**
 * Requests of users to the aliases of judged groups, while two versions share their traffic: each is drawn for one of
 * them, takes its time and ends well or not, and the process that it came to counts it as the Lambda service does. They
 * come in batches, so that many cost few steps; those that hang end one by one, or with their process.
 */
import { type EpochMs, SECOND_MS } from '../../src/common/index.ts';
import type { DrawEnd } from '../../src/services/lambda/split-tallies.ts';
import { second } from '../../src/services/request-tallies.ts';
import { hashText, mix, type Random } from '../random.ts';
import type { Process } from './process.ts';
import { keyOf } from './records.ts';
import type { World } from './world.ts';

const TIMEOUT_SECONDS = 20;
/** Share of requests that hang until they run out of time, of any version. */
const HANGING = 0.004;
/** Share of those that are the first of their environment. */
const COLD = 0.03;

/** Requests drawn in one second by one share, as they truly went. */
export type Truth = { begun: number; ended: number; failed: number };

export class Requests {
  readonly #world: World;
  readonly #random: Random;
  readonly #asking = new Set<string>();
  readonly #truth = new Map<string, Truth>();
  counted = 0;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.scheduler.random('requests');
  }

  /** The alias has changed: where two versions share the traffic, users ask. */
  routed(group: string): void {
    if (this.#world.groupPlan(group).judge === undefined || this.#asking.has(group)) return;
    if (this.#world.outside.alias(group).extra === undefined) return;
    this.#asking.add(group);
    this.#later(group);
  }

  /** What was drawn for a version (`isOther`: for the one that gets the share) in this second. */
  truth(group: string, at: EpochMs, split: Readonly<{ main: string; other: string; share: number }>, isOther: boolean) {
    return this.#truth.get(keyOfTruth(group, at, split, isOther)) ?? { begun: 0, ended: 0, failed: 0 };
  }

  #later(group: string): void {
    const { gapMs } = this.#world.groupPlan(group).requests;
    const run = (): void => {
      if (this.#world.outside.alias(group).extra === undefined) return void this.#asking.delete(group);
      this.#ask(group);
      this.#later(group);
    };
    this.#world.scheduler.offer({ label: 'requests', afterMs: (u) => gapMs * (0.3 + 1.4 * u), run });
  }

  #ask(group: string): void {
    const { scheduler, outside } = this.#world;
    const process = this.#world.someProcess(this.#random);
    if (process === undefined) return;
    const { main, extra } = outside.alias(group);
    if (extra === undefined) return;
    const draw = { alias: 'live', main, other: extra.version, share: extra.weightPercent / 100 };
    const requests = this.#random.between(1, this.#world.groupPlan(group).requests.most);
    // They read the alias, and are drawn when their process gets to them.
    const run = (): void => this.#draw(process, group, draw, requests);
    scheduler.offer({ process: process.name, label: 'requests arrive', afterMs: (u) => u * 200, run });
  }

  #draw(
    process: Process,
    group: string,
    split: Readonly<{ alias: string; main: string; other: string; share: number }>,
    requests: number,
  ): void {
    const { scheduler } = this.#world;
    const random = this.#random;
    const soon: (() => void)[] = [];
    const drawnAt = process.clock.now();
    for (let request = 0; request < requests; request++) {
      const isOther = random.chance(split.share);
      const version = isOther ? split.other : split.main;
      const truth = this.#note(group, second(drawnAt), split, isOther);
      truth.begun += 1;
      const end = process.tallies.begin({ ...keyOf(group), name: group }, { ...split, isOther }, TIMEOUT_SECONDS);
      const hangs = random.chance(HANGING);
      const outcome = this.#outcome(version, hangs);
      const finish = (): void => {
        truth.ended += 1;
        if (outcome.type !== 'Dropped' && (outcome.type === 'NotStarted' || outcome.failed)) truth.failed += 1;
        this.counted += 1;
        end(outcome);
      };
      if (hangs) {
        const afterMs = TIMEOUT_SECONDS * SECOND_MS;
        scheduler.offer({ process: process.name, label: 'a request hangs', afterMs, run: finish });
      } else soon.push(finish);
    }
    const run = (): void => {
      for (const finish of soon) finish();
    };
    scheduler.offer({ process: process.name, label: 'requests end', afterMs: (u) => 30 + u * u * 1_500, run });
  }

  #outcome(version: string, hangs: boolean): DrawEnd {
    const random = this.#random;
    const { errorPercent, name } = this.#world.outside.version(version);
    const { weather } = this.#world.scenario;
    const stormy = weather && (this.#world.scheduler.now() / SECOND_MS) % 120 < 10;
    const u = random.uniform();
    if (u < 0.002) return { type: 'NotStarted' };
    const failed = hangs || u < errorPercent / 100 || (stormy && random.chance(0.5));
    const slow = mix(hashText(name, this.#world.scheduler.seed)) % 6 === 0;
    const durationMs = hangs ? TIMEOUT_SECONDS * SECOND_MS : (slow ? 100 : 20) * (1 + 3 * random.uniform() ** 2);
    return { type: 'Answered', failed, durationMs, cold: random.chance(COLD) };
  }

  #note(
    group: string,
    at: EpochMs,
    split: Readonly<{ main: string; other: string; share: number }>,
    isOther: boolean,
  ): Truth {
    const key = keyOfTruth(group, at, split, isOther);
    let truth = this.#truth.get(key);
    if (truth === undefined) this.#truth.set(key, (truth = { begun: 0, ended: 0, failed: 0 }));
    return truth;
  }
}

function keyOfTruth(
  group: string,
  at: EpochMs,
  { main, other, share }: Readonly<{ main: string; other: string; share: number }>,
  isOther: boolean,
): string {
  return `${group} ${at} ${main} ${other} ${share} ${isOther}`;
}
