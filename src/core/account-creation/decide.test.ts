import { describe, expect, it } from 'vitest';
import { type AccountCreation, begin, decide } from './index.ts';

const creating: AccountCreation = {
  phase: 'Creating',
  requestId: 'car-1',
  organizationId: 'o-1',
  managementAccount: '000000000000',
  parentId: 'r-1',
  accountId: '111111111111',
  name: 'production',
  email: 'production@example.com',
  roleName: 'OrganizationAccountAccessRole',
  tags: {},
  requestedAt: 1,
};

describe('begin()', () => {
  it('opens the account, unless it failed at once', () => {
    expect(begin(creating).effects).toMatchObject([{ type: 'OpenAccount', accountId: '111111111111' }]);
    expect(begin({ ...creating, phase: 'Failed' }).effects).toEqual([]);
  });
});

describe('decide()', () => {
  it('succeeds when the account is open', () => {
    expect(decide(creating, { type: 'AccountOpened' }, 5).state).toMatchObject({ phase: 'Succeeded', completedAt: 5 });
  });

  it('fails with the reason', () => {
    const { state } = decide(creating, { type: 'AccountFailed', reason: 'INTERNAL_FAILURE' }, 5);
    expect(state).toMatchObject({ phase: 'Failed', failureReason: 'INTERNAL_FAILURE' });
  });

  it('keeps a final state final', () => {
    const done = decide(creating, { type: 'AccountOpened' }, 5).state;
    expect(decide(done, { type: 'AccountFailed', reason: 'late' }, 9)).toEqual({ state: done, effects: [] });
  });
});
