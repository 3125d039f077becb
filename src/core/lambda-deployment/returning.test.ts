/** The return of traffic, against doing nothing, over random worlds: requests, two versions that fail, one that is deleted. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allAtOnce } from '../traffic-shift/index.ts';
import { decide, firstEffects, isFinal } from './decide.ts';
import type { DeploymentEffect, DeploymentEvent, DeploymentState, Minute, Original } from './types.ts';
import { deploymentStatus } from './view.ts';

const T0 = Date.UTC(2026, 10, 24, 6);
const SECOND = 1000;
const MINUTE = 60_000;
/** More than this much worse the original is not returned to, where that is sure. */
const MARGIN = 0.01;

/** Shares of requests that fail, 0 to 1, so long after the return began (before it: negative), with so much at the original. */
type Failing = (sinceMs: number, originalShare: number) => number;

type Given = Readonly<{
  kind: 'Rollback' | 'Restore';
  /** Percent that the original has as the return begins. */
  percent: number;
  requestsPerMinute: number;
  original: Failing;
  replacement: Failing;
  /** What else a look finds; undefined: it is never answered. */
  answer?: (sinceMs: number) => Partial<Original> | undefined;
  /** Where in its minute the return begins. */
  phaseMs?: number;
}>;

class World {
  readonly #given: Given;
  readonly #beganAt: number;
  now: number;
  percent: number;
  readonly percents: number[] = [];
  readonly #moved: { at: number; percent: number }[] = [];
  state: DeploymentState;
  readonly #timers = new Map<string, number>();
  /** Failed requests, with the return and had nothing been done. */
  failed = 0;
  failedOfNothing = 0;
  /** The worst instant: by how much more failed than if nothing had been done, as a share. */
  worst = 0;

  constructor(given: Given) {
    this.#given = given;
    this.#beganAt = T0 + (given.phaseMs ?? 0);
    this.now = this.#beganAt;
    this.percent = given.percent;
    this.state = given.kind === 'Rollback' ? rollback(this.now) : deployment(this.now, 100 - given.percent);
  }

  /** Plays until it has ended; ten seconds at a time. */
  play(mostMs = 60 * MINUTE): this {
    if (this.#given.kind === 'Rollback') this.#perform(firstEffects);
    else this.tell({ type: 'StopRequested', rollback: true });
    while (!isFinal(this.state)) {
      expect(this.now - this.#beganAt).toBeLessThan(mostMs);
      this.#pass(10 * SECOND);
      for (const [timer, at] of this.#timers)
        if (at <= this.now && this.#timers.delete(timer)) this.tell({ type: 'TimerFired', timer });
    }
    return this;
  }

  get status(): string {
    return deploymentStatus(this.state);
  }

  tell(event: DeploymentEvent): void {
    const { state, effects } = decide(this.state, event, this.now);
    this.state = state;
    this.#perform(effects);
  }

  #pass(ms: number): void {
    const since = this.now - this.#beganAt;
    const requests = (this.#given.requestsPerMinute * ms) / MINUTE;
    const [did, nothing] = [this.#share(since, this.percent), this.#share(since, this.#given.percent)];
    this.failed += requests * did;
    this.failedOfNothing += requests * nothing;
    this.worst = Math.max(this.worst, did - nothing);
    this.now += ms;
  }

  #share(since: number, percent: number): number {
    const share = percent / 100;
    return share * this.#given.original(since, share) + (1 - share) * this.#given.replacement(since, share);
  }

  #perform(effects: readonly DeploymentEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'ReadRevision':
          this.tell({ type: 'RevisionRead', target: { ...TARGET, currentVersion: '2', targetVersion: '1' } });
          break;
        case 'ReadOriginal': {
          const found = (this.#given.answer ?? (() => ({})))(this.now - this.#beganAt);
          if (found === undefined) break;
          const original = { ...SOUND, percent: this.percent, minutes: this.#minutes(effect.sinceAt), ...found };
          this.tell({ type: 'OriginalRead', look: effect.look, original });
          break;
        }
        case 'SetTraffic':
          this.percent = this.#given.kind === 'Rollback' ? effect.weightPercent : 100 - effect.weightPercent;
          this.percents.push(this.percent);
          this.#moved.push({ at: this.now, percent: this.percent });
          // What the very next span shows counts at once.
          this.#pass(0);
          this.tell({ type: 'TrafficSet', weightPercent: effect.weightPercent });
          break;
        case 'WakeAt':
          this.#timers.set(effect.timer, effect.at);
          break;
        case 'CancelTimer':
          this.#timers.delete(effect.timer);
          break;
        default:
      }
    }
  }

  /** What the metrics show: whole minutes and the one under way, as expected of even requests. */
  #minutes(sinceAt: number): Minute[] {
    const minutes: Minute[] = [];
    for (let at = Math.floor(sinceAt / MINUTE) * MINUTE; at < this.now; at += MINUTE) {
      const to = Math.min(at + MINUTE, this.now);
      const sums = { original: { requests: 0, failures: 0 }, replacement: { requests: 0, failures: 0 } };
      for (let span = at; span < to; span += 10 * SECOND) {
        const share = (this.#moved.findLast((moved) => moved.at <= span)?.percent ?? this.#given.percent) / 100;
        const requests = this.#given.requestsPerMinute / 6;
        const since = span - this.#beganAt;
        sums.original.requests += requests * share;
        sums.original.failures += requests * share * this.#given.original(since, share);
        sums.replacement.requests += requests * (1 - share);
        sums.replacement.failures += requests * (1 - share) * this.#given.replacement(since, share);
      }
      minutes.push({ at, ...sums });
    }
    return minutes;
  }
}

const TARGET = { functionName: 'fn', alias: 'live', currentVersion: '1', targetVersion: '2', hooks: {} };
const SOUND: Original = { exists: true, state: 'Active', reservedConcurrency: null, minutes: [], unread: [] };

function rollback(now: number): DeploymentState {
  return {
    deploymentId: 'd-2',
    deploymentArn: 'arn',
    info: {},
    createdAt: now,
    phase: { name: 'Preparing' },
    lifecycleEvents: [],
    steps: allAtOnce,
    stepIndex: 0,
    weightPercent: 0,
    touchedTraffic: false,
    checks: 0,
    alarms: { names: [], arns: [], ignorePollFailure: false },
    rollbackPolicy: { onFailure: false, onAlarm: false, onRequest: false },
    reservedRollbackId: 'd-3',
    rollbackOf: { deploymentId: 'd-1', moveTraffic: true },
    hookExecutionIds: { BeforeAllowTraffic: 'before', AfterAllowTraffic: 'after' },
  };
}

/** A first deployment, with so much of the traffic moved. */
function deployment(now: number, weightPercent: number): DeploymentState {
  const { rollbackOf: _no, ...rest } = rollback(now);
  return {
    ...rest,
    target: TARGET,
    touchedTraffic: true,
    weightPercent,
    phase: { name: 'Baking', nextAt: now + 60 * MINUTE },
    lifecycleEvents: [{ name: 'AllowTraffic', status: 'InProgress' }],
  };
}

const always =
  (share: number): Failing =>
  () =>
    share;
const base = { kind: 'Rollback', percent: 90, requestsPerMinute: 6000 } as const;

describe('a return of traffic', () => {
  test('is at once, in the same instant, where nothing bad is known', () => {
    for (const kind of ['Rollback', 'Restore'] as const) {
      const world = new World({ ...base, kind, original: always(0), replacement: always(0.3) }).play();
      expect([world.percents, world.now - T0, world.state.statusMessages]).toEqual([[100], 0, undefined]);
      expect(world.status).toBe(kind === 'Rollback' ? 'Succeeded' : 'Stopped');
    }
  });

  test('does not wait for an answer, and says that it had none', () => {
    const world = new World({ ...base, original: always(1), replacement: always(0), answer: () => undefined }).play();
    expect([world.percents, world.now - T0, world.status]).toEqual([[100], 10 * SECOND, 'Succeeded']);
    expect(world.state.statusMessages?.[0]).toContain('did not answer in time');
  });

  test('is not begun towards a version that is gone', () => {
    const gone = { ...base, original: always(1), replacement: always(0.3), answer: () => ({ exists: false }) };
    const undo = new World(gone).play();
    expect([undo.percents, undo.status]).toEqual([[], 'Failed']);
    expect(undo.state.phase).toMatchObject({ error: { code: 'INVALID_LAMBDA_FUNCTION' } });
    const restore = new World({ ...gone, kind: 'Restore' }).play();
    expect([restore.percents, restore.status]).toEqual([[], 'Stopped']);
    expect(restore.state.phase).toMatchObject({
      error: { code: 'MANUAL_STOP', message: expect.stringContaining('does not exist any more') },
    });
    expect(restore.state.rollbackInfo?.message).toContain('was not returned to version 1');
  });

  test('goes in watched steps where both versions fail', () => {
    for (const kind of ['Rollback', 'Restore'] as const) {
      const world = new World({ ...base, kind, original: always(1), replacement: always(1) }).play();
      expect([world.percents, world.worst]).toEqual([[92, 95, 100], 0]);
      expect(world.now - T0).toBe(4 * MINUTE);
      expect(world.state.statusMessages).toEqual([expect.stringContaining('fails as well')]);
    }
  });

  test('takes the rest at once when the original is well again on the way', () => {
    const original: Failing = (since) => (since < MINUTE ? 1 : 0);
    const world = new World({ ...base, percent: 0, original, replacement: always(1) });
    // Nothing at the original, nothing to see of it.
    expect(world.play().percents).toEqual([100]);
    const half = new World({ ...base, percent: 50, original, replacement: always(1) }).play();
    expect([half.percents, half.status]).toEqual([[62, 100], 'Succeeded']);
  });

  test('goes back to where it began when the original fails more under more of the traffic', () => {
    const original: Failing = (_since, share) => (share > 0.55 ? 0.9 : 0.5);
    for (const kind of ['Rollback', 'Restore'] as const) {
      const world = new World({ ...base, kind, percent: 50, original, replacement: always(0.5) }).play();
      expect([world.percents, world.percent]).toEqual([[62, 50], 50]);
      expect(world.status).toBe(kind === 'Rollback' ? 'Failed' : 'Stopped');
      expect(world.state.phase).toHaveProperty('error.message', expect.stringContaining('would make it worse'));
    }
  });

  test('goes back when the original is deleted on the way', () => {
    const world = new World({
      ...base,
      percent: 50,
      original: (since) => (since > MINUTE ? 1 : 0.5),
      replacement: always(0.5),
      answer: (since) => (since > MINUTE ? { exists: false } : {}),
    }).play();
    expect([world.percents, world.status]).toEqual([[62, 50], 'Failed']);
  });

  test('ends at a stop, once the weight that is being set is set', () => {
    const world = new World({ ...base, original: always(1), replacement: always(1), answer: () => undefined });
    let { state, effects } = decide(world.state, { type: 'RevisionRead', target: TARGET }, T0);
    expect(decide(state, { type: 'StopRequested' }, T0).state.phase).toMatchObject({ status: 'Stopped' });
    const original = { ...SOUND, percent: 90, minutes: [{ at: T0, ...bothFail }] };
    ({ state, effects } = decide(state, { type: 'OriginalRead', look: 1, original }, T0));
    expect(effects).toContainEqual({ type: 'SetTraffic', weightPercent: 92, lane: 'traffic' });
    ({ state, effects } = decide(state, { type: 'StopRequested' }, T0));
    expect([deploymentStatus(state), effects]).toEqual(['InProgress', []]);
    ({ state, effects } = decide(state, { type: 'TrafficSet', weightPercent: 92 }, T0));
    expect([deploymentStatus(state), state.weightPercent]).toEqual(['Stopped', 92]);
    expect(effects.some(({ type }) => type === 'SetTraffic' || type === 'WakeAt')).toBe(false);
  });
});

const bothFail = { original: { requests: 900, failures: 900 }, replacement: { requests: 100, failures: 100 } };

const shares = fc.oneof(fc.constantFrom(0, 0.001, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const worlds = fc.record({
  kind: fc.constantFrom('Rollback' as const, 'Restore' as const),
  percent: fc.integer({ min: 0, max: 99 }),
  requestsPerMinute: fc.constantFrom(1, 60, 600, 60_000),
  phaseMs: fc.nat(MINUTE - 1),
});

test('availability during a return is never lower than that of doing nothing, as far as requests can tell', () => {
  fc.assert(
    fc.property(worlds, shares, shares, (given, old, fresh) => {
      const world = new World({ ...given, original: always(old), replacement: always(fresh) }).play();
      // What the fewer of both versions' requests leave open, of the five minutes before.
      const counted = (5 * given.requestsPerMinute * Math.min(given.percent, 100 - given.percent)) / 100;
      const open = counted === 0 ? 1 : Math.min(1, 6 / Math.sqrt(counted));
      expect(world.worst).toBeLessThanOrEqual(MARGIN + open);
      if (given.requestsPerMinute === 60_000 && given.percent > 0 && old > fresh + 2 * MARGIN + open)
        expect([world.percents, world.percent]).toEqual([[], given.percent]);
      if (old < 0.1 && old <= fresh) expect(world.percents).toEqual([100]);
    }),
    { numRuns: 300 },
  );
});

test('availability during a return: what becomes worse on the way costs a step for as long as it is watched, no more', () => {
  fc.assert(
    fc.property(
      worlds,
      fc.double({ min: 0.2, max: 0.9, noNaN: true }),
      fc.integer({ min: 0, max: 6 * MINUTE }),
      (given, share, worseAfterMs) => {
        const original: Failing = (since) => (since >= worseAfterMs ? 1 : share);
        const world = new World({ ...given, requestsPerMinute: 60_000, original, replacement: always(share) }).play();
        const lost = world.failed - world.failedOfNothing;
        // Half of what there is to move, for the three minutes that a step may last.
        const most = (((100 - given.percent) / 100) * 0.5 * (1 - share) + MARGIN) * 3 * 60_000;
        expect(lost).toBeLessThanOrEqual(most);
        const returned = world.percent === 100;
        if (!returned) expect(world.percent).toBe(given.percent);
        if (given.kind === 'Rollback') expect(world.status).toBe(returned ? 'Succeeded' : 'Failed');
      },
    ),
    { numRuns: 300 },
  );
});

test('a return comes to an end, whatever is found and however often nothing is', () => {
  const found = fc.constantFrom<Partial<Original> | undefined>(
    undefined,
    {},
    { exists: false },
    { state: 'Inactive' },
    { reservedConcurrency: 0 },
    { minutes: [] },
    { percent: 100 },
  );
  fc.assert(
    fc.property(worlds, shares, shares, fc.array(found, { minLength: 1 }), (given, old, fresh, answers) => {
      let asked = 0;
      const answer = (): Partial<Original> | undefined => answers[asked++ % answers.length];
      const world = new World({ ...given, original: always(old), replacement: always(fresh), answer }).play(
        15 * MINUTE,
      );
      expect([100, given.percent]).toContain(world.percent);
      expect(world.status === 'Succeeded' ? world.percent : 100).toBe(100);
    }),
    { numRuns: 300 },
  );
});
