import { describe, expect, it } from 'vitest';
import { palette } from '../../core/rehearsal/index.ts';
import { readScenario } from './scenario.ts';

const known = palette(300_000);
const WHOLE = `
workload: { requestsPerMinute: 600, errors: 0.1 %, medianMs: 40, p99Ms: 200 }
seeds: 50
faults:
  - errors 30 %
  - { name: half, errors: 50 %, after: PT1M }
assert:
  - { fault: errors 30 %, caughtWithin: PT3M, hurtAtMost: 200 }
  - { fault: half, hurtAtMost: 500 }
`;

describe('readScenario()', () => {
  it('reads workload, faults and assertions', () => {
    const scenario = readScenario(WHOLE, known);
    expect(scenario).toMatchObject({
      workload: { requestsPerMinute: 600, errorShare: 0.001, latency: { medianMs: 40, p99Ms: 200 } },
      seeds: 50,
      assertions: [
        { fault: 'errors 30 %', caughtWithinMs: 180_000, hurtAtMost: 200 },
        { fault: 'half', hurtAtMost: 500 },
      ],
    });
    const half = scenario.faults?.[1];
    expect([half?.errorShare?.(59_999, 10), half?.errorShare?.(60_000, 10)]).toEqual([0, 0.5]);
    expect(readScenario('', known)).toEqual({ workload: {}, assertions: [] });
  });

  it.each([
    [
      'an unknown key',
      WHOLE.replace('seeds:', 'seed:'),
      'line 3, seed: unknown; known are workload, seeds, faults, assert',
    ],
    ['no percentage', WHOLE.replace('0.1 %', '0.1'), 'line 2, workload.errors: expected a percentage such as 5 %'],
    [
      'no such fault',
      WHOLE.replace('- errors 30 %', '- errors 31 %'),
      'line 5, faults[0]: no such fault; known are healthy, errors 5 %',
    ],
    [
      'no duration',
      WHOLE.replace('PT3M', 'soon'),
      'line 8, assert[0].caughtWithin: expected seconds or a duration such as PT3M',
    ],
    [
      'nothing asserted',
      WHOLE.replace(', hurtAtMost: 500', ''),
      'line 9, assert[1]: expected caughtWithin, hurtAtMost or falseRollbacks',
    ],
    ['half a latency', WHOLE.replace(', p99Ms: 200', ''), 'line 2, workload: medianMs and p99Ms belong together'],
  ])('names line and key of %s', (_what, text, message) => {
    expect(() => readScenario(text, known)).toThrow(message);
  });
});
