/** Many seeds one after the other, summed up. What is counted is enough to see that the runs were not empty. */
import type { Chosen } from './loops/mischief.ts';
import type { Outcome, Violation, WorldOptions } from './loops/world.ts';

export type Failure = Readonly<{ seed: number; violation: Violation }>;

export type Summary = Readonly<{
  seeds: number;
  steps: number;
  /** Of them, those after which nothing went wrong any more. */
  calmSteps: number;
  virtualMs: number;
  /** Of the processes that ran it, all together. */
  processorSeconds: number;
  mischief: Readonly<Record<string, number>>;
  reached: Readonly<Record<string, number>>;
  failures: readonly Failure[];
}>;

export const NOTHING: Summary = {
  seeds: 0,
  steps: 0,
  calmSteps: 0,
  virtualMs: 0,
  processorSeconds: 0,
  mischief: {},
  reached: {},
  failures: [],
};

export function summed(a: Summary, b: Summary): Summary {
  return {
    seeds: a.seeds + b.seeds,
    steps: a.steps + b.steps,
    calmSteps: a.calmSteps + b.calmSteps,
    virtualMs: a.virtualMs + b.virtualMs,
    processorSeconds: a.processorSeconds + b.processorSeconds,
    mischief: summedCounts(a.mischief, b.mischief),
    reached: summedCounts(a.reached, b.reached),
    failures: [...a.failures, ...b.failures].toSorted((x, y) => x.seed - y.seed),
  };
}

export function summaryOf(outcome: Outcome): Summary {
  const { seed, steps, calmSteps, virtualMs, mischief, reached, violation } = outcome;
  const failures = violation === undefined ? [] : [{ seed, violation }];
  return { ...NOTHING, seeds: 1, steps, calmSteps, virtualMs, mischief, reached, failures };
}

/** Seeds `from` to `from + count - 1`, until so many have failed. */
export async function campaign(
  run: (options: WorldOptions) => Promise<Outcome>,
  range: Readonly<{ from: number; count: number; steps: number; mostFailures: number }> & Chosen,
  onSeed: (sum: Summary) => void = () => {},
): Promise<Summary> {
  let sum = NOTHING;
  for (let seed = range.from; seed < range.from + range.count; seed++) {
    const { steps, omit, only } = range;
    sum = summed(sum, summaryOf(await run({ seed, steps, omit, only })));
    onSeed(sum);
    if (sum.failures.length >= range.mostFailures) break;
  }
  return sum;
}

function summedCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return Object.fromEntries(Object.entries(sum).sort(([x], [y]) => (x < y ? -1 : 1)));
}
