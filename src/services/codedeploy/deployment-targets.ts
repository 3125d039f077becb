/** Deployment targets: of a Lambda deployment one, named by its function. */
import type {
  BatchGetDeploymentTargetsInput,
  BatchGetDeploymentTargetsOutput,
  DeploymentTarget,
  GetDeploymentTargetInput,
  GetDeploymentTargetOutput,
  ListDeploymentTargetsInput,
  ListDeploymentTargetsOutput,
} from '@aws-sdk/client-codedeploy';
import { AwsError } from '../../common/index.ts';
import { targetStatus } from '../../core/lambda-deployment/index.ts';
import { operation } from '../service.ts';
import { onDeployments } from './access.ts';
import { deploymentTarget } from './deployment-views.ts';
import { requireDeployment } from './deployments.ts';
import { pageOf } from './pages.ts';
import type { Deployment } from './records.ts';

const TARGET_STATUSES: readonly string[] = [
  'Failed',
  'InProgress',
  'Pending',
  'Ready',
  'Skipped',
  'Succeeded',
  'Unknown',
];

export const listDeploymentTargets = operation<ListDeploymentTargetsInput, ListDeploymentTargetsOutput>({
  authorize: (input, call) => onDeployments(call, 'ListDeploymentTargets', [input.deploymentId]),
  async handle(input, call) {
    const deployment = await requireDeployment(call, input.deploymentId);
    const target = startedTarget(deployment);
    pageOf(input.nextToken);
    let wanted = true;
    for (const [name, values] of Object.entries(input.targetFilters ?? {})) {
      if (name === 'TargetStatus') {
        for (const value of values) {
          if (!TARGET_STATUSES.includes(value)) {
            throw new AwsError('InvalidInstanceStatusException', `${value} is not a target status.`);
          }
        }
        wanted &&= values.includes(targetStatus(deployment));
      } else if (name === 'ServerInstanceLabel') {
        throw new AwsError(
          'InvalidDeploymentInstanceTypeException',
          'A Lambda deployment has no instances to label Blue or Green.',
        );
      } else throw new AwsError('InvalidTargetFilterNameException', `${name} is not a target filter.`);
    }
    return { targetIds: wanted ? [target.lambdaTarget?.targetId ?? ''] : [] };
  },
});

export const getDeploymentTarget = operation<GetDeploymentTargetInput, GetDeploymentTargetOutput>({
  authorize: (input, call) => onDeployments(call, 'GetDeploymentTarget', [input.deploymentId]),
  async handle(input, call) {
    const deployment = await requireDeployment(call, input.deploymentId);
    return { deploymentTarget: targetOf(deployment, input.targetId) };
  },
});

export const batchGetDeploymentTargets = operation<BatchGetDeploymentTargetsInput, BatchGetDeploymentTargetsOutput>({
  authorize: (input, call) => onDeployments(call, 'BatchGetDeploymentTargets', [input.deploymentId]),
  async handle(input, call) {
    const deployment = await requireDeployment(call, input.deploymentId);
    const ids = input.targetIds ?? [];
    if (ids.length === 0) throw idRequired();
    if (ids.length > 1) {
      throw new AwsError(
        'DeploymentTargetListSizeExceededException',
        'A Lambda deployment has one target: exactly one target ID must be given.',
      );
    }
    return { deploymentTargets: ids.map((id) => targetOf(deployment, id)) };
  },
});

function targetOf(deployment: Deployment, targetId: string | undefined): DeploymentTarget {
  if (targetId === undefined || targetId === '') throw idRequired();
  const target = startedTarget(deployment);
  if (target.lambdaTarget?.targetId !== targetId) {
    throw new AwsError(
      'DeploymentTargetDoesNotExistException',
      `The deployment ${deployment.deploymentId} has no target with the ID ${targetId}.`,
    );
  }
  return target;
}

function startedTarget(deployment: Deployment): DeploymentTarget {
  const target = deployment.startedAt === undefined ? undefined : deploymentTarget(deployment);
  if (target === undefined) {
    throw new AwsError('DeploymentNotStartedException', `The deployment ${deployment.deploymentId} has not started.`);
  }
  return target;
}

function idRequired(): AwsError {
  return new AwsError('DeploymentTargetIdRequiredException', 'A deployment target ID must be specified.');
}
