/** IAM: who exists, and what they may do. */
import { operationsOf, type ServiceDefinition } from '../index.ts';
import * as accessKeyOperations from './access-keys.ts';
import { getAccountAuthorizationDetails } from './authorization-details.ts';
import * as credentialReportOperations from './credential-report.ts';
import * as accountOperations from './account.ts';
import { policyOperations } from './entity-policies.ts';
import { tagOperations } from './entity-tags.ts';
import * as groupOperations from './groups.ts';
import * as instanceProfileOperations from './instance-profiles.ts';
import * as managedPolicyOperations from './policies.ts';
import * as oidcProviderOperations from './oidc-providers.ts';
import { resourceAccess } from './resource-access.ts';
import * as roles from './roles.ts';
import { sealSecrets } from './seal-secrets.ts';
import * as credentialOperations from './service-credentials.ts';
import * as serviceLinkedRoleOperations from './service-linked-roles.ts';
import * as simulationOperations from './simulation.ts';
import * as users from './users.ts';

const { createRole, getRole, listRoles, updateRole, updateRoleDescription, updateAssumeRolePolicy, deleteRole } = roles;
const { createUser, getUser, listUsers, updateUser, deleteUser } = users;

export const iam: ServiceDefinition = {
  name: 'iam',
  iamPrefix: 'iam',
  resourceAccess,
  start: sealSecrets,
  operations: {
    ...operationsOf({
      createRole,
      getRole,
      listRoles,
      updateRole,
      updateRoleDescription,
      updateAssumeRolePolicy,
      deleteRole,
      createUser,
      getUser,
      listUsers,
      updateUser,
      deleteUser,
      ...accessKeyOperations,
      getAccountAuthorizationDetails,
      ...credentialReportOperations,
      ...accountOperations,
      ...groupOperations,
      ...instanceProfileOperations,
      ...managedPolicyOperations,
      ...oidcProviderOperations,
      ...credentialOperations,
      ...serviceLinkedRoleOperations,
      ...simulationOperations,
    }),
    ...policyOperations('role'),
    ...policyOperations('user'),
    ...policyOperations('group'),
    ...tagOperations,
  },
};

export { createIdentity } from './identity.ts';
