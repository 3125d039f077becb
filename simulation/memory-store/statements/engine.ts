/** The statements of src/engine: turns (turns.ts), what waits between them (waiting.ts), removal (loop-engine.ts). */
import type { Row } from '../../../src/store/store.ts';
import { compareBytes } from '../bytes.ts';
import { timerKey } from '../disk.ts';
import { failure, jsonText, jsonValue, memberText } from '../jsonb.ts';
import { type HistoryRow, keyText, type OutboxRow, type TimerRow } from '../rows.ts';
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
import { documentKey } from './documents.ts';

type DocumentRef = Readonly<{ kind: string; account: string; region: string; document_id: string }>;

/** The keys that four arrays hold. */
function keysOf(p: readonly unknown[]): DocumentRef[] {
  const [kinds, accounts, regions, ids] = [list(p[0]), list(p[1]), list(p[2]), list(p[3])];
  return kinds.map((kind, n) => ({
    kind: text(kind),
    account: text(accounts[n]),
    region: text(regions[n]),
    document_id: text(ids[n]),
  }));
}

function addressOf(ref: DocumentRef): string {
  return keyText(ref.kind, ref.account, ref.region, ref.document_id);
}

// Turns

const load: Statement = (session, p) => {
  const { documents } = session.disk;
  const keys = [...new Set(keysOf(p).map(addressOf))].filter((key) => session.read(documents, key) !== undefined);
  const rows = keys.map((key) => session.read(documents, key)).filter((row) => row !== undefined);
  rows.sort(
    (a, b) =>
      compareBytes(a.kind, b.kind) ||
      compareBytes(a.account, b.account) ||
      compareBytes(a.region, b.region) ||
      compareBytes(a.id, b.id),
  );
  for (const row of rows) session.lock(documents, documents.keyOf(row));
  return rows.map((row) => ({
    kind: row.kind,
    account: row.account,
    region: row.region,
    id: row.id,
    parent: row.parent,
    sort: row.sort,
    version: row.version,
    document: jsonValue(row.document),
  }));
};

function effectsById(session: Session, ids: unknown): OutboxRow[] {
  return [...new Set(list(ids).map(String))]
    .map((id) => session.read(session.disk.outbox, id))
    .filter((row) => row !== undefined);
}

const consumeEffects: Statement = (session, p) => {
  const rows = effectsById(session, p[0]);
  session.remove(session.disk.outbox, rows);
  return rows.map((row) => ({ id: String(row.id) }));
};

function namedTimers(
  session: Session,
  p: readonly unknown[],
  where: (row: TimerRow) => boolean = () => true,
): TimerRow[] {
  const names = list(p[4]);
  const keys = new Set(keysOf(p).map((ref, n) => timerKey({ ...ref, name: text(names[n]) })));
  return [...keys]
    .map((key) => session.read(session.disk.timers, key))
    .filter((row) => row !== undefined)
    .filter(where);
}

const consumeTimers: Statement = (session, p) => {
  const now = whole(p[5]);
  const rows = namedTimers(session, p, (row) => row.due_at <= now);
  session.remove(session.disk.timers, rows);
  return rows.map(({ kind, account, region, document_id, name }) => ({ kind, account, region, document_id, name }));
};

const wakeMany: Statement = (session, p) => {
  wakeTimers(session, list(p[0]).map(text), whole(p[1]));
  return [];
};

const wakeOne: Statement = (session, p) => wakeTimers(session, [text(p[0])], whole(p[1])).map(() => DONE);

function wakeTimers(session: Session, wakeKeys: readonly string[], now: number): TimerRow[] {
  const { timers, timersByWakeKey } = session.disk;
  const wanted = new Set(wakeKeys);
  const cells = [...wanted].flatMap((wakeKey) => [...timersByWakeKey.cells(wakeKey)]);
  const rows = session.select(
    timers,
    cells,
    (row) => row.wake_key !== null && wanted.has(row.wake_key) && row.due_at > now,
  );
  return session.update(timers, rows, (row) => ({ ...row, due_at: now }));
}

const insertState: Statement = (session, p) => {
  const { documents, history } = session.disk;
  const [kind, account, region, id, parent, sort] = p.slice(0, 6).map(text) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const key = keyText(kind, account, region, id);
  const document = jsonText(p[6]);
  const at = whole(p[7]);
  const event = jsonText(p[8]);
  if (session.read(documents, key) !== undefined) return [];
  session.lock(documents, key);
  const place = { kind, account, region, document_id: id, version: 1, at };
  const unchecked = { fingerprint: null, effects: null, effects_fingerprint: null };
  const first = { ...place, event, state: document, ...unchecked };
  session.lock(history, history.keyOf(first));
  session.write(documents, key, { kind, account, region, id, parent, sort, version: 1, document });
  addHistory(session, first);
  return [DONE];
};

/** The row must be locked. */
function addHistory(session: Session, row: HistoryRow): void {
  const { history } = session.disk;
  const key = history.keyOf(row);
  if (session.read(history, key) !== undefined)
    throw failure('23505', 'duplicate key value violates unique constraint "history_pkey"');
  session.write(history, key, row);
}

const saveStates: Statement = (session, p) => {
  const { documents, history } = session.disk;
  const [texts, versions, parents, sorts] = [list(p[4]), list(p[5]), list(p[6]), list(p[7])];
  const states = keysOf(p).map((ref, n) => ({
    key: addressOf(ref),
    document: jsonText(texts[n]),
    version: whole(versions[n]),
    parent: text(parents[n]),
    sort: text(sorts[n]),
  }));
  const [numbers, events, fingerprints, snapshots] = [list(p[12]), list(p[13]), list(p[14]), list(p[15])];
  const [effects, effectFingerprints] = [list(p[16]), list(p[17])];
  const at = whole(p[18]);
  const entries = keysOf(p.slice(8)).map((ref, n) => ({
    ...ref,
    version: whole(numbers[n]),
    at,
    event: jsonText(events[n]),
    fingerprint: wholeOrNull(fingerprints[n]),
    state: snapshots[n] === null ? null : jsonText(snapshots[n]),
    effects: textOrNull(effects[n]),
    effects_fingerprint: wholeOrNull(effectFingerprints[n]),
  }));
  for (const { key } of states) if (session.read(documents, key) !== undefined) session.lock(documents, key);
  for (const entry of entries) session.lock(history, history.keyOf(entry));
  for (const { key, ...saved } of states) {
    const row = session.read(documents, key);
    if (row !== undefined) session.write(documents, key, { ...row, ...saved });
  }
  for (const entry of entries) addHistory(session, entry);
  return [];
};

const dropOldHistory: Statement = (session, p) => {
  const { history, historyByDocument } = session.disk;
  const versions = list(p[4]);
  const rows = new Set<HistoryRow>();
  for (const [n, ref] of keysOf(p).entries()) {
    const address = addressOf(ref);
    const before = whole(versions[n]);
    const matches = (row: HistoryRow): boolean => addressOf(row) === address && row.version < before;
    for (const row of session.select(history, historyByDocument.cells(address), matches)) rows.add(row);
  }
  session.remove(history, [...rows]);
  return [];
};

/** From the newest row with a state at or before an instant on, or else from the first with one. */
const readLoopHistory: Statement = (session, p) => {
  const { history, historyByDocument } = session.disk;
  const address = documentKey(p);
  const [reaching, until] = [whole(p[4]), wholeOrNull(p[5])];
  const rows = session
    .select(history, historyByDocument.cells(address), (row) => addressOf(row) === address)
    .sort((a, b) => a.version - b.version);
  const beginnings = rows.filter(({ state }) => state !== null);
  const from = beginnings.findLast(({ at }) => at <= reaching)?.version ?? beginnings[0]?.version ?? 0;
  return rows
    .filter(({ version, at }) => version >= from && (until === null || at <= until))
    .map(({ version, at, event, fingerprint, state, effects, effects_fingerprint }) => ({
      version,
      at,
      event: jsonValue(event),
      fingerprint,
      state: state === null ? null : jsonValue(state),
      effects,
      effects_fingerprint,
    }));
};

/** Rows of one loop's history in their order, whichever columns are asked for. */
const readHistory: Shape = (sql) => {
  const match = /^SELECT ([\w:, ]+) FROM history WHERE (.+?) ORDER BY version$/.exec(sql);
  if (match === null) return undefined;
  const names = (match[1] as string).split(', ').map((column) => / AS (\w+)$/.exec(column)?.[1] ?? column);
  const places = (match[2] as string).split(' AND ').map((part) => /^(\w+) = \$(\d+)$/.exec(part));
  if (places.some((place) => place === null)) return undefined;
  const wanted = places.map((place) => [place?.[1], Number(place?.[2]) - 1] as [keyof HistoryRow, number]);
  return (session, p) =>
    session
      .scan(session.disk.history, (row) => wanted.every(([column, at]) => row[column] === p[at]))
      .sort((a, b) => a.version - b.version)
      .map((row) => {
        const shown: Row = {
          ...row,
          event: jsonValue(row.event),
          state: row.state === null ? null : jsonValue(row.state),
        };
        return Object.fromEntries(names.map((name) => [name, shown[name]]));
      });
};

const endTimers: Statement = (session, p) => {
  const { timers, timersByDocument } = session.disk;
  const ended = new Set(keysOf(p).map(addressOf));
  const cells = [...ended].flatMap((address) => [...timersByDocument.cells(address)]);
  session.remove(
    timers,
    session.select(timers, cells, (row) => ended.has(addressOf(row))),
  );
  return [];
};

const cancelTimers: Statement = (session, p) => {
  session.remove(session.disk.timers, namedTimers(session, p));
  return [];
};

const setTimers: Statement = (session, p) => {
  const { timers } = session.disk;
  const [names, dues, wakeKeys] = [list(p[4]), list(p[5]), list(p[6])];
  const rows = keysOf(p).map((ref, n) => ({
    ...ref,
    name: text(names[n]),
    due_at: whole(dues[n]),
    wake_key: textOrNull(wakeKeys[n]),
  }));
  onceEach(rows.map(timerKey));
  for (const row of rows) session.lock(timers, timerKey(row));
  for (const row of rows) session.write(timers, timerKey(row), row);
  return [];
};

const saveEffects: Statement = (session, p) => {
  const { outbox } = session.disk;
  const effects = list(p[4]);
  const [owners, leases, due_at] = [list(p[5]), list(p[6]), whole(p[7])];
  return keysOf(p).map((ref, n) => {
    const [owner, lease_until] = [textOrNull(owners[n]), wholeOrNull(leases[n])];
    const row = { id: outbox.next(), ...ref, effect: jsonText(effects[n]), attempts: 0, due_at, owner, lease_until };
    session.write(outbox, String(row.id), row);
    return { id: String(row.id) };
  });
};

// What waits

/** The earliest timers due; `limit` is written in the text. */
const dueTimers: Shape = (sql) => {
  const match =
    /^SELECT kind, account, region, document_id, name FROM timers WHERE due_at <= \$1 ORDER BY due_at LIMIT (\d+)$/.exec(
      sql,
    );
  if (match === null) return undefined;
  const most = Number(match[1]);
  return (session, p) => {
    const now = whole(p[0]);
    return timersInOrder(session, (row) => row.due_at <= now, most).map(
      ({ kind, account, region, document_id, name }) => ({ kind, account, region, document_id, name }),
    );
  };
};

/** The first of all timers, as long as `goesOn` holds. */
function timersInOrder(session: Session, goesOn: (row: TimerRow) => boolean, most: number): TimerRow[] {
  const { timers, timersByDue } = session.disk;
  if (session.hasWritten(timers))
    return session
      .scan(timers, goesOn)
      .sort((a, b) => a.due_at - b.due_at || compareBytes(timerKey(a), timerKey(b)))
      .slice(0, most);
  const found: TimerRow[] = [];
  for (const { row } of timersByDue.cells) {
    if (found.length >= most || !goesOn(row)) break;
    found.push(row);
  }
  return found;
}

const dropStaleTimers: Statement = (session, p) => {
  const { documents, timers } = session.disk;
  const now = whole(p[5]);
  session.remove(
    timers,
    namedTimers(session, p, (row) => row.due_at <= now && session.read(documents, addressOf(row)) === undefined),
  );
  return [];
};

const nextTimerAt: Statement = (session) => [{ due_at: timersInOrder(session, () => true, 1)[0]?.due_at ?? null }];

function waiting({ id, kind, account, region, document_id, effect, attempts, due_at }: OutboxRow): Row {
  return { id: String(id), kind, account, region, document_id, effect: jsonValue(effect), attempts, due_at };
}

const claimAllEffects: Statement = (session, p) => {
  const { outbox } = session.disk;
  const [owner, lease_until] = [textOrNull(p[0]), wholeOrNull(p[1])];
  return session.update(outbox, session.scan(outbox), (row) => ({ ...row, owner, lease_until })).map(waiting);
};

const effectHolders: Statement = (session) => {
  const least = new Map<string | null, number | null>();
  for (const { owner, lease_until } of session.scan(session.disk.outbox)) {
    const before = least.get(owner) ?? null;
    least.set(owner, before === null || (lease_until !== null && lease_until < before) ? lease_until : before);
  }
  return [...least].map(([owner, lease_until]) => ({ owner, lease_until }));
};

const allEffects: Statement = (session) =>
  session
    .scan(session.disk.outbox)
    .sort(byId)
    .map((row) => ({ ...waiting(row), owner: row.owner, lease_until: row.lease_until }));

/** The lanes of some documents' effects, with who holds each. */
const lanes: Statement = (session, p) => {
  const ids = new Set(list(p[0]));
  return session
    .scan(session.disk.outbox, (row) => ids.has(row.document_id) && row.owner !== null)
    .sort(byId)
    .map(({ kind, account, region, document_id, effect, owner, lease_until }) => ({
      kind,
      account,
      region,
      document_id,
      lane: memberText(jsonValue(effect), 'lane'),
      owner,
      lease_until,
    }));
};

const giveEffects: Statement = (session, p) => {
  const [owners, leases, was, until] = [list(p[1]), list(p[2]), list(p[3]), list(p[4])];
  const given = new Map(
    list(p[0]).map((id, n) => [String(id), { owner: textOrNull(owners[n]), lease_until: wholeOrNull(leases[n]) }]),
  );
  const before = new Map(
    list(p[0]).map((id, n) => [String(id), { owner: textOrNull(was[n]), lease_until: wholeOrNull(until[n]) }]),
  );
  const rows = effectsById(session, p[0]).filter((row) => {
    const { owner, lease_until } = before.get(String(row.id)) ?? row;
    return row.owner === owner && row.lease_until === lease_until;
  });
  session.update(session.disk.outbox, rows, (row) => ({ ...row, ...given.get(String(row.id)) }));
  return rows.map(({ id }) => ({ id: String(id) }));
};

const heldEffects: Statement = (session, p) => {
  const owner = text(p[0]);
  return effectsById(session, p[1])
    .filter((row) => row.owner === owner)
    .map(waiting);
};

function byId(a: OutboxRow, b: OutboxRow): number {
  return a.id - b.id;
}

function renew(session: Session, p: readonly unknown[]): OutboxRow[] {
  const { outbox } = session.disk;
  const [owner, lease_until] = [text(p[0]), whole(p[1])];
  const rows = session.scan(outbox, (row) => row.owner === owner);
  return session.update(outbox, rows, (row) => ({ ...row, lease_until }));
}

const renewLeases: Statement = (session, p) => renew(session, p).map(waiting);

const putOff: Statement = (session, p) => {
  const [attempts, due_at] = [whole(p[1]), whole(p[2])];
  session.update(session.disk.outbox, effectsById(session, [p[0]]), (row) => ({ ...row, attempts, due_at }));
  return [];
};

const forgetEffects: Statement = (session, p) => {
  session.remove(session.disk.outbox, effectsById(session, p[0]));
  return [];
};

// Removal

const removeTimers: Statement = (session, p) => {
  const { timers, timersByDocument } = session.disk;
  const address = documentKey(p);
  session.remove(
    timers,
    session.select(timers, timersByDocument.cells(address), (row) => addressOf(row) === address),
  );
  return [];
};

const removeEffects: Statement = (session, p) => {
  const { outbox, outboxByDocument } = session.disk;
  const address = documentKey(p);
  session.remove(
    outbox,
    session.select(outbox, outboxByDocument.cells(address), (row) => addressOf(row) === address),
  );
  return [];
};

const removeHistory: Statement = (session, p) => {
  const { history, historyByDocument } = session.disk;
  const address = documentKey(p);
  session.remove(
    history,
    session.select(history, historyByDocument.cells(address), (row) => addressOf(row) === address),
  );
  return [];
};

const removeDocument: Statement = (session, p): Row[] => {
  const row = session.read(session.disk.documents, documentKey(p));
  if (row !== undefined) session.remove(session.disk.documents, [row]);
  return [];
};

const BY_DOCUMENT = 'WHERE kind = $1 AND account = $2 AND region = $3 AND document_id = $4';
const WAITING = 'id::text AS id, kind, account, region, document_id, effect, attempts, due_at';
const FOUR = '$1::text[], $2::text[], $3::text[], $4::text[]';
const SAME_DOCUMENT = 't.kind = k.kind AND t.account = k.account AND t.region = k.region AND t.document_id = k.id';

export const engine: StatementTable = {
  texts: {
    [`SELECT d.kind, d.account, d.region, d.id, d.parent, d.sort, d.version, d.document
      FROM documents d JOIN unnest(${FOUR}) AS k(kind, account, region, id)
      ON d.kind = k.kind AND d.account = k.account AND d.region = k.region AND d.id = k.id
      ORDER BY d.kind, d.account, d.region, d.id FOR UPDATE OF d`]: load,
    'DELETE FROM outbox WHERE id = ANY($1::bigint[]) RETURNING id::text AS id': consumeEffects,
    [`DELETE FROM timers t USING unnest(${FOUR}, $5::text[]) AS k(kind, account, region, id, name)
      WHERE ${SAME_DOCUMENT} AND t.name = k.name AND t.due_at <= $6
      RETURNING t.kind, t.account, t.region, t.document_id, t.name`]: consumeTimers,
    'UPDATE timers SET due_at = $2 WHERE wake_key = ANY($1::text[]) AND due_at > $2': wakeMany,
    'UPDATE timers SET due_at = $2 WHERE wake_key = $1 AND due_at > $2 RETURNING 1 AS done': wakeOne,
    [`WITH made AS (
        INSERT INTO documents (kind, account, region, id, parent, sort, version, document)
        VALUES ($1, $2, $3, $4, $5, $6, 1, $7::jsonb) ON CONFLICT DO NOTHING
        RETURNING kind, account, region, id, document
      )
      INSERT INTO history (kind, account, region, document_id, version, at, event, state)
      SELECT kind, account, region, id, 1, $8, $9::jsonb, document FROM made RETURNING 1 AS done`]: insertState,
    [`WITH saved AS (
        UPDATE documents d SET document = k.document::jsonb, version = k.version, parent = k.parent, sort = k.sort
        FROM unnest(${FOUR}, $5::text[], $6::bigint[], $7::text[], $8::text[])
        AS k(kind, account, region, id, document, version, parent, sort)
        WHERE d.kind = k.kind AND d.account = k.account AND d.region = k.region AND d.id = k.id
      )
      INSERT INTO history (kind, account, region, document_id, version, at, event, fingerprint, state, effects, effects_fingerprint)
      SELECT h.kind, h.account, h.region, h.id, h.version, $19, h.event::jsonb, h.fingerprint, h.state::jsonb, h.effects, h.effects_fingerprint
      FROM unnest($9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[], $15::bigint[], $16::text[], $17::text[], $18::bigint[])
      AS h(kind, account, region, id, version, event, fingerprint, state, effects, effects_fingerprint)`]: saveStates,
    [`DELETE FROM history h USING unnest(${FOUR}, $5::bigint[]) AS k(kind, account, region, id, version)
      WHERE h.kind = k.kind AND h.account = k.account AND h.region = k.region AND h.document_id = k.id AND h.version < k.version`]:
      dropOldHistory,
    [`SELECT version, at, event, fingerprint, state, effects, effects_fingerprint FROM history
      ${BY_DOCUMENT} AND ($6::bigint IS NULL OR at <= $6)
      AND version >= coalesce(
        (SELECT max(version) FROM history
        ${BY_DOCUMENT} AND state IS NOT NULL AND at <= $5),
        (SELECT min(version) FROM history
        ${BY_DOCUMENT} AND state IS NOT NULL),
        0)
      ORDER BY version`]: readLoopHistory,
    [`DELETE FROM timers t USING unnest(${FOUR}) AS k(kind, account, region, id) WHERE ${SAME_DOCUMENT}`]: endTimers,
    [`DELETE FROM timers t USING unnest(${FOUR}, $5::text[]) AS k(kind, account, region, id, name)
      WHERE ${SAME_DOCUMENT} AND t.name = k.name`]: cancelTimers,
    [`INSERT INTO timers (kind, account, region, document_id, name, due_at, wake_key)
      SELECT * FROM unnest(${FOUR}, $5::text[], $6::bigint[], $7::text[])
      ON CONFLICT (kind, account, region, document_id, name) DO UPDATE SET due_at = excluded.due_at, wake_key = excluded.wake_key`]:
      setTimers,
    [`INSERT INTO outbox (kind, account, region, document_id, effect, due_at, owner, lease_until)
      SELECT k.kind, k.account, k.region, k.id, k.effect::jsonb, $8, k.owner, k.lease_until
      FROM unnest(${FOUR}, $5::text[], $6::text[], $7::bigint[])
      WITH ORDINALITY AS k(kind, account, region, id, effect, owner, lease_until, n)
      ORDER BY k.n RETURNING id::text AS id`]: saveEffects,
    [`DELETE FROM timers t USING unnest(${FOUR}, $5::text[]) AS k(kind, account, region, id, name)
      WHERE ${SAME_DOCUMENT} AND t.name = k.name AND t.due_at <= $6
      AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.kind = k.kind AND d.account = k.account AND d.region = k.region AND d.id = k.id)`]:
      dropStaleTimers,
    'SELECT min(due_at) AS due_at FROM timers': nextTimerAt,
    [`UPDATE outbox SET owner = $1, lease_until = $2 RETURNING ${WAITING}`]: claimAllEffects,
    [`SELECT kind, account, region, document_id, effect->>'lane' AS lane, owner, lease_until FROM outbox
      WHERE document_id = ANY($1::text[]) AND owner IS NOT NULL ORDER BY id`]: lanes,
    'SELECT owner, min(lease_until) AS lease_until FROM outbox GROUP BY owner': effectHolders,
    [`SELECT ${WAITING}, owner, lease_until FROM outbox ORDER BY id`]: allEffects,
    [`UPDATE outbox SET owner = k.owner, lease_until = k.lease_until
      FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[]) AS k(id, owner, lease_until, was, until)
      WHERE outbox.id = k.id AND outbox.owner IS NOT DISTINCT FROM k.was AND outbox.lease_until IS NOT DISTINCT FROM k.until
      RETURNING outbox.id::text AS id`]: giveEffects,
    [`SELECT ${WAITING} FROM outbox WHERE owner = $1 AND id = ANY($2::bigint[])`]: heldEffects,
    [`UPDATE outbox SET lease_until = $2 WHERE owner = $1 RETURNING ${WAITING}`]: renewLeases,
    'UPDATE outbox SET attempts = $2, due_at = $3 WHERE id = $1': putOff,
    [`WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true) AS value)
      DELETE FROM outbox USING relaxed WHERE outbox.id = ANY($1::bigint[]) AND relaxed.value IS NOT NULL`]:
      forgetEffects,
    [`DELETE FROM timers ${BY_DOCUMENT}`]: removeTimers,
    [`DELETE FROM outbox ${BY_DOCUMENT}`]: removeEffects,
    [`DELETE FROM history ${BY_DOCUMENT}`]: removeHistory,
    'DELETE FROM documents WHERE kind = $1 AND account = $2 AND region = $3 AND id = $4': removeDocument,
  },
  shapes: [dueTimers, readHistory],
};
