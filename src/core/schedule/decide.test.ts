import { describe, expect, it } from 'vitest';
import { decide, type ScheduleState } from './decide.ts';

const set = { type: 'RuleSet', expression: 'rate(5 minutes)', enabled: true, anchorAt: 0 } as const;
const idle: ScheduleState = { expression: '', enabled: false, anchorAt: 0, nextAt: null };
const fired = { type: 'TimerFired', timer: 'next' } as const;

describe('decide()', () => {
  it('waits for the first instant after it is set', () => {
    expect(decide(idle, set, 1_000).effects).toEqual([{ type: 'WakeAt', timer: 'next', at: 300_000 }]);
  });

  it('fires and waits for the next', () => {
    const { state } = decide(idle, set, 1_000);
    expect(decide(state, fired, 300_000).effects).toEqual([
      { type: 'Fire', at: 300_000 },
      { type: 'WakeAt', timer: 'next', at: 600_000 },
    ]);
  });

  it('fires once for a clock that jumped', () => {
    const { state } = decide(idle, set, 1_000);
    expect(decide(state, fired, 3_000_000).effects.filter((effect) => effect.type === 'Fire')).toHaveLength(1);
  });

  it('ignores timers while disabled', () => {
    const { state } = decide(idle, { ...set, enabled: false }, 0);
    expect(decide(state, fired, 300_000).effects).toEqual([]);
  });
});
