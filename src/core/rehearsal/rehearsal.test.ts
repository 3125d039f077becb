import { describe, expect, it } from 'vitest';
import type { AlarmRule } from '../alarm/index.ts';
import { shiftSteps } from '../traffic-shift/index.ts';
import {
  chance,
  isPlayed,
  palette,
  type Plan,
  rehearse,
  rehearseAll,
  type RehearsedAlarm,
  type Workload,
} from './index.ts';

const workload: Workload = {
  requestsPerMinute: 600,
  errorShare: 0,
  latency: { medianMs: 40, p99Ms: 200 },
  publishDelayMs: 1000,
};

function alarm(over: Partial<RehearsedAlarm> = {}, rule: Partial<AlarmRule> = {}): RehearsedAlarm {
  return {
    name: 'errors',
    metric: 'Errors',
    statistic: 'Sum',
    scope: 'Version',
    ...over,
    definition: {
      rule: {
        period: 60,
        evaluationPeriods: 1,
        datapointsToAlarm: 1,
        threshold: 0,
        comparison: 'GreaterThanThreshold',
        treatMissingData: 'notBreaching',
        ...rule,
      },
      statisticName: over.statistic ?? 'Sum',
      actionsEnabled: true,
      actions: { OK: [], ALARM: [], INSUFFICIENT_DATA: [] },
    },
  };
}

function plan(over: Partial<Plan> = {}): Plan {
  return {
    steps: shiftSteps({ type: 'TimeBasedCanary', percent: 10, intervalMinutes: 5 }),
    alarms: [alarm()],
    rollback: { onAlarm: true, onFailure: true },
    ...over,
  };
}

const fault = (name: string) => palette(300_000).find((each) => each.name === name) ?? { name };

describe('rehearse()', () => {
  it('lets a healthy release through, and tells its way', () => {
    const run = rehearse(plan(), workload, fault('healthy'), 1);
    expect(run).toMatchObject({ status: 'Succeeded', hurt: 0, stopped: false, endedAfterMs: 300_000 });
    expect(run.timeline.map(({ what }) => what)).toEqual([
      'the deployment begins',
      '10 % on the new version',
      '100 % on the new version',
      'Succeeded',
    ]);
  });

  it('stops a bad one by its alarm, and rolls it back', () => {
    const run = rehearse(plan(), workload, fault('errors 30 %'), 1);
    expect(run).toMatchObject({ status: 'Stopped', code: 'ALARM_ACTIVE', alarms: ['errors'], rollback: 'Succeeded' });
    // The alarm looks once a minute; ten percent of the requests are at stake until then.
    expect(run.endedAfterMs).toBeLessThanOrEqual(62_000);
    expect(run.hurt).toBeGreaterThan(0);
    expect(run.hurt).toBeLessThan(60);
    expect(run.timeline.map(({ what }) => what)).toContain('all traffic is back on the old version');
  });

  it('is the same for the same seed, and another for another', () => {
    const once = rehearse(plan(), workload, fault('errors 5 %'), 7);
    expect(rehearse(plan(), workload, fault('errors 5 %'), 7)).toEqual(once);
    expect(rehearse(plan(), workload, fault('errors 5 %'), 8)).not.toEqual(once);
  });

  it('waits for a hook that hangs, and fails after its hour', () => {
    const run = rehearse(plan({ hooks: ['AfterAllowTraffic'] }), workload, fault('hook hangs'), 1);
    expect(run).toMatchObject({ status: 'Failed', rollback: 'Succeeded', endedAfterMs: 300_000 + 3_600_000 });
  });
});

describe('an alarm that does not exist', () => {
  it('stops every deployment, as nobody can look at it', () => {
    const run = rehearse(plan({ missingAlarms: ['gone'] }), workload, fault('healthy'), 1);
    expect(run).toMatchObject({ status: 'Stopped', code: 'CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND', hurt: 0 });
  });

  it('is passed over where the group says so', () => {
    const run = rehearse(plan({ missingAlarms: ['gone'], ignorePollFailure: true }), workload, fault('healthy'), 1);
    expect(run.status).toBe('Succeeded');
  });
});

describe('rehearseAll()', () => {
  const matrix = (over: Partial<Plan> = {}, load: Partial<Workload> = {}) =>
    new Map(rehearseAll(plan(over), { ...workload, ...load }, palette(300_000), 20).map((row) => [row.fault, row]));

  it('shows what an alarm on errors catches, and what it cannot', () => {
    const found = matrix();
    for (const name of ['errors 5 %', 'errors 30 %', 'slow leak', 'flapping'])
      expect(found.get(name)).toMatchObject({ caught: 20, by: 'errors', ends: 'Stopped, rolled back' });
    // After the last step nobody looks; a gap hides; latency is no error; without a hook none hangs.
    for (const name of ['healthy', 'only at 100 %', 'metrics gap', 'latency x3', 'hook hangs'])
      expect(found.get(name)).toMatchObject({ caught: 0, ends: 'Succeeded' });
  });

  it('shows dilution: a rate over all versions does not see a canary', () => {
    const rate = alarm({ statistic: 'Average', scope: 'Service' }, { threshold: 0.05 });
    expect(matrix({ alarms: [rate] }).get('errors 30 %')).toMatchObject({ caught: 0 });
    expect(matrix({ alarms: [{ ...rate, scope: 'Version' }] }).get('errors 30 %')).toMatchObject({ caught: 20 });
  });

  it('sees latency by an alarm on it', () => {
    const slow = alarm({ name: 'slow', metric: 'Duration', statistic: 'p50' }, { threshold: 80 });
    const found = matrix({ alarms: [slow] });
    expect(found.get('latency x3')).toMatchObject({ caught: 20, by: 'slow' });
    expect(found.get('healthy')).toMatchObject({ caught: 0 });
  });

  it('sees it by a trimmed mean as well, and leaves a percentile of a few requests to itself where the alarm does', () => {
    const trimmed = alarm({ name: 'slow', metric: 'Duration', statistic: 'tm90' }, { threshold: 80 });
    expect(matrix({ alarms: [trimmed] }).get('latency x3')).toMatchObject({ caught: 20, by: 'slow' });
    const p90 = (leastSamples?: number) => {
      const slow = alarm(
        { name: 'slow', metric: 'Duration', statistic: 'p90' },
        { threshold: 150, ...(leastSamples && { leastSamples }) },
      );
      return matrix({ alarms: [slow] }, { requestsPerMinute: 60 });
    };
    expect(p90().get('healthy')?.caught).toBeGreaterThan(5);
    expect(p90(100).get('healthy')).toMatchObject({ caught: 0 });
  });

  it('counts the false rollbacks of an alarm that is too keen', () => {
    expect(matrix({}, { errorShare: 0.02 }).get('healthy')?.caught).toBeGreaterThan(15);
  });
});

it.each([
  ['Errors', 'Sum', true],
  ['Invocations', 'SampleCount', true],
  ['Duration', 'p99.9', true],
  ['Duration', 'tm90', true],
  ['Duration', 'TM(10%:90%)', true],
  ['Duration', 'PR(:250)', true],
  ['Duration', 'IQM', true],
  ['Duration', 'Sum', false],
  ['Duration', 'TC(:250)', false],
  ['Errors', 'p99', false],
  ['Throttles', 'Sum', false],
  ['Shop/Orders', 'Sum', false],
] as const)('isPlayed() of %s by %s: %s', (metric, statistic, played) => {
  expect(isPlayed({ metric, statistic, scope: 'Version' })).toBe(played);
});

it('chance() is fair', () => {
  const random = chance(3);
  const mean = (draw: () => number): number =>
    Array.from({ length: 4_000 }, draw).reduce((sum, x) => sum + x, 0) / 4_000;
  expect(mean(() => random.uniform())).toBeCloseTo(0.5, 1);
  for (const [n, p] of [
    [10, 0.3],
    [100, 0.02],
    [100, 0.98],
    [1_000, 0.4],
  ] as const)
    expect(mean(() => random.binomial(n, p)) / (n * p)).toBeCloseTo(1, 1);
  for (const of of [0.5, 12, 90]) expect(mean(() => random.poisson(of)) / of).toBeCloseTo(1, 1);
});
