/** Organizations: accounts under one management account, in a tree of units. */
import { operationsOf, type ServiceDefinition } from '../index.ts';
import { resourceAccess } from './access.ts';
import { accountCreationLoop } from './account-creation.ts';
import {
  closeAccount,
  createAccount,
  describeAccount,
  describeCreateAccountStatus,
  listAccounts,
  listAccountsForParent,
  listCreateAccountStatus,
  moveAccount,
} from './accounts.ts';
import * as organizationOperations from './organization.ts';
import * as policyOperations from './policies.ts';
import * as tagOperations from './tags.ts';
import * as unitOperations from './units.ts';

export const organizations: ServiceDefinition = {
  name: 'organizations',
  iamPrefix: 'organizations',
  operations: operationsOf({
    closeAccount,
    createAccount,
    describeAccount,
    describeCreateAccountStatus,
    listAccounts,
    listAccountsForParent,
    listCreateAccountStatus,
    moveAccount,
    ...organizationOperations,
    ...policyOperations,
    ...tagOperations,
    ...unitOperations,
  }),
  loops: (house) => [accountCreationLoop(house)],
  resourceAccess,
};

export { controlsOf } from './controls.ts';
