/** A deployment with a judge, played against the palette beside the same deployment without one. */
import { describe, expect, test } from 'vitest';
import { defaultJudge } from '../judge/index.ts';
import { shiftSteps } from '../traffic-shift/index.ts';
import { type Fault, type Plan, rehearse, type Workload } from './index.ts';

const workload: Workload = {
  requestsPerMinute: 600,
  errorShare: 0.001,
  latency: { medianMs: 40, p99Ms: 200 },
  publishDelayMs: 1_000,
};
const plain: Plan = {
  steps: shiftSteps({ type: 'TimeBasedCanary', percent: 10, intervalMinutes: 5 }),
  alarms: [],
  rollback: { onAlarm: true, onFailure: true },
};
const judged: Plan = { ...plain, judge: defaultJudge };

function runs(plan: Plan, fault: Fault, seeds = 20) {
  return Array.from({ length: seeds }, (_, seed) => rehearse(plan, workload, fault, seed + 1));
}

describe('rehearse() of a deployment with a judge', () => {
  test.each<[string, Fault, number]>([
    ['5 % errors', { name: 'x', errorShare: () => 0.05 }, 300_000],
    ['30 % errors', { name: 'x', errorShare: () => 0.3 }, 60_000],
    ['a latency three times as long', { name: 'x', latencyFactor: 3 }, 240_000],
    ['a gap in the metrics', { name: 'x', errorShare: () => 0.3, metricsGap: { fromMs: 0, toMs: 3_600_000 } }, 60_000],
  ])('stops a release with %s, and rolls it back', (_, fault, withinMs) => {
    for (const run of runs(judged, fault)) {
      expect(run).toMatchObject({ status: 'Stopped', code: 'CUSTOMER_APPLICATION_UNHEALTHY', rollback: 'Succeeded' });
      expect(run.endedAfterMs).toBeLessThanOrEqual(withinMs + 300_000);
    }
    const early = runs(judged, fault).filter(({ endedAfterMs }) => endedAfterMs <= withinMs);
    expect(early.length).toBeGreaterThanOrEqual(18);
    expect(runs(plain, fault, 1)[0]?.status).toBe('Succeeded');
  });

  test('lets a healthy release pass, a little later if need be', () => {
    for (const run of runs(judged, { name: 'healthy' }, 100)) {
      expect(run.status).toBe('Succeeded');
      expect(run.endedAfterMs).toBeGreaterThanOrEqual(300_000);
    }
  });
});
