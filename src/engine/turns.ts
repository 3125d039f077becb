/**
 * One transaction's worth of turns: load the states, decide in order, save states, history, effects and timers.
 * Shared by the engine's group commit and by handlers that decide inside a transaction of their own.
 */
import { assert, effectRecord, type EpochMs, fingerprint } from '../common/index.ts';
import type { DocumentKey, Placement, Tx } from '../store/index.ts';
import type { EngineEffect, LoopDefinition } from './engine.ts';

export type Loops = ReadonlyMap<string, LoopDefinition<any, any, any>>;

/** One event for one state, and what caused it: the cause is consumed in the same transaction, or the turn is void. */
export type Turn = Readonly<{
  kind: string;
  key: DocumentKey;
  event: Readonly<{ type: string }>;
  /** The finished effect whose result this event is. */
  effectId?: string;
  /** The timer that fired. */
  timer?: string;
}>;

export type SavedEffect = Readonly<{
  id: string;
  kind: string;
  key: DocumentKey;
  effect: Readonly<{ type: string; lane?: string }>;
  attempts: number;
  /** Taken over: the process before may have performed it. */
  resumed?: boolean;
  /** Of the lease under which it became ours. */
  renewal?: number;
}>;

/** Ids of effects that another process performs, by its name. */
export type Handed = ReadonlyMap<string, readonly string[]>;

export type TurnsOutcome = Readonly<{
  /** The state after each turn, in order; undefined where there is no such state. */
  states: readonly unknown[];
  effects: readonly SavedEffect[];
  /** Effects that stand in a lane which another process performs, or which it must perform itself. */
  handed: Handed;
  /** The earliest timer that was set; undefined: none. */
  nextTimerAt: EpochMs | undefined;
}>;

type Loaded = {
  kind: string;
  key: DocumentKey;
  loop: LoopDefinition<any, any, any>;
  state: unknown;
  version: number;
  parent: string;
  sort: string;
};

/** `shared`: other processes use the database too. `renewal`: how many renewals had begun when it was given (`sharing.ts`). */
export type Lease = Readonly<{ owner: string; until: number; shared?: boolean; renewal?: number }>;

/** Every so many turns of a state its history keeps the state as well: a replay may begin there. */
export const TURNS_BETWEEN_BEGINNINGS = 256;

export async function runTurns(
  tx: Tx,
  loops: Loops,
  turns: readonly Turn[],
  now: EpochMs,
  lease: Lease,
  historyTurns = Number.POSITIVE_INFINITY,
): Promise<TurnsOutcome> {
  // What does not need another's answer is sent with it: a turn is three trips to the database, the commit the third.
  const [loaded, live] = await Promise.all([load(tx, loops, turns), consumeCauses(tx, turns, now)]);
  const changes = new Changes(now, historyTurns);
  const states: unknown[] = [];
  for (const [index, turn] of turns.entries()) {
    const entry = loaded.get(address(turn.kind, turn.key));
    if (entry !== undefined && live[index] === true) changes.apply(entry, turn.event);
    states.push(entry?.state);
  }
  const saved = await changes.save(tx, lease);
  return { states, ...saved, nextTimerAt: changes.nextTimerAt };
}

/** Inserts a state, and the first row of its history, in one statement. False if the key is taken. */
export async function insertState(
  tx: Tx,
  { kind, history }: LoopDefinition<any, any, any>,
  key: DocumentKey,
  state: unknown,
  effects: readonly Readonly<{ type: string }>[],
  placement: Placement,
  now: EpochMs,
): Promise<boolean> {
  const { account, region, id } = key;
  const document = [kind, account, region, id, placement.parent ?? '', placement.sort ?? id, JSON.stringify(state)];
  const rows =
    history === 'None'
      ? await tx.query(
          `INSERT INTO documents (kind, account, region, id, parent, sort, version, document)
           VALUES ($1, $2, $3, $4, $5, $6, 1, $7::jsonb) ON CONFLICT DO NOTHING RETURNING 1 AS done`,
          document,
        )
      : await tx.query(
          `WITH made AS (
             INSERT INTO documents (kind, account, region, id, parent, sort, version, document)
             VALUES ($1, $2, $3, $4, $5, $6, 1, $7::jsonb) ON CONFLICT DO NOTHING
             RETURNING kind, account, region, id, document
           )
           INSERT INTO history (kind, account, region, document_id, version, at, event, state)
           SELECT kind, account, region, id, 1, $8, $9::jsonb, document FROM made RETURNING 1 AS done`,
          [...document, now, JSON.stringify({ type: 'Created', effects })],
        );
  return rows.length > 0;
}

/** Saves the first effects of a state that the caller has just inserted. */
export async function saveFirstEffects(
  tx: Tx,
  kind: string,
  key: DocumentKey,
  effects: readonly Readonly<{ type: string }>[],
  now: EpochMs,
  lease: Lease,
): Promise<TurnsOutcome> {
  const changes = new Changes(now, Number.POSITIVE_INFINITY);
  changes.addEffects(kind, key, effects, false);
  return { states: [], ...(await changes.save(tx, lease)), nextTimerAt: changes.nextTimerAt };
}

/** Effects of one lane are performed one after the other, by one process. */
export function laneName(kind: string, key: DocumentKey, effect: Readonly<{ lane?: string }>): string {
  return `${address(kind, key)}\n${effect.lane ?? ''}`;
}

export function address(kind: string, key: DocumentKey): string {
  return `${kind}\n${key.account}\n${key.region}\n${key.id}`;
}

async function load(tx: Tx, loops: Loops, turns: readonly Turn[]): Promise<Map<string, Loaded>> {
  const wanted = new Map(turns.map((turn) => [address(turn.kind, turn.key), turn]));
  const keys = [...wanted.values()];
  const rows = await tx.query<{
    kind: string;
    account: string;
    region: string;
    id: string;
    parent: string;
    sort: string;
    version: string | number;
    document: unknown;
  }>(
    `SELECT d.kind, d.account, d.region, d.id, d.parent, d.sort, d.version, d.document
     FROM documents d JOIN unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS k(kind, account, region, id)
       ON d.kind = k.kind AND d.account = k.account AND d.region = k.region AND d.id = k.id
     ORDER BY d.kind, d.account, d.region, d.id FOR UPDATE OF d`,
    [keys.map((k) => k.kind), keys.map((k) => k.key.account), keys.map((k) => k.key.region), keys.map((k) => k.key.id)],
  );
  const loaded = new Map<string, Loaded>();
  for (const row of rows) {
    const key = { account: row.account, region: row.region, id: row.id };
    const loop = loops.get(row.kind);
    assert(loop !== undefined, `no loop is registered for ${row.kind}`);
    loaded.set(address(row.kind, key), {
      kind: row.kind,
      key,
      loop,
      state: row.document,
      version: Number(row.version),
      parent: row.parent,
      sort: row.sort,
    });
  }
  return loaded;
}

/** Deletes the finished effects and fired timers; a turn whose cause is gone already was done before and is void. */
async function consumeCauses(tx: Tx, turns: readonly Turn[], now: EpochMs): Promise<boolean[]> {
  const effectIds = turns.flatMap((turn) => turn.effectId ?? []);
  const timed = turns.filter((turn) => turn.timer !== undefined);
  const [effects, timers] = await Promise.all([
    effectIds.length === 0
      ? []
      : tx.query<{ id: string }>('DELETE FROM outbox WHERE id = ANY($1::bigint[]) RETURNING id::text AS id', [
          effectIds,
        ]),
    timed.length === 0 ? [] : consumeTimers(tx, timed, now),
  ]);
  const doneEffects = new Set(effects.map((row) => row.id));
  const doneTimers = new Set(timers);
  return turns.map((turn) => {
    if (turn.effectId !== undefined) return doneEffects.has(turn.effectId);
    if (turn.timer !== undefined) return doneTimers.has(`${address(turn.kind, turn.key)}\n${turn.timer}`);
    return true;
  });
}

/** Deletes those of the timers that are due, and names them. */
async function consumeTimers(tx: Tx, timed: readonly Turn[], now: EpochMs): Promise<string[]> {
  const rows = await tx.query<{ kind: string; account: string; region: string; document_id: string; name: string }>(
    `DELETE FROM timers t USING unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS k(kind, account, region, id, name)
       WHERE t.kind = k.kind AND t.account = k.account AND t.region = k.region AND t.document_id = k.id AND t.name = k.name AND t.due_at <= $6
       RETURNING t.kind, t.account, t.region, t.document_id, t.name`,
    [
      timed.map((turn) => turn.kind),
      timed.map((turn) => turn.key.account),
      timed.map((turn) => turn.key.region),
      timed.map((turn) => turn.key.id),
      timed.map((turn) => turn.timer),
      now,
    ],
  );
  return rows.map(
    (row) => `${address(row.kind, { account: row.account, region: row.region, id: row.document_id })}\n${row.name}`,
  );
}

/** What a batch of turns has decided and not yet written. */
class Changes {
  readonly #now: EpochMs;
  readonly #historyTurns: number;
  readonly #entries = new Set<Loaded>();
  readonly #history: {
    kind: string;
    key: DocumentKey;
    version: number;
    event: unknown;
    state: unknown;
    effects: readonly Readonly<{ type: string }>[];
  }[] = [];
  readonly #effects: {
    kind: string;
    key: DocumentKey;
    effect: SavedEffect['effect'];
    performer: string | undefined;
  }[] = [];
  readonly #timers = new Map<
    string,
    { kind: string; key: DocumentKey; name: string; at: EpochMs | null; wakeKey: string | null }
  >();
  readonly #ended: { kind: string; key: DocumentKey }[] = [];
  readonly #wakes = new Set<string>();
  nextTimerAt: EpochMs | undefined;

  constructor(now: EpochMs, historyTurns: number) {
    this.#now = now;
    this.#historyTurns = historyTurns;
  }

  apply(entry: Loaded, event: Readonly<{ type: string }>): void {
    if (entry.loop.isFinal(entry.state)) return;
    const decision = entry.loop.decide(entry.state, event, this.#now);
    if (decision.state !== entry.state) {
      entry.version += 1;
      entry.state = decision.state;
      if (entry.loop.history !== 'None') {
        const { kind, key, version, state } = entry;
        this.#history.push({ kind, key, version, event, state, effects: decision.effects });
      }
      this.#entries.add(entry);
    }
    // A turn that only looks around (a poll) leaves the document and its history as they are.
    const final = entry.loop.isFinal(decision.state);
    if (final) this.#ended.push({ kind: entry.kind, key: entry.key });
    this.addEffects(entry.kind, entry.key, decision.effects, final, entry.loop.performedBy?.(decision.state));
  }

  addEffects(
    kind: string,
    key: DocumentKey,
    effects: readonly Readonly<{ type: string }>[],
    final: boolean,
    performer?: string,
  ): void {
    for (const effect of effects) {
      if (isEngineEffect(effect)) {
        if (effect.type === 'Wake') this.#wakes.add(effect.wakeKey);
        else if (!final) {
          const name = effect.timer;
          const at = effect.type === 'WakeAt' ? effect.at : null;
          const wakeKey = effect.type === 'WakeAt' ? (effect.wakeKey ?? null) : null;
          this.#timers.set(`${address(kind, key)}\n${name}`, { kind, key, name, at, wakeKey });
        }
      } else this.#effects.push({ kind, key, effect, performer });
    }
  }

  async save(tx: Tx, lease: Lease): Promise<SavedEffects> {
    const [saved] = await Promise.all([
      this.#saveEffects(tx, lease),
      this.#saveStates(tx),
      this.#dropOldHistory(tx),
      ...this.#saveTimers(tx),
      this.#wake(tx),
    ]);
    return saved;
  }

  async #wake(tx: Tx): Promise<void> {
    if (this.#wakes.size === 0) return;
    this.nextTimerAt = Math.min(this.nextTimerAt ?? this.#now, this.#now);
    await tx.query('UPDATE timers SET due_at = $2 WHERE wake_key = ANY($1::text[]) AND due_at > $2', [
      [...this.#wakes],
      this.#now,
    ]);
  }

  async #saveStates(tx: Tx): Promise<void> {
    const entries = [...this.#entries];
    if (entries.length === 0) return;
    const placements = entries.map((entry) => entry.loop.place?.(entry.state as never));
    const done = this.#history.map(({ effects }) => effectRecord(effects));
    await tx.query(
      `WITH saved AS (
         UPDATE documents d SET document = k.document::jsonb, version = k.version, parent = k.parent, sort = k.sort
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])
           AS k(kind, account, region, id, document, version, parent, sort)
         WHERE d.kind = k.kind AND d.account = k.account AND d.region = k.region AND d.id = k.id
       )
       INSERT INTO history (kind, account, region, document_id, version, at, event, fingerprint, state, effects, effects_fingerprint)
       SELECT h.kind, h.account, h.region, h.id, h.version, $19, h.event::jsonb, h.fingerprint, h.state::jsonb, h.effects, h.effects_fingerprint
       FROM unnest($9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[], $15::bigint[], $16::text[], $17::text[], $18::bigint[])
         AS h(kind, account, region, id, version, event, fingerprint, state, effects, effects_fingerprint)`,
      [
        entries.map((entry) => entry.kind),
        entries.map((entry) => entry.key.account),
        entries.map((entry) => entry.key.region),
        entries.map((entry) => entry.key.id),
        entries.map((entry) => JSON.stringify(entry.state)),
        entries.map((entry) => entry.version),
        entries.map((entry, index) => placements[index]?.parent ?? entry.parent),
        entries.map((entry, index) => placements[index]?.sort ?? entry.sort),
        this.#history.map((item) => item.kind),
        this.#history.map((item) => item.key.account),
        this.#history.map((item) => item.key.region),
        this.#history.map((item) => item.key.id),
        this.#history.map((item) => item.version),
        this.#history.map((item) => JSON.stringify(item.event)),
        this.#history.map((item) => fingerprint(item.state)),
        this.#history.map((item) => (isBeginning(item.version) ? JSON.stringify(item.state) : null)),
        done.map(({ names }) => names),
        done.map((record) => record.fingerprint),
        this.#now,
      ],
    );
  }

  /** Looked at whenever a new beginning is saved: what is let go ends at an earlier one, so that all that stays replays. */
  async #dropOldHistory(tx: Tx): Promise<void> {
    const over = this.#history.filter(({ version }) => isBeginning(version) && version > this.#historyTurns);
    if (over.length === 0) return;
    await tx.query(
      `DELETE FROM history h USING unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) AS k(kind, account, region, id, version)
       WHERE h.kind = k.kind AND h.account = k.account AND h.region = k.region AND h.document_id = k.id AND h.version < k.version`,
      [...columns(over), over.map(({ version }) => beginningBefore(version - this.#historyTurns))],
    );
  }

  /** Sent in this order: the timers of what has ended go, then those cancelled, then the new ones come. */
  #saveTimers(tx: Tx): Promise<unknown>[] {
    const sent: Promise<unknown>[] = [];
    for (const { kind, key } of this.#ended) {
      for (const [name, timer] of this.#timers)
        if (timer.kind === kind && address(timer.kind, timer.key) === address(kind, key)) this.#timers.delete(name);
    }
    if (this.#ended.length > 0) {
      sent.push(
        tx.query(
          `DELETE FROM timers t USING unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS k(kind, account, region, id)
         WHERE t.kind = k.kind AND t.account = k.account AND t.region = k.region AND t.document_id = k.id`,
          columns(this.#ended),
        ),
      );
    }
    const set = [...this.#timers.values()].filter((timer) => timer.at !== null);
    const cancelled = [...this.#timers.values()].filter((timer) => timer.at === null);
    if (cancelled.length > 0) {
      sent.push(
        tx.query(
          `DELETE FROM timers t USING unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS k(kind, account, region, id, name)
         WHERE t.kind = k.kind AND t.account = k.account AND t.region = k.region AND t.document_id = k.id AND t.name = k.name`,
          [...columns(cancelled), cancelled.map((timer) => timer.name)],
        ),
      );
    }
    if (set.length > 0) {
      sent.push(
        tx.query(
          `INSERT INTO timers (kind, account, region, document_id, name, due_at, wake_key)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[])
         ON CONFLICT (kind, account, region, document_id, name) DO UPDATE SET due_at = excluded.due_at, wake_key = excluded.wake_key`,
          [
            ...columns(set),
            set.map((timer) => timer.name),
            set.map((timer) => Math.ceil(timer.at ?? 0)),
            set.map((timer) => timer.wakeKey),
          ],
        ),
      );
      for (const { at } of set) if (at !== null) this.nextTimerAt = Math.min(this.nextTimerAt ?? at, at);
    }
    return sent;
  }

  async #saveEffects(tx: Tx, lease: Lease): Promise<SavedEffects> {
    const effects = this.#effects;
    if (effects.length === 0) return { effects: [], handed: new Map() };
    const performers = lease.shared === true ? await this.#performers(tx, lease) : effects.map(() => lease);
    const rows = await tx.query<{ id: string }>(
      `INSERT INTO outbox (kind, account, region, document_id, effect, due_at, owner, lease_until)
       SELECT k.kind, k.account, k.region, k.id, k.effect::jsonb, $8, k.owner, k.lease_until
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
         WITH ORDINALITY AS k(kind, account, region, id, effect, owner, lease_until, n)
       ORDER BY k.n RETURNING id::text AS id`,
      [
        ...columns(effects),
        effects.map((item) => JSON.stringify(item.effect)),
        performers.map(({ owner }) => owner),
        performers.map(({ until }) => until),
        this.#now,
      ],
    );
    assert(rows.length === effects.length, 'every effect is saved');
    const ids = rows.map((row) => row.id).sort((a, b) => Number(a) - Number(b));
    const mine: SavedEffect[] = [];
    const handed = new Map<string, string[]>();
    for (const [index, { kind, key, effect }] of effects.entries()) {
      const id = ids[index] ?? '';
      const owner = performers[index]?.owner ?? lease.owner;
      if (owner === lease.owner) mine.push({ id, kind, key, effect, attempts: 0, renewal: lease.renewal ?? 0 });
      else handed.set(owner, [...(handed.get(owner) ?? []), id]);
    }
    return { effects: mine, handed };
  }

  /**
   * Who performs each of the effects: whoever has the last one of its lane still to do, or else whom its loop names, or
   * else we. The states are locked, so that nobody adds to their lanes meanwhile. What goes behind an effect has its lease:
   * a lease is its owner's word, and given by others it would keep a lane with the dead.
   */
  async #performers(tx: Tx, own: Lease): Promise<Lease[]> {
    const rows = await tx.query<OutboxLane>(
      `SELECT kind, account, region, document_id, effect->>'lane' AS lane, owner, lease_until FROM outbox
       WHERE document_id = ANY($1::text[]) AND owner IS NOT NULL ORDER BY id`,
      [[...new Set(this.#effects.map(({ key }) => key.id))]],
    );
    const last = new Map<string, Lease>();
    for (const { kind, account, region, document_id: id, lane, owner, lease_until: until } of rows)
      last.set(laneName(kind, { account, region, id }, { lane: lane ?? '' }), { owner, until: Number(until ?? 0) });
    return this.#effects.map(({ kind, key, effect, performer }) => {
      const before = last.get(laneName(kind, key, effect));
      if (before !== undefined && before.owner !== own.owner) return before;
      return before === undefined && performer !== undefined ? { owner: performer, until: own.until } : own;
    });
  }
}

type SavedEffects = Pick<TurnsOutcome, 'effects' | 'handed'>;

type OutboxLane = {
  kind: string;
  account: string;
  region: string;
  document_id: string;
  lane: string | null;
  owner: string;
  lease_until: string | number | null;
};

function isBeginning(version: number): boolean {
  return version % TURNS_BETWEEN_BEGINNINGS === 0;
}

/** At or before `version`. */
function beginningBefore(version: number): number {
  return Math.floor(version / TURNS_BETWEEN_BEGINNINGS) * TURNS_BETWEEN_BEGINNINGS;
}

function columns(items: readonly Readonly<{ kind: string; key: DocumentKey }>[]): string[][] {
  return [
    items.map((i) => i.kind),
    items.map((i) => i.key.account),
    items.map((i) => i.key.region),
    items.map((i) => i.key.id),
  ];
}

function isEngineEffect(effect: Readonly<{ type: string }>): effect is EngineEffect {
  return effect.type === 'WakeAt' || effect.type === 'CancelTimer' || effect.type === 'Wake';
}
