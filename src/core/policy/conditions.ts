/**
 * The Condition block. Operators and keys are all required (AND); of the values of one key one suffices (OR), and for a
 * negated operator none may match (NOR).
 *
 * A key that the request has not: positive operators are false, negated ones true, `...IfExists` true;
 * `ForAllValues:` true, `ForAnyValue:` false. A key with several values and no prefix is read as `ForAnyValue` for a
 * positive operator, and as "none may match" for a negated one.
 * Sources: IAM User Guide, "Condition operators" and "Single-valued vs. multivalued context keys".
 */
import { decodeBase64, type IpRange, ipRangeHolds, parseDate, parseIp, parseIpRange } from './condition-values.ts';
import { compileArnPattern, compilePattern, type Matcher } from './patterns.ts';
import type { ContextView } from './request-context.ts';

export type ConditionTest = (context: ContextView) => boolean;

type Operator = Readonly<{ negated: boolean; compile: (value: string, variables: boolean) => Matcher }>;

/** Every operator but `Null`, which decides on presence alone. */
const OPERATORS: Readonly<Record<string, Operator>> = operatorTable();

/** Reads `ForAnyValue:StringLikeIfExists`; undefined for what is no operator. */
export function parseOperator(
  name: string,
): Readonly<{ base: string; set: 'all' | 'any' | undefined; ifExists: boolean }> | undefined {
  const match = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(name);
  const base = match?.[2] ?? '';
  if (match === null || (base !== 'Null' && !Object.hasOwn(OPERATORS, base))) return undefined;
  if (base === 'Null' && match[3] !== undefined) return undefined;
  return {
    base,
    set: match[1] === undefined ? undefined : match[1] === 'ForAllValues' ? 'all' : 'any',
    ifExists: match[3] !== undefined,
  };
}

/** Throws for an unknown operator: a condition that cannot be read must never be taken as met. */
export function compileCondition(
  operatorName: string,
  key: string,
  values: readonly string[],
  variables: boolean,
): ConditionTest {
  const parsed = parseOperator(operatorName);
  if (parsed === undefined) throw new Error(`unknown condition operator ${operatorName}`);
  const name = key.toLowerCase();
  if (parsed.base === 'Null') {
    const wanted = values.map((value) => value.toLowerCase() === 'true');
    return (context) => wanted.includes((context.get(name, key)?.length ?? 0) === 0);
  }
  const { negated, compile } = OPERATORS[parsed.base] as Operator;
  const matchers = values.map((value) => compile(value, variables));
  const holds = (value: string, context: ContextView): boolean => {
    for (const match of matchers) if (match(value, context)) return !negated;
    return negated;
  };
  const whenAbsent = parsed.ifExists || (parsed.set === undefined ? negated : parsed.set === 'all');
  const every = parsed.set === undefined ? negated : parsed.set === 'all';
  return (context) => {
    const present = context.get(name, key);
    if (present === undefined || present.length === 0) return whenAbsent;
    if (!every && !negated) {
      // Some value and some pattern: one pattern at all the values takes half the time of the other way about.
      for (const match of matchers) for (const value of present) if (match(value, context)) return true;
      return false;
    }
    for (const value of present) if (holds(value, context) !== every) return !every;
    return every;
  };
}

function operatorTable(): Record<string, Operator> {
  const table: Record<string, Operator> = {};
  const pair = (positive: string, negative: string, compile: Operator['compile']): void => {
    table[positive] = { negated: false, compile };
    table[negative] = { negated: true, compile };
  };
  const exact: Operator['compile'] = (value, variables) => compilePattern(value, { variables, wildcards: false });
  const folded: Operator['compile'] = (value, variables) => {
    const match = compilePattern(value, { variables, wildcards: false, fold: true });
    return (text, context) => match(text.toLowerCase(), context);
  };
  pair('StringEquals', 'StringNotEquals', exact);
  pair('StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', folded);
  pair('StringLike', 'StringNotLike', (value, variables) => compilePattern(value, { variables, wildcards: true }));
  pair('ArnEquals', 'ArnNotEquals', compileArnPattern);
  pair('ArnLike', 'ArnNotLike', compileArnPattern);
  pair('IpAddress', 'NotIpAddress', (value) => {
    const range: IpRange | undefined = parseIpRange(value);
    return (text) => {
      const ip = parseIp(text);
      return range !== undefined && ip !== undefined && ipRangeHolds(range, ip);
    };
  });
  table['Bool'] = {
    negated: false,
    compile: (value) => {
      const wanted = parseBoolean(value);
      return (text) => wanted !== undefined && parseBoolean(text) === wanted;
    },
  };
  table['BinaryEquals'] = {
    negated: false,
    compile: (value) => {
      const wanted = decodeBase64(value);
      return (text) => wanted !== undefined && decodeBase64(text) === wanted;
    },
  };
  comparisons(table, 'Numeric', parseNumber);
  comparisons(table, 'Date', parseDate);
  return table;
}

/** What cannot be read compares as nothing: no comparison with it holds, and it is not equal to anything. */
function comparisons(table: Record<string, Operator>, kind: string, read: (text: string) => number | undefined): void {
  const add = (name: string, negated: boolean, compare: (actual: number, wanted: number) => boolean): void => {
    table[kind + name] = {
      negated,
      compile: (value) => {
        const wanted = read(value);
        return (text) => {
          const actual = read(text);
          return wanted !== undefined && actual !== undefined && compare(actual, wanted);
        };
      },
    };
  };
  add('Equals', false, (actual, wanted) => actual === wanted);
  add('NotEquals', true, (actual, wanted) => actual === wanted);
  add('LessThan', false, (actual, wanted) => actual < wanted);
  add('LessThanEquals', false, (actual, wanted) => actual <= wanted);
  add('GreaterThan', false, (actual, wanted) => actual > wanted);
  add('GreaterThanEquals', false, (actual, wanted) => actual >= wanted);
}

function parseBoolean(text: string): boolean | undefined {
  const folded = text.toLowerCase();
  return folded === 'true' ? true : folded === 'false' ? false : undefined;
}

function parseNumber(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}
