import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessRequest, Principal } from '../../common/index.ts';
import { decide, type DecisionInput, denialMessage, type PolicyDecision } from './index.ts';

const A = '111111111111';
const B = '222222222222';
const bucket = 'arn:aws:s3:::artifacts';
const object = `${bucket}/build.zip`;

type Statement = Record<string, unknown>;

const doc = (...statements: Statement[]): string => JSON.stringify({ Version: '2012-10-17', Statement: statements });
const named = (name: string, ...statements: Statement[]) => ({ name, document: doc(...statements) });
const allow = (rest: Statement = {}): Statement => ({
  Effect: 'Allow',
  Action: 's3:GetObject',
  Resource: '*',
  ...rest,
});
const deny = (rest: Statement = {}): Statement => ({ ...allow(rest), Effect: 'Deny' });

const user: Principal = {
  type: 'User',
  account: A,
  arn: `arn:aws:iam::${A}:user/ann`,
  userName: 'ann',
  userId: 'AIDAANN',
};
const role: Principal = {
  type: 'AssumedRole',
  account: A,
  arn: `arn:aws:sts::${A}:assumed-role/Builder/run-1`,
  roleArn: `arn:aws:iam::${A}:role/ci/Builder`,
  roleName: 'Builder',
  roleId: 'AROABUILDER',
  sessionName: 'run-1',
  issuedAt: 0,
  expiresAt: 3_600_000,
};
const root: Principal = { type: 'Root', account: A, arn: `arn:aws:iam::${A}:root` };
const service: Principal = { type: 'Service', service: 'codepipeline.amazonaws.com' };
const anonymous: Principal = { type: 'Anonymous' };

type Case = Partial<Omit<DecisionInput, 'policies' | 'request'>> & {
  request?: Partial<AccessRequest>;
  identity?: Statement[];
  boundary?: Statement[];
  session?: Statement[];
  resource?: Statement[];
  serviceControl?: Statement[][];
  resourceControl?: Statement[][];
};

function ask(c: Case): PolicyDecision {
  return decide({
    principal: c.principal ?? role,
    scope: c.scope ?? { account: A, region: 'us-east-1' },
    context: c.context ?? {},
    request: {
      action: 's3:GetObject',
      resource: object,
      ...(c.resource === undefined ? {} : { resourcePolicies: [named('bucket policy', ...c.resource)] }),
      ...c.request,
    },
    policies: {
      identity: c.identity === undefined ? [] : [named('identity', ...c.identity)],
      ...(c.boundary && { boundary: named('boundary', ...c.boundary) }),
      ...(c.session && { session: [named('session', ...c.session)] }),
      ...(c.serviceControl && { serviceControl: c.serviceControl.map((level, i) => [named(`scp ${i}`, ...level)]) }),
      ...(c.resourceControl && { resourceControl: c.resourceControl.map((level, i) => [named(`rcp ${i}`, ...level)]) }),
    },
  });
}

/** `allowed`, or the kind and type of the denial. */
function verdict(c: Case): string {
  const decision = ask(c);
  return decision.allowed ? 'allowed' : `${decision.reason.kind} ${decision.reason.policyType}`;
}

const to = (principal: unknown, rest: Statement = {}): Statement => allow({ Principal: principal, ...rest });

describe('decide() within an account', () => {
  it.each<[string, Case, string]>([
    ['nothing', {}, 'implicit identity-based policy'],
    ['identity allows', { identity: [allow()] }, 'allowed'],
    [
      'identity allows another action',
      { identity: [allow({ Action: 's3:PutObject' })] },
      'implicit identity-based policy',
    ],
    ['identity allows and denies', { identity: [allow(), deny()] }, 'explicit identity-based policy'],
    [
      'boundary lacks',
      { identity: [allow()], boundary: [allow({ Action: 'ec2:*' })] },
      'implicit permissions boundary',
    ],
    ['boundary is empty', { identity: [allow()], boundary: [] }, 'implicit permissions boundary'],
    ['boundary denies', { identity: [allow()], boundary: [allow(), deny()] }, 'explicit permissions boundary'],
    ['boundary alone', { boundary: [allow()] }, 'implicit identity-based policy'],
    ['session lacks', { identity: [allow()], session: [allow({ Action: 'ec2:*' })] }, 'implicit session policy'],
    ['session denies', { identity: [allow()], session: [deny()] }, 'explicit session policy'],
    ['all three', { identity: [allow()], boundary: [allow()], session: [allow()] }, 'allowed'],
    [
      'resource denies',
      { identity: [allow()], resource: [deny({ Principal: '*' })] },
      'explicit resource-based policy',
    ],
    // The table of same-account resource policies.
    ['session ARN named', { resource: [to({ AWS: role.arn })], boundary: [], session: [] }, 'allowed'],
    ['role ARN named', { resource: [to({ AWS: role.roleArn })] }, 'allowed'],
    ['role id named', { resource: [to({ AWS: 'AROABUILDER' })] }, 'allowed'],
    [
      'role ARN named, boundary lacks',
      { resource: [to({ AWS: role.roleArn })], boundary: [] },
      'implicit permissions boundary',
    ],
    [
      'role ARN named, session lacks',
      { resource: [to({ AWS: role.roleArn })], session: [] },
      'implicit session policy',
    ],
    ['user named, boundary lacks', { principal: user, resource: [to({ AWS: user.arn })], boundary: [] }, 'allowed'],
    ['user id named', { principal: user, resource: [to({ AWS: 'AIDAANN' })] }, 'allowed'],
    ['account named', { resource: [to({ AWS: A })] }, 'implicit identity-based policy'],
    ['account root named', { resource: [to({ AWS: `arn:aws:iam::${A}:root` })] }, 'implicit identity-based policy'],
    ['everybody named', { resource: [to('*')] }, 'allowed'],
    ['everybody named as AWS', { resource: [to({ AWS: '*' })] }, 'allowed'],
    [
      'another role named',
      { resource: [to({ AWS: `arn:aws:iam::${A}:role/Other` })] },
      'implicit identity-based policy',
    ],
    ['no principal in a resource policy', { resource: [allow()] }, 'implicit identity-based policy'],
    // Root.
    ['root', { principal: root }, 'allowed'],
    [
      'root denied by the bucket',
      { principal: root, resource: [deny({ Principal: '*' })] },
      'explicit resource-based policy',
    ],
    [
      'root under SCP',
      { principal: root, serviceControl: [[allow({ Action: 'ec2:*' })]] },
      'implicit service control policy',
    ],
    // Session tokens.
    ['session token', { principal: { ...root, temporary: { issuedAt: 0, expiresAt: 1 } } }, 'allowed'],
    [
      'session token and IAM',
      { principal: { ...root, temporary: { issuedAt: 0, expiresAt: 1 } }, request: { action: 'iam:CreateUser' } },
      'implicit session policy',
    ],
  ])('%s', (_, c, expected) => {
    expect(verdict(c)).toBe(expected);
  });
});

describe('decide() across accounts', () => {
  const there: Case = { request: { resourceAccount: B } };
  it.each<[string, Case, string]>([
    ['nothing', {}, 'implicit resource-based policy'],
    ['identity alone', { identity: [allow()] }, 'implicit resource-based policy'],
    ['account let in, no identity', { resource: [to({ AWS: A })] }, 'implicit resource-based policy'],
    ['role let in, no identity', { resource: [to({ AWS: role.roleArn })] }, 'implicit identity-based policy'],
    ['session let in, no identity', { resource: [to({ AWS: role.arn })] }, 'implicit identity-based policy'],
    ['both', { identity: [allow()], resource: [to({ AWS: A })] }, 'allowed'],
    ['both, by role', { identity: [allow()], resource: [to({ AWS: role.roleArn })] }, 'allowed'],
    [
      'both, boundary lacks',
      { identity: [allow()], resource: [to({ AWS: role.arn })], boundary: [] },
      'implicit permissions boundary',
    ],
    [
      'both, session lacks',
      { identity: [allow()], resource: [to({ AWS: role.arn })], session: [] },
      'implicit session policy',
    ],
    ['identity denies', { identity: [deny()], resource: [to({ AWS: A })] }, 'explicit identity-based policy'],
    [
      'resource denies',
      { identity: [allow()], resource: [deny({ Principal: '*' })] },
      'explicit resource-based policy',
    ],
    ['both deny', { identity: [deny()], resource: [deny({ Principal: '*' })] }, 'explicit identity-based policy'],
    ['root', { principal: root }, 'implicit resource-based policy'],
    ['root let in', { principal: root, resource: [to({ AWS: A })] }, 'allowed'],
    ['granted', { request: { resourceAccount: B, grantedBy: 'grant 1' } }, 'allowed'],
    [
      'granted but denied',
      { request: { resourceAccount: B, grantedBy: 'grant 1' }, identity: [deny()] },
      'explicit identity-based policy',
    ],
  ])('%s', (_, c, expected) => {
    expect(verdict({ ...c, request: { ...there.request, ...policiesOf(c), ...c.request } })).toBe(expected);
  });

  function policiesOf(c: Case): Partial<AccessRequest> {
    return c.resource === undefined ? {} : { resourcePolicies: [named('bucket policy', ...c.resource)] };
  }
});

describe('decide() where the resource policy alone decides', () => {
  const key = `arn:aws:kms:us-east-1:${A}:key/1`;
  const kms = (c: Case): Case => ({
    ...c,
    request: {
      action: 'kms:Decrypt',
      resource: key,
      resourcePolicyMode: 'Only',
      resourcePolicies: c.resource === undefined ? [] : [named('key policy', ...c.resource)],
    },
  });
  const decrypt = (rest: Statement = {}): Statement => allow({ Action: 'kms:*', ...rest });
  it.each<[string, Case, string]>([
    ['identity without delegation', { identity: [decrypt()] }, 'implicit resource-based policy'],
    [
      'delegation without identity',
      { resource: [decrypt({ Principal: { AWS: A } })] },
      'implicit identity-based policy',
    ],
    ['delegation and identity', { identity: [decrypt()], resource: [decrypt({ Principal: { AWS: A } })] }, 'allowed'],
    ['role named', { resource: [decrypt({ Principal: { AWS: role.roleArn } })] }, 'allowed'],
    ['root without the policy', { principal: root, resource: [] }, 'implicit resource-based policy'],
    ['root with delegation', { principal: root, resource: [decrypt({ Principal: { AWS: A } })] }, 'allowed'],
    [
      'service named',
      { principal: service, resource: [decrypt({ Principal: { Service: 'codepipeline.amazonaws.com' } })] },
      'allowed',
    ],
    [
      'service not named',
      { principal: service, resource: [decrypt({ Principal: { AWS: A } })] },
      'implicit resource-based policy',
    ],
  ])('%s', (_, c, expected) => {
    expect(verdict(kms(c))).toBe(expected);
  });

  const trust = (c: Case, resourceAccount = A): Case => ({
    ...c,
    request: {
      action: 'sts:AssumeRole',
      resource: `arn:aws:iam::${resourceAccount}:role/X`,
      resourceAccount,
      resourcePolicyMode: 'Only',
      resourcePolicies: c.resource === undefined ? [] : [named('trust', ...c.resource)],
    },
  });
  const assume = (principal: unknown, rest: Statement = {}): Statement => ({
    Effect: 'Allow',
    Action: 'sts:AssumeRole',
    Principal: principal,
    ...rest,
  });
  it.each<[string, Case, string]>([
    ['trust names the user', trust({ principal: user, resource: [assume({ AWS: user.arn })] }), 'allowed'],
    ['trust names nobody', trust({ principal: user, resource: [] }), 'implicit role trust policy'],
    [
      'trust names the account',
      trust({ principal: user, resource: [assume({ AWS: A })] }),
      'implicit identity-based policy',
    ],
    [
      'trust names the account, identity allows',
      trust({ principal: user, resource: [assume({ AWS: A })], identity: [allow({ Action: 'sts:AssumeRole' })] }),
      'allowed',
    ],
    [
      'across accounts, trust alone',
      trust({ principal: user, resource: [assume({ AWS: user.arn })] }, B),
      'implicit identity-based policy',
    ],
    [
      'across accounts, both',
      trust({ principal: user, resource: [assume({ AWS: A })], identity: [allow({ Action: 'sts:*' })] }, B),
      'allowed',
    ],
    [
      'service',
      trust({ principal: service, resource: [assume({ Service: 'codepipeline.amazonaws.com' })] }),
      'allowed',
    ],
    [
      'regional service name',
      trust({ principal: service, resource: [assume({ Service: 'codepipeline.eu-west-1.amazonaws.com' })] }),
      'allowed',
    ],
    [
      'web identity',
      trust({ principal: { type: 'Federated', provider: 'arn:p' }, resource: [assume({ Federated: 'arn:p' })] }),
      'allowed',
    ],
    [
      'trust denies',
      trust({ principal: user, resource: [assume({ AWS: user.arn }), { ...assume('*'), Effect: 'Deny' }] }),
      'explicit role trust policy',
    ],
  ])('%s', (_, c, expected) => {
    expect(verdict(c)).toBe(expected);
  });

  it('takes the confused-deputy keys of a service into account', () => {
    const c = trust({
      principal: service,
      resource: [
        assume({ Service: 'codepipeline.amazonaws.com' }, { Condition: { StringEquals: { 'aws:SourceAccount': A } } }),
      ],
    });
    expect(verdict({ ...c, context: { 'aws:SourceAccount': A } })).toBe('allowed');
    expect(verdict({ ...c, context: { 'aws:SourceAccount': B } })).toBe('implicit role trust policy');
    expect(verdict(c)).toBe('implicit role trust policy');
  });
});

describe('decide() for services and strangers', () => {
  it.each<[string, Case, string]>([
    ['service, nothing', { principal: service }, 'implicit resource-based policy'],
    ['service, named', { principal: service, resource: [to({ Service: 'codepipeline.amazonaws.com' })] }, 'allowed'],
    ['service, everybody', { principal: service, resource: [to('*')] }, 'allowed'],
    [
      'service, its account named',
      { principal: service, resource: [to({ AWS: A })] },
      'implicit resource-based policy',
    ],
    [
      'service, metrics',
      { principal: service, request: { action: 'cloudwatch:PutMetricData', resource: '*' } },
      'allowed',
    ],
    [
      'service, metrics of a customer',
      {
        principal: service,
        request: { action: 'cloudwatch:PutMetricData', resource: '*' },
        context: { 'cloudwatch:namespace': 'Mine' },
      },
      'implicit resource-based policy',
    ],
    [
      'service, own events',
      { principal: service, request: { action: 'events:PutEvents' }, context: { 'events:source': 'aws.codepipeline' } },
      'allowed',
    ],
    [
      "service, another's events",
      { principal: service, request: { action: 'events:PutEvents' }, context: { 'events:source': 'aws.s3' } },
      'implicit resource-based policy',
    ],
    [
      'service, under RCP',
      { principal: service, resource: [to('*')], resourceControl: [[deny()]] },
      'explicit resource control policy',
    ],
    ['anonymous', { principal: anonymous }, 'implicit resource-based policy'],
    ['anonymous, everybody', { principal: anonymous, resource: [to('*')] }, 'allowed'],
    ['anonymous, account', { principal: anonymous, resource: [to({ AWS: A })] }, 'implicit resource-based policy'],
  ])('%s', (_, c, expected) => {
    expect(verdict(c)).toBe(expected);
  });
});

describe('decide() under an organisation', () => {
  it.each<[string, Case, string]>([
    ['every level allows', { identity: [allow()], serviceControl: [[allow({ Action: '*' })], [allow()]] }, 'allowed'],
    [
      'one level lacks',
      { identity: [allow()], serviceControl: [[allow({ Action: '*' })], []] },
      'implicit service control policy',
    ],
    [
      'one level denies',
      { identity: [allow()], serviceControl: [[allow({ Action: '*' })], [allow(), deny()]] },
      'explicit service control policy',
    ],
    ['an SCP grants nothing', { serviceControl: [[allow({ Action: '*' })]] }, 'implicit identity-based policy'],
    ['RCP lacks', { identity: [allow()], resourceControl: [[]] }, 'implicit resource control policy'],
    [
      'service-linked role',
      {
        principal: { ...role, roleArn: `arn:aws:iam::${A}:role/aws-service-role/ecs.amazonaws.com/X` },
        identity: [allow()],
        serviceControl: [[]],
      },
      'allowed',
    ],
  ])('%s', (_, c, expected) => {
    expect(verdict(c)).toBe(expected);
  });
});

describe('decide() NotPrincipal', () => {
  const others = (...names: string[]): Case => ({
    identity: [allow()],
    resource: [{ Effect: 'Deny', NotPrincipal: { AWS: names }, Action: '*', Resource: '*' }],
  });
  it('lets a session off only when account, role and session are listed', () => {
    expect(verdict(others(A, role.roleArn, role.arn))).toBe('allowed');
    expect(verdict(others(A, role.roleArn))).toBe('explicit resource-based policy');
    expect(verdict(others(role.roleArn, role.arn))).toBe('explicit resource-based policy');
  });
});

describe('decide() explains itself', () => {
  it('names the statement that decided', () => {
    const decision = ask({ identity: [allow(), deny({ Sid: 'NoReading' })] });
    expect(decision).toMatchObject({
      allowed: false,
      reason: { kind: 'explicit', by: { policyName: 'identity', statementIndex: 1, sid: 'NoReading' } },
    });
  });

  it('lists the gates in order, open and closed', () => {
    const decision = ask({ identity: [allow()], boundary: [allow()], session: [], resource: [to({ AWS: A })] });
    expect(decision.gates.map(({ gate, state }) => `${gate} ${state}`)).toEqual([
      'identity open',
      'boundary open',
      'session closed',
      'resource open',
    ]);
  });

  it('says which gates were not needed', () => {
    expect(ask({ resource: [to({ AWS: role.arn })] }).gates).toMatchObject([
      { gate: 'identity', state: 'bypassed' },
      { gate: 'resource', state: 'open' },
    ]);
  });

  it('denies when a policy cannot be read', () => {
    const decision = decide({
      principal: role,
      scope: { account: A, region: 'us-east-1' },
      context: {},
      request: { action: 's3:GetObject', resource: object },
      policies: {
        identity: [named('good', allow()), { name: 'bad', document: '{"Statement":[{"Effect":"Perhaps"}]}' }],
      },
    });
    expect(decision).toMatchObject({ allowed: false, reason: { kind: 'explicit', by: { policyName: 'bad' } } });
  });
});

describe('denialMessage()', () => {
  const message = (c: Case): string => {
    const decision = ask(c);
    if (decision.allowed) throw new Error('allowed');
    return denialMessage(c.principal ?? role, { action: 's3:GetObject', resource: object, ...c.request }, decision);
  };
  const head = `User: ${role.arn} is not authorized to perform: s3:GetObject on resource: ${object}`;

  it.each<[Case, string]>([
    [{}, `${head} because no identity-based policy allows the s3:GetObject action`],
    [{ identity: [deny()] }, `${head} with an explicit deny in an identity-based policy`],
    [{ resource: [deny({ Principal: '*' })] }, `${head} with an explicit deny in a resource-based policy`],
    [{ identity: [allow()], boundary: [] }, `${head} because no permissions boundary allows the s3:GetObject action`],
    [{ identity: [allow()], session: [] }, `${head} because no session policy allows the s3:GetObject action`],
    [{ serviceControl: [[deny()]] }, `${head} with an explicit deny in a service control policy`],
    [
      { request: { action: 's3:ListAllMyBuckets', resource: '*' } },
      `User: ${role.arn} is not authorized to perform: s3:ListAllMyBuckets because no identity-based policy allows the s3:ListAllMyBuckets action`,
    ],
  ])('%#', (c, expected) => {
    expect(message(c)).toBe(expected);
  });

  it('tells nothing of another account’s roles', () => {
    const request = {
      action: 'sts:AssumeRole',
      resource: `arn:aws:iam::${B}:role/X`,
      resourceAccount: B,
      resourcePolicyMode: 'Only' as const,
    };
    expect(message({ request })).toBe(
      `User: ${role.arn} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::${B}:role/X`,
    );
  });
});

// --- what holds for any policies ---

const action = fc.constantFrom('s3:GetObject', 's3:*', '*', 's3:Put*', 's3:?etObject', 'ec2:*');
const resource = fc.constantFrom('*', object, `${bucket}/*`, 'arn:aws:s3:::other/*', 'arn:aws:s3:::art?facts/*');
const condition = fc.constantFrom(
  undefined,
  { StringEquals: { 'aws:PrincipalTag/team': 'red' } },
  { StringNotEquals: { 'aws:PrincipalTag/team': 'red' } },
  { Null: { 'aws:PrincipalTag/team': 'true' } },
);
const principal = fc.constantFrom('*', { AWS: A }, { AWS: role.roleArn }, { AWS: role.arn }, { AWS: B });
const statement = (effect: fc.Arbitrary<string>): fc.Arbitrary<Statement> =>
  fc
    .record({ Effect: effect, Action: action, Resource: resource, Condition: condition })
    .map(({ Condition, ...rest }) => (Condition === undefined ? rest : { ...rest, Condition }));
const either = fc.constantFrom('Allow', 'Deny');
const statements = fc.array(statement(either), { maxLength: 4 });
const optional = fc.option(statements, { nil: undefined });
const resourceStatements = fc.array(
  fc.tuple(statement(either), principal).map(([s, Principal]) => ({ ...s, Principal })),
  { maxLength: 3 },
);
type Context = Record<string, string>;
const anyCase: fc.Arbitrary<Case> = fc
  .record({
    identity: statements,
    boundary: optional,
    session: optional,
    resource: resourceStatements,
    context: fc.constantFrom<Context[]>({}, { 'aws:PrincipalTag/team': 'red' }, { 'AWS:PRINCIPALTAG/TEAM': 'blue' }),
    across: fc.boolean(),
  })
  .map(({ across, ...c }) => ({
    ...c,
    request: {
      resourceAccount: across ? B : A,
      resourcePolicies: [named('bucket policy', ...c.resource)],
    },
  }));

describe('decide() always', () => {
  it('lets a Deny win', () => {
    fc.assert(
      fc.property(anyCase, fc.constantFrom('identity', 'boundary', 'session'), (c, where) => {
        const denied = { ...c, [where]: [...(c[where as 'identity'] ?? []), deny({ Action: '*' })] };
        expect(ask(denied).allowed).toBe(false);
      }),
    );
  });

  it('never takes a permission away for an added Allow', () => {
    fc.assert(
      fc.property(
        anyCase,
        statement(fc.constant('Allow')),
        fc.constantFrom('identity', 'boundary', 'session'),
        (c, more, where) => {
          const before = c[where as 'identity'];
          if (!ask(c).allowed || before === undefined) return;
          expect(ask({ ...c, [where]: [...before, more] }).allowed).toBe(true);
        },
      ),
    );
  });

  it('never gives a permission for a boundary, session policy or service control policy', () => {
    fc.assert(
      fc.property(anyCase, statements, (c, more) => {
        const { boundary: _, session: __, ...free } = c;
        if (ask(free).allowed) return;
        expect(ask({ ...free, boundary: more }).allowed).toBe(false);
        expect(ask({ ...free, session: more }).allowed).toBe(false);
        expect(ask({ ...free, serviceControl: [more] }).allowed).toBe(false);
      }),
    );
  });

  it('does not depend on the order of statements', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        const turned = { ...c, identity: [...(c.identity ?? [])].reverse() };
        expect(verdict(turned)).toBe(verdict(c));
      }),
    );
  });

  it('needs both sides across accounts', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        if (c.request?.resourceAccount !== B || !ask(c).allowed) return;
        expect(ask({ ...c, identity: [] }).allowed).toBe(false);
        expect(ask({ ...c, request: { ...c.request, resourcePolicies: [] } }).allowed).toBe(false);
      }),
    );
  });

  it('has a closed gate exactly when it denies', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        const { allowed, gates } = ask(c);
        expect(gates.some(({ state }) => state === 'closed')).toBe(!allowed);
      }),
    );
  });
});
