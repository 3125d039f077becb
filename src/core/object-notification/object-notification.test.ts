import { describe, expect, it } from 'vitest';
import { covers, decide, isFinal, overlap, startNotification } from './index.ts';

describe('decide()', () => {
  it('keeps what could not be delivered, and ends there', () => {
    const { state, effects } = startNotification('EventBridge', { key: 'k' });
    expect(effects).toEqual([{ type: 'Deliver', destination: 'EventBridge', message: { key: 'k' } }]);
    const given = decide(state, { type: 'GivenUp' }, 7);
    expect(given).toEqual({
      state: { phase: 'Undelivered', destination: 'EventBridge', failedAt: 7 },
      effects: [],
    });
    expect(isFinal(given.state)).toBe(true);
    expect(decide(given.state, { type: 'GivenUp' }, 9)).toEqual(given);
  });
});

describe('covers()', () => {
  it('matches event, prefix and suffix', () => {
    const filter = { events: ['s3:ObjectCreated:*'], prefix: 'in/', suffix: '.zip' };
    expect(covers(filter, 'ObjectCreated:Put', 'in/a.zip')).toBe(true);
    expect(covers(filter, 'ObjectRemoved:Delete', 'in/a.zip')).toBe(false);
    expect(covers(filter, 'ObjectCreated:Put', 'out/a.zip')).toBe(false);
    expect(covers(filter, 'ObjectCreated:Put', 'in/a.txt')).toBe(false);
    expect(covers({ events: ['s3:ObjectCreated:Copy'] }, 'ObjectCreated:Put', 'x')).toBe(false);
  });
});

describe('overlap()', () => {
  const created = { events: ['s3:ObjectCreated:*'] };
  it.each([
    [created, { events: ['s3:ObjectCreated:Put'] }, true],
    [created, { events: ['s3:ObjectRemoved:*'] }, false],
    [{ ...created, prefix: 'a/' }, { ...created, prefix: 'a/b/' }, true],
    [{ ...created, prefix: 'a/' }, { ...created, prefix: 'b/' }, false],
    [{ ...created, suffix: '.zip' }, { ...created, suffix: '.txt' }, false],
    [{ ...created, prefix: 'a/' }, { ...created, suffix: '.txt' }, true],
  ])('of %j and %j is %s', (a, b, expected) => {
    expect(overlap(a, b)).toBe(expected);
  });
});
