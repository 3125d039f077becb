import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Principal } from '../../common/index.ts';
import { decide, type DecisionInput, type NamedPolicy, smallestMend, withSteps } from './index.ts';

const A = '111111111111';
const B = '222222222222';
const KEY = `arn:aws:kms:us-east-1:${A}:key/k1`;
const OBJECT = 'arn:aws:s3:::artifacts/build.zip';

type Statement = Record<string, unknown>;
const policy = (name: string, ...statements: Statement[]): NamedPolicy => ({
  name,
  document: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
});
const role = (account: string): Principal => ({
  type: 'AssumedRole',
  account,
  arn: `arn:aws:sts::${account}:assumed-role/Deployer/run`,
  roleArn: `arn:aws:iam::${account}:role/Deployer`,
  roleName: 'Deployer',
  roleId: 'AROADEPLOYER',
  sessionName: 'run',
  issuedAt: 0,
  expiresAt: 1,
});
const ask = (over: Partial<DecisionInput>): DecisionInput => ({
  principal: role(A),
  request: { action: 's3:GetObject', resource: OBJECT },
  scope: { account: A, region: 'us-east-1' },
  policies: { identity: [] },
  context: {},
  ...over,
});

describe('smallestMend()', () => {
  it('needs nothing where all is allowed', () => {
    const input = ask({
      policies: { identity: [policy('all', { Effect: 'Allow', Action: '*', Resource: '*' })] },
    });
    expect(smallestMend(input)).toEqual({ steps: [] });
  });

  it('within an account adds one statement to the identity policies', () => {
    expect(smallestMend(ask({})).steps).toEqual([
      {
        kind: 'Add',
        policyType: 'identity-based policy',
        statement: { Effect: 'Allow', Action: 's3:GetObject', Resource: OBJECT },
      },
    ]);
  });

  it('across accounts opens both sides, and only the side that is closed', () => {
    const request = { action: 's3:GetObject', resource: OBJECT, resourceAccount: A };
    const both = smallestMend(ask({ principal: role(B), request }));
    expect(both.steps.map(({ policyType }) => policyType)).toEqual(['resource-based policy', 'identity-based policy']);
    expect(both.steps[0]).toMatchObject({ statement: { Principal: { AWS: `arn:aws:iam::${B}:role/Deployer` } } });
    const open = policy('bucket policy', {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${B}:root` },
      Action: 's3:*',
      Resource: '*',
    });
    // AWS names the resource's side here; what is missing is the caller's own.
    const own = smallestMend(ask({ principal: role(B), request: { ...request, resourcePolicies: [open] } }));
    expect(own.steps.map(({ policyType }) => policyType)).toEqual(['identity-based policy']);
  });

  it('writes a statement of a key policy as one is written', () => {
    const request = {
      action: 'kms:Decrypt',
      resource: KEY,
      resourceAccount: A,
      resourcePolicyMode: 'Only' as const,
      resourcePolicies: [policy('key policy')],
    };
    expect(smallestMend(ask({ request })).steps).toMatchObject([
      {
        policyType: 'resource-based policy',
        statement: { Principal: { AWS: `arn:aws:iam::${A}:role/Deployer` }, Action: 'kms:Decrypt', Resource: '*' },
      },
    ]);
  });

  it('names the deny that must go, and what is missing beside it', () => {
    const request = {
      action: 's3:GetObject',
      resource: OBJECT,
      resourcePolicies: [
        policy('bucket policy', { Effect: 'Deny', Principal: '*', Action: '*', Resource: '*', Sid: 'No' }),
      ],
    };
    expect(smallestMend(ask({ request })).steps).toMatchObject([
      { kind: 'Remove', policyType: 'resource-based policy', by: { policyName: 'bucket policy', sid: 'No' } },
      { kind: 'Add', policyType: 'identity-based policy' },
    ]);
  });

  it('says at which level of the organization an allow is missing', () => {
    const full = policy('FullAWSAccess', { Effect: 'Allow', Action: '*', Resource: '*' });
    const some = policy('OnlyEc2', { Effect: 'Allow', Action: 'ec2:*', Resource: '*' });
    const input = ask({ policies: { identity: [full], serviceControl: [[full], [some], [full]] } });
    expect(smallestMend(input).steps).toMatchObject([{ policyType: 'service control policy', level: 1 }]);
  });

  it('shows the statement that nearly does', () => {
    const nearMiss = (statement: Statement, context = {}) =>
      smallestMend(ask({ context, policies: { identity: [policy('p', { Effect: 'Allow', ...statement })] } })).steps[0];
    expect(nearMiss({ Action: 's3:Get*', Resource: 'arn:aws:s3:::artifacts' })).toMatchObject({
      nearMiss: { differs: { element: 'Resource', hint: 'the objects of a bucket are arn:aws:s3:::artifacts/*' } },
    });
    expect(
      nearMiss(
        { Action: '*', Resource: '*', Condition: { StringEquals: { 'aws:RequestedRegion': ['eu-west-1'] } } },
        { 'aws:RequestedRegion': 'us-east-1' },
      ),
    ).toMatchObject({
      nearMiss: {
        differs: { element: 'Condition', key: 'aws:RequestedRegion', wanted: ['eu-west-1'], found: ['us-east-1'] },
      },
    });
  });

  it('cannot mend what no policy governs', () => {
    const principal: Principal = {
      type: 'User',
      account: A,
      arn: `arn:aws:iam::${A}:user/ann`,
      userName: 'ann',
      userId: 'AIDAANN',
      temporary: { issuedAt: 0, expiresAt: 1 },
    };
    const mend = smallestMend(ask({ principal, request: { action: 'iam:ListUsers', resource: '*' } }));
    expect(mend.steps).toEqual([]);
    expect(mend.beyond).toMatch(/GetSessionToken/);
  });

  const statements = fc.array(
    fc.record({
      Effect: fc.constantFrom('Allow', 'Deny'),
      Action: fc.constantFrom('s3:GetObject', 's3:*', '*', 'kms:*'),
      Resource: fc.constantFrom('*', OBJECT, 'arn:aws:s3:::other/*'),
    }),
    { maxLength: 3 },
  );
  const anyPolicy = statements.map((list) => policy('p', ...list));
  const onResource = fc
    .array(
      fc.record({
        Effect: fc.constantFrom('Allow', 'Deny'),
        Principal: fc.constantFrom('*', { AWS: A }, { AWS: `arn:aws:iam::${A}:role/Deployer` }, { AWS: B }),
        Action: fc.constantFrom('s3:GetObject', '*', 'kms:*'),
        Resource: fc.constantFrom('*', OBJECT),
      }),
      { maxLength: 3 },
    )
    .map((list) => policy('resource', ...list));

  it('opens every request, by no step too many', () => {
    fc.assert(
      fc.property(
        fc.record({
          caller: fc.constantFrom(A, B),
          identity: fc.array(anyPolicy, { maxLength: 2 }),
          boundary: fc.option(anyPolicy, { nil: undefined }),
          session: fc.option(fc.array(anyPolicy, { minLength: 1, maxLength: 2 }), { nil: undefined }),
          control: fc.option(
            fc.array(fc.array(anyPolicy, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 }),
            {
              nil: undefined,
            },
          ),
          resource: fc.array(onResource, { maxLength: 1 }),
          only: fc.boolean(),
        }),
        ({ caller, identity, boundary, session, control, resource, only }) => {
          const input = ask({
            principal: role(caller),
            request: {
              action: 's3:GetObject',
              resource: OBJECT,
              resourceAccount: A,
              resourcePolicies: resource,
              ...(only ? { resourcePolicyMode: 'Only' as const } : {}),
            },
            policies: {
              identity,
              ...(boundary && { boundary }),
              ...(session && { session }),
              ...(control && { serviceControl: control }),
            },
          });
          const { steps } = smallestMend(input);
          expect(decide(withSteps(input, steps)).allowed).toBe(true);
          for (const step of steps) {
            const without = steps.filter((other) => other !== step);
            expect(decide(withSteps(input, without)).allowed).toBe(false);
          }
        },
      ),
      { numRuns: 2_000, seed: 20261124 },
    );
  });
});
