/** The mutation check: what is broken on purpose, the simulator finds within ten thousand steps in which things go wrong. */
import { describe, expect, it } from 'vitest';
import { runWorld, type Sabotage, type Violation } from '../../simulation/loops/world.ts';
import { mutations } from './mutations.ts';

const MOST_STEPS = 10_000;
const STEPS_OF_A_SEED = 2_000;

/** Seed after seed, until something breaks. */
async function search(seeds: readonly number[], sabotage?: Sabotage): Promise<Violation | undefined> {
  let steps = 0;
  for (let n = 0; steps < MOST_STEPS; n++) {
    const seed = seeds[n] ?? n + 1;
    const outcome = await runWorld({ seed, steps: STEPS_OF_A_SEED, ...(sabotage && { sabotage }) });
    steps += outcome.steps - outcome.calmSteps;
    if (outcome.violation !== undefined && steps <= MOST_STEPS) return outcome.violation;
  }
  return undefined;
}

describe('the simulator', () => {
  it.each(mutations)('finds that $name', async ({ breaks, seeds = [], sabotage }) => {
    const violation = await search(seeds, sabotage);
    expect(breaks, violation?.message).toContain(violation?.invariant);
  });

  it('finds nothing where nothing is broken', async () => {
    expect(await search([])).toBeUndefined();
  });
});
