import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';

const fired = { type: 'TimerFired', timer: 'window' } as const;

describe('decide()', () => {
  it('deletes when the window has passed, and once', () => {
    const { state, effects } = decide({ phase: 'Waiting', deleteAt: 100 }, fired, 100);
    expect(effects).toEqual([{ type: 'Delete' }]);
    expect(decide(state, fired, 200)).toEqual({ state, effects: [] });
  });

  it('waits on when the timer is early', () => {
    expect(decide({ phase: 'Waiting', deleteAt: 100 }, fired, 99).effects).toEqual([
      { type: 'WakeAt', timer: 'window', at: 100 },
    ]);
  });
});
