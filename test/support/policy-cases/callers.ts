/** The people of the cases. A = 111111111111 has them all; B = 222222222222 is another account. */
import type { Caller } from '../../../src/core/policy/index.ts';

export const A = '111111111111';
export const B = '222222222222';

const session = { issuedAt: 0, expiresAt: 3_600_000 };

export const CALLERS = {
  root: { type: 'Root', account: A, arn: `arn:aws:iam::${A}:root` },
  'root of B': { type: 'Root', account: B, arn: `arn:aws:iam::${B}:root` },
  user: { type: 'User', account: A, arn: `arn:aws:iam::${A}:user/team/ann`, userName: 'ann', userId: 'AIDAANN' },
  'user token': {
    type: 'User',
    account: A,
    arn: `arn:aws:iam::${A}:user/team/ann`,
    userName: 'ann',
    userId: 'AIDAANN',
    temporary: session,
  },
  'user of B': { type: 'User', account: B, arn: `arn:aws:iam::${B}:user/bob`, userName: 'bob', userId: 'AIDABOB' },
  role: {
    type: 'AssumedRole',
    account: A,
    arn: `arn:aws:sts::${A}:assumed-role/Builder/run-1`,
    roleArn: `arn:aws:iam::${A}:role/ci/Builder`,
    roleName: 'Builder',
    roleId: 'AROABUILDER',
    sessionName: 'run-1',
    ...session,
  },
  'role of B': {
    type: 'AssumedRole',
    account: B,
    arn: `arn:aws:sts::${B}:assumed-role/Deployer/run-1`,
    roleArn: `arn:aws:iam::${B}:role/Deployer`,
    roleName: 'Deployer',
    roleId: 'AROADEPLOYER',
    sessionName: 'run-1',
    ...session,
  },
  'web role': {
    type: 'AssumedRole',
    account: A,
    arn: `arn:aws:sts::${A}:assumed-role/Web/gh`,
    roleArn: `arn:aws:iam::${A}:role/Web`,
    roleName: 'Web',
    roleId: 'AROAWEB',
    sessionName: 'gh',
    federatedProvider: `arn:aws:iam::${A}:oidc-provider/idp.example`,
    ...session,
  },
  'linked role': {
    type: 'AssumedRole',
    account: A,
    arn: `arn:aws:sts::${A}:assumed-role/AWSServiceRoleForX/s`,
    roleArn: `arn:aws:iam::${A}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX`,
    roleName: 'AWSServiceRoleForX',
    roleId: 'AROALINKED',
    sessionName: 's',
    ...session,
  },
  federated: {
    type: 'FederatedUser',
    account: A,
    arn: `arn:aws:sts::${A}:federated-user/guest`,
    name: 'guest',
    userArn: `arn:aws:iam::${A}:user/team/ann`,
    userId: 'AIDAANN',
    ...session,
  },
  'web identity': { type: 'Federated', provider: `arn:aws:iam::${A}:oidc-provider/idp.example` },
  service: { type: 'Service', service: 'codepipeline.amazonaws.com', sourceAccount: A },
  anonymous: { type: 'Anonymous' },
} satisfies Record<string, Caller>;

export type CallerName = keyof typeof CALLERS;
