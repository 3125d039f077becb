/** Member accounts. Source: AWS Organizations API Reference, the account operations. */
import type {
  Account,
  CloseAccountRequest,
  CreateAccountRequest,
  CreateAccountResponse,
  CreateAccountStatus,
  DescribeAccountRequest,
  DescribeAccountResponse,
  DescribeCreateAccountStatusRequest,
  DescribeCreateAccountStatusResponse,
  ListAccountsForParentRequest,
  ListAccountsForParentResponse,
  ListAccountsRequest,
  ListAccountsResponse,
  ListCreateAccountStatusRequest,
  ListCreateAccountStatusResponse,
  MoveAccountRequest,
} from '@aws-sdk/client-organizations';
import { AwsError, DIGITS, type Ids, LOWER_ALPHANUMERIC } from '../../common/index.ts';
import { type AccountCreation, begin } from '../../core/account-creation/index.ts';
import { type AccountRecord, accounts, collection, globalKey, type Queryable, timeSort } from '../../store/index.ts';
import { operation } from '../index.ts';
import { onEach, onOrganization } from './access.ts';
import { ACCOUNT_CREATION } from './account-creation.ts';
import { changeOrganization } from './policy-records.ts';
import {
  accountsOf,
  isParent,
  managedOrganization,
  memberAccount,
  type OrganizationRecord,
  organizationsArn,
  page,
  requireParent,
  tagsOf,
} from './records.ts';

/** Listed under their organisation, oldest first. */
const creations = collection<AccountCreation>(ACCOUNT_CREATION);

export const createAccount = operation<CreateAccountRequest, CreateAccountResponse>({
  handle: async ({ Email = '', AccountName = '', RoleName, Tags }, call) => {
    const { ids, store, engine } = call.house;
    return store.transaction(async (tx) => {
      const organization = await managedOrganization(tx, call);
      const taken = (await accountsOf(tx, organization)).some(
        ({ email }) => email.toLowerCase() === Email.toLowerCase(),
      );
      const creation: AccountCreation = {
        phase: taken ? 'Failed' : 'Creating',
        requestId: `car-${ids.text(32, LOWER_ALPHANUMERIC)}`,
        organizationId: organization.id,
        managementAccount: organization.managementAccount,
        parentId: organization.rootId,
        accountId: await freeAccountId(tx, ids, call.house.config.defaultAccount),
        name: AccountName,
        email: Email,
        roleName: RoleName ?? 'OrganizationAccountAccessRole',
        tags: tagsOf(Tags),
        requestedAt: call.now,
        ...(taken ? { completedAt: call.now, failureReason: 'EMAIL_ALREADY_EXISTS' } : {}),
      };
      const { state, effects } = begin(creation);
      await engine.create(tx, ACCOUNT_CREATION, globalKey(creation.requestId), state, effects, {
        parent: organization.id,
        sort: timeSort(call.now),
      });
      // A fault found at once is told as AWS tells it: with the next status.
      const { completedAt: _, failureReason: __, ...asked } = creation;
      return { CreateAccountStatus: shownStatus({ ...asked, phase: 'Creating' }) };
    });
  },
});

export const describeCreateAccountStatus = operation<
  DescribeCreateAccountStatusRequest,
  DescribeCreateAccountStatusResponse
>({
  handle: async ({ CreateAccountRequestId = '' }, call) => {
    const organization = await managedOrganization(call.house.store, call);
    const creation = (await creations.get(call.house.store, globalKey(CreateAccountRequestId)))?.document;
    if (creation?.organizationId !== organization.id) {
      throw new AwsError(
        'CreateAccountStatusNotFoundException',
        "You specified a create account request ID that doesn't exist.",
      );
    }
    return { CreateAccountStatus: shownStatus(creation) };
  },
});

export const listCreateAccountStatus = operation<ListCreateAccountStatusRequest, ListCreateAccountStatusResponse>({
  handle: async (input, call) => {
    const organization = await managedOrganization(call.house.store, call);
    const all = (await creations.list(call.house.store, { account: '', parent: organization.id }))
      .map(({ document }) => shownStatus(document))
      .filter(({ State }) => input.States === undefined || (State !== undefined && input.States.includes(State)));
    const { items, next } = page(all, ({ Id = '' }) => Id, input);
    return { CreateAccountStatuses: items, ...next };
  },
});

export const listAccounts = operation<ListAccountsRequest, ListAccountsResponse>({
  handle: async (input, call) => {
    const organization = await managedOrganization(call.house.store, call);
    const { items, next } = page(await accountsOf(call.house.store, organization), ({ id }) => id, input);
    return { Accounts: items.map((account) => shownAccount(organization, account)), ...next };
  },
});

export const listAccountsForParent = operation<ListAccountsForParentRequest, ListAccountsForParentResponse>({
  authorize: async ({ ParentId }, call) => onOrganization(call, 'ListAccountsForParent', ParentId),
  handle: async (input, call) => {
    const { store } = call.house;
    const organization = await managedOrganization(store, call);
    await requireParent(store, organization, input.ParentId ?? '');
    const children = (await accountsOf(store, organization)).filter(({ parentId }) => parentId === input.ParentId);
    const { items, next } = page(children, ({ id }) => id, input);
    return { Accounts: items.map((account) => shownAccount(organization, account)), ...next };
  },
});

export const describeAccount = operation<DescribeAccountRequest, DescribeAccountResponse>({
  authorize: async ({ AccountId }, call) => onOrganization(call, 'DescribeAccount', AccountId),
  handle: async ({ AccountId = '' }, call) => {
    const organization = await managedOrganization(call.house.store, call);
    return { Account: shownAccount(organization, await memberAccount(call.house.store, organization, AccountId)) };
  },
});

export const moveAccount = operation<MoveAccountRequest, object>({
  authorize: async ({ AccountId, SourceParentId, DestinationParentId }, call) =>
    onEach(call, 'MoveAccount', [AccountId, SourceParentId, DestinationParentId]),
  handle: async ({ AccountId = '', SourceParentId = '', DestinationParentId = '' }, call) => {
    await changeOrganization(call.house, async (tx) => {
      const organization = await managedOrganization(tx, call);
      const account = await memberAccount(tx, organization, AccountId);
      if (!(await isParent(tx, organization, SourceParentId)) || account.parentId !== SourceParentId) {
        throw new AwsError('SourceParentNotFoundException', "You specified a source parent that doesn't exist.");
      }
      if (!(await isParent(tx, organization, DestinationParentId))) {
        throw new AwsError(
          'DestinationParentNotFoundException',
          "You specified a destination container that doesn't exist.",
        );
      }
      if (SourceParentId === DestinationParentId) {
        throw new AwsError('DuplicateAccountException', 'The account is already in the specified destination.');
      }
      await accounts.update(tx, globalKey(AccountId), { ...account, parentId: DestinationParentId });
    });
    return {};
  },
});

/**
 * The account's principals can call no more. Differs from AWS: it is suspended at once, and stays: there an account is first
 * PENDING_CLOSURE, and is gone for good after ninety days.
 */
export const closeAccount = operation<CloseAccountRequest, object>({
  authorize: async ({ AccountId }, call) => onOrganization(call, 'CloseAccount', AccountId),
  handle: async ({ AccountId = '' }, call) =>
    changeOrganization(call.house, async (tx) => {
      const organization = await managedOrganization(tx, call);
      const account = await memberAccount(tx, organization, AccountId);
      if (AccountId === organization.managementAccount)
        throw new AwsError('ConstraintViolationException', 'You cannot close the management account.', {
          fields: { Reason: 'CANNOT_CLOSE_MANAGEMENT_ACCOUNT' },
        });
      if (account.status === 'SUSPENDED')
        throw new AwsError(
          'AccountAlreadyClosedException',
          'You attempted to close an account that is already closed.',
        );
      await accounts.update(tx, globalKey(AccountId), { ...account, status: 'SUSPENDED' });
      return {};
    }),
});

async function freeAccountId(q: Queryable, ids: Ids, defaultAccount: string): Promise<string> {
  for (;;) {
    const id = ids.text(1, DIGITS.slice(1)) + ids.text(11, DIGITS);
    if (id !== defaultAccount && (await accounts.get(q, globalKey(id))) === undefined) return id;
  }
}

export function shownAccount(organization: OrganizationRecord, account: AccountRecord): Account {
  return {
    Id: account.id,
    Arn: organizationsArn(organization, 'account', account.id),
    Email: account.email,
    Name: account.name,
    Status: account.status,
    State: account.status,
    JoinedMethod: account.joinedMethod,
    JoinedTimestamp: new Date(account.joinedAt),
  };
}

function shownStatus(creation: AccountCreation): CreateAccountStatus {
  return {
    Id: creation.requestId,
    AccountName: creation.name,
    State: creation.phase === 'Creating' ? 'IN_PROGRESS' : creation.phase === 'Succeeded' ? 'SUCCEEDED' : 'FAILED',
    RequestedTimestamp: new Date(creation.requestedAt),
    ...(creation.completedAt === undefined ? {} : { CompletedTimestamp: new Date(creation.completedAt) }),
    ...(creation.phase === 'Succeeded' ? { AccountId: creation.accountId } : {}),
    ...(creation.failureReason === undefined
      ? {}
      : { FailureReason: creation.failureReason as NonNullable<CreateAccountStatus['FailureReason']> }),
  };
}
