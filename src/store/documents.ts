/**
 * Documents: the one way services keep their resources. A document is JSON under (kind, account, region, id), with an
 * optional `parent` (what it is listed under) and a `sort` key (the order in that list, compared byte by byte).
 * Global resources (an S3 bucket, an IAM role) use region `''`; truly global ones (an access key) account `''` too.
 * The state of every control loop (engine) is a document as well, so a service lists and reads it like any other.
 *
 * Shape of `kind`: `service.resource`, for example `codepipeline.pipeline`.
 */
import type { Queryable } from './store.ts';

export type DocumentKey = Readonly<{ account: string; region: string; id: string }>;

export type Stored<T> = Readonly<{
  key: DocumentKey;
  document: T;
  /** 1 when inserted, plus one at each update. */
  version: number;
  parent: string;
  sort: string;
}>;

export type Placement = Readonly<{ parent?: string; sort?: string }>;

export type ListOptions = Readonly<{
  account?: string;
  region?: string;
  parent?: string;
  /** Only ids that start with this. */
  idPrefix?: string;
  /** Exclusive: continue after this document in the chosen order (its `sort` and `id`). */
  after?: Readonly<{ sort: string; id: string }>;
  descending?: boolean;
  /** Absent: all. */
  limit?: number;
}>;

/** A typed view of one kind. Create it once at module level: `const pipelines = collection<Pipeline>('codepipeline.pipeline')`. */
export class Collection<T> {
  readonly kind: string;

  constructor(kind: string) {
    this.kind = kind;
  }

  async get(q: Queryable, key: DocumentKey): Promise<Stored<T> | undefined> {
    const rows = await q.query<DocumentRow>(`${SELECT} WHERE kind = $1 AND account = $2 AND region = $3 AND id = $4`, [
      this.kind,
      key.account,
      key.region,
      key.id,
    ]);
    return rows[0] && stored<T>(rows[0]);
  }

  /** As `get`, and locks the row until the transaction ends. */
  async getForUpdate(q: Queryable, key: DocumentKey): Promise<Stored<T> | undefined> {
    const rows = await q.query<DocumentRow>(
      `${SELECT} WHERE kind = $1 AND account = $2 AND region = $3 AND id = $4 FOR UPDATE`,
      [this.kind, key.account, key.region, key.id],
    );
    return rows[0] && stored<T>(rows[0]);
  }

  async getMany(
    q: Queryable,
    scope: Readonly<{ account: string; region: string }>,
    ids: readonly string[],
  ): Promise<Stored<T>[]> {
    if (ids.length === 0) return [];
    const rows = await q.query<DocumentRow>(
      `${SELECT} WHERE kind = $1 AND account = $2 AND region = $3 AND id = ANY($4::text[])`,
      [this.kind, scope.account, scope.region, [...ids]],
    );
    return rows.map((row) => stored<T>(row));
  }

  /** False, and nothing written, when the key is taken. `sort` defaults to the id. */
  async insert(q: Queryable, key: DocumentKey, document: T, placement: Placement = {}): Promise<boolean> {
    const rows = await q.query(
      `INSERT INTO documents (kind, account, region, id, parent, sort, version, document)
       VALUES ($1, $2, $3, $4, $5, $6, 1, $7::jsonb) ON CONFLICT DO NOTHING RETURNING 1 AS done`,
      [
        this.kind,
        key.account,
        key.region,
        key.id,
        placement.parent ?? '',
        placement.sort ?? key.id,
        JSON.stringify(document),
      ],
    );
    return rows.length === 1;
  }

  /**
   * Replaces the document. False, and nothing written, when it does not exist or `expectedVersion` is given and the
   * stored version is another. `parent` and `sort` stay unless given.
   */
  async update(
    q: Queryable,
    key: DocumentKey,
    document: T,
    options: Placement & Readonly<{ expectedVersion?: number }> = {},
  ): Promise<boolean> {
    const rows = await q.query(
      `UPDATE documents SET document = $5::jsonb, version = version + 1, parent = coalesce($6, parent), sort = coalesce($7, sort)
       WHERE kind = $1 AND account = $2 AND region = $3 AND id = $4 AND ($8::bigint IS NULL OR version = $8) RETURNING 1 AS done`,
      [
        this.kind,
        key.account,
        key.region,
        key.id,
        JSON.stringify(document),
        options.parent ?? null,
        options.sort ?? null,
        options.expectedVersion ?? null,
      ],
    );
    return rows.length === 1;
  }

  /** Inserts or replaces. */
  async put(q: Queryable, key: DocumentKey, document: T, placement: Placement = {}): Promise<void> {
    await q.query(
      `INSERT INTO documents (kind, account, region, id, parent, sort, version, document)
       VALUES ($1, $2, $3, $4, coalesce($5, ''), coalesce($6, $4), 1, $7::jsonb)
       ON CONFLICT (kind, account, region, id) DO UPDATE SET document = excluded.document, version = documents.version + 1,
         parent = coalesce($5, documents.parent), sort = coalesce($6, documents.sort)`,
      [
        this.kind,
        key.account,
        key.region,
        key.id,
        placement.parent ?? null,
        placement.sort ?? null,
        JSON.stringify(document),
      ],
    );
  }

  /** As `put`, for several documents of different keys, in one statement. `sort` defaults to the id. */
  async putMany(
    q: Queryable,
    entries: readonly Readonly<{ key: DocumentKey; document: T; placement?: Placement }>[],
  ): Promise<void> {
    if (entries.length === 0) return;
    await q.query(
      `INSERT INTO documents (kind, account, region, id, parent, sort, version, document)
       SELECT $1, k.account, k.region, k.id, k.parent, k.sort, 1, k.document::jsonb
       FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
         AS k(account, region, id, parent, sort, document)
       ON CONFLICT (kind, account, region, id) DO UPDATE SET document = excluded.document, version = documents.version + 1,
         parent = excluded.parent, sort = excluded.sort`,
      [
        this.kind,
        entries.map(({ key }) => key.account),
        entries.map(({ key }) => key.region),
        entries.map(({ key }) => key.id),
        entries.map(({ placement }) => placement?.parent ?? ''),
        entries.map(({ key, placement }) => placement?.sort ?? key.id),
        entries.map(({ document }) => JSON.stringify(document)),
      ],
    );
  }

  /** False when there was nothing to delete. */
  async delete(q: Queryable, key: DocumentKey): Promise<boolean> {
    const rows = await q.query(
      `DELETE FROM documents WHERE kind = $1 AND account = $2 AND region = $3 AND id = $4 RETURNING 1 AS done`,
      [this.kind, key.account, key.region, key.id],
    );
    return rows.length === 1;
  }

  /** Deletes all under a parent; returns how many. */
  async deleteUnder(
    q: Queryable,
    scope: Readonly<{ account: string; region: string }>,
    parent: string,
  ): Promise<number> {
    const rows = await q.query(
      `DELETE FROM documents WHERE kind = $1 AND account = $2 AND region = $3 AND parent = $4 RETURNING 1 AS done`,
      [this.kind, scope.account, scope.region, parent],
    );
    return rows.length;
  }

  /** Ordered by (sort, id), both byte by byte. */
  async list(q: Queryable, options: ListOptions = {}): Promise<Stored<T>[]> {
    const where = ['kind = $1'];
    const parameters: unknown[] = [this.kind];
    const bind = (value: unknown): string => `$${parameters.push(value)}`;
    if (options.account !== undefined) where.push(`account = ${bind(options.account)}`);
    if (options.region !== undefined) where.push(`region = ${bind(options.region)}`);
    if (options.parent !== undefined) where.push(`parent = ${bind(options.parent)}`);
    if (options.idPrefix !== undefined) where.push(`starts_with(id, ${bind(options.idPrefix)})`);
    if (options.after !== undefined) {
      where.push(
        `(sort, id) ${options.descending === true ? '<' : '>'} (${bind(options.after.sort)}, ${bind(options.after.id)})`,
      );
    }
    const direction = options.descending === true ? 'DESC' : 'ASC';
    const limit = options.limit === undefined ? '' : ` LIMIT ${bind(options.limit)}`;
    const rows = await q.query<DocumentRow>(
      `${SELECT} WHERE ${where.join(' AND ')} ORDER BY sort ${direction}, id ${direction}${limit}`,
      parameters,
    );
    return rows.map((row) => stored<T>(row));
  }

  async count(
    q: Queryable,
    options: Readonly<{ account?: string; region?: string; parent?: string }> = {},
  ): Promise<number> {
    const rows = await q.query<{ count: string }>(
      `SELECT count(*)::text AS count FROM documents WHERE kind = $1 AND ($2::text IS NULL OR account = $2)
         AND ($3::text IS NULL OR region = $3) AND ($4::text IS NULL OR parent = $4)`,
      [this.kind, options.account ?? null, options.region ?? null, options.parent ?? null],
    );
    return Number(rows[0]?.count ?? 0);
  }
}

export function collection<T>(kind: string): Collection<T> {
  return new Collection<T>(kind);
}

/** A `sort` key for a list in order of time: fixed width, so that byte order is time order. */
export function timeSort(at: number): string {
  return String(Math.max(0, Math.floor(at))).padStart(15, '0');
}

/** The next value, from 1, of a named counter; durable and gap-free within committed transactions. */
export async function nextInSequence(q: Queryable, name: string): Promise<number> {
  const rows = await q.query<{ value: string }>(
    `INSERT INTO counters (name, value) VALUES ($1, 1)
     ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value::text AS value`,
    [name],
  );
  return Number(rows[0]?.value);
}

type DocumentRow = {
  account: string;
  region: string;
  id: string;
  parent: string;
  sort: string;
  version: string | number;
  document: unknown;
};

const SELECT = 'SELECT account, region, id, parent, sort, version, document FROM documents';

function stored<T>(row: DocumentRow): Stored<T> {
  return {
    key: { account: row.account, region: row.region, id: row.id },
    document: row.document as T,
    version: Number(row.version),
    parent: row.parent,
    sort: row.sort,
  };
}

/** The number that `nextInSequence` gave last; 0 before the first. */
export async function lastInSequence(q: Queryable, name: string): Promise<number> {
  const rows = await q.query<{ value: string }>('SELECT value::text AS value FROM counters WHERE name = $1', [name]);
  return Number(rows[0]?.value ?? 0);
}
