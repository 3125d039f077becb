/** Groups and who is in them. Source: IAM API Reference, the group operations. */
import type {
  AddUserToGroupRequest,
  CreateGroupRequest,
  CreateGroupResponse,
  DeleteGroupRequest,
  GetGroupRequest,
  GetGroupResponse,
  Group,
  ListGroupsForUserRequest,
  ListGroupsForUserResponse,
  ListGroupsRequest,
  ListGroupsResponse,
  RemoveUserFromGroupRequest,
  UpdateGroupRequest,
} from '@aws-sdk/client-iam';
import { AwsError } from '../../common/index.ts';
import { type GroupRecord, groups, nameKey, type Queryable, type UserRecord, users } from '../../store/index.ts';
import { operation } from '../index.ts';
import { onEntity, onNew } from './access.ts';
import { change } from './identity-cache.ts';
import { listPage, slicePage, underPath } from './listing.ts';
import {
  deleteConflict,
  entityForUpdate,
  entityNamed,
  iamArn,
  newUniqueId,
  noSuchEntity,
  quotaExceeded,
  saveEntity,
} from './records.ts';
import { plainUser } from './users.ts';

const MOST_GROUPS = 300;
const MOST_GROUPS_PER_USER = 10;

export const createGroup = operation<CreateGroupRequest, CreateGroupResponse>({
  authorize: async ({ GroupName, Path }, call) => onNew(call, 'iam:CreateGroup', 'group', Path, GroupName),
  handle: async ({ GroupName = '', Path = '/' }, call) => {
    const group: GroupRecord = {
      groupName: GroupName,
      groupId: newUniqueId(call.house.ids, 'AGPA'),
      path: Path,
      arn: iamArn(call.account, 'group', Path, GroupName),
      createdAt: call.now,
      inline: {},
      attached: [],
    };
    await change(call, async (tx) => {
      if ((await groups.count(tx, { account: call.account })) >= MOST_GROUPS) {
        throw quotaExceeded('GroupsPerAccount', MOST_GROUPS);
      }
      if (!(await groups.insert(tx, nameKey(call.account, GroupName), group))) {
        throw groupExists(GroupName);
      }
    });
    return { Group: shownGroup(group) };
  },
});

export const getGroup = operation<GetGroupRequest, GetGroupResponse>({
  authorize: async ({ GroupName }, call) => onEntity(call, 'iam:GetGroup', 'group', GroupName),
  handle: async (input, call) => {
    const group = await entityNamed(call.house.store, 'group', call.account, input.GroupName ?? '');
    const members = await membersOf(call.house.store, call.account, group.groupName);
    const { items, end } = slicePage(members, (user) => user.userName.toLowerCase(), input);
    return { Group: shownGroup(group), Users: items.map(plainUser), ...end };
  },
});

export const listGroups = operation<ListGroupsRequest, ListGroupsResponse>({
  handle: async (input, call) => {
    const { items, end } = await listPage(
      call.house.store,
      groups,
      { account: call.account },
      input,
      underPath(input.PathPrefix),
    );
    return { Groups: items.map(shownGroup), ...end };
  },
});

/** Renaming keeps the group's id, policies and members. */
export const updateGroup = operation<UpdateGroupRequest, object>({
  authorize: async ({ GroupName, NewPath, NewGroupName }, call) => [
    ...(await onEntity(call, 'iam:UpdateGroup', 'group', GroupName)),
    ...(NewPath === undefined && NewGroupName === undefined
      ? []
      : onNew(call, 'iam:UpdateGroup', 'group', NewPath, NewGroupName ?? GroupName)),
  ],
  handle: async ({ GroupName = '', NewPath, NewGroupName }, call) => {
    await change(call, async (tx) => {
      const group = await entityForUpdate(tx, 'group', call.account, GroupName);
      const groupName = NewGroupName ?? group.groupName;
      const path = NewPath ?? group.path;
      const renamed = { ...group, groupName, path, arn: iamArn(call.account, 'group', path, groupName) };
      const [before, after] = [nameKey(call.account, group.groupName), nameKey(call.account, groupName)];
      if (before.id === after.id) {
        await groups.update(tx, after, renamed);
        return;
      }
      if (!(await groups.insert(tx, after, renamed))) throw groupExists(groupName);
      await groups.delete(tx, before);
      for (const user of await membersOf(tx, call.account, before.id)) {
        const memberships = user.groups.map((name) => (name === before.id ? after.id : name));
        await saveEntity(tx, 'user', call.account, { ...user, groups: memberships });
      }
    });
    return {};
  },
});

export const deleteGroup = operation<DeleteGroupRequest, object>({
  authorize: async ({ GroupName }, call) => onEntity(call, 'iam:DeleteGroup', 'group', GroupName),
  handle: async ({ GroupName = '' }, call) => {
    await change(call, async (tx) => {
      const group = await entityForUpdate(tx, 'group', call.account, GroupName);
      if ((await membersOf(tx, call.account, GroupName)).length > 0) throw deleteConflict('remove users from group');
      if (group.attached.length > 0) throw deleteConflict('detach all policies');
      if (Object.keys(group.inline).length > 0) throw deleteConflict('delete policies');
      await groups.delete(tx, nameKey(call.account, GroupName));
    });
    return {};
  },
});

export const addUserToGroup = operation<AddUserToGroupRequest, object>({
  authorize: async ({ GroupName }, call) => onEntity(call, 'iam:AddUserToGroup', 'group', GroupName),
  handle: async ({ GroupName = '', UserName = '' }, call) => {
    await change(call, async (tx) => {
      // The group's row too: it must not be deleted under the new member.
      await entityForUpdate(tx, 'group', call.account, GroupName);
      const user = await entityForUpdate(tx, 'user', call.account, UserName);
      const group = GroupName.toLowerCase();
      if (user.groups.includes(group)) return;
      if (user.groups.length >= MOST_GROUPS_PER_USER) throw quotaExceeded('GroupsPerUser', MOST_GROUPS_PER_USER);
      await saveEntity(tx, 'user', call.account, { ...user, groups: [...user.groups, group] });
    });
    return {};
  },
});

export const removeUserFromGroup = operation<RemoveUserFromGroupRequest, object>({
  authorize: async ({ GroupName }, call) => onEntity(call, 'iam:RemoveUserFromGroup', 'group', GroupName),
  handle: async ({ GroupName = '', UserName = '' }, call) => {
    await change(call, async (tx) => {
      await entityForUpdate(tx, 'group', call.account, GroupName);
      const user = await entityForUpdate(tx, 'user', call.account, UserName);
      const group = GroupName.toLowerCase();
      if (!user.groups.includes(group)) {
        throw noSuchEntity(`The user with name ${UserName} is not in the group with name ${GroupName}.`);
      }
      await saveEntity(tx, 'user', call.account, { ...user, groups: user.groups.filter((name) => name !== group) });
    });
    return {};
  },
});

export const listGroupsForUser = operation<ListGroupsForUserRequest, ListGroupsForUserResponse>({
  authorize: async ({ UserName }, call) => onEntity(call, 'iam:ListGroupsForUser', 'user', UserName),
  handle: async (input, call) => {
    const { store } = call.house;
    const user = await entityNamed(store, 'user', call.account, input.UserName ?? '');
    const found = await groups.getMany(store, { account: call.account, region: '' }, user.groups);
    const { items, end } = slicePage(
      found.map(({ document }) => document),
      (group) => group.groupName.toLowerCase(),
      input,
    );
    return { Groups: items.map(shownGroup), ...end };
  },
});

function groupExists(name: string): AwsError {
  return new AwsError('EntityAlreadyExistsException', `Group with name ${name} already exists.`);
}

async function membersOf(q: Queryable, account: string, groupName: string): Promise<UserRecord[]> {
  const all = await users.list(q, { account });
  return all.map(({ document }) => document).filter((user) => user.groups.includes(groupName.toLowerCase()));
}

function shownGroup(group: GroupRecord): Group {
  return {
    Path: group.path,
    GroupName: group.groupName,
    GroupId: group.groupId,
    Arn: group.arn,
    CreateDate: new Date(group.createdAt),
  };
}
