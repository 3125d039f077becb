/** An alarm as CloudWatch describes it (DescribeAlarms), in the words of this room. */
import type { AlarmRule, AlarmValue } from '../alarm/index.ts';
import { leastSamplesOf, parseStatistic } from '../metric-statistics/index.ts';
import type { Scope } from './counts.ts';
import type { OtherKind, WatchedAlarm } from './fitness.ts';

export type WireAlarm = Readonly<{
  AlarmName: string;
  StateValue: AlarmValue;
  MetricName?: string;
  Namespace?: string;
  /** Of an alarm on a query of `Metrics`, an extended one too: a query has one name for both. */
  Statistic?: string;
  ExtendedStatistic?: string;
  Dimensions?: readonly { Name: string; Value: string }[];
  Period?: number;
  EvaluationPeriods: number;
  DatapointsToAlarm?: number;
  Threshold?: number;
  ComparisonOperator: AlarmRule['comparison'];
  TreatMissingData?: AlarmRule['treatMissingData'];
  EvaluateLowSampleCountPercentile?: string;
  /** None of the members of a metric is there then. */
  otherKind?: OtherKind;
}>;

/** As described: its metric may be the one query of `Metrics`. */
export type DescribedAlarm = Omit<WireAlarm, 'otherKind'> &
  Readonly<{ Metrics?: readonly DescribedQuery[]; ThresholdMetricId?: string }>;

export type DescribedQuery = Readonly<{
  Expression?: string;
  MetricStat?: Readonly<{
    Metric?: Readonly<{
      Namespace?: string;
      MetricName?: string;
      Dimensions?: readonly { Name: string; Value: string }[];
    }>;
    Period?: number;
    Stat?: string;
  }>;
}>;

export type AlarmDescriptions = Readonly<{
  MetricAlarms?: readonly DescribedAlarm[];
  CompositeAlarms?: readonly Readonly<{ AlarmName: string; StateValue: AlarmValue }>[];
}>;

export function wireAlarms({ MetricAlarms = [], CompositeAlarms = [] }: AlarmDescriptions): readonly WireAlarm[] {
  return [
    ...MetricAlarms.map(metricAlarm),
    ...CompositeAlarms.map(({ AlarmName, StateValue }) => alarmOfOtherKind(AlarmName, StateValue, 'Composite')),
  ];
}

/** Nothing is reckoned or rehearsed of it; that it is there, and what it is, is said. */
export function alarmOfOtherKind(AlarmName: string, StateValue: AlarmValue, otherKind: OtherKind): WireAlarm {
  return { AlarmName, StateValue, EvaluationPeriods: 1, ComparisonOperator: 'GreaterThanThreshold', otherKind };
}

/** One query of `Metrics` that names a metric says what the members beside it would have said. */
function metricAlarm({ Metrics: queries = [], ThresholdMetricId: band, ...alarm }: DescribedAlarm): WireAlarm {
  if (band !== undefined) return alarmOfOtherKind(alarm.AlarmName, alarm.StateValue, 'AnomalyBand');
  const [query] = queries;
  if (query === undefined) return alarm;
  const { MetricStat: stat } = query;
  const { Namespace, MetricName, Dimensions = [] } = stat?.Metric ?? {};
  if (queries.length > 1 || stat === undefined || Namespace === undefined || MetricName === undefined)
    return alarmOfOtherKind(alarm.AlarmName, alarm.StateValue, 'MetricMath');
  return {
    ...alarm,
    Namespace,
    MetricName,
    Dimensions,
    ...(stat.Period !== undefined && { Period: stat.Period }),
    Statistic: stat.Stat ?? '',
  };
}

export function watchedAlarm(alarm: WireAlarm): WatchedAlarm {
  return {
    name: alarm.AlarmName,
    ...(alarm.otherKind !== undefined && { otherKind: alarm.otherKind }),
    metric: metricOf(alarm),
    statistic: statisticNameOf(alarm),
    scope: scopeOf(alarm),
    state: alarm.StateValue,
    rule: ruleOf(alarm),
  };
}

export function ruleOf(alarm: WireAlarm): AlarmRule {
  const ignoresFew = alarm.EvaluateLowSampleCountPercentile === 'ignore';
  const leastSamples = ignoresFew ? leastSamplesOf(parseStatistic(statisticNameOf(alarm))) : undefined;
  return {
    period: alarm.Period ?? 60,
    evaluationPeriods: alarm.EvaluationPeriods,
    datapointsToAlarm: alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods,
    threshold: alarm.Threshold ?? 0,
    comparison: alarm.ComparisonOperator,
    treatMissingData: alarm.TreatMissingData ?? 'missing',
    ...(leastSamples !== undefined && { leastSamples }),
  };
}

export function statisticNameOf({ ExtendedStatistic, Statistic = '' }: WireAlarm): string {
  return ExtendedStatistic ?? Statistic;
}

/** `Errors` of Lambda by its bare name; any other metric with its namespace; empty of an alarm that is of another kind. */
export function metricOf({ Namespace, MetricName = '', otherKind }: WireAlarm): string {
  if (otherKind !== undefined) return '';
  return Namespace === 'AWS/Lambda' ? MetricName : `${Namespace}/${MetricName}`;
}

export function scopeOf({ Dimensions = [] }: WireAlarm): Scope {
  return Dimensions.some(({ Name }) => Name === 'ExecutedVersion') ? 'Version' : 'Service';
}
