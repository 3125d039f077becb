/** Reading a metric by query: checks that alarms and GetMetricData share, and the datapoints. */
import type { Dimension as InputDimension, MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { AwsError, SECOND_MS } from '../../common/index.ts';
import { needsDistribution, parseStatistic, type Sample, statisticOf } from '../../core/metric-statistics/index.ts';
import { metricIdentity, type MetricSlot, readMetric, type Queryable } from '../../store/index.ts';
import type { Scope } from '../service.ts';
import { notImplemented, validationError } from './errors.ts';
import type { Dimension, MetricQuery, WireQuery } from './records.ts';

/** One period with data. `at`: its start. */
export type QueryPoint = Readonly<{ at: number; unit: string; value?: number; samples: number; sample: Sample }>;

/**
 * The periods of [startAt, endAt) that hold data, oldest first. Periods begin at `startAt`. Without a unit in the query
 * each unit is by itself, unless `joinUnits`.
 */
export async function readQuery(
  q: Queryable,
  scope: Scope,
  query: MetricQuery,
  span: Readonly<{ startAt: number; endAt: number; joinUnits?: boolean }>,
): Promise<QueryPoint[]> {
  const statistic = parseStatistic(query.statistic);
  if (statistic === undefined) throw validationError(`${query.statistic} is not a valid statistic.`);
  const periodMs = query.period * SECOND_MS;
  const slots = await readMetric(q, {
    identity: metricIdentity({
      account: scope.account,
      region: scope.region,
      namespace: query.namespace,
      name: query.metricName,
      dimensions: query.dimensions.map(({ Name, Value }) => ({ name: Name, value: Value })),
    }),
    startAt: span.startAt,
    endAt: span.endAt,
    periodMs,
    distribution: needsDistribution(statistic),
    ...(query.unit !== undefined && { unit: query.unit }),
  });
  return (span.joinUnits === true ? joined(slots) : slots).map((slot) => {
    const value = statisticOf(statistic, slot);
    return {
      at: span.startAt + slot.slot * periodMs,
      unit: slot.unit,
      samples: slot.samples,
      sample: slot,
      ...(value !== undefined && { value }),
    };
  });
}

/** Slots come in order of slot; those of several units become one. */
function joined(slots: readonly MetricSlot[]): MetricSlot[] {
  const out: MetricSlot[] = [];
  for (const slot of slots) {
    const last = out.at(-1);
    if (last === undefined || last.slot !== slot.slot) {
      out.push(slot);
      continue;
    }
    const known = last.distribution !== undefined && slot.distribution !== undefined;
    const { distribution: _gone, ...rest } = last;
    out[out.length - 1] = {
      ...rest,
      samples: last.samples + slot.samples,
      sum: last.sum + slot.sum,
      minimum: Math.min(last.minimum, slot.minimum),
      maximum: Math.max(last.maximum, slot.maximum),
      ...(known && {
        distribution: [...(last.distribution ?? []), ...(slot.distribution ?? [])].sort(([a], [b]) => a - b),
      }),
    };
  }
  return out;
}

/** Checks what the model's constraints leave open. */
export function checkedDimensions(dimensions: readonly InputDimension[] | undefined, at: string): Dimension[] {
  const names = new Set<string>();
  return (dimensions ?? []).map(({ Name = '', Value = '' }) => {
    if (Name.trim() === '' || Value.trim() === '' || Name.startsWith(':')) {
      throw new AwsError(
        'InvalidParameterValueException',
        `The parameter ${at} holds a dimension without a name or a value.`,
      );
    }
    if (names.has(Name)) {
      throw new AwsError(
        'InvalidParameterValueException',
        `The parameter ${at} names the dimension ${Name} more than once.`,
      );
    }
    names.add(Name);
    return { Name, Value };
  });
}

export function isPeriod(period: number): boolean {
  return period === 10 || period === 20 || period === 30 || (period > 0 && period % 60 === 0);
}

/** A `MetricDataQuery` that names a metric. Throws for an expression, which Sluice does not evaluate. */
export function checkedWireQuery(query: MetricDataQuery): Readonly<{ wire: WireQuery; query: MetricQuery }> {
  const id = query.Id ?? '';
  if (!/^[a-z][A-Za-z0-9_]*$/.test(id)) {
    throw validationError(
      `The value ${id} for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$`,
    );
  }
  if (query.AccountId !== undefined) throw notImplemented('AccountId of a MetricDataQuery');
  if ((query.Expression === undefined) === (query.MetricStat === undefined)) {
    throw validationError(`Exactly one of Expression and MetricStat must be given for the query ${id}.`);
  }
  if (query.MetricStat === undefined) throw notImplemented('A metric math expression');
  const { Metric, Period = 0, Stat = '', Unit } = query.MetricStat;
  const namespace = Metric?.Namespace;
  const metricName = Metric?.MetricName;
  if (namespace === undefined || metricName === undefined) {
    throw validationError(`The metric of the query ${id} must have a Namespace and a MetricName.`);
  }
  if (parseStatistic(Stat) === undefined)
    throw validationError(`The value ${Stat} for parameter Stat is not a valid statistic.`);
  const dimensions = checkedDimensions(Metric?.Dimensions, 'MetricDataQueries.member.MetricStat.Metric.Dimensions');
  return {
    wire: {
      Id: id,
      ...(query.Label !== undefined && { Label: query.Label }),
      ...(query.ReturnData !== undefined && { ReturnData: query.ReturnData }),
      MetricStat: {
        Metric: {
          Namespace: namespace,
          MetricName: metricName,
          ...(dimensions.length > 0 && { Dimensions: dimensions }),
        },
        Period,
        Stat,
        ...(Unit !== undefined && { Unit }),
      },
    },
    query: {
      namespace,
      metricName,
      dimensions,
      statistic: Stat,
      period: Period,
      ...(Unit !== undefined && { unit: Unit }),
    },
  };
}
