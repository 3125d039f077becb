/**
 * The servers under torture: real processes of the build, each on a port of its own for the whole run, killed and started
 * again. None of them outlives the driver: a shell that waits on a pipe kills what is left when the driver is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type StoreName = 'pglite' | 'native' | 'url';

export type FleetOptions = Readonly<{
  store: StoreName;
  processes: number;
  /** Times the machine's speed. */
  factor: number;
  folder: string;
  databaseUrl: string | undefined;
}>;

export class Server {
  readonly index: number;
  readonly port: number;
  readonly logFile: string;
  readonly #options: FleetOptions;
  readonly #reaper: Reaper;
  #child: ChildProcess | undefined;
  startedAt = 0;

  constructor(index: number, port: number, options: FleetOptions, reaper: Reaper) {
    this.index = index;
    this.port = port;
    this.#options = options;
    this.#reaper = reaper;
    this.logFile = join(options.folder, `server-${index}.log`);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get lives(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  spawn(crashAt?: string): void {
    const { folder, store, factor, databaseUrl } = this.#options;
    const log = openSync(this.logFile, 'a');
    const args = ['start', '--port', String(this.port), '--clock', `x${factor}`];
    args.push('--state', join(folder, `state-${this.index}`), '--shared', join(folder, 'shared'));
    if (store !== 'url') args.push('--store', store);
    const { SLUICE_DATABASE_URL: _url, SLUICE_CRASH_AT: _crash, ...environment } = process.env;
    const child = spawn(process.execPath, [cliPath(), ...args], {
      stdio: ['ignore', log, log],
      env: {
        ...environment,
        NODE_NO_WARNINGS: '1',
        ...(databaseUrl !== undefined && { SLUICE_DATABASE_URL: databaseUrl }),
        ...(crashAt !== undefined && { SLUICE_CRASH_AT: crashAt }),
      },
    });
    closeSync(log);
    this.startedAt = performance.now();
    this.#child = child;
    if (child.pid !== undefined) this.#reaper.mind(child.pid);
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.lives) this.#child?.kill('SIGKILL');
    await this.gone();
  }

  async stop(): Promise<void> {
    if (this.lives) this.#child?.kill('SIGTERM');
    await this.gone();
  }

  gone(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.lives) return Promise.resolve();
    return new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /** True once it answers; false when it ended before. */
  async answers(deadlineMs: number): Promise<boolean> {
    const deadline = performance.now() + deadlineMs;
    while (this.lives) {
      try {
        if ((await fetch(`${this.url}/_sluice/health`, { signal: AbortSignal.timeout(2_000) })).ok) return true;
      } catch {
        // Not yet.
      }
      if (performance.now() > deadline) throw new Error(`server ${this.index} did not answer within ${deadlineMs} ms`);
      await pause(10);
    }
    return false;
  }
}

export class Fleet {
  readonly servers: readonly Server[];
  readonly #reaper: Reaper;

  private constructor(servers: readonly Server[], reaper: Reaper) {
    this.servers = servers;
    this.#reaper = reaper;
  }

  static async make(options: FleetOptions): Promise<Fleet> {
    if (!existsSync(cliPath())) throw new Error('dist/ is not there: npm run build');
    const reaper = new Reaper();
    const ports = await freePorts(options.processes);
    return new Fleet(
      ports.map((port, index) => new Server(index, port, options, reaper)),
      reaper,
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
    this.#reaper.close();
  }
}

/** Kills what it was told of when this process is gone, and when it is closed. */
class Reaper {
  readonly #child: ChildProcess;

  constructor() {
    const script =
      'pids=; while read -r pid; do pids="$pids $pid"; done; for pid in $pids; do kill -9 "$pid"; done 2>/dev/null';
    this.#child = spawn('/bin/sh', ['-c', script, 'torture-reaper'], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#child.stdin?.on('error', () => {});
    this.#child.unref();
    (this.#child.stdin as unknown as { unref(): void }).unref();
  }

  mind(pid: number): void {
    this.#child.stdin?.write(`${pid}\n`);
  }

  /** All of ours have ended: their ids may be another's by now. */
  close(): void {
    this.#child.kill('SIGKILL');
  }
}

/** From the build and from source alike. */
function cliPath(): string {
  const here = import.meta.url;
  return fileURLToPath(new URL(here.includes('/dist/') ? './cli.js' : '../../dist/cli.js', here));
}

async function freePorts(count: number): Promise<number[]> {
  const open = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = open.map((server) => (server.address() as { port: number }).port);
  await Promise.all(open.map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))));
  return ports;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
