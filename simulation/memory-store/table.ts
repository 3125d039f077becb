/**
 * A table of the memory store: committed rows by their key, and indexes over them. Rows are immutable; a change puts
 * another row into the same cell. Only a commit changes a table; what a transaction has written lies in its own session.
 */
import { compareBytes } from './bytes.ts';

/** One committed row's place. Indexes hold cells, so that a change which leaves their order alone costs them nothing. */
export type Cell<R> = { readonly key: string; row: R };

export interface Index<R> {
  add(cell: Cell<R>): void;
  remove(cell: Cell<R>): void;
  /** True when a row that changes so keeps its place. */
  keeps(before: R, after: R): boolean;
}

export class Table<R> {
  readonly name: string;
  /** Where a session keeps what it wrote into this table. */
  readonly ordinal: number;
  readonly cells = new Map<string, Cell<R>>();
  readonly keyOf: (row: R) => string;
  readonly #indexes: readonly Index<R>[];
  #sequence = 0;

  constructor(name: string, ordinal: number, keyOf: (row: R) => string, indexes: readonly Index<R>[] = []) {
    this.name = name;
    this.ordinal = ordinal;
    this.keyOf = keyOf;
    this.#indexes = indexes;
  }

  /** The next identity. As in PostgreSQL, one that a rolled-back transaction drew is not given again. */
  next(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  /** Part of a commit: `row` replaces what is under the key; undefined removes it. */
  apply(key: string, row: R | undefined): void {
    const cell = this.cells.get(key);
    if (cell === undefined) {
      if (row === undefined) return;
      const fresh = { key, row };
      this.cells.set(key, fresh);
      for (const index of this.#indexes) index.add(fresh);
    } else if (row === undefined) {
      this.cells.delete(key);
      for (const index of this.#indexes) index.remove(cell);
    } else {
      const before = cell.row;
      const moved = this.#indexes.filter((index) => !index.keeps(before, row));
      for (const index of moved) index.remove(cell);
      cell.row = row;
      for (const index of moved) index.add(cell);
    }
  }
}

/** Rows by a text of theirs, in no order. Undefined: the row is not in it. */
export class Grouped<R> implements Index<R> {
  readonly #groups = new Map<string, Set<Cell<R>>>();
  readonly #groupOf: (row: R) => string | undefined;

  constructor(groupOf: (row: R) => string | undefined) {
    this.#groupOf = groupOf;
  }

  cells(group: string): Iterable<Cell<R>> {
    return this.#groups.get(group) ?? [];
  }

  add(cell: Cell<R>): void {
    const name = this.#groupOf(cell.row);
    if (name === undefined) return;
    const group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, new Set([cell]));
    else group.add(cell);
  }

  remove(cell: Cell<R>): void {
    const name = this.#groupOf(cell.row);
    const group = name === undefined ? undefined : this.#groups.get(name);
    if (name === undefined || group === undefined) return;
    group.delete(cell);
    if (group.size === 0) this.#groups.delete(name);
  }

  keeps(before: R, after: R): boolean {
    return this.#groupOf(before) === this.#groupOf(after);
  }
}

/** Rows in order, found by bisection. The order must tell any two rows apart. */
export class Sorted<R> implements Index<R> {
  readonly #cells: Cell<R>[] = [];
  readonly #compare: (a: R, b: R) => number;

  constructor(compare: (a: R, b: R) => number) {
    this.#compare = compare;
  }

  get cells(): readonly Cell<R>[] {
    return this.#cells;
  }

  /** The first place whose row is not `isBefore`. */
  from(isBefore: (row: R) => boolean): number {
    let low = 0;
    let high = this.#cells.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore((this.#cells[middle] as Cell<R>).row)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(cell: Cell<R>): void {
    const cells = this.#cells;
    const last = cells[cells.length - 1];
    // What comes last in time mostly comes last in order.
    if (last === undefined || this.#compare(last.row, cell.row) < 0) cells.push(cell);
    else cells.splice(this.#placeOf(cell.row), 0, cell);
  }

  remove(cell: Cell<R>): void {
    this.#cells.splice(this.#placeOf(cell.row), 1);
  }

  keeps(before: R, after: R): boolean {
    return this.#compare(before, after) === 0;
  }

  #placeOf(row: R): number {
    return this.from((other) => this.#compare(other, row) < 0);
  }
}

/** Groups, each in order; the groups of one family can be found together. */
export class SortedGroups<R> implements Index<R> {
  readonly #families = new Map<string, Map<string, Sorted<R>>>();
  readonly #familyOf: (row: R) => string;
  readonly #groupOf: (row: R) => string;
  readonly #compare: (a: R, b: R) => number;

  constructor(familyOf: (row: R) => string, groupOf: (row: R) => string, compare: (a: R, b: R) => number) {
    this.#familyOf = familyOf;
    this.#groupOf = groupOf;
    this.#compare = compare;
  }

  group(family: string, group: string): Sorted<R> | undefined {
    return this.#families.get(family)?.get(group);
  }

  groups(family: string): Iterable<Sorted<R>> {
    return this.#families.get(family)?.values() ?? [];
  }

  add(cell: Cell<R>): void {
    const familyName = this.#familyOf(cell.row);
    let family = this.#families.get(familyName);
    if (family === undefined) this.#families.set(familyName, (family = new Map()));
    const groupName = this.#groupOf(cell.row);
    let group = family.get(groupName);
    if (group === undefined) family.set(groupName, (group = new Sorted(this.#compare)));
    group.add(cell);
  }

  remove(cell: Cell<R>): void {
    const familyName = this.#familyOf(cell.row);
    const family = this.#families.get(familyName);
    const groupName = this.#groupOf(cell.row);
    const group = family?.get(groupName);
    if (family === undefined || group === undefined) return;
    group.remove(cell);
    if (group.cells.length > 0) return;
    family.delete(groupName);
    if (family.size === 0) this.#families.delete(familyName);
  }

  keeps(before: R, after: R): boolean {
    return (
      this.#familyOf(before) === this.#familyOf(after) &&
      this.#groupOf(before) === this.#groupOf(after) &&
      this.#compare(before, after) === 0
    );
  }
}

export function byText<R>(of: (row: R) => string): (a: R, b: R) => number {
  return (a, b) => compareBytes(of(a), of(b));
}
