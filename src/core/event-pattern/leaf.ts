/** One field's alternatives: literals and operators. */
import type { Json } from '../../common/index.ts';
import { compileCidr } from './cidr.ts';
import { compileWildcard } from './wildcard.ts';

export class PatternError extends Error {
  override readonly name = 'PatternError';
}

export type Leaf = Readonly<{ kind: 'Leaf'; matches(value: Json | undefined): boolean }>;

/** `undefined`: the field is absent. */
type Test = Readonly<{ present(value: Json): boolean; absent?: true }>;

export function compileLeaf(key: string, alternatives: readonly unknown[]): Leaf {
  if (alternatives.length === 0) throw new PatternError('Empty arrays are not allowed');
  const tests = alternatives.map((alternative) => compileAlternative(key, alternative));
  return {
    kind: 'Leaf',
    matches: (value) => {
      // An object is not a leaf: for `exists` the leaf is not there.
      if (value === undefined || isObject(value)) return tests.some((test) => test.absent === true);
      const values = Array.isArray(value) ? (value as readonly Json[]) : [value];
      return values.some((element) => tests.some((test) => test.present(element)));
    },
  };
}

function compileAlternative(key: string, alternative: unknown): Test {
  if (
    alternative === null ||
    typeof alternative === 'string' ||
    typeof alternative === 'boolean' ||
    typeof alternative === 'number'
  ) {
    return { present: (value) => value === alternative };
  }
  if (!isObject(alternative)) throw new PatternError(`Match value must be String, number, true, false, or null`);
  const entries = Object.entries(alternative);
  if (entries.length !== 1) throw new PatternError('Only one key allowed in match expression');
  const [[operator, operand]] = entries as [[string, unknown]];
  switch (operator) {
    case 'exists':
      if (typeof operand !== 'boolean') throw new PatternError('exists match pattern must be either true or false.');
      return operand ? { present: () => true } : { present: () => false, absent: true };
    case 'numeric':
      return numeric(operand);
    case 'anything-but':
      return anythingBut(key, operand);
    default:
      return { present: stringTest(operator, operand) };
  }
}

function stringTest(operator: string, operand: unknown): (value: Json) => boolean {
  const onStrings = (test: (text: string) => boolean) => (value: Json) => typeof value === 'string' && test(value);
  if ((operator === 'prefix' || operator === 'suffix') && isObject(operand)) {
    const inner = operand['equals-ignore-case'];
    if (typeof inner !== 'string' || Object.keys(operand).length !== 1)
      throw new PatternError(`Unsupported ${operator} pattern`);
    const wanted = inner.toLowerCase();
    return onStrings((text) =>
      operator === 'prefix' ? text.toLowerCase().startsWith(wanted) : text.toLowerCase().endsWith(wanted),
    );
  }
  if (!['prefix', 'suffix', 'equals-ignore-case', 'wildcard', 'cidr'].includes(operator)) {
    throw new PatternError(`Unrecognized match type ${operator}`);
  }
  if (typeof operand !== 'string') throw new PatternError(`${operator} match pattern must be a string`);
  switch (operator) {
    case 'prefix':
      return onStrings((text) => text.startsWith(operand));
    case 'suffix':
      return onStrings((text) => text.endsWith(operand));
    case 'equals-ignore-case':
      return onStrings((text) => text.toLowerCase() === operand.toLowerCase());
    case 'wildcard': {
      const test = compileWildcard(operand);
      if (test === undefined)
        throw new PatternError('Invalid wildcard pattern: consecutive wildcard characters or a bad escape');
      return onStrings(test);
    }
    default: {
      const test = compileCidr(operand);
      if (test === undefined) throw new PatternError(`Malformed CIDR, ${operand}`);
      return onStrings(test);
    }
  }
}

function anythingBut(key: string, operand: unknown): Test {
  if (isObject(operand)) {
    const entries = Object.entries(operand);
    const [operator, values] = entries[0] ?? ['', undefined];
    if (entries.length !== 1 || !['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(operator)) {
      throw new PatternError(`Unsupported anything-but pattern: ${operator}`);
    }
    const tests = listOf(values).map((value) => stringTest(operator, value));
    return { present: (value) => !tests.some((test) => test(value)) };
  }
  const values = listOf(operand);
  const types = new Set(values.map((value) => typeof value));
  if (types.size !== 1 || !(types.has('string') || types.has('number'))) {
    throw new PatternError(
      `Inside anything-but list of "${key}", either all values are number or string, mixed type is not supported`,
    );
  }
  return { present: (value) => !values.includes(value) };
}

function listOf(value: unknown): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw new PatternError('Empty arrays are not allowed');
  return list;
}

const LARGEST_NUMBER = 5e9;

function numeric(operand: unknown): Test {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4))
    throw new PatternError('Invalid numeric match: expected an operator and a number, or two of each');
  const comparisons: ((value: number) => boolean)[] = [];
  for (let i = 0; i < operand.length; i += 2) {
    const [operator, bound] = [operand[i] as unknown, operand[i + 1] as unknown];
    if (typeof bound !== 'number' || Math.abs(bound) > LARGEST_NUMBER)
      throw new PatternError('Value of numeric match must be numeric and between -5e9 and 5e9');
    if (operator === '=') comparisons.push((value) => value === bound);
    else if (operator === '<') comparisons.push((value) => value < bound);
    else if (operator === '<=') comparisons.push((value) => value <= bound);
    else if (operator === '>') comparisons.push((value) => value > bound);
    else if (operator === '>=') comparisons.push((value) => value >= bound);
    else throw new PatternError(`Unrecognized numeric range operator: ${String(operator)}`);
  }
  if (operand.length === 4 && (operand[0] === '=' || operand[2] === '='))
    throw new PatternError('Too many terms in numeric range expression');
  return { present: (value) => typeof value === 'number' && comparisons.every((compare) => compare(value)) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
