/** A deployment and its target as CodeDeploy shows them. */
import type { DeploymentInfo, DeploymentTarget, ErrorCode } from '@aws-sdk/client-codedeploy';
import { deploymentStatus, type LifecycleEvent, targetStatus } from '../../core/lambda-deployment/index.ts';
import { LAMBDA_STYLE } from './group-settings.ts';
import type { Deployment } from './records.ts';
import { withoutContent } from './revision-location.ts';

export function deploymentInfo(deployment: Deployment): DeploymentInfo {
  const { info, phase, rollbackInfo } = deployment;
  const error = phase.name === 'Ended' ? phase.error : undefined;
  return {
    applicationName: info.applicationName,
    deploymentGroupName: info.deploymentGroupName,
    deploymentConfigName: info.deploymentConfigName,
    deploymentId: deployment.deploymentId,
    ...(info.previousRevision !== undefined && { previousRevision: withoutContent(info.previousRevision) }),
    revision: withoutContent(info.revision),
    status: deploymentStatus(deployment),
    ...(error !== undefined && { errorInformation: { code: error.code as ErrorCode, message: error.message } }),
    createTime: new Date(deployment.createdAt),
    ...(deployment.startedAt !== undefined && { startTime: new Date(deployment.startedAt) }),
    ...(deployment.completedAt !== undefined && { completeTime: new Date(deployment.completedAt) }),
    deploymentOverview: deploymentOverview(deployment),
    ...(info.description !== undefined && { description: info.description }),
    creator: info.creator,
    ignoreApplicationStopFailures: false,
    ...(info.autoRollbackConfiguration !== undefined && { autoRollbackConfiguration: info.autoRollbackConfiguration }),
    updateOutdatedInstancesOnly: false,
    ...(rollbackInfo !== undefined && {
      rollbackInfo: {
        ...(rollbackInfo.rollbackDeploymentId !== undefined && {
          rollbackDeploymentId: rollbackInfo.rollbackDeploymentId,
        }),
        ...(rollbackInfo.rollbackTriggeringDeploymentId !== undefined && {
          rollbackTriggeringDeploymentId: rollbackInfo.rollbackTriggeringDeploymentId,
        }),
        rollbackMessage: rollbackInfo.message,
      },
    }),
    deploymentStyle: LAMBDA_STYLE,
    instanceTerminationWaitTimeStarted: false,
    fileExistsBehavior: info.fileExistsBehavior ?? 'DISALLOW',
    deploymentStatusMessages: [...(deployment.statusMessages ?? [])],
    computePlatform: 'Lambda',
    ...(info.overrideAlarmConfiguration !== undefined && {
      overrideAlarmConfiguration: info.overrideAlarmConfiguration,
    }),
  };
}

/** The counts of targets by status: one, or none before the AppSpec has named it. */
export function deploymentOverview(
  deployment: Deployment,
): Record<'Pending' | 'InProgress' | 'Succeeded' | 'Failed' | 'Skipped' | 'Ready', number> {
  const overview = { Pending: 0, InProgress: 0, Succeeded: 0, Failed: 0, Skipped: 0, Ready: 0 };
  if (deployment.target !== undefined) overview[targetStatus(deployment)] = 1;
  return overview;
}

/** Undefined before the AppSpec has named it. */
export function deploymentTarget(deployment: Deployment): DeploymentTarget | undefined {
  const { target, deploymentId, deploymentArn } = deployment;
  if (target === undefined) return undefined;
  const [, , , region = '', account = ''] = deploymentArn.split(':');
  return {
    deploymentTargetType: 'LambdaTarget',
    lambdaTarget: {
      deploymentId,
      targetId: target.functionName,
      targetArn: target.functionName.startsWith('arn:')
        ? target.functionName
        : `arn:aws:lambda:${region}:${account}:function:${target.functionName}`,
      status: targetStatus(deployment),
      lastUpdatedAt: new Date(lastUpdatedAt(deployment)),
      lifecycleEvents: deployment.lifecycleEvents.map(lifecycleEvent),
      lambdaFunctionInfo: {
        functionName: target.functionName,
        functionAlias: target.alias,
        currentVersion: target.currentVersion,
        targetVersion: target.targetVersion,
        targetVersionWeight: deployment.weightPercent / 100,
      },
    },
  };
}

function lifecycleEvent(event: LifecycleEvent) {
  return {
    lifecycleEventName: event.name,
    ...(event.startedAt !== undefined && { startTime: new Date(event.startedAt) }),
    ...(event.endedAt !== undefined && { endTime: new Date(event.endedAt) }),
    status: event.status,
    ...(event.message !== undefined && {
      diagnostics: { errorCode: 'UnknownError' as const, scriptName: '', message: event.message, logTail: '' },
    }),
  };
}

function lastUpdatedAt(deployment: Deployment): number {
  const { createdAt, startedAt = 0, completedAt = 0, lifecycleEvents } = deployment;
  const times = lifecycleEvents.flatMap((event) => [event.startedAt ?? 0, event.endedAt ?? 0]);
  return Math.max(createdAt, startedAt, completedAt, ...times);
}
