/**
 * The conditions of statements whose text is built from what is asked: a WHERE of plain comparisons joined by AND. Each
 * part must have one of the forms below; a text with any other is not understood, and the statement stays unknown.
 * A column is a number or a text as the row holds it; a `jsonb` column its text.
 */
import { compareBytes } from './bytes.ts';
import { jsonbOut, jsonValue, memberOf, memberText } from './jsonb.ts';

export type Condition<R> = (row: R, parameters: readonly unknown[]) => boolean;

type Columns = Readonly<Record<string, unknown>>;
type Form = readonly [RegExp, (match: readonly string[]) => Condition<Columns>];

/** Undefined: a part has none of the forms. */
export function conditionsOf<R>(where: string): Condition<R> | undefined {
  const parts = where.replaceAll(/(\w+) BETWEEN (\$\d+) AND (\$\d+)/g, '$1 >= $2 AND $1 <= $3').split(' AND ');
  const conditions: Condition<Columns>[] = [];
  for (const part of parts) {
    const condition = conditionOf(part);
    if (condition === undefined) return undefined;
    conditions.push(condition);
  }
  return (row, parameters) => conditions.every((condition) => condition(row as Columns, parameters));
}

function conditionOf(part: string): Condition<Columns> | undefined {
  for (const [form, make] of FORMS) {
    const match = form.exec(part);
    if (match !== null) return make(match.slice(1));
  }
  return undefined;
}

/** Where in the parameters `$n` lies. */
function place(number: string | undefined): number {
  return Number(number) - 1;
}

/** SQL's comparison: nothing is equal to NULL, or before it. */
function compared(value: unknown, operator: string, other: unknown): boolean {
  if (value === null || value === undefined || other === null || other === undefined) return false;
  const order = typeof value === 'number' ? value - Number(other) : compareBytes(String(value), String(other));
  switch (operator) {
    case '=':
      return order === 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    default:
      return order >= 0;
  }
}

const json = (row: Columns, column: string): unknown => jsonValue(String(row[column]));

const FORMS: readonly Form[] = [
  [
    /^(\w+)$/,
    ([column = '']) =>
      (row) =>
        row[column] === true,
  ],
  [
    /^NOT (\w+)$/,
    ([column = '']) =>
      (row) =>
        row[column] === false,
  ],
  [
    /^(\w+) (=|<|<=|>|>=) \$(\d+)(?:::bigint)?$/,
    ([column = '', operator = '', n]) =>
      (row, p) =>
        compared(row[column], operator, p[place(n)]),
  ],
  [
    /^(\w+) = ANY\(\$(\d+)(?:::text\[\])?\)$/,
    ([column = '', n]) =>
      (row, p) =>
        (p[place(n)] as readonly unknown[]).includes(row[column]),
  ],
  [
    /^starts_with\((\w+), \$(\d+)\)$/,
    ([column = '', n]) =>
      (row, p) =>
        String(row[column]).startsWith(String(p[place(n)])),
  ],
  [
    /^\((\w+), (\w+)\) ([<>]) \(\$(\d+), \$(\d+)\)$/,
    ([first = '', second = '', operator = '', n, m]) =>
      (row, p) =>
        compared(row[first], operator, p[place(n)]) ||
        (compared(row[first], '=', p[place(n)]) && compared(row[second], operator, p[place(m)])),
  ],
  [
    /^\((\w+) ([<>]) \$(\d+) OR (\w+) ([<>]) \$(\d+)(?:::bigint)?\)$/,
    ([first = '', one = '', n, second = '', other = '', m]) =>
      (row, p) =>
        compared(row[first], one, p[place(n)]) || compared(row[second], other, p[place(m)]),
  ],
  [
    /^(\w+) ->> '(\w+)' = \$(\d+)$/,
    ([column = '', name = '', n]) =>
      (row, p) =>
        compared(memberText(json(row, column), name), '=', p[place(n)]),
  ],
  [
    /^(\w+) ->> '(\w+)' IS NOT NULL$/,
    ([column = '', name = '']) =>
      (row) =>
        memberText(json(row, column), name) !== null,
  ],
  [
    /^strpos\(\((\w+) -> '(\w+)'\)::text, \$(\d+)\) > 0$/,
    ([column = '', name = '', n]) =>
      (row, p) => {
        const member = memberOf(json(row, column), name);
        return member !== undefined && jsonbOut(member).includes(String(p[place(n)]));
      },
  ],
  [
    /^jsonb_exists\((\w+), \$(\d+)\)$/,
    ([column = '', n]) =>
      (row, p) =>
        memberOf(json(row, column), String(p[place(n)])) !== undefined,
  ],
  [
    /^(\w+) @> \$(\d+)::jsonb$/,
    ([column = '', n]) =>
      (row, p) =>
        contains(json(row, column), JSON.parse(String(p[place(n)]))),
  ],
];

/** `@>` between objects of plain values. */
function contains(value: unknown, part: unknown): boolean {
  return Object.entries(part as object).every(([name, member]) => memberOf(value, name) === member);
}
