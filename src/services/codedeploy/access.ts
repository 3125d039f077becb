/** The ARNs of CodeDeploy's resources, and what a call on them needs to be allowed. */
import { type AccessRequest, parseArn, type RequestContext } from '../../common/index.ts';
import { passOwnRole } from '../pass-role.ts';
import { type Call } from '../service.ts';
import { deployments } from './records.ts';

export function applicationArn(call: Call, applicationName: string): string {
  return call.arn('codedeploy', `application:${applicationName}`);
}

export function deploymentGroupArn(call: Call, applicationName: string, deploymentGroupName: string): string {
  return call.arn('codedeploy', `deploymentgroup:${applicationName}/${deploymentGroupName}`);
}

/** Runs on unchecked input: what is not a name stands for all. */
function shown(name: unknown): string {
  return typeof name === 'string' && name !== '' ? name : '*';
}

export function onApplication(call: Call, action: string, name: unknown, context?: RequestContext): AccessRequest {
  return {
    action: `codedeploy:${action}`,
    resource: applicationArn(call, shown(name)),
    ...(context !== undefined && { context }),
  };
}

export function onDeploymentGroup(
  call: Call,
  action: string,
  application: unknown,
  group: unknown,
  context?: RequestContext,
): AccessRequest {
  return {
    action: `codedeploy:${action}`,
    resource: deploymentGroupArn(call, shown(application), shown(group)),
    ...(context !== undefined && { context }),
  };
}

export function onDeploymentConfig(call: Call, action: string, name: unknown): AccessRequest {
  return { action: `codedeploy:${action}`, resource: call.arn('codedeploy', `deploymentconfig:${shown(name)}`) };
}

/** Deployments are guarded by their group's ARN; one that does not exist by the ARN of all. */
export async function onDeployments(call: Call, action: string, ids: readonly unknown[]): Promise<AccessRequest[]> {
  const wanted = ids.filter((id): id is string => typeof id === 'string');
  const found = await deployments.getMany(call.house.store, { account: call.account, region: call.region }, wanted);
  const known = found.map(({ document: { info } }) =>
    onDeploymentGroup(call, action, info.applicationName, info.deploymentGroupName),
  );
  return known.length > 0 && known.length === ids.length
    ? known
    : [...known, onDeploymentGroup(call, action, '*', '*')];
}

/** The service role of the group on which the other request is. */
export function passServiceRole(roleArn: unknown, { resource }: AccessRequest): readonly AccessRequest[] {
  return passOwnRole(parseArn(resource)?.account ?? '', roleArn, 'codedeploy.amazonaws.com', resource);
}
