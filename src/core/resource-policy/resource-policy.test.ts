import { describe, expect, it } from 'vitest';
import { allowsAction, isPublicPolicy, resourcePolicyProblem } from './index.ts';

const policy = (statement: Record<string, unknown>): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*', ...statement },
    ],
  });

describe('resourcePolicyProblem()', () => {
  it('accepts the usual forms', () => {
    expect(resourcePolicyProblem(policy({}))).toBeUndefined();
    expect(
      resourcePolicyProblem(policy({ Principal: { AWS: ['111111111111', '*'], Service: 'x.amazonaws.com' } })),
    ).toBeUndefined();
  });

  it.each([
    ['not json', 'This policy contains invalid Json'],
    ['[]', 'This policy contains invalid Json'],
    ['{"Version":"2012-10-17"}', 'Could not parse the policy: Statement is empty!'],
    [policy({ Effect: 'Perhaps' }), 'Invalid effect: Perhaps'],
    [policy({ Principal: undefined }), 'Missing required field Principal'],
    [policy({ Principal: { AWS: 'bob' } }), 'Invalid principal in policy'],
    [policy({ Action: 'GetObject' }), 'Policy has invalid action'],
    [policy({ Resource: [] }), 'Policy has invalid resource'],
    [policy({ Colour: 'red' }), 'Unknown field Colour'],
  ])('refuses %s', (text, problem) => {
    expect(resourcePolicyProblem(text)).toBe(problem);
  });
});

describe('isPublicPolicy()', () => {
  it('is what lets everybody in', () => {
    expect(isPublicPolicy(policy({}))).toBe(true);
    expect(isPublicPolicy(policy({ Principal: { AWS: '*' } }))).toBe(true);
    expect(isPublicPolicy(policy({ Condition: { StringLike: { 'aws:PrincipalArn': '*' } } }))).toBe(true);
  });

  it('is not what names or narrows', () => {
    expect(isPublicPolicy(policy({ Effect: 'Deny' }))).toBe(false);
    expect(isPublicPolicy(policy({ Principal: { AWS: '111111111111' } }))).toBe(false);
    expect(isPublicPolicy(policy({ Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }))).toBe(false);
    expect(isPublicPolicy(policy({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }))).toBe(false);
  });
});

describe('allowsAction()', () => {
  it('finds the statement that allows it', () => {
    const root = 'arn:aws:iam::111111111111:root';
    const text = policy({ Principal: { AWS: root }, Action: 'kms:*', Resource: '*' });
    expect(allowsAction(text, 'kms:PutKeyPolicy', [root])).toBe(true);
    expect(allowsAction(text, 'kms:PutKeyPolicy', ['arn:aws:iam::222222222222:root'])).toBe(false);
    expect(allowsAction(policy({ Action: 'kms:Put?eyPolicy' }), 'kms:PutKeyPolicy', [])).toBe(true);
    expect(allowsAction(policy({ Effect: 'Deny', Action: 'kms:*' }), 'kms:PutKeyPolicy', [])).toBe(false);
  });
});
