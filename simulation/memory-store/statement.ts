/** What a statement of Sluice does, written in JavaScript; and small readers of parameters. */
import type { Row } from '../../src/store/store.ts';
import { failure } from './jsonb.ts';
import type { Session } from './session.ts';

/** Synchronous. Locks every row that it will write before it writes the first (session.ts). */
export type Statement = (session: Session, parameters: readonly unknown[]) => Row[];

/** A statement whose text is built: answers for a text, white space collapsed, whose shape it knows. */
export type Shape = (text: string) => Statement | undefined;

export type StatementTable = Readonly<{
  /** By text; white space counts as one blank. */
  texts: Readonly<Record<string, Statement>>;
  shapes?: readonly Shape[];
}>;

export function collapse(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) throw failure('23502', 'null value in a column that has NOT NULL');
  return String(value);
}

export function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : text(value);
}

/** A `bigint` or `integer`. */
export function whole(value: unknown): number {
  if (value === null || value === undefined) throw failure('23502', 'null value in a column that has NOT NULL');
  const number = typeof value === 'number' ? value : Number(value);
  if (!Number.isSafeInteger(number) || value === '')
    throw failure('22P02', `invalid input syntax for type bigint: "${String(value)}"`);
  return number;
}

export function wholeOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : whole(value);
}

export function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw failure('22P02', 'malformed array literal');
  return value as readonly unknown[];
}

/** ON CONFLICT DO UPDATE refuses to change a row twice. */
export function onceEach(keys: readonly string[]): void {
  if (keys.length > 1 && new Set(keys).size < keys.length)
    throw failure('21000', 'ON CONFLICT DO UPDATE command cannot affect row a second time');
}

export const DONE: Row = Object.freeze({ done: 1 });
