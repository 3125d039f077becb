/** What happened to each loop, in order; written by the engine (`turns.ts`), read to be replayed. */
import type { EffectRecord, EpochMs } from '../common/index.ts';
import type { DocumentKey } from './documents.ts';
import type { Queryable } from './store.ts';

export type LoopHistoryRow = Readonly<{
  /** 1 is the creation; gapless from where it begins. */
  version: number;
  at: EpochMs;
  event: Readonly<{ type: string; [member: string]: unknown }>;
  /** Of the state after it. Absent in the first row, and in rows from before fingerprints were kept. */
  fingerprint?: number;
  /** The state after it: in the first row, and in every so many. */
  state?: unknown;
  /** What was to be done after it. Absent in the first row, whose event has it, and in rows from before it was kept. */
  effects?: EffectRecord;
}>;

/**
 * In order of version, from the newest row with a state at or before `reaching`, else from the first with one; all rows where
 * none has one. `until`: the last instant that matters.
 */
export async function readLoopHistory(
  q: Queryable,
  kind: string,
  key: DocumentKey,
  options: Readonly<{ reaching?: EpochMs; until?: EpochMs }> = {},
): Promise<LoopHistoryRow[]> {
  const rows = await q.query<{
    version: string | number;
    at: string | number;
    event: LoopHistoryRow['event'];
    fingerprint: string | number | null;
    state: unknown;
    effects: string | null;
    effects_fingerprint: string | number | null;
  }>(
    `SELECT version, at, event, fingerprint, state, effects, effects_fingerprint FROM history
     WHERE kind = $1 AND account = $2 AND region = $3 AND document_id = $4 AND ($6::bigint IS NULL OR at <= $6)
       AND version >= coalesce(
         (SELECT max(version) FROM history
          WHERE kind = $1 AND account = $2 AND region = $3 AND document_id = $4 AND state IS NOT NULL AND at <= $5),
         (SELECT min(version) FROM history
          WHERE kind = $1 AND account = $2 AND region = $3 AND document_id = $4 AND state IS NOT NULL),
         0)
     ORDER BY version`,
    [kind, key.account, key.region, key.id, options.reaching ?? 0, options.until ?? null],
  );
  return rows.map(({ version, at, event, fingerprint, state, effects, effects_fingerprint: of }) => ({
    version: Number(version),
    at: Number(at),
    event,
    ...(fingerprint !== null && { fingerprint: Number(fingerprint) }),
    ...(state !== null && { state }),
    ...(effects !== null && of !== null && { effects: { names: effects, fingerprint: Number(of) } }),
  }));
}
