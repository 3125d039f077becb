/** Triggers: messages to topics, sent in the group's service role. */
import type { TriggerConfig } from '@aws-sdk/client-codedeploy';
import { AwsError, isAwsError } from '../../common/index.ts';
import { type Announcement, deploymentStatus } from '../../core/lambda-deployment/index.ts';
import type { Call, House, Scope } from '../service.ts';
import { deploymentGroupArn } from './access.ts';
import { deploymentOverview } from './deployment-views.ts';
import type { Deployment, DeploymentGroup } from './records.ts';
import { asRole } from './role-sessions.ts';

const EVENT_OF: Readonly<Record<Announcement, string>> = {
  START: 'DeploymentStart',
  SUCCESS: 'DeploymentSuccess',
  FAILURE: 'DeploymentFailure',
  STOP: 'DeploymentStop',
};

/** Publishes a test message to each topic. Throws `InvalidTriggerConfigException` when one cannot be published to. */
export async function testTriggers(
  call: Call,
  applicationName: string,
  group: DeploymentGroup,
  triggers: readonly TriggerConfig[],
): Promise<void> {
  for (const { triggerName, triggerTargetArn } of triggers) {
    try {
      const client = await asRole(call.house, call, {
        roleArn: group.serviceRoleArn,
        sessionName: 'codedeploy-trigger-test',
        sourceArn: deploymentGroupArn(call, applicationName, group.deploymentGroupName),
      });
      await client.call('sns', 'Publish', {
        TopicArn: triggerTargetArn,
        Subject: 'AWS CodeDeploy trigger test',
        Message: `This is a test message of the trigger ${triggerName} of the deployment group ${group.deploymentGroupName}.`,
      });
    } catch (error) {
      if (!isAwsError(error)) throw error;
      throw new AwsError(
        'InvalidTriggerConfigException',
        `The topic ${triggerTargetArn} of the trigger ${triggerName} cannot be published to in the role ${group.serviceRoleArn}: ${error.message}`,
      );
    }
  }
}

/** A topic that is gone or closed does not hold up the deployment; that is logged. */
export async function fireTriggers(
  house: House,
  scope: Scope,
  deployment: Deployment,
  announcement: Announcement,
): Promise<void> {
  const { info } = deployment;
  const events = [EVENT_OF[announcement]];
  if (announcement === 'START' && deployment.rollbackOf !== undefined) events.push('DeploymentRollback');
  for (const trigger of info.triggerConfigurations) {
    if (!(trigger.triggerEvents ?? []).some((event) => events.includes(event))) continue;
    try {
      const client = await asRole(house, scope, {
        roleArn: info.serviceRoleArn,
        sessionName: deployment.deploymentId,
        sourceArn: groupArnOf(scope, deployment),
      });
      const status = deploymentStatus(deployment).toUpperCase();
      await client.call('sns', 'Publish', {
        TopicArn: trigger.triggerTargetArn,
        Subject:
          `${status}: AWS CodeDeploy ${deployment.deploymentId} in ${scope.region} to ${info.applicationName}`.slice(
            0,
            100,
          ),
        Message: JSON.stringify(message(scope, deployment, trigger)),
      });
    } catch (error) {
      house.log.warn('a deployment trigger could not be fired', {
        deploymentId: deployment.deploymentId,
        trigger: trigger.triggerName,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }
}

/** Every value is a string. Source: CodeDeploy User Guide, "JSON data formats for CodeDeploy triggers". */
function message(scope: Scope, deployment: Deployment, trigger: TriggerConfig): Record<string, string | null> {
  const { info, phase, rollbackInfo } = deployment;
  const error = phase.name === 'Ended' ? phase.error : undefined;
  return {
    region: scope.region,
    accountId: scope.account,
    eventTriggerName: trigger.triggerName ?? '',
    applicationName: info.applicationName,
    deploymentId: deployment.deploymentId,
    deploymentGroupName: info.deploymentGroupName,
    createTime: String(deployment.createdAt / 1000),
    completeTime: deployment.completedAt === undefined ? null : String(deployment.completedAt / 1000),
    deploymentOverview: JSON.stringify(deploymentOverview(deployment)),
    status: deploymentStatus(deployment).toUpperCase(),
    ...(error !== undefined && {
      errorInformation: JSON.stringify({ ErrorCode: error.code, ErrorMessage: error.message }),
    }),
    ...(rollbackInfo !== undefined && {
      rollbackInformation: JSON.stringify({
        RollbackMessage: rollbackInfo.message,
        RollbackDeploymentId: rollbackInfo.rollbackDeploymentId ?? rollbackInfo.rollbackTriggeringDeploymentId,
      }),
    }),
  };
}

export function groupArnOf(scope: Scope, deployment: Deployment): string {
  const { applicationName, deploymentGroupName } = deployment.info;
  return `arn:aws:codedeploy:${scope.region}:${scope.account}:deploymentgroup:${applicationName}/${deploymentGroupName}`;
}
