/** The statements of src/store/audit.ts that append and look up by request. */
import { jsonText, jsonValue } from '../jsonb.ts';
import type { AuditRow } from '../rows.ts';
import { list, type Statement, type StatementTable, text, textOrNull, whole } from '../statement.ts';

const append: Statement = (session, p) => {
  const { audit } = session.disk;
  const columns = p.map(list);
  for (const index of columns[0]?.keys() ?? []) {
    const at = (column: number): unknown => columns[column]?.[index];
    const id = audit.next();
    session.write(audit, String(id), {
      id,
      at: whole(at(0)),
      account: text(at(1)),
      region: text(at(2)),
      request_id: text(at(3)),
      service: text(at(4)),
      operation: text(at(5)),
      principal: text(at(6)),
      error_code: textOrNull(at(7)),
      management: at(8) === true,
      recipient: textOrNull(at(9)),
      record: jsonText(at(10)),
    });
  }
  return [];
};

const shown = ({ id: _id, management: _management, recipient: _recipient, record, ...row }: AuditRow) => ({
  ...row,
  record: jsonValue(record),
});

const ofRequest: Statement = (session, p) => {
  const id = text(p[0]);
  return session
    .scan(session.disk.audit, (row) => row.request_id === id)
    .sort((a, b) => a.id - b.id)
    .map(shown);
};

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
    'SELECT at, account, region, request_id, service, operation, principal, error_code, record FROM audit WHERE request_id = $1 ORDER BY id':
      ofRequest,
  },
};
