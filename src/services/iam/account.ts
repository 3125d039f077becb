/** The account as a whole: its alias and its counts. Source: IAM API Reference. */
import type {
  CreateAccountAliasRequest,
  DeleteAccountAliasRequest,
  GetAccountSummaryResponse,
  ListAccountAliasesRequest,
  ListAccountAliasesResponse,
} from '@aws-sdk/client-iam';
import { AwsError } from '../../common/index.ts';
import {
  accessKeys,
  collection,
  globalKey,
  groups,
  managedPolicies,
  oidcProviders,
  type Queryable,
  roles,
  userParent,
  users,
} from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { change } from './identity-cache.ts';
import { instanceProfiles } from './instance-profile-records.ts';
import { listPage } from './listing.ts';
import { policyUses } from './policy-lookup.ts';
import { noSuchEntity } from './records.ts';

/** By alias, which nobody else may have; listed under the account. */
const aliases = collection<Readonly<{ alias: string; account: string }>>('iam.account-alias');

export const createAccountAlias = operation<CreateAccountAliasRequest, object>({
  handle: async ({ AccountAlias = '' }, call) => {
    await change(call, async (tx) => {
      // An account has one alias: a new one takes the place of the old.
      await aliases.deleteUnder(tx, { account: '', region: '' }, call.account);
      const record = { alias: AccountAlias, account: call.account };
      if (!(await aliases.insert(tx, globalKey(AccountAlias), record, { parent: call.account }))) {
        throw new AwsError('EntityAlreadyExistsException', `The account alias ${AccountAlias} already exists.`);
      }
    });
    return {};
  },
});

export const deleteAccountAlias = operation<DeleteAccountAliasRequest, object>({
  handle: async ({ AccountAlias = '' }, call) => {
    await change(call, async (tx) => {
      const found = (await aliases.get(tx, globalKey(AccountAlias)))?.document;
      if (found?.account !== call.account) throw noSuchEntity(`The account alias ${AccountAlias} cannot be found.`);
      await aliases.delete(tx, globalKey(AccountAlias));
    });
    return {};
  },
});

export const listAccountAliases = operation<ListAccountAliasesRequest, ListAccountAliasesResponse>({
  handle: async (input, call) => {
    const { items, end } = await listPage(call.house.store, aliases, { account: '', parent: call.account }, input);
    return { AccountAliases: items.map(({ alias }) => alias), ...end };
  },
});

export const getAccountSummary = operation<object, GetAccountSummaryResponse>({
  handle: async (_, call) => {
    const { store } = call.house;
    const { account } = call;
    const own = await managedPolicies.list(store, { account });
    const uses = await policyUses(store, account);
    return {
      SummaryMap: {
        Users: await users.count(store, { account }),
        UsersQuota: 5000,
        Groups: await groups.count(store, { account }),
        GroupsQuota: 300,
        Roles: await roles.count(store, { account }),
        RolesQuota: 1000,
        InstanceProfiles: await instanceProfiles.count(store, { account }),
        InstanceProfilesQuota: 1000,
        Policies: own.length,
        PoliciesQuota: 1500,
        PolicyVersionsInUse: own.reduce((sum, { document }) => sum + document.versions.length, 0),
        PolicyVersionsInUseQuota: 10_000,
        PolicySizeQuota: 6144,
        VersionsPerPolicyQuota: 5,
        UserPolicySizeQuota: 2048,
        GroupPolicySizeQuota: 5120,
        RolePolicySizeQuota: 10_240,
        AssumeRolePolicySizeQuota: 2048,
        AttachedPoliciesPerUserQuota: 10,
        AttachedPoliciesPerGroupQuota: 10,
        AttachedPoliciesPerRoleQuota: 10,
        GroupsPerUserQuota: 10,
        AccessKeysPerUserQuota: 2,
        AttachedPolicies: [...uses.values()].filter((list) => list.some(({ as }) => as === 'policy')).length,
        MFADevices: 0,
        MFADevicesInUse: 0,
        AccountMFAEnabled: 0,
        AccountAccessKeysPresent: await rootKeys(store, call),
        AccountSigningCertificatesPresent: 0,
        AccountPasswordPresent: 0,
        Providers: await oidcProviders.count(store, { account }),
        ServerCertificates: 0,
        ServerCertificatesQuota: 20,
        SigningCertificatesPerUserQuota: 2,
        GlobalEndpointTokenVersion: 2,
      },
    };
  },
});

/** 1 where the root has a key: of its own, or the key `test` of the first account. */
async function rootKeys(q: Queryable, { account, house }: Call): Promise<number> {
  if (account === house.config.defaultAccount) return 1;
  return Math.min(1, await accessKeys.count(q, { parent: userParent(account, '') }));
}
