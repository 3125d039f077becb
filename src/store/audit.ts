/** The audit trail's rows. Written many at a time. */
import type { EpochMs, Json } from '../common/index.ts';
import type { Queryable } from './store.ts';

export type AuditRecord = Readonly<{
  at: EpochMs;
  account: string;
  region: string;
  requestId: string;
  service: string;
  operation: string;
  /** The principal's ARN, or the service's name, or `anonymous`. */
  principal: string;
  errorCode: string | undefined;
  /** CloudTrail's event history shows it: a call on a resource, not on the data within one. */
  management?: boolean | undefined;
  /** Another account than the caller's that owns a resource of the call, where it learns of it. */
  recipient?: string | undefined;
  /** What else is known: source, resources, the reason of a denial. Never a secret. */
  record: Json;
}>;

export async function appendAudit(q: Queryable, records: readonly AuditRecord[]): Promise<void> {
  if (records.length === 0) return;
  await q.query(
    // Gathered off the caller's path, so a power cut may lose the last moments of it already: no flush of its own.
    `WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true) AS value)
     INSERT INTO audit (at, account, region, request_id, service, operation, principal, error_code, management, recipient, record)
     SELECT a.at, a.account, a.region, a.request_id, a.service, a.operation, a.principal, a.error_code, a.management, a.recipient,
            a.record::jsonb
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                 $9::boolean[], $10::text[], $11::text[])
       AS a(at, account, region, request_id, service, operation, principal, error_code, management, recipient, record), relaxed
     WHERE relaxed.value IS NOT NULL`,
    [
      records.map((r) => r.at),
      records.map((r) => r.account),
      records.map((r) => r.region),
      records.map((r) => r.requestId),
      records.map((r) => r.service),
      records.map((r) => r.operation),
      records.map((r) => r.principal),
      records.map((r) => r.errorCode ?? null),
      records.map((r) => r.management ?? false),
      records.map((r) => r.recipient ?? null),
      records.map((r) => JSON.stringify(r.record)),
    ],
  );
}

export async function auditOfRequest(q: Queryable, requestId: string): Promise<AuditRecord[]> {
  const rows = await q.query<AuditRow>(
    `SELECT at, account, region, request_id, service, operation, principal, error_code, record FROM audit WHERE request_id = $1 ORDER BY id`,
    [requestId],
  );
  return rows.map(fromRow);
}

/** Newest first. */
export async function recentAudit(q: Queryable, account: string, limit: number): Promise<AuditRecord[]> {
  const rows = await q.query<AuditRow>(
    `SELECT at, account, region, request_id, service, operation, principal, error_code, record FROM audit
     WHERE account = $1 ORDER BY id DESC LIMIT $2`,
    [account, limit],
  );
  return rows.map(fromRow);
}

/** Calls in these accounts and this time (both ends included) that a policy denied, oldest first; at most `limit`. */
export async function deniedBetween(
  q: Queryable,
  accounts: readonly string[],
  from: EpochMs,
  until: EpochMs,
  limit: number,
): Promise<AuditRecord[]> {
  const rows = await q.query<AuditRow>(
    `SELECT at, account, region, request_id, service, operation, principal, error_code, record FROM audit
     WHERE account = ANY($1::text[]) AND at BETWEEN $2 AND $3 AND record ->> 'decision' IS NOT NULL
     ORDER BY id LIMIT $4`,
    [[...accounts], from, until, limit],
  );
  return rows.map(fromRow);
}

/** Calls that a service made for the call `parent` with the rights of its caller, oldest first. */
export async function auditOfParent(q: Queryable, parent: AuditRecord, until: EpochMs): Promise<AuditRecord[]> {
  const rows = await q.query<AuditRow>(
    `SELECT at, account, region, request_id, service, operation, principal, error_code, record FROM audit
     WHERE account = $1 AND at BETWEEN $2 AND $3 AND record ->> 'parentRequestId' = $4 ORDER BY id`,
    [parent.account, parent.at, until, parent.requestId],
  );
  return rows.map(fromRow);
}

/** A management event of the history, with its place in it. */
export type HistoryRecord = AuditRecord & Readonly<{ id: number }>;

/** Absent filters let everything pass. */
export type HistoryQuery = Readonly<{
  account: string;
  region: string;
  /** Both ends included. */
  from: EpochMs;
  until: EpochMs;
  /** Only what comes after this place; newest first. */
  after?: Readonly<{ at: EpochMs; id: number }> | undefined;
  limit: number;
  requestIds?: readonly string[] | undefined;
  operation?: string | undefined;
  service?: string | undefined;
  readOnly?: boolean | undefined;
  userName?: string | undefined;
  accessKeyId?: string | undefined;
  /** Text that an ARN of the call contains. */
  resourceText?: string | undefined;
}>;

/** The calls that an account made, and those of other accounts upon its resources; newest first. */
export async function managementHistory(q: Queryable, query: HistoryQuery): Promise<HistoryRecord[]> {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const where = [
    'management',
    `region = ${parameter(query.region)}`,
    `at BETWEEN ${parameter(query.from)} AND ${parameter(query.until)}`,
  ];
  if (query.after !== undefined) where.push(`(at, id) < (${parameter(query.after.at)}, ${parameter(query.after.id)})`);
  if (query.requestIds !== undefined) where.push(`request_id = ANY(${parameter(query.requestIds)}::text[])`);
  if (query.operation !== undefined) where.push(`operation = ${parameter(query.operation)}`);
  if (query.service !== undefined) where.push(`service = ${parameter(query.service)}`);
  if (query.readOnly !== undefined) where.push(`record ->> 'readOnly' = ${parameter(String(query.readOnly))}`);
  if (query.resourceText !== undefined)
    where.push(`strpos((record -> 'resources')::text, ${parameter(query.resourceText)}) > 0`);
  // Who called is not told to other accounts.
  const own = [`account = ${parameter(query.account)}`];
  if (query.userName !== undefined) own.push(`record ->> 'userName' = ${parameter(query.userName)}`);
  if (query.accessKeyId !== undefined) own.push(`record ->> 'accessKeyId' = ${parameter(query.accessKeyId)}`);
  const branches = [own];
  if (query.userName === undefined && query.accessKeyId === undefined)
    branches.push([`recipient = ${parameter(query.account)}`]);
  const limit = parameter(query.limit);
  const selects = branches.map(
    (branch) =>
      `(SELECT id, at, account, region, request_id, service, operation, principal, error_code, recipient, record FROM audit
        WHERE ${[...where, ...branch].join(' AND ')} ORDER BY at DESC, id DESC LIMIT ${limit})`,
  );
  const rows = await q.query<AuditRow & { id: string | number; recipient: string | null }>(
    `SELECT * FROM (${selects.join(' UNION ALL ')}) AS found ORDER BY at DESC, id DESC LIMIT ${limit}`,
    values,
  );
  return rows.map((row) => ({
    ...fromRow(row),
    id: Number(row.id),
    management: true,
    recipient: row.recipient ?? undefined,
  }));
}

type AuditRow = {
  at: string | number;
  account: string;
  region: string;
  request_id: string;
  service: string;
  operation: string;
  principal: string;
  error_code: string | null;
  record: unknown;
};

function fromRow(row: AuditRow): AuditRecord {
  return {
    at: Number(row.at),
    account: row.account,
    region: row.region,
    requestId: row.request_id,
    service: row.service,
    operation: row.operation,
    principal: row.principal,
    errorCode: row.error_code ?? undefined,
    record: row.record as Json,
  };
}
