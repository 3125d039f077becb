/** What CodeDeploy says of a deployment that went wrong, and what Sluice says of a return of traffic. */
import type { DeploymentError, DeploymentState, LifecycleEventName, Original, Served } from './types.ts';

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

/** `restored`: the traffic has been returned all the same; absent: it never left. */
export function noPreviousMessage(state: DeploymentState, restored: boolean | undefined): string {
  const { deploymentId, target } = state;
  const nothing = `Deployment ${deploymentId} is not rolled back by another deployment: its deployment group has no successful deployment to return to.`;
  if (restored === undefined || target === undefined) return nothing;
  const alias = `The alias ${target.alias} of ${target.functionName}`;
  return `${nothing} ${alias} was ${restored ? '' : 'not '}returned to version ${target.currentVersion}.`;
}

/** Where the traffic returns from and to. */
export type Place = Readonly<{ functionName: string; alias: string; original: string; replacement: string }>;

export function goneProblem(place: Place): DeploymentError {
  return {
    code: 'INVALID_LAMBDA_FUNCTION',
    message:
      `Version ${place.original} of ${place.functionName} does not exist any more, so ${left(place)} ` +
      `Deploy a version that works, or point the alias at one: ${moveCommand(place, '<version>')}`,
  };
}

export function notActiveProblem(place: Place, state: string): DeploymentError {
  return {
    code: 'INVALID_LAMBDA_CONFIGURATION',
    message:
      `Version ${place.original} of ${place.functionName} cannot run, its state is ${state}, so ${left(place)} ` +
      `Once it is Active: ${moveCommand(place)}`,
  };
}

export function throttledProblem(place: Place): DeploymentError {
  const { functionName } = place;
  return {
    code: 'RESOURCE_LIMIT_EXCEEDED',
    message:
      `The reserved concurrency of ${functionName} is 0, so no version of it can take traffic, and ${left(place)} ` +
      `Move it first, ${moveCommand(place)} and then let the function run: ` +
      `aws lambda delete-function-concurrency --function-name ${functionName}`,
  };
}

export function worseProblem(place: Place, seen: Readonly<{ original: Served; replacement: Served }>): DeploymentError {
  return {
    code: 'CUSTOMER_APPLICATION_UNHEALTHY',
    message:
      `Version ${place.original} of ${place.functionName} fails more than version ${place.replacement} (${shares(place, seen)}): ` +
      `returning to it would make it worse, so ${left(place)} Look for a cause that both share. ` +
      `To return to it all the same: ${moveCommand(place)}`,
  };
}

/** Of a rollback of a deployment that moved nothing. */
export function elsewhereProblem(
  place: Place,
  { percent, unread }: Pick<Original, 'percent' | 'unread'>,
): DeploymentError {
  const { functionName, alias, original } = place;
  const found =
    percent === undefined
      ? `Where the alias ${alias} of ${functionName} points could not be read (${unread.join('; ')}), so that it is not known whether version ${original} has its traffic.`
      : `The alias ${alias} of ${functionName} sends ${percent} % of its requests to version ${original}: somebody else has moved it.`;
  return {
    code: 'INVALID_LAMBDA_CONFIGURATION',
    message:
      `${found} The deployment that is rolled back moved no traffic, so its rollback moves none. ` +
      `To return to version ${original}: ${moveCommand(place)}`,
  };
}

export function bothFailMessage(place: Place, seen: Readonly<{ original: Served; replacement: Served }>): string {
  return (
    `Version ${place.original} of ${place.functionName} fails as well (${shares(place, seen)}): the traffic returns to it ` +
    `in steps, as long as that makes nothing worse. Look for a cause that both versions share.`
  );
}

export function unreadMessage(place: Place, unread: readonly string[]): string {
  return `The traffic returns to version ${place.original} of ${place.functionName} without knowing all of it: ${unread.join('; ')}.`;
}

function left({ alias, original }: Place): string {
  return `the traffic of the alias ${alias} was not returned to version ${original}; its weights are as they were.`;
}

function shares(place: Place, seen: Readonly<{ original: Served; replacement: Served }>): string {
  const of = ({ requests, failures }: Served): string => `${failures} of ${requests} requests`;
  return `${of(seen.original)} failed, of version ${place.replacement} ${of(seen.replacement)}`;
}

function moveCommand({ functionName, alias, original }: Place, version: string = original): string {
  return (
    `aws lambda update-alias --function-name ${functionName} --name ${alias} --function-version ${version} ` +
    `--routing-config AdditionalVersionWeights={}`
  );
}

/** The diagnostics of the lifecycle event that was under way. */
export function activeDuring(name: LifecycleEventName, message: string): string {
  return `${name}: ${message}`;
}
