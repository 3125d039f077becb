/**
 * The HTTP front: understands the request (protocol), authenticates it, sends it through the door, answers.
 * What is not the AWS wire comes first: `/_sluice/...` (control) and services with a protocol of their own (git).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { type AccessRequest, AwsError, isAwsError, type Principal } from '../common/index.ts';
import { type Exchange, openExchange, type WireResponse } from '../protocol/index.ts';
import type { Call, HttpTools } from '../services/index.ts';
import { denialOf, outwardDenial } from './authorizer.ts';
import { answerControl } from './control.ts';
import { isLoopback } from './loopback.ts';
import type { OpenHouse } from './open-house.ts';
import { principalAccount } from './principals.ts';
import { plainAuditRecord } from './trail/entry.ts';
import { decisionRecord, type DecisionRecord } from './why/decision-record.ts';

export type ListenOptions = Readonly<{
  host: string;
  /** 0: any free port. */
  port: number;
  /** PEM texts; given: HTTPS. */
  tls?: Readonly<{ key: string; cert: string }>;
}>;

export type Listener = Readonly<{ port: number; close(): Promise<void> }>;

/** `current` is read at each request, so that a reset can put a new house behind the same port. */
export async function listen(current: () => OpenHouse, options: ListenOptions): Promise<Listener> {
  const handler = (request: IncomingMessage, response: ServerResponse): void =>
    void answer(current(), request, response);
  const server: Server = options.tls === undefined ? createServer(handler) : createTlsServer(options.tls, handler);
  server.keepAliveTimeout = 65_000;
  server.headersTimeout = 66_000;
  server.requestTimeout = 0;
  server.maxRequestsPerSocket = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(open: OpenHouse, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    if (await answerControl(open, request, response)) return;
    for (const service of open.services.values()) {
      if (service.http !== undefined && (await service.http(request, response, httpTools(open, request)))) return;
    }
    await answerWire(open, request, response);
  } catch (error) {
    open.house.log.error('a request failed outside its handler', {
      error: describe(error),
      path: (request.url ?? '').split('?')[0],
    });
    if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
    response.end('Internal failure.\n');
  }
}

async function answerWire(open: OpenHouse, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = open.house.ids.uuid();
  const exchange = await openExchange(
    open.models,
    { method: request.method ?? 'GET', url: request.url ?? '/', headers: flatHeaders(request), body: request },
    { requestId },
  );
  let wire: WireResponse;
  try {
    wire = exchange.encode(await run(open, exchange, request, requestId));
  } catch (error) {
    wire = exchange.encodeError(asAwsError(open, error, exchange, requestId));
  }
  await send(wire, request, response);
}

async function run(
  open: OpenHouse,
  exchange: Exchange,
  request: IncomingMessage,
  requestId: string,
): Promise<Record<string, unknown>> {
  const { principal, accessKeyId } = await authenticate(open, exchange, request);
  if (exchange.service === undefined || exchange.operation === undefined) {
    throw new AwsError('UnknownOperationException', 'Sluice does not know which operation this request is for.', {
      statusCode: 404,
    });
  }
  const input = await exchange.decode();
  return open.door.execute({
    service: exchange.service,
    operation: exchange.operation,
    input,
    principal,
    scope: { account: principalAccount(principal) ?? open.house.config.defaultAccount, region: exchange.region },
    requestId,
    ...(accessKeyId === undefined ? {} : { credentials: { accessKeyId } }),
    validate: (value) => exchange.validate(value),
    http: {
      sourceIp: request.socket.remoteAddress ?? '',
      userAgent: request.headers['user-agent'] ?? '',
      secure: 'encrypted' in request.socket,
      host: request.headers.host ?? '',
      headers: flatHeaders(request),
      ...wireFacts(request),
    },
  });
}

/** How the request was signed, and by which TLS it came. */
function wireFacts(request: IncomingMessage): Pick<NonNullable<Call['http']>, 'signature' | 'tlsVersion'> {
  const url = request.url ?? '/';
  const fromUrl = /[?&]X-Amz-Date=(\w+)/i.exec(url)?.[1];
  const inUrl = /[?&]X-Amz-Signature=/i.test(url);
  const header = request.headers['x-amz-date'];
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec((inUrl ? fromUrl : String(header)) ?? '');
  const [year = 0, month = 1, ...rest] = (date ?? []).slice(1).map(Number);
  const { socket } = request;
  const tls = 'getProtocol' in socket ? String((socket as TLSSocket).getProtocol()) : undefined;
  const signed = inUrl || request.headers.authorization !== undefined;
  return {
    ...(date !== null && signed && { signature: { at: Date.UTC(year, month - 1, ...rest), inUrl } }),
    ...(tls?.startsWith('TLSv') === true && { tlsVersion: tls.slice('TLSv'.length) }),
  };
}

async function authenticate(
  open: OpenHouse,
  exchange: Exchange,
  request: IncomingMessage,
): Promise<Readonly<{ principal: Principal; accessKeyId?: string | undefined }>> {
  let principal: Principal = { type: 'Anonymous' };
  let keyId: string | undefined;
  await exchange.authenticate(
    async (accessKeyId) => {
      const credentials = await open.identity.credentials(accessKeyId);
      if (credentials === undefined || (accessKeyId === 'test' && !isLoopback(request))) return undefined;
      principal = credentials.principal;
      keyId = accessKeyId;
      return credentials;
    },
    { wallMs: open.wallNow(), clockMs: open.house.clock.now() },
  );
  if (keyId !== undefined && exchange.service !== undefined) {
    // Only now is it a use: whoever knows an id could have written it into a request.
    await open.identity.credentials(keyId, { service: exchange.service, region: exchange.region });
  }
  return { principal, accessKeyId: keyId };
}

/** A fault of ours is logged whole and told in general. */
function asAwsError(open: OpenHouse, error: unknown, exchange: Exchange, requestId: string): AwsError {
  if (isAwsError(error)) return outwardDenial(error);
  open.house.log.error('a handler failed', {
    service: exchange.service,
    operation: exchange.operation,
    requestId,
    error: describe(error),
  });
  return new AwsError(
    'InternalFailure',
    'The request processing has failed because of an unknown error, exception or failure.',
    {
      statusCode: 500,
    },
  );
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function send(wire: WireResponse, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = wire.body;
  const drained = request.readableEnded || request.complete;
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const length = request.method === 'HEAD' ? {} : { 'content-length': String(bytes.byteLength) };
    response.writeHead(wire.statusCode, { ...length, ...wire.headers, ...(drained ? {} : { connection: 'close' }) });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    if (!drained) request.resume();
    return;
  }
  response.writeHead(wire.statusCode, wire.headers);
  if (request.method === 'HEAD') {
    body.destroy();
    response.end();
    return;
  }
  // A source that fails in mid-body, or a client that goes away, ends the connection: the length no longer holds.
  await pipeline(body, response).catch(() => response.destroy());
}

function flatHeaders(request: IncomingMessage): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(',') : value;
  }
  return flat;
}

function httpTools(open: OpenHouse, request: IncomingMessage): HttpTools {
  const { house, identity } = open;
  // Authorising and recording are two calls here; the record says what was asked for, and why it was denied.
  let asked: readonly AccessRequest[] = [];
  let denied: Readonly<{ denial?: string; decision?: DecisionRecord | undefined }> = {};
  return {
    house,
    wallNow: open.wallNow,
    credentials: async (accessKeyId) =>
      accessKeyId === 'test' && !isLoopback(request) ? undefined : identity.credentials(accessKeyId),
    serviceCredentials: async (service, userName, password) =>
      identity.serviceCredentials?.(service, userName, password),
    authorize: async (principal, scope, requests) => {
      asked = requests;
      denied = {};
      try {
        await open.authorizer.authorize({ principal, ...scope, now: house.clock.now() }, requests);
      } catch (error) {
        if (isAwsError(error)) denied = { denial: error.message, decision: decisionRecord(denialOf(error)) };
        throw error;
      }
    },
    audit: (principal, scope, service, operation, outcome) =>
      open.audit.add(
        plainAuditRecord(
          { now: house.clock.now(), ...scope, requestId: house.ids.uuid(), principal },
          { service, operation },
          {
            errorCode: outcome.errorCode,
            actions: asked.map(({ action }) => action),
            resources: asked.map(({ resource }) => resource),
            sourceIp: request.socket.remoteAddress,
            userAgent: request.headers['user-agent'],
            ...denied,
          },
        ),
      ),
  };
}
