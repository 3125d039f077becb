/**
 * The steps by which traffic moves to a new version. Weights are percent of requests sent to it; instants are counted from
 * the start of the shift.
 *
 * - canary: p percent at once, the rest after the interval.
 * - linear: p percent at once and p more each interval, the last step capped at 100: ceil(100 / p) steps.
 * - all at once: one step.
 *
 * Source: CodeDeploy User Guide, "Working with deployment configurations in CodeDeploy".
 */
import { assert, MINUTE_MS } from '../../common/index.ts';

export type Routing = Readonly<
  | { type: 'AllAtOnce' }
  | { type: 'TimeBasedCanary'; percent: number; intervalMinutes: number }
  | { type: 'TimeBasedLinear'; percent: number; intervalMinutes: number }
>;

export type Step = Readonly<{ afterMs: number; weightPercent: number }>;

/** Weights grow from step to step, and the last is 100. */
export function shiftSteps(routing: Routing): readonly Step[] {
  if (routing.type === 'AllAtOnce') return allAtOnce;
  const { percent, intervalMinutes } = routing;
  assert(
    Number.isInteger(percent) && percent >= 1 && percent <= 99,
    `traffic moves by 1 to 99 percent, not by ${percent}`,
  );
  const intervalMs = intervalMinutes * MINUTE_MS;
  if (routing.type === 'TimeBasedCanary') {
    return [
      { afterMs: 0, weightPercent: percent },
      { afterMs: intervalMs, weightPercent: 100 },
    ];
  }
  return Array.from({ length: Math.ceil(100 / percent) }, (_, index) => ({
    afterMs: index * intervalMs,
    weightPercent: Math.min(100, percent * (index + 1)),
  }));
}

export const allAtOnce: readonly Step[] = [{ afterMs: 0, weightPercent: 100 }];

/** From the first step to the last. */
export function totalShiftMs(routing: Routing): number {
  return shiftSteps(routing).at(-1)?.afterMs ?? 0;
}
