/** The statements of src/store/metrics.ts, but for listings of series. */
import { pointKey } from '../disk.ts';
import { jsonText } from '../jsonb.ts';
import type { MetricPointRow } from '../rows.ts';
import type { Session } from '../session.ts';
import { list, type Statement, type StatementTable, text, textOrNull, whole } from '../statement.ts';

const touch: Statement = (session, p) => {
  const { metricSeries } = session.disk;
  const columns = p.map(list);
  const identities = (columns[0] ?? []).map(text);
  for (const identity of identities) session.lock(metricSeries, identity);
  return identities.map((identity, index) => {
    const at = (column: number): unknown => columns[column]?.[index];
    const known = session.read(metricSeries, identity);
    const row =
      known === undefined
        ? {
            id: metricSeries.next(),
            identity,
            account: text(at(1)),
            region: text(at(2)),
            namespace: text(at(3)),
            name: text(at(4)),
            dimensions: jsonText(at(5)),
            last_at: whole(at(6)),
          }
        : { ...known, last_at: Math.max(known.last_at, whole(at(6))) };
    session.write(metricSeries, identity, row);
    return { id: String(row.id), identity };
  });
};

const numbers = (value: unknown): number[] => {
  const inner = text(value).slice(1, -1);
  return inner === '' ? [] : inner.split(',').map(Number);
};

const add: Statement = (session, p) => {
  const columns = p.map(list);
  const points = (columns[0] ?? []).map((_, index): MetricPointRow => {
    const at = (column: number): unknown => columns[column]?.[index];
    return {
      series_id: whole(at(0)),
      at: whole(at(1)),
      unit: text(at(2)),
      resolution: whole(at(3)),
      chunk: whole(at(4)),
      samples: Number(at(5)),
      sum: Number(at(6)),
      minimum: Number(at(7)),
      maximum: Number(at(8)),
      values: numbers(at(9)),
      counts: numbers(at(10)),
    };
  });
  merge(session, points);
  return [];
};

/** Adds to what is there. Locks all before it writes the first. */
function merge(session: Session, points: readonly MetricPointRow[]): void {
  const { metricPoints } = session.disk;
  for (const point of points) session.lock(metricPoints, pointKey(point));
  for (const point of points) {
    const known = session.read(metricPoints, pointKey(point));
    session.write(metricPoints, pointKey(point), known === undefined ? point : together([known, point]));
  }
}

function together(points: readonly MetricPointRow[]): MetricPointRow {
  return {
    ...(points[0] as MetricPointRow),
    samples: points.reduce((sum, point) => sum + point.samples, 0),
    sum: points.reduce((sum, point) => sum + point.sum, 0),
    minimum: Math.min(...points.map((point) => point.minimum)),
    maximum: Math.max(...points.map((point) => point.maximum)),
    values: points.flatMap((point) => point.values),
    counts: points.flatMap((point) => point.counts),
  };
}

/** The points that are asked for, by slot and unit, in that order. */
function read(session: Session, p: readonly unknown[]): ReadonlyMap<string, readonly MetricPointRow[]> {
  const { metricSeries, metricPoints, pointsBySeries } = session.disk;
  const series = session.read(metricSeries, text(p[0]));
  if (series === undefined) return new Map();
  const [startAt, endAt, periodMs, unit] = [whole(p[1]), whole(p[2]), whole(p[3]), textOrNull(p[4])];
  const found = session.select(
    metricPoints,
    pointsBySeries.cells(String(series.id)),
    (row) => row.series_id === series.id && row.at >= startAt && row.at < endAt && (unit === null || row.unit === unit),
  );
  const slotOf = (row: MetricPointRow): number => Math.floor((row.at - startAt) / periodMs);
  found.sort(
    (a, b) => slotOf(a) - slotOf(b) || (a.unit < b.unit ? -1 : a.unit > b.unit ? 1 : a.at - b.at || a.chunk - b.chunk),
  );
  const groups = new Map<string, MetricPointRow[]>();
  for (const row of found) {
    const key = `${slotOf(row)} ${row.unit}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

const sums: Statement = (session, p) =>
  [...read(session, p)].map(([key, points]) => {
    const { unit, samples, sum, minimum, maximum } = together(points);
    return { slot: Number(key.split(' ')[0]), unit, samples, sum, minimum, maximum };
  });

const distribution: Statement = (session, p) =>
  [...read(session, p)].flatMap(([key, points]) =>
    counted(points).map(([value, count]) => ({
      slot: Number(key.split(' ')[0]),
      unit: points[0]?.unit,
      value,
      count,
    })),
  );

/** Ascending values with how often each was seen. */
function counted(points: readonly MetricPointRow[]): [number, number][] {
  const counts = new Map<number, number>();
  for (const point of points)
    for (const [index, value] of point.values.entries())
      counts.set(value, (counts.get(value) ?? 0) + (point.counts[index] ?? 0));
  return [...counts].sort(([a], [b]) => a - b);
}

const dropOld: Statement = (session, p) => {
  const [high, standard] = [whole(p[0]), whole(p[1])];
  const { metricPoints } = session.disk;
  session.remove(
    metricPoints,
    session.scan(
      metricPoints,
      (row) => (row.resolution === 1 && row.at < high) || (row.resolution === 60 && row.at < standard),
    ),
  );
  return [];
};

const compact: Statement = (session, p) => {
  const [from, to, seconds] = [whole(p[0]), whole(p[1]), p[2] === true];
  const { metricPoints } = session.disk;
  const gone = session.scan(
    metricPoints,
    (row) => row.at >= from && row.at < to && row.chunk >= 0 && (row.resolution === 60 || seconds),
  );
  const joined = new Map<string, MetricPointRow[]>();
  for (const row of gone) {
    const minute = { ...row, at: row.at - (row.at % 60_000), resolution: 60, chunk: -1 };
    const group = joined.get(pointKey(minute));
    if (group === undefined) joined.set(pointKey(minute), [minute]);
    else group.push(minute);
  }
  const points = [...joined.values()].map((group) => {
    const pairs = counted(group);
    return { ...together(group), values: pairs.map(([value]) => value), counts: pairs.map(([, count]) => count) };
  });
  for (const row of [...gone, ...points]) session.lock(metricPoints, pointKey(row));
  session.remove(metricPoints, gone);
  merge(session, points);
  return [];
};

export const metrics: StatementTable = {
  texts: {
    [`INSERT INTO metric_series (identity, account, region, namespace, name, dimensions, last_at)
     SELECT s.identity, s.account, s.region, s.namespace, s.name, s.dimensions::jsonb, s.at
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
       AS s(identity, account, region, namespace, name, dimensions, at)
     ON CONFLICT (identity) DO UPDATE SET last_at = greatest(metric_series.last_at, excluded.last_at)
     RETURNING id::text AS id, identity`]: touch,
    [`INSERT INTO metric_points AS m (series_id, at, unit, resolution, chunk, samples, sum, minimum, maximum, "values", counts)
     SELECT p.series_id, p.at, p.unit, p.resolution, p.chunk, p.samples, p.sum, p.minimum, p.maximum,
            p."values"::double precision[], p.counts::double precision[]
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::smallint[], $6::double precision[],
                 $7::double precision[], $8::double precision[], $9::double precision[], $10::text[], $11::text[])
       AS p(series_id, at, unit, resolution, chunk, samples, sum, minimum, maximum, "values", counts)
     ON CONFLICT (series_id, at, unit, resolution, chunk) DO UPDATE SET
       samples = m.samples + excluded.samples, sum = m.sum + excluded.sum,
       minimum = least(m.minimum, excluded.minimum), maximum = greatest(m.maximum, excluded.maximum),
       "values" = m."values" || excluded."values", counts = m.counts || excluded.counts`]: add,
    [`SELECT (p.at - $2::bigint) / $4::bigint AS slot, p.unit, sum(p.samples) AS samples, sum(p.sum) AS sum, min(p.minimum) AS minimum, max(p.maximum) AS maximum
     FROM metric_points p JOIN metric_series s ON s.id = p.series_id WHERE s.identity = $1 AND p.at >= $2 AND p.at < $3 AND ($5::text IS NULL OR p.unit = $5) GROUP BY 1, 2 ORDER BY 1, 2`]:
      sums,
    [`SELECT (p.at - $2::bigint) / $4::bigint AS slot, p.unit, v.value, sum(v.count) AS count
     FROM metric_points p JOIN metric_series s ON s.id = p.series_id CROSS JOIN LATERAL unnest(p."values", p.counts) AS v(value, count) WHERE s.identity = $1 AND p.at >= $2 AND p.at < $3 AND ($5::text IS NULL OR p.unit = $5) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`]:
      distribution,
    'DELETE FROM metric_points WHERE (resolution = 1 AND at < $1) OR (resolution = 60 AND at < $2)': dropOld,
    [`WITH gone AS (
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
       "values" = m."values" || excluded."values", counts = m.counts || excluded.counts`]: compact,
  },
};
