/**
 * The types of an input that did not come over the wire, against the model: what the codecs refuse of a request's body
 * is refused of a call in the process too, so that a handler may rely on what its input type says.
 * Members that the model does not know pass, as they do on the wire; null does not: the codecs leave such members out.
 */
import { AwsError } from '../common/index.ts';
import { isIntegerOf, part } from './json.ts';
import { type Reference, type ServiceModel, type Shape, shapeOf } from './model.ts';

type CheckType = (value: unknown, path: string, depth: number) => void;

const MAX_DEPTH = 100;
/** What a `Date` can hold: ECMAScript, "Time Values and Time Range". */
const LAST_INSTANT_MS = 8.64e15;

/** Throws SerializationException. Timestamps are `Date` or epoch milliseconds; blobs bytes, text or a stream. */
export function checkTypes(model: ServiceModel, operation: string, input: unknown): void {
  const reference = Object.hasOwn(model.operations, operation) ? model.operations[operation]?.input : undefined;
  if (reference !== undefined) checker(model, reference)(input, '', 0);
}

function checker(model: ServiceModel, reference: Reference): CheckType {
  const memo = model.memo<CheckType>('type-check');
  const known = memo.get(reference.shape);
  if (known !== undefined) return known;
  // A shape may contain itself: what is stored first looks up the finished check when it is needed.
  let built: CheckType | undefined;
  memo.set(reference.shape, (value, path, depth) => built?.(value, path, depth));
  built = build(model, shapeOf(model, reference));
  memo.set(reference.shape, built);
  return built;
}

function build(model: ServiceModel, shape: Shape): CheckType {
  if (shape.document === true || shape.eventstream === true) return () => {};
  switch (shape.type) {
    case 'structure': {
      const members = new Map(
        Object.entries(shape.members ?? {}).map(([name, member]) => [name, checker(model, member)] as const),
      );
      return (value, path, depth) => {
        if (!isRecord(value) || depth > MAX_DEPTH) throw wrong(path, 'a structure');
        for (const name in value) {
          const given = value[name];
          if (given !== undefined) members.get(name)?.(given, `${path}.${name}`, depth + 1);
        }
      };
    }
    case 'list': {
      const check = checker(model, part(shape.member));
      return (value, path, depth) => {
        if (!Array.isArray(value) || depth > MAX_DEPTH) throw wrong(path, 'a list');
        for (let i = 0; i < value.length; i++) check(value[i], `${path}.${i + 1}`, depth + 1);
      };
    }
    case 'map': {
      const check = checker(model, part(shape.value));
      return (value, path, depth) => {
        if (!isRecord(value) || depth > MAX_DEPTH) throw wrong(path, 'a map');
        for (const name in value) {
          const given = value[name];
          if (given !== undefined) check(given, `${path}.(value)`, depth + 1);
        }
      };
    }
    case 'string':
    case 'character':
      return scalar('a string', (value) => typeof value === 'string');
    case 'boolean':
      return scalar('a boolean', (value) => typeof value === 'boolean');
    case 'integer':
    case 'long': {
      const { type } = shape;
      return scalar(type === 'integer' ? 'an integer' : 'a long', (value) => isIntegerOf(type, value));
    }
    case 'float':
    case 'double':
      return scalar('a number', (value) => typeof value === 'number');
    case 'timestamp':
      return scalar(
        'a timestamp',
        (value) => (value instanceof Date || typeof value === 'number') && Math.abs(Number(value)) <= LAST_INSTANT_MS,
      );
    case 'blob':
      return scalar(
        'bytes',
        (value) =>
          value instanceof Uint8Array ||
          typeof value === 'string' ||
          (typeof value === 'object' && value !== null && 'pipe' in value),
      );
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date)
  );
}

function scalar(wanted: string, holds: (value: unknown) => boolean): CheckType {
  return (value, path) => {
    if (!holds(value)) throw wrong(path, wanted);
  };
}

/** The value is not shown: it may be a secret. */
function wrong(path: string, wanted: string): AwsError {
  return new AwsError(
    'SerializationException',
    `The request holds a value of the wrong type at '${path.replace(/^\./, '')}': expected ${wanted}.`,
  );
}
