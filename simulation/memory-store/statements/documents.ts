/** The statements of src/store/documents.ts: documents and counters. */
import type { Row } from '../../../src/store/store.ts';
import { compareBytes } from '../bytes.ts';
import { jsonText, jsonValue } from '../jsonb.ts';
import { type DocumentRow, keyText } from '../rows.ts';
import type { Session } from '../session.ts';
import {
  DONE,
  list,
  onceEach,
  type Shape,
  type Statement,
  type StatementTable,
  text,
  textOrNull,
  whole,
  wholeOrNull,
} from '../statement.ts';
import type { Cell, Sorted } from '../table.ts';

const SELECT = 'SELECT account, region, id, parent, sort, version, document FROM documents';
const KEY = 'kind = $1 AND account = $2 AND region = $3 AND id = $4';

export function documentKey(p: readonly unknown[]): string {
  return keyText(text(p[0]), text(p[1]), text(p[2]), text(p[3]));
}

function shown(row: DocumentRow): Row {
  return {
    account: row.account,
    region: row.region,
    id: row.id,
    parent: row.parent,
    sort: row.sort,
    version: row.version,
    document: jsonValue(row.document),
  };
}

const get: Statement = (session, p) => {
  const row = session.read(session.disk.documents, documentKey(p));
  return row === undefined ? [] : [shown(row)];
};

const getForUpdate: Statement = (session, p) => {
  const { documents } = session.disk;
  const key = documentKey(p);
  const row = session.read(documents, key);
  if (row === undefined) return [];
  session.lock(documents, key);
  return [shown(row)];
};

const getMany: Statement = (session, p) => {
  const rows: Row[] = [];
  for (const id of new Set(list(p[3]))) {
    const row = session.read(session.disk.documents, keyText(text(p[0]), text(p[1]), text(p[2]), text(id)));
    if (row !== undefined) rows.push(shown(row));
  }
  return rows;
};

const insert: Statement = (session, p) => {
  const { documents } = session.disk;
  const key = documentKey(p);
  const document = jsonText(p[6]);
  if (session.read(documents, key) !== undefined) return [];
  session.lock(documents, key);
  session.write(documents, key, {
    kind: text(p[0]),
    account: text(p[1]),
    region: text(p[2]),
    id: text(p[3]),
    parent: text(p[4]),
    sort: text(p[5]),
    version: 1,
    document,
  });
  return [DONE];
};

const update: Statement = (session, p) => {
  const { documents } = session.disk;
  const key = documentKey(p);
  const document = jsonText(p[4]);
  const expected = wholeOrNull(p[7]);
  const row = session.read(documents, key);
  if (row === undefined || (expected !== null && row.version !== expected)) return [];
  session.lock(documents, key);
  session.write(documents, key, {
    ...row,
    document,
    version: row.version + 1,
    parent: textOrNull(p[5]) ?? row.parent,
    sort: textOrNull(p[6]) ?? row.sort,
  });
  return [DONE];
};

const put: Statement = (session, p) => {
  const { documents } = session.disk;
  const key = documentKey(p);
  const document = jsonText(p[6]);
  const parent = textOrNull(p[4]);
  const sort = textOrNull(p[5]);
  session.lock(documents, key);
  const row = session.read(documents, key);
  session.write(documents, key, {
    kind: text(p[0]),
    account: text(p[1]),
    region: text(p[2]),
    id: text(p[3]),
    parent: parent ?? row?.parent ?? '',
    sort: sort ?? row?.sort ?? text(p[3]),
    version: (row?.version ?? 0) + 1,
    document,
  });
  return [];
};

const putMany: Statement = (session, p) => {
  const { documents } = session.disk;
  const kind = text(p[0]);
  const [accounts, regions, ids, parents, sorts, texts] = p.slice(1).map(list) as [
    readonly unknown[],
    readonly unknown[],
    readonly unknown[],
    readonly unknown[],
    readonly unknown[],
    readonly unknown[],
  ];
  const rows = ids.map((id, n) => ({
    kind,
    account: text(accounts[n]),
    region: text(regions[n]),
    id: text(id),
    parent: text(parents[n]),
    sort: text(sorts[n]),
    document: jsonText(texts[n]),
  }));
  const keys = rows.map((row) => keyText(row.kind, row.account, row.region, row.id));
  onceEach(keys);
  for (const key of keys) session.lock(documents, key);
  for (const [n, key] of keys.entries()) {
    const version = (session.read(documents, key)?.version ?? 0) + 1;
    session.write(documents, key, { ...(rows[n] as (typeof rows)[number]), version });
  }
  return [];
};

const remove: Statement = (session, p) => {
  const { documents } = session.disk;
  const row = session.read(documents, documentKey(p));
  if (row === undefined) return [];
  session.remove(documents, [row]);
  return [DONE];
};

const deleteUnder: Statement = (session, p) => {
  const { documents } = session.disk;
  const [kind, account, region, parent] = p.map(text) as [string, string, string, string];
  const rows = under(session, kind, { account, region, parent });
  session.remove(documents, rows);
  return rows.map(() => DONE);
};

const count: Statement = (session, p) => [
  { count: String(under(session, text(p[0]), { account: p[1], region: p[2], parent: p[3] }).length) },
];

type Scope = Readonly<{ account?: unknown; region?: unknown; parent?: unknown }>;

/** The lists that a scope takes in: one where it is whole, all of the kind that it does not rule out otherwise. */
function lists(session: Session, kind: string, scope: Scope): Sorted<DocumentRow>[] {
  const { documentsByList } = session.disk;
  if (scope.account != null && scope.region != null && scope.parent != null) {
    const group = documentsByList.group(kind, keyText(text(scope.account), text(scope.region), text(scope.parent), ''));
    return group === undefined ? [] : [group];
  }
  const found: Sorted<DocumentRow>[] = [];
  for (const group of documentsByList.groups(kind))
    if (isIn((group.cells[0] as Cell<DocumentRow>).row, scope)) found.push(group);
  return found;
}

function isIn(row: DocumentRow, scope: Scope): boolean {
  return (
    (scope.account == null || row.account === scope.account) &&
    (scope.region == null || row.region === scope.region) &&
    (scope.parent == null || row.parent === scope.parent)
  );
}

/** In no order. */
function under(session: Session, kind: string, scope: Scope): DocumentRow[] {
  const cells = lists(session, kind, scope).flatMap((group) => group.cells);
  return session.select(session.disk.documents, cells, (row) => row.kind === kind && isIn(row, scope));
}

const LIST = new RegExp(
  `^${SELECT} WHERE kind = \\$1` +
    '(?: AND account = \\$(?<account>\\d+))?(?: AND region = \\$(?<region>\\d+))?(?: AND parent = \\$(?<parent>\\d+))?' +
    '(?: AND starts_with\\(id, \\$(?<prefix>\\d+)\\))?' +
    '(?: AND \\(sort, id\\) (?<side>[<>]) \\(\\$(?<sort>\\d+), \\$(?<id>\\d+)\\))?' +
    ' ORDER BY sort (?<direction>ASC|DESC), id \\k<direction>(?: LIMIT \\$(?<limit>\\d+))?$',
);

/** `Collection.list`: the parts of its text that are there say what is asked. */
const listed: Shape = (sql) => {
  const match = LIST.exec(sql);
  if (match === null) return undefined;
  const groups = match.groups ?? {};
  const place = (name: string): number | undefined =>
    groups[name] === undefined ? undefined : Number(groups[name]) - 1;
  const [account, region, parent, prefix, sort, id, limit] = (
    ['account', 'region', 'parent', 'prefix', 'sort', 'id', 'limit'] as const
  ).map(place);
  const descending = groups['direction'] === 'DESC';
  if (groups['side'] !== undefined && (groups['side'] === '<') !== descending) return undefined;
  const value = (p: readonly unknown[], at: number | undefined): string | undefined =>
    at === undefined ? undefined : text(p[at]);
  return (session, p) => {
    const kind = text(p[0]);
    const scope = { account: value(p, account), region: value(p, region), parent: value(p, parent) };
    const start = value(p, prefix);
    const after = sort === undefined ? undefined : { sort: text(p[sort]), id: text(p[id as number]) };
    const most = limit === undefined ? Infinity : whole(p[limit]);
    const matches = (row: DocumentRow): boolean =>
      (start === undefined || row.id.startsWith(start)) &&
      (after === undefined || (descending ? order(row, after) < 0 : order(row, after) > 0));
    const groups = lists(session, kind, scope);
    if (groups.length <= 1 && !session.hasWritten(session.disk.documents))
      return inOrder(groups[0], after, descending, most, matches).map(shown);
    const cells = groups.flatMap((group) => group.cells);
    const rows = session
      .select(session.disk.documents, cells, (row) => row.kind === kind && isIn(row, scope) && matches(row))
      .sort(
        (a, b) =>
          (descending ? order(b, a) : order(a, b)) ||
          compareBytes(a.account, b.account) ||
          compareBytes(a.region, b.region),
      );
    return (rows.length > most ? rows.slice(0, most) : rows).map(shown);
  };
};

type Place = Readonly<{ sort: string; id: string }>;

function order(a: Place, b: Place): number {
  return compareBytes(a.sort, b.sort) || compareBytes(a.id, b.id);
}

/** One list, walked from where the page begins. */
function inOrder(
  group: Sorted<DocumentRow> | undefined,
  after: Place | undefined,
  descending: boolean,
  most: number,
  matches: (row: DocumentRow) => boolean,
): DocumentRow[] {
  if (group === undefined) return [];
  const { cells } = group;
  const found: DocumentRow[] = [];
  let at = descending ? cells.length - 1 : 0;
  if (after !== undefined)
    at = descending ? group.from((row) => order(row, after) < 0) - 1 : group.from((row) => order(row, after) <= 0);
  for (; at >= 0 && at < cells.length && found.length < most; at += descending ? -1 : 1) {
    const { row } = cells[at] as Cell<DocumentRow>;
    if (matches(row)) found.push(row);
  }
  return found;
}

const nextInSequence: Statement = (session, p) => {
  const { counters } = session.disk;
  const name = text(p[0]);
  session.lock(counters, name);
  const value = (session.read(counters, name)?.value ?? 0) + 1;
  session.write(counters, name, { name, value });
  return [{ value: String(value) }];
};

const lastInSequence: Statement = (session, p) => {
  const row = session.read(session.disk.counters, text(p[0]));
  return row === undefined ? [] : [{ value: String(row.value) }];
};

export const documents: StatementTable = {
  texts: {
    [`${SELECT} WHERE ${KEY}`]: get,
    [`${SELECT} WHERE ${KEY} FOR UPDATE`]: getForUpdate,
    [`${SELECT} WHERE kind = $1 AND account = $2 AND region = $3 AND id = ANY($4::text[])`]: getMany,
    [`INSERT INTO documents (kind, account, region, id, parent, sort, version, document)
      VALUES ($1, $2, $3, $4, $5, $6, 1, $7::jsonb) ON CONFLICT DO NOTHING RETURNING 1 AS done`]: insert,
    [`UPDATE documents SET document = $5::jsonb, version = version + 1, parent = coalesce($6, parent), sort = coalesce($7, sort)
      WHERE ${KEY} AND ($8::bigint IS NULL OR version = $8) RETURNING 1 AS done`]: update,
    [`INSERT INTO documents (kind, account, region, id, parent, sort, version, document)
      VALUES ($1, $2, $3, $4, coalesce($5, ''), coalesce($6, $4), 1, $7::jsonb)
      ON CONFLICT (kind, account, region, id) DO UPDATE SET document = excluded.document, version = documents.version + 1,
      parent = coalesce($5, documents.parent), sort = coalesce($6, documents.sort)`]: put,
    [`INSERT INTO documents (kind, account, region, id, parent, sort, version, document)
      SELECT $1, k.account, k.region, k.id, k.parent, k.sort, 1, k.document::jsonb
      FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
      AS k(account, region, id, parent, sort, document)
      ON CONFLICT (kind, account, region, id) DO UPDATE SET document = excluded.document, version = documents.version + 1,
      parent = excluded.parent, sort = excluded.sort`]: putMany,
    [`DELETE FROM documents WHERE ${KEY} RETURNING 1 AS done`]: remove,
    'DELETE FROM documents WHERE kind = $1 AND account = $2 AND region = $3 AND parent = $4 RETURNING 1 AS done':
      deleteUnder,
    [`SELECT count(*)::text AS count FROM documents WHERE kind = $1 AND ($2::text IS NULL OR account = $2)
      AND ($3::text IS NULL OR region = $3) AND ($4::text IS NULL OR parent = $4)`]: count,
    [`INSERT INTO counters (name, value) VALUES ($1, 1)
      ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value::text AS value`]: nextInSequence,
    'SELECT value::text AS value FROM counters WHERE name = $1': lastInSequence,
  },
  shapes: [listed],
};
