/** Roles and their trust. Source: IAM API Reference, the role operations. */
import type {
  CreateRoleRequest,
  CreateRoleResponse,
  DeleteRoleRequest,
  GetRoleRequest,
  GetRoleResponse,
  ListRolesRequest,
  ListRolesResponse,
  Role,
  UpdateAssumeRolePolicyRequest,
  UpdateRoleDescriptionRequest,
  UpdateRoleDescriptionResponse,
  UpdateRoleRequest,
} from '@aws-sdk/client-iam';
import { AwsError } from '../../common/index.ts';
import { globalKey, nameKey, type Queryable, type RoleRecord, roles, uses } from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { onEntity, onNew, requestTags } from './access.ts';
import { change } from './identity-cache.ts';
import { instanceProfiles } from './instance-profile-records.ts';
import { listPage, underPath } from './listing.ts';
import { checkTrust } from './policy-checks.ts';
import { existingPolicy } from './policy-lookup.ts';
import {
  deleteConflict,
  entityForUpdate,
  entityNamed,
  iamArn,
  newUniqueId,
  quotaExceeded,
  refuseServiceLinked,
  saveEntity,
  tagsMember,
  urlEncoded,
  validationError,
  withTags,
} from './records.ts';
import { bindTrust, shownTrust } from './trust.ts';

const MOST_ROLES = 1000;
const DEFAULT_SESSION_SECONDS = 3600;

export const createRole = operation<CreateRoleRequest, CreateRoleResponse>({
  authorize: async ({ RoleName, Path, PermissionsBoundary, Tags }, call) =>
    onNew(call, 'iam:CreateRole', 'role', Path, RoleName, {
      ...(PermissionsBoundary === undefined ? {} : { 'iam:PermissionsBoundary': PermissionsBoundary }),
      ...requestTags(Tags),
    }),
  handle: async (input, call) => {
    const { RoleName = '', Path = '/', AssumeRolePolicyDocument = '', MaxSessionDuration, PermissionsBoundary } = input;
    checkTrust(AssumeRolePolicyDocument);
    if (Path.startsWith('/aws-service-role/')) {
      throw validationError('Role paths beginning with /aws-service-role/ are reserved for service-linked roles.');
    }
    const role = await change(call, async (tx) => {
      if ((await roles.count(tx, { account: call.account })) >= MOST_ROLES) {
        throw quotaExceeded('RolesPerAccount', MOST_ROLES);
      }
      if (PermissionsBoundary !== undefined) await existingPolicy(tx, call.account, PermissionsBoundary);
      const record: RoleRecord = {
        roleName: RoleName,
        roleId: newUniqueId(call.house.ids, 'AROA'),
        path: Path,
        arn: iamArn(call.account, 'role', Path, RoleName),
        createdAt: call.now,
        ...(input.Description === undefined ? {} : { description: input.Description }),
        maxSessionSeconds: MaxSessionDuration ?? DEFAULT_SESSION_SECONDS,
        ...(await bindTrust(tx, call.account, AssumeRolePolicyDocument)),
        inline: {},
        attached: [],
        ...(PermissionsBoundary === undefined ? {} : { boundary: PermissionsBoundary }),
        tags: withTags({}, input.Tags),
      };
      if (!(await roles.insert(tx, nameKey(call.account, RoleName), record))) {
        throw new AwsError('EntityAlreadyExistsException', `Role with name ${RoleName} already exists.`);
      }
      return record;
    });
    return { Role: shownRole(role, role.trust) };
  },
});

export const getRole = operation<GetRoleRequest, GetRoleResponse>({
  authorize: async ({ RoleName }, call) => onEntity(call, 'iam:GetRole', 'role', RoleName),
  handle: async ({ RoleName = '' }, call) => {
    const { store } = call.house;
    const role = await entityNamed(store, 'role', call.account, RoleName);
    const use = (await uses.get(store, globalKey(role.roleId)))?.document;
    return {
      Role: {
        ...shownRole(role, await shownTrust(store, role)),
        RoleLastUsed: use === undefined ? {} : { LastUsedDate: new Date(use.at), Region: use.region },
      },
    };
  },
});

export const listRoles = operation<ListRolesRequest, ListRolesResponse>({
  handle: async (input, call) => {
    const { store } = call.house;
    const { items, end } = await listPage(store, roles, { account: call.account }, input, underPath(input.PathPrefix));
    return { Roles: await Promise.all(items.map((role) => listedRole(store, role))), ...end };
  },
});

export const updateRole = operation<UpdateRoleRequest, object>({
  authorize: async ({ RoleName }, call) => onEntity(call, 'iam:UpdateRole', 'role', RoleName),
  handle: async ({ RoleName = '', Description, MaxSessionDuration }, call) => {
    await changeRole(call, RoleName, (role) => ({
      ...role,
      ...(Description === undefined ? {} : { description: Description }),
      ...(MaxSessionDuration === undefined ? {} : { maxSessionSeconds: MaxSessionDuration }),
    }));
    return {};
  },
});

export const updateRoleDescription = operation<UpdateRoleDescriptionRequest, UpdateRoleDescriptionResponse>({
  authorize: async ({ RoleName }, call) => onEntity(call, 'iam:UpdateRoleDescription', 'role', RoleName),
  handle: async ({ RoleName = '', Description = '' }, call) => {
    const role = await changeRole(call, RoleName, (before) => ({ ...before, description: Description }));
    return { Role: shownRole(role, await shownTrust(call.house.store, role)) };
  },
});

export const updateAssumeRolePolicy = operation<UpdateAssumeRolePolicyRequest, object>({
  authorize: async ({ RoleName }, call) => onEntity(call, 'iam:UpdateAssumeRolePolicy', 'role', RoleName),
  handle: async ({ RoleName = '', PolicyDocument = '' }, call) => {
    checkTrust(PolicyDocument);
    await change(call, async (tx) => {
      const role = await entityForUpdate(tx, 'role', call.account, RoleName);
      refuseServiceLinked(role, call);
      await saveEntity(tx, 'role', call.account, { ...role, ...(await bindTrust(tx, call.account, PolicyDocument)) });
    });
    return {};
  },
});

export const deleteRole = operation<DeleteRoleRequest, object>({
  authorize: async ({ RoleName }, call) => onEntity(call, 'iam:DeleteRole', 'role', RoleName),
  handle: async ({ RoleName = '' }, call) => {
    await change(call, async (tx) => {
      const role = await entityForUpdate(tx, 'role', call.account, RoleName);
      refuseServiceLinked(role, call);
      if (role.attached.length > 0) throw deleteConflict('detach all policies');
      if (Object.keys(role.inline).length > 0) throw deleteConflict('delete policies');
      if ((await profilesOf(tx, call.account, RoleName)).length > 0) {
        throw deleteConflict('remove roles from instance profile');
      }
      await roles.delete(tx, nameKey(call.account, RoleName));
    });
    return {};
  },
});

async function profilesOf(q: Queryable, account: string, roleName: string) {
  return instanceProfiles.list(q, { account, parent: roleName.toLowerCase(), limit: 1 });
}

async function changeRole(call: Call, name: string, edit: (role: RoleRecord) => RoleRecord): Promise<RoleRecord> {
  return change(call, async (tx) => {
    const role = await entityForUpdate(tx, 'role', call.account, name);
    refuseServiceLinked(role, call);
    const edited = edit(role);
    await saveEntity(tx, 'role', call.account, edited);
    return edited;
  });
}

export function shownRole(role: RoleRecord, trust: string): Role {
  return {
    ...plainRole(role, trust),
    ...(role.boundary === undefined
      ? {}
      : {
          PermissionsBoundary: {
            PermissionsBoundaryType: 'PermissionsBoundaryPolicy' as const,
            PermissionsBoundaryArn: role.boundary,
          },
        }),
    ...tagsMember(role.tags),
  };
}

/** As lists show it: without tags, boundary and last use. */
export async function listedRole(q: Queryable, role: RoleRecord): Promise<Role> {
  return plainRole(role, await shownTrust(q, role));
}

function plainRole(role: RoleRecord, trust: string): Role {
  return {
    Path: role.path,
    RoleName: role.roleName,
    RoleId: role.roleId,
    Arn: role.arn,
    CreateDate: new Date(role.createdAt),
    AssumeRolePolicyDocument: urlEncoded(trust),
    ...(role.description === undefined ? {} : { Description: role.description }),
    MaxSessionDuration: role.maxSessionSeconds,
  };
}
