import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, startKeyRotation } from './index.ts';

const timer = { type: 'TimerFired', timer: 'rotate' } as const;
const rotated = { type: 'KeyRotated' } as const;

describe('decide()', () => {
  it('rotates at the date, then waits a period', () => {
    const { state, effects } = startKeyRotation(1000, 100);
    expect(effects).toEqual([{ type: 'WakeAt', timer: 'rotate', at: 1000 }]);
    expect(decide(state, timer, 999)).toEqual({ state, effects });
    const rotating = decide(state, timer, 1000);
    expect(rotating.effects).toEqual([{ type: 'RotateKey', dueAt: 1000, followingAt: 1100 }]);
    expect(decide(rotating.state, timer, 2000).effects).toEqual([]);
    const waiting = decide(rotating.state, rotated, 1001);
    expect(waiting).toEqual({
      state: { phase: 'Waiting', nextAt: 1100, periodMs: 100 },
      effects: [{ type: 'WakeAt', timer: 'rotate', at: 1100 }],
    });
    expect(decide(waiting.state, rotated, 1001).effects).toEqual([]);
  });

  it('rotates once after a long absence, and keeps to the row of dates', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 5000 }), (periodMs, lateMs) => {
        const { state } = startKeyRotation(1000, periodMs);
        const { state: after, effects } = decide(state, timer, 1000 + lateMs);
        expect(effects).toHaveLength(1);
        expect((after.nextAt - 1000) % periodMs).toBe(0);
        expect(after.nextAt).toBeGreaterThan(1000 + lateMs);
        expect(after.nextAt).toBeLessThanOrEqual(1000 + lateMs + periodMs);
      }),
    );
  });
});
