/** What CodeDeploy says of a deployment that went wrong. */
import type { DeploymentError, DeploymentState, LifecycleEventName } from './types.ts';

export function alarmError(raised: readonly string[]): DeploymentError {
  return {
    code: 'ALARM_ACTIVE',
    message:
      'One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected ' +
      `deployments have been stopped. Activated alarms: ${raised.map((name) => `<${name}>`).join(' ')}`,
  };
}

export function hookError(hook: LifecycleEventName): DeploymentError {
  return {
    code: 'HOOK_EXECUTION_FAILURE',
    message: `The deployment failed because the AWS Lambda function for the lifecycle event ${hook} reported Failed.`,
  };
}

export function timeoutError(what: string): DeploymentError {
  return { code: 'TIMEOUT', message: `The deployment timed out: it did not finish ${what}.` };
}

export function rollbackMessage(deploymentId: string, rollbackId: string): string {
  return `Deployment ${deploymentId} is rolled back by deployment ${rollbackId}.`;
}

export function noPreviousMessage(state: DeploymentState): string {
  const { deploymentId, target, touchedTraffic } = state;
  const nothing = `Deployment ${deploymentId} is not rolled back by another deployment: its deployment group has no successful deployment to return to.`;
  if (!touchedTraffic || target === undefined) return nothing;
  return `${nothing} The alias ${target.alias} of ${target.functionName} was returned to version ${target.currentVersion}.`;
}

/** The diagnostics of the lifecycle event that was under way. */
export function activeDuring(name: LifecycleEventName, message: string): string {
  return `${name}: ${message}`;
}
