/**
 * How functions run in this world: in the scheduler's time, one environment for each invocation at a time, as
 * src/runtimes/functions/function-pool.ts runs them in processes. The recipe of an environment is the house's own (its role's
 * session, its code unpacked, its log); what the function does is `functions.ts`'s. A function that says nothing is ended at its
 * timeout; the environment of one that died or was ended is gone.
 */
import type {
  EnvironmentRecipe,
  FunctionRunner,
  Invocation,
  InvocationHooks,
  InvocationOutcome,
  Runtime,
} from '../../src/runtimes/index.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Answered, Functions } from './functions.ts';

export type RunnerOptions = Readonly<{
  /** Of Sluice. */
  process: string;
  scheduler: Scheduler;
  functions: () => Functions;
  /** Real files are about to be written; call what it returns when that is over. */
  filesMove: () => () => void;
}>;

/** A machine on which functions run and no other program: this world has no builds. */
export function runtimeOfFunctions(options: RunnerOptions): Runtime {
  return {
    start: ({ label }) => Promise.reject(Object.assign(new Error(`nothing runs here: ${label}`), { code: 'ENOENT' })),
    endOrphans: () => Promise.resolve([]),
    close: () => Promise.resolve(),
    openFunctions: <Recipe extends EnvironmentRecipe>() => new SimulatedRunner<Recipe>(options),
  };
}

type Environment<Recipe> = { readonly key: string; readonly recipe: Recipe; busy: boolean; retired: boolean };

class SimulatedRunner<Recipe extends EnvironmentRecipe> implements FunctionRunner<Recipe> {
  readonly #options: RunnerOptions;
  #environments: Environment<Recipe>[] = [];
  /** Recipes are made one at a time: two that write files together would end in an order of the machine's. */
  #making: Promise<unknown> = Promise.resolve();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  async invoke(
    key: string,
    invocation: Invocation,
    makeRecipe: () => Promise<Recipe>,
    hooks: InvocationHooks<Recipe>,
  ): Promise<Readonly<{ outcome: InvocationOutcome; closing: Promise<void> }>> {
    const { scheduler, functions } = this.#options;
    const warm = this.#environments.find((each) => each.key === key && !each.busy && each.recipe.fresh());
    const environment = warm ?? { key, recipe: await this.#make(makeRecipe), busy: true, retired: false };
    environment.busy = true;
    if (warm === undefined) this.#environments.push(environment);
    hooks.taken(environment.recipe);
    invocation.onDelivered?.();
    const startedAt = scheduler.now();
    const answered = await this.#timed(invocation, (over) =>
      functions().handle(invocation, environment.recipe.process.env, over),
    );
    const outcome: InvocationOutcome = {
      ...answered,
      durationMs: scheduler.now() - startedAt,
      ...(warm === undefined && { initMs: 100 }),
      maxMemoryMb: 64,
    };
    // It reads what is in the pipe, turn by turn of the machine's.
    const release = scheduler.hold();
    const closing = hooks.answered(environment.recipe, outcome).finally(() => {
      release();
      environment.busy = false;
      if (environment.retired || answered.ended === true) this.#end(environment);
    });
    return { outcome, closing };
  }

  retire(matches: (key: string) => boolean): void {
    for (const environment of this.#environments) {
      if (!matches(environment.key)) continue;
      environment.retired = true;
      if (!environment.busy) this.#end(environment);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #make(makeRecipe: () => Promise<Recipe>): Promise<Recipe> {
    const make = async (): Promise<Recipe> => {
      const moved = this.#options.filesMove();
      return makeRecipe().finally(moved);
    };
    const made = this.#making.then(make, make);
    this.#making = made;
    return made;
  }

  /** What it answers, or what the platform finds when its time is up. */
  #timed({ requestId, timeoutMs }: Invocation, handle: (over: () => boolean) => Promise<Answered>): Promise<Answered> {
    const { process, scheduler } = this.#options;
    return new Promise((resolve) => {
      let over = false;
      const settle = (answered: Answered): void => {
        over = true;
        cancel();
        resolve(answered);
      };
      const cancel = scheduler.offer({
        process,
        label: 'a function times out',
        afterMs: timeoutMs,
        run: () => {
          const platformMessage = `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
          settle(ended('Sandbox.Timedout', platformMessage, requestId));
        },
      });
      void handle(() => over).then((answered) => {
        // It goes through a pipe, at whose end its Sluice may be dead.
        scheduler.offer({ process, label: 'a function answers', run: () => (over ? undefined : settle(answered)) });
      });
    });
  }

  #end(environment: Environment<Recipe>): void {
    this.#environments = this.#environments.filter((other) => other !== environment);
    environment.recipe.onEnded?.();
  }
}

export function ended(errorType: string, platformMessage: string, requestId: string): Answered {
  const errorMessage = `RequestId: ${requestId} Error: ${platformMessage}`;
  const payload = Buffer.from(JSON.stringify({ errorType, errorMessage }));
  return { payload, failed: true, errorType, platformMessage, ended: true };
}
