/**
 * Which processes use a database together. Alone on an embedded server there is nothing to know. On a server by URL each
 * process holds a session of its own, and in it an advisory lock under its number: the server lets go of it the moment
 * the process dies, and for as long as the process lives, however slow it is, keeps it. So a dead process is told from a
 * slow one without a guess at how long a pause may last (docs/adr/0013).
 *
 *   standing ── its lock is gone ──▶ missing ── still after `GONE_AFTER_MS` ──▶ gone: the others take over, once
 *      ▲                               │
 *      └──── it has its lock again ────┘    a session breaks without its process when the server restarts
 *
 * The session carries messages too (`LISTEN`): a process is told at once of what waits for it.
 */
import pg from 'pg';
import { collection, nextInSequence } from './documents.ts';
import type { StoreLog } from './open.ts';
import type { Queryable, Row, Store, Tx } from './store.ts';

export interface Membership {
  /** Names this process in leases; no other process on this database ever had the name. */
  readonly self: string;
  /** Nobody else can use the database. */
  readonly exclusive: boolean;
  /**
   * The number of our session; undefined while it is broken. Another number than before: it was broken in between, and the
   * others may have taken us for gone.
   */
  session(): number | undefined;
  /** Resolves when we have a session (again). Rejects when we have left. */
  standingAgain(): Promise<void>;
  /**
   * The names of all that may still be at work, asked of the server now; self included. A process that wrote its name
   * anywhere before this was asked and is not among them is gone.
   */
  standing(): Promise<ReadonlySet<string>>;
  /** Whether nobody else is here at this moment. */
  isAlone(): Promise<boolean>;
  /** Told to every other process when what `q` is has committed. Short: a kilobyte or so. Not kept for who is away. */
  tell(q: Queryable, message: string): Promise<void>;
  onMessage(listener: (message: string) => void): void;
  /**
   * Other processes are gone: called in one of those that remain, again at each beat for as long as it fails, and again by
   * the next start; it must do no harm the second time.
   */
  onGone(listener: (names: readonly string[]) => Promise<void>): void;
  /** From now on it is looked who is gone. Call it once, when the listeners are there. */
  watch(): void;
  /** Leaves at once. Calling it twice is harmless. */
  close(): Promise<void>;
}

export type ProcessRecord = Readonly<{
  name: string;
  number: number;
  host: string;
  pid: number;
  /** `real`, `x60`, ... */
  clock: string;
  /** Of the machine's time. */
  since: number;
  /** It has left of its own accord: what it had at work is taken over without waiting. */
  left?: boolean;
}>;

/** What is asked of the session; a `pg.Client` is one, and a simulation gives its own. */
export interface SessionClient {
  connect(): Promise<unknown>;
  query<R extends Row>(text: string): Promise<Readonly<{ rows: R[] }>>;
  on(event: 'error' | 'end', listener: () => void): unknown;
  on(event: 'notification', listener: (message: Readonly<{ payload?: string | undefined }>) => void): unknown;
  end(): Promise<void>;
}

export type MembershipOptions = Readonly<{
  store: Store;
  /** A session of its own with the same database: how to make one, or one that was not connected yet. */
  client: pg.ClientConfig | (() => SessionClient);
  about: Readonly<{ host: string; pid: number; clock: string }>;
  wallNow: () => number;
  wallTimer: (callback: () => void, delayMs: number) => () => void;
  log?: StoreLog;
  /** Called in the transaction that lets this process in, with those that stand; one at a time. A throw keeps it out. */
  admit?: (tx: Tx, others: readonly ProcessRecord[]) => Promise<void>;
}>;

/** Long enough for every process to be back after the server was started anew; short enough for recovery in five seconds. */
export const GONE_AFTER_MS = 1_500;
export const BEAT_MS = 500;

/** The first half of the lock's key; any number that nobody else uses with the two-part kind of advisory locks. */
const LOCK_CLASS = 758_342;
const CHANNEL = 'sluice';
const RECONNECT_MS = 100;

const records = collection<ProcessRecord>('house.process');
const keyOf = (name: string): { account: string; region: string; id: string } => ({
  account: '',
  region: '',
  id: name,
});

export async function openMembership(options: MembershipOptions): Promise<Membership> {
  const number = await nextInSequence(options.store, 'house.processes');
  const member = new Member(options, number);
  await member.join();
  return member;
}

/** The one process of a database that nobody else can use. */
export function onlyMember(name: string): Membership {
  return {
    self: name,
    exclusive: true,
    session: () => 1,
    standingAgain: () => Promise.resolve(),
    standing: () => Promise.resolve(new Set([name])),
    isAlone: () => Promise.resolve(true),
    tell: () => Promise.resolve(),
    onMessage: () => {},
    onGone: () => {},
    watch: () => {},
    close: () => Promise.resolve(),
  };
}

type Mourner = Readonly<{ listener: (names: readonly string[]) => Promise<void>; gone: Set<string> }>;

class Member implements Membership {
  readonly self: string;
  readonly exclusive = false;
  readonly #options: MembershipOptions;
  readonly #number: number;
  readonly #messageListeners: ((message: string) => void)[] = [];
  /** Each with those that are gone and that it has not seen to yet. */
  readonly #mourners: Mourner[] = [];
  readonly #missingSince = new Map<string, number>();
  #session: SessionClient | undefined;
  #sessions = 0;
  #returning: Promise<void> | undefined;
  #cancelBeat: (() => void) | undefined;
  #closed = false;

  constructor(options: MembershipOptions, number: number) {
    this.#options = options;
    this.#number = number;
    this.self = `process-${number}`;
  }

  async join(): Promise<void> {
    try {
      await this.#connect();
      await this.#options.store.transaction(async (tx) => {
        // A row that all who come in write: one at a time.
        await nextInSequence(tx, 'house.joins');
        const others = await this.#look(tx);
        const living = others.filter(({ here, record }) => here && record.left !== true).map(({ record }) => record);
        await this.#options.admit?.(tx, living);
        await records.put(tx, keyOf(this.self), this.#record());
      });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  watch(): void {
    if (!this.#closed) this.#beatLater();
  }

  session(): number | undefined {
    return this.#session && this.#sessions;
  }

  async standingAgain(): Promise<void> {
    while (this.#session === undefined) {
      if (this.#closed) throw new Error('this process has left its database');
      await (this.#returning ?? this.#pause(RECONNECT_MS));
    }
  }

  async standing(): Promise<ReadonlySet<string>> {
    return (await this.#judge()).standing;
  }

  /** By one look: what two looks say of a process that came in between them does not fit together. */
  async #judge(): Promise<Readonly<{ standing: ReadonlySet<string>; gone: readonly string[] }>> {
    const askedAt = this.#options.wallNow();
    const found = await this.#look(this.#options.store);
    const now = this.#options.wallNow();
    const standing = new Set([this.self]);
    const gone: string[] = [];
    for (const { record, here } of found) {
      if (here && record.left !== true) this.#missingSince.delete(record.name);
      else if (!this.#missingSince.has(record.name)) this.#missingSince.set(record.name, now);
      const missingSince = this.#missingSince.get(record.name);
      const isGone = record.left === true || (missingSince !== undefined && askedAt - missingSince >= GONE_AFTER_MS);
      if (!isGone) standing.add(record.name);
      else if (record.name !== this.self) gone.push(record.name);
    }
    return { standing, gone };
  }

  async isAlone(): Promise<boolean> {
    const found = await this.#look(this.#options.store);
    return found.every(({ record, here }) => !here || record.left === true || record.name === this.self);
  }

  async tell(q: Queryable, message: string): Promise<void> {
    await q.query(`SELECT pg_notify('${CHANNEL}', $1)::text AS told`, [`${this.self} ${message}`]);
  }

  onMessage(listener: (message: string) => void): void {
    this.#messageListeners.push(listener);
  }

  onGone(listener: (names: readonly string[]) => Promise<void>): void {
    this.#mourners.push({ listener, gone: new Set() });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelBeat?.();
    const session = this.#session;
    this.#session = undefined;
    // Kept for the others, who see to what is unfinished and remove it; or for the next start.
    await records.update(this.#options.store, keyOf(this.self), { ...this.#record(), left: true }).catch(() => false);
    await session?.end().catch(() => {});
  }

  #record(): ProcessRecord {
    return { name: this.self, number: this.#number, ...this.#options.about, since: this.#options.wallNow() };
  }

  /**
   * Everybody who came in and did not leave, and whether their lock is held. The records first: a process has its lock before
   * it writes its record, so that none is found without its lock because it came in just then.
   */
  async #look(q: Queryable): Promise<Readonly<{ record: ProcessRecord; here: boolean }>[]> {
    const stored = await records.list(q);
    const held = await q.query<{ number: number | string }>(
      `SELECT objid::bigint AS number FROM pg_locks
       WHERE locktype = 'advisory' AND classid = ${LOCK_CLASS}::oid AND objsubid = 2 AND granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    const numbers = new Set(held.map((row) => Number(row.number)));
    return stored.map(({ document }) => ({ record: document, here: numbers.has(document.number) }));
  }

  async #connect(): Promise<void> {
    const { client: made } = this.#options;
    const client: SessionClient =
      typeof made === 'function'
        ? made()
        : new pg.Client({ ...made, application_name: 'sluice-member', keepAlive: true });
    const lost = (): void => {
      if (this.#session !== client) return;
      this.#session = undefined;
      if (!this.#closed) this.#returning ??= this.#return().finally(() => (this.#returning = undefined));
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload = '' }) => this.#heard(payload));
    await client.connect();
    try {
      // A machine that vanishes says no goodbye: the server asks after it.
      await client.query('SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3');
      // An earlier session of ours whose end the server has not noticed yet still holds it, and stands for us.
      for (;;) {
        const { rows } = await client.query<{ held: boolean }>(
          `SELECT pg_try_advisory_lock(${LOCK_CLASS}, ${this.#number}) AS held`,
        );
        if (rows[0]?.held === true) break;
        await this.#pause(RECONNECT_MS);
        if (this.#closed) throw new Error('this process has left its database');
      }
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    this.#sessions += 1;
    this.#session = client;
  }

  /** Until the server answers again. Whoever took us for gone has removed our record: it is written anew. */
  async #return(): Promise<void> {
    this.#options.log?.warn('the session that stands for this process broke; making a new one', { process: this.self });
    while (!this.#closed) {
      try {
        await this.#connect();
        await records.put(this.#options.store, keyOf(this.self), this.#record());
        return;
      } catch {
        const broken = this.#session;
        this.#session = undefined;
        await broken?.end().catch(() => {});
        await this.#pause(RECONNECT_MS);
      }
    }
  }

  #heard(payload: string): void {
    const at = payload.indexOf(' ');
    if (payload.slice(0, at) === this.self) return;
    for (const listener of this.#messageListeners) listener(payload.slice(at + 1));
  }

  #beatLater(): void {
    this.#cancelBeat = this.#options.wallTimer(() => {
      void this.#beat()
        .catch(() => {}) // The database is away; the next beat asks again.
        .finally(() => {
          if (!this.#closed) this.#beatLater();
        });
    }, BEAT_MS);
  }

  async #beat(): Promise<void> {
    if (this.#session === undefined) return;
    try {
      await this.#findGone();
    } finally {
      for (const mourner of this.#mourners) await this.#mourn(mourner);
    }
  }

  async #findGone(): Promise<void> {
    const { store, log } = this.#options;
    const gone: string[] = [];
    for (const name of (await this.#judge()).gone) {
      // Whoever removes the record is the one that sees to it; and so is whoever does not hear whether it did.
      const removed = await records.delete(store, keyOf(name)).catch(() => true);
      if (removed) gone.push(name);
      this.#missingSince.delete(name);
    }
    if (gone.length === 0) return;
    log?.warn('other processes on this database are gone; taking over', { gone });
    for (const mourner of this.#mourners) for (const name of gone) mourner.gone.add(name);
  }

  async #mourn(mourner: Mourner): Promise<void> {
    const gone = [...mourner.gone];
    if (gone.length === 0) return;
    try {
      await mourner.listener(gone);
      for (const name of gone) mourner.gone.delete(name);
    } catch (error) {
      this.#options.log?.error('what a process that is gone had at work could not be taken over yet', {
        gone,
        error: String(error),
      });
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.wallTimer(resolve, ms));
  }
}
