/** Random policies, callers and requests, near enough to each other that statements often meet them. */
import fc from 'fast-check';
import type { Caller, DecisionInput, NamedPolicy } from '../../src/core/policy/index.ts';

export const A = '111111111111';
export const B = '222222222222';
const C = '333333333333';

type Json = Record<string, unknown>;

export const callers: readonly Caller[] = [
  ...[A, B].flatMap((account): Caller[] => [
    {
      type: 'AssumedRole',
      account,
      arn: `arn:aws:sts::${account}:assumed-role/R/s`,
      roleArn: `arn:aws:iam::${account}:role/p/R`,
      roleName: 'R',
      roleId: 'AROAR',
      sessionName: 's',
      issuedAt: 0,
      expiresAt: 1,
    },
    { type: 'User', account, arn: `arn:aws:iam::${account}:user/u`, userName: 'u', userId: 'AIDAU' },
    { type: 'Root', account, arn: `arn:aws:iam::${account}:root` },
    {
      type: 'FederatedUser',
      account,
      arn: `arn:aws:sts::${account}:federated-user/f`,
      name: 'f',
      userArn: `arn:aws:iam::${account}:user/u`,
      userId: 'AIDAU',
      issuedAt: 0,
      expiresAt: 1,
    },
  ]),
  {
    type: 'AssumedRole',
    account: A,
    arn: `arn:aws:sts::${A}:assumed-role/W/w`,
    roleArn: `arn:aws:iam::${A}:role/W`,
    roleName: 'W',
    roleId: 'AROAW',
    sessionName: 'w',
    federatedProvider: `arn:aws:iam::${A}:oidc-provider/idp.example`,
    issuedAt: 0,
    expiresAt: 1,
  },
  {
    type: 'AssumedRole',
    account: A,
    arn: `arn:aws:sts::${A}:assumed-role/L/s`,
    roleArn: `arn:aws:iam::${A}:role/aws-service-role/ecs.amazonaws.com/L`,
    roleName: 'L',
    roleId: 'AROAL',
    sessionName: 's',
    issuedAt: 0,
    expiresAt: 1,
  },
  { type: 'Root', account: A, arn: `arn:aws:iam::${A}:root`, temporary: { issuedAt: 0, expiresAt: 1 } },
  { type: 'Service', service: 'codepipeline.amazonaws.com', sourceAccount: A },
  { type: 'Federated', provider: `arn:aws:iam::${A}:oidc-provider/idp.example` },
  { type: 'Anonymous' },
];

const names = [
  '*',
  A,
  B,
  C,
  `arn:aws:iam::${A}:root`,
  `arn:aws:iam::${A}:role/p/R`,
  `arn:aws:iam::${B}:role/p/R`,
  `arn:aws:sts::${A}:assumed-role/R/s`,
  `arn:aws:iam::${A}:user/u`,
  `arn:aws:iam::${B}:user/u`,
  `arn:aws:sts::${A}:federated-user/f`,
  'AROAR',
  'AIDAU',
];

const oneOrMany = <T>(values: readonly T[]): fc.Arbitrary<T | T[]> =>
  fc.oneof(fc.constantFrom(...values), fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 4 }));

const principalElement: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 1, arbitrary: fc.constant('*') },
  { weight: 6, arbitrary: oneOrMany(names).map((AWS) => ({ AWS })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { Service: 'codepipeline.amazonaws.com' },
      { Service: ['s3.amazonaws.com'], AWS: A },
      { Federated: `arn:aws:iam::${A}:oidc-provider/idp.example` },
    ),
  },
);

const requests: readonly Pick<DecisionInput['request'], 'action' | 'resource'>[] = [
  { action: 's3:GetObject', resource: 'arn:aws:s3:::b/k' },
  { action: 's3:GetObject', resource: 'arn:aws:s3:::b/u/a*c' },
  { action: 's3:ListAllMyBuckets', resource: '*' },
  { action: 'kms:Decrypt', resource: `arn:aws:kms:us-east-1:${A}:key/k` },
  { action: 'sts:AssumeRole', resource: `arn:aws:iam::${A}:role/X` },
  { action: 'iam:PassRole', resource: `arn:aws:iam::${A}:role/X` },
  { action: 'iam:GetUser', resource: `arn:aws:iam::${A}:user/u` },
  { action: 'lambda:InvokeFunction', resource: `arn:aws:lambda:us-east-1:${A}:function:f:1` },
];

const actions = [
  '*',
  's3:*',
  's3:GetObject',
  'S3:get?bject',
  'kms:*',
  'sts:Assume*',
  'iam:*',
  '*:*',
  'lambda:Invoke*',
  's3:List*',
];
const resources = [
  '*',
  'arn:aws:s3:::b/*',
  'arn:aws:s3:::b/k',
  'arn:aws:s3:::b/${aws:username}/*',
  "arn:aws:s3:::b/${aws:missing, 'u'}/a${*}c",
  'arn:aws:s3:::b/?/a?c',
  'arn:aws:s3',
  'arn:*:*:*:*:*',
  `arn:aws:kms:*:${A}:key/*`,
  `arn:aws:kms:us-east-1:${B}:key/*`,
  `arn:aws:iam::${A}:role/*`,
  `arn:aws:lambda:us-east-1:${A}:function:f*`,
  'arn:aws:lambda:us-east-1:*:1',
];

export const contexts: readonly DecisionInput['context'][] = [
  {},
  {
    'aws:username': 'u',
    'aws:SecureTransport': 'true',
    'aws:SourceIp': '203.0.113.7',
    'aws:CurrentTime': '2026-11-24T00:00:00Z',
    'aws:MultiFactorAuthAge': '30',
    'aws:PrincipalArn': `arn:aws:iam::${A}:role/p/R`,
    'aws:TagKeys': ['team', 'cost'],
  },
  { 'AWS:USERNAME': 'U', 'aws:SecureTransport': 'false', 'aws:TagKeys': [], 'aws:MultiFactorAuthAge': '3600' },
];

const conditionValues: Readonly<Record<string, readonly [key: string, values: readonly string[]]>> = {
  String: ['aws:username', ['u', 'U', 'v', '${aws:username}', "${aws:missing, 'u'}", '${aws:missing}']],
  StringLike: ['aws:username', ['*', '?', 'u*', '*v', '${*}', '${aws:username}*']],
  Set: ['aws:TagKeys', ['team', 'cost', 't*', 'Team']],
  Numeric: ['aws:MultiFactorAuthAge', ['30', '31', '3600', '1e2']],
  Date: ['aws:CurrentTime', ['2026-11-24T00:00:00Z', '2026-11-23T23:00:00-01:00', '2027-01-01T00:00:00Z']],
  Bool: ['aws:SecureTransport', ['true', 'false']],
  Ip: ['aws:SourceIp', ['203.0.113.0/24', '203.0.113.7', '10.0.0.0/8', '0.0.0.0/0']],
  Arn: ['aws:PrincipalArn', [`arn:aws:iam::${A}:role/p/R`, `arn:aws:iam::*:role/*`, 'arn:aws:iam::*', '*']],
  Null: ['aws:username', ['true', 'false']],
};
const operatorKinds: readonly (readonly [operator: string, values: string])[] = [
  ...['StringEquals', 'StringNotEquals', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase'].map(
    (o) => [o, 'String'] as const,
  ),
  ...['StringLike', 'StringNotLike'].map((o) => [o, 'StringLike'] as const),
  ...['StringEquals', 'StringNotEquals', 'StringLike'].flatMap((o) => [
    [`ForAllValues:${o}`, 'Set'] as const,
    [`ForAnyValue:${o}`, 'Set'] as const,
    [o, 'Set'] as const,
  ]),
  ...['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'].flatMap((o) => [
    [`Numeric${o}`, 'Numeric'] as const,
    [`Date${o}`, 'Date'] as const,
  ]),
  ['Bool', 'Bool'],
  ['IpAddress', 'Ip'],
  ['NotIpAddress', 'Ip'],
  ...['ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike'].map((o) => [o, 'Arn'] as const),
  ['Null', 'Null'],
];

const condition: fc.Arbitrary<Json> = fc
  .constantFrom(...operatorKinds)
  .chain(([operator, kind]) => {
    const [key, values] = conditionValues[kind] as readonly [string, readonly string[]];
    return fc.record({
      name: operator === 'Null' ? fc.constant(operator) : fc.constantFrom(operator, operator, `${operator}IfExists`),
      key: fc.constantFrom(key, key, key.toUpperCase()),
      values: oneOrMany(values),
    });
  })
  .map(({ name, key, values }) => ({ [name]: { [key]: values } }));

const either = (name: string, values: fc.Arbitrary<unknown>): fc.Arbitrary<Json> =>
  fc.tuple(fc.constantFrom(name, name, name, `Not${name}`), values).map(([member, value]) => ({ [member]: value }));

const statement = (...elements: fc.Arbitrary<Json>[]): fc.Arbitrary<Json> =>
  fc
    .tuple(
      fc.constantFrom('Allow', 'Allow', 'Allow', 'Deny').map((Effect) => ({ Effect })),
      either('Action', oneOrMany(actions)),
      either('Resource', oneOrMany(resources)),
      fc
        .option(condition, { nil: undefined, freq: 2 })
        .map((Condition) => (Condition === undefined ? {} : { Condition })),
      ...elements,
    )
    .map((parts) => Object.assign({}, ...parts) as Json);

const policyOf = (name: string, one: fc.Arbitrary<Json>): fc.Arbitrary<NamedPolicy> =>
  fc
    .record({
      Version: fc.constantFrom('2012-10-17', '2012-10-17', '2008-10-17'),
      Statement: fc.oneof(one, fc.array(one, { maxLength: 3 })),
    })
    .map((document) => ({ name, document: JSON.stringify(document) }));

export const identityPolicy = policyOf('p', statement());
export const resourcePolicy = policyOf('resource policy', statement(either('Principal', principalElement)));

/** Often absent; often one that lets everything through, so that something is left to decide. */
const fullAccess: NamedPolicy = {
  name: 'full',
  document: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
};
const narrowing = fc.oneof(fc.constant(undefined), fc.constant(undefined), fc.constant(fullAccess), identityPolicy);
const levels = fc.option(
  fc.array(fc.array(fc.oneof(fc.constant(fullAccess), identityPolicy), { minLength: 1, maxLength: 2 }), {
    maxLength: 3,
  }),
  { nil: undefined, freq: 2 },
);

export const anyDecision: fc.Arbitrary<DecisionInput> = fc
  .record({
    principal: fc.constantFrom(...callers),
    request: fc.constantFrom(...requests),
    resourceAccount: fc.constantFrom(A, A, B, undefined),
    only: fc.boolean(),
    granted: fc.constantFrom(false, false, false, true),
    exempt: fc.boolean(),
    context: fc.constantFrom(...contexts),
    identity: fc.array(identityPolicy, { maxLength: 3 }),
    resource: fc.array(resourcePolicy, { maxLength: 2 }),
    boundary: narrowing,
    session: narrowing,
    endpoint: narrowing,
    serviceControl: levels,
    resourceControl: levels,
  })
  .map((c) => ({
    principal: c.principal,
    scope: { account: A, region: 'us-east-1' },
    context: c.context,
    request: {
      ...c.request,
      ...(c.resourceAccount !== undefined && { resourceAccount: c.resourceAccount }),
      ...(c.only && { resourcePolicyMode: 'Only' as const }),
      ...(c.granted && { grantedBy: 'grant g' }),
      ...(c.exempt && { exemptFromResourceControl: true }),
      resourcePolicies: c.resource,
    },
    policies: {
      identity: c.identity,
      ...(c.boundary && { boundary: c.boundary }),
      ...(c.session && { session: [c.session] }),
      ...(c.endpoint && { endpoint: c.endpoint }),
      ...(c.serviceControl && { serviceControl: c.serviceControl }),
      ...(c.resourceControl && { resourceControl: c.resourceControl }),
    },
  }));
