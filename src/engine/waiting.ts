/**
 * What waits in the database between turns: effects to perform (the outbox) and timers. Written within the turns
 * (`turns.ts`); read, claimed and cleared away here.
 */
import type { EpochMs } from '../common/index.ts';
import type { DocumentKey, Queryable } from '../store/index.ts';
import type { Lease, SavedEffect } from './turns.ts';

export type DueTimer = Readonly<{ kind: string; key: DocumentKey; name: string }>;

const MOST_DUE = 1_000;

/** The earliest first, so many at a time. */
export async function dueTimers(q: Queryable, now: EpochMs): Promise<DueTimer[]> {
  const rows = await q.query<{ kind: string; account: string; region: string; document_id: string; name: string }>(
    `SELECT kind, account, region, document_id, name FROM timers WHERE due_at <= $1 ORDER BY due_at LIMIT ${MOST_DUE}`,
    [now],
  );
  return rows.map(({ kind, account, region, document_id: id, name }) => ({ kind, key: { account, region, id }, name }));
}

/** Of those, the ones whose document is gone: nobody else clears them away. */
export async function dropStaleTimers(q: Queryable, timers: readonly DueTimer[], now: EpochMs): Promise<void> {
  await q.query(
    `DELETE FROM timers t USING unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS k(kind, account, region, id, name)
     WHERE t.kind = k.kind AND t.account = k.account AND t.region = k.region AND t.document_id = k.id AND t.name = k.name AND t.due_at <= $6
       AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.kind = k.kind AND d.account = k.account AND d.region = k.region AND d.id = k.id)`,
    [
      timers.map(({ kind }) => kind),
      timers.map(({ key }) => key.account),
      timers.map(({ key }) => key.region),
      timers.map(({ key }) => key.id),
      timers.map(({ name }) => name),
      now,
    ],
  );
}

/** Undefined: no timer waits. */
export async function nextTimerAt(q: Queryable): Promise<EpochMs | undefined> {
  const [row] = await q.query<{ due_at: string | number | null }>('SELECT min(due_at) AS due_at FROM timers');
  return row?.due_at == null ? undefined : Number(row.due_at);
}

/**
 * Takes over the effects that nobody holds, or all of them; in the order of their saving, each with the instant at which it
 * may be performed. What another process is just taking is left to it.
 */
export async function claimEffects(
  q: Queryable,
  lease: Lease,
  all: boolean,
  wallNow: number,
): Promise<Readonly<{ saved: SavedEffect; dueAt: EpochMs }>[]> {
  const rows = await q.query<{
    id: string;
    kind: string;
    account: string;
    region: string;
    document_id: string;
    effect: unknown;
    attempts: number;
    due_at: string | number;
  }>(
    `UPDATE outbox SET owner = $1, lease_until = $2 WHERE id IN (
       SELECT id FROM outbox WHERE $3 OR owner IS NULL OR lease_until < $4 ORDER BY id FOR UPDATE SKIP LOCKED)
     RETURNING id::text AS id, kind, account, region, document_id, effect, attempts, due_at`,
    [lease.owner, lease.until, all, wallNow],
  );
  return rows
    .sort((a, b) => Number(a.id) - Number(b.id))
    .map((row) => ({
      saved: {
        id: row.id,
        kind: row.kind,
        key: { account: row.account, region: row.region, id: row.document_id },
        effect: row.effect as SavedEffect['effect'],
        attempts: Number(row.attempts),
      },
      dueAt: Number(row.due_at),
    }));
}

export async function renewLeases(q: Queryable, lease: Lease): Promise<void> {
  await q.query('UPDATE outbox SET lease_until = $2 WHERE owner = $1', [lease.owner, lease.until]);
}

export async function putOff(q: Queryable, effectId: string, attempts: number, dueAt: EpochMs): Promise<void> {
  await q.query('UPDATE outbox SET attempts = $2, due_at = $3 WHERE id = $1', [effectId, attempts, dueAt]);
}

/**
 * Not waited for to reach the disk: a deletion that a power cut undoes makes an effect happen again, which is harmless,
 * and this is not worth a flush of its own.
 */
export async function forgetEffects(q: Queryable, effectIds: readonly string[]): Promise<void> {
  await q.query(
    `WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true) AS value)
     DELETE FROM outbox USING relaxed WHERE outbox.id = ANY($1::bigint[]) AND relaxed.value IS NOT NULL`,
    [effectIds],
  );
}
