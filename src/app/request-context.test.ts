/** Every row of the global condition keys: when a key is there, and what it says. */
import { describe, expect, it } from 'vitest';
import type { Principal } from '../common/index.ts';
import type { AccountControls } from '../services/index.ts';
import type { CallFacts } from './authorizer.ts';
import { globalContext, resourceContext, sourceAccountOf, type Surroundings } from './request-context.ts';

const A = '111111111111';
const AT = Date.UTC(2026, 10, 24, 10);
const CONTROLS: AccountControls = {
  organizationId: 'o-1234567890',
  organizationArn: `arn:aws:organizations::${A}:organization/o-1234567890`,
  path: 'o-1234567890/r-ab12/ou-ab12-11111111/',
  suspended: false,
};

const root: Principal = { type: 'Root', account: A, arn: `arn:aws:iam::${A}:root` };
const user: Principal = { type: 'User', account: A, arn: `arn:aws:iam::${A}:user/p/u`, userName: 'u', userId: 'AIDAU' };
const role: Principal = {
  type: 'AssumedRole',
  account: A,
  arn: `arn:aws:sts::${A}:assumed-role/R/S`,
  roleArn: `arn:aws:iam::${A}:role/p/R`,
  roleName: 'R',
  roleId: 'AROAR',
  sessionName: 'S',
  issuedAt: AT,
  expiresAt: AT + 3_600_000,
};
const federated: Principal = {
  type: 'FederatedUser',
  account: A,
  arn: `arn:aws:sts::${A}:federated-user/N`,
  name: 'N',
  userArn: user.arn,
  userId: 'AIDAU',
  issuedAt: AT,
  expiresAt: AT + 3_600_000,
};
const service: Principal = {
  type: 'Service',
  service: 'events.amazonaws.com',
  sourceArn: `arn:aws:events:us-east-1:${A}:rule/r`,
};
const anonymous: Principal = { type: 'Anonymous' };

const http = {
  sourceIp: '::ffff:203.0.113.7',
  userAgent: 'aws-cli/2',
  secure: true,
  host: 'localhost',
  headers: { referer: 'https://example.com' },
};

function contextOf(
  principal: Principal,
  call: Partial<CallFacts> = { http },
  surroundings: Partial<Surroundings> = {},
  tags: Record<string, string> = {},
): Record<string, unknown> {
  return globalContext(
    { principal, account: A, region: 'eu-west-1', now: AT, ...call },
    { identity: [], tags },
    { defaultAccount: A, ownControls: undefined, sourceControls: undefined, ...surroundings },
  );
}

describe('globalContext()', () => {
  it('always has the time, the Region, the transport and the user agent', () => {
    for (const principal of [root, user, role, federated, service, anonymous])
      expect(contextOf(principal)).toMatchObject({
        'aws:CurrentTime': '2026-11-24T10:00:00Z',
        'aws:EpochTime': String(AT / 1000),
        'aws:RequestedRegion': 'eu-west-1',
        'aws:SecureTransport': 'true',
        'aws:UserAgent': 'aws-cli/2',
      });
    expect(contextOf(user, { http: { ...http, secure: false } })).toMatchObject({ 'aws:SecureTransport': 'false' });
  });

  it.each<[string, Principal, Record<string, unknown>]>([
    ['root', root, { 'aws:PrincipalType': 'Account', 'aws:userid': A, 'aws:PrincipalArn': root.arn }],
    [
      'a user',
      user,
      { 'aws:PrincipalType': 'User', 'aws:userid': 'AIDAU', 'aws:username': 'u', 'aws:PrincipalArn': user.arn },
    ],
    [
      'a role session',
      role,
      { 'aws:PrincipalType': 'AssumedRole', 'aws:userid': 'AROAR:S', 'aws:PrincipalArn': role.roleArn },
    ],
    [
      'a federated user',
      federated,
      { 'aws:PrincipalType': 'FederatedUser', 'aws:userid': `${A}:N`, 'aws:PrincipalArn': federated.arn },
    ],
  ])('names %s', (_name, principal, expected) => {
    const context = contextOf(principal);
    expect(context).toMatchObject({
      ...expected,
      'aws:PrincipalAccount': A,
      'aws:PrincipalIsAWSService': 'false',
      'aws:ViaAWSService': 'false',
    });
    expect('aws:username' in context).toBe(principal === user);
    expect(context).not.toHaveProperty('aws:PrincipalServiceName');
    expect(context).not.toHaveProperty('aws:SourceArn');
    expect(context).not.toHaveProperty('aws:SourceAccount');
  });

  it('has of the unsigned its type, and of its account that there is none', () => {
    const context = contextOf(anonymous);
    expect(context).toMatchObject({ 'aws:PrincipalType': 'Anonymous', 'aws:PrincipalAccount': 'anonymous' });
    for (const key of [
      'PrincipalArn',
      'PrincipalIsAWSService',
      'ViaAWSService',
      'userid',
      'username',
      'PrincipalOrgID',
    ])
      expect(context).not.toHaveProperty([`aws:${key}`]);
  });

  it('has the organization of a principal whose account is in one', () => {
    expect(contextOf(role, { http }, { ownControls: CONTROLS })).toMatchObject({
      'aws:PrincipalOrgID': 'o-1234567890',
      'aws:PrincipalOrgPaths': ['o-1234567890/r-ab12/ou-ab12-11111111/'],
    });
    expect(contextOf(role)).not.toHaveProperty(['aws:PrincipalOrgID']);
    expect(contextOf(role)).not.toHaveProperty(['aws:PrincipalOrgPaths']);
  });

  it('has the tags of the principal, those of the session first', () => {
    const session: Principal = { ...role, sessionTags: { team: 'blue' } };
    expect(contextOf(session, { http }, {}, { team: 'red', stage: 'test' })).toMatchObject({
      'aws:PrincipalTag/team': 'blue',
      'aws:PrincipalTag/stage': 'test',
    });
  });

  it('has what is of temporary credentials for those alone', () => {
    const temporary = { issuedAt: AT, expiresAt: AT + 1 };
    for (const principal of [role, federated, { ...user, temporary }, { ...root, temporary }])
      expect(contextOf(principal)).toMatchObject({
        'aws:TokenIssueTime': '2026-11-24T10:00:00Z',
        'aws:MultiFactorAuthPresent': 'false',
      });
    for (const principal of [root, user, service, anonymous]) {
      expect(contextOf(principal)).not.toHaveProperty(['aws:TokenIssueTime']);
      expect(contextOf(principal)).not.toHaveProperty(['aws:MultiFactorAuthPresent']);
    }
    expect(contextOf(role)).not.toHaveProperty(['aws:MultiFactorAuthAge']);
  });

  it('has source identity, identity provider and claims of the sessions that have them', () => {
    const session: Principal = {
      ...role,
      sourceIdentity: 'alice',
      federatedProvider: `arn:aws:iam::${A}:oidc-provider/example.com`,
      federatedContext: { 'example.com:sub': 's' },
    };
    expect(contextOf(session)).toMatchObject({
      'aws:SourceIdentity': 'alice',
      'aws:FederatedProvider': `arn:aws:iam::${A}:oidc-provider/example.com`,
      'example.com:sub': 's',
    });
    for (const key of ['aws:SourceIdentity', 'aws:FederatedProvider', 'aws:AssumedRoot'])
      expect(contextOf(role)).not.toHaveProperty([key]);
  });

  it('has the address of whoever came over the wire, and none for a call that a service makes', () => {
    expect(contextOf(user)).toMatchObject({ 'aws:SourceIp': '203.0.113.7', 'aws:Referer': 'https://example.com' });
    const forwarded = contextOf(user, { viaService: 's3.eu-west-1.amazonaws.com' });
    expect(forwarded).not.toHaveProperty(['aws:SourceIp']);
    expect(forwarded).toMatchObject({ 'aws:UserAgent': 's3.amazonaws.com', 'aws:ViaAWSService': 'true' });
    for (const key of ['SourceVpc', 'SourceVpce', 'VpcSourceIp'])
      expect(contextOf(user)).not.toHaveProperty([`aws:${key}`]);
  });

  it('has the services that passed the credentials on, in their order', () => {
    const once = contextOf(user, { viaService: 's3.eu-west-1.amazonaws.com' });
    expect(once).toMatchObject({
      'aws:CalledVia': ['s3.amazonaws.com'],
      'aws:CalledViaFirst': 's3.amazonaws.com',
      'aws:CalledViaLast': 's3.amazonaws.com',
      'kms:ViaService': 's3.eu-west-1.amazonaws.com',
    });
    const twice = contextOf(user, {
      calledVia: ['cloudformation.eu-west-1.amazonaws.com'],
      viaService: 's3.eu-west-1.amazonaws.com',
    });
    expect(twice).toMatchObject({
      'aws:CalledVia': ['cloudformation.amazonaws.com', 's3.amazonaws.com'],
      'aws:CalledViaFirst': 'cloudformation.amazonaws.com',
      'aws:CalledViaLast': 's3.amazonaws.com',
    });
    expect(contextOf(user)).not.toHaveProperty(['aws:CalledVia']);
  });

  it('has of a service its name, and for whom it calls', () => {
    const context = contextOf(service, {}, { sourceControls: CONTROLS });
    expect(context).toMatchObject({
      'aws:PrincipalIsAWSService': 'true',
      'aws:ViaAWSService': 'false',
      'aws:PrincipalServiceName': 'events.amazonaws.com',
      'aws:PrincipalServiceNamesList': ['events.amazonaws.com'],
      'aws:SourceArn': `arn:aws:events:us-east-1:${A}:rule/r`,
      'aws:SourceAccount': A,
      'aws:SourceOrgID': 'o-1234567890',
      'aws:SourceOrgPaths': ['o-1234567890/r-ab12/ou-ab12-11111111/'],
    });
    for (const key of ['PrincipalArn', 'PrincipalAccount', 'PrincipalOrgID', 'userid', 'SourceIp'])
      expect(context).not.toHaveProperty([`aws:${key}`]);
    expect(contextOf({ type: 'Service', service: 'sns.amazonaws.com' })).not.toHaveProperty(['aws:SourceOrgID']);
  });
});

it('sourceAccountOf() is the account said, else that of the source', () => {
  expect(sourceAccountOf(service)).toBe(A);
  expect(sourceAccountOf({ ...service, sourceAccount: '222222222222' })).toBe('222222222222');
  expect(
    sourceAccountOf({ type: 'Service', service: 's3.amazonaws.com', sourceArn: 'arn:aws:s3:::b' }),
  ).toBeUndefined();
  expect(sourceAccountOf(user)).toBeUndefined();
});

it('resourceContext() tells whose the resource is, and puts services of no Region into one', () => {
  expect(resourceContext('s3:GetObject', A, undefined)).toEqual({ 'aws:ResourceAccount': A });
  expect(resourceContext('iam:GetRole', A, CONTROLS)).toEqual({
    'aws:ResourceAccount': A,
    'aws:RequestedRegion': 'us-east-1',
    'aws:ResourceOrgID': 'o-1234567890',
    'aws:ResourceOrgPaths': ['o-1234567890/r-ab12/ou-ab12-11111111/'],
  });
});
