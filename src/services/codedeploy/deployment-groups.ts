/** Deployment groups of the compute platform Lambda. */
import type {
  BatchGetDeploymentGroupsInput,
  BatchGetDeploymentGroupsOutput,
  CreateDeploymentGroupInput,
  CreateDeploymentGroupOutput,
  DeleteDeploymentGroupInput,
  DeleteDeploymentGroupOutput,
  DeploymentGroupInfo,
  GetDeploymentGroupInput,
  GetDeploymentGroupOutput,
  ListDeploymentGroupsInput,
  ListDeploymentGroupsOutput,
  UpdateDeploymentGroupInput,
  UpdateDeploymentGroupOutput,
} from '@aws-sdk/client-codedeploy';
import { AwsError } from '../../common/index.ts';
import type { Queryable } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { onDeploymentGroup, passServiceRole } from './access.ts';
import { batchLimit, keyOf, requireApplication } from './applications.ts';
import { configFor } from './deployment-configs.ts';
import { lastDeployment, standing } from './group-standing.ts';
import { checkedAlarms, checkedLambdaStyle, checkedRole, checkedRollback, checkedTriggers } from './group-settings.ts';
import { applicationNameOf, deploymentGroupNameOf, notImplemented } from './names.ts';
import { listPage } from './pages.ts';
import { type Application, type DeploymentGroup, deploymentGroups, groupKeyId } from './records.ts';
import { testTriggers } from './triggers.ts';
import { checkedGroupTags, tagContext } from './tags.ts';

const MOST_GROUPS = 1000;
const MOST_IN_A_BATCH = 100;

export const createDeploymentGroup = operation<CreateDeploymentGroupInput, CreateDeploymentGroupOutput>({
  authorize: (input, call) => {
    const { applicationName, deploymentGroupName, tags } = input;
    const context = tagContext(tags);
    const request = onDeploymentGroup(call, 'CreateDeploymentGroup', applicationName, deploymentGroupName, context);
    return [request, ...passServiceRole(input.serviceRoleArn, request)];
  },
  async handle(input, call) {
    const application = await requireApplication(call, input.applicationName);
    const deploymentGroupName = deploymentGroupNameOf(input.deploymentGroupName);
    const key = groupKey(call, application, deploymentGroupName);
    if ((await deploymentGroups.get(call.house.store, key)) !== undefined) throw alreadyExists(deploymentGroupName);
    const serviceRoleArn = checkedRole(input.serviceRoleArn, call.account);
    assertLambda(application);
    refuseHostSettings(input);
    const config = await configFor(call, 'Lambda', input.deploymentConfigName ?? 'CodeDeployDefault.LambdaAllAtOnce');
    const alarmConfiguration = checkedAlarms(input.alarmConfiguration);
    const autoRollbackConfiguration = checkedRollback(input.autoRollbackConfiguration);
    const group: DeploymentGroup = {
      deploymentGroupId: call.house.ids.uuid(),
      deploymentGroupName,
      applicationId: application.applicationId,
      deploymentConfigName: config.deploymentConfigName,
      serviceRoleArn,
      deploymentStyle: checkedLambdaStyle(input.deploymentStyle),
      triggerConfigurations: checkedTriggers(input.triggerConfigurations),
      tags: checkedGroupTags(input.tags),
      ...(alarmConfiguration !== undefined && { alarmConfiguration }),
      ...(autoRollbackConfiguration !== undefined && { autoRollbackConfiguration }),
      ...hostLeftovers(input),
    };
    const scope = { account: call.account, region: call.region };
    const count = await deploymentGroups.count(call.house.store, { ...scope, parent: application.applicationId });
    if (count >= MOST_GROUPS) {
      throw new AwsError(
        'DeploymentGroupLimitExceededException',
        `The limit of ${MOST_GROUPS} deployment groups is reached.`,
      );
    }
    await testTriggers(call, application.applicationName, group, group.triggerConfigurations);
    const placement = { parent: application.applicationId, sort: deploymentGroupName };
    if (!(await deploymentGroups.insert(call.house.store, key, group, placement)))
      throw alreadyExists(deploymentGroupName);
    return { deploymentGroupId: group.deploymentGroupId };
  },
});

export const getDeploymentGroup = operation<GetDeploymentGroupInput, GetDeploymentGroupOutput>({
  authorize: (input, call) => [
    onDeploymentGroup(call, 'GetDeploymentGroup', input.applicationName, input.deploymentGroupName),
  ],
  async handle(input, call) {
    const application = await requireApplication(call, input.applicationName);
    const group = await requireGroup(call, application, input.deploymentGroupName);
    return { deploymentGroupInfo: await shown(call, application, group) };
  },
});

export const batchGetDeploymentGroups = operation<BatchGetDeploymentGroupsInput, BatchGetDeploymentGroupsOutput>({
  authorize: (input, call) =>
    (Array.isArray(input.deploymentGroupNames) && input.deploymentGroupNames.length > 0
      ? input.deploymentGroupNames
      : ['*']
    ).map((name) => onDeploymentGroup(call, 'BatchGetDeploymentGroups', input.applicationName, name)),
  async handle(input, call) {
    const application = await requireApplication(call, input.applicationName);
    const names = input.deploymentGroupNames ?? [];
    if (names.length === 0) {
      throw new AwsError(
        'DeploymentGroupNameRequiredException',
        'At least one deployment group name must be specified.',
      );
    }
    if (names.length > MOST_IN_A_BATCH) throw batchLimit(MOST_IN_A_BATCH);
    const infos: DeploymentGroupInfo[] = [];
    const missing: string[] = [];
    for (const name of names.map((each) => deploymentGroupNameOf(each))) {
      const group = (await deploymentGroups.get(call.house.store, groupKey(call, application, name)))?.document;
      if (group === undefined) missing.push(name);
      else infos.push(await shown(call, application, group));
    }
    return {
      deploymentGroupsInfo: infos,
      ...(missing.length > 0 && { errorMessage: `No Deployment Group found for name: ${missing.join(', ')}` }),
    };
  },
});

export const listDeploymentGroups = operation<ListDeploymentGroupsInput, ListDeploymentGroupsOutput>({
  authorize: (input, call) => [onDeploymentGroup(call, 'ListDeploymentGroups', input.applicationName, '*')],
  async handle(input, call) {
    const application = await requireApplication(call, input.applicationName);
    const { items, ...more } = await listPage(
      call.house.store,
      deploymentGroups,
      { account: call.account, region: call.region, parent: application.applicationId },
      input.nextToken,
    );
    return {
      applicationName: application.applicationName,
      deploymentGroups: items.map(({ document }) => document.deploymentGroupName),
      ...more,
    };
  },
});

/** What is left out stays; a list that is given replaces the one before. Deployments under way keep what they began with. */
export const updateDeploymentGroup = operation<UpdateDeploymentGroupInput, UpdateDeploymentGroupOutput>({
  authorize: (input, call) => {
    const { applicationName, currentDeploymentGroupName } = input;
    const request = onDeploymentGroup(call, 'UpdateDeploymentGroup', applicationName, currentDeploymentGroupName);
    return [request, ...passServiceRole(input.serviceRoleArn, request)];
  },
  async handle(input, call) {
    const application = await requireApplication(call, input.applicationName);
    const current = await requireGroup(call, application, input.currentDeploymentGroupName);
    const newName =
      input.newDeploymentGroupName === undefined
        ? current.deploymentGroupName
        : deploymentGroupNameOf(input.newDeploymentGroupName);
    refuseHostSettings(input);
    const config =
      input.deploymentConfigName === undefined
        ? undefined
        : await configFor(call, 'Lambda', input.deploymentConfigName);
    const alarmConfiguration = checkedAlarms(input.alarmConfiguration);
    const autoRollbackConfiguration = checkedRollback(input.autoRollbackConfiguration);
    const changes: Partial<DeploymentGroup> = {
      deploymentGroupName: newName,
      ...(input.serviceRoleArn !== undefined && { serviceRoleArn: checkedRole(input.serviceRoleArn, call.account) }),
      ...(config !== undefined && { deploymentConfigName: config.deploymentConfigName }),
      ...(input.deploymentStyle !== undefined && { deploymentStyle: checkedLambdaStyle(input.deploymentStyle) }),
      ...(input.triggerConfigurations !== undefined && {
        triggerConfigurations: checkedTriggers(input.triggerConfigurations),
      }),
      ...(alarmConfiguration !== undefined && { alarmConfiguration }),
      ...(autoRollbackConfiguration !== undefined && { autoRollbackConfiguration }),
      ...hostLeftovers(input),
    };
    const known = new Set(current.triggerConfigurations.map((trigger) => trigger.triggerTargetArn));
    const fresh = (changes.triggerConfigurations ?? []).filter((trigger) => !known.has(trigger.triggerTargetArn));
    await testTriggers(call, application.applicationName, { ...current, ...changes }, fresh);
    await call.house.store.transaction(async (tx) => {
      const key = groupKey(call, application, current.deploymentGroupName);
      const group = (await deploymentGroups.getForUpdate(tx, key))?.document;
      if (group === undefined) throw doesNotExist(current.deploymentGroupName);
      const changed = { ...group, ...changes };
      if (newName === group.deploymentGroupName) {
        await deploymentGroups.update(tx, key, changed);
        return;
      }
      const placement = { parent: application.applicationId, sort: newName };
      const moved = await deploymentGroups.insert(tx, groupKey(call, application, newName), changed, placement);
      if (!moved) throw alreadyExists(newName);
      await deploymentGroups.delete(tx, key);
    });
    return { hooksNotCleanedUp: [] };
  },
});

/** Deleting what is not there succeeds. */
export const deleteDeploymentGroup = operation<DeleteDeploymentGroupInput, DeleteDeploymentGroupOutput>({
  authorize: (input, call) => [
    onDeploymentGroup(call, 'DeleteDeploymentGroup', input.applicationName, input.deploymentGroupName),
  ],
  async handle(input, call) {
    const applicationName = applicationNameOf(input.applicationName);
    const name = deploymentGroupNameOf(input.deploymentGroupName);
    const application = await requireApplication(call, applicationName).catch(() => undefined);
    if (application !== undefined) await deploymentGroups.delete(call.house.store, groupKey(call, application, name));
    return { hooksNotCleanedUp: [] };
  },
});

export function groupKey(call: Call, application: Application, deploymentGroupName: string) {
  return keyOf(call, groupKeyId(application.applicationId, deploymentGroupName));
}

/** Checks the name as well. Throws `DeploymentGroupDoesNotExistException`. */
export async function requireGroup(
  call: Call,
  application: Application,
  name: string | undefined,
  q: Queryable = call.house.store,
): Promise<DeploymentGroup> {
  const groupName = deploymentGroupNameOf(name);
  const group = (await deploymentGroups.get(q, groupKey(call, application, groupName)))?.document;
  if (group === undefined) throw doesNotExist(groupName);
  return group;
}

export function assertLambda(application: Application): void {
  if (application.computePlatform === 'Lambda') return;
  throw notImplemented(`Deployment groups and deployments on the compute platform ${application.computePlatform} are`);
}

/** Settings of hosts and of ECS have no place in a Lambda group; empty ones are let pass, as clients send them. */
function refuseHostSettings(input: CreateDeploymentGroupInput | UpdateDeploymentGroupInput): void {
  const refuse = (code: string, what: string) =>
    new AwsError(code, `${what} cannot be specified for a deployment group on the compute platform Lambda.`);
  if (filled(input.ec2TagFilters) || filled(input.ec2TagSet?.ec2TagSetList))
    throw refuse('InvalidEC2TagException', 'Amazon EC2 tags');
  if (filled(input.onPremisesInstanceTagFilters) || filled(input.onPremisesTagSet?.onPremisesTagSetList)) {
    throw refuse('InvalidTagException', 'On-premises instance tags');
  }
  if (filled(input.autoScalingGroups)) throw refuse('InvalidAutoScalingGroupException', 'Auto Scaling groups');
  const { elbInfoList, targetGroupInfoList, targetGroupPairInfoList } = input.loadBalancerInfo ?? {};
  if (filled(elbInfoList) || filled(targetGroupInfoList) || filled(targetGroupPairInfoList)) {
    throw refuse('InvalidLoadBalancerInfoException', 'Load balancers');
  }
  if (filled(input.ecsServices)) throw refuse('InvalidECSServiceException', 'ECS services');
  if (Object.keys(input.blueGreenDeploymentConfiguration ?? {}).length > 0) {
    throw refuse('InvalidBlueGreenDeploymentConfigurationException', 'A blue/green deployment configuration');
  }
  const strategy = input.outdatedInstancesStrategy as string | undefined;
  if (strategy !== undefined && strategy !== 'UPDATE' && strategy !== 'IGNORE') {
    throw new AwsError('InvalidInputException', `${strategy} is not a strategy for outdated instances.`);
  }
  if (input.terminationHookEnabled === true) throw refuse('InvalidInputException', 'The termination hook');
}

/** Kept and shown, though there are no hosts that they could matter to. */
function hostLeftovers(input: CreateDeploymentGroupInput | UpdateDeploymentGroupInput): Partial<DeploymentGroup> {
  return {
    ...(input.outdatedInstancesStrategy !== undefined && {
      outdatedInstancesStrategy: input.outdatedInstancesStrategy,
    }),
    ...(input.terminationHookEnabled !== undefined && { terminationHookEnabled: input.terminationHookEnabled }),
  };
}

function filled(list: readonly unknown[] | undefined): boolean {
  return list !== undefined && list !== null && list.length > 0;
}

async function shown(call: Call, application: Application, group: DeploymentGroup): Promise<DeploymentGroupInfo> {
  const { lastAttempted, lastSuccessful } = await standing(call.house.store, call, group);
  return {
    applicationName: application.applicationName,
    deploymentGroupId: group.deploymentGroupId,
    deploymentGroupName: group.deploymentGroupName,
    deploymentConfigName: group.deploymentConfigName,
    ec2TagFilters: [],
    onPremisesInstanceTagFilters: [],
    autoScalingGroups: [],
    serviceRoleArn: group.serviceRoleArn,
    triggerConfigurations: [...group.triggerConfigurations],
    deploymentStyle: group.deploymentStyle,
    outdatedInstancesStrategy: group.outdatedInstancesStrategy ?? 'UPDATE',
    computePlatform: application.computePlatform,
    terminationHookEnabled: group.terminationHookEnabled ?? false,
    ...(group.alarmConfiguration !== undefined && { alarmConfiguration: group.alarmConfiguration }),
    ...(group.autoRollbackConfiguration !== undefined && {
      autoRollbackConfiguration: group.autoRollbackConfiguration,
    }),
    ...(lastSuccessful !== undefined && {
      targetRevision: lastSuccessful.info.revision,
      lastSuccessfulDeployment: lastDeployment(lastSuccessful),
    }),
    ...(lastAttempted !== undefined && { lastAttemptedDeployment: lastDeployment(lastAttempted) }),
  };
}

function doesNotExist(name: string): AwsError {
  return new AwsError('DeploymentGroupDoesNotExistException', `No Deployment Group found for name: ${name}`);
}

function alreadyExists(name: string): AwsError {
  return new AwsError('DeploymentGroupAlreadyExistsException', `Deployment Group already exists: ${name}`);
}
