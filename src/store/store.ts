/**
 * Durable state: one PostgreSQL dialect (level 15) on three kinds of server (native embedded, PGlite, your own URL).
 * An acknowledged write survives `kill -9`. SQL never says `now()`: instants are parameters.
 */
export type Row = Record<string, unknown>;

/** Anything that runs a statement: the store itself (one statement, one transaction) or a transaction. */
export interface Queryable {
  /** `$1`-style parameters. Objects are sent as JSON text to `jsonb` parameters. Rows come back as plain objects. */
  query<R extends Row = Row>(sql: string, parameters?: readonly unknown[]): Promise<R[]>;
}

export interface Tx extends Queryable {
  /** Runs after the commit, never after a rollback. For in-memory hand-over (waking a loop), never for state. */
  afterCommit(callback: () => void): void;
  /** Runs once the transaction has ended, committed or not; after what `afterCommit` runs. */
  afterEnd(callback: () => void): void;
}

export type StoreKind = 'native' | 'pglite' | 'url';

export interface Store extends Queryable {
  readonly kind: StoreKind;
  /**
   * Runs `work` in one READ COMMITTED transaction and commits; a throw rolls back and is rethrown. Serialization
   * failures and deadlocks are retried, so `work` may run more than once: it must have no effect outside `tx`.
   * Never use the store itself inside `work`: on PGlite there is one connection and it would wait for ever.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Ends connections and, for an embedded server, stops it cleanly. Calling it twice is harmless. */
  close(): Promise<void>;
}
