/**
 * JSON bodies: AWS JSON 1.0 and 1.1, and the bodies of REST JSON. Per shape, a reader and a writer are compiled once
 * and kept with the model. Readers refuse wrong types in the words of AWS's Coral framework; members that the model
 * does not know are ignored, null members are absent.
 */
import { AwsError } from '../common/index.ts';
import { type Reference, type ServiceModel, type Shape, shapeOf, type TimestampFormat } from './model.ts';
import { dateOf, epochMsOf, formatTimestamp, parseTimestamp } from './timestamps.ts';

type Read = (value: unknown) => unknown;
type Write = (value: unknown) => unknown;

/** Deeper bodies are refused: no model is, and recursion must end. */
const MAX_DEPTH = 100;

/** The parsed body, or `{}` for an empty one. Throws SerializationException for text that is not a JSON object. */
export function parseJsonBody(body: Uint8Array): unknown {
  if (body.byteLength === 0) return {};
  const text = new TextDecoder().decode(body);
  let depth = 0;
  if (body.byteLength > MAX_DEPTH) {
    let inString = false;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (inString) {
        if (code === 92) i++;
        else if (code === 34) inString = false;
      } else if (code === 34) inString = true;
      else if (code === 123 || code === 91) {
        if (++depth > MAX_DEPTH) throw new AwsError('SerializationException', 'The request is nested too deeply.');
      } else if (code === 125 || code === 93) depth--;
    }
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AwsError('SerializationException', 'The request body is not valid JSON.', { cause });
  }
}

/** Reads a JSON value as the shape of `reference`. Throws SerializationException. */
export function readJson(model: ServiceModel, reference: Reference, value: unknown): unknown {
  return reader(model, reference)(value);
}

/** Turns a handler's value into plain JSON data. */
export function writeJson(model: ServiceModel, reference: Reference, value: unknown): unknown {
  return writer(model, reference)(value);
}

function keyOf(reference: Reference, shape: Shape): string {
  const format = reference.timestampFormat ?? shape.timestampFormat;
  return format === undefined ? reference.shape : `${reference.shape} ${format}`;
}

function reader(model: ServiceModel, reference: Reference): Read {
  const shape = shapeOf(model, reference);
  const memo = model.memo<Read>('json-read');
  const key = keyOf(reference, shape);
  const known = memo.get(key);
  if (known !== undefined) return known;
  // A shape may contain itself: what is stored first looks up the finished reader when it is needed.
  let built: Read | undefined;
  memo.set(key, (value) => (built as Read)(value));
  built = buildReader(model, reference, shape);
  memo.set(key, built);
  return built;
}

function buildReader(model: ServiceModel, reference: Reference, shape: Shape): Read {
  if (shape.document === true) return (value) => value;
  switch (shape.type) {
    case 'structure': {
      const members = new Map<string, Readonly<{ name: string; read: Read }>>();
      for (const [name, member] of Object.entries(shape.members ?? {})) {
        if (member.location !== undefined) continue;
        members.set(member.locationName ?? name, { name, read: reader(model, member) });
      }
      return (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unexpected(value, 'structure');
        const out: Record<string, unknown> = {};
        for (const key in value) {
          const member = members.get(key);
          if (member === undefined) continue;
          const given = (value as Record<string, unknown>)[key];
          if (given !== null && given !== undefined) out[member.name] = member.read(given);
        }
        return out;
      };
    }
    case 'list': {
      const read = reader(model, part(shape.member));
      return (value) => {
        if (!Array.isArray(value)) throw unexpected(value, 'list');
        const out = Array.from<unknown>({ length: value.length });
        for (let i = 0; i < value.length; i++) {
          if (value[i] === null) throw new AwsError('SerializationException', 'A list must not hold null.');
          out[i] = read(value[i]);
        }
        return out;
      };
    }
    case 'map': {
      const read = reader(model, part(shape.value));
      return (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unexpected(value, 'map');
        const out: Record<string, unknown> = {};
        for (const [key, given] of Object.entries(value)) if (given !== null) setKey(out, key, read(given));
        return out;
      };
    }
    case 'string':
    case 'character':
      return (value) => {
        if (typeof value !== 'string') throw unexpected(value, 'String');
        return value;
      };
    case 'boolean':
      return (value) => {
        if (typeof value !== 'boolean') throw unexpected(value, 'Boolean');
        return value;
      };
    case 'integer':
      return (value) => {
        if (!isIntegerOf('integer', value)) throw unexpected(value, 'Integer');
        return value;
      };
    case 'long':
      return (value) => {
        if (!isIntegerOf('long', value)) throw unexpected(value, 'Long');
        return value;
      };
    case 'float':
    case 'double':
      return (value) => {
        if (typeof value === 'number') return value;
        if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
        throw unexpected(value, shape.type === 'float' ? 'Float' : 'Double');
      };
    case 'timestamp': {
      const format = reference.timestampFormat ?? shape.timestampFormat ?? 'unixTimestamp';
      return (value) => readTimestamp(value, format);
    }
    case 'blob':
      return (value) => {
        if (typeof value !== 'string') throw unexpected(value, 'Blob');
        return readBase64(value);
      };
  }
}

/** Whether a value is a number of the type: 32 bits of an `integer`, 64 of a `long`. */
export function isIntegerOf(type: 'integer' | 'long', value: unknown): value is number {
  if (typeof value !== 'number' || !Number.isInteger(value)) return false;
  return type === 'integer' ? value === (value | 0) : Math.abs(value) < 2 ** 63;
}

function readTimestamp(value: unknown, format: TimestampFormat): Date {
  let date: Date | undefined;
  if (typeof value === 'number') date = dateOf(value * 1000);
  else if (typeof value === 'string') date = parseTimestamp(value, format) ?? parseTimestamp(value, 'iso8601');
  if (date === undefined) throw unexpected(value, 'Timestamp');
  return date;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Throws SerializationException: Node's own decoder skips what is not base64. */
export function readBase64(text: string): Uint8Array {
  if (!BASE64.test(text) || text.replace(/=+$/, '').length % 4 === 1) {
    throw new AwsError('SerializationException', 'A blob is not valid base64.');
  }
  return Buffer.from(text, 'base64');
}

/** An own key whatever its name, `__proto__` included. */
export function setKey(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
}

function unexpected(value: unknown, wanted: string): AwsError {
  let message: string;
  if (Array.isArray(value)) message = 'Start of list found where not expected';
  else if (typeof value === 'object' && value !== null) message = 'Start of structure or map found where not expected.';
  else {
    const found =
      typeof value === 'boolean' ? `${String(value).toUpperCase()}_VALUE` : `${typeof value}_VALUE`.toUpperCase();
    const article = /^[AEIOU]/.test(wanted) ? 'an' : 'a';
    message =
      wanted === 'structure' || wanted === 'map' || wanted === 'list'
        ? `Unexpected token: ${found}, expected the start of a ${wanted}`
        : `${found} can not be converted to ${article} ${wanted}`;
  }
  return new AwsError('SerializationException', message);
}

function writer(model: ServiceModel, reference: Reference): Write {
  const shape = shapeOf(model, reference);
  const memo = model.memo<Write>('json-write');
  const key = keyOf(reference, shape);
  const known = memo.get(key);
  if (known !== undefined) return known;
  let built: Write | undefined;
  memo.set(key, (value) => (built as Write)(value));
  built = buildWriter(model, reference, shape);
  memo.set(key, built);
  return built;
}

function buildWriter(model: ServiceModel, reference: Reference, shape: Shape): Write {
  if (shape.document === true) return (value) => value;
  switch (shape.type) {
    case 'structure': {
      const members = Object.entries(shape.members ?? {})
        .filter(([, member]) => member.location === undefined)
        .map(([name, member]) => ({ name, key: member.locationName ?? name, write: writer(model, member) }));
      return (value) => {
        const out: Record<string, unknown> = {};
        for (const { name, key, write } of members) {
          const given = (value as Record<string, unknown>)[name];
          if (given !== undefined && given !== null) out[key] = write(given);
        }
        return out;
      };
    }
    case 'list': {
      const write = writer(model, part(shape.member));
      return (value) => Array.from(value as Iterable<unknown>, write);
    }
    case 'map': {
      const write = writer(model, part(shape.value));
      return (value) => {
        const out: Record<string, unknown> = {};
        for (const [key, given] of Object.entries(value as object)) {
          if (given !== undefined && given !== null) setKey(out, key, write(given));
        }
        return out;
      };
    }
    case 'string':
    case 'character':
      return (value) => (typeof value === 'string' ? value : String(value));
    case 'boolean':
      return Boolean;
    case 'integer':
    case 'long':
      return Number;
    case 'float':
    case 'double':
      return (value) => {
        const number = Number(value);
        return Number.isFinite(number) ? number : String(number);
      };
    case 'timestamp': {
      const format = reference.timestampFormat ?? shape.timestampFormat ?? 'unixTimestamp';
      if (format === 'unixTimestamp') return (value) => Math.round(epochMsOf(value)) / 1000;
      return (value) => formatTimestamp(value, format);
    }
    case 'blob':
      return (value) => bytesOf(value).toString('base64');
  }
}

/** A handler may give bytes or text. */
export function bytesOf(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return Buffer.from(String(value));
}

/** The element, key or value of a list or map, which every such shape has. */
export function part(reference: Reference | undefined): Reference {
  if (reference === undefined) throw new Error('a list or map shape without its element');
  return reference;
}
