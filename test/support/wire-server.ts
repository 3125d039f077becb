/**
 * A server that is nothing but the wire: each request is authenticated, decoded and validated, and `answer` gives the
 * output. Clients see what a service that answers so would send. For tests of `protocol`.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { AwsError, isAwsError } from '../../src/common/index.ts';
import { type Exchange, type KnownKey, openExchange, openModels, type WireResponse } from '../../src/protocol/index.ts';

export const models = openModels(fileURLToPath(new URL('../../models', import.meta.url)));

export type Seen = Readonly<{ service: string; operation: string; input: Record<string, unknown>; exchange: Exchange }>;

export type WireServer = Readonly<{
  url: string;
  port: number;
  /** What arrived, in order; `input` as decoded. */
  seen: Seen[];
  close(): Promise<void>;
}>;

/** The key of every test client. */
export const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

export async function startWireServer(
  answer: (seen: Seen) => Promise<Record<string, unknown>> | Record<string, unknown>,
  options: Readonly<{ keys?: Readonly<Record<string, KnownKey>>; wallMs?: () => number }> = {},
): Promise<WireServer> {
  const keys = options.keys ?? { [credentials.accessKeyId]: credentials };
  const wallMs = options.wallMs ?? (() => new Date(performance.timeOrigin + performance.now()).getTime());
  const seen: Seen[] = [];
  const server: Server = createServer((request, response) => {
    void (async () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(',') : (value ?? ''),
        ]),
      );
      const exchange = await openExchange(
        models,
        { method: request.method ?? 'GET', url: request.url ?? '/', headers, body: request },
        { requestId: 'c3a5f3a0-0000-4000-8000-000000000001' },
      );
      let wire: WireResponse;
      try {
        await exchange.authenticate(async (id) => keys[id], { wallMs: wallMs(), clockMs: wallMs() });
        const { service, operation } = exchange;
        if (service === undefined || operation === undefined)
          throw new AwsError('UnknownOperationException', 'no such operation');
        const input = await exchange.decode();
        exchange.validate(input);
        const entry = { service, operation, input, exchange };
        seen.push(entry);
        wire = exchange.encode(await answer(entry));
      } catch (error) {
        const found = isAwsError(error)
          ? error
          : new AwsError('InternalFailure', String((error as Error).stack), { statusCode: 500 });
        wire = exchange.encodeError(found);
      }
      response.writeHead(wire.statusCode, wire.headers);
      if (typeof wire.body === 'string' || wire.body instanceof Uint8Array) response.end(wire.body);
      else wire.body.pipe(response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
