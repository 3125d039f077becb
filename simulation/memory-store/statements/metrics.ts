/** The statements of src/store/metrics.ts. */
import type { Row } from '../../../src/store/store.ts';
import { compareBytes } from '../bytes.ts';
import { conditionsOf } from '../conditions.ts';
import { metricPointKey } from '../disk.ts';
import { jsonText, jsonValue } from '../jsonb.ts';
import type { MetricPointRow, MetricSeriesRow } from '../rows.ts';
import type { Session } from '../session.ts';
import {
  list,
  onceEach,
  type Shape,
  type Statement,
  type StatementTable,
  text,
  textOrNull,
  whole,
} from '../statement.ts';
import type { Cell } from '../table.ts';

const touchSeries: Statement = (session, p) => {
  const { metricSeries } = session.disk;
  const at = (column: number, n: number): unknown => list(p[column])[n];
  const wanted = list(p[0]).map((identity, n) => ({
    identity: text(identity),
    account: text(at(1, n)),
    region: text(at(2, n)),
    namespace: text(at(3, n)),
    name: text(at(4, n)),
    dimensions: jsonText(at(5, n)),
    last_at: whole(at(6, n)),
  }));
  for (const { identity } of wanted) session.lock(metricSeries, identity);
  onceEach(wanted.map(({ identity }) => identity));
  return wanted.map((row) => {
    // Drawn in any case, as PostgreSQL does.
    const id = metricSeries.next();
    const before = session.read(metricSeries, row.identity);
    const saved: MetricSeriesRow =
      before === undefined ? { id, ...row } : { ...before, last_at: Math.max(before.last_at, row.last_at) };
    session.write(metricSeries, row.identity, saved);
    return { id: String(saved.id), identity: saved.identity };
  });
};

/** The text of a `double precision[]`. */
function numbers(value: unknown): number[] {
  const inside = text(value).slice(1, -1);
  return inside === '' ? [] : inside.split(',').map(Number);
}

const addPoints: Statement = (session, p) => {
  const at = (column: number, n: number): unknown => list(p[column])[n];
  const points = list(p[0]).map((series, n) => ({
    series_id: whole(series),
    at: whole(at(1, n)),
    unit: text(at(2, n)),
    resolution: whole(at(3, n)),
    chunk: whole(at(4, n)),
    samples: Number(at(5, n)),
    sum: Number(at(6, n)),
    minimum: Number(at(7, n)),
    maximum: Number(at(8, n)),
    values: numbers(at(9, n)),
    counts: numbers(at(10, n)),
  }));
  save(session, points);
  return [];
};

/** Adds the points to those that are there already. */
function save(session: Session, points: readonly MetricPointRow[]): void {
  const { metricPoints } = session.disk;
  const keys = points.map(metricPointKey);
  onceEach(keys);
  for (const key of keys) session.lock(metricPoints, key);
  for (const point of points) {
    const key = metricPointKey(point);
    const before = session.read(metricPoints, key);
    session.write(metricPoints, key, before === undefined ? point : joined(before, point));
  }
}

function joined(a: MetricPointRow, b: MetricPointRow): MetricPointRow {
  return {
    ...a,
    samples: a.samples + b.samples,
    sum: a.sum + b.sum,
    minimum: Math.min(a.minimum, b.minimum),
    maximum: Math.max(a.maximum, b.maximum),
    values: [...a.values, ...b.values],
    counts: [...a.counts, ...b.counts],
  };
}

/** The points of a read (identity, from, until, period, unit), in order of time. */
function pointsOf(session: Session, p: readonly unknown[]): MetricPointRow[] {
  const { metricPoints, metricPointsBySeries, metricSeries } = session.disk;
  const series = session.read(metricSeries, text(p[0]));
  if (series === undefined) return [];
  const [from, until, unit] = [whole(p[1]), whole(p[2]), textOrNull(p[4])];
  const group = metricPointsBySeries.group(String(series.id), '');
  const cells: Cell<MetricPointRow>[] = [];
  if (group !== undefined) {
    for (let at = group.from((row) => row.at < from); at < group.cells.length; at++) {
      const cell = group.cells[at] as Cell<MetricPointRow>;
      if (cell.row.at >= until) break;
      cells.push(cell);
    }
  }
  return session
    .select(
      metricPoints,
      cells,
      (row) => row.series_id === series.id && row.at >= from && row.at < until && (unit === null || row.unit === unit),
    )
    .sort((a, b) => a.at - b.at);
}

const readSlots: Statement = (session, p) => {
  const [from, period] = [whole(p[1]), whole(p[3])];
  const slots = new Map<
    string,
    { slot: number; unit: string; samples: number; sum: number; minimum: number; maximum: number }
  >();
  for (const point of pointsOf(session, p)) {
    const slot = Math.trunc((point.at - from) / period);
    const key = `${slot} ${point.unit}`;
    const { unit, samples, sum, minimum, maximum } = point;
    const found = slots.get(key);
    if (found === undefined) slots.set(key, { slot, unit, samples, sum, minimum, maximum });
    else {
      found.samples += samples;
      found.sum += sum;
      found.minimum = Math.min(found.minimum, minimum);
      found.maximum = Math.max(found.maximum, maximum);
    }
  }
  return [...slots.values()].sort((a, b) => a.slot - b.slot || compareBytes(a.unit, b.unit));
};

const readDistributions: Statement = (session, p) => {
  const [from, period] = [whole(p[1]), whole(p[3])];
  const found = new Map<string, { slot: number; unit: string; value: number; count: number }>();
  for (const point of pointsOf(session, p)) {
    const slot = Math.trunc((point.at - from) / period);
    for (const [n, value] of point.values.entries()) {
      const key = `${slot} ${value} ${point.unit}`;
      const pair = found.get(key);
      const count = point.counts[n] ?? 0;
      if (pair === undefined) found.set(key, { slot, unit: point.unit, value, count });
      else pair.count += count;
    }
  }
  return [...found.values()].sort((a, b) => a.slot - b.slot || compareBytes(a.unit, b.unit) || a.value - b.value);
};

const listSeries: Shape = (sql) => {
  const match =
    /^SELECT id::text AS id, namespace, name, dimensions FROM metric_series WHERE (.+) ORDER BY metric_series\.id LIMIT \$4$/.exec(
      sql,
    );
  const conditions = match === null ? undefined : conditionsOf<MetricSeriesRow>(match[1] as string);
  if (conditions === undefined) return undefined;
  return (session, p): Row[] =>
    session
      .scan(session.disk.metricSeries, (row) => conditions(row, p))
      .sort((a, b) => a.id - b.id)
      .slice(0, whole(p[3]))
      .map(({ id, namespace, name, dimensions }) => ({
        id: String(id),
        namespace,
        name,
        dimensions: jsonValue(dimensions),
      }));
};

const dropOld: Statement = (session, p) => {
  const [fine, standard] = [whole(p[0]), whole(p[1])];
  const { metricPoints } = session.disk;
  session.remove(
    metricPoints,
    session.scan(
      metricPoints,
      (row) => (row.resolution === 1 && row.at < fine) || (row.resolution === 60 && row.at < standard),
    ),
  );
  return [];
};

const compact: Statement = (session, p) => {
  const [from, to, secondsToo] = [whole(p[0]), whole(p[1]), p[2] === true];
  const { metricPoints } = session.disk;
  const gone = session
    .scan(
      metricPoints,
      (row) => row.at >= from && row.at < to && row.chunk >= 0 && (row.resolution === 60 || secondsToo),
    )
    .sort((a, b) => a.at - b.at);
  const minutes = new Map<string, MetricPointRow>();
  for (const row of gone) {
    const minute = { ...row, at: row.at - (row.at % 60_000), resolution: 60, chunk: -1 };
    const key = metricPointKey(minute);
    const before = minutes.get(key);
    minutes.set(key, before === undefined ? minute : joined(before, minute));
  }
  for (const row of gone) session.lock(metricPoints, metricPointKey(row));
  for (const key of minutes.keys()) session.lock(metricPoints, key);
  session.remove(metricPoints, gone);
  save(session, [...minutes.values()].map(distributed));
  return [];
};

/** Each value once, in order. */
function distributed(point: MetricPointRow): MetricPointRow {
  const counts = new Map<number, number>();
  for (const [n, value] of point.values.entries()) counts.set(value, (counts.get(value) ?? 0) + (point.counts[n] ?? 0));
  const pairs = [...counts].sort(([a], [b]) => a - b);
  return { ...point, values: pairs.map(([value]) => value), counts: pairs.map(([, count]) => count) };
}

const SLOT = '(p.at - $2::bigint) / $4::bigint';
const FROM = 'FROM metric_points p JOIN metric_series s ON s.id = p.series_id';
const WHERE = 'WHERE s.identity = $1 AND p.at >= $2 AND p.at < $3 AND ($5::text IS NULL OR p.unit = $5)';
const ADDED = `ON CONFLICT (series_id, at, unit, resolution, chunk) DO UPDATE SET
  samples = m.samples + excluded.samples, sum = m.sum + excluded.sum,
  minimum = least(m.minimum, excluded.minimum), maximum = greatest(m.maximum, excluded.maximum),
  "values" = m."values" || excluded."values", counts = m.counts || excluded.counts`;
const INSERT =
  'INSERT INTO metric_points AS m (series_id, at, unit, resolution, chunk, samples, sum, minimum, maximum, "values", counts)';

export const metrics: StatementTable = {
  texts: {
    [`INSERT INTO metric_series (identity, account, region, namespace, name, dimensions, last_at)
      SELECT s.identity, s.account, s.region, s.namespace, s.name, s.dimensions::jsonb, s.at
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
      AS s(identity, account, region, namespace, name, dimensions, at)
      ON CONFLICT (identity) DO UPDATE SET last_at = greatest(metric_series.last_at, excluded.last_at)
      RETURNING id::text AS id, identity`]: touchSeries,
    [`${INSERT}
      SELECT p.series_id, p.at, p.unit, p.resolution, p.chunk, p.samples, p.sum, p.minimum, p.maximum,
      p."values"::double precision[], p.counts::double precision[]
      FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::smallint[], $6::double precision[],
      $7::double precision[], $8::double precision[], $9::double precision[], $10::text[], $11::text[])
      AS p(series_id, at, unit, resolution, chunk, samples, sum, minimum, maximum, "values", counts)
      ${ADDED}`]: addPoints,
    [`SELECT ${SLOT} AS slot, p.unit, sum(p.samples) AS samples, sum(p.sum) AS sum, min(p.minimum) AS minimum, max(p.maximum) AS maximum
      ${FROM} ${WHERE} GROUP BY 1, 2 ORDER BY 1, 2`]: readSlots,
    [`SELECT ${SLOT} AS slot, p.unit, v.value, sum(v.count) AS count
      ${FROM} CROSS JOIN LATERAL unnest(p."values", p.counts) AS v(value, count) ${WHERE} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`]:
      readDistributions,
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
      ${INSERT}
      SELECT s.series_id, s.at, s.unit, 60, -1, s.samples, s.sum, s.minimum, s.maximum,
      coalesce(d."values", '{}'), coalesce(d.counts, '{}')
      FROM summed s LEFT JOIN distribution d ON d.series_id = s.series_id AND d.at = s.at AND d.unit = s.unit
      ${ADDED}`]: compact,
  },
  shapes: [listSeries],
};
