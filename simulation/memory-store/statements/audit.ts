/** The statements of src/store/audit.ts. */
import type { Row } from '../../../src/store/store.ts';
import { conditionsOf } from '../conditions.ts';
import { jsonText, jsonValue } from '../jsonb.ts';
import type { AuditRow } from '../rows.ts';
import { list, type Shape, type Statement, type StatementTable, text, textOrNull, whole } from '../statement.ts';

const COLUMNS = 'at, account, region, request_id, service, operation, principal, error_code, record';

const append: Statement = (session, p) => {
  const { audit } = session.disk;
  const at = (column: number, n: number): unknown => list(p[column])[n];
  for (const n of list(p[0]).keys()) {
    const row: AuditRow = {
      id: audit.next(),
      at: whole(at(0, n)),
      account: text(at(1, n)),
      region: text(at(2, n)),
      request_id: text(at(3, n)),
      service: text(at(4, n)),
      operation: text(at(5, n)),
      principal: text(at(6, n)),
      error_code: textOrNull(at(7, n)),
      management: at(8, n) === true,
      recipient: textOrNull(at(9, n)),
      record: jsonText(at(10, n)),
    };
    session.write(audit, String(row.id), row);
  }
  return [];
};

function shown({ management: _management, recipient: _recipient, id: _id, ...row }: AuditRow): Row {
  return { ...row, record: jsonValue(row.record) };
}

const ofRequest: Statement = (session, p) => {
  const requestId = text(p[0]);
  return session
    .select(session.disk.audit, session.disk.auditByRequest.cells(requestId), (row) => row.request_id === requestId)
    .sort((a, b) => a.id - b.id)
    .map(shown);
};

const recent: Statement = (session, p) =>
  session
    .scan(session.disk.audit, (row) => row.account === p[0])
    .sort((a, b) => b.id - a.id)
    .slice(0, whole(p[1]))
    .map(shown);

/** Oldest first. */
const oldestFirst: Shape = (sql) => {
  const match = new RegExp(`^SELECT ${COLUMNS} FROM audit WHERE (.+?) ORDER BY id(?: LIMIT \\$(\\d+))?$`).exec(sql);
  const conditions = match === null ? undefined : conditionsOf<AuditRow>(match[1] as string);
  if (match === null || conditions === undefined) return undefined;
  const limit = match[2] === undefined ? undefined : Number(match[2]) - 1;
  return (session, p) =>
    session
      .scan(session.disk.audit, (row) => conditions(row, p))
      .sort((a, b) => a.id - b.id)
      .slice(0, limit === undefined ? undefined : whole(p[limit]))
      .map(shown);
};

/** `managementHistory`: of each branch the newest, of those the newest. */
const history: Shape = (sql) => {
  const united = /^SELECT \* FROM \((.+)\) AS found ORDER BY at DESC, id DESC LIMIT \$(\d+)$/.exec(sql);
  if (united === null) return undefined;
  const branches = (united[1] as string).split(' UNION ALL ').map((branch) => {
    const match =
      /^\(SELECT id, at, account, region, request_id, service, operation, principal, error_code, recipient, record FROM audit WHERE (.+) ORDER BY at DESC, id DESC LIMIT \$\d+\)$/.exec(
        branch,
      );
    return match === null ? undefined : conditionsOf<AuditRow>(match[1] as string);
  });
  if (branches.includes(undefined)) return undefined;
  const limit = Number(united[2]) - 1;
  return (session, p) => {
    const most = whole(p[limit]);
    return newest(
      branches.flatMap((conditions) =>
        newest(
          session.scan(session.disk.audit, (row) => conditions?.(row, p) === true),
          most,
        ),
      ),
      most,
    ).map((row) => ({ ...shown(row), id: row.id, recipient: row.recipient }));
  };
};

function newest(rows: AuditRow[], most: number): AuditRow[] {
  return rows.sort((a, b) => b.at - a.at || b.id - a.id).slice(0, most);
}

export const audit: StatementTable = {
  texts: {
    [`WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true) AS value)
      INSERT INTO audit (at, account, region, request_id, service, operation, principal, error_code, management, recipient, record)
      SELECT a.at, a.account, a.region, a.request_id, a.service, a.operation, a.principal, a.error_code, a.management, a.recipient,
      a.record::jsonb
      FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
      $9::boolean[], $10::text[], $11::text[])
      AS a(at, account, region, request_id, service, operation, principal, error_code, management, recipient, record), relaxed
      WHERE relaxed.value IS NOT NULL`]: append,
    [`SELECT ${COLUMNS} FROM audit WHERE request_id = $1 ORDER BY id`]: ofRequest,
    [`SELECT ${COLUMNS} FROM audit WHERE account = $1 ORDER BY id DESC LIMIT $2`]: recent,
  },
  shapes: [oldestFirst, history],
};
