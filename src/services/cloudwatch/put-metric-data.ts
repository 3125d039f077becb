/** PutMetricData: all of a call's data, or none. */
import type { MetricDatum, PutMetricDataInput } from '@aws-sdk/client-cloudwatch';
import { AwsError, DAY_MS, HOUR_MS } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { notImplemented } from './errors.ts';
import { type Datum, metricWriter } from './metric-writer.ts';
import { checkedDimensions } from './metric-query.ts';

const MOST_DATA = 1000;
const MOST_VALUES = 150;
const LARGEST_VALUE = 2 ** 360;

export const putMetricData = operation<PutMetricDataInput, void>({
  // What AWS's services measure of themselves they write as themselves; that is plumbing, and needs no policy.
  authorize: (input, call) =>
    call.principal.type === 'Service'
      ? []
      : [
          {
            action: 'cloudwatch:PutMetricData',
            resource: '*',
            ...(typeof input.Namespace === 'string' && { context: { 'cloudwatch:namespace': input.Namespace } }),
          },
        ],
  async handle(input, call) {
    const namespace = checkedNamespace(input.Namespace ?? '', call);
    if (input.EntityMetricData !== undefined && input.EntityMetricData.length > 0)
      throw notImplemented('EntityMetricData');
    const data = input.MetricData ?? [];
    if (data.length === 0) {
      throw new AwsError('MissingRequiredParameterException', 'The parameter MetricData is required.');
    }
    if (data.length > MOST_DATA) {
      throw new AwsError(
        'InvalidParameterValueException',
        `The collection MetricData must not have a size greater than ${MOST_DATA}.`,
      );
    }
    await metricWriter(call.house).add(
      data.map((datum, index) => checkedDatum(datum, `MetricData.member.${index + 1}`, namespace, call)),
    );
  },
});

function checkedNamespace(namespace: string, call: Call): string {
  if (!/^[0-9A-Za-z.\-_/#: ]+$/.test(namespace) || namespace.trim() === '') {
    throw invalid('The value for parameter Namespace contains characters that are not allowed.');
  }
  if (namespace.startsWith('AWS/') && call.principal.type !== 'Service') {
    throw invalid('The value AWS/ for parameter Namespace is invalid.');
  }
  return namespace;
}

function checkedDatum(datum: MetricDatum, at: string, namespace: string, call: Call): Datum {
  const resolution = datum.StorageResolution ?? 60;
  if (resolution !== 1 && resolution !== 60) {
    throw invalid(`The parameter ${at}.StorageResolution must be 1 or 60, but was ${resolution}.`);
  }
  return {
    metric: {
      account: call.account,
      region: call.region,
      namespace,
      name: datum.MetricName ?? '',
      dimensions: checkedDimensions(datum.Dimensions, `${at}.Dimensions`).map(({ Name, Value }) => ({
        name: Name,
        value: Value,
      })),
    },
    at: checkedTimestamp(datum.Timestamp, at, call.now),
    unit: datum.Unit ?? 'None',
    highResolution: resolution === 1,
    ...samplesOf(datum, at),
  };
}

function checkedTimestamp(timestamp: Date | number | undefined, at: string, now: number): number {
  if (timestamp === undefined) return now;
  const given = Number(timestamp);
  if (Number.isNaN(given)) throw invalid(`The parameter ${at}.Timestamp must be a valid time.`);
  if (given < now - 14 * DAY_MS) {
    throw invalid(`The parameter ${at}.Timestamp must specify a time no more than two weeks in the past.`);
  }
  if (given > now + 2 * HOUR_MS) {
    throw invalid(`The parameter ${at}.Timestamp must specify a time no more than two hours in the future.`);
  }
  return given;
}

type Samples = Pick<Datum, 'samples' | 'sum' | 'minimum' | 'maximum' | 'values'>;

function samplesOf(datum: MetricDatum, at: string): Samples {
  const { Value, StatisticValues, Values, Counts } = datum;
  const given = [Value, StatisticValues, Values].filter((member) => member !== undefined).length;
  if (given === 0) {
    throw new AwsError(
      'MissingRequiredParameterException',
      `At least one of the parameters ${at}.Value, ${at}.Values, ${at}.StatisticValues must be specified.`,
    );
  }
  if (given > 1) {
    throw new AwsError(
      'InvalidParameterCombinationException',
      `The parameters ${at}.Value, ${at}.Values and ${at}.StatisticValues are mutually exclusive and you have specified more than one.`,
    );
  }
  if (StatisticValues !== undefined) return fromStatisticSet(StatisticValues, `${at}.StatisticValues`);
  if (Values !== undefined) return fromValues(Values, Counts, at);
  const value = checkedNumber(Value, `${at}.Value`);
  return { samples: 1, sum: value, minimum: value, maximum: value, values: [[value, 1]] };
}

function fromStatisticSet(set: NonNullable<MetricDatum['StatisticValues']>, at: string): Samples {
  const samples = checkedNumber(set.SampleCount, `${at}.SampleCount`);
  const sum = checkedNumber(set.Sum, `${at}.Sum`);
  const minimum = checkedNumber(set.Minimum, `${at}.Minimum`);
  const maximum = checkedNumber(set.Maximum, `${at}.Maximum`);
  if (samples <= 0) throw invalid(`The parameter ${at}.SampleCount must be greater than 0.`);
  if (minimum > maximum)
    throw invalid(`The parameter ${at}.Minimum must be less than or equal to the parameter ${at}.Maximum.`);
  // One sample, or samples that are all the same, are known one by one.
  const known = samples === 1 || minimum === maximum;
  return { samples, sum, minimum, maximum, values: known ? [[samples === 1 ? sum : minimum, samples]] : [] };
}

function fromValues(values: readonly number[], counts: readonly number[] | undefined, at: string): Samples {
  if (values.length === 0) throw invalid(`The parameter ${at}.Values must not be empty.`);
  if (values.length > MOST_VALUES) {
    throw invalid(`The collection ${at}.Values must not have a size greater than ${MOST_VALUES}.`);
  }
  if (counts !== undefined && counts.length !== values.length) {
    throw new AwsError(
      'InvalidParameterCombinationException',
      `The parameters ${at}.Values and ${at}.Counts must be of the same size.`,
    );
  }
  const pairs = values.map((value, index): [number, number] => {
    const count = checkedNumber(counts?.[index] ?? 1, `${at}.Counts.member.${index + 1}`);
    if (count <= 0) throw invalid(`The parameter ${at}.Counts.member.${index + 1} must be greater than 0.`);
    return [checkedNumber(value, `${at}.Values.member.${index + 1}`), count];
  });
  return {
    samples: pairs.reduce((total, [, count]) => total + count, 0),
    sum: pairs.reduce((total, [value, count]) => total + value * count, 0),
    minimum: Math.min(...values),
    maximum: Math.max(...values),
    values: pairs,
  };
}

function checkedNumber(value: number | undefined, at: string): number {
  if (value === undefined) throw new AwsError('MissingRequiredParameterException', `The parameter ${at} is required.`);
  if (!Number.isFinite(value) || Math.abs(value) > LARGEST_VALUE) {
    throw invalid(`The value ${value} for parameter ${at} is invalid.`);
  }
  return value;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}
