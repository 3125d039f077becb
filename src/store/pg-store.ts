/**
 * The store on any server that speaks PostgreSQL's protocol, by a pool of `pg` clients. All three kinds end here: the
 * native child and your own server by a socket, PGlite by a stream into its worker (with a pool of one).
 *
 * Types: `bigint` comes back as a number where it is a safe integer and as a string beyond; `json` and `jsonb` parsed;
 * everything else as `pg` gives it. Statements with parameters are prepared once per connection under a name kept by
 * their text, so a hot query is planned once.
 */
import pg from 'pg';
import {
  CommitUnknownError,
  isConnectionLost,
  MAX_ATTEMPTS,
  retriesTransaction,
  retryDelayMs,
  translateFailure,
  wasNotSent,
} from './failures.ts';
import { migrate, type Migration } from './migrate.ts';
import type { StoreLog } from './open.ts';
import type { Row, Store, StoreKind, Tx } from './store.ts';

/** Beyond this many texts a statement goes unnamed: texts that are built anew each time must not fill the server. */
const MAX_NAMED_STATEMENTS = 400;

const INT8_OID = 20;
const INT8_ARRAY_OID = 1016;
const parseInt8 = (text: string): number | string => {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
};
const parseTextArray = pg.types.getTypeParser(1009 as number as 25) as unknown as (text: string) => (string | null)[];
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
    if (oid === INT8_OID && format !== 'binary') return parseInt8;
    if (oid === INT8_ARRAY_OID && format !== 'binary')
      return (text: string) => parseTextArray(text).map((item) => (item === null ? null : parseInt8(item)));
    return pg.types.getTypeParser(oid, format as 'text');
  },
};

export type PgStoreOptions = Readonly<{
  kind: StoreKind;
  client: pg.PoolConfig;
  maxConnections: number;
  log?: StoreLog;
  /** Stops the server, if it is ours. Called once, after the connections have ended. */
  stopServer?: () => Promise<void>;
}>;

export class PgStore implements Store {
  readonly kind: StoreKind;
  readonly #pool: pg.Pool;
  readonly #stopServer: () => Promise<void>;
  readonly #log: StoreLog | undefined;
  readonly #pipelined: boolean;
  readonly #names = new Map<string, string>();
  #closed: Promise<void> | undefined;
  #spread = 0;

  constructor(options: PgStoreOptions) {
    this.kind = options.kind;
    this.#stopServer = options.stopServer ?? (() => Promise.resolve());
    this.#pipelined = options.kind !== 'pglite';
    this.#pool = new pg.Pool({
      max: options.maxConnections,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: 60_000,
      // Given last by `pg`'s types: parsers differ by client, not by process.
      types: types as unknown as pg.CustomTypesConfig,
      // Statements sent together travel together, and are answered in their order. PGlite's worker takes one at a time.
      pipeline: this.#pipelined,
      ...options.client,
    });
    this.#log = options.log;
    // An idle client that loses its server: the pool drops it, and the next caller gets a new one.
    this.#pool.on('error', (error) => {
      if (this.#closed === undefined) options.log?.warn('an idle database connection broke', { error: error.message });
    });
    // One that is being used has no listener of the pool's: without this one its loss would end the process. Whoever
    // uses it learns of it by the query that fails.
    this.#pool.on('connect', (client) => void client.on('error', () => {}));
  }

  async query<R extends Row = Row>(sql: string, parameters: readonly unknown[] = []): Promise<R[]> {
    const client = await this.#connect().catch((error: unknown) => {
      throw translateFailure(error);
    });
    let broken = false;
    try {
      return await this.#run<R>(client, sql, parameters);
    } catch (error) {
      broken = isConnectionLost(error);
      throw translateFailure(error);
    } finally {
      client.release(broken);
    }
  }

  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(work);
      } catch (error) {
        const again = retriesTransaction(error) || isConnectionLost(error);
        if (!again || attempt >= MAX_ATTEMPTS || this.#closed !== undefined) throw translateFailure(error);
      }
      this.#spread = (this.#spread + 0.381966) % 1;
      await delay(retryDelayMs(attempt + 1, this.#spread));
    }
  }

  async #attempt<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    const callbacks: (() => void)[] = [];
    const endings: (() => void)[] = [];
    let open = true;
    let committing = false;
    let broken = false;
    let last: Promise<unknown> = Promise.resolve();
    const send = <R extends Row>(sql: string, parameters: readonly unknown[]): Promise<R[]> => {
      if (this.#pipelined) return this.#run<R>(client, sql, parameters);
      const answer = last.then(() => this.#run<R>(client, sql, parameters));
      last = answer.catch(() => {});
      return answer;
    };
    const tx: Tx = {
      query: <R extends Row = Row>(sql: string, parameters: readonly unknown[] = []): Promise<R[]> => {
        if (!open) return Promise.reject(new Error('the transaction has ended; await every query inside it'));
        return send<R>(sql, parameters);
      },
      afterCommit: (callback) => void callbacks.push(callback),
      afterEnd: (callback) => void endings.push(callback),
    };
    let result: T;
    try {
      // Not waited for: on a pipelined connection it travels with the first statement, which fails if it does.
      const begun = send('BEGIN', []);
      begun.catch(() => {});
      result = await work(tx);
      open = false;
      await begun;
      committing = true;
      const outcome = await client.query('COMMIT');
      // A statement failed and `work` swallowed it: PostgreSQL answers COMMIT with ROLLBACK.
      if (outcome.command !== 'COMMIT')
        throw new Error('the transaction was rolled back: a statement in it had failed and the failure was swallowed');
    } catch (error) {
      open = false;
      broken = isConnectionLost(error);
      if (broken && committing && !wasNotSent(error)) {
        this.#callBack(endings);
        throw new CommitUnknownError(error);
      }
      if (!broken && !(committing && retriesTransaction(error))) {
        await client.query('ROLLBACK').catch(() => {
          broken = true;
        });
      }
      this.#callBack(endings);
      throw error;
    } finally {
      client.release(broken);
    }
    this.#callBack([...callbacks, ...endings]);
    return result;
  }

  #callBack(callbacks: readonly (() => void)[]): void {
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        // The transaction has ended; its caller must not take this for a failure of it.
        this.#log?.error('a callback after a transaction failed', { error: String(error) });
      }
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    // A transaction that never ends must not keep the server: after five seconds it is stopped under it.
    const ended = this.#pool.end().catch(() => {});
    const timeout = new AbortController();
    await Promise.race([ended, delay(5_000, timeout.signal)]);
    timeout.abort();
    await this.#stopServer();
  }

  async #connect(): Promise<pg.PoolClient> {
    if (this.#closed !== undefined) throw new Error('the store is closed');
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#pool.connect();
      } catch (error) {
        if (!isConnectionLost(error) || attempt >= MAX_ATTEMPTS || this.#closed !== undefined) throw error;
        await delay(retryDelayMs(attempt + 1, 0.5));
      }
    }
  }

  async #run<R extends Row>(client: pg.PoolClient, sql: string, parameters: readonly unknown[]): Promise<R[]> {
    const name = parameters.length === 0 ? undefined : this.#nameOf(sql);
    const result = await client.query<R>({ text: sql, values: parameters as unknown[], ...(name && { name }) });
    return result.rows;
  }

  #nameOf(sql: string): string | undefined {
    const known = this.#names.get(sql);
    if (known !== undefined) return known;
    if (this.#names.size >= MAX_NAMED_STATEMENTS) return undefined;
    const name = `s${this.#names.size + 1}`;
    this.#names.set(sql, name);
    return name;
  }
}

/** Migrates over a connection of its own. With `oldestMajor`, a server below that version is refused. */
export async function migrateByClient(
  config: pg.PoolConfig,
  migrations: readonly Migration[],
  appliedAt: number,
  options: Readonly<{ oldestMajor?: number; onMigrated?: (name: string) => void }> = {},
): Promise<string[]> {
  const { oldestMajor } = options;
  const client = new pg.Client(config);
  client.on('error', () => {}); // The query under way rejects with it.
  await client.connect();
  try {
    if (oldestMajor !== undefined) {
      const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
      const major = Math.floor(Number(rows[0]?.server_version_num) / 10_000);
      if (major < oldestMajor)
        throw new Error(`the database server is PostgreSQL ${major}; Sluice needs ${oldestMajor} or newer`);
    }
    return await migrate(
      {
        run: async (sql) => {
          const result: unknown = await client.query(sql);
          const last = Array.isArray(result) ? (result as pg.QueryResult[]).at(-1) : (result as pg.QueryResult);
          return (last?.rows ?? []) as Record<string, unknown>[];
        },
      },
      migrations,
      appliedAt,
      options.onMigrated,
    );
  } finally {
    await client.end().catch(() => {});
  }
}

function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
