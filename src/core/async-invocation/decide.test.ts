import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AsyncInvocationEvent,
  type AsyncInvocationState,
  decide,
  isFinal,
  startAsyncInvocation,
} from './index.ts';

const HOUR = 3_600_000;
const start = (more: Partial<Pick<AsyncInvocationState, 'maxRetries' | 'maxAgeMs'>> = {}) =>
  startAsyncInvocation({ receivedAt: 0, maxRetries: 2, maxAgeMs: 6 * HOUR, ...more }).state;
const timer = { type: 'TimerFired', timer: 'retry' } as const;

function after(state: AsyncInvocationState, ...events: readonly (readonly [AsyncInvocationEvent, number])[]) {
  return events.reduce((now, [event, at]) => decide(now, event, at).state, state);
}

describe('decide()', () => {
  it('tries a function error again after one minute, then two, then drops the event', () => {
    const first = decide(start(), { type: 'RunFailed', run: 1 }, 1_000);
    expect(first.effects).toEqual([{ type: 'WakeAt', timer: 'retry', at: 61_000 }]);
    const second = decide(first.state, timer, 61_000);
    expect(second.effects).toEqual([{ type: 'Run', run: 2 }]);
    const third = decide(second.state, { type: 'RunFailed', run: 2 }, 62_000);
    expect(third.effects).toEqual([{ type: 'WakeAt', timer: 'retry', at: 182_000 }]);
    const last = decide(after(third.state, [timer, 182_000]), { type: 'RunFailed', run: 3 }, 183_000);
    expect(last.state).toMatchObject({ phase: 'Dropped', dropReason: 'RetriesExhausted' });
    expect(last.effects).toEqual([{ type: 'Conclude', dropReason: 'RetriesExhausted' }]);
  });

  it('does not count what could not be run as an error of the function', () => {
    const state = after(start({ maxRetries: 0 }), [{ type: 'RunRefused', run: 1 }, 0], [timer, 1_000]);
    expect(state).toMatchObject({ phase: 'Starting', run: 2, functionErrors: 0 });
    expect(decide(state, { type: 'RunRefused', run: 2 }, 1_000).effects).toEqual([
      { type: 'WakeAt', timer: 'retry', at: 3_000 },
    ]);
  });

  it('drops an event whose next try would be past its age', () => {
    expect(decide(start({ maxAgeMs: 60_000 }), { type: 'RunFailed', run: 1 }, 1).state).toMatchObject({
      phase: 'Dropped',
      dropReason: 'EventAgeExceeded',
    });
  });

  it('runs again what a crash interrupted, but not what was never begun', () => {
    expect(decide(start(), { type: 'RunInterrupted' }, 5).effects).toEqual([]);
    const running = after(start(), [{ type: 'RunBegun', run: 1 }, 1]);
    expect(decide(running, { type: 'RunInterrupted' }, 5).effects).toEqual([{ type: 'Run', run: 2 }]);
    expect(after(running, [{ type: 'RunInterrupted' }, 5], [{ type: 'RunFailed', run: 1 }, 6])).toMatchObject({
      phase: 'Starting',
      run: 2,
      functionErrors: 0,
    });
  });

  it('takes a result that overtakes the news that the run began', () => {
    expect(after(start(), [{ type: 'RunSucceeded', run: 1 }, 1], [{ type: 'RunBegun', run: 1 }, 2])).toMatchObject({
      phase: 'Succeeded',
    });
  });

  it('fires early timers anew', () => {
    const waiting = after(start(), [{ type: 'RunFailed', run: 1 }, 0]);
    expect(decide(waiting, timer, 59_999)).toEqual({
      state: waiting,
      effects: [{ type: 'WakeAt', timer: 'retry', at: 60_000 }],
    });
  });

  it('never leaves a final state, never exceeds its retries, and concludes exactly once', () => {
    const run = fc.integer({ min: 1, max: 6 });
    const event: fc.Arbitrary<AsyncInvocationEvent> = fc.oneof(
      run.map((run) => ({ type: 'RunBegun', run }) as const),
      run.map((run) => ({ type: 'RunSucceeded', run }) as const),
      run.map((run) => ({ type: 'RunFailed', run }) as const),
      run.map((run) => ({ type: 'RunRefused', run }) as const),
      run.map((run) => ({ type: 'FunctionNotFound', run }) as const),
      fc.constant({ type: 'RunInterrupted' } as const),
      fc.constant(timer),
    );
    const step = fc.tuple(event, fc.integer({ min: 0, max: HOUR }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 2 }), (steps, maxRetries) => {
        let state = start({ maxRetries });
        let now = 0;
        let conclusions = 0;
        for (const [event, passed] of steps) {
          now += passed;
          const before = state;
          const decision = decide(state, event, now);
          state = decision.state;
          conclusions += decision.effects.filter((effect) => effect.type === 'Conclude').length;
          if (isFinal(before)) expect(decision).toEqual({ state: before, effects: [] });
          expect(state.run).toBeGreaterThanOrEqual(before.run);
          expect(state.functionErrors).toBeLessThanOrEqual(maxRetries + 1);
        }
        expect(conclusions).toBe(isFinal(state) ? 1 : 0);
      }),
    );
  });
});
