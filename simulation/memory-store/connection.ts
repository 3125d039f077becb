/**
 * One connection: runs the statements of one transaction in the order in which they were sent, each with its way to
 * the database and back. After a failure it refuses everything until its end, as PostgreSQL does.
 */
import { isConnectionLost } from '../../src/store/failures.ts';
import type { Row } from '../../src/store/store.ts';
import type { MemoryDisk } from './disk.ts';
import { failure } from './jsonb.ts';
import { Blocked, Session } from './session.ts';
import { findStatement } from './statements/index.ts';

/**
 * The way to the database and back: awaited before a statement or commit takes effect ('Going') and before its answer
 * arrives ('Coming'). Undefined: no delay. May reject (a fault), or never resolve (the process died).
 *
 * A rejection on the way there: nothing happened; on the way back: it has happened and the answer is lost. One that
 * means a lost connection (`isConnectionLost`) ends the transaction at the server; any other is the statement's failure.
 */
export type Trip = (
  trip: Readonly<{ of: 'Statement' | 'Commit'; way: 'Going' | 'Coming' }>,
) => Promise<void> | undefined;

const STATEMENT_GOING = { of: 'Statement', way: 'Going' } as const;
const STATEMENT_COMING = { of: 'Statement', way: 'Coming' } as const;
const COMMIT_GOING = { of: 'Commit', way: 'Going' } as const;
const COMMIT_COMING = { of: 'Commit', way: 'Coming' } as const;

export class Connection {
  readonly #trip: Trip | undefined;
  readonly #session: Session;
  /** What was sent last and has not been run yet; undefined: nothing. */
  #last: Promise<unknown> | undefined;
  #failed = false;
  #gone = false;

  constructor(disk: MemoryDisk, trip: Trip | undefined) {
    this.#session = new Session(disk);
    this.#trip = trip;
  }

  /** Throws or rejects with the failure of the statement. */
  send(sql: string, parameters: readonly unknown[]): Row[] | Promise<Row[]> {
    const going = this.#trip?.(STATEMENT_GOING);
    if (going === undefined && this.#last === undefined) {
      const rows = this.#guarded(sql, parameters);
      const coming = rows instanceof Promise ? undefined : this.#trip?.(STATEMENT_COMING);
      if (!(rows instanceof Promise)) return coming === undefined ? rows : this.#answered(coming, rows);
      return this.#inTurn(rows);
    }
    const before = this.#last;
    return this.#inTurn(
      (async () => {
        try {
          await going;
        } catch (error) {
          await before;
          throw this.#fail(error);
        }
        await before;
        return this.#guarded(sql, parameters);
      })(),
    );
  }

  /** True: committed. False: a statement had failed, so that it was a rollback. */
  async commit(): Promise<boolean> {
    await this.#trip?.(COMMIT_GOING);
    if (this.#gone) throw failure('08006', 'connection failure');
    const committed = !this.#failed;
    if (committed) this.#session.commit();
    else this.#session.rollback();
    this.#gone = true;
    await this.#trip?.(COMMIT_COMING);
    return committed;
  }

  /** The transaction is over at the server, nothing of it remains; harmless when it has ended already. */
  end(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#session.rollback();
  }

  /** A statement of its own: no commit travels, its effect is there when it has run. */
  async alone(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    await this.#trip?.(STATEMENT_GOING);
    const rows = this.#guarded(sql, parameters);
    const done = rows instanceof Promise ? await rows : rows;
    if (this.#gone) throw failure('08006', 'connection failure');
    this.#session.commit();
    this.#gone = true;
    await this.#trip?.(STATEMENT_COMING);
    return done;
  }

  /** As `alone`, at once, where nothing is in the way; undefined: it has to wait. */
  atOnce(sql: string, parameters: readonly unknown[]): Row[] | undefined {
    if (this.#trip !== undefined) return undefined;
    const rows = this.#guarded(sql, parameters);
    if (rows instanceof Promise) return undefined;
    this.#session.commit();
    this.#gone = true;
    return rows;
  }

  /** Answers come in the order of the questions. */
  #inTurn(run: Promise<Row[]>): Promise<Row[]> {
    const settled = run.then(
      () => {},
      () => {},
    );
    this.#last = settled;
    void settled.then(() => {
      if (this.#last === settled) this.#last = undefined;
    });
    return run.then(async (rows) => {
      const coming = this.#trip?.(STATEMENT_COMING);
      return coming === undefined ? rows : this.#answered(coming, rows);
    });
  }

  async #answered(coming: Promise<void>, rows: Row[]): Promise<Row[]> {
    try {
      await coming;
    } catch (error) {
      throw this.#fail(error);
    }
    return rows;
  }

  #fail(error: unknown): unknown {
    this.#failed = true;
    if (isConnectionLost(error)) this.end();
    return error;
  }

  #guarded(sql: string, parameters: readonly unknown[]): Row[] | Promise<Row[]> {
    if (this.#gone) throw failure('08006', 'connection failure');
    if (this.#failed)
      throw failure('25P02', 'current transaction is aborted, commands ignored until end of transaction block');
    try {
      return this.#run(sql, parameters);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #run(sql: string, parameters: readonly unknown[]): Row[] | Promise<Row[]> {
    const statement = findStatement(sql);
    if (statement === undefined) throw new Error(`the memory store does not know the statement: ${sql}`);
    refuseNul(parameters);
    this.#session.beginStatement();
    try {
      return statement(this.#session, parameters);
    } catch (error) {
      if (!(error instanceof Blocked)) throw error;
      return this.#waited(sql, parameters, error);
    }
  }

  async #waited(sql: string, parameters: readonly unknown[], { key, mode }: Blocked): Promise<Row[]> {
    const granted = this.#session.disk.locks.wait(key, this.#session, mode);
    if (granted === undefined) throw this.#fail(failure('40P01', 'deadlock detected'));
    await granted;
    return this.#guarded(sql, parameters);
  }
}

/** PostgreSQL's `text` cannot hold U+0000. */
function refuseNul(values: readonly unknown[]): void {
  for (const value of values) {
    if (typeof value === 'string') {
      if (value.includes('\u0000')) throw failure('22021', 'invalid byte sequence for encoding "UTF8": 0x00');
    } else if (Array.isArray(value)) refuseNul(value);
  }
}
