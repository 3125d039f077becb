/** Log events: appended many at a time, read in order of (timestamp, id) in either direction. */
import { type EpochMs, storableText } from '../common/index.ts';
import type { Queryable } from './store.ts';

export type LogEvent = Readonly<{ id: string; stream: string; at: EpochMs; ingestedAt: EpochMs; message: string }>;

/** A place in the order; exclusive in reads. */
export type LogCursor = Readonly<{ at: EpochMs; id: string }>;

export type LogRead = Readonly<{
  logGroup: string;
  /** Absent: every stream of the group. */
  streams?: readonly string[];
  streamPrefix?: string;
  /** Inclusive. */
  startAt?: EpochMs;
  /** Exclusive. */
  endAt?: EpochMs;
  after?: LogCursor;
  before?: LogCursor;
  /** Newest first. */
  descending?: boolean;
  limit: number;
  /** Fewer events where their messages have more bytes than this; one at least. */
  mostBytes?: number;
}>;

export async function appendLogEvents(
  q: Queryable,
  logGroup: string,
  stream: string,
  events: readonly Readonly<{ at: EpochMs; message: string }>[],
  ingestedAt: EpochMs,
): Promise<void> {
  if (events.length === 0) return;
  await q.query(
    `INSERT INTO log_events (log_group, stream, at, ingested_at, message)
     SELECT $1, $2, e.at, $5, e.message FROM unnest($3::bigint[], $4::text[]) WITH ORDINALITY AS e(at, message, n) ORDER BY e.n`,
    [logGroup, stream, events.map((event) => event.at), events.map((event) => storableText(event.message)), ingestedAt],
  );
}

export async function readLogEvents(q: Queryable, read: LogRead): Promise<LogEvent[]> {
  const parameters: unknown[] = [read.logGroup];
  const bind = (value: unknown): string => `$${parameters.push(value)}`;
  const where = ['log_group = $1'];
  if (read.streams !== undefined) where.push(`stream = ANY(${bind([...read.streams])}::text[])`);
  if (read.streamPrefix !== undefined) where.push(`starts_with(stream, ${bind(read.streamPrefix)})`);
  if (read.startAt !== undefined) where.push(`at >= ${bind(read.startAt)}`);
  if (read.endAt !== undefined) where.push(`at < ${bind(read.endAt)}`);
  if (read.after !== undefined) where.push(`(at, id) > (${bind(read.after.at)}, ${bind(read.after.id)})`);
  if (read.before !== undefined) where.push(`(at, id) < (${bind(read.before.at)}, ${bind(read.before.id)})`);
  const direction = read.descending === true ? 'DESC' : 'ASC';
  const rows = await q.query<{
    id: string;
    stream: string;
    at: string | number;
    ingested_at: string | number;
    message: string;
  }>(
    // The column, not the text of the same name that is selected: as texts, 10 comes before 9.
    `SELECT id::text AS id, stream, at, ingested_at, message FROM (
       SELECT id, stream, at, ingested_at, message, sum(octet_length(message)) OVER (ORDER BY at ${direction}, id ${direction}) - octet_length(message) AS before
       FROM (SELECT * FROM log_events WHERE ${where.join(' AND ')} ORDER BY at ${direction}, id ${direction} LIMIT ${bind(read.limit)}) AS found
     ) AS page WHERE (before < ${bind(read.mostBytes ?? null)}::bigint) IS NOT FALSE ORDER BY at ${direction}, page.id ${direction}`,
    parameters,
  );
  return rows.map((row) => ({
    id: row.id,
    stream: row.stream,
    at: Number(row.at),
    ingestedAt: Number(row.ingested_at),
    message: row.message,
  }));
}

/** First and last event and the last ingestion of each stream that has any. */
export async function logStreamSpans(
  q: Queryable,
  logGroup: string,
  streams: readonly string[],
): Promise<ReadonlyMap<string, Readonly<{ firstAt: EpochMs; lastAt: EpochMs; lastIngestedAt: EpochMs }>>> {
  const rows = await q.query<{ stream: string; first_at: string; last_at: string; ingested_at: string }>(
    `SELECT stream, min(at) AS first_at, max(at) AS last_at, max(ingested_at) AS ingested_at FROM log_events
     WHERE log_group = $1 AND stream = ANY($2::text[]) GROUP BY stream`,
    [logGroup, [...streams]],
  );
  return new Map(
    rows.map((row) => [
      row.stream,
      { firstAt: Number(row.first_at), lastAt: Number(row.last_at), lastIngestedAt: Number(row.ingested_at) },
    ]),
  );
}

export async function deleteLogEvents(
  q: Queryable,
  logGroup: string,
  options: Readonly<{ stream?: string; before?: EpochMs }> = {},
): Promise<void> {
  await q.query(
    'DELETE FROM log_events WHERE log_group = $1 AND ($2::text IS NULL OR stream = $2) AND ($3::bigint IS NULL OR at < $3)',
    [logGroup, options.stream ?? null, options.before ?? null],
  );
}
