/**
 * What CloudWatch keeps: alarms (the state of the alarm loop) and their history. Metric data is in the store's own tables.
 *
 * Glossary: a metric is a namespace, a name and one set of dimensions; a query is a metric with a statistic and a period.
 */
import type { AlarmDefinition, AlarmState } from '../../core/alarm/index.ts';
import { collection } from '../../store/index.ts';

export type Dimension = Readonly<{ Name: string; Value: string }>;

/** The members of PutMetricAlarm that DescribeAlarms gives back as they were. */
export type AlarmWire = Readonly<{
  AlarmName: string;
  AlarmDescription?: string;
  OKActions: readonly string[];
  AlarmActions: readonly string[];
  InsufficientDataActions: readonly string[];
  MetricName?: string;
  Namespace?: string;
  Statistic?: string;
  ExtendedStatistic?: string;
  Dimensions: readonly Dimension[];
  Period?: number;
  Unit?: string;
  EvaluationPeriods: number;
  DatapointsToAlarm?: number;
  Threshold: number;
  ComparisonOperator: string;
  TreatMissingData?: string;
  EvaluateLowSampleCountPercentile?: string;
  Metrics?: readonly WireQuery[];
}>;

/** A `MetricDataQuery` that names a metric. */
export type WireQuery = Readonly<{
  Id: string;
  Label?: string;
  ReturnData?: boolean;
  MetricStat: Readonly<{
    Metric: Readonly<{ Namespace: string; MetricName: string; Dimensions?: readonly Dimension[] }>;
    Period: number;
    Stat: string;
    Unit?: string;
  }>;
}>;

/** What is read to evaluate the alarm, or to answer a query. */
export type MetricQuery = Readonly<{
  namespace: string;
  metricName: string;
  dimensions: readonly Dimension[];
  /** `Sum`, `p99`, `TM(10%:90%)` */
  statistic: string;
  /** Seconds. */
  period: number;
  unit?: string;
}>;

export type Definition = AlarmDefinition & Readonly<{ query: MetricQuery; wire: AlarmWire }>;

export type Alarm = AlarmState<Definition>;

export const ALARM_KIND = 'cloudwatch.alarm';

/** By alarm name. */
export const alarms = collection<Alarm>(ALARM_KIND);

export type HistoryItem = Readonly<{
  alarmName: string;
  at: number;
  type: 'ConfigurationUpdate' | 'StateUpdate' | 'Action';
  summary: string;
  /** JSON */
  data: string;
}>;

/** By the id of what wrote it; under the alarm name, in order of time. Outlives the alarm. */
export const alarmHistory = collection<HistoryItem>('cloudwatch.alarmHistory');

export function alarmArnOf(scope: Readonly<{ account: string; region: string }>, alarmName: string): string {
  return `arn:aws:cloudwatch:${scope.region}:${scope.account}:alarm:${alarmName}`;
}
