/**
 * EventBridge event patterns: a pattern mirrors the event; each leaf is a non-empty array of alternatives; all fields
 * must match; `$or` gives alternatives across fields. An array in the event matches when any element does; fields below
 * an array of objects must match within the same element.
 * Source: EventBridge User Guide, "Event patterns" and "Comparison operators"; event-ruler's README for numbers.
 */
import type { Json } from '../../common/index.ts';
import { compileLeaf, type Leaf, PatternError } from './leaf.ts';

export type CompiledPattern = (event: Json) => boolean;

type Node =
  | Readonly<{ kind: 'Fields'; fields: readonly (readonly [string, Node])[] }>
  | Readonly<{ kind: 'Or'; parts: readonly Node[] }>
  | Readonly<{ kind: 'All'; parts: readonly Node[] }>
  | Leaf;

const MOST_OR_COMBINATIONS = 1000;

/** `invalid` completes "Event pattern is not valid. Reason: ...". */
export function compilePattern(text: string): Readonly<{ matches: CompiledPattern }> | Readonly<{ invalid: string }> {
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch {
    return { invalid: 'Invalid JSON' };
  }
  try {
    if (!isObject(pattern)) throw new PatternError('Filter is not an object');
    if (Object.keys(pattern).length === 0) throw new PatternError('Empty pattern');
    if (combinations(pattern) > MOST_OR_COMBINATIONS) throw new PatternError('Rule is too complex');
    const node = compileObject(pattern);
    return { matches: (event) => matches(node, event) };
  } catch (error) {
    if (error instanceof Error && error.name === 'PatternError') return { invalid: error.message };
    throw error;
  }
}

function compileObject(pattern: Readonly<Record<string, unknown>>): Node {
  const fields: (readonly [string, Node])[] = [];
  const parts: Node[] = [];
  for (const [key, value] of Object.entries(pattern)) {
    if (key === '$or' && isOr(value)) parts.push({ kind: 'Or', parts: value.map(compileObject) });
    else if (Array.isArray(value)) fields.push([key, compileLeaf(key, value)]);
    else if (isObject(value)) {
      if (Object.keys(value).length === 0) throw new PatternError('Empty objects are not allowed');
      fields.push([key, compileObject(value)]);
    } else throw new PatternError(`"${key}" must be an object or an array`);
  }
  const own: Node = { kind: 'Fields', fields };
  return parts.length === 0 ? own : { kind: 'All', parts: fields.length === 0 ? parts : [own, ...parts] };
}

function matches(node: Node, value: Json | undefined): boolean {
  switch (node.kind) {
    case 'All':
      return node.parts.every((part) => matches(part, value));
    case 'Or':
      return node.parts.some((part) => matches(part, value));
    case 'Leaf':
      return node.matches(value);
    case 'Fields': {
      if (Array.isArray(value)) return (value as readonly Json[]).some((element) => matches(node, element));
      const object = isObject(value) ? (value as Readonly<Record<string, Json>>) : {};
      // An absent parent still lets `exists: false` hold below it.
      return node.fields.every(([key, child]) => matches(child, Object.hasOwn(object, key) ? object[key] : undefined));
    }
  }
}

function isOr(value: unknown): value is Record<string, unknown>[] {
  return (
    Array.isArray(value) &&
    value.length >= 2 &&
    value.every((part) => isObject(part) && Object.keys(part).length > 0 && !isOperatorOnly(part))
  );
}

function isOperatorOnly(part: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(part).every((key) =>
    ['prefix', 'suffix', 'equals-ignore-case', 'wildcard', 'anything-but', 'numeric', 'cidr', 'exists'].includes(key),
  );
}

function combinations(pattern: Readonly<Record<string, unknown>>): number {
  let product = 1;
  for (const [key, value] of Object.entries(pattern)) {
    if (key === '$or' && isOr(value)) product *= value.reduce((sum, part) => sum + combinations(part), 0);
    else if (isObject(value)) product *= combinations(value);
  }
  return product;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
