/** CreateDeployment, and the rollback deployment that another one asks for. */
import { createHash } from 'node:crypto';
import type { CreateDeploymentInput, CreateDeploymentOutput } from '@aws-sdk/client-codedeploy';
import { AwsError, UPPER_ALPHANUMERIC, type Ids } from '../../common/index.ts';
import { type DeploymentEffect, firstEffects, type Target } from '../../core/lambda-deployment/index.ts';
import { allAtOnce } from '../../core/traffic-shift/index.ts';
import type { AccessRequest } from '../../common/index.ts';
import { type Call, type House, operation, type Scope } from '../service.ts';
import { deploymentGroupArn, onApplication, onDeploymentConfig, onDeploymentGroup } from './access.ts';
import { fitnessMode, requireFitAlarms } from './alarm-fitness.ts';
import { keyOf, requireApplication } from './applications.ts';
import { configFor, stepsOf } from './deployment-configs.ts';
import { assertLambda, groupKey, requireGroup } from './deployment-groups.ts';
import { alarmWatch, checkedAlarms, checkedRollback, rollbackPolicy } from './group-settings.ts';
import { standing, withAttempt } from './group-standing.ts';
import { descriptionOf } from './names.ts';
import { judgeOf } from './judging.ts';
import {
  applications,
  type Deployment,
  DEPLOYMENT_KIND,
  deploymentGroups,
  deployments,
  groupKeyId,
  revisions,
} from './records.ts';
import { checkedRevision } from './revision-location.ts';
import { noteRevision, revisionKey } from './revisions.ts';
import { asRole } from './role-sessions.ts';

const FILE_EXISTS_BEHAVIORS: readonly string[] = ['DISALLOW', 'OVERWRITE', 'RETAIN'];

export const createDeployment = operation<CreateDeploymentInput, CreateDeploymentOutput>({
  authorize: accessToCreate,
  async handle(input, call) {
    const application = await requireApplication(call, input.applicationName);
    const group = await requireGroup(call, application, input.deploymentGroupName);
    assertLambda(application);
    const revision = checkedRevision(input.revision, application.computePlatform);
    const config = await configFor(call, 'Lambda', input.deploymentConfigName ?? group.deploymentConfigName);
    const description = descriptionOf(input.description);
    refuseHostOptions(input);
    const ownRollback = checkedRollback(input.autoRollbackConfiguration);
    const ownAlarms = checkedAlarms(input.overrideAlarmConfiguration);
    const { house } = call;
    if (fitnessMode(group.tags, house.config) === 'require') {
      const role = {
        roleArn: group.serviceRoleArn,
        sessionName: 'codedeploy-alarm-fitness',
        sourceArn: deploymentGroupArn(call, application.applicationName, group.deploymentGroupName),
      };
      const watching = {
        steps: stepsOf(config),
        alarms: alarmWatch(ownAlarms ?? group.alarmConfiguration, call),
        rollbackPolicy: rollbackPolicy(ownRollback ?? group.autoRollbackConfiguration),
      };
      await requireFitAlarms(() => asRole(house, call, role), watching, group.tags, call.now);
    }
    const deploymentId = await house.store.transaction(async (tx) => {
      const key = groupKey(call, application, group.deploymentGroupName);
      const current = (await deploymentGroups.getForUpdate(tx, key))?.document;
      if (current === undefined) {
        throw new AwsError(
          'DeploymentGroupDoesNotExistException',
          `No Deployment Group found for name: ${group.deploymentGroupName}`,
        );
      }
      const ownId = call.clientToken && deploymentIdOf(current.deploymentGroupId, call.clientToken);
      if (ownId !== undefined && (await deployments.get(tx, keyOf(call, ownId))) !== undefined) return ownId;
      const deploymentId = ownId ?? newDeploymentId(house.ids);
      const before = await standing(tx, call, current);
      if (before.activeId !== undefined) {
        throw new AwsError(
          'DeploymentLimitExceededException',
          `The Deployment Group '${group.deploymentGroupName}' already has an active Deployment '${before.activeId}'`,
        );
      }
      const autoRollback = ownRollback ?? current.autoRollbackConfiguration;
      const previousRevision = before.lastSuccessful?.info.revision;
      const judge = judgeOf(current.tags, house.config, call.now);
      const deployment: Deployment = {
        ...blank(call, house.ids, deploymentId),
        steps: stepsOf(config),
        alarms: alarmWatch(ownAlarms ?? current.alarmConfiguration, call),
        ...(judge !== undefined && { judge }),
        rollbackPolicy: rollbackPolicy(autoRollback),
        ...(before.lastSuccessful !== undefined && { previousDeploymentId: before.lastSuccessful.deploymentId }),
        info: {
          applicationId: application.applicationId,
          applicationName: application.applicationName,
          deploymentGroupId: current.deploymentGroupId,
          deploymentGroupName: current.deploymentGroupName,
          deploymentConfigName: config.deploymentConfigName,
          serviceRoleArn: current.serviceRoleArn,
          revision,
          creator: 'user',
          triggerConfigurations: current.triggerConfigurations,
          ...(previousRevision !== undefined && { previousRevision }),
          ...(description !== undefined && { description }),
          ...(autoRollback !== undefined && { autoRollbackConfiguration: autoRollback }),
          ...(ownAlarms !== undefined && { overrideAlarmConfiguration: ownAlarms }),
          ...(input.fileExistsBehavior !== undefined && { fileExistsBehavior: input.fileExistsBehavior }),
        },
      };
      await noteRevision(tx, call, application.applicationId, revision, call.now, { used: true });
      await house.engine.create(tx, DEPLOYMENT_KIND, keyOf(call, deploymentId), deployment, firstEffects);
      await deploymentGroups.update(tx, key, withAttempt(current, before, deploymentId));
      return deploymentId;
    });
    return { deploymentId };
  },
});

/**
 * The group; its configuration; and the revision: to be read where it is known, registered where it is new.
 * Source: CodeDeploy User Guide, "Permissions reference", CreateDeployment.
 */
async function accessToCreate(input: CreateDeploymentInput, call: Call): Promise<AccessRequest[]> {
  const { applicationName, deploymentGroupName } = input;
  const application =
    typeof applicationName === 'string'
      ? (await applications.get(call.house.store, keyOf(call, applicationName)))?.document
      : undefined;
  const group =
    application !== undefined && typeof deploymentGroupName === 'string'
      ? (await deploymentGroups.get(call.house.store, groupKey(call, application, deploymentGroupName)))?.document
      : undefined;
  const known = application !== undefined && (await isRegistered(input, application, call));
  return [
    onDeploymentGroup(call, 'CreateDeployment', applicationName, deploymentGroupName),
    onDeploymentConfig(call, 'GetDeploymentConfig', input.deploymentConfigName ?? group?.deploymentConfigName),
    onApplication(call, known ? 'GetApplicationRevision' : 'RegisterApplicationRevision', applicationName),
    ...(input.overrideAlarmConfiguration === undefined
      ? []
      : [onDeploymentGroup(call, 'UpdateDeploymentGroup', applicationName, deploymentGroupName)]),
  ];
}

async function isRegistered(
  input: CreateDeploymentInput,
  application: Readonly<{ applicationId: string; computePlatform: 'Server' | 'Lambda' | 'ECS' }>,
  call: Call,
): Promise<boolean> {
  try {
    const location = checkedRevision(input.revision, application.computePlatform);
    return (
      (await revisions.get(call.house.store, revisionKey(call, application.applicationId, location))) !== undefined
    );
  } catch {
    // An unusable revision is refused by the handler, to those who may create deployments.
    return false;
  }
}

function refuseHostOptions(input: CreateDeploymentInput): void {
  if (input.ignoreApplicationStopFailures === true) {
    throw new AwsError(
      'InvalidIgnoreApplicationStopFailuresValueException',
      'ignoreApplicationStopFailures can be true only for deployments on the compute platform Server.',
    );
  }
  if (input.updateOutdatedInstancesOnly === true) {
    throw new AwsError(
      'InvalidUpdateOutdatedInstancesOnlyValueException',
      'updateOutdatedInstancesOnly can be true only for deployments on the compute platform Server.',
    );
  }
  if (input.fileExistsBehavior !== undefined && !FILE_EXISTS_BEHAVIORS.includes(input.fileExistsBehavior)) {
    throw new AwsError(
      'InvalidFileExistsBehaviorException',
      `${input.fileExistsBehavior} is not one of ${FILE_EXISTS_BEHAVIORS.join(', ')}.`,
    );
  }
  const { tagFilters = [], autoScalingGroups = [], ec2TagSet } = input.targetInstances ?? {};
  if (tagFilters.length > 0 || autoScalingGroups.length > 0 || (ec2TagSet?.ec2TagSetList?.length ?? 0) > 0) {
    throw new AwsError(
      'InvalidTargetInstancesException',
      'Target instances can be specified only for blue/green deployments on the compute platform Server.',
    );
  }
}

/** Makes the rollback deployment of `undone`; once, however often it is called. */
export async function createRollback(
  house: House,
  scope: Scope,
  undoneId: string,
  effect: Extract<DeploymentEffect, { type: 'CreateRollback' }>,
): Promise<void> {
  const { rollbackId, previousDeploymentId, moveTraffic } = effect;
  const key = (id: string) => ({ account: scope.account, region: scope.region, id });
  await house.store.transaction(async (tx) => {
    const undone = (await deployments.get(tx, key(undoneId)))?.document;
    const previous = (await deployments.get(tx, key(previousDeploymentId)))?.document;
    if (undone === undefined || previous === undefined) return;
    const { info } = undone;
    const groupId = key(groupKeyId(info.applicationId, info.deploymentGroupName));
    const group = (await deploymentGroups.getForUpdate(tx, groupId))?.document;
    const now = house.clock.now();
    const rollbackTarget = undone.target === undefined ? previous.target : backwards(undone.target);
    const {
      overrideAlarmConfiguration: _alarms,
      description: _description,
      previousRevision: _revision,
      ...kept
    } = info;
    const rollback: Deployment = {
      ...blank({ ...scope, now }, house.ids, rollbackId),
      steps: allAtOnce,
      alarms: alarmWatch(undefined, scope),
      rollbackPolicy: rollbackPolicy(undefined),
      previousDeploymentId,
      rollbackOf: { deploymentId: undoneId, moveTraffic },
      rollbackInfo: {
        rollbackTriggeringDeploymentId: undoneId,
        message: `Deployment ${undoneId} is rolled back by deployment ${rollbackId}.`,
      },
      info: {
        ...kept,
        deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
        revision: previous.info.revision,
        previousRevision: previous.info.revision,
        creator: 'codeDeployRollback',
        ...(rollbackTarget !== undefined && { rollbackTarget }),
      },
    };
    if (!(await house.engine.create(tx, DEPLOYMENT_KIND, key(rollbackId), rollback, firstEffects))) return;
    if (group === undefined || group.lastAttemptedId !== undoneId) return;
    await deploymentGroups.update(tx, groupId, withAttempt(group, await standing(tx, scope, group), rollbackId));
    await noteRevision(tx, scope, info.applicationId, previous.info.revision, now, { used: true });
  });
}

/** From the version that is left to the one that was current. */
function backwards(target: Target): Target {
  return { ...target, currentVersion: target.targetVersion, targetVersion: target.currentVersion, hooks: {} };
}

type Blank = Omit<Deployment, 'info' | 'steps' | 'alarms' | 'rollbackPolicy'>;

function blank(scope: Scope & Readonly<{ now: number }>, ids: Ids, deploymentId: string): Blank {
  return {
    deploymentId,
    deploymentArn: `arn:aws:codedeploy:${scope.region}:${scope.account}:deployment:${deploymentId}`,
    createdAt: scope.now,
    phase: { name: 'Preparing' },
    lifecycleEvents: [],
    stepIndex: 0,
    weightPercent: 0,
    touchedTraffic: false,
    checks: 0,
    reservedRollbackId: newDeploymentId(ids),
    hookExecutionIds: { BeforeAllowTraffic: newHookExecutionId(ids), AfterAllowTraffic: newHookExecutionId(ids) },
  };
}

/** Of the one deployment that a client token makes in a group: the same letters as those drawn, 36^9 of them. */
function deploymentIdOf(deploymentGroupId: string, clientToken: string): string {
  const digest = createHash('sha256').update(`${deploymentGroupId}/${clientToken}`).digest();
  const letters = Array.from({ length: 9 }, (_, at) => UPPER_ALPHANUMERIC[digest.readUInt16BE(2 * at) % 36]);
  return `d-${letters.join('')}`;
}

function newDeploymentId(ids: Ids): string {
  return `d-${ids.text(9, UPPER_ALPHANUMERIC)}`;
}

/** Opaque, and hard to guess: it is all that proves an answer to be the hook's. */
function newHookExecutionId(ids: Ids): string {
  return Buffer.from(ids.bytes(48)).toString('base64url');
}
