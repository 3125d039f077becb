/**
 * Object versions: what S3 keeps of each version of each key. The bytes lie in blobs, named by `segments`.
 *
 * Invariants: at most one version of a key is the latest, and if the key has versions, exactly one is: the one that
 * came last. Writers hold the key's lock (`lockKey`) in their transaction, deleters of a bucket the bucket's.
 */
import { commonPrefixOf, successor } from '../core/key-listing/index.ts';
import type { Queryable, Row } from './store.ts';

export type ListedObject<Facts> = Readonly<{
  key: string;
  /** `null` for the version of an unversioned or suspended bucket. */
  versionId: string;
  /** Rises with each version of the key. */
  sequence: string;
  isLatest: boolean;
  deleteMarker: boolean;
  bytes: number;
  /** Without quotes; empty for a delete marker. */
  etag: string;
  modifiedAt: number;
  facts: Facts;
}>;

export type StoredObject<Facts, Segment> = ListedObject<Facts> & Readonly<{ segments: readonly Segment[] }>;

export type NewObject<Facts, Segment> = Omit<StoredObject<Facts, Segment>, 'sequence' | 'isLatest'>;

export type ListingEntry<Facts> =
  | Readonly<{ type: 'Object'; object: ListedObject<Facts> }>
  | Readonly<{ type: 'CommonPrefix'; prefix: string }>;

export type ListingOptions = Readonly<{
  bucket: string;
  prefix?: string | undefined;
  delimiter?: string | undefined;
  /**
   * Exclusive: continue after this key. A common prefix of this listing stands for all its keys. With `versionSequence`,
   * continue within the key, after that version.
   */
  after?: Readonly<{ key: string; versionSequence?: string | undefined }> | undefined;
  /** How many entries at most, common prefixes included. */
  limit: number;
}>;

const LISTED = 'key, version_id, sequence, is_latest, delete_marker, bytes, etag, modified_at, facts';

export class Objects<Facts, Segment> {
  /** Shared: the bucket stays while this transaction writes into it. Exclusive: nobody writes while it is deleted. */
  async lockBucket(tx: Queryable, bucket: string, mode: 'Shared' | 'Exclusive'): Promise<void> {
    const lock = mode === 'Shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
    await tx.query(`SELECT ${lock}(hashtextextended($1, 20))::text AS locked`, [bucket]);
  }

  /** One writer of a key at a time, until the transaction ends. */
  async lockKey(tx: Queryable, bucket: string, key: string): Promise<void> {
    await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 21))::text AS locked', [`${bucket}/${key}`]);
  }

  /** The latest version, which may be a delete marker. */
  async latest(q: Queryable, bucket: string, key: string): Promise<StoredObject<Facts, Segment> | undefined> {
    const rows = await q.query<ObjectRow>(
      `SELECT ${LISTED}, segments FROM objects WHERE bucket = $1 AND key = $2 AND is_latest`,
      [bucket, key],
    );
    return rows[0] && stored<Facts, Segment>(rows[0]);
  }

  async version(
    q: Queryable,
    bucket: string,
    key: string,
    versionId: string,
  ): Promise<StoredObject<Facts, Segment> | undefined> {
    const rows = await q.query<ObjectRow>(
      `SELECT ${LISTED}, segments FROM objects WHERE bucket = $1 AND key = $2 AND version_id = $3`,
      [bucket, key, versionId],
    );
    return rows[0] && stored<Facts, Segment>(rows[0]);
  }

  /**
   * Makes `object` the latest version of its key; one of the same version id is replaced. Returns its sequence and the
   * segments of the replaced one, which nothing names any more.
   */
  async put(
    tx: Queryable,
    bucket: string,
    object: NewObject<Facts, Segment>,
  ): Promise<Readonly<{ sequence: string; replaced: readonly Segment[] }>> {
    const gone = await tx.query<{ segments: Segment[] }>(
      'DELETE FROM objects WHERE bucket = $1 AND key = $2 AND version_id = $3 RETURNING segments',
      [bucket, object.key, object.versionId],
    );
    await tx.query('UPDATE objects SET is_latest = false WHERE bucket = $1 AND key = $2 AND is_latest', [
      bucket,
      object.key,
    ]);
    const rows = await tx.query<{ sequence: string | number }>(
      `INSERT INTO objects (bucket, key, version_id, is_latest, delete_marker, bytes, etag, modified_at, facts, segments)
       VALUES ($1, $2, $3, true, $4, $5, $6, $7, $8::jsonb, $9::jsonb) RETURNING sequence`,
      [
        bucket,
        object.key,
        object.versionId,
        object.deleteMarker,
        object.bytes,
        object.etag,
        object.modifiedAt,
        JSON.stringify(object.facts),
        JSON.stringify(object.segments),
      ],
    );
    return { sequence: String(rows[0]?.sequence), replaced: gone[0]?.segments ?? [] };
  }

  /** Replaces the facts of a version (its tags, for example); false when there is no such version. */
  async setFacts(tx: Queryable, bucket: string, key: string, versionId: string, facts: Facts): Promise<boolean> {
    const rows = await tx.query(
      `UPDATE objects SET facts = $4::jsonb WHERE bucket = $1 AND key = $2 AND version_id = $3 RETURNING 1 AS done`,
      [bucket, key, versionId, JSON.stringify(facts)],
    );
    return rows.length === 1;
  }

  /** Deletes a version; the newest of the rest becomes the latest. Undefined when there was none. */
  async remove(
    tx: Queryable,
    bucket: string,
    key: string,
    versionId: string,
  ): Promise<StoredObject<Facts, Segment> | undefined> {
    const rows = await tx.query<ObjectRow>(
      `DELETE FROM objects WHERE bucket = $1 AND key = $2 AND version_id = $3 RETURNING ${LISTED}, segments`,
      [bucket, key, versionId],
    );
    const gone = rows[0] && stored<Facts, Segment>(rows[0]);
    if (gone?.isLatest === true) {
      await tx.query(
        `UPDATE objects SET is_latest = true WHERE bucket = $1 AND key = $2 AND version_id =
           (SELECT version_id FROM objects WHERE bucket = $1 AND key = $2 ORDER BY sequence DESC LIMIT 1)`,
        [bucket, key],
      );
    }
    return gone;
  }

  /** True when the bucket has no version of anything. */
  async isEmpty(q: Queryable, bucket: string): Promise<boolean> {
    return (await q.query('SELECT 1 AS found FROM objects WHERE bucket = $1 LIMIT 1', [bucket])).length === 0;
  }

  /** Latest versions that are no delete markers, by key. */
  listLatest(q: Queryable, options: ListingOptions): Promise<Listing<Facts>> {
    return this.#list(q, options, 'AND is_latest AND NOT delete_marker', 'key');
  }

  /** Every version, delete markers too: by key, the newest of a key first. */
  listVersions(q: Queryable, options: ListingOptions): Promise<Listing<Facts>> {
    return this.#list(q, options, '', 'key, sequence DESC');
  }

  /**
   * Walks the keys in batches. A group's keys are skipped in the batch at hand; where a batch ends inside a group, the
   * next begins behind it, so that a group of a million keys costs one batch.
   */
  async #list(q: Queryable, options: ListingOptions, filter: string, order: string): Promise<Listing<Facts>> {
    const { bucket, prefix = '', delimiter, limit } = options;
    const entries: ListingEntry<Facts>[] = [];
    const prefixEnd = prefix === '' ? undefined : successor(prefix);
    let from = firstPosition(options);
    let group: string | undefined;
    while (from !== undefined) {
      const batchSize = Math.min(1000, limit + 1 - entries.length + (delimiter === undefined ? 0 : 100));
      const parameters: unknown[] = [bucket, prefix];
      const bind = (value: unknown): string => `$${parameters.push(value)}`;
      const start = bind(from.key);
      const rows: ObjectRow[] = await q.query<ObjectRow>(
        `SELECT ${LISTED} FROM objects WHERE bucket = $1 ${filter} AND key >= $2
           ${prefixEnd === undefined ? '' : `AND key < ${bind(prefixEnd)}`}
           AND ${
             from.versionSequence === undefined
               ? `key ${from.inclusive ? '>=' : '>'} ${start}`
               : `key >= ${start} AND (key > ${start} OR sequence < ${bind(from.versionSequence)}::bigint)`
           }
         ORDER BY ${order} LIMIT ${batchSize}`,
        parameters,
      );
      for (const row of rows) {
        const rowGroup = commonPrefixOf(row.key, prefix, delimiter);
        if (rowGroup !== undefined && rowGroup === group) continue;
        if (entries.length === limit) return { entries, more: true };
        group = rowGroup;
        entries.push(
          rowGroup === undefined
            ? { type: 'Object', object: listed<Facts>(row) }
            : { type: 'CommonPrefix', prefix: rowGroup },
        );
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < batchSize) break;
      from = nextPosition(last, commonPrefixOf(last.key, prefix, delimiter), order !== 'key');
    }
    return { entries, more: false };
  }
}

export type Listing<Facts> = Readonly<{ entries: readonly ListingEntry<Facts>[]; more: boolean }>;

type Position = Readonly<{ key: string; inclusive: boolean; versionSequence?: string | undefined }>;

/** Undefined: nothing comes after. */
function firstPosition({ prefix = '', delimiter, after }: ListingOptions): Position | undefined {
  if (after === undefined) return { key: prefix, inclusive: true };
  if (after.versionSequence === undefined && commonPrefixOf(after.key, prefix, delimiter) === after.key) {
    return behind(after.key);
  }
  return { key: after.key, inclusive: false, versionSequence: after.versionSequence };
}

function nextPosition(last: ObjectRow, group: string | undefined, byVersion: boolean): Position | undefined {
  if (group !== undefined) return behind(group);
  return { key: last.key, inclusive: false, ...(byVersion && { versionSequence: String(last.sequence) }) };
}

function behind(group: string): Position | undefined {
  const key = successor(group);
  return key === undefined ? undefined : { key, inclusive: true };
}

type ObjectRow = Row & {
  key: string;
  version_id: string;
  sequence: string | number;
  is_latest: boolean;
  delete_marker: boolean;
  bytes: string | number;
  etag: string;
  modified_at: string | number;
  facts: unknown;
  segments?: unknown;
};

function listed<Facts>(row: ObjectRow): ListedObject<Facts> {
  return {
    key: row.key,
    versionId: row.version_id,
    sequence: String(row.sequence),
    isLatest: row.is_latest,
    deleteMarker: row.delete_marker,
    bytes: Number(row.bytes),
    etag: row.etag,
    modifiedAt: Number(row.modified_at),
    facts: row.facts as Facts,
  };
}

function stored<Facts, Segment>(row: ObjectRow): StoredObject<Facts, Segment> {
  return { ...listed<Facts>(row), segments: row.segments as readonly Segment[] };
}
