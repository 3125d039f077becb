/**
 * Runs programs for builds, hooks and functions. A process lives in the machine's time, not the clock's: `timeoutMs`
 * here is real time, whatever the clock mode (docs/adr: processes run in real time).
 */
import type { EnvironmentRecipe, FunctionRunner } from './functions/function-pool.ts';

export type ProcessSpec = Readonly<{
  /** Program and arguments; no shell is added. */
  command: readonly [string, ...string[]];
  cwd: string;
  /** The whole environment: nothing of Sluice's own leaks in. */
  env: Readonly<Record<string, string>>;
  /** Real milliseconds until the whole process group is killed. Absent: none. */
  timeoutMs?: number;
  /** Called with each piece of output as it comes. Backpressure is applied while the returned promise is pending. */
  onOutput?(stream: 'stdout' | 'stderr', chunk: Uint8Array): void | Promise<void>;
  /** What this process is for (`codebuild:arn...`): written to the process ledger so that a restart can account for it. */
  label: string;
  stdin?: 'none' | 'pipe';
  /**
   * What becomes of processes that the program left behind when it ended by itself. `End` (the default): they are killed
   * before `exited` resolves. `Keep`: they live on, their output still comes, until `kill()` or `close()`; for a build
   * whose one command starts a server in the background that a later command talks to.
   */
  leftBehind?: 'End' | 'Keep';
}>;

export type ProcessExit = Readonly<{
  /** Null when a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  /** Why Sluice ended it, if it did. */
  endedBy?: 'Timeout' | 'Killed';
}>;

export interface ProcessHandle {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  /**
   * Ends the whole tree, those that moved to another group or session included: SIGTERM, then SIGKILL after `graceMs`
   * (default 2000; 0: SIGKILL at once). Resolves when all are gone. Calling it again, or late, is harmless.
   */
  kill(graceMs?: number): Promise<void>;
  /** With `stdin: 'pipe'`: resolves when the program's side has room for more. What a dead program no longer reads is dropped. */
  write?(chunk: Uint8Array): Promise<void>;
  /** With `stdin: 'pipe'`: the end of its input. */
  endInput?(): void;
}

export interface Runtime {
  /** How functions run here, where it is not as programs that this runtime starts. */
  openFunctions?<Recipe extends EnvironmentRecipe>(): FunctionRunner<Recipe>;
  /** Rejects when the program cannot be started (`code` is `ENOENT` when it, or `cwd`, is not there; `EACCES`: not executable). */
  start(spec: ProcessSpec): Promise<ProcessHandle>;
  /** Ends every process of an earlier run of Sluice that the ledger names and that still lives; returns their labels. */
  endOrphans(): Promise<readonly string[]>;
  /** Ends all that this runtime started. */
  close(): Promise<void>;
}
