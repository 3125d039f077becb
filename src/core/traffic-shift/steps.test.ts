import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Routing, shiftSteps, totalShiftMs } from './steps.ts';

const routings: fc.Arbitrary<Routing> = fc.oneof(
  fc.constant<Routing>({ type: 'AllAtOnce' }),
  fc.record({
    type: fc.constantFrom('TimeBasedCanary' as const, 'TimeBasedLinear' as const),
    percent: fc.integer({ min: 1, max: 99 }),
    intervalMinutes: fc.integer({ min: 1, max: 2880 }),
  }),
);

test('shiftSteps() grows from step to step, in order of time, and ends at 100', () => {
  fc.assert(
    fc.property(routings, (routing) => {
      const steps = shiftSteps(routing);
      expect(steps[0]?.afterMs).toBe(0);
      expect(steps.at(-1)?.weightPercent).toBe(100);
      for (const [index, step] of steps.entries()) {
        expect(step.weightPercent).toBeGreaterThan(steps[index - 1]?.weightPercent ?? 0);
        if (index > 0) expect(step.afterMs).toBeGreaterThan(steps[index - 1]?.afterMs ?? 0);
        expect(step.weightPercent + (100 - step.weightPercent)).toBe(100);
      }
    }),
  );
});

test('shiftSteps() of a canary is p percent, then the rest after the interval', () => {
  expect(shiftSteps({ type: 'TimeBasedCanary', percent: 10, intervalMinutes: 5 })).toEqual([
    { afterMs: 0, weightPercent: 10 },
    { afterMs: 300_000, weightPercent: 100 },
  ]);
});

test('shiftSteps() of ten percent each minute has ten steps and nine intervals', () => {
  const linear: Routing = { type: 'TimeBasedLinear', percent: 10, intervalMinutes: 1 };
  expect(shiftSteps(linear)).toHaveLength(10);
  expect(totalShiftMs(linear)).toBe(9 * 60_000);
});

test('shiftSteps() caps the last linear step at 100', () => {
  const weights = shiftSteps({ type: 'TimeBasedLinear', percent: 30, intervalMinutes: 1 }).map(
    (step) => step.weightPercent,
  );
  expect(weights).toEqual([30, 60, 90, 100]);
});
