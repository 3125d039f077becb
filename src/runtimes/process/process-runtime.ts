/**
 * The process runtime: programs as plain child processes of Sluice, each the leader of its own session and process
 * group, with an environment that holds nothing of Sluice's own. For people's own machines, where no container engine
 * is needed; it separates, it does not confine: a program may do what the user who runs Sluice may do.
 *
 * Works on Linux and macOS.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import type { ProcessExit, ProcessHandle, ProcessSpec, Runtime } from '../runtime.ts';
import { Ledger, type LedgerEntry } from './ledger.ts';
import { bootId, MARKER_VARIABLE, processTable, startOf, treeOf } from './process-table.ts';

export type RuntimeLog = Readonly<{
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}>;

const DEFAULT_GRACE_MS = 2_000;
/** Silence after which the output of an ended program counts as complete while what it left behind holds the pipe. */
const QUIET_MS = 100;
/** And when those never fall silent: what the program itself wrote lay in the pipe when it ended, and is read by then. */
const QUIET_ROUNDS = 3;
/** The same when the whole tree is dead, and only a stranger to it can hold the pipe. */
const STRANGER_QUIET_MS = 1_000;
const KILL_ROUNDS = 200;

/** `ledgerDir` belongs to this runtime alone (the lock on the state folder sees to that). */
export function openProcessRuntime(options: Readonly<{ ledgerDir: string; log: RuntimeLog }>): Runtime {
  const ledger = new Ledger(options.ledgerDir);
  const boot = bootId();
  const living = new Set<RunningProcess>();
  const ids = new Set<string>();
  let closed = false;

  async function start(spec: ProcessSpec): Promise<ProcessHandle> {
    if (closed) throw new Error('the process runtime is closed');
    const id = randomBytes(12).toString('hex');
    const entry: LedgerEntry = { id, label: spec.label, bootId: boot };
    ids.add(id);
    let child: ChildProcess;
    try {
      await ledger.write(entry);
      child = await spawned(spec, id);
    } catch (error) {
      ids.delete(id);
      await ledger.remove(id);
      throw error;
    }
    const recorded = startOf(child.pid ?? -1).then((startedAt) =>
      ledger.write({ ...entry, pid: child.pid, startedAt }),
    );
    const settled = recorded.catch(() => {});
    const acknowledged = settled.then(() => immediate());
    const running = new RunningProcess(child, spec, id, options.log, acknowledged, async () => {
      await settled; // never removed before it is written
      await ledger.remove(id);
      ids.delete(id);
      living.delete(running);
    });
    living.add(running);
    try {
      await recorded;
    } catch (error) {
      await running.kill(0);
      throw error;
    }
    return running;
  }

  async function endOrphans(): Promise<readonly string[]> {
    const labels: string[] = [];
    for (const entry of await ledger.entries()) {
      if (ids.has(entry.id)) continue;
      if (entry.bootId === boot && (await endTree(() => orphanTree(entry), DEFAULT_GRACE_MS, options.log))) {
        labels.push(entry.label);
      }
      await ledger.remove(entry.id);
    }
    return labels;
  }

  async function close(): Promise<void> {
    closed = true;
    await Promise.all([...living].map((running) => running.kill()));
  }

  return { start, endOrphans, close };
}

class RunningProcess implements ProcessHandle {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  readonly write?: (chunk: Uint8Array) => Promise<void>;
  readonly endInput?: () => void;
  readonly #child: ChildProcess;
  readonly #id: string;
  readonly #log: RuntimeLog;
  readonly #onGone: () => Promise<void>;
  readonly #leaderExited: Promise<Readonly<{ exitCode: number | null; signal: string | null }>>;
  readonly #pumps: readonly OutputPump[];
  #leaderLives = true;
  #gone: Promise<void> | undefined;
  #endedBy: 'Timeout' | 'Killed' | undefined;

  /** No output is delivered before `acknowledged`, so that its reader may already use the handle. */
  constructor(
    child: ChildProcess,
    spec: ProcessSpec,
    id: string,
    log: RuntimeLog,
    acknowledged: Promise<unknown>,
    onGone: () => Promise<void>,
  ) {
    this.#child = child;
    this.pid = child.pid ?? -1;
    this.#id = id;
    this.#log = log;
    this.#onGone = onGone;
    this.#leaderExited = new Promise((resolve) => {
      child.once('exit', (exitCode, signal) => {
        this.#leaderLives = false;
        resolve({ exitCode, signal });
      });
    });
    this.#pumps = (['stdout', 'stderr'] as const).flatMap((name) => {
      const stream = child[name];
      const { onOutput } = spec;
      return stream === null || onOutput === undefined
        ? []
        : [new OutputPump(stream, (chunk) => onOutput(name, chunk), acknowledged, log)];
    });
    const { stdin } = child;
    if (stdin !== null) {
      stdin.on('error', () => {}); // EPIPE: it no longer reads
      this.write = (chunk) =>
        new Promise((resolve) => {
          if (stdin.destroyed || stdin.writableEnded) resolve();
          else stdin.write(chunk, () => resolve());
        });
      this.endInput = () => void stdin.end();
    }
    const timer =
      spec.timeoutMs === undefined
        ? undefined
        : setTimeout(() => void this.#end('Timeout', DEFAULT_GRACE_MS), spec.timeoutMs);
    this.exited = this.#run(spec.leftBehind ?? 'End', timer);
  }

  async kill(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    await this.#end('Killed', graceMs);
  }

  async #run(leftBehind: 'End' | 'Keep', timer: NodeJS.Timeout | undefined): Promise<ProcessExit> {
    const exit = await this.#leaderExited;
    clearTimeout(timer);
    if (leftBehind === 'End' || this.#endedBy !== undefined) {
      // Killed or timed out: what remains of the grace is for the rest of the tree, and #end sees to it.
      if (this.#endedBy === undefined) await endTree(() => this.#tree(), 0, this.#log);
      else await this.#ending;
      await Promise.all(this.#pumps.map((pump) => pump.finish()));
      await this.#settleGone();
    } else {
      await Promise.all(this.#pumps.map((pump) => pump.quiet(QUIET_MS, QUIET_ROUNDS)));
      if ((await this.#tree()).length === 0) await this.#settleGone();
    }
    return { ...exit, ...(this.#endedBy === undefined ? {} : { endedBy: this.#endedBy }) };
  }

  #ending: Promise<void> | undefined;

  async #end(by: 'Timeout' | 'Killed', graceMs: number): Promise<void> {
    if (this.#gone !== undefined) return this.#gone;
    if (this.#leaderLives) this.#endedBy ??= by;
    const ending = endTree(() => this.#tree(), graceMs, this.#log).then(() => {});
    this.#ending ??= ending;
    await ending;
    await this.#leaderExited;
    await Promise.all(this.#pumps.map((pump) => pump.finish()));
    await this.#settleGone();
  }

  async #tree(): Promise<number[]> {
    return treeOf(await processTable(), { pid: this.pid, marker: this.#id, leaderLives: this.#leaderLives });
  }

  #settleGone(): Promise<void> {
    this.#child.stdin?.destroy();
    this.#gone ??= this.#onGone();
    return this.#gone;
  }
}

/**
 * Carries output to a callback, one piece at a time: while the callback's promise is pending nothing more is read, the
 * pipe fills, and the program waits. At most one piece (64 KiB) is held.
 */
class OutputPump {
  readonly #stream: Readable;
  readonly #done: Promise<void>;
  #pieces = 0;
  #delivering = false;
  #ended = false;

  constructor(
    stream: Readable,
    deliver: (chunk: Uint8Array) => void | Promise<void>,
    begin: Promise<unknown>,
    log: RuntimeLog,
  ) {
    this.#stream = stream;
    // Reading begins at once: Node throws away what nobody reads by the time the program exits.
    this.#done = this.#carry(deliver, begin, log);
  }

  /** The end of the stream; cut off when nothing comes any more though someone still holds the pipe. */
  async finish(): Promise<void> {
    await this.quiet(STRANGER_QUIET_MS);
    this.#stream.destroy();
    await this.#done;
  }

  /** Resolves when all that was written so far has been delivered: at the end, or after `quietMs` without a piece. */
  async quiet(quietMs: number, rounds = Infinity): Promise<void> {
    let idleRounds = 0;
    for (let seen = -1; !this.#ended && (this.#delivering || (seen !== this.#pieces && idleRounds < rounds));) {
      if (!this.#delivering) idleRounds += 1;
      seen = this.#pieces;
      await Promise.race([this.#done, delay(quietMs)]);
      // On a busy machine the timer may be late and come before what the pipe already holds: look there first.
      for (let turn = 0; turn < 2 && !this.#ended; turn++) await immediate();
    }
  }

  async #carry(
    deliver: (chunk: Uint8Array) => void | Promise<void>,
    begin: Promise<unknown>,
    log: RuntimeLog,
  ): Promise<void> {
    let failed = false;
    try {
      for await (const chunk of this.#stream as AsyncIterable<Uint8Array>) {
        this.#pieces += 1;
        if (failed) continue; // still drained, so that the program does not stall
        this.#delivering = true;
        try {
          await begin;
          await deliver(chunk);
        } catch (error) {
          failed = true;
          log.error('output of a process could not be delivered', { error: String(error) });
        }
        this.#delivering = false;
      }
    } catch {
      // Destroyed by `finish`, or the pipe broke: either way there is no more.
    }
    this.#ended = true;
  }
}

async function spawned(spec: ProcessSpec, id: string): Promise<ChildProcess> {
  const [program, ...args] = spec.command;
  const output = spec.onOutput === undefined ? 'ignore' : 'pipe';
  const child = spawn(program, args, {
    cwd: spec.cwd,
    env: { ...spec.env, [MARKER_VARIABLE]: id },
    detached: true, // setsid: leader of its own session and group
    stdio: [spec.stdin === 'pipe' ? 'pipe' : 'ignore', output, output],
  });
  if (child.pid === undefined) {
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once('error', resolve));
    if (error.code === 'ENOENT' && !(await isFolder(spec.cwd))) error.message = `no such folder: ${spec.cwd}`;
    throw error;
  }
  child.on('error', () => {}); // a signal that could not be sent: the tree is looked at anyway
  return child;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function orphanTree(entry: LedgerEntry): Promise<number[]> {
  const table = await processTable();
  const leader = table.find((row) => row.pid === entry.pid);
  const leaderLives =
    leader !== undefined &&
    leader.startedAt === entry.startedAt &&
    // Where the environment can be read, it must agree.
    (leader.marker() === undefined || leader.marker() === entry.id);
  return treeOf(table, { pid: entry.pid, marker: entry.id, leaderLives });
}

/** SIGTERM, then SIGKILL after `graceMs`, until the tree is empty. True if there was anything to end. */
async function endTree(tree: () => Promise<number[]>, graceMs: number, log: RuntimeLog): Promise<boolean> {
  let pids = await tree();
  if (pids.length === 0) return false;
  if (graceMs > 0) {
    const deadline = performance.now() + graceMs;
    signal(pids, 'SIGTERM');
    signal(pids, 'SIGCONT'); // a stopped process would not see it
    for (let pauseMs = 5; pids.length > 0 && performance.now() < deadline; pauseMs = Math.min(pauseMs * 2, 50)) {
      await delay(Math.min(pauseMs, Math.max(1, deadline - performance.now())));
      pids = await tree();
    }
  }
  for (let round = 0; pids.length > 0; round++) {
    if (round === KILL_ROUNDS) {
      log.error('processes do not end', { pids });
      break;
    }
    signal(pids, 'SIGKILL');
    await delay(Math.min(1 + round, 20));
    pids = await tree();
  }
  return true;
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // ESRCH: gone meanwhile. EPERM: not ours to end (set-user-id); reported when it does not go.
    }
  }
}
