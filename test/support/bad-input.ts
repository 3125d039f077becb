/**
 * Inputs made from the models: for an operation a small one that satisfies every constraint, and many that each break
 * one thing about it. For the tests that no input ends in a fault of ours.
 */
import type { Ids } from '../../src/common/index.ts';
import { type Reference, type ServiceModel, type Shape } from '../../src/protocol/index.ts';

export type BadCase = Readonly<{
  service: string;
  operation: string;
  /** `pipeline.stages.0.name: too long`. */
  title: string;
  /** True: the model forbids it, so that an answer without an error is wrong too. */
  forbidden: boolean;
  input: Record<string, unknown>;
}>;

type Step = string | number;
type Mutation = Readonly<{ what: string; forbidden: boolean; value: unknown }>;

const REMOVED = Symbol('removed');
const HUGE = 'x'.repeat(1_000_000);
const MAX_DEPTH = 5;
const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }],
});

/** What members of these names hold, the first that the shape takes. */
const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/assumerolepolicydocument/i, TRUST],
  [/policy(document)?$/i, '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'],
  [/rolearn|^servicerole$|^role$/i, 'arn:aws:iam::000000000000:role/demo'],
  [/policyarn/i, 'arn:aws:iam::aws:policy/AdministratorAccess'],
  [/topicarn/i, 'arn:aws:sns:us-east-1:000000000000:demo'],
  [/queueurl/i, 'http://localhost:4566/000000000000/demo'],
  [/eventpattern/i, '{"source":["demo"]}'],
  [/schedule/i, 'rate(5 minutes)'],
  [/handler/i, 'index.handler'],
  [/^runtime$/i, 'nodejs22.x'],
  [/^(target)?keyid$/i, 'alias/demo'],
  [/^role(arn)?$/i, 'arn:aws:iam::000000000000:role/demo'],
  [/email/i, 'demo@example.com'],
  [/account/i, '000000000000'],
  [/region/i, 'us-east-1'],
];
const CANDIDATES = [
  'demo',
  '1',
  'arn:aws:iam::000000000000:role/demo',
  'arn:aws:codepipeline:us-east-1:000000000000:demo',
  'arn:aws:lambda:us-east-1:000000000000:function:demo',
  '00000000-0000-4000-8000-000000000001',
  '00000000-0000-4000-8000-0000000000010000000000000',
  '000000000000',
  'demo@example.com',
  'refs/heads/demo',
  'us-east-1',
  '{}',
  '/demo/',
  'https://example.com/demo',
  '2026-01-01T00:00:00Z',
  'd-ABCDEFGH9',
  'r-abcd',
  'ou-abcd-abcdefgh',
  'o-abcdefghij',
  'p-abcdefgh',
  'car-abcdefghijklmnop',
  'AKIAIOSFODNN7EXAMPLE',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
];

/** A value that satisfies the shape; only required members, unless a union needs its first. */
export function plausible(model: ServiceModel, reference: Reference, name = '', depth = 0): unknown {
  const shape = model.shapes[reference.shape] as Shape;
  switch (shape.type) {
    case 'structure': {
      const out: Record<string, unknown> = {};
      if (depth > MAX_DEPTH) return out;
      const members = shape.members ?? {};
      const wanted = shape.union === true ? Object.keys(members).slice(0, 1) : (shape.required ?? []);
      for (const member of wanted) {
        const child = members[member];
        if (child !== undefined) out[member] = plausible(model, child, member, depth + 1);
      }
      return out;
    }
    case 'list':
      return Array.from({ length: Math.max(1, shape.min ?? 0) }, () =>
        plausible(model, shape.member as Reference, name, depth + 1),
      );
    case 'map':
      return {
        [String(plausible(model, shape.key as Reference, 'key', depth + 1))]: plausible(
          model,
          shape.value as Reference,
          'value',
          depth + 1,
        ),
      };
    case 'string':
    case 'character':
      return plausibleText(shape, name);
    case 'boolean':
      return false;
    case 'integer':
    case 'long':
    case 'float':
    case 'double':
      return Math.max(1, shape.min ?? 1);
    case 'timestamp':
      return new Date(1_767_225_600_000);
    case 'blob':
      return new TextEncoder().encode('demo');
  }
}

function plausibleText(shape: Shape, name: string): string {
  if (shape.enum?.[0] !== undefined) return shape.enum[0];
  const named = BY_NAME.filter(([of]) => of.test(name)).map(([, text]) => text);
  const pattern = patternOf(shape);
  const fits = (text: string): boolean =>
    text.length >= (shape.min ?? 0) &&
    text.length <= (shape.max ?? Infinity) &&
    (pattern === undefined || pattern.test(text));
  const long = 'demo'.padEnd(shape.min ?? 0, 'x');
  return [...named, ...CANDIDATES, long].find(fits) ?? long;
}

function patternOf(shape: Shape): RegExp | undefined {
  if (shape.pattern === undefined) return undefined;
  try {
    return new RegExp(`^(?:${shape.pattern})$`, 'u');
  } catch {
    return undefined;
  }
}

/** Every way in which an input of the operation is broken, one at a time; the empty case list: it takes no input. */
export function badCases(
  service: string,
  model: ServiceModel,
  operation: string,
  base: Readonly<Record<string, unknown>> = {},
): BadCase[] {
  const reference = model.operations[operation]?.input;
  if (reference === undefined) return [];
  const out: BadCase[] = [];
  const isExcepted = (path: readonly Step[]): boolean =>
    model.constraintExceptions.has('*') || model.constraintExceptions.has(`${operation}.${String(path[0])}`);
  for (const { path, shape, isRequired, name } of placesOf(model, reference)) {
    for (const mutation of mutationsOf(model, shape, isRequired, name)) {
      const input = { ...(plausible(model, reference) as Record<string, unknown>), ...structuredClone(base) };
      if (!put(model, reference, input, path, mutation.value)) continue;
      out.push({
        service,
        operation,
        title: `${path.join('.')}: ${mutation.what}`,
        forbidden: mutation.forbidden && !isExcepted(path),
        input,
      });
    }
  }
  return out;
}

/** `count` of `cases`, chosen by `ids`; all where there are no more. */
export function sample<T>(cases: readonly T[], count: number, ids: Ids): T[] {
  const left = [...cases];
  const chosen: T[] = [];
  while (left.length > 0 && chosen.length < count) {
    chosen.push(...left.splice(Math.floor(ids.random() * left.length), 1));
  }
  return chosen;
}

type Place = Readonly<{ path: readonly Step[]; shape: Shape; isRequired: boolean; name: string }>;

function placesOf(model: ServiceModel, reference: Reference): Place[] {
  const out: Place[] = [];
  const walk = (
    at: Reference,
    path: readonly Step[],
    isRequired: boolean,
    name: string,
    seen: readonly string[],
  ): void => {
    const shape = model.shapes[at.shape] as Shape;
    if (path.length > 0) out.push({ path, shape, isRequired, name });
    if (path.length >= MAX_DEPTH || seen.includes(at.shape)) return;
    const below = [...seen, at.shape];
    if (shape.type === 'structure') {
      for (const [member, child] of Object.entries(shape.members ?? {})) {
        walk(child, [...path, member], shape.required?.includes(member) ?? false, member, below);
      }
    } else if (shape.type === 'list') walk(shape.member as Reference, [...path, 0], false, name, below);
    else if (shape.type === 'map') {
      const key = shape.key as Reference;
      const keys = (model.shapes[key.shape] as Shape).enum ?? [String(plausible(model, key, 'key'))];
      for (const each of keys) walk(shape.value as Reference, [...path, each], false, each, below);
    }
  };
  walk(reference, [], true, '', []);
  return out;
}

/** Puts `value` at `path`, with plausible containers on the way. False: there is no such place. */
function put(
  model: ServiceModel,
  reference: Reference,
  input: Record<string, unknown>,
  path: readonly Step[],
  value: unknown,
): boolean {
  let at: Reference = reference;
  let container = input as Record<Step, unknown>;
  for (const [i, step] of path.entries()) {
    const shape = model.shapes[at.shape] as Shape;
    const next =
      shape.type === 'structure' ? shape.members?.[step] : shape.type === 'list' ? shape.member : shape.value;
    if (next === undefined) return false;
    if (i === path.length - 1) {
      if (value === REMOVED) delete container[step];
      else container[step] = value;
      return true;
    }
    container[step] ??= plausible(model, next, String(step), i + 1);
    container = container[step] as Record<Step, unknown>;
    if (typeof container !== 'object' || container === null) return false;
    at = next;
  }
  return false;
}

function mutationsOf(model: ServiceModel, shape: Shape, isRequired: boolean, name: string): Mutation[] {
  const out: Mutation[] = [];
  const bad = (what: string, value: unknown): void => void out.push({ what, forbidden: true, value });
  const odd = (what: string, value: unknown): void => void out.push({ what, forbidden: false, value });
  if (isRequired) bad('missing', REMOVED);
  odd('null', null);
  if (shape.document === true) return out;
  const { min = 0, max } = shape;
  switch (shape.type) {
    case 'string':
    case 'character': {
      bad('a number', 7);
      bad('a structure', { a: 'b' });
      bad('a list', ['a']);
      if (shape.enum !== undefined) bad('outside the enum', 'NO_SUCH_VALUE');
      if (min > 0) bad('too short', 'x'.repeat(min - 1));
      if (max !== undefined && max < 1_000_000) bad('too long', 'x'.repeat(max + 1));
      const pattern = patternOf(shape);
      const wrong = ['\u{1F4A5} !', '\n', '', '%', 'x y'].find(
        (text) => text.length >= min && pattern?.test(text) === false,
      );
      if (wrong !== undefined) bad('outside the pattern', wrong);
      odd('empty', '');
      odd('blank', ' ');
      odd('NUL', 'a\0b');
      odd('an unpaired surrogate', 'a\ud800b');
      odd('__proto__', '__proto__');
      odd('constructor', 'constructor');
      odd('a path upward', '../../../../etc/passwd');
      odd('a broken ARN', 'arn:aws:');
      odd('broken JSON', '{"a":');
      odd('JSON null', 'null');
      odd('JSON list', '[null]');
      odd('JSON of wrong types', '{"Version":1,"Statement":[null,{"Effect":{}}],"source":{"a":[{"b":null}]}}');
      odd('deep JSON', `${'['.repeat(20_000)}${']'.repeat(20_000)}`);
      odd('huge', HUGE);
      return out;
    }
    case 'integer':
    case 'long':
    case 'float':
    case 'double':
      bad('text', 'many');
      bad('a structure', {});
      if (shape.min !== undefined) bad('under the minimum', min - 1);
      if (max !== undefined) bad('over the maximum', max + 1);
      if (shape.type === 'integer' || shape.type === 'long') bad('a fraction', 1.5);
      odd('not a number', Number.NaN);
      odd('zero', 0);
      odd('negative', -1);
      odd('2^31', 2 ** 31);
      odd('2^53', 2 ** 53);
      odd('1e300', 1e300);
      return out;
    case 'boolean':
      bad('text', 'yes');
      bad('a number', 1);
      return out;
    case 'timestamp':
      bad('garbage', 'yesterday');
      bad('an invalid date', new Date(Number.NaN));
      odd('the first instant', new Date(-8.64e15));
      odd('the last instant', new Date(8.64e15));
      return out;
    case 'blob':
      bad('a structure', { a: 1 });
      odd('empty', new Uint8Array());
      odd(
        'garbage',
        Uint8Array.from({ length: 1_000 }, (_, i) => (i * 151 + 7) % 256),
      );
      odd('huge', new Uint8Array(1_000_000));
      return out;
    case 'list': {
      const item = plausible(model, shape.member as Reference, name, 2);
      bad('a structure', {});
      bad('text', 'one');
      bad('a null in it', [null]);
      bad('a list in it', [[item]]);
      if (min > 0) bad('too short', []);
      if (max !== undefined && max <= 2_000)
        bad(
          'too long',
          Array.from({ length: max + 1 }, () => item),
        );
      odd('empty', []);
      odd('twice the same', [item, item]);
      return out;
    }
    case 'map': {
      const value = plausible(model, shape.value as Reference, name, 2);
      bad('a list', []);
      bad('text', 'one');
      odd('a null in it', { demo: null });
      bad('a wrong value in it', { demo: [[]] });
      odd('a NUL key', { 'a\0b': value });
      odd('an empty key', { '': value });
      odd('a __proto__ key', JSON.parse(`{"__proto__":${JSON.stringify(value)}}`));
      odd('empty', {});
      return out;
    }
    case 'structure':
      bad('text', 'one');
      bad('a list', []);
      odd('empty', {});
      return out;
  }
}
