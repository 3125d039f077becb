/** STS: temporary credentials, and who one is. */
import { operationsOf, type ServiceDefinition } from '../index.ts';
import { assumeRole } from './assume-role.ts';
import { decodeAuthorizationMessage } from './authorization-messages.ts';
import { getAccessKeyInfo, getCallerIdentity } from './caller-identity.ts';
import { getFederationToken } from './federation-token.ts';
import { getSessionToken } from './session-token.ts';
import { assumeRoleWithWebIdentity } from './web-identity.ts';

export const sts: ServiceDefinition = {
  name: 'sts',
  iamPrefix: 'sts',
  operations: operationsOf({
    assumeRole,
    assumeRoleWithWebIdentity,
    getFederationToken,
    getSessionToken,
    getCallerIdentity,
    getAccessKeyInfo,
    decodeAuthorizationMessage,
  }),
};

export { encodeAuthorizationMessage } from './authorization-messages.ts';
