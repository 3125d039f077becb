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
  {
    was: 'a lane of a dead process stayed with it: the living gave it new leases',
    options: { seed: 101_728, steps: 400 },
  },
  {
    was: 'what a broken commit had saved was not looked for again after the first look had failed',
    options: { seed: 104_998, steps: 400 },
  },
  {
    was: 'a build that was back in line waited for ever',
    options: { seed: 105_210, steps: 400 },
  },
  {
    was: 'an effect was taken over whose owner had just renewed its lease',
    options: { seed: 5_038, steps: 2_500 },
  },
  {
    was: 'a build whose phases could not be reported stayed in progress',
    options: { seed: 5_072, steps: 2_500 },
  },
  {
    was: 'a function whose end could not be noted ran for ever',
    options: { seed: 103_411, steps: 400 },
  },
  {
    was: 'a call that came when another process had taken over, deployed and ended made a second deployment',
    options: { seed: 40_419, steps: 3_000 },
  },
  {
    was: 'a build took its source from an object that was written over after the pipeline had checked it',
    options: { seed: 255, steps: 300 },
  },
];
