/** The organisation itself, and its root. Source: AWS Organizations API Reference. */
import type {
  CreateOrganizationRequest,
  CreateOrganizationResponse,
  DescribeOrganizationResponse,
  ListAWSServiceAccessForOrganizationResponse,
  ListDelegatedAdministratorsResponse,
  ListRootsRequest,
  ListRootsResponse,
  Organization,
} from '@aws-sdk/client-organizations';
import { AwsError, LOWER_ALPHANUMERIC } from '../../common/index.ts';
import { accounts, globalKey } from '../../store/index.ts';
import { operation } from '../index.ts';
import { changeOrganization, CONTROL_POLICY_TYPES } from './policy-records.ts';
import {
  accountsOf,
  managedOrganization,
  type OrganizationRecord,
  organizationOf,
  organizations,
  organizationsArn,
  page,
  shownRoot,
  unitsOf,
} from './records.ts';

export const createOrganization = operation<CreateOrganizationRequest, CreateOrganizationResponse>({
  handle: async ({ FeatureSet = 'ALL' }, call) => {
    const { ids } = call.house;
    const organization: OrganizationRecord = {
      id: `o-${ids.text(10, LOWER_ALPHANUMERIC)}`,
      managementAccount: call.account,
      featureSet: FeatureSet,
      rootId: `r-${ids.text(4, LOWER_ALPHANUMERIC)}`,
      rootTags: {},
      createdAt: call.now,
    };
    await changeOrganization(call.house, async (tx) => {
      const joined = await accounts.insert(
        tx,
        globalKey(call.account),
        {
          id: call.account,
          name: 'management',
          email: emailOf(call.account),
          joinedMethod: 'INVITED',
          joinedAt: call.now,
          status: 'ACTIVE',
          organizationId: organization.id,
          parentId: organization.rootId,
          tags: {},
        },
        { parent: organization.id },
      );
      if (!joined) {
        throw new AwsError('AlreadyInOrganizationException', 'The AWS account is already a member of an organization.');
      }
      await organizations.insert(tx, globalKey(organization.id), organization);
    });
    return { Organization: shown(organization) };
  },
});

export const describeOrganization = operation<object, DescribeOrganizationResponse>({
  handle: async (_, call) => ({ Organization: shown(await organizationOf(call.house.store, call)) }),
});

/** Only an organisation that holds nothing but its management account can go. */
export const deleteOrganization = operation<object, object>({
  handle: async (_, call) => {
    await changeOrganization(call.house, async (tx) => {
      const organization = await managedOrganization(tx, call);
      if ((await accountsOf(tx, organization)).length > 1 || (await unitsOf(tx, organization)).length > 0) {
        throw new AwsError(
          'OrganizationNotEmptyException',
          'To delete an organization you must first remove all member accounts and organizational units.',
        );
      }
      await accounts.delete(tx, globalKey(call.account));
      await organizations.delete(tx, globalKey(organization.id));
    });
    return {};
  },
});

export const listRoots = operation<ListRootsRequest, ListRootsResponse>({
  handle: async (input, call) => {
    const organization = await managedOrganization(call.house.store, call);
    const { items, next } = page([shownRoot(organization)], ({ Id = '' }) => Id, input);
    return { Roots: items, ...next };
  },
});

/** No service is integrated with organisations here, and none can be. */
export const listAWSServiceAccessForOrganization = operation<object, ListAWSServiceAccessForOrganizationResponse>({
  handle: async (_, call) => {
    await managedOrganization(call.house.store, call);
    return { EnabledServicePrincipals: [] };
  },
});

export const listDelegatedAdministrators = operation<object, ListDelegatedAdministratorsResponse>({
  handle: async (_, call) => {
    await managedOrganization(call.house.store, call);
    return { DelegatedAdministrators: [] };
  },
});

/** With all features the control policies are available; enabled they are on the root. */
function shown(organization: OrganizationRecord): Organization {
  const { managementAccount } = organization;
  return {
    Id: organization.id,
    Arn: organizationsArn(organization, 'organization'),
    FeatureSet: organization.featureSet,
    MasterAccountArn: organizationsArn(organization, 'account', managementAccount),
    MasterAccountId: managementAccount,
    MasterAccountEmail: emailOf(managementAccount),
    AvailablePolicyTypes:
      organization.featureSet === 'ALL'
        ? CONTROL_POLICY_TYPES.map((Type) => ({ Type, Status: 'ENABLED' as const }))
        : [],
  };
}

/** The first account has no owner with an address: a name that can never be one (RFC 2606). */
function emailOf(account: string): string {
  return `root-${account}@sluice.invalid`;
}
