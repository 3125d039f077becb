/** CodeDeploy acts on a customer's resources in the group's service role, and finds out what that role may not. */
import { type AwsError, isAwsError, MINUTE_MS, type Session } from '../../common/index.ts';
import type { DeploymentError } from '../../core/lambda-deployment/index.ts';
import type { Client, House, Scope } from '../service.ts';

type Sessions = Map<string, Session>;

const sessions = new WeakMap<House, Sessions>();

type RoleUse = Readonly<{ roleArn: string; sessionName: string; sourceArn: string }>;

/** A role, and as whom CodeDeploy assumes it. */
export function roleUse({ account }: Scope, { sourceArn, ...role }: RoleUse) {
  return { ...role, by: { service: 'codedeploy.amazonaws.com', sourceArn, sourceAccount: account } };
}

/** A client that acts in the role. `sourceArn`: of the deployment group. Throws what AssumeRole throws. */
export async function asRole(house: House, scope: Scope, role: RoleUse): Promise<Client> {
  const known = sessions.get(house) ?? new Map<string, Session>();
  sessions.set(house, known);
  const name = JSON.stringify([scope.account, scope.region, role]);
  const now = house.clock.now();
  for (const [key, session] of known) if (session.expiresAt < now + 5 * MINUTE_MS) known.delete(key);
  let session = known.get(name);
  if (session === undefined) {
    const { by, ...use } = roleUse(scope, role);
    session = await house.door.assumeRole({ ...use, region: scope.region, by: { type: 'Service', ...by } });
    known.set(name, session);
  }
  return house.door.as(session.principal, { account: scope.account, region: scope.region });
}

export function isDenied(error: AwsError): boolean {
  return /AccessDenied|Unauthorized|InvalidClientTokenId|ExpiredToken/.test(error.code);
}

/** What is worth another try rather than a verdict. */
export function isPassing(error: unknown): boolean {
  if (!isAwsError(error)) return true;
  return /Throttl|TooManyRequests|ServiceUnavailable|ServiceException|InternalFailure|InternalServiceError|ResourceConflict|PreconditionFailed/.test(
    error.code,
  );
}

/** `what`: the AWS service that the call went to. */
export function roleError(roleArn: string, what: string, error: AwsError): DeploymentError {
  if (error.code === 'NoSuchEntity') {
    return { code: 'IAM_ROLE_MISSING', message: `The IAM role ${roleArn} cannot be found.` };
  }
  return {
    code: 'IAM_ROLE_PERMISSIONS',
    message:
      `The IAM role ${roleArn} does not give you permission to perform operations in the following AWS service: ${what}. ` +
      `Contact your AWS administrator if you need help. (${error.message})`,
  };
}

/** For a role that could not be assumed at all. */
export function assumeError(roleArn: string, error: AwsError): DeploymentError {
  if (error.code === 'NoSuchEntity') return roleError(roleArn, 'AWSSecurityTokenService', error);
  return {
    code: 'IAM_ROLE_PERMISSIONS',
    message: `AWS CodeDeploy does not have the permissions required to assume the role ${roleArn}. (${error.message})`,
  };
}
