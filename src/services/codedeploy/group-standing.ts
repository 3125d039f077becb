/** Where a group stands, read from its deployments: facts are kept once, in the deployments themselves. */
import type { LastDeploymentInfo } from '@aws-sdk/client-codedeploy';
import { deploymentStatus, isFinal } from '../../core/lambda-deployment/index.ts';
import type { Queryable } from '../../store/index.ts';
import type { Scope } from '../service.ts';
import { type Deployment, type DeploymentGroup, deployments } from './records.ts';

export type Standing = Readonly<{
  lastAttempted?: Deployment;
  lastSuccessful?: Deployment;
  /** The id of the deployment that is under way, a rollback that is about to begin included. */
  activeId?: string;
}>;

export async function standing(q: Queryable, scope: Scope, group: DeploymentGroup): Promise<Standing> {
  const find = async (id: string | undefined): Promise<Deployment | undefined> =>
    id === undefined
      ? undefined
      : (await deployments.get(q, { account: scope.account, region: scope.region, id }))?.document;
  const lastAttempted = await find(group.lastAttemptedId);
  if (lastAttempted === undefined) return {};
  const succeeded = deploymentStatus(lastAttempted) === 'Succeeded';
  const lastSuccessful = succeeded ? lastAttempted : await find(group.lastSuccessfulId);
  const activeId = isFinal(lastAttempted)
    ? // Once the rollback exists it is the last attempted itself.
      lastAttempted.rollbackInfo?.rollbackDeploymentId
    : lastAttempted.deploymentId;
  return {
    lastAttempted,
    ...(lastSuccessful !== undefined && { lastSuccessful }),
    ...(activeId !== undefined && { activeId }),
  };
}

/** The group with a new deployment under way. */
export function withAttempt(group: DeploymentGroup, before: Standing, deploymentId: string): DeploymentGroup {
  const { lastSuccessfulId: _old, ...rest } = group;
  return {
    ...rest,
    lastAttemptedId: deploymentId,
    ...(before.lastSuccessful !== undefined && { lastSuccessfulId: before.lastSuccessful.deploymentId }),
  };
}

export function lastDeployment(deployment: Deployment): LastDeploymentInfo {
  return {
    deploymentId: deployment.deploymentId,
    status: deploymentStatus(deployment),
    createTime: new Date(deployment.createdAt),
    ...(deployment.completedAt !== undefined && { endTime: new Date(deployment.completedAt) }),
  };
}
