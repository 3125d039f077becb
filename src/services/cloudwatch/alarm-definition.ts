/** PutMetricAlarm's input, checked, as the definition that the alarm loop works with. */
import type { PutMetricAlarmInput } from '@aws-sdk/client-cloudwatch';
import { parseArn } from '../../common/index.ts';
import type { AlarmRule, Comparison, MissingData } from '../../core/alarm/index.ts';
import { leastSamplesOf, parseStatistic } from '../../core/metric-statistics/index.ts';
import { notImplemented, validationError } from './errors.ts';
import { checkedDimensions, checkedWireQuery, isPeriod } from './metric-query.ts';
import type { AlarmWire, Definition, MetricQuery, WireQuery } from './records.ts';

const COMPARISONS: readonly string[] = [
  'GreaterThanThreshold',
  'GreaterThanOrEqualToThreshold',
  'LessThanThreshold',
  'LessThanOrEqualToThreshold',
];
const MISSING_DATA: readonly string[] = ['breaching', 'notBreaching', 'ignore', 'missing'];
const DAY_SECONDS = 86_400;

export function alarmDefinition(input: PutMetricAlarmInput): Definition {
  refuseUnsupported(input);
  const name = input.AlarmName ?? '';
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) throw validationError('AlarmName must not contain control characters.');
  const { query, metrics } = queryOf(input);
  if (!isPeriod(query.period)) throw validationError('Period must be 10, 20, 30 or a multiple of 60');
  const rule = ruleOf(input, query);
  const wire: AlarmWire = {
    AlarmName: name,
    OKActions: checkedActions(input.OKActions),
    AlarmActions: checkedActions(input.AlarmActions),
    InsufficientDataActions: checkedActions(input.InsufficientDataActions),
    ...(metrics === undefined
      ? {
          MetricName: query.metricName,
          Namespace: query.namespace,
          Dimensions: query.dimensions,
          Period: query.period,
          ...kept({ Statistic: input.Statistic, ExtendedStatistic: input.ExtendedStatistic, Unit: input.Unit }),
        }
      : { Dimensions: [], Metrics: metrics }),
    EvaluationPeriods: rule.evaluationPeriods,
    Threshold: rule.threshold,
    ComparisonOperator: rule.comparison,
    ...kept({
      AlarmDescription: input.AlarmDescription,
      DatapointsToAlarm: input.DatapointsToAlarm,
      TreatMissingData: input.TreatMissingData,
      EvaluateLowSampleCountPercentile: input.EvaluateLowSampleCountPercentile,
    }),
  };
  return {
    rule,
    statisticName: query.statistic,
    ...(query.unit !== undefined && { unit: query.unit }),
    actionsEnabled: input.ActionsEnabled ?? true,
    actions: { OK: wire.OKActions, ALARM: wire.AlarmActions, INSUFFICIENT_DATA: wire.InsufficientDataActions },
    query,
    wire,
  };
}

function kept<T extends Record<string, unknown>>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

function refuseUnsupported(input: PutMetricAlarmInput): void {
  if (input.ThresholdMetricId !== undefined) throw notImplemented('An anomaly detection alarm (ThresholdMetricId)');
  if (input.EvaluationCriteria !== undefined) throw notImplemented('EvaluationCriteria');
  if (input.EvaluationInterval !== undefined) throw notImplemented('EvaluationInterval');
  if (input.ComparisonOperator !== undefined && !COMPARISONS.includes(input.ComparisonOperator)) {
    throw notImplemented(`The comparison operator ${input.ComparisonOperator}`);
  }
}

/** The metric, named by the alarm's own members or by the one query of `Metrics`. */
function queryOf(input: PutMetricAlarmInput): Readonly<{ query: MetricQuery; metrics?: readonly WireQuery[] }> {
  const metrics = input.Metrics ?? [];
  if (metrics.length > 0) {
    if (
      input.MetricName !== undefined ||
      input.Namespace !== undefined ||
      input.Statistic !== undefined ||
      input.ExtendedStatistic !== undefined ||
      input.Period !== undefined ||
      (input.Dimensions?.length ?? 0) > 0 ||
      input.Unit !== undefined
    ) {
      throw validationError(
        'A Metrics list cannot be combined with MetricName, Namespace, Dimensions, Period, Statistic, ExtendedStatistic or Unit.',
      );
    }
    const checked = metrics.map((query) => checkedWireQuery(query));
    const returned = checked.filter(({ wire }) => wire.ReturnData !== false);
    if (returned.length !== 1) throw validationError('Exactly one element of the metrics list should return data.');
    if (checked.length > 1) throw notImplemented('An alarm on several metrics');
    const [{ wire, query } = returned[0]!] = returned;
    return { query, metrics: [wire] };
  }
  const { MetricName, Namespace, Period, Statistic, ExtendedStatistic } = input;
  if (MetricName === undefined) throw validationError('The parameter MetricName or Metrics must be specified.');
  if (Namespace === undefined) throw validationError('The parameter Namespace must be specified.');
  if (Period === undefined) throw validationError('The parameter Period must be specified.');
  if ((Statistic === undefined) === (ExtendedStatistic === undefined)) {
    throw validationError('Exactly one of Statistic and ExtendedStatistic must be specified.');
  }
  if (
    ExtendedStatistic !== undefined &&
    (parseStatistic(ExtendedStatistic) === undefined || /^[A-Z][a-z]/.test(ExtendedStatistic))
  ) {
    throw validationError(`The value ${ExtendedStatistic} for parameter ExtendedStatistic is not supported.`);
  }
  return {
    query: {
      namespace: Namespace,
      metricName: MetricName,
      dimensions: checkedDimensions(input.Dimensions, 'Dimensions'),
      statistic: Statistic ?? ExtendedStatistic ?? '',
      period: Period,
      ...(input.Unit !== undefined && { unit: input.Unit }),
    },
  };
}

function ruleOf(input: PutMetricAlarmInput, query: MetricQuery): AlarmRule {
  const { EvaluationPeriods, Threshold, ComparisonOperator, TreatMissingData } = input;
  if (EvaluationPeriods === undefined) throw validationError('The parameter EvaluationPeriods must be specified.');
  if (ComparisonOperator === undefined) throw validationError('The parameter ComparisonOperator must be specified.');
  if (Threshold === undefined) throw validationError('The parameter Threshold must be specified.');
  if (!Number.isFinite(Threshold)) throw validationError('The parameter Threshold must be a finite number.');
  const most = query.period < 3600 ? DAY_SECONDS : 7 * DAY_SECONDS;
  if (EvaluationPeriods * query.period > most) {
    throw validationError(
      query.period < 3600
        ? 'Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).'
        : 'Metrics cannot be checked across more than seven days (EvaluationPeriods * Period must be <= 604800).',
    );
  }
  const datapointsToAlarm = input.DatapointsToAlarm ?? EvaluationPeriods;
  if (datapointsToAlarm > EvaluationPeriods) {
    throw validationError('DatapointsToAlarm must be less than or equal to EvaluationPeriods.');
  }
  if (TreatMissingData !== undefined && !MISSING_DATA.includes(TreatMissingData)) {
    throw validationError(
      `Option ${TreatMissingData} for TreatMissingData is invalid. Valid options: [${MISSING_DATA.join(', ')}]`,
    );
  }
  const leastSamples = checkedLeastSamples(input, query);
  return {
    period: query.period,
    evaluationPeriods: EvaluationPeriods,
    datapointsToAlarm,
    threshold: Threshold,
    comparison: ComparisonOperator as Comparison,
    // Source: "Alarms that evaluate metrics in the AWS/DynamoDB namespace always ignore missing data".
    treatMissingData: query.namespace === 'AWS/DynamoDB' ? 'ignore' : ((TreatMissingData ?? 'missing') as MissingData),
    ...(leastSamples !== undefined && { leastSamples }),
  };
}

function checkedLeastSamples(input: PutMetricAlarmInput, query: MetricQuery): number | undefined {
  const option = input.EvaluateLowSampleCountPercentile;
  if (option === undefined) return undefined;
  if (option !== 'evaluate' && option !== 'ignore') {
    throw validationError(
      `Option ${option} for EvaluateLowSampleCountPercentile is invalid. Valid options: [evaluate, ignore]`,
    );
  }
  const statistic = parseStatistic(query.statistic);
  if (statistic?.type !== 'Percentile') {
    throw validationError(
      'EvaluateLowSampleCountPercentile can be specified only with a percentile ExtendedStatistic.',
    );
  }
  return option === 'evaluate' ? undefined : leastSamplesOf(statistic);
}

/** Topics and functions are what Sluice can act on; AWS does not look whether they exist, and neither does it. */
function checkedActions(actions: readonly string[] | undefined): readonly string[] {
  for (const action of actions ?? []) {
    const arn = parseArn(action);
    if (arn === undefined) throw validationError(`Invalid arn syntax: ${action}`);
    if (arn.service !== 'sns' && !(arn.service === 'lambda' && arn.resource.startsWith('function:'))) {
      throw notImplemented(`The alarm action ${action}`);
    }
  }
  return actions ?? [];
}
