import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../common/index.ts';
import { decide } from './decide.ts';

const fired = { type: 'TimerFired', timer: 'daily' } as const;

describe('decide()', () => {
  it('expires events once a day', () => {
    expect(decide({ lastRunAt: 0 }, fired, DAY_MS)).toEqual({
      state: { lastRunAt: DAY_MS },
      effects: [{ type: 'ExpireEvents' }, { type: 'WakeAt', timer: 'daily', at: 2 * DAY_MS }],
    });
  });

  it('waits when the timer is early', () => {
    const state = { lastRunAt: 0 };
    expect(decide(state, fired, DAY_MS - 1)).toEqual({
      state,
      effects: [{ type: 'WakeAt', timer: 'daily', at: DAY_MS }],
    });
  });
});
