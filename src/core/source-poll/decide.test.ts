import { describe, expect, it } from 'vitest';
import { decide, openSourcePoll, POLL_EVERY_MS, type SourcePoll } from './decide.ts';

const T0 = 1_000;
const watching = (revisions: SourcePoll['revisions']): SourcePoll => ({ sources: ['A', 'B'], revisions });
const seen = (revisions: SourcePoll['revisions']) => ({ type: 'RevisionsSeen', revisions }) as const;

describe('decide() of a source poll', () => {
  it('looks at once and every minute, unless nothing is polled', () => {
    expect(openSourcePoll(['A'], T0).effects).toEqual([
      { type: 'LookAtSources', sources: ['A'] },
      { type: 'WakeAt', timer: 'poll', at: T0 + POLL_EVERY_MS },
    ]);
    expect(openSourcePoll([], T0).effects).toEqual([{ type: 'CancelTimer', timer: 'poll' }]);
  });

  it('only notes what the first look finds', () => {
    const { state, effects } = decide(watching({}), seen({ A: '1', B: null }), T0);
    expect(effects).toEqual([]);
    expect(state.revisions).toEqual({ A: '1', B: null });
  });

  it('starts one execution for what is new, appeared or changed', () => {
    const changed = decide(watching({ A: '1', B: '1' }), seen({ A: '2', B: '2' }), T0);
    expect(changed.effects).toEqual([{ type: 'StartExecution', actionName: 'A' }]);
    const appeared = decide(watching({ A: '1', B: null }), seen({ A: '1', B: '1' }), T0);
    expect(appeared.effects).toEqual([{ type: 'StartExecution', actionName: 'B' }]);
  });

  it('starts nothing for what vanished or could not be read, and keeps what it knew', () => {
    const vanished = decide(watching({ A: '1' }), seen({ A: null }), T0);
    expect(vanished.effects).toEqual([]);
    const unread = decide(watching({ A: '1', B: '1' }), seen({ B: '1' }), T0);
    expect(unread.state.revisions).toEqual({ A: '1', B: '1' });
    expect(decide(unread.state, seen({ A: '1', B: '1' }), T0).effects).toEqual([]);
  });

  it('ignores what comes for sources that are no longer polled', () => {
    const { state } = decide({ sources: [], revisions: {} }, seen({ A: '1' }), T0);
    expect(state.revisions).toEqual({});
    expect(decide(state, { type: 'TimerFired', timer: 'poll' }, T0).effects).toEqual([]);
  });
});
