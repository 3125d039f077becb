/** An alarm played again over the datapoints that exist, by whichever rule: the decider of every alarm, at its own instants. */
import { type EpochMs, SECOND_MS } from '../../common/index.ts';
import {
  type AlarmDefinition,
  type AlarmEvent,
  type AlarmRule,
  type AlarmState,
  type AlarmValue,
  type Datapoint,
  decide,
  nextEvaluationAt,
  type ReadWindow,
} from '../alarm/index.ts';
import { parseStatistic, type Sample, statisticOf } from '../metric-statistics/index.ts';

/** What a metric holds: samples by slot, `slotMs` each, the slot 0 beginning at `startAt`; its units joined. */
export type MetricRecord = Readonly<{
  startAt: EpochMs;
  slotMs: number;
  slots: ReadonlyMap<number, Sample>;
}>;

export type AlarmMove = Readonly<{ at: EpochMs; value: AlarmValue; reason: string }>;

/** The least slot that every window of such a rule is made of. */
export function slotMsOf(rule: AlarmRule): number {
  return rule.period < 60 ? 10 * SECOND_MS : 60 * SECOND_MS;
}

/** From `from` (exclusive) to `to`, each change of state. `value`: the state at `from`. */
export function playAlarm(
  definition: AlarmDefinition,
  metric: MetricRecord,
  value: AlarmValue,
  from: EpochMs,
  to: EpochMs,
): readonly AlarmMove[] {
  const moves: AlarmMove[] = [];
  let state: AlarmState = {
    alarmArn: '',
    definition,
    revision: 1,
    current: { value, reason: '', at: from },
    transitionedAt: from,
    configuredAt: from,
    tags: {},
  };
  for (let now = nextEvaluationAt(definition.rule, from); now <= to; now = nextEvaluationAt(definition.rule, now)) {
    const before = state.current;
    const asked = decide(state, { type: 'TimerFired', timer: 'evaluate' }, now);
    for (const effect of asked.effects) {
      if (effect.type !== 'ReadDatapoints') continue;
      const points = datapointsOf(metric, definition, effect.window);
      const read: AlarmEvent = { type: 'DatapointsRead', revision: effect.revision, points };
      state = decide(state, read, now).state;
    }
    if (state.current !== before) moves.push({ at: now, value: state.current.value, reason: state.current.reason });
  }
  return moves;
}

/** The evaluation range, oldest first, one for each period: as the alarm's own service reads it. */
function datapointsOf(metric: MetricRecord, definition: AlarmDefinition, { endAt, count }: ReadWindow): Datapoint[] {
  const periodMs = definition.rule.period * SECOND_MS;
  return Array.from({ length: count }, (_, index) =>
    datapointOf(metric, definition.statisticName, endAt - (count - index) * periodMs, periodMs),
  );
}

export function datapointOf(metric: MetricRecord, statisticName: string, at: EpochMs, periodMs: number): Datapoint {
  const first = Math.round((at - metric.startAt) / metric.slotMs);
  const sample = joined(metric, first, Math.round(periodMs / metric.slotMs));
  const statistic = parseStatistic(statisticName);
  const value = sample === undefined || statistic === undefined ? undefined : statisticOf(statistic, sample);
  return { at, ...(sample !== undefined && value !== undefined && { value, samples: sample.samples }) };
}

function joined({ slots }: MetricRecord, first: number, count: number): Sample | undefined {
  let sum: Sample | undefined;
  for (let slot = first; slot < first + count; slot++) {
    const next = slots.get(slot);
    if (next !== undefined) sum = sum === undefined ? next : together(sum, next);
  }
  return sum;
}

/** The samples of both. */
export function together(one: Sample, other: Sample): Sample {
  const known = one.distribution !== undefined && other.distribution !== undefined;
  return {
    samples: one.samples + other.samples,
    sum: one.sum + other.sum,
    minimum: Math.min(one.minimum, other.minimum),
    maximum: Math.max(one.maximum, other.maximum),
    ...(known && {
      distribution: [...(one.distribution ?? []), ...(other.distribution ?? [])].sort(([a], [b]) => a - b),
    }),
  };
}
