import { describe, expect, it } from 'vitest';
import type { Principal } from '../../common/index.ts';
import { grantAllows, type Grant } from './index.ts';

const session: Principal = {
  type: 'AssumedRole',
  account: '111111111111',
  arn: 'arn:aws:sts::111111111111:assumed-role/deploy/s1',
  roleArn: 'arn:aws:iam::111111111111:role/deploy',
  roleName: 'deploy',
  roleId: 'AROAEXAMPLE',
  sessionName: 's1',
  issuedAt: 0,
  expiresAt: 1,
};
const grant: Grant = { granteePrincipal: session.roleArn, operations: ['Decrypt', 'DescribeKey'] };
const use = { operation: 'Decrypt', encryptionContext: {} };

describe('grantAllows()', () => {
  it('covers any session of the role it names', () => {
    expect(grantAllows(grant, session, use)).toBe(true);
    expect(grantAllows({ ...grant, granteePrincipal: session.arn }, session, use)).toBe(true);
    expect(grantAllows(grant, { ...session, roleArn: 'arn:aws:iam::111111111111:role/other' }, use)).toBe(false);
    expect(grantAllows(grant, { type: 'Anonymous' }, use)).toBe(false);
  });

  it('covers only its operations', () => {
    expect(grantAllows(grant, session, { ...use, operation: 'Encrypt' })).toBe(false);
  });

  it('binds cryptographic operations by its constraints, others not', () => {
    const subset: Grant = { ...grant, constraints: { encryptionContextSubset: { a: '1' } } };
    const equals: Grant = { ...grant, constraints: { encryptionContextEquals: { a: '1' } } };
    const one = { ...use, encryptionContext: { a: '1' } };
    const two = { ...use, encryptionContext: { a: '1', b: '2' } };
    expect([use, one, two].map((each) => grantAllows(subset, session, each))).toEqual([false, true, true]);
    expect([use, one, two].map((each) => grantAllows(equals, session, each))).toEqual([false, true, false]);
    expect(grantAllows(equals, session, { operation: 'DescribeKey', encryptionContext: {} })).toBe(true);
  });
});
