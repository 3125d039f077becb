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

describe('smallestMend()', { timeout: 30_000 }, () => {
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
        gate: 'identity',
        policyType: 'identity-based policy',
        statement: { Effect: 'Allow', Action: 's3:GetObject', Resource: OBJECT },
        words: `Allow s3:GetObject on ${OBJECT} in an identity-based policy of arn:aws:iam::${A}:role/Deployer.`,
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

  it('says which policy to edit: the one that nearly does, and none of AWS’s own', () => {
    const aws = policy('arn:aws:iam::aws:policy/ReadOnlyAccess', { Effect: 'Allow', Action: 'ec2:*', Resource: '*' });
    const own = policy('own on role Deployer', { Effect: 'Allow', Action: 's3:PutObject', Resource: '*' });
    expect(smallestMend(ask({ policies: { identity: [aws] } })).steps[0]).not.toHaveProperty('policyName');
    const step = smallestMend(ask({ policies: { identity: [aws, own] } })).steps[0];
    expect(step).toMatchObject({
      policyName: 'own on role Deployer',
      nearMiss: { differs: { element: 'Action', wanted: ['s3:PutObject'] } },
    });
  });

  it('writes wildcards in a name literally, so that the statement fits this resource alone', () => {
    const resource = 'arn:aws:s3:::artifacts/a*b?c${d}';
    const [step] = smallestMend(ask({ request: { action: 's3:GetObject', resource } })).steps;
    expect(step).toMatchObject({ statement: { Resource: 'arn:aws:s3:::artifacts/a${*}b${?}c${$}{d}' } });
    const other = ask({ request: { action: 's3:GetObject', resource: 'arn:aws:s3:::artifacts/aXbYc${d}' } });
    expect(decide(withSteps(other, step === undefined ? [] : [step])).allowed).toBe(false);
  });

  it('says what a request could carry so that a deny spares it', () => {
    const encrypted = {
      Sid: 'DenyUnEncryptedObjectUploads',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: 'arn:aws:s3:::artifacts/*',
      Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' } },
    };
    const secure = { ...encrypted, Sid: 'DenyInsecure', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    const input = ask({
      policies: { identity: [policy('all', { Effect: 'Allow', Action: '*', Resource: '*' })] },
      request: {
        action: 's3:PutObject',
        resource: OBJECT,
        resourcePolicies: [policy('bucket policy of artifacts', encrypted, secure)],
      },
      context: { 'aws:SecureTransport': 'false' },
    });
    expect(smallestMend(input).steps).toMatchObject([
      {
        kind: 'Remove',
        gate: 'resource',
        statement: encrypted,
        instead: [{ key: 's3:x-amz-server-side-encryption', value: 'aws:kms' }],
        words:
          'The statement DenyUnEncryptedObjectUploads of bucket policy of artifacts denies it, and no statement outweighs a Deny: ' +
          'remove or narrow it. It spares a request with s3:x-amz-server-side-encryption = aws:kms.',
      },
      { kind: 'Remove', instead: [{ key: 'aws:SecureTransport', value: 'true' }] },
    ]);
  });

  it('says what a statement that nearly allows wants of the request', () => {
    const via = {
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: '*',
      Condition: {
        StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' },
        ArnLike: { 'kms:EncryptionContext:aws:s3:arn': 'arn:aws:s3:::artifacts*' },
      },
    };
    const input = ask({
      request: { action: 'kms:Decrypt', resource: KEY },
      policies: { identity: [policy('p', via)] },
      context: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' },
    });
    expect(smallestMend(input).steps[0]).toMatchObject({
      nearMiss: {
        differs: { key: 'kms:ViaService', found: ['s3.eu-west-1.amazonaws.com'] },
        alsoUnmet: [{ key: 'kms:EncryptionContext:aws:s3:arn' }],
        supply: [
          { key: 'kms:ViaService', value: 's3.us-east-1.amazonaws.com' },
          { key: 'kms:EncryptionContext:aws:s3:arn', value: 'arn:aws:s3:::artifacts' },
        ],
        words:
          'Statement 1 of p nearly allows it: StringEquals wants kms:ViaService s3.us-east-1.amazonaws.com, and the request has ' +
          's3.eu-west-1.amazonaws.com, and ArnLike wants kms:EncryptionContext:aws:s3:arn arn:aws:s3:::artifacts*, and the ' +
          'request does not have it. It allows a request with kms:ViaService = s3.us-east-1.amazonaws.com and with ' +
          'kms:EncryptionContext:aws:s3:arn = arn:aws:s3:::artifacts.',
      },
    });
  });

  it.each([
    [KEY, `arn:aws:kms:us-east-1:${A}:alias/k`, 'a key is named by the ARN of the key, not of an alias'],
    ['arn:aws:s3:::artifacts', 'arn:aws:s3:::artifacts/*', 'the bucket itself is arn:aws:s3:::artifacts, without /*'],
    [KEY, KEY.replace('us-east-1', 'eu-west-1'), 'the resource is in us-east-1'],
    [KEY, KEY.replace(A, B), `the resource is of account ${A}`],
    ['arn:aws:s3:::B/k', 'arn:aws:s3:::b/k', 'ARNs are compared with regard to case'],
    [
      'arn:aws:logs:us-east-1:1:log-group:g:s',
      'arn:aws:logs:us-east-1:1:log-group:g',
      'what belongs to it is arn:aws:logs:us-east-1:1:log-group:g:*',
    ],
    ['*', 'arn:aws:s3:::b', 'the action knows no resource, and is asked for *'],
    [
      'arn:aws:s3:::b/ann',
      'arn:aws:s3:::b/${aws:username}',
      'a variable in it has another value, or none, in this request',
    ],
  ])('hints at the slip of %s against %s', (resource, pattern, hint) => {
    const near = policy('p', { Effect: 'Allow', Action: 'x:*', Resource: pattern });
    const input = ask({ request: { action: 'x:Y', resource }, policies: { identity: [near] } });
    expect(smallestMend(input).steps[0]).toMatchObject({ nearMiss: { differs: { element: 'Resource', hint } } });
  });

  it('tells a role made anew from the one that a trust policy is bound to', () => {
    const trust = policy('trust policy of X', {
      Effect: 'Allow',
      Principal: { AWS: 'AROAFORMERDEPLOYER00' },
      Action: 'sts:AssumeRole',
    });
    const request = {
      action: 'sts:AssumeRole',
      resource: `arn:aws:iam::${A}:role/X`,
      resourcePolicyMode: 'Only' as const,
      resourcePolicies: [trust],
    };
    expect(smallestMend(ask({ request })).steps).toMatchObject([
      {
        gate: 'trust',
        policyName: 'trust policy of X',
        statement: { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${A}:role/Deployer` }, Action: 'sts:AssumeRole' },
        nearMiss: {
          differs: {
            element: 'Principal',
            hint: 'a policy keeps the unique id of the user or role that it was saved with; one made anew under its name is another',
          },
        },
      },
    ]);
  });

  it('has a policy that cannot be read written anew', () => {
    const input = ask({ policies: { identity: [{ name: 'broken', document: '{' }] } });
    expect(smallestMend(input).steps).toMatchObject([
      { kind: 'Remove', words: 'broken cannot be read and therefore denies everything: write it anew.' },
      { kind: 'Add', policyType: 'identity-based policy' },
    ]);
  });

  it('gives the session of GetFederationToken the session policy that it lacks', () => {
    const federated: Principal = {
      type: 'FederatedUser',
      account: A,
      arn: `arn:aws:sts::${A}:federated-user/bob`,
      name: 'bob',
      userArn: `arn:aws:iam::${A}:user/ann`,
      issuedAt: 0,
      expiresAt: 1,
    };
    const all = policy('all', { Effect: 'Allow', Action: '*', Resource: '*' });
    expect(smallestMend(ask({ principal: federated, policies: { identity: [all] } })).steps).toMatchObject([
      { gate: 'session', statement: { Action: 's3:GetObject', Resource: OBJECT } },
    ]);
  });

  const condition = fc.constantFrom<Record<string, unknown>[]>(
    {},
    { Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } } },
    { Condition: { StringNotLike: { 'aws:PrincipalTag/team': 'red*' }, Bool: { 'aws:SecureTransport': 'true' } } },
    { Condition: { Null: { 'aws:PrincipalTag/team': 'true' } } },
  );
  const statement = (rest: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Statement> =>
    fc
      .tuple(fc.record({ Effect: fc.constantFrom('Allow', 'Allow', 'Deny'), ...rest }), condition)
      .map(([plain, conditions]) => ({ ...plain, ...conditions }));
  const anyPolicy = fc
    .tuple(
      fc.constantFrom('p', 'q', 'r'),
      fc.array(
        statement({
          Action: fc.constantFrom('s3:GetObject', 's3:*', '*', 'kms:*'),
          Resource: fc.constantFrom('*', OBJECT, 'arn:aws:s3:::other/*'),
        }),
        { maxLength: 3 },
      ),
    )
    .map(([name, list]) => policy(name, ...list));
  const onResource = fc
    .array(
      statement({
        Principal: fc.constantFrom('*', { AWS: A }, { AWS: `arn:aws:iam::${A}:role/Deployer` }, { AWS: B }),
        Action: fc.constantFrom('s3:GetObject', '*', 'kms:*'),
        Resource: fc.constantFrom('*', OBJECT),
      }),
      { maxLength: 3 },
    )
    .map((list) => policy('resource', ...list));
  const levels = fc.option(
    fc.array(fc.array(anyPolicy, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 }),
    { nil: undefined },
  );
  const callers = fc.constantFrom<Principal[]>(
    role(A),
    role(B),
    { type: 'User', account: A, arn: `arn:aws:iam::${A}:user/ann`, userName: 'ann', userId: 'AIDAANN' },
    { type: 'Root', account: A, arn: `arn:aws:iam::${A}:root` },
    { type: 'Root', account: B, arn: `arn:aws:iam::${B}:root` },
    {
      type: 'FederatedUser',
      account: A,
      arn: `arn:aws:sts::${A}:federated-user/bob`,
      name: 'bob',
      userArn: `arn:aws:iam::${A}:user/ann`,
      issuedAt: 0,
      expiresAt: 1,
    },
    { type: 'Service', service: 'codepipeline.amazonaws.com' },
    { type: 'Anonymous' },
  );

  it('opens every request, by no step too many', () => {
    fc.assert(
      fc.property(
        fc.record({
          principal: callers,
          identity: fc.array(anyPolicy, { maxLength: 2 }),
          boundary: fc.option(anyPolicy, { nil: undefined }),
          session: fc.option(fc.array(anyPolicy, { minLength: 1, maxLength: 2 }), { nil: undefined }),
          endpoint: fc.option(anyPolicy, { nil: undefined }),
          serviceControl: levels,
          resourceControl: levels,
          resource: fc.array(onResource, { maxLength: 1 }),
          mode: fc.constantFrom<Partial<DecisionInput['request']>[]>({}, {}, { resourcePolicyMode: 'Only' }),
          context: fc.constantFrom<DecisionInput['context'][]>(
            {},
            { 'aws:RequestedRegion': 'us-east-1', 'aws:SecureTransport': 'true' },
            { 'aws:PrincipalTag/team': 'reddish', 'aws:SecureTransport': 'true' },
          ),
        }),
        ({
          principal,
          identity,
          boundary,
          session,
          endpoint,
          serviceControl,
          resourceControl,
          resource,
          mode,
          context,
        }) => {
          const input = ask({
            principal,
            context,
            request: {
              action: 's3:GetObject',
              resource: OBJECT,
              resourceAccount: A,
              resourcePolicies: resource,
              ...mode,
            },
            policies: {
              identity,
              ...(boundary && { boundary }),
              ...(session && { session }),
              ...(endpoint && { endpoint }),
              ...(serviceControl && { serviceControl }),
              ...(resourceControl && { resourceControl }),
            },
          });
          const mend = smallestMend(input);
          const { steps } = mend;
          expect(decide(withSteps(input, steps)).allowed).toBe(true);
          for (const step of steps) {
            const without = steps.filter((other) => other !== step);
            expect(decide(withSteps(input, without)).allowed).toBe(false);
            for (const supply of step.kind === 'Remove' ? (step.instead ?? []) : []) {
              const context = { ...input.context, ...(supply.value === null ? {} : { [supply.key]: supply.value }) };
              const carrying = supply.value === null ? input : { ...input, context };
              const after = decide(carrying);
              if (supply.value !== null && !after.allowed && after.reason.kind === 'explicit') {
                expect(after.reason.by).not.toEqual(step.kind === 'Remove' ? step.by : undefined);
              }
            }
          }
          expect(JSON.parse(JSON.stringify(mend))).toEqual(mend);
          expect(smallestMend(input)).toEqual(mend);
        },
      ),
      { numRuns: 300, seed: 20261124 },
    );
  });
});
