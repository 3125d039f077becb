import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type DeliveryEvent, type DeliveryState } from './decide.ts';

const start: DeliveryState = {
  phase: 'Delivering',
  attempts: 0,
  firstAt: 0,
  mostAttempts: 185,
  longestMs: 86_400_000,
  hasDeadLetterQueue: true,
  delivery: 'd',
};
const failed = { type: 'Failed', code: 'THROTTLING', message: 'busy', retryable: true } as const;

describe('decide()', () => {
  it('forgets what the target took', () => {
    expect(decide(start, { type: 'Taken' }, 5)).toEqual({
      state: { ...start, phase: 'Delivered' },
      effects: [{ type: 'Forget' }],
    });
  });

  it('tries again later, with growing waits', () => {
    expect(decide(start, failed, 100).effects).toEqual([{ type: 'WakeAt', timer: 'retry', at: 1_100 }]);
    expect(decide({ ...start, attempts: 3 }, failed, 100).effects).toEqual([
      { type: 'WakeAt', timer: 'retry', at: 8_100 },
    ]);
  });

  it('gives up at once without permission, and tells the dead-letter queue', () => {
    const { state, effects } = decide(start, { ...failed, code: 'NO_PERMISSIONS', retryable: false }, 0);
    expect(state.phase).toBe('Undelivered');
    expect(effects).toEqual([
      expect.objectContaining({ type: 'DeadLetter', code: 'NO_PERMISSIONS', condition: 'NonRetryable' }),
    ]);
  });

  it('gives up when the tries or the age are spent', () => {
    expect(decide({ ...start, attempts: 185 }, failed, 0).effects[0]).toMatchObject({
      condition: 'MaximumRetryAttempts',
    });
    expect(decide(start, failed, 86_400_000).effects[0]).toMatchObject({ condition: 'MaximumEventAgeInSeconds' });
  });

  it('keeps a final state final, whatever comes', () => {
    const final: DeliveryState = { ...start, phase: 'Delivered' };
    const events: DeliveryEvent[] = [
      { type: 'Taken' },
      failed,
      { type: 'DeadLetterDone' },
      { type: 'TimerFired', timer: 'retry' },
    ];
    fc.assert(
      fc.property(fc.constantFrom(...events), fc.nat(), (event, now) => {
        expect(decide(final, event, now)).toEqual({ state: final, effects: [] });
      }),
    );
  });
});
