import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlarmRule, evaluate, evaluationRange, type MissingData } from '../alarm/index.ts';
import { shiftSteps } from '../traffic-shift/index.ts';
import { fitnessOf, mendsOf, type Situation, stepFitness, type WatchedAlarm } from './index.ts';

const rule: AlarmRule = {
  period: 60,
  evaluationPeriods: 1,
  datapointsToAlarm: 1,
  threshold: 0,
  comparison: 'GreaterThanThreshold',
  treatMissingData: 'notBreaching',
};
const alarm = (over: Partial<WatchedAlarm> = {}, change: Partial<AlarmRule> = {}): WatchedAlarm => ({
  name: 'errors',
  metric: 'Errors',
  statistic: 'Sum',
  scope: 'Version',
  state: 'OK',
  ...over,
  rule: { ...rule, ...change },
});
const situation = (over: Partial<Situation> = {}): Situation => ({
  steps: shiftSteps({ type: 'TimeBasedCanary', percent: 10, intervalMinutes: 5 }),
  finalBakeMs: 0,
  requestsPerMinute: 600,
  fault: 0.3,
  baseline: 0,
  publishDelayMs: 0,
  ...over,
});

describe('fitnessOf()', () => {
  it('of one period in a five-minute canary is certain, and after the last step too late', () => {
    const [canary, full] = fitnessOf(alarm(), situation());
    expect(canary).toMatchObject({ weightPercent: 10, lengthMs: 300_000, verdict: 'Can' });
    // A minute to wait for the look, four seconds until a request has surely failed, and the evaluation's second.
    expect(canary?.detectionMs).toBe(66_000);
    expect(full).toMatchObject({ weightPercent: 100, verdict: 'Cannot', cause: 'Time' });
  });

  it('of six periods does not fit into five minutes', () => {
    const six = alarm({}, { evaluationPeriods: 6, datapointsToAlarm: 6 });
    expect(fitnessOf(six, situation())[0]).toMatchObject({ verdict: 'Cannot', cause: 'Time' });
    const mends = mendsOf(six, situation(), 0);
    expect(mends).toContainEqual({
      change: 'Datapoints',
      to: { evaluationPeriods: 4, datapointsToAlarm: 4 },
    });
    expect(mends.find(({ change }) => change === 'StepMinutes')).toMatchObject({ to: 7 });
  });

  it('of a rate over all versions is diluted: a canary of 10 % that fails 40 % shows 4 %', () => {
    const rate = alarm({ statistic: 'Average', scope: 'Service' }, { threshold: 0.05 });
    const [canary] = fitnessOf(rate, situation({ fault: 0.4 }));
    expect(canary).toMatchObject({ verdict: 'Cannot', cause: 'Dilution' });
    expect(canary?.shows?.least).toBeCloseTo(0.04, 2);
    expect(mendsOf(rate, situation({ fault: 0.4 }), 0)[0]).toEqual({ change: 'Scope' });
  });

  it('knows a threshold in percent of a rate that is 0 to 1', () => {
    const percent = alarm({ statistic: 'Average' }, { threshold: 5 });
    expect(fitnessOf(percent, situation())[0]).toMatchObject({ verdict: 'Cannot', cause: 'Percent' });
    expect(mendsOf(percent, situation(), 0)[0]).toEqual({ change: 'Threshold', to: 0.05 });
  });

  it('knows that two requests a minute are too few for ten errors', () => {
    const ten = alarm({}, { threshold: 10 });
    expect(fitnessOf(ten, situation({ requestsPerMinute: 20 }))[0]).toMatchObject({
      verdict: 'Cannot',
      cause: 'Count',
    });
  });

  it('knows that silence looks healthy', () => {
    const [canary] = fitnessOf(alarm(), situation({ requestsPerMinute: 5, fault: 1 }));
    expect(canary).toMatchObject({ cause: 'Silence' });
  });

  it.each([
    ['raised already', alarm({ state: 'ALARM' }), 'Cannot', 'Raised'],
    ['that fires on low values', alarm({}, { comparison: 'LessThanThreshold' }), 'Cannot', 'Direction'],
    ['on another metric', alarm({ metric: 'Duration' }), 'Unknown', 'Metric'],
    ['on a percentile', alarm({ statistic: 'p99' }), 'Unknown', 'Statistic'],
  ] as const)('of one %s', (_what, watched, verdict, cause) => {
    expect(fitnessOf(watched, situation())[0]).toMatchObject({ verdict, cause });
  });
});

// --- against the alarm itself, run over every request of a deployment ---

type Case = Readonly<{
  rule: AlarmRule;
  statistic: 'Sum' | 'Average' | 'Maximum' | 'Minimum' | 'SampleCount';
  scope: 'Version' | 'Service';
  weight: number;
  minutes: number;
  requestsPerMinute: number;
  fault: number;
  baseline: number;
  publishDelayMs: number;
  phase: number;
  offsets: readonly [number, number, number, number];
}>;

/** Plays the step: even requests, an even split, even failures, at this phase. True if the alarm is raised in time. */
function fires(c: Case): boolean {
  const gridMs = c.rule.period < 60 ? 10_000 : 60_000;
  const periodMs = c.rule.period * 1000;
  const range = evaluationRange(c.rule);
  const startAt = Math.ceil((range * periodMs) / gridMs + 2) * gridMs + c.phase * gridMs;
  const endAt = startAt + c.minutes * 60_000;
  const gapMs = 60_000 / c.requestsPerMinute;
  const firstAt = c.offsets[0] * gapMs;
  const count = Math.ceil((endAt - firstAt) / gapMs) + 1;
  const requests = new Int32Array(count + 1);
  const errors = new Int32Array(count + 1);
  const indexAt = (at: number): number => Math.min(count, Math.max(0, Math.ceil((at - firstAt) / gapMs)));
  const firstStarted = indexAt(startAt);
  let [, split, failNew, failOld] = c.offsets;
  for (let k = 0; k < count; k++) {
    split += k >= firstStarted ? c.weight / 100 : 0;
    const isNew = split >= 1;
    if (isNew) split -= 1;
    let failed = false;
    if (isNew) {
      failNew += c.fault;
      failed = failNew >= 1;
      if (failed) failNew -= 1;
    } else {
      failOld += c.baseline;
      failed = failOld >= 1;
      if (failed) failOld -= 1;
    }
    const counted = c.scope === 'Service' || isNew;
    requests[k + 1] = (requests[k] ?? 0) + (counted ? 1 : 0);
    errors[k + 1] = (errors[k] ?? 0) + (counted && failed ? 1 : 0);
  }
  for (let boundary = Math.floor(startAt / gridMs) * gridMs; boundary + 1000 < endAt; boundary += gridMs) {
    const at = boundary + 1000;
    if (at <= startAt) continue;
    const points = Array.from({ length: range }, (_, i) => {
      const to = boundary - (range - 1 - i) * periodMs;
      const [a, b] = [indexAt(to - periodMs), indexAt(Math.min(to, at - c.publishDelayMs))];
      const n = b > a ? (requests[b] ?? 0) - (requests[a] ?? 0) : 0;
      const e = b > a ? (errors[b] ?? 0) - (errors[a] ?? 0) : 0;
      if (n === 0) return { at: to };
      const value = { Sum: e, Average: e / n, Maximum: e > 0 ? 1 : 0, Minimum: e === n ? 1 : 0, SampleCount: n }[
        c.statistic
      ];
      return { at: to, value, samples: n };
    });
    if (evaluate(c.rule, points).value === 'ALARM') return true;
  }
  return false;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    period: fc.constantFrom(10, 20, 30, 60, 60, 120, 300),
    n: fc.integer({ min: 1, max: 4 }),
    m: fc.integer({ min: 1, max: 4 }),
    statistic: fc.constantFrom('Sum', 'Sum', 'Average', 'Average', 'Maximum', 'Minimum', 'SampleCount'),
    scope: fc.constantFrom('Version', 'Service'),
    comparison: fc.constantFrom('GreaterThanThreshold', 'GreaterThanOrEqualToThreshold'),
    treatMissingData: fc.constantFrom<MissingData>('missing', 'ignore', 'breaching', 'notBreaching'),
    sum: fc.integer({ min: 0, max: 20 }),
    rate: fc.constantFrom(0, 0.01, 0.05, 0.1, 0.5, 1),
    weight: fc.constantFrom(1, 5, 10, 25, 50, 100),
    minutes: fc.integer({ min: 1, max: 12 }),
    requestsPerMinute: fc.constantFrom(1, 3, 7, 20, 60, 61, 97),
    fault: fc.constantFrom(0.05, 0.3, 0.4, 1),
    baseline: fc.constantFrom(0, 0, 0.01, 0.1),
    publishDelayMs: fc.constantFrom(0, 0, 1000, 3000, 8000),
    phase: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    offsets: fc.tuple(
      ...([0, 1, 2, 3].map(() => fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })) as [
        fc.Arbitrary<number>,
        fc.Arbitrary<number>,
        fc.Arbitrary<number>,
        fc.Arbitrary<number>,
      ]),
    ),
  })
  .map(({ period, n, m, comparison, treatMissingData, sum, rate, ...rest }) => ({
    ...rest,
    statistic: rest.statistic as Case['statistic'],
    scope: rest.scope as Case['scope'],
    rule: {
      period,
      evaluationPeriods: n,
      datapointsToAlarm: Math.min(m, n),
      threshold: rest.statistic === 'Sum' || rest.statistic === 'SampleCount' ? sum : rate,
      comparison: comparison as AlarmRule['comparison'],
      treatMissingData,
    },
  }));

/** A long run: SLUICE_FITNESS_CASES=200000. */
const RUNS = Number(process.env['SLUICE_FITNESS_CASES'] ?? 4_000);

it('never contradicts the alarm: what can, does at every phase; what cannot, does at none', () => {
  const verdicts = { Can: 0, MayMiss: 0, Cannot: 0, Unknown: 0 };
  let raised = 0;
  fc.assert(
    fc.property(cases, (c) => {
      const { verdict } = stepFitness(
        { name: 'a', metric: 'Errors', statistic: c.statistic, scope: c.scope, state: 'OK', rule: c.rule },
        {
          steps: shiftSteps({
            type: 'TimeBasedCanary',
            percent: Math.min(99, c.weight),
            intervalMinutes: c.minutes,
          }).map((step, i) => (i === 0 ? { ...step, weightPercent: c.weight } : step)),
          finalBakeMs: 0,
          requestsPerMinute: c.requestsPerMinute,
          fault: c.fault,
          baseline: c.baseline,
          publishDelayMs: c.publishDelayMs,
        },
        0,
      );
      verdicts[verdict] += 1;
      const inTime = fires(c);
      raised += inTime ? 1 : 0;
      if (verdict === 'Can') return inTime;
      return verdict !== 'Cannot' || !inTime;
    }),
    { numRuns: RUNS, seed: 20261124 },
  );
  // The verdicts say something: most cases are decided, both ways.
  expect(verdicts.Can).toBeGreaterThan(RUNS / 10);
  expect(verdicts.Cannot).toBeGreaterThan(RUNS / 10);
  expect(verdicts.MayMiss).toBeLessThan(RUNS / 2);
  expect(raised).toBeGreaterThan(verdicts.Can - 1);
});
