/**
 * One transaction's sight of the disk (READ COMMITTED): what is committed, overlaid with what it wrote itself. A
 * commit puts the overlay into the tables; a rollback forgets it.
 *
 * A statement first locks every row that it will write, then writes: one that finds a row locked is stopped by
 * `Blocked`, waits, and is run again from its beginning, so that it sees what the other transaction left.
 * Different from PostgreSQL: the statement that is run again sees rows that came meanwhile as well.
 */
import type { Holder, LockMode } from './locks.ts';
import type { MemoryDisk } from './disk.ts';
import type { Cell, Table } from './table.ts';

/** Thrown by `lock`, caught by whoever runs statements; never seen outside. */
export class Blocked {
  readonly key: string;
  readonly mode: LockMode;

  constructor(key: string, mode: LockMode) {
    this.key = key;
    this.mode = mode;
  }
}

/** What a transaction changed: rows as the tables keep them, `jsonb` as text. */
export type Change = Readonly<{ table: string; key: string; before: object | undefined; after: object | undefined }>;

export class Session implements Holder {
  readonly disk: MemoryDisk;
  readonly held: string[] = [];
  waitsFor: string | undefined;
  #written: (Map<string, unknown> | undefined)[] | undefined;
  #wroteInStatement = false;

  constructor(disk: MemoryDisk) {
    this.disk = disk;
  }

  beginStatement(): void {
    this.#wroteInStatement = false;
  }

  /** True when this transaction has written into the table. */
  hasWritten<R>(table: Table<R>): boolean {
    return this.#written?.[table.ordinal] !== undefined;
  }

  read<R>(table: Table<R>, key: string): R | undefined {
    const own = this.#written?.[table.ordinal];
    if (own !== undefined && own.has(key)) return own.get(key) as R | undefined;
    return table.cells.get(key)?.row;
  }

  /** Of the rows of these cells, and of those that this transaction wrote, the ones that `where` holds for; in no order. */
  select<R>(table: Table<R>, cells: Iterable<Cell<R>>, where?: (row: R) => boolean): R[] {
    const found: R[] = [];
    const own = this.#written?.[table.ordinal] as Map<string, R | undefined> | undefined;
    for (const cell of cells) {
      if (own !== undefined && own.has(cell.key)) continue;
      if (where === undefined || where(cell.row)) found.push(cell.row);
    }
    if (own === undefined) return found;
    for (const row of own.values()) if (row !== undefined && (where === undefined || where(row))) found.push(row);
    return found;
  }

  /** As `select`, over the whole table. */
  scan<R>(table: Table<R>, where?: (row: R) => boolean): R[] {
    return this.select(table, table.cells.values(), where);
  }

  lock<R>(table: Table<R>, key: string): void {
    this.lockName(`${table.name}\n${key}`);
  }

  /** Rows that another transaction has locked are left out (`SKIP LOCKED`). */
  lockFree<R>(table: Table<R>, rows: readonly R[]): R[] {
    return rows.filter((row) => {
      const name = `${table.name}\n${table.keyOf(row)}`;
      return this.disk.locks.isFree(name, this) && this.disk.locks.take(name, this);
    });
  }

  lockName(name: string, mode: LockMode = 'Exclusive'): void {
    if (this.disk.locks.take(name, this, mode)) return;
    if (this.#wroteInStatement) throw new Error(`a statement of the memory store wrote before it locked ${name}`);
    throw new Blocked(name, mode);
  }

  /** The row must be locked, or new under a fresh identity. */
  write<R>(table: Table<R>, key: string, row: R | undefined): void {
    this.#wroteInStatement = true;
    this.#written ??= [];
    let own = this.#written[table.ordinal];
    if (own === undefined) this.#written[table.ordinal] = own = new Map();
    own.set(key, row);
  }

  /** Locks the rows and removes them. */
  remove<R>(table: Table<R>, rows: readonly R[]): void {
    for (const row of rows) this.lock(table, table.keyOf(row));
    for (const row of rows) this.write(table, table.keyOf(row), undefined);
  }

  /** Locks the rows and puts others in their places; returns the new ones. `change` must keep the key. */
  update<R>(table: Table<R>, rows: readonly R[], change: (row: R, index: number) => R): R[] {
    for (const row of rows) this.lock(table, table.keyOf(row));
    return rows.map((row, index) => {
      const next = change(row, index);
      this.write(table, table.keyOf(row), next);
      return next;
    });
  }

  /** Everything that was written becomes everybody's, at once; the locks go. */
  commit(): void {
    const written = this.#written;
    this.#written = undefined;
    if (written !== undefined) {
      const changes: Change[] | undefined = this.disk.isWatched ? [] : undefined;
      for (const table of this.disk.tables) {
        const own = written[table.ordinal];
        if (own === undefined) continue;
        for (const [key, row] of own) {
          changes?.push({
            table: table.name,
            key,
            before: table.cells.get(key)?.row as object | undefined,
            after: row as object | undefined,
          });
          (table as Table<unknown>).apply(key, row);
        }
      }
      if (changes !== undefined) this.disk.tell(changes);
    }
    if (this.held.length > 0) this.disk.locks.release(this);
  }

  rollback(): void {
    this.#written = undefined;
    this.disk.locks.release(this);
  }
}
