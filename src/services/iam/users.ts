/** Users. Source: IAM API Reference, the user operations. */
import type {
  CreateUserRequest,
  CreateUserResponse,
  DeleteUserRequest,
  GetUserRequest,
  GetUserResponse,
  ListUsersRequest,
  ListUsersResponse,
  UpdateUserRequest,
  User,
} from '@aws-sdk/client-iam';
import { AwsError } from '../../common/index.ts';
import {
  accessKeys,
  globalKey,
  nameKey,
  serviceCredentials,
  type Tx,
  userParent,
  type UserRecord,
  users,
} from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { onEntity, onNew, requestTags } from './access.ts';
import { change } from './identity-cache.ts';
import { listPage, underPath } from './listing.ts';
import { existingPolicy } from './policy-lookup.ts';
import {
  deleteConflict,
  entityForUpdate,
  entityNamed,
  iamArn,
  newUniqueId,
  quotaExceeded,
  tagsMember,
  validationError,
  withTags,
} from './records.ts';

const MOST_USERS = 5000;

export const createUser = operation<CreateUserRequest, CreateUserResponse>({
  authorize: async ({ UserName, Path, PermissionsBoundary, Tags }, call) =>
    onNew(call, 'iam:CreateUser', 'user', Path, UserName, {
      ...(PermissionsBoundary === undefined ? {} : { 'iam:PermissionsBoundary': PermissionsBoundary }),
      ...requestTags(Tags),
    }),
  handle: async ({ UserName = '', Path = '/', PermissionsBoundary, Tags }, call) => {
    const user = await change(call, async (tx) => {
      if ((await users.count(tx, { account: call.account })) >= MOST_USERS) {
        throw quotaExceeded('UsersPerAccount', MOST_USERS);
      }
      if (PermissionsBoundary !== undefined) await existingPolicy(tx, call.account, PermissionsBoundary);
      const record: UserRecord = {
        userName: UserName,
        userId: newUniqueId(call.house.ids, 'AIDA'),
        path: Path,
        arn: iamArn(call.account, 'user', Path, UserName),
        createdAt: call.now,
        inline: {},
        attached: [],
        ...(PermissionsBoundary === undefined ? {} : { boundary: PermissionsBoundary }),
        tags: withTags({}, Tags),
        groups: [],
      };
      if (!(await users.insert(tx, nameKey(call.account, UserName), record))) throw userExists(UserName);
      return record;
    });
    return { User: shownUser(user) };
  },
});

export const getUser = operation<GetUserRequest, GetUserResponse>({
  authorize: async ({ UserName }, call) => onEntity(call, 'iam:GetUser', 'user', UserName ?? callersName(call)),
  handle: async ({ UserName }, call) => {
    const { principal } = call;
    if (UserName === undefined && principal.type === 'Root') {
      return {
        User: {
          Path: '/',
          UserName: undefined,
          UserId: principal.account,
          Arn: principal.arn,
          CreateDate: new Date(0),
        },
      };
    }
    const name = ownUserName(call, UserName);
    return { User: shownUser(await entityNamed(call.house.store, 'user', call.account, name)) };
  },
});

export const listUsers = operation<ListUsersRequest, ListUsersResponse>({
  handle: async (input, call) => {
    const { items, end } = await listPage(
      call.house.store,
      users,
      { account: call.account },
      input,
      underPath(input.PathPrefix),
    );
    return { Users: items.map(plainUser), ...end };
  },
});

/** Renaming keeps the user's id, keys, credentials and groups. */
export const updateUser = operation<UpdateUserRequest, object>({
  authorize: async ({ UserName, NewPath, NewUserName }, call) => [
    ...(await onEntity(call, 'iam:UpdateUser', 'user', UserName)),
    ...(NewPath === undefined && NewUserName === undefined
      ? []
      : onNew(call, 'iam:UpdateUser', 'user', NewPath, NewUserName ?? UserName)),
  ],
  handle: async ({ UserName = '', NewPath, NewUserName }, call) => {
    await change(call, async (tx) => {
      const user = await entityForUpdate(tx, 'user', call.account, UserName);
      const userName = NewUserName ?? user.userName;
      const path = NewPath ?? user.path;
      const renamed = { ...user, userName, path, arn: iamArn(call.account, 'user', path, userName) };
      const before = nameKey(call.account, user.userName);
      const after = nameKey(call.account, userName);
      if (before.id === after.id) {
        await users.update(tx, after, renamed);
      } else {
        if (!(await users.insert(tx, after, renamed))) throw userExists(userName);
        await users.delete(tx, before);
      }
      await moveCredentials(tx, call.account, user.userName, userName);
    });
    return {};
  },
});

export const deleteUser = operation<DeleteUserRequest, object>({
  authorize: async ({ UserName }, call) => onEntity(call, 'iam:DeleteUser', 'user', UserName),
  handle: async ({ UserName = '' }, call) => {
    await change(call, async (tx) => {
      const user = await entityForUpdate(tx, 'user', call.account, UserName);
      const parent = userParent(call.account, UserName);
      if (user.groups.length > 0) throw deleteConflict('remove users from group');
      if (user.attached.length > 0) throw deleteConflict('detach all policies');
      if (Object.keys(user.inline).length > 0) throw deleteConflict('delete policies');
      if ((await accessKeys.count(tx, { parent })) > 0) throw deleteConflict('delete access keys');
      if ((await serviceCredentials.count(tx, { parent })) > 0) {
        throw deleteConflict('remove referenced objects');
      }
      await users.delete(tx, nameKey(call.account, UserName));
    });
    return {};
  },
});

/** The user that an operation is about when it names none: the caller. */
export function ownUserName(call: Call, given: string | undefined): string {
  const name = given ?? callersName(call);
  if (name === undefined) throw validationError('Must specify userName when calling with non-User credentials');
  return name;
}

export function callersName(call: Call): string | undefined {
  return call.principal.type === 'User' ? call.principal.userName : undefined;
}

function userExists(name: string): AwsError {
  return new AwsError('EntityAlreadyExistsException', `User with name ${name} already exists.`);
}

async function moveCredentials(tx: Tx, account: string, from: string, to: string): Promise<void> {
  const parent = userParent(account, to);
  for (const { key, document } of await accessKeys.list(tx, { parent: userParent(account, from) })) {
    await accessKeys.update(tx, globalKey(key.id), { ...document, userName: to }, { parent });
  }
  for (const { key, document } of await serviceCredentials.list(tx, { parent: userParent(account, from) })) {
    await serviceCredentials.update(tx, globalKey(key.id), { ...document, userName: to }, { parent });
  }
}

export function shownUser(user: UserRecord): User {
  return {
    ...plainUser(user),
    ...(user.boundary === undefined
      ? {}
      : {
          PermissionsBoundary: {
            PermissionsBoundaryType: 'PermissionsBoundaryPolicy' as const,
            PermissionsBoundaryArn: user.boundary,
          },
        }),
    ...tagsMember(user.tags),
  };
}

export function plainUser(user: UserRecord): User {
  return {
    Path: user.path,
    UserName: user.userName,
    UserId: user.userId,
    Arn: user.arn,
    CreateDate: new Date(user.createdAt),
  };
}
