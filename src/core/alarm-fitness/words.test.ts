import { expect, test } from 'vitest';
import { shiftSteps } from '../traffic-shift/index.ts';
import type { Situation } from './fitness.ts';
import { type GroupSettings, groupFitness } from './group.ts';
import { ruleOf, watchedAlarm, type WireAlarm, wireAlarms } from './wire-alarm.ts';
import { causeWords, fitnessWarning } from './words.ts';

const situation: Situation = {
  steps: shiftSteps({ type: 'TimeBasedCanary', percent: 10, intervalMinutes: 5 }),
  finalBakeMs: 0,
  requestsPerMinute: 600,
  fault: 0.3,
  baseline: 0,
  publishDelayMs: 1000,
};
const errors: WireAlarm = {
  AlarmName: 'errors',
  StateValue: 'OK',
  Namespace: 'AWS/Lambda',
  MetricName: 'Errors',
  Dimensions: [{ Name: 'FunctionName', Value: 'fn' }],
  Statistic: 'Sum',
  Period: 60,
  EvaluationPeriods: 1,
  Threshold: 0,
  ComparisonOperator: 'GreaterThanThreshold',
  TreatMissingData: 'notBreaching',
};
const rate = { ...errors, AlarmName: 'rate', Statistic: 'Average', Threshold: 0.05 };
const latency = { ...errors, AlarmName: 'latency', MetricName: 'Duration', Statistic: 'Average' };

function warning(alarms: readonly WireAlarm[], over: Partial<GroupSettings> = {}, measured = true): string | undefined {
  const alarmNames = alarms.map(({ AlarmName }) => AlarmName);
  const settings = { alarmsEnabled: true, alarmNames, rollsBackOnAlarm: true, ...over };
  return fitnessWarning(groupFitness(settings, alarms.map(watchedAlarm), situation), situation, measured);
}

test('fitnessWarning() says what is wrong, and the least that mends it', () => {
  expect(warning([rate])).toBe(
    'No alarm is certain to stop a bad release in time (one that fails 30 % of its requests, at 600 requests a minute): ' +
      'alarm rate cannot fire at 10 % for 5 min, since the other versions’ requests dilute the fault below the threshold; ' +
      'what would make it certain: count the new version only (dimension ExecutedVersion).',
  );
  expect(warning([errors], { rollsBackOnAlarm: false }, false)).toMatch(
    /which is a guess\): an alarm would stop the deployment, but not roll it back \(.*\)\.$/,
  );
  expect(warning([errors], { alarmNames: ['errors', 'gone'] })).toContain('the alarm gone does not exist');
});

test('fitnessWarning() says nothing of alarms that are fit, that cannot be reckoned, or that nobody relies on', () => {
  expect(warning([errors])).toBeUndefined();
  expect(warning([errors, rate])).toBeUndefined();
  expect(warning([latency])).toBeUndefined();
  expect(warning([latency, rate])).toBeUndefined();
  expect(warning([])).toBeUndefined();
  expect(warning([rate], { alarmsEnabled: false })).toBeUndefined();
  const composite = wireAlarms({ CompositeAlarms: [{ AlarmName: 'all', StateValue: 'OK' }] });
  expect(warning(composite)).toBeUndefined();
});

test('wireAlarms() takes the one query of Metrics for the metric, and names what CloudWatch’s other kinds of alarm are', () => {
  const { MetricName, Namespace, Dimensions = [], Statistic: Stat = '', Period = 60, ...rest } = rate;
  const query = { Id: 'm1', MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period, Stat } };
  const [queried] = wireAlarms({ MetricAlarms: [{ ...rest, Dimensions: [], Metrics: [query] }] });
  expect(queried).toEqual(rate);
  expect(warning([queried ?? errors])).toBe(warning([rate]));

  const others = wireAlarms({
    MetricAlarms: [
      { ...rest, AlarmName: 'ratio', Metrics: [{ Expression: 'e / i * 100' }, query, query] },
      { ...rest, AlarmName: 'search', Metrics: [{ Expression: 'SELECT SUM(Errors)' }] },
      {
        ...rest,
        AlarmName: 'band',
        Metrics: [query, { Expression: 'ANOMALY_DETECTION_BAND(m1)' }],
        ThresholdMetricId: 'b',
      },
    ],
    CompositeAlarms: [{ AlarmName: 'any', StateValue: 'OK' }],
  });
  expect(others.map(({ AlarmName, otherKind }) => [AlarmName, otherKind])).toEqual([
    ['ratio', 'MetricMath'],
    ['search', 'MetricMath'],
    ['band', 'AnomalyBand'],
    ['any', 'Composite'],
  ]);
  const settings = { alarmsEnabled: true, alarmNames: ['any'], rollsBackOnAlarm: true };
  const [report] = groupFitness(settings, others.slice(3).map(watchedAlarm), situation).alarms;
  expect(report?.steps[0]).toMatchObject({ verdict: 'Unknown', cause: 'Composite' });
  expect(report?.mends).toEqual([]);
  expect(causeWords('Composite')).toBe('it is a composite alarm, which Sluice’s CloudWatch does not run');
});

test('ruleOf() knows how many samples a percentile needs that ignores low counts', () => {
  const { Statistic: _plain, ...rest } = latency;
  const p90 = { ...rest, ExtendedStatistic: 'p90', EvaluateLowSampleCountPercentile: 'ignore' };
  expect(ruleOf(p90)).toMatchObject({ leastSamples: 100 });
  expect(ruleOf({ ...p90, EvaluateLowSampleCountPercentile: 'evaluate' })).not.toHaveProperty('leastSamples');
});
