/**
 * Seeds that once broke an invariant, with what it was. They are run by `npm test`. A seed finds the same history only as
 * long as the worlds are drawn as they were: when a change of the scenarios moves them, the case stays as one seed more,
 * and the test beside the mended code holds what was mended.
 */
import type { WorldOptions } from './loops/world.ts';

export type Regression = Readonly<{ was: string; options: WorldOptions }>;

export const REGRESSIONS: readonly Regression[] = [
  {
    was: 'a weight was set again after its deployment had ended, on an alias that was a later one’s by then',
    options: { seed: 16, steps: 1_500 },
  },
  {
    was: 'a rollback that moved nothing was taken for one that had',
    options: { seed: 33, steps: 1_200 },
  },
];
