/**
 * Requests as a client that checks nothing would send them: any input of any operation, in the service's protocol,
 * signed by the root of the first account. And plain `node:http` to send what no client library would.
 */
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import {
  type ProtocolName,
  protocolsOf,
  type Reference,
  type ServiceModel,
  type Shape,
  signingNameOf,
  signRequest,
} from '../../src/protocol/index.ts';

export type RawRequest = Readonly<{
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
}>;

export type RawAnswer = Readonly<{ status: number; headers: Readonly<Record<string, string>>; text: string }>;

export const ROOT = { accessKeyId: 'test', secretAccessKey: 'test' };

/** The machine's now: signatures are held against it. */
export function machineNow(): number {
  return performance.timeOrigin + performance.now();
}

/** The protocol that `encodeRequest` speaks with a service. */
export function spokenProtocol(model: ServiceModel): ProtocolName {
  return protocolsOf(model.metadata).find((protocol) => protocol !== 'smithy-rpc-v2-cbor') ?? 'json';
}

export function encodeRequest(model: ServiceModel, operation: string, input: Record<string, unknown>): RawRequest {
  const { metadata } = model;
  switch (spokenProtocol(model)) {
    case 'json':
      return {
        method: 'POST',
        url: '/',
        headers: {
          'content-type': `application/x-amz-json-${metadata.jsonVersion ?? '1.0'}`,
          'x-amz-target': `${metadata.targetPrefix}.${operation}`,
        },
        body: JSON.stringify(plain(input)),
      };
    case 'rest-json':
    case 'rest-xml':
      return encodeRest(model, operation, input);
    default: {
      const pairs: [string, string][] = [
        ['Action', operation],
        ['Version', metadata.apiVersion],
      ];
      const reference = model.operations[operation]?.input;
      if (reference !== undefined) flatten(model, reference, input, '', pairs);
      return {
        method: 'POST',
        url: '/',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encode(value)}`).join('&'),
      };
    }
  }
}

/** Dates as epoch seconds, bytes as base64; everything else as it is. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, given]) => [name, plain(given)]));
  }
  return value;
}

function scalar(value: unknown): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** An unpaired surrogate cannot be encoded: it goes as the bytes that a careless client would send. */
function encode(text: string): string {
  return encodeURIComponent(text.replaceAll('\ud800', '\ufffd'));
}

function flatten(
  model: ServiceModel,
  reference: Reference,
  value: unknown,
  name: string,
  out: [string, string][],
): void {
  const shape = model.shapes[reference.shape] as Shape;
  if (value === null || value === undefined) return;
  const isObject = typeof value === 'object';
  if (shape.type === 'structure' && isObject) {
    for (const [member, given] of Object.entries(value)) {
      const child = shape.members?.[member];
      const key = child?.locationName ?? member;
      if (child !== undefined) flatten(model, child, given, name === '' ? key : `${name}.${key}`, out);
    }
  } else if (shape.type === 'list' && Array.isArray(value) && shape.member !== undefined) {
    const element = shape.member;
    const middle = shape.flattened === true ? '' : `.${element.locationName ?? 'member'}`;
    for (const [i, item] of value.entries()) flatten(model, element, item, `${name}${middle}.${i + 1}`, out);
  } else if (shape.type === 'map' && isObject && shape.value !== undefined) {
    const middle = shape.flattened === true ? '' : '.entry';
    for (const [i, [key, item]] of Object.entries(value).entries()) {
      out.push([`${name}${middle}.${i + 1}.${shape.key?.locationName ?? 'key'}`, key]);
      flatten(model, shape.value, item, `${name}${middle}.${i + 1}.${shape.value.locationName ?? 'value'}`, out);
    }
  } else out.push([name, scalar(value)]);
}

function encodeRest(model: ServiceModel, operation: string, input: Record<string, unknown>): RawRequest {
  const definition = model.operations[operation];
  if (definition === undefined) throw new Error(`no operation ${operation}`);
  const shape = definition.input === undefined ? undefined : (model.shapes[definition.input.shape] as Shape);
  const headers: Record<string, string> = {};
  const query: string[] = [];
  const document: Record<string, unknown> = {};
  let path = definition.http.requestUri;
  for (const [name, member] of Object.entries(shape?.members ?? {})) {
    const given = input[name];
    const key = member.locationName ?? name;
    const text = given === undefined || given === null ? '' : scalar(given);
    if (member.location === 'uri') {
      path = path.replace(`{${key}+}`, encode(text).replaceAll('%2F', '/')).replace(`{${key}}`, encode(text));
    } else if (given === undefined || given === null) continue;
    else if (member.location === 'querystring') {
      for (const item of Array.isArray(given) ? given : [given])
        query.push(`${encodeURIComponent(key)}=${encode(scalar(item))}`);
    } else if (member.location === 'header') {
      headers[key.toLowerCase()] = given instanceof Date && !Number.isNaN(given.getTime()) ? given.toUTCString() : text;
    } else if (member.location === 'headers' && typeof given === 'object') {
      for (const [suffix, item] of Object.entries(given)) headers[`${key}${suffix}`.toLowerCase()] = scalar(item);
    } else if (member.location === undefined) document[name] = given;
  }
  const url = query.length === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${query.join('&')}`;
  const payload = shape?.payload === undefined ? undefined : shape.members?.[shape.payload];
  const isXml = spokenProtocol(model) === 'rest-xml';
  let body: string | Uint8Array | undefined;
  if (payload !== undefined && shape?.payload !== undefined) {
    const given = input[shape.payload];
    if (given instanceof Uint8Array) body = given;
    else if (given !== undefined && given !== null) {
      const name = payload.locationName ?? payload.shape;
      body = isXml ? xml(model, payload, name, given) : JSON.stringify(plain(given));
    }
  } else if (Object.keys(document).length > 0 && definition.input !== undefined) {
    const name = definition.input.locationName ?? definition.input.shape;
    body = isXml ? xml(model, definition.input, name, document) : JSON.stringify(plain(document));
  }
  if (body !== undefined && typeof body === 'string')
    headers['content-type'] = isXml ? 'application/xml' : 'application/json';
  return { method: definition.http.method, url, headers, ...(body === undefined ? {} : { body }) };
}

function xml(model: ServiceModel, reference: Reference, name: string, value: unknown): string {
  const shape = model.shapes[reference.shape] as Shape;
  if (value === null || value === undefined) return '';
  if (shape.type === 'structure' && typeof value === 'object') {
    const inner = Object.entries(value).map(([member, given]) => {
      const child = shape.members?.[member];
      return child === undefined ? '' : xml(model, child, child.locationName ?? member, given);
    });
    return `<${name}>${inner.join('')}</${name}>`;
  }
  if (shape.type === 'list' && Array.isArray(value) && shape.member !== undefined) {
    const element = shape.member;
    if (shape.flattened === true) return value.map((item) => xml(model, element, name, item)).join('');
    return `<${name}>${value.map((item) => xml(model, element, element.locationName ?? 'member', item)).join('')}</${name}>`;
  }
  const text = scalar(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<${name}>${text}</${name}>`;
}

/** Adds `host` and a signature that holds. */
export function signed(
  server: Readonly<{ port: number; region: string }>,
  service: string,
  request: RawRequest,
  options: Partial<Parameters<typeof signRequest>[1]> = {},
): RawRequest {
  const headers = signRequest(
    { ...request, headers: { ...request.headers, host: `127.0.0.1:${server.port}` } },
    { credentials: ROOT, region: server.region, service, nowMs: machineNow(), ...options },
  );
  return { ...request, headers };
}

export function signingName(model: ServiceModel): string {
  return signingNameOf(model.metadata);
}

const agent = new Agent({ keepAlive: true, maxSockets: 4 });

/** Rejects when no answer comes within `deadlineMs`. */
export function send(
  port: number,
  { method, url, headers, body }: RawRequest,
  deadlineMs = 20_000,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const length =
      body === undefined
        ? method === 'GET' || method === 'HEAD'
          ? {}
          : { 'content-length': '0' }
        : { 'content-length': String(Buffer.byteLength(body)) };
    const request = httpRequest(
      { host: '127.0.0.1', port, method, path: url, headers: { ...length, ...headers }, agent },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          clearTimeout(timer);
          const flat = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const);
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(flat),
            text: Buffer.concat(chunks).toString(),
          });
        });
      },
    );
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${deadlineMs} ms to ${method} ${url.slice(0, 200)}`)),
      deadlineMs,
    );
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.end(body);
  });
}

/** Sends bytes as they are and gives what came back when the server closed, or `quietMs` after the last byte. */
export function sendBytes(
  port: number,
  bytes: string | Uint8Array,
  options: Readonly<{ end?: boolean; quietMs?: number }> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    const done = (): void => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString());
    };
    socket.setTimeout(options.quietMs ?? 10_000, done);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      socket.setTimeout(300, done);
    });
    socket.on('close', done);
    socket.on('error', (error) => (chunks.length > 0 ? done() : reject(error)));
    socket.write(bytes);
    if (options.end === true) socket.end();
  });
}

export function closeConnections(): void {
  agent.destroy();
}
