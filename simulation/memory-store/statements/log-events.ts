/** The statements of src/store/log-events.ts. */
import type { Row } from '../../../src/store/store.ts';
import { conditionsOf } from '../conditions.ts';
import type { LogEventRow } from '../rows.ts';
import type { Session } from '../session.ts';
import {
  list,
  type Shape,
  type Statement,
  type StatementTable,
  text,
  textOrNull,
  whole,
  wholeOrNull,
} from '../statement.ts';

const append: Statement = (session, p) => {
  const { logEvents } = session.disk;
  const messages = list(p[3]);
  const [log_group, stream, ingested_at] = [text(p[0]), text(p[1]), whole(p[4])];
  for (const [n, at] of list(p[2]).entries()) {
    const row = { id: logEvents.next(), log_group, stream, at: whole(at), ingested_at, message: text(messages[n]) };
    session.write(logEvents, String(row.id), row);
  }
  return [];
};

function ofGroup(session: Session, group: string, where: (row: LogEventRow) => boolean): LogEventRow[] {
  const { logEvents, logEventsByGroup } = session.disk;
  const cells = logEventsByGroup.group(group, '')?.cells ?? [];
  return session.select(logEvents, cells, (row) => row.log_group === group && where(row));
}

const READ =
  /^SELECT id::text AS id, stream, at, ingested_at, message FROM \( SELECT id, stream, at, ingested_at, message, sum\(octet_length\(message\)\) OVER \(ORDER BY at (ASC|DESC), id \1\) - octet_length\(message\) AS before FROM \(SELECT \* FROM log_events WHERE (.+) ORDER BY at \1, id \1 LIMIT \$(\d+)\) AS found \) AS page WHERE \(before < \$(\d+)::bigint\) IS NOT FALSE ORDER BY at \1, page\.id \1$/;

const read: Shape = (sql) => {
  const match = READ.exec(sql);
  const conditions = match === null ? undefined : conditionsOf<LogEventRow>(match[2] as string);
  if (match === null || conditions === undefined) return undefined;
  const sign = match[1] === 'DESC' ? -1 : 1;
  const [limit, bytes] = [Number(match[3]) - 1, Number(match[4]) - 1];
  return (session, p) => {
    const found = ofGroup(session, text(p[0]), (row) => conditions(row, p))
      .sort((a, b) => sign * (a.at - b.at || a.id - b.id))
      .slice(0, whole(p[limit]));
    const most = wholeOrNull(p[bytes]);
    const page: Row[] = [];
    let before = 0;
    for (const { id, stream, at, ingested_at, message } of found) {
      if (most !== null && before >= most) break;
      before += Buffer.byteLength(message);
      page.push({ id: String(id), stream, at, ingested_at, message });
    }
    return page;
  };
};

const spans: Statement = (session, p) => {
  const wanted = new Set(list(p[1]));
  const found = new Map<string, { stream: string; first_at: number; last_at: number; ingested_at: number }>();
  for (const row of ofGroup(session, text(p[0]), ({ stream }) => wanted.has(stream))) {
    const span = found.get(row.stream);
    if (span === undefined)
      found.set(row.stream, { stream: row.stream, first_at: row.at, last_at: row.at, ingested_at: row.ingested_at });
    else {
      span.first_at = Math.min(span.first_at, row.at);
      span.last_at = Math.max(span.last_at, row.at);
      span.ingested_at = Math.max(span.ingested_at, row.ingested_at);
    }
  }
  return [...found.values()];
};

const remove: Statement = (session, p) => {
  const [stream, before] = [textOrNull(p[1]), wholeOrNull(p[2])];
  const matches = (row: LogEventRow): boolean =>
    (stream === null || row.stream === stream) && (before === null || row.at < before);
  session.remove(session.disk.logEvents, ofGroup(session, text(p[0]), matches));
  return [];
};

export const logEvents: StatementTable = {
  texts: {
    [`INSERT INTO log_events (log_group, stream, at, ingested_at, message)
      SELECT $1, $2, e.at, $5, e.message FROM unnest($3::bigint[], $4::text[]) WITH ORDINALITY AS e(at, message, n) ORDER BY e.n`]:
      append,
    [`SELECT stream, min(at) AS first_at, max(at) AS last_at, max(ingested_at) AS ingested_at FROM log_events
      WHERE log_group = $1 AND stream = ANY($2::text[]) GROUP BY stream`]: spans,
    'DELETE FROM log_events WHERE log_group = $1 AND ($2::text IS NULL OR stream = $2) AND ($3::bigint IS NULL OR at < $3)':
      remove,
  },
  shapes: [read],
};
