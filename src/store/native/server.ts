/**
 * The native server as our own child: a private unix socket, no TCP, in a session of its own (Ctrl-C in a terminal is
 * Sluice's to answer), with a watchdog that stops it should Sluice be killed.
 *
 * Life of a server:
 *   stale? ── an earlier server is told to stop and waited for; a leftover postmaster.pid of a dead one is removed
 *   start  ── spawned; ready when postmaster.pid says so (its eighth line)
 *   stop   ── SIGINT (fast: clients are cut off, everything is written), then SIGQUIT, then SIGKILL
 *   killed ── Sluice gone: the watchdog's stdin ends, and it sends the SIGINT
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreLog } from '../open.ts';
import { isAlive } from '../process-table.ts';
import type { Binaries } from './binaries.ts';
import { dataOwner, serverUser } from './server-user.ts';

export const SERVER_PORT = 5432;
/** The kernel's limit for a socket's path is 108 bytes on Linux, 104 on macOS. */
const MAX_SOCKET_DIR_BYTES = 80;
const START_DEADLINE_MS = 30_000;

export type NativeServerOptions = Readonly<{
  binaries: Binaries;
  /** `home/data` is the cluster. */
  home: string;
  /** Folders of ours around the data, innermost first, `home` included. */
  ownDirs: readonly string[];
  durable: boolean;
  /** Removed by the watchdog if Sluice is killed (a store that keeps nothing). */
  removeDir?: string;
  wallNow: () => number;
  log?: StoreLog;
  /** In place of our own settings of that name. */
  settings?: Readonly<Record<string, string | number>>;
}>;

export class NativeServer {
  readonly socketDir: string;
  readonly #options: NativeServerOptions;
  readonly #dataDir: string;
  readonly #temporarySocketDir: string | undefined;
  #child: ChildProcess | undefined;
  #watchdog: ChildProcess | undefined;
  #stopping = false;

  constructor(options: NativeServerOptions) {
    this.#options = options;
    this.#dataDir = join(options.home, 'data');
    const near = join(options.home, 'run');
    if (Buffer.byteLength(near) <= MAX_SOCKET_DIR_BYTES) {
      mkdirSync(near, { recursive: true, mode: 0o700 });
      this.socketDir = near;
    } else {
      const base = Buffer.byteLength(tmpdir()) > 60 ? '/tmp' : tmpdir();
      this.#temporarySocketDir = mkdtempSync(join(base, 'sluice-socket-'));
      this.socketDir = this.#temporarySocketDir;
      options.log?.info('the state folder has a long path; the database socket is elsewhere', {
        socketDir: this.socketDir,
      });
    }
    const owner = dataOwner();
    if (owner !== undefined) chownSync(this.socketDir, owner.uid, owner.gid);
    chmodSync(this.socketDir, 0o700);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const deadlineAt = this.#options.wallNow() + START_DEADLINE_MS;
    await this.#endEarlierServer(deadlineAt);
    for (;;) {
      const reason = await this.#tryStart(deadlineAt);
      if (reason === undefined) return;
      // Children of a server that was killed hold its shared memory until they notice.
      const lingers = /pre-existing shared memory|lock file .* already exists|Address already in use/.test(reason);
      if (!lingers || this.#options.wallNow() > deadlineAt) throw new Error(`PostgreSQL did not start: ${reason}`);
      await sleep(50);
    }
  }

  async stop(): Promise<void> {
    // A store that keeps nothing need not write anything on its way out.
    await this.#end(this.#options.durable ? 'SIGINT' : 'SIGQUIT');
    this.#watchdog?.kill('SIGKILL');
    this.#watchdog = undefined;
    if (this.#temporarySocketDir !== undefined) rmSync(this.#temporarySocketDir, { recursive: true, force: true });
  }

  /** A clean stop after which the data folder may be copied, and `start` called again. */
  async stopForCopy(): Promise<void> {
    await this.#end('SIGINT');
    this.#stopping = false;
  }

  async #end(first: NodeJS.Signals): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref(); // Or nothing would keep this process waiting for it.
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    for (const signal of [first, 'SIGQUIT', 'SIGKILL'] as const) {
      child.kill(signal);
      const patience = new AbortController();
      const late = sleep(10_000, 'late', { signal: patience.signal }).catch(() => 'done');
      const outcome = await Promise.race([exited, late]);
      patience.abort();
      if (outcome !== 'late') return;
    }
  }

  /** Undefined when the server answers; otherwise why it does not. */
  async #tryStart(deadlineAt: number): Promise<string | undefined> {
    const { binaries, home, ownDirs } = this.#options;
    const user = serverUser(ownDirs, binaries.postgres);
    const [program = '', ...args] = [...user.prefix, binaries.postgres, ...this.#arguments()];
    if (this.#stopping) return 'it was told to stop'; // A restart that a stop overtook.
    const logPath = join(home, 'server.log');
    const logFile = openSync(logPath, logSize(logPath) > 1_000_000 ? 'w' : 'a', 0o600);
    const logStart = logSize(logPath);
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        cwd: this.#dataDir,
        detached: true,
        stdio: ['ignore', logFile, logFile],
        env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin', PGDATA: this.#dataDir },
        ...(user.prefix.length === 0 ? user.ids : {}),
      });
    } finally {
      closeSync(logFile);
    }
    let failure: Error | undefined;
    child.on('error', (error) => (failure = error));
    child.unref();
    this.#child = child;
    this.#startWatchdog(child.pid);
    while (this.#options.wallNow() < deadlineAt) {
      if (failure !== undefined) return failure.message;
      if (child.exitCode !== null || child.signalCode !== null)
        return readFileSync(logPath).subarray(logStart).toString('utf8').trim().split('\n').slice(-3).join('; ');
      const lines = this.#pidFile();
      if (Number(lines?.[0]) === child.pid && lines?.[7]?.trim() === 'ready') {
        child.once('exit', (code, signal) => this.#onExit(code, signal));
        return undefined;
      }
      await sleep(3);
    }
    child.kill('SIGKILL');
    return `not ready within ${START_DEADLINE_MS / 1000} seconds`;
  }

  #arguments(): string[] {
    const settings: Record<string, string | number> = {
      listen_addresses: '',
      port: SERVER_PORT,
      unix_socket_directories: this.socketDir,
      unix_socket_permissions: '0700',
      // Small: everything together, idle, stays far below 200 MB.
      max_connections: 24,
      shared_buffers: '24MB',
      work_mem: '4MB',
      maintenance_work_mem: '16MB',
      temp_buffers: '1MB',
      wal_buffers: '4MB',
      max_worker_processes: 2,
      max_parallel_workers: 0,
      max_parallel_workers_per_gather: 0,
      autovacuum_max_workers: 1,
      autovacuum_naptime: '15s',
      jit: 'off',
      // One server, no replicas.
      wal_level: 'minimal',
      max_wal_senders: 0,
      max_replication_slots: 0,
      max_logical_replication_workers: 0,
      min_wal_size: '32MB',
      max_wal_size: '256MB',
      checkpoint_timeout: '15min',
      fsync: this.#options.durable ? 'on' : 'off',
      synchronous_commit: this.#options.durable ? 'on' : 'off',
      full_page_writes: this.#options.durable ? 'on' : 'off',
      default_transaction_isolation: 'read committed',
      idle_in_transaction_session_timeout: '10min',
      timezone: 'UTC',
      log_timezone: 'UTC',
      logging_collector: 'off',
      log_checkpoints: 'off',
      // A statement in the log could hold a secret.
      log_min_error_statement: 'panic',
      log_error_verbosity: 'terse',
      log_min_messages: 'error',
      track_activities: 'off',
      deadlock_timeout: '200ms',
      update_process_title: 'off',
    };
    if (this.#options.binaries.major >= 18) settings['io_method'] = 'sync';
    Object.assign(settings, this.#options.settings);
    return ['-D', this.#dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  }

  /** A server of an earlier run, left behind or just stopping: it is told to stop, and its end is waited for. */
  async #endEarlierServer(deadlineAt: number): Promise<void> {
    const pid = Number(this.#pidFile()?.[0]);
    if (!Number.isInteger(pid) || pid <= 1) return;
    if (isAlive(pid) && this.#isOurServer(pid)) {
      this.#options.log?.info('ending the database server that an earlier run left', { pid });
      const startedAt = this.#options.wallNow();
      for (let signal: NodeJS.Signals | undefined = 'SIGINT'; isAlive(pid); await sleep(5)) {
        const waitedMs = this.#options.wallNow() - startedAt;
        if (signal !== undefined) sendSignal(pid, signal);
        signal = undefined;
        if (this.#options.wallNow() > deadlineAt)
          throw new Error(
            `the database server of an earlier run (process ${pid}) does not end; end it and start again`,
          );
        if (waitedMs > 10_000) signal = 'SIGQUIT';
      }
    }
    // We hold the state folder, so a file that is still there names nobody who lives. Left alone, PostgreSQL would take
    // a zombie, or another program that was given the same id since, for a running server.
    rmSync(join(this.#dataDir, 'postmaster.pid'), { force: true });
  }

  #isOurServer(pid: number): boolean {
    if (process.platform !== 'linux') return true;
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(this.#dataDir);
    } catch {
      return false;
    }
  }

  #pidFile(): string[] | undefined {
    try {
      return readFileSync(join(this.#dataDir, 'postmaster.pid'), 'utf8').split('\n');
    } catch {
      return undefined;
    }
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#stopping) return;
    this.#options.log?.error('the database server ended by itself and is started again', { code, signal });
    void this.#restart(0);
  }

  /** Until it works: a disk that was full may be emptied. Waits 0, 1, 2, 4 ... 30 seconds in between. */
  async #restart(failures: number): Promise<void> {
    if (failures > 0) await sleep(Math.min(30_000, 500 * 2 ** failures), undefined, { ref: false });
    if (this.#stopping) return;
    try {
      await this.start();
    } catch (error) {
      this.#options.log?.error('the database server could not be started again', { error: String(error) });
      await this.#restart(failures + 1);
    }
  }

  /**
   * A shell that waits on a pipe which only Sluice holds open. A few hundred kilobytes, and the one way that works on
   * every system to hear of a SIGKILL. It checks that the id is still the server's before it sends anything.
   */
  #startWatchdog(pid: number | undefined): void {
    if (pid === undefined) return;
    this.#watchdog?.kill('SIGKILL');
    const script = `read -r _ || :
      if [ "$(head -n 1 "$1/postmaster.pid" 2>/dev/null)" = "$2" ]; then kill -s "$3" "$2"; fi
      if [ -n "$4" ] || [ -n "$5" ]; then
        n=0; while kill -0 "$2" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
        [ -z "$4" ] || rm -rf "$4"; [ -z "$5" ] || rm -rf "$5"
      fi`;
    const signal = this.#options.durable ? 'INT' : 'QUIT';
    const args = [this.#dataDir, String(pid), signal, this.#options.removeDir ?? '', this.#temporarySocketDir ?? ''];
    const watchdog = spawn('/bin/sh', ['-c', script, 'sluice-watchdog', ...args], {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: '/usr/bin:/bin' },
    });
    watchdog.on('error', () => {});
    watchdog.unref();
    (watchdog.stdin as unknown as { unref(): void }).unref();
    this.#watchdog = watchdog;
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone in between.
  }
}

function logSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
