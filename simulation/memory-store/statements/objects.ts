/** The statements of src/store/objects.ts: S3's object versions, and the advisory locks that their writers hold. */
import type { Row } from '../../../src/store/store.ts';
import { compareBytes } from '../bytes.ts';
import { conditionsOf } from '../conditions.ts';
import { failure, jsonText, jsonValue } from '../jsonb.ts';
import type { ObjectRow } from '../rows.ts';
import type { Session } from '../session.ts';
import { DONE, type Shape, type Statement, type StatementTable, text, whole } from '../statement.ts';
import type { Cell } from '../table.ts';

const LISTED = 'key, version_id, sequence, is_latest, delete_marker, bytes, etag, modified_at, facts';
const OF_KEY = 'bucket = $1 AND key = $2';

const lock =
  (space: number, mode: 'Exclusive' | 'Shared'): Statement =>
  (session, p) => {
    session.lockName(`advisory\n${space}\n${text(p[0])}`, mode);
    return [{ locked: '' }];
  };

function listed(row: ObjectRow): Row {
  const { key, version_id, sequence, is_latest, delete_marker, bytes, etag, modified_at } = row;
  const facts = jsonValue(row.facts);
  return { key, version_id, sequence, is_latest, delete_marker, bytes, etag, modified_at, facts };
}

function complete(row: ObjectRow): Row {
  return { ...listed(row), segments: jsonValue(row.segments) };
}

/** The versions of a key, in no order. */
function versionsOf(
  session: Session,
  p: readonly unknown[],
  where: (row: ObjectRow) => boolean = () => true,
): ObjectRow[] {
  const { objects, objectsByKey } = session.disk;
  const [bucket, key] = [text(p[0]), text(p[1])];
  const group = objectsByKey.group(bucket, '');
  const cells: Cell<ObjectRow>[] = [];
  if (group !== undefined) {
    for (let at = group.from((row) => compareBytes(row.key, key) < 0); at < group.cells.length; at++) {
      const cell = group.cells[at] as Cell<ObjectRow>;
      if (cell.row.key !== key) break;
      cells.push(cell);
    }
  }
  return session.select(objects, cells, (row) => row.bucket === bucket && row.key === key && where(row));
}

function version(session: Session, p: readonly unknown[]): ObjectRow | undefined {
  return session.read(session.disk.objects, `${text(p[0])}\n${text(p[2])}\n${text(p[1])}`);
}

const getLatest: Statement = (session, p) => versionsOf(session, p, (row) => row.is_latest).map(complete);

const getVersion: Statement = (session, p) => {
  const row = version(session, p);
  return row === undefined ? [] : [complete(row)];
};

const removeForSegments: Statement = (session, p) =>
  removed(session, p).map(({ segments }) => ({ segments: jsonValue(segments) }));

const remove: Statement = (session, p) => removed(session, p).map(complete);

function removed(session: Session, p: readonly unknown[]): ObjectRow[] {
  const row = version(session, p);
  const rows = row === undefined ? [] : [row];
  session.remove(session.disk.objects, rows);
  return rows;
}

const noLatest: Statement = (session, p) => {
  const rows = versionsOf(session, p, (row) => row.is_latest);
  session.update(session.disk.objects, rows, (row) => ({ ...row, is_latest: false }));
  return [];
};

const insert: Statement = (session, p) => {
  const { objects } = session.disk;
  const [bucket, key, version_id] = [text(p[0]), text(p[1]), text(p[2])];
  session.lockName(`objects_latest\n${bucket}\n${key}`);
  const row = {
    bucket,
    key,
    version_id,
    is_latest: true,
    delete_marker: p[3] === true,
    bytes: whole(p[4]),
    etag: text(p[5]),
    modified_at: whole(p[6]),
    facts: jsonText(p[7]),
    segments: jsonText(p[8]),
  };
  session.lock(objects, objects.keyOf({ ...row, sequence: 0 }));
  if (version(session, p) !== undefined) throw failure('23505', 'duplicate key value violates "objects_pkey"');
  if (versionsOf(session, p, (other) => other.is_latest).length > 0)
    throw failure('23505', 'duplicate key value violates unique constraint "objects_latest"');
  const sequence = objects.next();
  session.write(objects, objects.keyOf({ ...row, sequence }), { ...row, sequence });
  return [{ sequence }];
};

const setFacts: Statement = (session, p) => {
  const facts = jsonText(p[3]);
  const row = version(session, p);
  if (row === undefined) return [];
  return session.update(session.disk.objects, [row], (before) => ({ ...before, facts })).map(() => DONE);
};

const newestIsLatest: Statement = (session, p) => {
  const [newest] = versionsOf(session, p).sort((a, b) => b.sequence - a.sequence);
  if (newest !== undefined) session.update(session.disk.objects, [newest], (row) => ({ ...row, is_latest: true }));
  return [];
};

const hasAny: Statement = (session, p) => {
  const { objects, objectsByKey } = session.disk;
  const bucket = text(p[0]);
  const cells = objectsByKey.group(bucket, '')?.cells ?? [];
  if (!session.hasWritten(objects)) return cells.length === 0 ? [] : [{ found: 1 }];
  return session.select(objects, cells, (row) => row.bucket === bucket).length === 0 ? [] : [{ found: 1 }];
};

/** A batch of a listing: from a key on, in order of the keys and, newest first, their versions. */
const list: Shape = (sql) => {
  const match = new RegExp(
    `^SELECT ${LISTED} FROM objects WHERE bucket = \\$1 (AND .+) ORDER BY key(?:, sequence DESC)? LIMIT (\\d+)$`,
  ).exec(sql);
  const conditions = match === null ? undefined : conditionsOf<ObjectRow>((match[1] as string).replace(/^AND /, ''));
  if (match === null || conditions === undefined) return undefined;
  const end = /key < \$(\d+)/.exec(match[1] as string)?.[1];
  const most = Number(match[2]);
  return (session, p) => {
    const { objects, objectsByKey } = session.disk;
    const bucket = text(p[0]);
    const group = objectsByKey.group(bucket, '');
    if (session.hasWritten(objects))
      return session
        .select(objects, group?.cells ?? [], (row) => row.bucket === bucket && conditions(row, p))
        .sort((a, b) => compareBytes(a.key, b.key) || b.sequence - a.sequence)
        .slice(0, most)
        .map(listed);
    const found: Row[] = [];
    if (group === undefined) return found;
    const [prefix, start] = [text(p[1]), text(p[2])];
    const first = compareBytes(prefix, start) > 0 ? prefix : start;
    const behind = end === undefined ? undefined : text(p[Number(end) - 1]);
    for (
      let at = group.from((row) => compareBytes(row.key, first) < 0);
      at < group.cells.length && found.length < most;
      at++
    ) {
      const { row } = group.cells[at] as Cell<ObjectRow>;
      if (behind !== undefined && compareBytes(row.key, behind) >= 0) break;
      if (conditions(row, p)) found.push(listed(row));
    }
    return found;
  };
};

export const objects: StatementTable = {
  texts: {
    'SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 20))::text AS locked': lock(20, 'Shared'),
    'SELECT pg_advisory_xact_lock(hashtextextended($1, 20))::text AS locked': lock(20, 'Exclusive'),
    'SELECT pg_advisory_xact_lock(hashtextextended($1, 21))::text AS locked': lock(21, 'Exclusive'),
    [`SELECT ${LISTED}, segments FROM objects WHERE ${OF_KEY} AND is_latest`]: getLatest,
    [`SELECT ${LISTED}, segments FROM objects WHERE ${OF_KEY} AND version_id = $3`]: getVersion,
    [`DELETE FROM objects WHERE ${OF_KEY} AND version_id = $3 RETURNING segments`]: removeForSegments,
    [`UPDATE objects SET is_latest = false WHERE ${OF_KEY} AND is_latest`]: noLatest,
    [`INSERT INTO objects (bucket, key, version_id, is_latest, delete_marker, bytes, etag, modified_at, facts, segments)
      VALUES ($1, $2, $3, true, $4, $5, $6, $7, $8::jsonb, $9::jsonb) RETURNING sequence`]: insert,
    [`UPDATE objects SET facts = $4::jsonb WHERE ${OF_KEY} AND version_id = $3 RETURNING 1 AS done`]: setFacts,
    [`DELETE FROM objects WHERE ${OF_KEY} AND version_id = $3 RETURNING ${LISTED}, segments`]: remove,
    [`UPDATE objects SET is_latest = true WHERE ${OF_KEY} AND version_id =
      (SELECT version_id FROM objects WHERE ${OF_KEY} ORDER BY sequence DESC LIMIT 1)`]: newestIsLatest,
    'SELECT 1 AS found FROM objects WHERE bucket = $1 LIMIT 1': hasAny,
  },
  shapes: [list],
};
