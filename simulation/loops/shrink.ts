/**
 * Makes a failure small: leaves out kinds of faults and acts, then single ones, as long as the same invariant still breaks.
 * Greedy, by halves, and bounded: a failure that is nearly as small as it can be, soon, helps more than the smallest.
 */
import { type Outcome, runWorld, type WorldOptions } from './world.ts';

export type Shrunk = Readonly<{ options: WorldOptions; outcome: Outcome; runs: number }>;

/** `run`: of the world that failed. `mostSteps`: of all the runs that this takes. */
export async function shrink(
  options: WorldOptions,
  failed: Outcome,
  run: (options: WorldOptions) => Promise<Outcome> = runWorld,
  mostSteps = 150_000,
): Promise<Shrunk> {
  const invariant = failed.violation?.invariant;
  let best: Shrunk = { options, outcome: failed, runs: 0 };
  let steps = 0;
  const attempt = async (next: WorldOptions): Promise<boolean> => {
    if (steps > mostSteps) return false;
    const outcome = await run(next);
    steps += outcome.steps;
    const runs = best.runs + 1;
    const smaller = outcome.violation?.invariant === invariant && outcome.done.length < best.outcome.done.length;
    best = smaller ? { options: next, outcome, runs } : { ...best, runs };
    return smaller;
  };
  const without = (names: readonly string[]): WorldOptions => ({
    ...best.options,
    omit: [...(best.options.omit ?? []), ...names],
  });

  for (const kind of new Set(failed.done.map(kindOf))) await attempt(without([kind]));
  // What is left, by halves: the later half first, since what broke it was mostly near the end.
  const kinds = new Set(best.options.omit);
  for (let size = Math.ceil(best.outcome.done.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = best.outcome.done.length; end > 0; end -= size) {
      const names = best.outcome.done.slice(Math.max(0, end - size), end).filter((name) => !kinds.has(kindOf(name)));
      if (names.length > 0) await attempt(without(names));
    }
  }
  return { ...best, outcome: await run({ ...best.options, tell: true }) };
}

function kindOf(name: string): string {
  return name.slice(0, name.lastIndexOf(':'));
}
