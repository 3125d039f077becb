/**
 * Roles that a service keeps for itself in an account: only it may use them, and nobody may edit them.
 * Source: IAM User Guide, "Create a service-linked role".
 */
import type {
  CreateServiceLinkedRoleRequest,
  CreateServiceLinkedRoleResponse,
  DeleteServiceLinkedRoleRequest,
  DeleteServiceLinkedRoleResponse,
  GetServiceLinkedRoleDeletionStatusRequest,
  GetServiceLinkedRoleDeletionStatusResponse,
} from '@aws-sdk/client-iam';
import { AwsError } from '../../common/index.ts';
import { nameKey, type RoleRecord, roles } from '../../store/index.ts';
import { operation } from '../index.ts';
import { onEntity, onNew } from './access.ts';
import { change } from './identity-cache.ts';
import { entityForUpdate, iamArn, newUniqueId, noSuchEntity } from './records.ts';
import { shownRole } from './roles.ts';

/** The role's name after `AWSServiceRoleFor`, and whether the service takes a suffix. */
const KINDS: Readonly<Record<string, Readonly<{ name: string; suffix: boolean }>>> = {
  'autoscaling.amazonaws.com': { name: 'AutoScaling', suffix: true },
  'ecs.amazonaws.com': { name: 'ECS', suffix: false },
  'elasticloadbalancing.amazonaws.com': { name: 'ElasticLoadBalancing', suffix: false },
  'organizations.amazonaws.com': { name: 'Organizations', suffix: false },
  'codestar-notifications.amazonaws.com': { name: 'CodeStarNotifications', suffix: false },
  'events.amazonaws.com': { name: 'CloudWatchEvents', suffix: false },
  'lambda.amazonaws.com': { name: 'Lambda', suffix: false },
  'ssm.amazonaws.com': { name: 'AmazonSSM', suffix: false },
  'appconfig.amazonaws.com': { name: 'AppConfig', suffix: false },
};

export const createServiceLinkedRole = operation<CreateServiceLinkedRoleRequest, CreateServiceLinkedRoleResponse>({
  authorize: async ({ AWSServiceName = '*', CustomSuffix }, call) =>
    onNew(
      call,
      'iam:CreateServiceLinkedRole',
      'role',
      `/aws-service-role/${AWSServiceName}/`,
      roleName(AWSServiceName, CustomSuffix),
      { 'iam:AWSServiceName': AWSServiceName },
    ),
  handle: async ({ AWSServiceName = '', Description, CustomSuffix }, call) => {
    const kind = KINDS[AWSServiceName];
    if (kind === undefined) {
      throw new AwsError(
        'InvalidInputException',
        `Service role does not exist for ${AWSServiceName}, as Sluice knows it.`,
      );
    }
    if (CustomSuffix !== undefined && !kind.suffix) {
      throw new AwsError('InvalidInputException', `Custom suffix is not allowed for ${AWSServiceName}`);
    }
    const name = roleName(AWSServiceName, CustomSuffix);
    const path = `/aws-service-role/${AWSServiceName}/`;
    const trust = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Action: ['sts:AssumeRole'], Effect: 'Allow', Principal: { Service: [AWSServiceName] } }],
    });
    const role: RoleRecord = {
      roleName: name,
      roleId: newUniqueId(call.house.ids, 'AROA'),
      path,
      arn: iamArn(call.account, 'role', path, name),
      createdAt: call.now,
      ...(Description === undefined ? {} : { description: Description }),
      maxSessionSeconds: 3600,
      trust,
      trustBound: trust,
      bound: {},
      inline: {},
      attached: [],
      tags: {},
    };
    await change(call, async (tx) => {
      if (!(await roles.insert(tx, nameKey(call.account, name), role))) {
        throw new AwsError(
          'InvalidInputException',
          `Service role name ${name} has been taken in this account, please try a different suffix.`,
        );
      }
    });
    return { Role: shownRole(role, trust) };
  },
});

/** Differs from AWS: nothing here uses such a role for long, so that it is gone when the call returns. */
export const deleteServiceLinkedRole = operation<DeleteServiceLinkedRoleRequest, DeleteServiceLinkedRoleResponse>({
  authorize: async ({ RoleName }, call) => onEntity(call, 'iam:DeleteServiceLinkedRole', 'role', RoleName),
  handle: async ({ RoleName = '' }, call) => {
    const path = await change(call, async (tx) => {
      const role = await entityForUpdate(tx, 'role', call.account, RoleName);
      if (!role.path.startsWith('/aws-service-role/')) {
        throw noSuchEntity(`The service-linked role with name ${RoleName} cannot be found.`);
      }
      await roles.delete(tx, nameKey(call.account, RoleName));
      return role.path;
    });
    return { DeletionTaskId: `task${path}${RoleName}/${call.house.ids.uuid()}` };
  },
});

/** `task`, the role's path and name, and an id. */
const TASK = /^task(\/aws-service-role\/[^/]+\/)([^/]+)\/[0-9a-f-]{36}$/;

export const getServiceLinkedRoleDeletionStatus = operation<
  GetServiceLinkedRoleDeletionStatusRequest,
  GetServiceLinkedRoleDeletionStatusResponse
>({
  authorize: async ({ DeletionTaskId = '' }, call) => {
    const [, path = '/', name] = TASK.exec(DeletionTaskId) ?? [];
    return [
      { action: 'iam:GetServiceLinkedRoleDeletionStatus', resource: iamArn(call.account, 'role', path, name ?? '*') },
    ];
  },
  handle: async ({ DeletionTaskId = '' }) => {
    if (!TASK.test(DeletionTaskId)) {
      throw noSuchEntity(`Task ID ${DeletionTaskId} not found.`);
    }
    return { Status: 'SUCCEEDED' };
  },
});

function roleName(service: string, suffix: string | undefined): string {
  const name = `AWSServiceRoleFor${KINDS[service]?.name ?? '*'}`;
  return suffix === undefined ? name : `${name}_${suffix}`;
}
