/**
 * HTTP bindings of the REST protocols: labels, query string, headers, status and payload to members and back.
 * Source: Smithy, "HTTP binding traits".
 */
import type { Readable } from 'node:stream';
import { AwsError, isAwsError } from '../common/index.ts';
import { bytesOf, setKey } from './json.ts';
import { type OperationModel, type Reference, type ServiceModel, type Shape, shapeOf } from './model.ts';
import type { DecodeInput, Route } from './wire.ts';
import { readScalar, scalarText } from './xml.ts';

/** What a REST protocol does with the part of a shape that lies in the body. */
export type BodyCodec = Readonly<{
  /** Reads a document into the members of `reference`'s shape. */
  read(model: ServiceModel, reference: Reference, body: Uint8Array): unknown;
}>;

/** The payload member of an input or output, when one member is the whole body. */
export function payloadOf(
  model: ServiceModel,
  reference: Reference,
): Readonly<{ name: string; member: Reference; shape: Shape }> | undefined {
  const shape = shapeOf(model, reference);
  const name = shape.payload ?? reference.payload;
  const member = name === undefined ? undefined : shape.members?.[name];
  return name === undefined || member === undefined ? undefined : { name, member, shape: shapeOf(model, member) };
}

export function hasStreamingPayload(model: ServiceModel, reference: Reference | undefined): boolean {
  if (reference === undefined) return false;
  const payload = payloadOf(model, reference);
  return (
    payload !== undefined &&
    payload.shape.type === 'blob' &&
    (payload.member.streaming ?? payload.shape.streaming) === true
  );
}

export function decodeRest(route: Route, input: DecodeInput, codec: BodyCodec): Record<string, unknown> {
  const { model, operation } = route;
  if (operation?.input === undefined) return {};
  const shape = shapeOf(model, operation.input);
  const out: Record<string, unknown> = {};
  let hasDocument = false;
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    if (member.location === undefined) {
      hasDocument = true;
      continue;
    }
    const value = readBindingOrRefuse(model, name, member, route, input);
    if (value !== undefined) out[name] = value;
  }
  const payload = payloadOf(model, operation.input);
  if (payload !== undefined) {
    const value = readPayload(model, payload, input.body, codec);
    if (value !== undefined) out[payload.name] = value;
  } else if (hasDocument) Object.assign(out, codec.read(model, operation.input, asBytes(input.body)));
  return out;
}

function asBytes(body: Uint8Array | Readable): Uint8Array {
  if (body instanceof Uint8Array) return body;
  throw new Error('a stream where a document was expected');
}

function readPayload(
  model: ServiceModel,
  payload: Readonly<{ name: string; member: Reference; shape: Shape }>,
  body: Uint8Array | Readable,
  codec: BodyCodec,
): unknown {
  if (payload.shape.type === 'blob') return body instanceof Uint8Array && body.byteLength === 0 ? undefined : body;
  const bytes = asBytes(body);
  if (bytes.byteLength === 0) return undefined;
  if (payload.shape.type === 'string') return new TextDecoder().decode(bytes);
  return codec.read(model, payload.member, bytes);
}

/** S3 has words of its own for a header or parameter that is not of its type. */
function readBindingOrRefuse(
  model: ServiceModel,
  name: string,
  member: Reference,
  route: Route,
  input: DecodeInput,
): unknown {
  try {
    return readBinding(model, name, member, route, input);
  } catch (cause) {
    if (route.protocol !== 'rest-xml' || !isAwsError(cause, 'SerializationException')) throw cause;
    const argument = member.locationName ?? name;
    const { type } = shapeOf(model, member);
    const message =
      type === 'integer' || type === 'long'
        ? `Provided ${argument} not an integer or within integer range`
        : `Invalid value of ${argument}`;
    const given =
      member.location === 'header'
        ? input.request.headers[argument.toLowerCase()]
        : new Map(input.target.query).get(argument);
    throw new AwsError('InvalidArgument', message, {
      statusCode: 400,
      cause,
      fields: { ArgumentName: argument, ArgumentValue: given },
    });
  }
}

function readBinding(
  model: ServiceModel,
  name: string,
  member: Reference,
  route: Route,
  { request, target }: DecodeInput,
): unknown {
  const shape = shapeOf(model, member);
  const key = member.locationName ?? name;
  switch (member.location) {
    case 'uri': {
      const text = Object.hasOwn(route.labels, key) ? route.labels[key] : undefined;
      return text === undefined ? undefined : readScalar(shape, member, text);
    }
    case 'querystring':
      return readQuery(model, member, shape, key, route.operation, target.query);
    case 'header': {
      const text = request.headers[key.toLowerCase()];
      return text === undefined ? undefined : readHeader(model, member, shape, text);
    }
    case 'headers': {
      const prefix = key.toLowerCase();
      const out: Record<string, unknown> = {};
      for (const [header, text] of Object.entries(request.headers)) {
        if (header.startsWith(prefix)) setKey(out, header.slice(prefix.length), text);
      }
      return Object.keys(out).length === 0 ? undefined : out;
    }
    default:
      return undefined;
  }
}

function readQuery(
  model: ServiceModel,
  member: Reference,
  shape: Shape,
  key: string,
  operation: OperationModel | undefined,
  query: readonly (readonly [string, string])[],
): unknown {
  if (shape.type === 'map') {
    // Every parameter that no other member takes.
    const taken = new Set<string>();
    for (const [name, other] of Object.entries(
      operation?.input === undefined ? {} : (shapeOf(model, operation.input).members ?? {}),
    )) {
      if (other.location === 'querystring' && other !== member) taken.add(other.locationName ?? name);
    }
    const out: Record<string, unknown> = {};
    const isList = shape.value !== undefined && shapeOf(model, shape.value).type === 'list';
    for (const [name, text] of query) {
      if (taken.has(name)) continue;
      if (!isList) setKey(out, name, text);
      else if (Object.hasOwn(out, name)) (out[name] as string[]).push(text);
      else setKey(out, name, [text]);
    }
    return Object.keys(out).length === 0 ? undefined : out;
  }
  if (shape.type === 'list' && shape.member !== undefined) {
    const element = shape.member;
    const found = query.filter(([name]) => name === key);
    if (found.length === 0) return undefined;
    return found.map(([, text]) => readScalar(shapeOf(model, element), element, text));
  }
  const text = query.find(([name]) => name === key)?.[1];
  if (text === undefined) return undefined;
  // An empty parameter of a type that cannot be empty counts as absent (`?max-keys=`).
  if (text === '' && shape.type !== 'string') return undefined;
  return readScalar(shape, member, text);
}

function readHeader(model: ServiceModel, member: Reference, shape: Shape, text: string): unknown {
  if (shape.type === 'list' && shape.member !== undefined) {
    const element = shape.member;
    const target = shapeOf(model, element);
    if (target.type === 'timestamp') return [readScalar(target, element, text, 'rfc822')];
    return splitHeader(text).map((item) => readScalar(target, element, item));
  }
  if (shape.type === 'timestamp' && (member.timestampFormat ?? shape.timestampFormat) !== 'iso8601') {
    // A date that is none is ignored, as HTTP's conditional headers want it (RFC 9110 13.1.3).
    try {
      return readScalar(shape, member, text, 'rfc822');
    } catch {
      return undefined;
    }
  }
  return readScalar(shape, member, text, 'rfc822');
}

/** Comma-separated, with quoted parts. */
function splitHeader(text: string): string[] {
  const out: string[] = [];
  for (const [item] of text.matchAll(/"(?:[^"\\]|\\.)*"|[^,]+/g)) {
    const trimmed = item.trim();
    if (trimmed === '') continue;
    out.push(trimmed.startsWith('"') ? trimmed.slice(1, -1).replace(/\\(.)/g, '$1') : trimmed);
  }
  return out;
}

export type RestParts = Readonly<{
  statusCode: number;
  headers: Record<string, string>;
  /** Bytes, text or stream of a raw payload. */
  raw?: Readonly<{ body: Uint8Array | string | Readable; isText: boolean }>;
  /** A payload member, or the whole output, that the protocol writes as a document. */
  document?: Readonly<{ name: string; reference: Reference; value: Record<string, unknown>; isPayload: boolean }>;
}>;

/** Spreads an output over status, headers and body; the body's document is left to the protocol. */
export function encodeRest(route: Route, output: Readonly<Record<string, unknown>>): RestParts {
  const { model, operation } = route;
  let statusCode = operation?.http.responseCode ?? 200;
  const headers: Record<string, string> = {};
  if (operation?.output === undefined) return { statusCode, headers };
  const shape = shapeOf(model, operation.output);
  let hasDocument = false;
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    if (member.location === undefined) {
      hasDocument = true;
      continue;
    }
    const value = output[name];
    if (value === undefined || value === null) continue;
    if (member.location === 'statusCode') statusCode = Number(value);
    else writeHeaderBinding(model, name, member, value, headers);
  }
  // A part of a representation is announced as one (RFC 9110 15.3.7).
  if (statusCode === 200 && headers['content-range'] !== undefined) statusCode = 206;
  const payload = payloadOf(model, operation.output);
  if (payload === undefined) {
    if (!hasDocument) return { statusCode, headers };
    const document = { name: operation.output.shape, reference: operation.output, value: output, isPayload: false };
    return { statusCode, headers, document };
  }
  const value = output[payload.name];
  if (payload.shape.type === 'blob' || payload.shape.type === 'string') {
    const isText = payload.shape.type === 'string';
    return { statusCode, headers, raw: { body: rawBody(value), isText } };
  }
  if (value === undefined || value === null) return { statusCode, headers };
  const document = {
    name: payload.member.locationName ?? payload.shape.locationName ?? payload.name,
    reference: payload.member,
    value: value as Record<string, unknown>,
    isPayload: true,
  };
  return { statusCode, headers, document };
}

function rawBody(value: unknown): Uint8Array | string | Readable {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  if (typeof value === 'object' && 'pipe' in value) return value as Readable;
  return bytesOf(value);
}

function writeHeaderBinding(
  model: ServiceModel,
  name: string,
  member: Reference,
  value: unknown,
  headers: Record<string, string>,
): void {
  const shape = shapeOf(model, member);
  const key = (member.locationName ?? name).toLowerCase();
  if (member.location === 'headers') {
    for (const [suffix, text] of Object.entries(value as object))
      headers[key + suffix.toLowerCase()] = safe(String(text));
    return;
  }
  if (shape.type === 'list' && shape.member !== undefined) {
    const element = shape.member;
    const items = Array.from(value as Iterable<unknown>, (item) =>
      scalarText(shapeOf(model, element), element, item, 'rfc822'),
    );
    if (items.length > 0) headers[key] = safe(items.join(','));
    return;
  }
  headers[key] = safe(scalarText(shape, member, value, 'rfc822'));
}

/** Node refuses header values outside Latin-1 and control characters; S3 encodes such metadata by RFC 2047. */
function safe(text: string): string {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) return text;
  return `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;
}

export function malformed(message: string, cause: unknown): AwsError {
  return new AwsError('SerializationException', message, { cause });
}
