/** The words of a metric alarm: what it compares, and with what. */
import type { EpochMs } from '../../common/index.ts';

export type AlarmValue = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export type Comparison =
  | 'GreaterThanThreshold'
  | 'GreaterThanOrEqualToThreshold'
  | 'LessThanThreshold'
  | 'LessThanOrEqualToThreshold';

export type MissingData = 'missing' | 'ignore' | 'breaching' | 'notBreaching';

export type AlarmRule = Readonly<{
  /** Seconds. */
  period: number;
  /** N */
  evaluationPeriods: number;
  /** M, at most N. */
  datapointsToAlarm: number;
  threshold: number;
  comparison: Comparison;
  treatMissingData: MissingData;
  /** Set for a percentile that is not to be evaluated on fewer samples than this; the state stays then. */
  leastSamples?: number;
}>;

/** One period. `at` is its start; `value` is absent when nothing was received. */
export type Datapoint = Readonly<{ at: EpochMs; value?: number; samples?: number }>;

export function breaches(rule: AlarmRule, value: number | undefined): boolean {
  if (value === undefined) return false;
  switch (rule.comparison) {
    case 'GreaterThanThreshold':
      return value > rule.threshold;
    case 'GreaterThanOrEqualToThreshold':
      return value >= rule.threshold;
    case 'LessThanThreshold':
      return value < rule.threshold;
    case 'LessThanOrEqualToThreshold':
      return value <= rule.threshold;
  }
}
