/** A Sluice of the demo's own: a child process, on a free port, that can be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export type SluiceProcessOptions = Readonly<{
  stateDir: string;
  port?: number;
  clock?: string;
  /** Further flags of `sluice start`. */
  extra?: readonly string[];
  log?: (line: string) => void;
}>;

export class SluiceProcess {
  readonly #options: SluiceProcessOptions;
  readonly #log: string[] = [];
  #child: ChildProcess | undefined;
  port = 0;

  constructor(options: SluiceProcessOptions) {
    this.#options = options;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts and waits for the first answer; returns how long that took, real milliseconds. */
  async start(): Promise<number> {
    const startedAt = performance.now();
    if (this.port === 0) this.port = this.#options.port ?? (await freePort());
    const { stateDir, clock = 'manual', extra = [] } = this.#options;
    const child = spawn(
      process.execPath,
      [cliPath(), 'start', '--port', String(this.port), '--state', stateDir, '--clock', clock, ...extra],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_NO_WARNINGS: '1' },
      },
    );
    this.#child = child;
    let ended = false;
    child.on('exit', () => (ended = true));
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => this.#keep(chunk.toString()));
    while (!(await this.#answers())) {
      if (ended) throw new Error(`Sluice ended before it answered:\n${this.#log.slice(-20).join('')}`);
      if (performance.now() - startedAt > 30_000)
        throw new Error(`Sluice did not answer within 30 s:\n${this.#log.slice(-20).join('')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return performance.now() - startedAt;
  }

  /** SIGKILL: no goodbye. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Moves the clock and waits until all that became due is done. */
  async advance(seconds: number): Promise<void> {
    await this.control('POST', 'clock/advance', { by: seconds });
  }

  async now(): Promise<number> {
    return (await this.control<{ epochMs: number }>('GET', 'clock')).epochMs;
  }

  async control<Answer>(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.endpoint}/_sluice/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const answer = (await response.json()) as Answer & { message?: string };
    if (!response.ok) throw new Error(answer.message ?? `the control endpoint answered ${response.status}`);
    return answer;
  }

  /** Leaves the process running when the demo ends. */
  release(): void {
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
    this.#child?.unref();
  }

  /** The last lines that the process printed. */
  tail(): string {
    return this.#log.slice(-40).join('');
  }

  #keep(text: string): void {
    this.#log.push(text);
    if (this.#log.length > 400) this.#log.splice(0, 200);
    this.#options.log?.(text);
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.endpoint}/_sluice/health`)).ok;
    } catch {
      return false;
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await exited;
  }
}

/** From the build and from source alike. */
function cliPath(): string {
  const here = import.meta.url;
  return fileURLToPath(new URL(here.includes('/dist/') ? './cli.js' : '../dist/cli.js', here));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}
