/** Instance profiles: the envelope in which EC2 is handed a role. Source: IAM API Reference. */
import type {
  AddRoleToInstanceProfileRequest,
  CreateInstanceProfileRequest,
  CreateInstanceProfileResponse,
  DeleteInstanceProfileRequest,
  GetInstanceProfileRequest,
  GetInstanceProfileResponse,
  ListInstanceProfilesForRoleRequest,
  ListInstanceProfilesForRoleResponse,
  ListInstanceProfilesRequest,
  ListInstanceProfilesResponse,
  RemoveRoleFromInstanceProfileRequest,
} from '@aws-sdk/client-iam';
import { AwsError } from '../../common/index.ts';
import { nameKey, type Tx } from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { onEntity, onInstanceProfile, onNew, requestTags } from './access.ts';
import { change } from './identity-cache.ts';
import { type InstanceProfileRecord, instanceProfiles } from './instance-profile-records.ts';
import { listPage, underPath } from './listing.ts';
import {
  deleteConflict,
  entityForUpdate,
  entityNamed,
  iamArn,
  newUniqueId,
  noSuchEntity,
  quotaExceeded,
  refuseServiceLinked,
  withTags,
} from './records.ts';
import { shownProfile } from './shown-profiles.ts';

const MOST_PROFILES = 1000;

export const createInstanceProfile = operation<CreateInstanceProfileRequest, CreateInstanceProfileResponse>({
  authorize: async ({ InstanceProfileName, Path, Tags }, call) =>
    onNew(call, 'iam:CreateInstanceProfile', 'instance-profile', Path, InstanceProfileName, requestTags(Tags)),
  handle: async ({ InstanceProfileName = '', Path = '/', Tags }, call) => {
    const profile: InstanceProfileRecord = {
      name: InstanceProfileName,
      profileId: newUniqueId(call.house.ids, 'AIPA'),
      path: Path,
      arn: iamArn(call.account, 'instance-profile', Path, InstanceProfileName),
      createdAt: call.now,
      tags: withTags({}, Tags),
    };
    await change(call, async (tx) => {
      if ((await instanceProfiles.count(tx, { account: call.account })) >= MOST_PROFILES) {
        throw quotaExceeded('InstanceProfilesPerAccount', MOST_PROFILES);
      }
      if (!(await instanceProfiles.insert(tx, nameKey(call.account, InstanceProfileName), profile))) {
        throw new AwsError('EntityAlreadyExistsException', `Instance Profile ${InstanceProfileName} already exists.`);
      }
    });
    return { InstanceProfile: await shownProfile(call.house.store, call, profile) };
  },
});

export const getInstanceProfile = operation<GetInstanceProfileRequest, GetInstanceProfileResponse>({
  authorize: async ({ InstanceProfileName }, call) =>
    onInstanceProfile(call, 'iam:GetInstanceProfile', InstanceProfileName),
  handle: async ({ InstanceProfileName = '' }, call) => {
    const { store } = call.house;
    const profile = (await instanceProfiles.get(store, nameKey(call.account, InstanceProfileName)))?.document;
    if (profile === undefined) throw noSuchProfile(InstanceProfileName);
    return { InstanceProfile: await shownProfile(store, call, profile) };
  },
});

export const listInstanceProfiles = operation<ListInstanceProfilesRequest, ListInstanceProfilesResponse>({
  handle: async (input, call) => {
    const { store } = call.house;
    const { items, end } = await listPage(
      store,
      instanceProfiles,
      { account: call.account },
      input,
      underPath(input.PathPrefix),
    );
    return { InstanceProfiles: await Promise.all(items.map((profile) => shownProfile(store, call, profile))), ...end };
  },
});

export const listInstanceProfilesForRole = operation<
  ListInstanceProfilesForRoleRequest,
  ListInstanceProfilesForRoleResponse
>({
  authorize: async ({ RoleName }, call) => onEntity(call, 'iam:ListInstanceProfilesForRole', 'role', RoleName),
  handle: async (input, call) => {
    const { store } = call.house;
    const role = await entityNamed(store, 'role', call.account, input.RoleName ?? '');
    const parent = role.roleName.toLowerCase();
    const { items, end } = await listPage(store, instanceProfiles, { account: call.account, parent }, input);
    return { InstanceProfiles: await Promise.all(items.map((profile) => shownProfile(store, call, profile))), ...end };
  },
});

export const deleteInstanceProfile = operation<DeleteInstanceProfileRequest, object>({
  authorize: async ({ InstanceProfileName }, call) =>
    onInstanceProfile(call, 'iam:DeleteInstanceProfile', InstanceProfileName),
  handle: async ({ InstanceProfileName = '' }, call) => {
    await change(call, async (tx) => {
      const profile = await profileForUpdate(tx, call, InstanceProfileName);
      if (profile.role !== undefined) throw deleteConflict('remove roles from instance profile');
      await instanceProfiles.delete(tx, nameKey(call.account, InstanceProfileName));
    });
    return {};
  },
});

/** Whoever puts a role into a profile hands it to EC2, so it must be allowed to pass the role. */
export const addRoleToInstanceProfile = operation<AddRoleToInstanceProfileRequest, object>({
  authorize: async ({ InstanceProfileName, RoleName }, call) => [
    ...(await onInstanceProfile(call, 'iam:AddRoleToInstanceProfile', InstanceProfileName)),
    ...(await onEntity(call, 'iam:PassRole', 'role', RoleName, { 'iam:PassedToService': 'ec2.amazonaws.com' })),
  ],
  handle: async ({ InstanceProfileName = '', RoleName = '' }, call) => {
    await change(call, async (tx) => {
      const role = await entityForUpdate(tx, 'role', call.account, RoleName);
      refuseServiceLinked(role, call);
      const profile = await profileForUpdate(tx, call, InstanceProfileName);
      if (profile.role !== undefined) throw quotaExceeded('InstanceSessionsPerInstanceProfile', 1);
      const parent = role.roleName.toLowerCase();
      await instanceProfiles.update(
        tx,
        nameKey(call.account, InstanceProfileName),
        { ...profile, role: parent },
        { parent },
      );
    });
    return {};
  },
});

export const removeRoleFromInstanceProfile = operation<RemoveRoleFromInstanceProfileRequest, object>({
  authorize: async ({ InstanceProfileName }, call) =>
    onInstanceProfile(call, 'iam:RemoveRoleFromInstanceProfile', InstanceProfileName),
  handle: async ({ InstanceProfileName = '', RoleName = '' }, call) => {
    await change(call, async (tx) => {
      const { role, ...profile } = await profileForUpdate(tx, call, InstanceProfileName);
      if (role !== RoleName.toLowerCase()) throw noSuchEntity(`The role with name ${RoleName} cannot be found.`);
      await instanceProfiles.update(tx, nameKey(call.account, InstanceProfileName), profile, { parent: '' });
    });
    return {};
  },
});

async function profileForUpdate(tx: Tx, call: Call, name: string): Promise<InstanceProfileRecord> {
  const profile = (await instanceProfiles.getForUpdate(tx, nameKey(call.account, name)))?.document;
  if (profile === undefined) throw noSuchProfile(name);
  return profile;
}

function noSuchProfile(name: string): AwsError {
  return noSuchEntity(`Instance Profile ${name} cannot be found.`);
}
