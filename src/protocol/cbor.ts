/**
 * CBOR bodies of Smithy RPC v2: the same shapes as JSON, with byte strings and tagged timestamps (tag 1, epoch seconds).
 * Source: Smithy, "Smithy RPC v2 CBOR protocol".
 */
import { cbor, dateToTag } from '@smithy/core/cbor';
import { AwsError } from '../common/index.ts';
import { CborError, type CborTag, parseCbor } from './cbor-reader.ts';
import { bytesOf, isIntegerOf, part, setKey } from './json.ts';
import { type Reference, type ServiceModel, shapeOf } from './model.ts';
import { dateOf, epochMsOf } from './timestamps.ts';

/** `{}` for an empty body. Throws SerializationException. */
export function readCbor(model: ServiceModel, reference: Reference, body: Uint8Array): unknown {
  if (body.byteLength === 0) return {};
  let value: unknown;
  try {
    value = parseCbor(body);
  } catch (cause) {
    if (!(cause instanceof CborError)) throw cause;
    throw new AwsError('SerializationException', 'The request body is not valid CBOR.', { cause });
  }
  return read(model, reference, value);
}

export function writeCbor(model: ServiceModel, reference: Reference, value: unknown): Uint8Array {
  return cbor.serialize(write(model, reference, value));
}

export function serializeCbor(value: unknown): Uint8Array {
  return cbor.serialize(value);
}

function read(model: ServiceModel, reference: Reference, value: unknown): unknown {
  const shape = shapeOf(model, reference);
  switch (shape.type) {
    case 'structure': {
      const given = mapOf(value, 'structure');
      const out: Record<string, unknown> = {};
      for (const [name, member] of Object.entries(shape.members ?? {})) {
        const found = Object.hasOwn(given, name) ? given[name] : undefined;
        if (found !== undefined && found !== null) out[name] = read(model, member, found);
      }
      return out;
    }
    case 'list': {
      if (!Array.isArray(value)) throw wrong('list');
      return value.map((item) => {
        if (item === null || item === undefined) throw wrong('list without null');
        return read(model, part(shape.member), item);
      });
    }
    case 'map': {
      const out: Record<string, unknown> = {};
      for (const [key, item] of Object.entries(mapOf(value, 'map'))) {
        if (item !== null && item !== undefined) setKey(out, key, read(model, part(shape.value), item));
      }
      return out;
    }
    case 'string':
    case 'character':
      if (typeof value !== 'string') throw wrong('string');
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrong('boolean');
      return value;
    case 'integer':
    case 'long': {
      const number = typeof value === 'bigint' ? Number(value) : value;
      if (!isIntegerOf(shape.type, number)) throw wrong(shape.type);
      return number;
    }
    case 'float':
    case 'double': {
      if (typeof value !== 'number') throw wrong('number');
      return value;
    }
    case 'timestamp': {
      const seconds = secondsOf(value);
      const date = seconds === undefined ? undefined : dateOf(seconds * 1000);
      if (date === undefined) throw wrong('timestamp (tag 1)');
      return date;
    }
    case 'blob':
      if (!(value instanceof Uint8Array)) throw wrong('byte string');
      return value;
  }
}

function secondsOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null || !('tag' in value)) return undefined;
  const { tag, value: seconds } = value as CborTag;
  return tag === 1 && typeof seconds === 'number' ? seconds : undefined;
}

function mapOf(value: unknown, wanted: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw wrong(wanted);
  }
  return value as Record<string, unknown>;
}

function wrong(wanted: string): AwsError {
  return new AwsError('SerializationException', `The request holds a value of the wrong type: expected a ${wanted}.`);
}

function write(model: ServiceModel, reference: Reference, value: unknown): unknown {
  const shape = shapeOf(model, reference);
  switch (shape.type) {
    case 'structure': {
      const out: Record<string, unknown> = {};
      for (const [name, member] of Object.entries(shape.members ?? {})) {
        const given = (value as Record<string, unknown>)[name];
        if (given !== undefined && given !== null) out[name] = write(model, member, given);
      }
      return out;
    }
    case 'list':
      return Array.from(value as Iterable<unknown>, (item) => write(model, part(shape.member), item));
    case 'map': {
      const out: Record<string, unknown> = {};
      for (const [key, item] of Object.entries(value as object)) {
        if (item !== undefined && item !== null) setKey(out, key, write(model, part(shape.value), item));
      }
      return out;
    }
    case 'string':
    case 'character':
      return String(value);
    case 'boolean':
      return Boolean(value);
    case 'integer':
    case 'long':
    case 'float':
    case 'double':
      return Number(value);
    case 'timestamp':
      return dateToTag(new Date(epochMsOf(value)));
    case 'blob':
      return bytesOf(value);
  }
}
