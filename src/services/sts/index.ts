/** STS: temporary credentials, and who one is. */
import { operationsOf, type ServiceDefinition } from '../index.ts';
import { assumeRole } from './assume-role.ts';
import { assumeRoleWithWebIdentity } from './web-identity.ts';
import { getAccessKeyInfo, getCallerIdentity } from './caller-identity.ts';
import { getSessionToken } from './session-token.ts';

export const sts: ServiceDefinition = {
  name: 'sts',
  iamPrefix: 'sts',
  operations: operationsOf({
    assumeRole,
    assumeRoleWithWebIdentity,
    getSessionToken,
    getCallerIdentity,
    getAccessKeyInfo,
  }),
};
