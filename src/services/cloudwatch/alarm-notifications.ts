/** How an alarm tells others of itself: on the event bus, to a topic, to a function. */
import { type AlarmValue, alarmTimestamp, type StateSnapshot } from '../../core/alarm/index.ts';
import type { Json, JsonObject } from '../../common/index.ts';
import type { Scope } from '../service.ts';
import { alarmArnOf, type Dimension, type Definition } from './records.ts';

/** Source: CloudWatch User Guide, "Alarm events and EventBridge". */
export function stateChangeDetail(definition: Definition, from: StateSnapshot, to: StateSnapshot): Json {
  return {
    alarmName: definition.wire.AlarmName,
    state: snapshot(to),
    previousState: snapshot(from),
    configuration: eventConfiguration(definition),
  };
}

export function configurationChangeDetail(
  operation: 'create' | 'update' | 'delete',
  definition: Definition,
  state: StateSnapshot,
  previous?: Definition,
): Json {
  return {
    alarmName: definition.wire.AlarmName,
    operation,
    state: snapshot(state),
    configuration: fullConfiguration(definition),
    ...(previous !== undefined && { previousConfiguration: fullConfiguration(previous) }),
  };
}

/** The payload for a Lambda function. */
export function functionEvent(
  scope: Scope,
  definition: Definition,
  from: StateSnapshot,
  to: StateSnapshot,
): JsonObject {
  const alarmName = definition.wire.AlarmName;
  return {
    source: 'aws.cloudwatch',
    alarmArn: alarmArnOf(scope, alarmName),
    accountId: scope.account,
    time: alarmTimestamp(to.at),
    region: scope.region,
    alarmData: {
      alarmName,
      state: snapshot(to),
      previousState: snapshot(from),
      configuration: eventConfiguration(definition),
    },
  };
}

/** The subject and message for a topic. */
export function topicMessage(
  scope: Scope,
  definition: Definition,
  configuredAt: number,
  from: StateSnapshot,
  to: StateSnapshot,
): Readonly<{ Subject: string; Message: string }> {
  const { wire, query, rule } = definition;
  const region = REGION_NAMES[scope.region] ?? scope.region;
  const message: JsonObject = {
    AlarmName: wire.AlarmName,
    AlarmDescription: wire.AlarmDescription ?? null,
    AWSAccountId: scope.account,
    AlarmConfigurationUpdatedTimestamp: alarmTimestamp(configuredAt),
    NewStateValue: to.value,
    NewStateReason: to.reason,
    StateChangeTime: alarmTimestamp(to.at),
    Region: region,
    AlarmArn: alarmArnOf(scope, wire.AlarmName),
    OldStateValue: from.value,
    OKActions: wire.OKActions,
    AlarmActions: wire.AlarmActions,
    InsufficientDataActions: wire.InsufficientDataActions,
    Trigger: {
      MetricName: query.metricName,
      Namespace: query.namespace,
      ...(wire.ExtendedStatistic === undefined
        ? { StatisticType: 'Statistic', Statistic: query.statistic.toUpperCase() }
        : { StatisticType: 'ExtendedStatistic', ExtendedStatistic: query.statistic }),
      Unit: query.unit ?? null,
      Dimensions: query.dimensions.map(({ Name, Value }) => ({ value: Value, name: Name })),
      Period: query.period,
      EvaluationPeriods: rule.evaluationPeriods,
      ...(wire.DatapointsToAlarm !== undefined && { DatapointsToAlarm: wire.DatapointsToAlarm }),
      ComparisonOperator: rule.comparison,
      Threshold: rule.threshold,
      TreatMissingData: wire.TreatMissingData ?? '',
      EvaluateLowSampleCountPercentile: wire.EvaluateLowSampleCountPercentile ?? '',
    },
  };
  // A subject holds at most 100 characters.
  const subject = `${to.value}: "${wire.AlarmName}" in ${region}`;
  return { Subject: subject.length > 100 ? `${subject.slice(0, 97)}...` : subject, Message: JSON.stringify(message) };
}

export function snapshot(state: StateSnapshot): JsonObject {
  return {
    value: state.value,
    reason: state.reason,
    ...(state.reasonData !== undefined && { reasonData: state.reasonData }),
    timestamp: alarmTimestamp(state.at),
  };
}

export function stateOf(value: AlarmValue, state: StateSnapshot): JsonObject {
  return {
    stateValue: value,
    stateReason: state.reason,
    ...(state.reasonData !== undefined && { stateReasonData: JSON.parse(state.reasonData) as Json }),
  };
}

function eventConfiguration({ wire, query }: Definition): JsonObject {
  const metric = wire.Metrics?.[0];
  return {
    ...(wire.AlarmDescription !== undefined && { description: wire.AlarmDescription }),
    metrics: [
      {
        id: metric?.Id ?? 'm1',
        ...(metric?.Label !== undefined && { label: metric.Label }),
        metricStat: {
          metric: { namespace: query.namespace, name: query.metricName, dimensions: byName(query.dimensions) },
          period: query.period,
          stat: query.statistic,
          ...(query.unit !== undefined && { unit: query.unit }),
        },
        returnData: true,
      },
    ],
  };
}

function fullConfiguration(definition: Definition): JsonObject {
  const { wire, rule, actionsEnabled } = definition;
  return {
    ...eventConfiguration(definition),
    evaluationPeriods: rule.evaluationPeriods,
    ...(wire.DatapointsToAlarm !== undefined && { datapointsToAlarm: wire.DatapointsToAlarm }),
    threshold: rule.threshold,
    comparisonOperator: rule.comparison,
    ...(wire.TreatMissingData !== undefined && { treatMissingData: wire.TreatMissingData }),
    actionsEnabled,
    alarmActions: wire.AlarmActions,
    okActions: wire.OKActions,
    insufficientDataActions: wire.InsufficientDataActions,
  };
}

function byName(dimensions: readonly Dimension[]): JsonObject {
  return Object.fromEntries(dimensions.map(({ Name, Value }) => [Name, Value]));
}

const REGION_NAMES: Readonly<Record<string, string>> = {
  'us-east-1': 'US East (N. Virginia)',
  'us-east-2': 'US East (Ohio)',
  'us-west-1': 'US West (N. California)',
  'us-west-2': 'US West (Oregon)',
  'ca-central-1': 'Canada (Central)',
  'eu-central-1': 'EU (Frankfurt)',
  'eu-west-1': 'EU (Ireland)',
  'eu-west-2': 'EU (London)',
  'eu-west-3': 'EU (Paris)',
  'eu-north-1': 'EU (Stockholm)',
  'eu-south-1': 'EU (Milan)',
  'ap-south-1': 'Asia Pacific (Mumbai)',
  'ap-southeast-1': 'Asia Pacific (Singapore)',
  'ap-southeast-2': 'Asia Pacific (Sydney)',
  'ap-northeast-1': 'Asia Pacific (Tokyo)',
  'ap-northeast-2': 'Asia Pacific (Seoul)',
  'ap-northeast-3': 'Asia Pacific (Osaka)',
  'sa-east-1': 'South America (Sao Paulo)',
};
