/** The statements of src/store/objects.ts, but for listings of keys. */
import type { Row } from '../../../src/store/store.ts';
import { objectKey } from '../disk.ts';
import { jsonText, jsonValue } from '../jsonb.ts';
import type { ObjectRow } from '../rows.ts';
import type { Session } from '../session.ts';
import { DONE, type Statement, type StatementTable, text, whole } from '../statement.ts';

const LISTED = 'key, version_id, sequence, is_latest, delete_marker, bytes, etag, modified_at, facts';

function shown(row: ObjectRow): Row {
  return { ...row, facts: jsonValue(row.facts), segments: jsonValue(row.segments) };
}

function versionsOf(session: Session, bucket: unknown, key: unknown): ObjectRow[] {
  const { objects, objectVersions } = session.disk;
  const [wantedBucket, wantedKey] = [text(bucket), text(key)];
  return session.select(
    objects,
    objectVersions.cells(`${wantedBucket}/${wantedKey}`),
    (row) => row.bucket === wantedBucket && row.key === wantedKey,
  );
}

const ofVersion = (p: readonly unknown[]): string =>
  objectKey({ bucket: text(p[0]), key: text(p[1]), version_id: text(p[2]) });

const latest: Statement = (session, p) =>
  versionsOf(session, p[0], p[1])
    .filter((row) => row.is_latest)
    .map(shown);

const version: Statement = (session, p) => {
  const row = session.read(session.disk.objects, ofVersion(p));
  return row === undefined ? [] : [shown(row)];
};

const removeVersion: Statement = (session, p) => {
  const row = session.read(session.disk.objects, ofVersion(p));
  if (row === undefined) return [];
  session.remove(session.disk.objects, [row]);
  return [shown(row)];
};

const notLatest: Statement = (session, p) => {
  const rows = versionsOf(session, p[0], p[1]).filter((row) => row.is_latest);
  session.update(session.disk.objects, rows, (row) => ({ ...row, is_latest: false }));
  return [];
};

const insert: Statement = (session, p) => {
  const { objects } = session.disk;
  const key = ofVersion(p);
  const [facts, segments] = [jsonText(p[7]), jsonText(p[8])];
  session.lock(objects, key);
  if (session.read(objects, key) !== undefined) throw new Error(`objects: ${key} is there already`);
  const sequence = objects.next();
  session.write(objects, key, {
    bucket: text(p[0]),
    key: text(p[1]),
    version_id: text(p[2]),
    sequence,
    is_latest: true,
    delete_marker: p[3] === true,
    bytes: whole(p[4]),
    etag: text(p[5]),
    modified_at: whole(p[6]),
    facts,
    segments,
  });
  return [{ sequence }];
};

const setFacts: Statement = (session, p) => {
  const row = session.read(session.disk.objects, ofVersion(p));
  const facts = jsonText(p[3]);
  if (row === undefined) return [];
  session.update(session.disk.objects, [row], (each) => ({ ...each, facts }));
  return [DONE];
};

const newestIsLatest: Statement = (session, p) => {
  const newest = versionsOf(session, p[0], p[1]).sort((a, b) => b.sequence - a.sequence)[0];
  if (newest !== undefined) session.update(session.disk.objects, [newest], (row) => ({ ...row, is_latest: true }));
  return [];
};

const any: Statement = (session, p) => {
  const bucket = text(p[0]);
  const { objects, objectsByBucket } = session.disk;
  return session.select(objects, objectsByBucket.cells(bucket), (row) => row.bucket === bucket).length > 0
    ? [{ found: 1 }]
    : [];
};

const LOCKED: Row = Object.freeze({ locked: '' });
const lock =
  (space: number, mode: 'Exclusive' | 'Shared'): Statement =>
  (session, p) => {
    session.lockName(`advisory ${space} ${text(p[0])}`, mode);
    return [LOCKED];
  };

export const objects: StatementTable = {
  texts: {
    'SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 20))::text AS locked': lock(20, 'Shared'),
    'SELECT pg_advisory_xact_lock(hashtextextended($1, 20))::text AS locked': lock(20, 'Exclusive'),
    'SELECT pg_advisory_xact_lock(hashtextextended($1, 21))::text AS locked': lock(21, 'Exclusive'),
    [`SELECT ${LISTED}, segments FROM objects WHERE bucket = $1 AND key = $2 AND is_latest`]: latest,
    [`SELECT ${LISTED}, segments FROM objects WHERE bucket = $1 AND key = $2 AND version_id = $3`]: version,
    'DELETE FROM objects WHERE bucket = $1 AND key = $2 AND version_id = $3 RETURNING segments': removeVersion,
    'UPDATE objects SET is_latest = false WHERE bucket = $1 AND key = $2 AND is_latest': notLatest,
    [`INSERT INTO objects (bucket, key, version_id, is_latest, delete_marker, bytes, etag, modified_at, facts, segments)
       VALUES ($1, $2, $3, true, $4, $5, $6, $7, $8::jsonb, $9::jsonb) RETURNING sequence`]: insert,
    'UPDATE objects SET facts = $4::jsonb WHERE bucket = $1 AND key = $2 AND version_id = $3 RETURNING 1 AS done':
      setFacts,
    [`DELETE FROM objects WHERE bucket = $1 AND key = $2 AND version_id = $3 RETURNING ${LISTED}, segments`]:
      removeVersion,
    [`UPDATE objects SET is_latest = true WHERE bucket = $1 AND key = $2 AND version_id =
           (SELECT version_id FROM objects WHERE bucket = $1 AND key = $2 ORDER BY sequence DESC LIMIT 1)`]:
      newestIsLatest,
    'SELECT 1 AS found FROM objects WHERE bucket = $1 LIMIT 1': any,
  },
};
