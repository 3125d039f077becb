/**
 * The function pool: execution environments, one for each invocation that runs at the same time, kept warm for the
 * next and ended when they idle, when their function changed, or when their credentials run out.
 *
 * It knows functions only as a key and a recipe: two invocations with the same key may share an environment.
 * Environments live in the machine's time, whatever the clock mode (docs/adr/0005).
 */
import type { Runtime } from '../runtime.ts';
import {
  ExecutionEnvironment,
  fault,
  type FunctionProcess,
  type Invocation,
  type InvocationOutcome,
} from './execution-environment.ts';

export type EnvironmentRecipe = Readonly<{
  process: FunctionProcess;
  /** Takes the function's output. The function is held back while the promise is pending. */
  output: (chunk: Uint8Array) => void | Promise<void>;
  /** False when it must not take another invocation (its credentials run out). */
  fresh: () => boolean;
  onEnded?: () => void;
}>;

export type PoolOptions = Readonly<{
  runtime: Runtime;
  wallNow: () => number;
  /** Real milliseconds that an environment waits for work before it is ended. Default: five minutes. */
  idleMs?: number;
  /** Processes at one time; invocations beyond it wait for one to come free. Default: 64, to spare the machine. */
  maxEnvironments?: number;
}>;

/** Runs invocations of functions. The pool of processes is one; a simulation gives another (`Runtime.openFunctions`). */
export interface FunctionRunner<Recipe extends EnvironmentRecipe = EnvironmentRecipe> {
  /**
   * Runs one invocation in a warm environment of `key`, or in a new one made by `makeRecipe`. Resolves with an outcome
   * whatever the function does; rejects only when `makeRecipe` rejects or the runner is closed.
   * `taken` is called with the recipe of the environment before the invocation starts; `answered` with its outcome. The
   * environment takes no other invocation before the promise of `answered` (`closing` of the result) is settled.
   */
  invoke(
    key: string,
    invocation: Invocation,
    makeRecipe: () => Promise<Recipe>,
    hooks: InvocationHooks<Recipe>,
  ): Promise<Readonly<{ outcome: InvocationOutcome; closing: Promise<void> }>>;
  /** Ends idle environments whose key `matches` and keeps busy ones from taking another invocation. */
  retire(matches: (key: string) => boolean): void;
  close(): Promise<void>;
}

export type InvocationHooks<Recipe> = Readonly<{
  taken: (recipe: Recipe) => void;
  answered: (recipe: Recipe, outcome: InvocationOutcome) => Promise<void>;
}>;

type Slot<Recipe> = {
  readonly key: string;
  readonly environment: ExecutionEnvironment;
  readonly recipe: Recipe;
  closing: Promise<void>;
  state: 'Busy' | 'Answered' | 'Idle';
  retired: boolean;
  idleSince: number;
};

const DEFAULT_IDLE_MS = 5 * 60_000;
const DEFAULT_MAX = 64;
/** How long an invocation waits for an environment that has answered to ask for work, before another is started. */
const HANDOVER_MS = 100;

export class FunctionPool<Recipe extends EnvironmentRecipe = EnvironmentRecipe> implements FunctionRunner<Recipe> {
  readonly #options: PoolOptions;
  readonly #slots = new Set<Slot<Recipe>>();
  readonly #ending = new Set<Promise<void>>();
  #starting = 0;
  #queue: (() => void)[] = [];
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async invoke(
    key: string,
    invocation: Invocation,
    makeRecipe: () => Promise<Recipe>,
    hooks: InvocationHooks<Recipe>,
  ): Promise<Readonly<{ outcome: InvocationOutcome; closing: Promise<void> }>> {
    const slot = await this.#acquire(key, invocation, makeRecipe);
    hooks.taken(slot.recipe);
    if (!('environment' in slot)) return { outcome: slot.outcome, closing: hooks.answered(slot.recipe, slot.outcome) };
    const outcome = await slot.environment.invoke(invocation);
    slot.state = 'Answered';
    slot.closing = hooks.answered(slot.recipe, outcome);
    void slot.closing.catch(() => {}).then(() => slot.state === 'Answered' && this.#release(slot));
    return { outcome, closing: slot.closing };
  }

  retire(matches: (key: string) => boolean): void {
    for (const slot of this.#slots) {
      if (!matches(slot.key)) continue;
      slot.retired = true;
      if (slot.state !== 'Busy') this.#end(slot);
    }
  }

  /** How many processes there are, and how many of them run an invocation. */
  count(): Readonly<{ all: number; busy: number }> {
    const busy = [...this.#slots].filter((slot) => slot.state === 'Busy').length;
    return { all: this.#slots.size, busy };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#sweeper);
    for (const slot of this.#slots) this.#end(slot);
    for (const wake of this.#queue.splice(0)) wake();
    await Promise.all(this.#ending);
  }

  async #acquire(
    key: string,
    invocation: Invocation,
    recipe: () => Promise<Recipe>,
  ): Promise<Slot<Recipe> | Readonly<{ outcome: InvocationOutcome; recipe: Recipe }>> {
    for (;;) {
      if (this.#closed) throw new Error('the function pool is closed');
      const warm = this.#takeIdle(key) ?? (await this.#takeAnswered(key));
      if (warm !== undefined) return warm;
      if (this.#hasRoom()) return this.#start(key, invocation, await this.#reserve(recipe));
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
  }

  #takeIdle(key: string): Slot<Recipe> | undefined {
    // The one used last first: the rest can idle out.
    let best: Slot<Recipe> | undefined;
    for (const slot of this.#slots) {
      if (slot.key !== key || slot.state !== 'Idle') continue;
      if (!slot.environment.ready || !slot.recipe.fresh()) this.#end(slot);
      else if (best === undefined || slot.idleSince > best.idleSince) best = slot;
    }
    if (best !== undefined) best.state = 'Busy';
    return best;
  }

  /** An environment that has just answered is about to ask for work: far quicker than a new process. */
  async #takeAnswered(key: string): Promise<Slot<Recipe> | undefined> {
    for (const slot of this.#slots) {
      if (slot.key !== key || slot.state !== 'Answered' || slot.retired || !slot.recipe.fresh()) continue;
      slot.state = 'Busy';
      await slot.closing.catch(() => {});
      if (await slot.environment.whenReady(HANDOVER_MS)) return slot;
      this.#release(slot);
    }
    return undefined;
  }

  #hasRoom(): boolean {
    const max = this.#options.maxEnvironments ?? DEFAULT_MAX;
    if (this.#slots.size + this.#starting < max) return true;
    let oldest: Slot<Recipe> | undefined;
    for (const slot of this.#slots)
      if (slot.state === 'Idle' && (oldest === undefined || slot.idleSince < oldest.idleSince)) oldest = slot;
    if (oldest === undefined) return false;
    this.#end(oldest);
    return true;
  }

  async #reserve(recipe: () => Promise<Recipe>): Promise<Recipe> {
    this.#starting += 1;
    try {
      return await recipe();
    } catch (error) {
      this.#starting -= 1;
      this.#wakeQueue();
      throw error;
    }
  }

  async #start(
    key: string,
    invocation: Invocation,
    recipe: Recipe,
  ): Promise<Slot<Recipe> | Readonly<{ outcome: InvocationOutcome; recipe: Recipe }>> {
    let slot: Slot<Recipe> | undefined;
    try {
      const environment = await ExecutionEnvironment.start({
        runtime: this.#options.runtime,
        wallNow: this.#options.wallNow,
        process: recipe.process,
        onOutput: recipe.output,
        onEnded: () => {
          if (slot !== undefined) this.#slots.delete(slot);
          recipe.onEnded?.();
          this.#wakeQueue();
        },
      });
      slot = {
        key,
        environment,
        recipe,
        closing: Promise.resolve(),
        state: 'Busy',
        retired: this.#closed,
        idleSince: 0,
      };
      this.#slots.add(slot);
      return slot;
    } catch (error) {
      recipe.onEnded?.();
      return { recipe, outcome: { ...notStartable(recipe, invocation, error), durationMs: 0, maxMemoryMb: 0 } };
    } finally {
      this.#starting -= 1;
    }
  }

  #release(slot: Slot<Recipe>): void {
    if (slot.environment.ended || slot.retired) this.#end(slot);
    else {
      slot.state = slot.environment.ready ? 'Idle' : 'Answered';
      slot.idleSince = performance.now();
      if (slot.state === 'Answered') {
        const limitMs = this.#options.idleMs ?? DEFAULT_IDLE_MS;
        void slot.environment.whenReady(limitMs).then((ready) => {
          if (slot.state !== 'Answered') return;
          if (ready) slot.state = 'Idle';
          else this.#end(slot);
        });
      }
      this.#sweepLater();
    }
    this.#wakeQueue();
  }

  #end(slot: Slot<Recipe>): void {
    this.#slots.delete(slot);
    const ending = slot.environment.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #wakeQueue(): void {
    this.#queue.shift()?.();
  }

  #sweepLater(): void {
    if (this.#sweeper !== undefined || this.#closed) return;
    const idleMs = this.#options.idleMs ?? DEFAULT_IDLE_MS;
    this.#sweeper = setTimeout(
      () => {
        this.#sweeper = undefined;
        for (const slot of this.#slots)
          if (slot.state === 'Idle' && performance.now() - slot.idleSince >= idleMs) this.#end(slot);
        if (this.#slots.size > 0) this.#sweepLater();
      },
      Math.min(idleMs, 30_000),
    );
    this.#sweeper.unref();
  }
}

function notStartable(
  recipe: EnvironmentRecipe,
  { requestId }: Invocation,
  error: unknown,
): Pick<InvocationOutcome, 'payload' | 'failed' | 'errorType' | 'platformMessage'> {
  const [program] = recipe.process.command;
  const code = (error as NodeJS.ErrnoException).code;
  const errorType = 'Runtime.InvalidEntrypoint';
  const message =
    code === 'ENOENT' && program.endsWith('/bootstrap')
      ? `Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]`
      : `fork/exec ${program}: ${EXEC_WORDS[code ?? ''] ?? String((error as Error).message)}`;
  return { ...fault(errorType, `RequestId: ${requestId} Error: ${message}`), errorType, platformMessage: message };
}

const EXEC_WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ENOENT: 'no such file or directory',
  ENOEXEC: 'exec format error',
};
