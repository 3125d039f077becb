import { expect, it } from 'vitest';
import type { DecisionInput } from '../../core/policy/index.ts';
import { decide } from '../../core/policy/index.ts';
import { explanationOf } from '../why/explanation.ts';
import { paintFor } from './paint.ts';
import { drawnAnswer } from './why-drawing.ts';

const PLAIN = paintFor({}, undefined);

function policy(...statements: object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

function asking(over: Partial<DecisionInput> = {}): DecisionInput {
  return {
    principal: {
      type: 'User',
      account: '111111111111',
      arn: 'arn:aws:iam::111111111111:user/ada',
      userName: 'ada',
      userId: 'AIDAADA',
    },
    request: { action: 's3:GetObject', resource: 'arn:aws:s3:::b/k' },
    scope: { account: '111111111111', region: 'us-east-1' },
    policies: { identity: [] },
    context: {},
    ...over,
  };
}

function drawn(input: DecisionInput): string {
  const explanation = explanationOf({ input, decision: decide(input) });
  return drawnAnswer({ denied: !explanation.allowed, kind: 'question', explanation, followedBy: [], notes: [] }, PLAIN);
}

it('drawnAnswer shows the closed gate and the statement that opens it', () => {
  expect(drawn(asking())).toBe(`✗ s3:GetObject on arn:aws:s3:::b/k
  by arn:aws:iam::111111111111:user/ada

    ✗ identity     no identity-based policy allows it  ◀ here

  What opens it:
  + in an identity-based policy of the caller:
      { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k" }
  Proven: decided again with it, the call is allowed.
`);
});

it('drawnAnswer shows the statement that decided under its gate, and what is not needed', () => {
  const identity = [
    { name: 'work', document: policy({ Sid: 'Read', Effect: 'Allow', Action: 's3:*', Resource: '*' }) },
  ];
  const request = { ...asking().request, resourcePolicies: [{ name: 'bucket policy of b', document: policy() }] };
  expect(drawn(asking({ policies: { identity }, request }))).toBe(`✓ s3:GetObject on arn:aws:s3:::b/k
  by arn:aws:iam::111111111111:user/ada

    ✓ identity     Read of work
                   { "Sid": "Read", "Effect": "Allow", "Action": "s3:*", "Resource": "*" }
    · resource     says nothing, and is not needed

  Allowed: Read of work allows it.
`);
});

it('drawnAnswer shows an explicit deny as what must go', () => {
  const identity = [
    {
      name: 'work',
      document: policy(
        { Effect: 'Allow', Action: '*', Resource: '*' },
        { Effect: 'Deny', Action: 's3:*', Resource: '*' },
      ),
    },
  ];
  const text = drawn(asking({ policies: { identity } }));
  expect(text).toContain('✗ identity     statement 2 of work denies it  ◀ here');
  expect(text).toMatch(/ {2}- .*remove or narrow it/);
});

it('paintFor colours a terminal alone, and not with NO_COLOR', () => {
  expect(paintFor({ isTTY: true }, undefined).bad('x')).toBe('\u001B[31mx\u001B[39m');
  expect(paintFor({ isTTY: true }, '1').bad('x')).toBe('x');
  expect(paintFor({ isTTY: false }, undefined).bad('x')).toBe('x');
});
