import { describe, expect, it } from 'vitest';
import type { FaultResult, Rehearsal } from '../../core/rehearsal/index.ts';
import { brokenBy, parseAssertion } from './assertion.ts';

const faults = ['healthy', 'errors 30 %', 'no codedeploy:CreateDeployment'];

describe('parseAssertion()', () => {
  it.each([
    ['errors 30 %: caught within PT3M, hurt at most 200', { caughtWithinMs: 180_000, hurtAtMost: 200 }],
    ['errors 30 %: caught within 90 seconds', { caughtWithinMs: 90_000 }],
    ['errors 30 %: caught within 2 min, hurts at most 5 requests', { caughtWithinMs: 120_000, hurtAtMost: 5 }],
    ['healthy: stopped at most 1 %', { falseRollbacks: 0.01 }],
    [
      'no codedeploy:CreateDeployment: ends Failed, by PermissionError of Deploy/Live',
      { ends: 'Failed', by: 'PermissionError of Deploy/Live' },
    ],
  ])('reads %s', (text, assertion) => {
    expect(parseAssertion(text, faults)).toEqual({ assertion: { fault: expect.any(String) as string, ...assertion } });
  });

  it.each([
    ['errors 31 %: hurt at most 1', 'errors 31 %: no such fault; known are healthy'],
    ['errors 30 %: is caught', '"is caught": expected FAULT: CLAUSE'],
    ['errors 30 %: caught within a blink', '"caught within a blink": expected FAULT'],
    ['all is well', 'expected FAULT: CLAUSE'],
  ])('says what is wrong with %s', (text, problem) => {
    expect(parseAssertion(text, faults)).toEqual({ problem: expect.stringContaining(problem) as string });
  });
});

describe('brokenBy()', () => {
  const result: FaultResult = {
    fault: 'errors 30 %',
    runs: 20,
    lost: 0,
    caught: 20,
    stopped: 20,
    caughtAfterMs: 60_000,
    caughtAfterMostMs: 200_000,
    hurt: { median: 10, most: 99 },
    goesOnPerMinute: 0,
    ends: 'Failed, rolled back',
    by: 'errors',
    example: {} as Rehearsal,
  };
  const broken = (text: string, over: Partial<FaultResult> = {}) => {
    const parsed = parseAssertion(`errors 30 %: ${text}`, faults);
    if ('problem' in parsed) throw new Error(parsed.problem);
    return brokenBy(parsed.assertion, [{ ...result, ...over }]);
  };

  it('says nothing of what holds', () => {
    expect(broken('caught within 4 min, hurt at most 99, ends Failed, by errors')).toEqual([]);
  });

  it('asks it of every run, not of the median', () => {
    expect(broken('caught within 3 min')).toEqual(['errors 30 %: to be caught within 3 min; it took up to 3 min 20 s']);
    expect(broken('caught within 4 min', { caught: 19 })).toEqual([
      'errors 30 %: to be caught within 4 min; 19 of 20 runs were',
    ]);
  });

  it.each([
    ['hurt at most 98', 'to hurt at most 98 requests; it hurt 99'],
    ['stopped at most 50 %', 'at most 50 % to be stopped; 100 % were'],
    ['ends Succeeded', 'to end Succeeded; it ended Failed, rolled back'],
    ['by slow', 'to be ended by slow; it was errors'],
  ])('says of %s what it was', (text, words) => {
    expect(broken(text)).toEqual([`errors 30 %: ${words}`]);
  });
});
