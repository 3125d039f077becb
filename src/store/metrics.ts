/**
 * Metric data: many small writes, window reads. Points are kept per series and bucket (a second or a minute), summed up,
 * with the values and their counts beside, so that percentiles are exact.
 */
import { createHash } from 'node:crypto';
import type { EpochMs } from '../common/index.ts';
import type { Queryable, Tx } from './store.ts';

export type MetricIdentity = Readonly<{
  account: string;
  region: string;
  namespace: string;
  name: string;
  /** In any order; the order does not tell metrics apart. No name twice. */
  dimensions: readonly Readonly<{ name: string; value: string }>[];
}>;

/** The data of one bucket that arrived together. */
export type MetricPoint = Readonly<{
  /** `metricIdentity` of its series. */
  identity: string;
  /** Start of the bucket. */
  at: EpochMs;
  unit: string;
  /** Seconds per bucket. */
  resolution: 1 | 60;
  /** 0 to 59: see the migration. */
  chunk: number;
  samples: number;
  sum: number;
  minimum: number;
  maximum: number;
  values: ReadonlyMap<number, number>;
}>;

/** What one period of one series and unit holds. */
export type MetricSlot = Readonly<{
  /** 0 is the period that begins at `startAt`. */
  slot: number;
  unit: string;
  samples: number;
  sum: number;
  minimum: number;
  maximum: number;
  /** Ascending [value, count] pairs, when asked for and known for every sample. */
  distribution?: readonly (readonly [number, number])[];
}>;

export type MetricRead = Readonly<{
  identity: string;
  /** Inclusive. */
  startAt: EpochMs;
  /** Exclusive. */
  endAt: EpochMs;
  periodMs: number;
  /** Absent: every unit, each by itself. */
  unit?: string;
  distribution?: boolean;
}>;

export type MetricSeries = Readonly<{
  id: string;
  namespace: string;
  name: string;
  dimensions: readonly Readonly<{ name: string; value: string }>[];
}>;

/** 64 hex digits, the same for the same metric whatever the order of its dimensions. */
export function metricIdentity(metric: MetricIdentity): string {
  const canonical = [metric.account, metric.region, metric.namespace, metric.name, sortedPairs(metric.dimensions)];
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}

/** Makes the series that are new, moves `last_at` of the others forward, and returns the series ids by identity. */
export async function touchMetricSeries(
  q: Queryable,
  series: readonly Readonly<{ identity: string; metric: MetricIdentity; at: EpochMs }>[],
): Promise<Map<string, string>> {
  if (series.length === 0) return new Map();
  // A fixed order, so that two writers never wait for each other crosswise.
  const rows = series.toSorted((a, b) => (a.identity < b.identity ? -1 : 1));
  const saved = await q.query<{ id: string; identity: string }>(
    `INSERT INTO metric_series (identity, account, region, namespace, name, dimensions, last_at)
     SELECT s.identity, s.account, s.region, s.namespace, s.name, s.dimensions::jsonb, s.at
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
       AS s(identity, account, region, namespace, name, dimensions, at)
     ON CONFLICT (identity) DO UPDATE SET last_at = greatest(metric_series.last_at, excluded.last_at)
     RETURNING id::text AS id, identity`,
    [
      rows.map((row) => row.identity),
      rows.map((row) => row.metric.account),
      rows.map((row) => row.metric.region),
      rows.map((row) => row.metric.namespace),
      rows.map((row) => row.metric.name),
      rows.map((row) => JSON.stringify(Object.fromEntries(sortedPairs(row.metric.dimensions)))),
      rows.map((row) => row.at),
    ],
  );
  return new Map(saved.map((row) => [row.identity, row.id]));
}

/** Adds points to their buckets. No two may share identity, at, unit, resolution and chunk. */
export async function addMetricPoints(
  tx: Tx,
  points: readonly MetricPoint[],
  seriesIds: ReadonlyMap<string, string>,
): Promise<void> {
  if (points.length === 0) return;
  const rows = points
    .map((point) => ({ ...point, seriesId: seriesIds.get(point.identity) ?? '' }))
    .sort((a, b) => Number(a.seriesId) - Number(b.seriesId) || a.at - b.at || (a.unit < b.unit ? -1 : 1));
  await tx.query(
    `INSERT INTO metric_points AS m (series_id, at, unit, resolution, chunk, samples, sum, minimum, maximum, "values", counts)
     SELECT p.series_id, p.at, p.unit, p.resolution, p.chunk, p.samples, p.sum, p.minimum, p.maximum,
            p."values"::double precision[], p.counts::double precision[]
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::smallint[], $6::double precision[],
                 $7::double precision[], $8::double precision[], $9::double precision[], $10::text[], $11::text[])
       AS p(series_id, at, unit, resolution, chunk, samples, sum, minimum, maximum, "values", counts)
     ON CONFLICT (series_id, at, unit, resolution, chunk) DO UPDATE SET
       samples = m.samples + excluded.samples, sum = m.sum + excluded.sum,
       minimum = least(m.minimum, excluded.minimum), maximum = greatest(m.maximum, excluded.maximum),
       "values" = m."values" || excluded."values", counts = m.counts || excluded.counts`,
    [
      rows.map((row) => row.seriesId),
      rows.map((row) => row.at),
      rows.map((row) => row.unit),
      rows.map((row) => row.resolution),
      rows.map((row) => row.chunk),
      rows.map((row) => row.samples),
      rows.map((row) => row.sum),
      rows.map((row) => row.minimum),
      rows.map((row) => row.maximum),
      rows.map((row) => `{${[...row.values.keys()].join(',')}}`),
      rows.map((row) => `{${[...row.values.values()].join(',')}}`),
    ],
  );
}

/** The periods that hold data, in order of slot. */
export async function readMetric(q: Queryable, read: MetricRead): Promise<MetricSlot[]> {
  const parameters = [read.identity, read.startAt, read.endAt, read.periodMs, read.unit ?? null];
  const from = `FROM metric_points p JOIN metric_series s ON s.id = p.series_id`;
  const where = `WHERE s.identity = $1 AND p.at >= $2 AND p.at < $3 AND ($5::text IS NULL OR p.unit = $5)`;
  const slot = `(p.at - $2::bigint) / $4::bigint`;
  const rows = await q.query<SlotRow>(
    `SELECT ${slot} AS slot, p.unit, sum(p.samples) AS samples, sum(p.sum) AS sum, min(p.minimum) AS minimum, max(p.maximum) AS maximum
     ${from} ${where} GROUP BY 1, 2 ORDER BY 1, 2`,
    parameters,
  );
  if (read.distribution !== true || rows.length === 0) return rows.map((row) => slotOf(row));
  const values = await q.query<{ slot: string | number; unit: string; value: number; count: number }>(
    `SELECT ${slot} AS slot, p.unit, v.value, sum(v.count) AS count
     ${from} CROSS JOIN LATERAL unnest(p."values", p.counts) AS v(value, count) ${where} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    parameters,
  );
  const distributions = new Map<string, (readonly [number, number])[]>();
  for (const row of values) {
    const key = `${row.slot} ${row.unit}`;
    const pairs = distributions.get(key) ?? [];
    pairs.push([Number(row.value), Number(row.count)]);
    distributions.set(key, pairs);
  }
  return rows.map((row) => slotOf(row, distributions.get(`${row.slot} ${row.unit}`)));
}

/** In order of id; `dimensions` holds for those the metric must have (with that value, if one is given). */
export async function listMetricSeries(
  q: Queryable,
  options: Readonly<{
    account: string;
    region: string;
    namespace?: string;
    name?: string;
    dimensions?: readonly Readonly<{ name: string; value?: string }>[];
    /** Only with data at or after this. */
    activeSince: EpochMs;
    afterId?: string;
    limit: number;
  }>,
): Promise<MetricSeries[]> {
  const parameters: unknown[] = [options.account, options.region, options.activeSince, options.limit];
  const bind = (value: unknown): string => `$${parameters.push(value)}`;
  const where = ['account = $1', 'region = $2', 'last_at >= $3'];
  if (options.namespace !== undefined) where.push(`namespace = ${bind(options.namespace)}`);
  if (options.name !== undefined) where.push(`name = ${bind(options.name)}`);
  if (options.afterId !== undefined) where.push(`id > ${bind(options.afterId)}::bigint`);
  for (const { name, value } of options.dimensions ?? []) {
    if (value === undefined) where.push(`jsonb_exists(dimensions, ${bind(name)})`);
    else where.push(`dimensions @> ${bind(JSON.stringify({ [name]: value }))}::jsonb`);
  }
  const rows = await q.query<{ id: string; namespace: string; name: string; dimensions: Record<string, string> }>(
    `SELECT id::text AS id, namespace, name, dimensions FROM metric_series
     WHERE ${where.join(' AND ')} ORDER BY metric_series.id LIMIT $4`,
    parameters,
  );
  return rows.map((row) => ({
    id: row.id,
    namespace: row.namespace,
    name: row.name,
    dimensions: Object.entries(row.dimensions)
      .map(([name, value]) => ({ name, value }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  }));
}

/** Drops what is past its retention. Source: CloudWatch User Guide, "Metrics retention". */
export async function dropOldMetricPoints(
  q: Queryable,
  before: Readonly<{ highResolution: EpochMs; standard: EpochMs }>,
): Promise<void> {
  await q.query('DELETE FROM metric_points WHERE (resolution = 1 AND at < $1) OR (resolution = 60 AND at < $2)', [
    before.highResolution,
    before.standard,
  ]);
}

/**
 * Joins the chunks of the minutes in [from, to) into one row each, and seconds into their minute when
 * `secondsToMinutes`. Safe to repeat.
 */
export async function compactMetricPoints(
  q: Queryable,
  span: Readonly<{ from: EpochMs; to: EpochMs; secondsToMinutes: boolean }>,
): Promise<void> {
  await q.query(
    `WITH gone AS (
       DELETE FROM metric_points WHERE at >= $1 AND at < $2 AND chunk >= 0 AND (resolution = 60 OR $3)
       RETURNING series_id, at - at % 60000 AS at, unit, samples, sum, minimum, maximum, "values", counts
     ), spread AS (
       SELECT g.series_id, g.at, g.unit, v.value, sum(v.count) AS count
       FROM gone g CROSS JOIN LATERAL unnest(g."values", g.counts) AS v(value, count) GROUP BY 1, 2, 3, 4
     ), distribution AS (
       SELECT series_id, at, unit, array_agg(value ORDER BY value) AS "values", array_agg(count ORDER BY value) AS counts
       FROM spread GROUP BY 1, 2, 3
     ), summed AS (
       SELECT series_id, at, unit, sum(samples) AS samples, sum(sum) AS sum, min(minimum) AS minimum, max(maximum) AS maximum
       FROM gone GROUP BY 1, 2, 3
     )
     INSERT INTO metric_points AS m (series_id, at, unit, resolution, chunk, samples, sum, minimum, maximum, "values", counts)
     SELECT s.series_id, s.at, s.unit, 60, -1, s.samples, s.sum, s.minimum, s.maximum,
            coalesce(d."values", '{}'), coalesce(d.counts, '{}')
     FROM summed s LEFT JOIN distribution d ON d.series_id = s.series_id AND d.at = s.at AND d.unit = s.unit
     ON CONFLICT (series_id, at, unit, resolution, chunk) DO UPDATE SET
       samples = m.samples + excluded.samples, sum = m.sum + excluded.sum,
       minimum = least(m.minimum, excluded.minimum), maximum = greatest(m.maximum, excluded.maximum),
       "values" = m."values" || excluded."values", counts = m.counts || excluded.counts`,
    [span.from, span.to, span.secondsToMinutes],
  );
}

type SlotRow = {
  slot: string | number;
  unit: string;
  samples: number;
  sum: number;
  minimum: number;
  maximum: number;
};

function slotOf(row: SlotRow, distribution?: readonly (readonly [number, number])[]): MetricSlot {
  const samples = Number(row.samples);
  const known = distribution?.reduce((total, [, count]) => total + count, 0) ?? 0;
  return {
    slot: Number(row.slot),
    unit: row.unit,
    samples,
    sum: Number(row.sum),
    minimum: Number(row.minimum),
    maximum: Number(row.maximum),
    ...(distribution !== undefined && Math.abs(known - samples) < 1e-6 && { distribution }),
  };
}

function sortedPairs(dimensions: MetricIdentity['dimensions']): [string, string][] {
  return dimensions
    .map(({ name, value }): [string, string] => [name, value])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
