import { expect, it } from 'vitest';
import type { NotEarlierAnswer, ReplayAnswer } from '../replay/answer.ts';
import { paintFor } from './paint.ts';
import { drawnReplay } from './replay-drawing.ts';

const PLAIN = paintFor({}, undefined);

const ANSWER: ReplayAnswer = {
  kind: 'deployment',
  id: 'd-ABC123DEF',
  name: 'shop/live',
  account: '111111111111',
  region: 'us-east-1',
  status: 'Stopped',
  from: '2026-11-24T12:00:00.000Z',
  whole: true,
  turns: [
    {
      at: '2026-11-24T12:00:00.020Z',
      version: 2,
      event: 'the revision was read: greeter:live from version 1 to 2',
      changes: ['looking at the alarms before beginning'],
      effects: ['read the alarms'],
      check: 'Same',
    },
  ],
  checked: 1,
  effectsChecked: 1,
  same: true,
  parts: [],
  notes: [],
  differs: false,
};

function drawn(over: Partial<ReplayAnswer> = {}): string {
  return drawnReplay({ ...ANSWER, ...over }, PLAIN);
}

it('drawnReplay() tells each turn: what happened, what it changed, what is to be done', () => {
  expect(drawn()).toBe(`deployment shop/live  d-ABC123DEF
  Stopped in 111111111111, us-east-1

  2026-11-24
  12:00:00.020  the revision was read: greeter:live from version 1 to 2
                → looking at the alarms before beginning
                · read the alarms

✓ The same decisions come out: 1 state, and what was to be done after it, are as recorded.
`);
});

it('drawnReplay() says of which turns it is not known what was to be done', () => {
  expect(drawn({ checked: 5, effectsChecked: 5 })).toContain(
    '5 states, and what was to be done after each, are as recorded.',
  );
  expect(drawn({ checked: 5, effectsChecked: 2 })).toContain(
    '5 states are as recorded; what was to be done is on record for 2 of them, and the same.',
  );
  expect(drawn({ effectsChecked: 0 })).toContain('1 state is as recorded; what was to be done was not kept then.');
});

it('drawnReplay() shows where the rules of now decide otherwise', () => {
  const difference = {
    version: 2,
    at: '2026-11-24T12:00:00.020Z',
    event: 'the revision was read',
    how: 'it led to another state then',
    differences: [{ path: 'weightPercent', was: 10, is: 20 }],
  };
  const text = drawn({ same: false, difference, turns: [{ ...ANSWER.turns[0]!, check: 'Different' }] });
  expect(text).toContain('from version 1 to 2  ◀ decided otherwise now');
  expect(text)
    .toContain(`✗ The rules of now decide otherwise, from turn 2 on (2026-11-24T12:00:00.020Z): the revision was read.
  It led to another state then.
    weightPercent: 10 then, 20 now
`);
});

it('drawnReplay() puts what would have been beside what was, and says what was assumed', () => {
  const text = drawn({
    changed: {
      settings: ['bake=PT10M'],
      same: false,
      rows: [{ at: '2026-11-24T12:05:00.000Z', was: ['the time of the next step came', '→ moving'], would: [] }],
      outcome: { was: 'Succeeded', would: 'Stopped' },
      assumed: ['Assumed: nothing.'],
    },
  });
  expect(text).toContain('With bake=PT10M, from the first decision that differs:');
  expect(text).toContain('  12:05:00.000  the time of the next step came\n                → moving\n');
  expect(text).toContain('  it was:             Succeeded\n  it would have been: Stopped\n\n  ! Assumed: nothing.\n');
  expect(text).not.toContain('the revision was read');
});

const NOT_EARLIER: NotEarlierAnswer = {
  alarm: 'errors',
  rule: '2 of 2 datapoints of 1 min > 5',
  movedAt: '2026-11-24T12:00:30.000Z',
  firstBreach: {
    at: '2026-11-24T12:00:00.000Z',
    seconds: 60,
    value: 9,
    comparison: 'GreaterThanThreshold',
    threshold: 5,
  },
  earliestAt: '2026-11-24T12:01:01.000Z',
  raisedAt: '2026-11-24T12:02:01.000Z',
  wasRaisedAt: '2026-11-24T12:02:01.000Z',
  endedAt: '2026-11-24T12:02:01.010Z',
  acted: true,
  costs: [
    { rule: 'Period', costMs: 30_000, words: 'the period' },
    { rule: 'DatapointsToAlarm', costMs: 60_000, words: 'M of N' },
    { rule: 'Poll', costMs: 10, words: 'the poll' },
  ],
  lostMs: 60_010,
};

it('drawnReplay() tells why it was not earlier, in order of time', () => {
  expect(drawn({ notEarlier: NOT_EARLIER })).toContain(`Why not earlier?
  12:00:30.000  the new version got its first requests
            in  the 1 min from 12:00:00 on comes the first datapoint over the threshold: 9 > 5
  + 30 s        the period
  12:01:01.000  ◀ the first moment at which the alarm errors could have acted
  + 1 min       M of N
  12:02:01.000  the alarm was raised by its rule of now (2 of 2 datapoints of 1 min > 5)
  + 10 ms       the poll
  12:02:01.010  the deployment acted
  1 min lay between the first moment and the deed.
`);
  const { wasRaisedAt: _was, ...rest } = NOT_EARLIER;
  const missed = drawn({ notEarlier: { ...rest, acted: false, endedAt: '2026-11-24T12:01:30.000Z', costs: [] } });
  expect(missed).toMatch(
    /could have acted\n +12:01:30.000 +✗ the deployment had ended, and nothing had acted\n +12:02:01.000 +the alarm is raised/,
  );
});
