/**
 * `sluice/testing`: a Sluice in your test's process, on a free port, with a clock of its own.
 *
 *   const sluice = await startSluice();
 *   const s3 = new S3Client({ ...sluice.clientConfig(), forcePathStyle: true });
 *   await sluice.clock.advance('PT5M');
 *   await sluice.close();
 *
 * Nothing is kept, and nothing is left behind: no port, no process, no folder.
 */
import { AwsError, parseDurationMs, type Principal } from '../common/index.ts';
import type { House } from '../services/index.ts';
import { compileOptions, type ServerOptions } from './config.ts';
import type { OpenHouse } from './open-house.ts';
import { startServer } from './server.ts';
import { jsonLog, silentLog } from './log.ts';

export type ClientConfig = Readonly<{
  endpoint: string;
  region: string;
  credentials: Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;
}>;

export interface TestClock {
  now(): number;
  /** Moves the clock by seconds or an ISO 8601 duration; resolves when all that became due on the way is done. */
  advance(by: number | string): Promise<void>;
}

export interface TestSluice {
  readonly url: string;
  readonly port: number;
  readonly account: string;
  readonly region: string;
  readonly clock: TestClock;
  /** For `new S3Client(sluice.clientConfig())`: the root of the first account, or the credentials given. */
  clientConfig(options?: Readonly<{ credentials?: ClientConfig['credentials']; region?: string }>): ClientConfig;
  /** Resolves when nothing is due now and nothing is being performed. */
  settled(): Promise<void>;
  /** For tests of Sluice itself: the house from inside. */
  readonly house: House;
  readonly open: OpenHouse;
  close(): Promise<void>;
}

/** `clock` is `manual` unless said; state is kept only where `stateDir` is given. */
export async function startSluice(options: ServerOptions = {}): Promise<TestSluice> {
  const config = compileOptions(
    { clock: 'manual', port: 0, remotes: [], ephemeral: options.stateDir === undefined, log: 'silent', ...options },
    {},
  );
  const server = await startServer(config, config.log === 'silent' ? silentLog : jsonLog(config.log));
  return {
    url: server.url,
    port: server.port,
    account: config.account,
    region: config.region,
    clock: {
      now: () => server.open.house.clock.now(),
      advance: async (by) => {
        const ms = parseDurationMs(String(by));
        if (ms === undefined)
          throw new AwsError('ValidationException', `${by}: expected seconds or an ISO 8601 duration such as PT5M`);
        if (server.open.advance === undefined) throw new Error('only a manual clock can be advanced');
        await server.open.advance(ms);
      },
    },
    clientConfig: ({ credentials, region } = {}) => ({
      endpoint: server.url,
      region: region ?? config.region,
      credentials: credentials ?? { accessKeyId: 'test', secretAccessKey: 'test' },
    }),
    settled: () => server.open.engine.settled(),
    get house() {
      return server.open.house;
    },
    get open() {
      return server.open;
    },
    close: () => server.close(),
  };
}

export type { Principal, ServerOptions };
