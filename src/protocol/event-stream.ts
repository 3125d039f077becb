/**
 * Answers that go on for a while: `application/vnd.amazon.eventstream` (Logs StartLiveTail, Lambda
 * InvokeWithResponseStream, S3 SelectObjectContent). A handler gives the streaming member as an async iterable of
 * `{ EventName: { ...members } }`; an `AwsError` that it throws ends the stream with an exception message.
 *
 * A message: total length, headers length, CRC-32 of both, headers, payload, CRC-32 of all; numbers big-endian.
 * Source: Smithy, "Amazon Event Stream Specification".
 */
import { Readable } from 'node:stream';
import { AwsError, isAwsError } from '../common/index.ts';
import { createChecksum } from './checksum.ts';
import { bytesOf } from './json.ts';
import { type Reference, type ServiceModel, type Shape, shapeOf } from './model.ts';

export const EVENT_STREAM_TYPE = 'application/vnd.amazon.eventstream';

/** The member of an output that is an event stream. */
export function eventStreamMember(
  model: ServiceModel,
  output: Reference | undefined,
): Readonly<{ name: string; shape: Shape }> | undefined {
  if (output === undefined) return undefined;
  for (const [name, member] of Object.entries(shapeOf(model, output).members ?? {})) {
    const shape = shapeOf(model, member);
    if (shape.eventstream === true) return { name, shape };
  }
  return undefined;
}

export type EventStreamOptions = Readonly<{
  /** Writes an event, or its structured payload, as the protocol's document. */
  document: (reference: Reference, value: unknown) => Uint8Array | string;
  documentType: string;
  /** RPC protocols: the output's other members, sent as a first event. */
  initial?: Uint8Array | string;
}>;

export function encodeEventStream(
  model: ServiceModel,
  shape: Shape,
  events: unknown,
  options: EventStreamOptions,
): Readable {
  return Readable.from(messages(model, shape, events as AsyncIterable<Record<string, unknown>>, options), {
    objectMode: false,
  });
}

async function* messages(
  model: ServiceModel,
  shape: Shape,
  events: AsyncIterable<Record<string, unknown>>,
  options: EventStreamOptions,
): AsyncGenerator<Uint8Array> {
  if (options.initial !== undefined) {
    yield encodeMessage(eventHeaders('initial-response', options.documentType), options.initial);
  }
  try {
    for await (const event of events) {
      for (const [name, value] of Object.entries(event)) {
        const member = shape.members?.[name];
        if (member === undefined) throw new Error(`the event stream has no event ${name}`);
        yield eventMessage(model, name, member, value, options);
      }
    }
  } catch (error) {
    const { code, message } = isAwsError(error) ? error : new AwsError('InternalFailure', 'The stream failed.');
    yield encodeMessage(
      { ':message-type': 'exception', ':exception-type': code, ':content-type': 'application/json' },
      JSON.stringify({ message }),
    );
    if (!isAwsError(error)) throw error;
  }
}

function eventMessage(
  model: ServiceModel,
  name: string,
  member: Reference,
  value: unknown,
  { document, documentType }: EventStreamOptions,
): Uint8Array {
  const shape = shapeOf(model, member);
  const payload = Object.entries(shape.members ?? {}).find(([, each]) => each.eventpayload === true);
  if (payload === undefined) {
    const isEmpty = Object.keys(shape.members ?? {}).length === 0;
    return encodeMessage(
      eventHeaders(name, isEmpty ? undefined : documentType),
      isEmpty ? '' : document(member, value),
    );
  }
  const [payloadName, reference] = payload;
  const given = (value as Record<string, unknown>)[payloadName];
  const type = shapeOf(model, reference).type;
  if (type === 'blob') return encodeMessage(eventHeaders(name, 'application/octet-stream'), bytesOf(given ?? ''));
  if (type === 'string') return encodeMessage(eventHeaders(name, 'text/plain'), bytesOf(given ?? ''));
  return encodeMessage(eventHeaders(name, documentType), document(reference, given ?? {}));
}

function eventHeaders(type: string, contentType: string | undefined): Record<string, string> {
  return {
    ':event-type': type,
    ...(contentType === undefined ? {} : { ':content-type': contentType }),
    ':message-type': 'event',
  };
}

const STRING_HEADER = 7;

export function encodeMessage(headers: Readonly<Record<string, string>>, payload: Uint8Array | string): Uint8Array {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(headers)) {
    const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)];
    const length = Buffer.alloc(2);
    length.writeUInt16BE(valueBytes.byteLength);
    parts.push(Buffer.from([nameBytes.byteLength]), nameBytes, Buffer.from([STRING_HEADER]), length, valueBytes);
  }
  const headerBytes = Buffer.concat(parts);
  const body = bytesOf(payload);
  const total = 16 + headerBytes.byteLength + body.byteLength;
  const out = Buffer.alloc(total);
  out.writeUInt32BE(total, 0);
  out.writeUInt32BE(headerBytes.byteLength, 4);
  crcOf(out.subarray(0, 8)).copy(out, 8);
  headerBytes.copy(out, 12);
  body.copy(out, 12 + headerBytes.byteLength);
  crcOf(out.subarray(0, total - 4)).copy(out, total - 4);
  return out;
}

function crcOf(bytes: Uint8Array): Buffer {
  const checksum = createChecksum('CRC32');
  checksum.update(bytes);
  return Buffer.from(checksum.digest(), 'base64');
}
