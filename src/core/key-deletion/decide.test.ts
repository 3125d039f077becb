import { describe, expect, it } from 'vitest';
import { decide, isFinal, startKeyDeletion } from './index.ts';

const timer = { type: 'TimerFired', timer: 'delete' } as const;

describe('decide()', () => {
  it('waits for the instant', () => {
    const { state, effects } = startKeyDeletion(1000);
    expect(effects).toEqual([{ type: 'WakeAt', timer: 'delete', at: 1000 }]);
    expect(decide(state, timer, 999)).toEqual({ state, effects: [{ type: 'WakeAt', timer: 'delete', at: 1000 }] });
  });

  it('deletes once, however often the timer fires', () => {
    const deleting = decide(startKeyDeletion(1000).state, timer, 1000);
    expect(deleting.effects).toEqual([{ type: 'DeleteKey', deleteAt: 1000 }]);
    expect(decide(deleting.state, timer, 2000).effects).toEqual([]);
    const deleted = decide(deleting.state, { type: 'KeyDeleted' }, 2000);
    expect(isFinal(deleted.state)).toBe(true);
    expect(decide(deleted.state, timer, 3000)).toEqual({ state: deleted.state, effects: [] });
  });
});
