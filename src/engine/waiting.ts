/**
 * What waits in the database between turns: effects to perform (the outbox) and timers. Written within the turns
 * (`turns.ts`); read, claimed and cleared away here.
 */
import type { EpochMs } from '../common/index.ts';
import { type DocumentKey, nextInSequence, type Queryable, type Tx } from '../store/index.ts';
import { type Handed, laneName, type Lease, type SavedEffect } from './turns.ts';

export type DueTimer = Readonly<{ kind: string; key: DocumentKey; name: string }>;

/** An effect, and the instant from which it may be performed. */
export type Waiting = Readonly<{ saved: SavedEffect; dueAt: EpochMs }>;

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

/** Takes over every effect, where nobody else uses the database; in the order of their saving. */
export async function claimAllEffects(q: Queryable, lease: Lease): Promise<Waiting[]> {
  const rows = await q.query<WaitingRow>(`UPDATE outbox SET owner = $1, lease_until = $2 RETURNING ${WAITING}`, [
    lease.owner,
    lease.until,
  ]);
  return inOrder(rows);
}

/** Says whether effects of `owner` whose leases end no sooner than `leaseUntil` are nobody's any more. */
export type IsFree = (owner: string | null, leaseUntil: number) => boolean;

/** Who holds effects, each with the end of the lease that ends first. */
export async function effectHolders(q: Queryable): Promise<Readonly<{ owner: string | null; leaseUntil: number }>[]> {
  const rows = await q.query<{ owner: string | null; lease_until: string | number | null }>(
    'SELECT owner, min(lease_until) AS lease_until FROM outbox GROUP BY owner',
  );
  return rows.map(({ owner, lease_until: leaseUntil }) => ({ owner, leaseUntil: Number(leaseUntil ?? 0) }));
}

/**
 * Takes over the effects that are nobody's. What stands in a lane with an effect that somebody holds goes to that one, so
 * that a lane never has two performers: `handed` says what became whose. One process at a time does this.
 */
export async function takeOverEffects(
  tx: Tx,
  lease: Lease,
  isFree: IsFree,
): Promise<Readonly<{ taken: Waiting[]; handed: Handed }>> {
  // A row that all who take over write: one at a time.
  await nextInSequence(tx, 'engine.takeovers');
  const rows = await tx.query<WaitingRow & { owner: string | null; lease_until: string | number | null }>(
    `SELECT ${WAITING}, owner, lease_until FROM outbox ORDER BY id`,
  );
  const free = rows.filter((row) => row.owner !== lease.owner && isFree(row.owner, Number(row.lease_until ?? 0)));
  if (free.length === 0) return { taken: [], handed: new Map() };
  const isTaken = new Set(free.map(({ id }) => id));
  const holders = new Map<string, Lease>();
  for (const row of rows) {
    const { owner, lease_until: until } = row;
    if (!isTaken.has(row.id) && owner !== null) holders.set(laneOf(row), { owner, until: Number(until ?? 0) });
  }
  // Ours is ours to give; a holder's effect has the lease that its holder gave to the one before it.
  const leases = free.map((row) => holders.get(laneOf(row)) ?? lease);
  const owners = leases.map(({ owner }) => owner);
  // What its owner has renewed since it was read stays its own.
  const given = await tx.query<{ id: string }>(
    `UPDATE outbox SET owner = k.owner, lease_until = k.lease_until
     FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[]) AS k(id, owner, lease_until, was, until)
     WHERE outbox.id = k.id AND outbox.owner IS NOT DISTINCT FROM k.was AND outbox.lease_until IS NOT DISTINCT FROM k.until
     RETURNING outbox.id::text AS id`,
    [
      free.map(({ id }) => id),
      owners,
      leases.map(({ until }) => until),
      free.map(({ owner }) => owner),
      free.map(({ lease_until: until }) => until),
    ],
  );
  const isGiven = new Set(given.map(({ id }) => id));
  const handed = new Map<string, string[]>();
  for (const [index, { id }] of free.entries()) {
    const owner = owners[index] ?? lease.owner;
    if (owner !== lease.owner && isGiven.has(id)) handed.set(owner, [...(handed.get(owner) ?? []), id]);
  }
  return { taken: inOrder(free.filter(({ id }, index) => owners[index] === lease.owner && isGiven.has(id))), handed };
}

/** Makes our leases longer, and says what we hold. */
export async function renewLeases(q: Queryable, lease: Lease): Promise<Waiting[]> {
  const rows = await q.query<WaitingRow>(`UPDATE outbox SET lease_until = $2 WHERE owner = $1 RETURNING ${WAITING}`, [
    lease.owner,
    lease.until,
  ]);
  return inOrder(rows);
}

/** Those of the effects that are ours. */
export async function heldEffects(q: Queryable, owner: string, ids: readonly string[]): Promise<Waiting[]> {
  const rows = await q.query<WaitingRow>(`SELECT ${WAITING} FROM outbox WHERE owner = $1 AND id = ANY($2::bigint[])`, [
    owner,
    ids,
  ]);
  return inOrder(rows);
}

const WAITING = 'id::text AS id, kind, account, region, document_id, effect, attempts, due_at';

type WaitingRow = {
  id: string;
  kind: string;
  account: string;
  region: string;
  document_id: string;
  effect: unknown;
  attempts: number;
  due_at: string | number;
};

function inOrder(rows: readonly WaitingRow[]): Waiting[] {
  return rows
    .toSorted((a, b) => Number(a.id) - Number(b.id))
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

function laneOf({ kind, account, region, document_id: id, effect }: WaitingRow): string {
  return laneName(kind, { account, region, id }, effect as SavedEffect['effect']);
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
