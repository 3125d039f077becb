import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextFire, parseSchedule } from './schedule.ts';

function next(text: string, after: string): string | undefined {
  const schedule = parseSchedule(text);
  if (schedule === undefined) throw new Error(`${text} is not valid`);
  const at = nextFire(schedule, Date.parse(after), 0);
  return at === undefined ? undefined : new Date(at).toISOString();
}

describe('nextFire()', () => {
  it.each([
    ['cron(0 10 * * ? *)', '2026-11-24T09:59:59Z', '2026-11-24T10:00:00.000Z'],
    ['cron(0 10 * * ? *)', '2026-11-24T10:00:00Z', '2026-11-25T10:00:00.000Z'],
    ['cron(0/15 * * * ? *)', '2026-11-24T10:16:00Z', '2026-11-24T10:30:00.000Z'],
    ['cron(0 18 ? * MON-FRI *)', '2026-11-27T18:00:00Z', '2026-11-30T18:00:00.000Z'],
    ['cron(15 10 ? * 6L 2026-2028)', '2026-11-24T00:00:00Z', '2026-11-27T10:15:00.000Z'],
    ['cron(0 8 1 * ? *)', '2026-11-24T00:00:00Z', '2026-12-01T08:00:00.000Z'],
    ['cron(0 0 ? * 3#2 *)', '2026-11-24T00:00:00Z', '2026-12-08T00:00:00.000Z'],
    ['cron(0 0 L * ? *)', '2028-02-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['cron(0 0 15W * ? *)', '2026-11-01T00:00:00Z', '2026-11-16T00:00:00.000Z'],
    ['cron(0 0 1 1 ? 2025)', '2026-11-01T00:00:00Z', undefined],
    ['rate(5 minutes)', '2026-11-24T10:01:00Z', '2026-11-24T10:05:00.000Z'],
    ['rate(1 hour)', '2026-11-24T10:00:00Z', '2026-11-24T11:00:00.000Z'],
  ])('%s after %s is %s', (text, after, expected) => {
    expect(next(text, after)).toBe(expected);
  });

  it('moves forward, to a whole minute', () => {
    const schedule = parseSchedule('cron(0/7 3-9 ? * TUE,SAT *)');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), (after) => {
        const at = schedule && nextFire(schedule, after, 0);
        expect(at).toBeGreaterThan(after);
        expect((at ?? 0) % 60_000).toBe(0);
      }),
    );
  });
});

describe('parseSchedule()', () => {
  it.each([
    'rate(1 minutes)',
    'rate(5 minute)',
    'rate(0 minutes)',
    'cron(0 10 * * * *)',
    'cron(0 10 ? * ? *)',
    'cron(60 0 * * ? *)',
    'cron(0 0 * * ?)',
    'cron(a b c d e f)',
    'every minute',
    '',
  ])('refuses %s', (text) => {
    expect(parseSchedule(text)).toBeUndefined();
  });
});
