/** An alarm as CloudWatch describes it (DescribeAlarms), in the words of this room. */
import type { AlarmRule, AlarmValue } from '../alarm/index.ts';
import type { Scope } from './counts.ts';
import type { WatchedAlarm } from './fitness.ts';

export type WireAlarm = Readonly<{
  AlarmName: string;
  StateValue: AlarmValue;
  MetricName?: string;
  Namespace?: string;
  Statistic?: string;
  ExtendedStatistic?: string;
  Dimensions?: readonly { Name: string; Value: string }[];
  Period?: number;
  EvaluationPeriods: number;
  DatapointsToAlarm?: number;
  Threshold?: number;
  ComparisonOperator: AlarmRule['comparison'];
  TreatMissingData?: AlarmRule['treatMissingData'];
}>;

export type AlarmDescriptions = Readonly<{
  MetricAlarms?: readonly WireAlarm[];
  CompositeAlarms?: readonly Readonly<{ AlarmName: string; StateValue: AlarmValue }>[];
}>;

/** A composite alarm counts nothing itself: nothing is reckoned of it. */
export function wireAlarms({ MetricAlarms = [], CompositeAlarms = [] }: AlarmDescriptions): readonly WireAlarm[] {
  const composites = CompositeAlarms.map(({ AlarmName, StateValue }): WireAlarm => ({
    AlarmName,
    StateValue,
    Namespace: 'composite alarm',
    EvaluationPeriods: 1,
    ComparisonOperator: 'GreaterThanThreshold',
  }));
  return [...MetricAlarms, ...composites];
}

export function watchedAlarm(alarm: WireAlarm): WatchedAlarm {
  return {
    name: alarm.AlarmName,
    metric: metricOf(alarm),
    statistic: alarm.ExtendedStatistic ?? alarm.Statistic ?? '',
    scope: scopeOf(alarm),
    state: alarm.StateValue,
    rule: ruleOf(alarm),
  };
}

export function ruleOf(alarm: WireAlarm): AlarmRule {
  return {
    period: alarm.Period ?? 60,
    evaluationPeriods: alarm.EvaluationPeriods,
    datapointsToAlarm: alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods,
    threshold: alarm.Threshold ?? 0,
    comparison: alarm.ComparisonOperator,
    treatMissingData: alarm.TreatMissingData ?? 'missing',
  };
}

/** `Errors` of Lambda by its bare name; any other metric with its namespace. */
export function metricOf({ Namespace, MetricName = '' }: WireAlarm): string {
  return Namespace === 'AWS/Lambda' ? MetricName : `${Namespace}/${MetricName}`;
}

export function scopeOf({ Dimensions = [] }: WireAlarm): Scope {
  return Dimensions.some(({ Name }) => Name === 'ExecutedVersion') ? 'Version' : 'Service';
}
