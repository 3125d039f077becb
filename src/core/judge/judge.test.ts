import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chance } from '../rehearsal/index.ts';
import { durationClass, type Evidence, NOTHING, type Tally } from './evidence.ts';
import { hear, type JudgeState, startJudge, strength, verdict } from './judge.ts';
import { defaultJudge, type JudgeSettings } from './settings.ts';

const SECOND_MS = 1_000;

/** Probabilities of one request to fail, by version, at a second. */
type World = Readonly<{
  share: (second: number) => number;
  fresh: (second: number) => number;
  old: (second: number) => number;
  /** Latency of the new version as a multiple of the old one's. */
  factor?: number;
}>;

type Played = Readonly<{ state: JudgeState; freshRequests: number; everSafe: boolean }>;

/** Ten requests a second, looked at after every second, until the judge says Bad or the time is over. */
function play(world: World, settings: JudgeSettings, seed: number, seconds: number, perSecond = 10): Played {
  const random = chance(seed);
  let state = startJudge(settings);
  let everSafe = false;
  let freshRequests = 0;
  for (let second = 0; second < seconds && state.bad === undefined; second++) {
    const share = world.share(second);
    const all = random.poisson(perSecond);
    const fresh = random.binomial(all, share);
    freshRequests += fresh;
    const tally = (requests: number, failing: number, factor: number): Tally => ({
      requests,
      failed: random.binomial(requests, failing),
      durations:
        settings.slow === undefined
          ? []
          : Array.from({ length: requests }, () => [durationClass(40 * factor * Math.exp(0.69 * random.normal())), 1]),
    });
    state = hear(state, [
      {
        at: second * SECOND_MS,
        share,
        fresh: tally(fresh, world.fresh(second), world.factor ?? 1),
        old: tally(all - fresh, world.old(second), 1),
      },
    ]);
    everSafe ||= verdict(state, share).outcome === 'Safe';
  }
  return { state, freshRequests, everSafe };
}

const always = (value: number) => (): number => value;

/** By errors alone, and so strict that the promise is put to the test. */
function onlyErrors(alpha: number, tolerance: number, margin: number): JudgeSettings {
  const { slow: _slow, ...settings } = defaultJudge;
  return { ...settings, alpha, errors: { tolerance, margin } };
}

/** The most that a share of α among so many runs shows, but for one time in ten thousand. */
function most(alpha: number, runs: number): number {
  return alpha * runs + 3.7 * Math.sqrt(alpha * (1 - alpha) * runs);
}

/** The weather: every two minutes half of all requests fail for ten seconds, whichever version they are for. */
const weather = (second: number): number => (second % 120 < 10 ? 0.5 : 0.02);

describe('hear()', () => {
  test.each<[string, World, number]>([
    ['equal versions', { share: always(0.1), fresh: always(0.05), old: always(0.05) }, 0],
    ['equal versions at half the traffic', { share: always(0.5), fresh: always(0.02), old: always(0.02) }, 0],
    [
      'equal versions in bad weather, with growing traffic',
      { share: (s) => 0.1 + 0.2 * Math.floor(s / 75), fresh: weather, old: weather },
      0,
    ],
    ['a version that is as bad as is tolerated', { share: always(0.2), fresh: always(0.06), old: always(0.01) }, 0.05],
  ])('says Bad of at most α of %s, looked at every second', (_, world, tolerance) => {
    const runs = 400;
    const settings = onlyErrors(0.05, tolerance, Math.max(0.02, tolerance));
    const wrong = Array.from({ length: runs }, (_seed, seed) => play(world, settings, seed, 240)).filter(
      ({ state }) => state.bad !== undefined,
    );
    expect(wrong.length).toBeLessThanOrEqual(most(0.05, runs));
  });

  test('says Bad of at most α by a p99 that it had to learn from the old version', () => {
    const { errors: _errors, ...settings } = defaultJudge;
    const strict: JudgeSettings = { ...settings, alpha: 0.05, slow: { tolerance: 0, margin: 0.08 } };
    const runs = 200;
    const world: World = { share: always(0.2), fresh: always(0), old: always(0) };
    const wrong = Array.from({ length: runs }, (_, seed) => play(world, strict, seed, 200)).filter(
      ({ state }) => state.bad !== undefined,
    );
    expect(wrong.length).toBeLessThanOrEqual(most(0.05, runs));
  });

  test('says Safe at any time of at most α of versions that are worse by the margin', () => {
    const runs = 400;
    const world: World = { share: always(0.2), fresh: always(0.05), old: always(0.01) };
    const settings = onlyErrors(0.05, 0.04, 0.04);
    const wrong = Array.from({ length: runs }, (_, seed) => play(world, settings, seed, 240)).filter(
      ({ everSafe }) => everSafe,
    );
    expect(wrong.length).toBeLessThanOrEqual(most(0.05, runs));
  });

  test.each([
    [0.05, 300],
    [0.2, 60],
    [1, 12],
  ])('finds a version that fails %d of its requests within %d of them, nine times in ten', (failing, requests) => {
    const world: World = { share: always(0.1), fresh: always(failing), old: always(0.001) };
    const found = Array.from({ length: 100 }, (_, seed) => play(world, defaultJudge, seed, 900)).filter(
      ({ state, freshRequests }) => state.bad === 'errors' && freshRequests <= requests,
    );
    expect(found.length).toBeGreaterThanOrEqual(90);
  });

  test('finds a latency three times as long, and says that it is that', () => {
    const world: World = { share: always(0.1), fresh: always(0.001), old: always(0.001), factor: 3 };
    const found = Array.from({ length: 50 }, (_, seed) => play(world, defaultJudge, seed, 300)).filter(
      ({ state }) => state.bad === 'slow',
    );
    expect(found.length).toBeGreaterThanOrEqual(47);
  });

  test('finds a fault that begins after an hour of good conduct within a minute of it', () => {
    const world: World = {
      share: always(0.1),
      fresh: (second) => (second < 3600 ? 0.001 : 0.3),
      old: always(0.001),
    };
    const found = Array.from({ length: 20 }, (_, seed) =>
      play(world, onlyErrors(0.01, 0.005, 0.02), seed, 3660),
    ).filter(({ state }) => state.bad !== undefined);
    expect(found.length).toBeGreaterThanOrEqual(19);
  });

  test('calls a good version Safe, and asks anew when it gets more traffic', () => {
    const world: World = { share: always(0.1), fresh: always(0.001), old: always(0.001) };
    const safe = Array.from({ length: 40 }, (_, seed) => play(world, defaultJudge, seed, 900)).filter(
      ({ state, everSafe }) => state.bad === undefined && everSafe,
    );
    expect(safe.length).toBeGreaterThanOrEqual(38);
    const one = play(world, defaultJudge, 1, 600).state;
    expect(verdict(one, 0.1)).toEqual({ outcome: 'Safe' });
    expect(verdict(one, 0.2)).toEqual({ outcome: 'NotEnough', lacking: ['errors', 'slow'] });
    const moved = hear(one, [
      { at: 700_000, share: 0.2, fresh: { ...NOTHING, requests: 1 }, old: { ...NOTHING, requests: 1 } },
    ]);
    expect(verdict(moved, 0.2).outcome).toBe('NotEnough');
  });

  test('has no opinion where only one version gets requests', () => {
    const tally: Tally = { requests: 500, failed: 400, durations: [] };
    const state = startJudge(defaultJudge);
    expect(hear(state, [{ at: 0, share: 1, fresh: tally, old: NOTHING }])).toEqual(state);
    expect(hear(state, [{ at: 0, share: 0, fresh: NOTHING, old: tally }])).toEqual(state);
  });

  test('does not take the silence of a version that hangs for good conduct', () => {
    const silent: Evidence[] = Array.from({ length: 600 }, (_, second) => ({
      at: second * SECOND_MS,
      share: 0.1,
      fresh: NOTHING,
      old: { requests: 100, failed: 0, durations: [[40, 100]] },
    }));
    expect(verdict(hear(startJudge(defaultJudge), silent), 0.1).outcome).toBe('NotEnough');
  });

  test('stays exact over ten million requests, in a state that does not grow', () => {
    let state = startJudge(defaultJudge);
    const tally = (requests: number, failed: number): Tally => ({
      requests,
      failed,
      durations: [
        [40, requests - requests / 100],
        [60, requests / 100],
      ],
    });
    for (let second = 0; second < 10_000; second++)
      state = hear(state, [{ at: second * SECOND_MS, share: 0.1, fresh: tally(100, 0), old: tally(900, 1) }]);
    const text = JSON.stringify(state);
    expect(JSON.parse(text)).toEqual(state);
    expect(text.length).toBeLessThan(2_000);
    expect(verdict(state, 0.1)).toEqual({ outcome: 'Safe' });
    state = hear(state, [{ at: 10_000_000, share: 0.1, fresh: tally(100, 50), old: tally(900, 1) }]);
    expect(verdict(state, 0.1)).toEqual({ outcome: 'Bad', by: 'errors' });
  });
});

const tallies: fc.Arbitrary<Tally> = fc
  .record({ requests: fc.integer({ min: 0, max: 20 }), failing: fc.nat(20), slow: fc.nat(20) })
  .map(({ requests, failing, slow }) => ({
    requests,
    failed: Math.min(requests, failing),
    durations: [
      [40, requests - Math.min(requests, slow)],
      [70, Math.min(requests, slow)],
    ],
  }));
const histories: fc.Arbitrary<Evidence[]> = fc
  .array(fc.record({ step: fc.integer({ min: 0, max: 8 }), fresh: tallies, old: tallies }), {
    minLength: 1,
    maxLength: 40,
  })
  .chain((rows) =>
    fc.constantFrom(0.01, 0.1, 0.5, 0.9).map((share) => {
      let at = 0;
      return rows.map(({ step, fresh, old }) => ({ at: (at += step * SECOND_MS), share, fresh, old }));
    }),
  );
/** Never certain, so that the whole history counts. */
const doubtful: JudgeSettings = { ...defaultJudge, alpha: 1e-300 };

test('hear() takes each failure of the new version as evidence against it, and each of the old one as evidence for it', () => {
  fc.assert(
    fc.property(histories, fc.nat(), fc.constantFrom('fresh' as const, 'old' as const), (history, where, version) => {
      const index = where % history.length;
      const one = history[index];
      if (one === undefined || one[version].failed >= one[version].requests) return;
      const tally = { ...one[version], failed: one[version].failed + 1 };
      const before = hear(startJudge(doubtful), history);
      const after = hear(startJudge(doubtful), history.with(index, { ...one, [version]: tally }));
      const worse = strength(after, 'errors').worse - strength(before, 'errors').worse;
      if (version === 'fresh') expect(worse).toBeGreaterThanOrEqual(-1e-9);
      else expect(worse).toBeLessThanOrEqual(1e-9);
      const fairs = (state: JudgeState): readonly number[] => state.errors?.fair.parts ?? [];
      for (const [part, value] of fairs(after).entries()) {
        const change = value - (fairs(before)[part] ?? 0);
        if (version === 'fresh') expect(change).toBeLessThanOrEqual(1e-9);
        else expect(change).toBeGreaterThanOrEqual(-1e-9);
      }
    }),
  );
});

test('hear() comes to the same state whatever pieces the evidence of a span comes in, and through JSON', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const whole = hear(startJudge(doubtful), history);
      let pieces = startJudge(doubtful);
      for (const evidence of history) {
        // Each request by itself, the old version's first.
        for (const version of ['old', 'fresh'] as const) {
          const { requests, failed, durations } = evidence[version];
          const each = durations.flatMap(([slot, count]) => Array.from({ length: count }, () => slot));
          for (let i = 0; i < requests; i++) {
            const slot = each[i];
            const tally = {
              requests: 1,
              failed: i < failed ? 1 : 0,
              durations: slot === undefined ? [] : [[slot, 1] as const],
            };
            pieces = hear(pieces, [{ ...evidence, fresh: NOTHING, old: NOTHING, [version]: tally }]);
          }
        }
        pieces = JSON.parse(JSON.stringify(pieces)) as JudgeState;
      }
      for (const aspect of ['errors', 'slow'] as const) {
        expect(pieces[aspect]?.seen).toEqual(whole[aspect]?.seen);
        expect(strength(pieces, aspect).worse).toBeCloseTo(strength(whole, aspect).worse, 6);
        for (const [part, value] of (whole[aspect]?.fair.parts ?? []).entries())
          expect(pieces[aspect]?.fair.parts[part]).toBeCloseTo(value, 6);
      }
      expect(pieces.slowAbove).toBe(whole.slowAbove);
    }),
  );
});
