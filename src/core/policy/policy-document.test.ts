import { describe, expect, it } from 'vitest';
import { parsePolicy, type PolicyKind, policySize, validatePolicyDocument } from './index.ts';

const problem = (document: unknown, kind: PolicyKind = 'identity'): string | undefined => {
  const check = validatePolicyDocument(typeof document === 'string' ? document : JSON.stringify(document), kind);
  return check.ok ? undefined : check.message;
};
const policy = (statement: object, rest: object = {}) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*', ...statement }],
  ...rest,
});
const trust = (statement: object) => ({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' }, ...statement },
  ],
});

describe('validatePolicyDocument() of identity policies', () => {
  it('accepts what is well formed', () => {
    expect(problem(policy({}))).toBeUndefined();
    expect(
      problem({ Statement: { Effect: 'Deny', NotAction: ['iam:*'], NotResource: 'arn:aws:s3:::b' } }),
    ).toBeUndefined();
    expect(
      problem(policy({ Condition: { 'ForAnyValue:StringLikeIfExists': { 'aws:TagKeys': ['a'] } } })),
    ).toBeUndefined();
    expect(problem(policy({ Condition: { Bool: { 'aws:SecureTransport': false } } }))).toBeUndefined();
  });

  it.each<[unknown, string]>([
    ['{', 'Syntax errors in policy.'],
    ['[]', 'Syntax errors in policy.'],
    ['{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}', 'Syntax errors in policy.'],
    [policy({}, { Colour: 'red' }), 'Syntax errors in policy.'],
    [policy({}, { Id: 'x' }), 'Syntax errors in policy.'],
    [policy({ Colour: 'red' }), 'Syntax errors in policy.'],
    [policy({ Effect: 'allow' }), 'Syntax errors in policy.'],
    [policy({ NotAction: 's3:*' }), 'Syntax errors in policy.'],
    [policy({ Action: undefined }), 'Policy statement must contain actions.'],
    [policy({ Resource: undefined }), 'Policy statement must contain resources.'],
    [policy({ Principal: '*' }), 'Policy document should not specify a principal.'],
    [policy({ Action: 'GetObject' }), 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.'],
    [policy({ Action: 'a:b:c' }), 'Actions/Condition can contain only one colon.'],
    [policy({ Action: 's*3:Get' }), 'Vendor s*3 is not valid'],
    [policy({ Resource: 'bucket' }), 'Resource bucket must be in ARN format or "*".'],
    [policy({ Resource: 'arn:gcp:s3:::b' }), 'Partition "gcp" is not valid for resource "arn:gcp:s3:::b".'],
    [policy({ Resource: 'arn:aws:s?:::b' }), 'Resource vendor must be fully qualified and cannot contain regexes.'],
    [policy({ Condition: { StringIs: { 'a:b': 'c' } } }), 'Syntax errors in policy.'],
    [policy({ Condition: { DateLessThan: { 'aws:CurrentTime': 'soon' } } }), 'The policy failed legacy parsing'],
    [
      { Statement: [policy({ Sid: 'A' }).Statement[0], policy({ Sid: 'A' }).Statement[0]] },
      'Statement IDs (SID) in a single policy must be unique.',
    ],
  ])('refuses %j', (document, message) => {
    expect(problem(document)).toBe(message);
  });
});

describe('validatePolicyDocument() of trust policies', () => {
  it.each<[unknown, string | undefined]>([
    [trust({}), undefined],
    [trust({ Principal: { AWS: ['111111111111', 'arn:aws:iam::111111111111:role/p/R'] } }), undefined],
    [trust({ Action: ['sts:AssumeRole', 'sts:TagSession'] }), undefined],
    ['no', 'This policy contains invalid Json'],
    [trust({ Resource: '*' }), 'Has prohibited field Resource'],
    [trust({ Principal: undefined }), 'Missing required field Principal'],
    [trust({ Principal: { AWS: 'bob' } }), 'Invalid principal in policy: "AWS":"bob"'],
    [
      trust({ Principal: { AWS: 'arn:aws:iam::111111111111:role/*' } }),
      'Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:role/*"',
    ],
    [
      trust({ Principal: { AWS: 'arn:aws:iam::111111111111:group/g' } }),
      'Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:group/g"',
    ],
    [trust({ Action: 's3:GetObject' }), 'AssumeRole policy may only specify STS AssumeRole actions.'],
  ])('%j', (document, message) => {
    expect(problem(document, 'trust')).toBe(message);
  });
});

describe('parsePolicy()', () => {
  it('reads any kind', () => {
    expect(parsePolicy(JSON.stringify(policy({})))?.statements).toHaveLength(1);
    expect(parsePolicy(JSON.stringify(trust({})))?.version).toBe('2012-10-17');
    expect(parsePolicy('{}')).toBeUndefined();
  });
});

describe('policySize()', () => {
  it('counts no white space', () => {
    expect(policySize('{ "a":\n 1 }')).toBe(7);
  });
});
