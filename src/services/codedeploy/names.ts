/**
 * CodeDeploy names a missing and a malformed member by an exception of its own; the wire leaves these checks to the service.
 */
import { AwsError } from '../../common/index.ts';

const NAME = /^[A-Za-z0-9+=,.@_-]{1,100}$/;

function checkedName(value: string | undefined, what: string, required: string, invalid: string): string {
  if (value === undefined || value === null || value === '') throw new AwsError(required, `${what} must be specified.`);
  if (typeof value !== 'string' || !NAME.test(value)) {
    throw new AwsError(
      invalid,
      `${what} ${JSON.stringify(value)} is invalid: it must have 1 to 100 characters of A-Z, a-z, 0-9 and +=,.@_-`,
    );
  }
  return value;
}

export function applicationNameOf(value: string | undefined): string {
  return checkedName(value, 'Application name', 'ApplicationNameRequiredException', 'InvalidApplicationNameException');
}

export function deploymentGroupNameOf(value: string | undefined): string {
  return checkedName(
    value,
    'Deployment group name',
    'DeploymentGroupNameRequiredException',
    'InvalidDeploymentGroupNameException',
  );
}

export function deploymentConfigNameOf(value: string | undefined): string {
  return checkedName(
    value,
    'Deployment configuration name',
    'DeploymentConfigNameRequiredException',
    'InvalidDeploymentConfigNameException',
  );
}

export function deploymentIdOf(value: string | undefined): string {
  if (value === undefined || value === null || value === '') {
    throw new AwsError('DeploymentIdRequiredException', 'DeploymentId must be specified.');
  }
  if (!/^d-[A-Z0-9]{9}$/.test(value)) {
    throw new AwsError('InvalidDeploymentIdException', `Specified DeploymentId is not in the valid format: ${value}`);
  }
  return value;
}

export function descriptionOf(value: string | undefined): string | undefined {
  if (value !== undefined && value.length > 256) {
    throw new AwsError('DescriptionTooLongException', 'The description must have at most 256 characters.');
  }
  return value;
}

/** What Sluice has no part for yet; it does not pretend to. */
export function notImplemented(what: string): AwsError {
  return new AwsError('NotImplemented', `${what} not implemented by Sluice.`, { statusCode: 501 });
}
