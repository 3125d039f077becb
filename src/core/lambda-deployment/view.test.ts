import { describe, expect, it } from 'vitest';
import type { DeploymentState, Phase } from './types.ts';
import { weightBeingSet } from './view.ts';

function inPhase(phase: Phase): DeploymentState {
  return { phase } as DeploymentState;
}

describe('weightBeingSet()', () => {
  it('is the weight whose answer is waited for', () => {
    expect(weightBeingSet(inPhase({ name: 'Moving', weightPercent: 10 }))).toBe(10);
    const returning = { look: 1, stage: 'Setting', percent: 25 } as const;
    expect(weightBeingSet(inPhase({ name: 'Returning', returning: { of: 'Rollback', ...returning } }))).toBe(25);
    const ending = { status: 'Stopped', code: 'X', message: '', rollback: true } as const;
    expect(weightBeingSet(inPhase({ name: 'Restoring', ending, returning: { of: 'Restore', ...returning } }))).toBe(75);
  });

  it('is none where no weight is being set, so that a try that comes late leaves the alias alone', () => {
    expect(weightBeingSet(inPhase({ name: 'Baking', nextAt: 1 }))).toBeUndefined();
    expect(weightBeingSet(inPhase({ name: 'Ended', status: 'Succeeded' }))).toBeUndefined();
  });
});
