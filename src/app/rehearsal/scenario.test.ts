import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { palette } from '../../core/rehearsal/index.ts';
import { readScenario, SCENARIO_KEYS } from './scenario.ts';

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
      'line 9, assert[1]: expected caughtWithin, hurtAtMost, falseRollbacks, ends or by',
    ],
    ['half a latency', WHOLE.replace(', p99Ms: 200', ''), 'line 2, workload: medianMs and p99Ms belong together'],
  ])('names line and key of %s', (_what, text, message) => {
    expect(() => readScenario(text, known)).toThrow(message);
  });

  it('reads how long things take, and how often they fail', () => {
    const { workload } = readScenario(
      `workload:
  source: { takes: 20 }
  build: { takes: PT10M, fails: 2 %, timeout: PT15M }
  approver: { answersAfter: PT2H, rejects: 5 % }
  others: { takes: PT3M }
  hook: { takes: PT1M }
  groups: { app/live: { requestsPerMinute: 6000, errors: 1 % } }
`,
      known,
    );
    expect(workload).toEqual({
      groups: { 'app/live': { requestsPerMinute: 6000, errorShare: 0.01 } },
      pace: {
        sourceMs: 20_000,
        build: { takesMs: 600_000, failShare: 0.02, timeoutMs: 900_000 },
        approver: { answersAfterMs: 7_200_000, rejectShare: 0.05 },
        otherMs: 180_000,
        hookMs: 60_000,
      },
    });
  });

  const faultOf = (text: string) =>
    readScenario(`faults:\n  - { name: it, ${text} }`, known, ['Deploy/Live']).faults?.[0];

  it.each([
    ['errors: 10 %, metricsGap: PT5M', { metricsGap: { fromMs: 0, toMs: 300_000 } }],
    ['errors: 10 %, oldVersion: 20 %', { oldErrorShare: 0.2 }],
    ['errors: 10 %, oldVersion: gone', { oldGone: true }],
    ['hook: fails', { hook: 'Fails' }],
    ['build: dies', { build: 'Dies' }],
    ['approver: asleep', { approver: 'Asleep' }],
    ['pushes: [mid-bake, PT3M]', { pushes: ['MidBake', 180_000] }],
    [
      'denies: s3:GetObject, at: Deploy/Live, role: build',
      { denies: { grant: 's3:GetObject', at: 'Deploy/Live', by: 'build' } },
    ],
  ])('reads the fault %s', (text, fault) => {
    expect(faultOf(text)).toMatchObject(fault);
  });

  it.each([
    ['build: sleeps', 'line 2, faults[0].build: expected hangs or fails or dies'],
    ['pushes: [soon]', 'line 2, faults[0].pushes[0]: expected mid-bake, seconds or a duration such as PT3M'],
    ['denies: everything', 'line 2, faults[0].denies: expected an action such as codedeploy:CreateDeployment'],
    ['denies: s3:GetObject, at: Deploy/Life', 'line 2, faults[0].at: no such action; known are Deploy/Live'],
    ['errors: 1 %, at: Deploy/Live', 'line 2, faults[0]: at and role belong to denies'],
    [
      'after: PT1M',
      'line 2, faults[0]: expected errors, latencyFactor, oldVersion, hook, build, approver, pushes or denies',
    ],
  ])('names line and key of a fault with %s', (text, message) => {
    expect(() => faultOf(text)).toThrow(message);
  });
});

test('docs/reference/scenario.md has every key of the language, and no other', () => {
  const page = readFileSync('docs/reference/scenario.md', 'utf8');
  const documented = new Map<string, string[]>();
  for (const section of page.split(/^## /m).slice(1)) {
    const [, map = ''] = /^`([a-z]+)`/.exec(section) ?? [];
    if (map === '') continue;
    documented.set(
      map,
      [...section.matchAll(/^\| `([A-Za-z0-9]+)` \|/gm)].map(([, key = '']) => key),
    );
  }
  expect(Object.fromEntries(documented)).toEqual(SCENARIO_KEYS);
});

test('docs/reference/scenario.md has every fault of the palette', () => {
  const page = readFileSync('docs/reference/scenario.md', 'utf8');
  for (const { name } of known) expect(page).toContain(`\`${name}\``);
});
