/**
 * A store in memory for simulations: the contract of src/store/store.ts, without a server, on a disk that outlives its
 * processes. It is a table of the statements that Sluice sends, each a small function over maps with indexes
 * (`statements/`); any other statement is an error that names it.
 *
 * Transactions are READ COMMITTED, with locks on rows and advisory keys, queues for them, and deadlocks found. Values are
 * what PostgreSQL makes of them: JSON is copied in and out, texts are ordered byte by byte, failures carry SQLSTATE
 * codes and are retried and worded by the same table as the real store's (src/store/failures.ts).
 *
 * Nothing here waits for time, draws a number or reads a clock: what happens, and in which order, is up to `trip`.
 */
import {
  CommitUnknownError,
  isConnectionLost,
  MAX_ATTEMPTS,
  retriesTransaction,
  retryDelayMs,
  translateFailure,
} from '../../src/store/failures.ts';
import type { Row, Store, StoreKind, Tx } from '../../src/store/store.ts';
import { Connection, type Trip } from './connection.ts';
import type { MemoryDisk } from './disk.ts';

export type { Trip } from './connection.ts';
export { MemoryDisk } from './disk.ts';
export { failure } from './jsonb.ts';
export type { Change } from './session.ts';

export type ConnectOptions = Readonly<{
  trip?: Trip | undefined;
  /** What the store says it is. `pglite` has one connection, as it has in truth. */
  kind?: StoreKind | undefined;
  /** Waits before a failed transaction is tried again. Absent: no wait. */
  pause?: ((delayMs: number) => Promise<void>) | undefined;
  /** A callback after a transaction failed; the real store logs it. */
  onCallbackError?: ((error: unknown) => void) | undefined;
}>;

export interface MemoryStore extends Store {
  /** The process is gone: its open transactions roll back, locks are freed, and nothing that it awaits is ever answered. */
  die(): void;
}

/** One process's connections to the disk. */
export function connect(disk: MemoryDisk, options: ConnectOptions = {}): MemoryStore {
  return new ProcessStore(disk, options);
}

/** What a dead process awaits. */
const NEVER: Promise<never> = new Promise(() => {});

class ProcessStore implements MemoryStore {
  readonly kind: StoreKind;
  readonly #disk: MemoryDisk;
  readonly #options: ConnectOptions;
  readonly #open = new Set<Connection>();
  readonly #most: number;
  readonly #queue: (() => void)[] = [];
  #closed = false;
  #dead = false;

  constructor(disk: MemoryDisk, options: ConnectOptions) {
    this.kind = options.kind ?? 'native';
    this.#disk = disk;
    this.#options = options;
    this.#most = this.kind === 'pglite' ? 1 : Infinity;
  }

  query<R extends Row = Row>(sql: string, parameters: readonly unknown[] = []): Promise<R[]> {
    if (this.#dead) return NEVER;
    if (this.#closed) return Promise.reject(new Error('the store is closed'));
    if (this.#options.trip === undefined && this.#open.size < this.#most) {
      const connection = new Connection(this.#disk, undefined);
      try {
        const rows = connection.atOnce(sql, parameters);
        if (rows !== undefined) return Promise.resolve(rows as R[]);
      } catch (error) {
        connection.end();
        return Promise.reject(translateFailure(error));
      }
      // It stands in a queue for a row; so as not to stand there twice, it is begun anew.
      connection.end();
    }
    return this.#alive(this.#alone(sql, parameters)) as Promise<R[]>;
  }

  async #alone(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    const connection = await this.#connect();
    try {
      return await connection.alone(sql, parameters);
    } catch (error) {
      throw translateFailure(error);
    } finally {
      this.#release(connection);
    }
  }

  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    if (this.#dead) return NEVER;
    return this.#alive(this.#transaction(work));
  }

  async #transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(work);
      } catch (error) {
        if (this.#dead) return NEVER;
        const again = retriesTransaction(error) || isConnectionLost(error);
        if (!again || attempt >= MAX_ATTEMPTS || this.#closed) throw translateFailure(error);
      }
      await this.#options.pause?.(retryDelayMs(attempt + 1, 0.5));
    }
  }

  async #attempt<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    const callbacks: (() => void)[] = [];
    const endings: (() => void)[] = [];
    let open = true;
    let committing = false;
    const tx: Tx = {
      query: <R extends Row = Row>(sql: string, parameters: readonly unknown[] = []): Promise<R[]> => {
        if (this.#dead) return NEVER;
        if (!open) return Promise.reject(new Error('the transaction has ended; await every query inside it'));
        try {
          const rows = connection.send(sql, parameters);
          return rows instanceof Promise ? (this.#alive(rows) as Promise<R[]>) : Promise.resolve(rows as R[]);
        } catch (error) {
          return Promise.reject(error);
        }
      },
      afterCommit: (callback) => void callbacks.push(callback),
      afterEnd: (callback) => void endings.push(callback),
    };
    let result: T;
    try {
      result = await work(tx);
      if (this.#dead) return NEVER;
      open = false;
      committing = true;
      const committed = await connection.commit();
      if (this.#dead) return NEVER;
      if (!committed)
        throw new Error('the transaction was rolled back: a statement in it had failed and the failure was swallowed');
    } catch (error) {
      if (this.#dead) return NEVER;
      open = false;
      connection.end();
      this.#callBack(endings);
      throw committing && isConnectionLost(error) ? new CommitUnknownError(error) : error;
    } finally {
      this.#release(connection);
    }
    this.#callBack([...callbacks, ...endings]);
    return result;
  }

  #callBack(callbacks: readonly (() => void)[]): void {
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        this.#options.onCallbackError?.(error);
      }
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  die(): void {
    this.#dead = true;
    for (const connection of this.#open) connection.end();
    this.#open.clear();
    this.#queue.length = 0;
  }

  async #connect(): Promise<Connection> {
    if (this.#closed) throw new Error('the store is closed');
    while (this.#open.size >= this.#most) await new Promise<void>((resolve) => this.#queue.push(resolve));
    const connection = new Connection(this.#disk, this.#options.trip);
    this.#open.add(connection);
    return connection;
  }

  #release(connection: Connection): void {
    connection.end();
    this.#open.delete(connection);
    this.#queue.shift()?.();
  }

  /** Answers and failures reach the living alone. */
  #alive<T>(answer: Promise<T>): Promise<T> {
    return answer.then(
      (value) => (this.#dead ? NEVER : value),
      (error: unknown) => {
        if (this.#dead) return NEVER;
        throw error;
      },
    );
  }
}
