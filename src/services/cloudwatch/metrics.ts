/** Reading metrics: GetMetricStatistics, GetMetricData, ListMetrics. */
import type {
  Datapoint,
  GetMetricDataInput,
  GetMetricDataOutput,
  GetMetricStatisticsInput,
  GetMetricStatisticsOutput,
  ListMetricsInput,
  ListMetricsOutput,
  MetricDataResult,
} from '@aws-sdk/client-cloudwatch';
import { AwsError, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import { parseStatistic, statisticOf } from '../../core/metric-statistics/index.ts';
import { listMetricSeries } from '../../store/index.ts';
import { operation } from '../service.ts';
import { notImplemented, validationError } from './errors.ts';
import { checkedDimensions, checkedWireQuery, isPeriod, readQuery } from './metric-query.ts';
import { readToken, token } from './pages.ts';
import type { MetricQuery } from './records.ts';

const MOST_DATAPOINTS = 1440;
const MOST_QUERIES = 500;
const MOST_DATA_POINTS = 100_800;
const METRICS_PER_PAGE = 500;

export const getMetricStatistics = operation<GetMetricStatisticsInput, GetMetricStatisticsOutput>({
  async handle(input, call) {
    const startTime = Number(input.StartTime);
    const endAt = Number(input.EndTime);
    const period = input.Period ?? 0;
    checkSpan(startTime, endAt, period, call.now);
    const names = checkedStatistics(input);
    const periodMs = period * SECOND_MS;
    const startAt = roundDown(startTime, period, call.now);
    const wanted = Math.ceil((endAt - startAt) / periodMs);
    if (wanted > MOST_DATAPOINTS) {
      throw new AwsError(
        'InvalidParameterCombinationException',
        `You have requested up to ${grouped(wanted)} datapoints, which exceeds the limit of ${grouped(MOST_DATAPOINTS)}. ` +
          'You may reduce the datapoints requested by increasing Period, or decreasing the time range.',
      );
    }
    const query: MetricQuery = {
      namespace: input.Namespace ?? '',
      metricName: input.MetricName ?? '',
      dimensions: checkedDimensions(input.Dimensions, 'Dimensions'),
      // Any percentile makes the read bring the distribution along.
      statistic: names.extended[0] ?? 'Sum',
      period,
      ...(input.Unit !== undefined && { unit: input.Unit }),
    };
    const points = await readQuery(call.house.store, call, query, { startAt, endAt });
    return {
      Label: input.MetricName,
      Datapoints: points.map(({ at, unit, sample }): Datapoint => {
        const value = (name: string) => statisticOf(parseStatistic(name) ?? { type: 'Sum' }, sample);
        const extended = Object.fromEntries(
          names.extended.flatMap((name) => {
            const found = value(name);
            return found === undefined ? [] : [[name, found]];
          }),
        );
        return {
          Timestamp: new Date(at),
          ...Object.fromEntries(names.plain.map((name) => [name, value(name)])),
          ...(names.extended.length > 0 && { ExtendedStatistics: extended }),
          Unit: unit as Datapoint['Unit'],
        };
      }),
    };
  },
});

function checkedStatistics(
  input: GetMetricStatisticsInput,
): Readonly<{ plain: readonly string[]; extended: readonly string[] }> {
  const plain = input.Statistics ?? [];
  const extended = input.ExtendedStatistics ?? [];
  if (plain.length === 0 && extended.length === 0) {
    throw new AwsError('InvalidParameterCombinationException', 'Must specify either Statistics or ExtendedStatistics');
  }
  if (plain.length > 0 && extended.length > 0) {
    throw new AwsError(
      'InvalidParameterCombinationException',
      'The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.',
    );
  }
  for (const name of extended) {
    if (parseStatistic(name) === undefined) {
      throw new AwsError(
        'InvalidParameterValueException',
        `The value ${name} for parameter ExtendedStatistics is not supported.`,
      );
    }
  }
  return { plain, extended };
}

function checkSpan(startAt: number, endAt: number, period: number, now: number): void {
  if (!(startAt < endAt)) {
    throw new AwsError(
      'InvalidParameterValueException',
      'The parameter StartTime must be less than the parameter EndTime.',
    );
  }
  if (period !== 1 && period !== 5 && !isPeriod(period)) {
    throw new AwsError(
      'InvalidParameterValueException',
      'The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.',
    );
  }
  const ageMs = now - startAt;
  const least = ageMs > 63 * DAY_MS ? 3600 : ageMs > 15 * DAY_MS ? 300 : ageMs > 3 * HOUR_MS ? 60 : 1;
  if (period % least !== 0) {
    throw new AwsError(
      'InvalidParameterValueException',
      `The parameter Period must be a multiple of ${least} for a StartTime that far in the past.`,
    );
  }
}

/** Source: CloudWatch API, GetMetricData, `StartTime`. */
function roundDown(startAt: number, period: number, now: number): number {
  const ageMs = now - startAt;
  const gridMs =
    period < 60 ? period * SECOND_MS : ageMs > 63 * DAY_MS ? HOUR_MS : ageMs > 15 * DAY_MS ? 5 * MINUTE_MS : MINUTE_MS;
  return Math.floor(startAt / gridMs) * gridMs;
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

type DataToken = Readonly<{ skip: number }>;

export const getMetricData = operation<GetMetricDataInput, GetMetricDataOutput>({
  async handle(input, call) {
    const startTime = Number(input.StartTime);
    const endAt = Number(input.EndTime);
    if (!(startTime < endAt)) throw validationError('The parameter StartTime must be less than the parameter EndTime.');
    if (input.LabelOptions?.Timezone !== undefined) throw notImplemented('LabelOptions');
    const queries = input.MetricDataQueries ?? [];
    if (queries.length === 0 || queries.length > MOST_QUERIES) {
      throw validationError(`The collection MetricDataQueries must have between 1 and ${MOST_QUERIES} items.`);
    }
    const checked = queries.map((query) => checkedWireQuery(query));
    const ids = new Set(checked.map(({ wire }) => wire.Id));
    if (ids.size < checked.length)
      throw validationError('The values for parameter id in MetricDataQueries are not unique.');
    for (const { query } of checked) {
      if (query.period !== 1 && query.period !== 5 && !isPeriod(query.period)) {
        throw validationError('The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.');
      }
    }
    const most = Math.min(input.MaxDatapoints ?? MOST_DATA_POINTS, MOST_DATA_POINTS);
    if (most < 1) throw validationError('The parameter MaxDatapoints must be at least 1.');
    const skip = readToken<DataToken>(input.NextToken, isDataToken)?.skip ?? 0;
    const descending = (input.ScanBy ?? 'TimestampDescending') !== 'TimestampAscending';
    const results: MetricDataResult[] = [];
    for (const { wire, query } of checked.filter(({ wire }) => wire.ReturnData !== false)) {
      const startAt = roundDown(startTime, query.period, call.now);
      const points = await readQuery(call.house.store, call, query, { startAt, endAt, joinUnits: true });
      const known = points.filter((point) => point.value !== undefined);
      if (descending) known.reverse();
      results.push({
        Id: wire.Id,
        Label: wire.Label ?? query.metricName,
        Timestamps: known.map((point) => new Date(point.at)),
        Values: known.map((point) => point.value ?? 0),
        StatusCode: 'Complete',
      });
    }
    return cutData(results, skip, most);
  },
});

function isDataToken(value: unknown): value is DataToken {
  return typeof value === 'object' && value !== null && Number.isInteger((value as DataToken).skip);
}

/** The page of `most` datapoints after `skip`, counted over all results in order. */
function cutData(results: readonly MetricDataResult[], skip: number, most: number): GetMetricDataOutput {
  let seen = 0;
  const page = results.map((result) => {
    const count = result.Values?.length ?? 0;
    const from = Math.min(count, Math.max(0, skip - seen));
    const to = Math.min(count, Math.max(0, skip + most - seen));
    seen += count;
    return {
      ...result,
      Timestamps: result.Timestamps?.slice(from, to),
      Values: result.Values?.slice(from, to),
      StatusCode: to < count ? ('PartialData' as const) : ('Complete' as const),
    };
  });
  return {
    MetricDataResults: page,
    Messages: [],
    ...(seen > skip + most && { NextToken: token({ skip: skip + most }) }),
  };
}

type SeriesToken = Readonly<{ id: string }>;

export const listMetrics = operation<ListMetricsInput, ListMetricsOutput>({
  async handle(input, call) {
    if (input.IncludeLinkedAccounts === true || input.OwningAccount !== undefined) {
      throw new AwsError('InvalidParameterValueException', 'Metrics of linked accounts are not implemented by Sluice.');
    }
    if (input.RecentlyActive !== undefined && input.RecentlyActive !== 'PT3H') {
      throw new AwsError('InvalidParameterValueException', 'The parameter RecentlyActive must be PT3H.');
    }
    const after = readToken<SeriesToken>(input.NextToken, isSeriesToken, 'InvalidParameterValueException');
    const found = await listMetricSeries(call.house.store, {
      account: call.account,
      region: call.region,
      activeSince: call.now - (input.RecentlyActive === undefined ? 14 * DAY_MS : 3 * HOUR_MS),
      limit: METRICS_PER_PAGE + 1,
      dimensions: (input.Dimensions ?? []).map(({ Name = '', Value }) => ({
        name: Name,
        ...(Value !== undefined && { value: Value }),
      })),
      ...(input.Namespace !== undefined && { namespace: input.Namespace }),
      ...(input.MetricName !== undefined && { name: input.MetricName }),
      ...(after !== undefined && { afterId: after.id }),
    });
    const page = found.slice(0, METRICS_PER_PAGE);
    const last = page.at(-1);
    return {
      Metrics: page.map((series) => ({
        Namespace: series.namespace,
        MetricName: series.name,
        Dimensions: series.dimensions.map(({ name, value }) => ({ Name: name, Value: value })),
      })),
      ...(found.length > METRICS_PER_PAGE && last !== undefined && { NextToken: token({ id: last.id }) }),
    };
  },
});

function isSeriesToken(value: unknown): value is SeriesToken {
  return typeof value === 'object' && value !== null && /^\d{1,18}$/.test(String((value as SeriesToken).id));
}
