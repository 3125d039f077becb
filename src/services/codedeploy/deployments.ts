/** Reading, stopping and continuing deployments. */
import type {
  BatchGetDeploymentsInput,
  BatchGetDeploymentsOutput,
  ContinueDeploymentInput,
  GetDeploymentInput,
  GetDeploymentOutput,
  ListDeploymentsInput,
  ListDeploymentsOutput,
  StopDeploymentInput,
  StopDeploymentOutput,
} from '@aws-sdk/client-codedeploy';
import { AwsError } from '../../common/index.ts';
import { type DeploymentEvent, deploymentStatus, isEnding, isFinal } from '../../core/lambda-deployment/index.ts';
import { type Call, operation } from '../service.ts';
import { onDeploymentGroup, onDeployments } from './access.ts';
import { batchLimit, keyOf, requireApplication } from './applications.ts';
import { requireGroup } from './deployment-groups.ts';
import { deploymentInfo } from './deployment-views.ts';
import { deploymentIdOf } from './names.ts';
import { listPage } from './pages.ts';
import { type Deployment, DEPLOYMENT_KIND, deployments } from './records.ts';

const MOST_IN_A_BATCH = 25;
const STATUSES: readonly string[] = [
  'Created',
  'Queued',
  'InProgress',
  'Baking',
  'Succeeded',
  'Failed',
  'Stopped',
  'Ready',
];

export const getDeployment = operation<GetDeploymentInput, GetDeploymentOutput>({
  authorize: (input, call) => onDeployments(call, 'GetDeployment', [input.deploymentId]),
  async handle(input, call) {
    return { deploymentInfo: deploymentInfo(await requireDeployment(call, input.deploymentId)) };
  },
});

/** An id that is not known is left out. */
export const batchGetDeployments = operation<BatchGetDeploymentsInput, BatchGetDeploymentsOutput>({
  authorize: (input, call) =>
    onDeployments(call, 'BatchGetDeployments', Array.isArray(input.deploymentIds) ? input.deploymentIds : []),
  async handle(input, call) {
    const ids = input.deploymentIds ?? [];
    if (ids.length === 0)
      throw new AwsError('DeploymentIdRequiredException', 'At least one deployment ID must be specified.');
    if (ids.length > MOST_IN_A_BATCH) throw batchLimit(MOST_IN_A_BATCH);
    const checked = ids.map((id) => deploymentIdOf(id));
    const scope = { account: call.account, region: call.region };
    const found = new Map(
      (await deployments.getMany(call.house.store, scope, checked)).map(({ key, document }) => [key.id, document]),
    );
    return {
      deploymentsInfo: checked.flatMap((id) => {
        const deployment = found.get(id);
        return deployment === undefined ? [] : [deploymentInfo(deployment)];
      }),
    };
  },
});

/** Newest first. */
export const listDeployments = operation<ListDeploymentsInput, ListDeploymentsOutput>({
  authorize: (input, call) => [
    onDeploymentGroup(call, 'ListDeployments', input.applicationName, input.deploymentGroupName),
  ],
  async handle(input, call) {
    const { applicationName, deploymentGroupName, includeOnlyStatuses = [], createTimeRange } = input;
    let parent: string | undefined;
    if (applicationName !== undefined || deploymentGroupName !== undefined) {
      const application = await requireApplication(call, applicationName);
      parent = (await requireGroup(call, application, deploymentGroupName)).deploymentGroupId;
    }
    // Only CloudFormation gives deployments an external id, and none is made by it here.
    if (input.externalId !== undefined) return { deployments: [] };
    for (const status of includeOnlyStatuses) {
      if (!STATUSES.includes(status)) {
        throw new AwsError('InvalidDeploymentStatusException', `${status} is not a deployment status.`);
      }
    }
    const startAt = createTimeRange?.start == null ? -Infinity : Number(createTimeRange.start);
    const endAt = createTimeRange?.end == null ? Infinity : Number(createTimeRange.end);
    if (startAt > endAt)
      throw new AwsError('InvalidTimeRangeException', 'The start of the time range must not be after its end.');
    const { items, ...more } = await listPage(
      call.house.store,
      deployments,
      {
        account: call.account,
        region: call.region,
        descending: true,
        ...(parent !== undefined && { parent }),
      },
      input.nextToken,
      ({ document }) =>
        document.createdAt >= startAt &&
        document.createdAt <= endAt &&
        (includeOnlyStatuses.length === 0 || includeOnlyStatuses.includes(deploymentStatus(document))),
    );
    return { deployments: items.map(({ key }) => key.id), ...more };
  },
});

export const stopDeployment = operation<StopDeploymentInput, StopDeploymentOutput>({
  authorize: (input, call) => onDeployments(call, 'StopDeployment', [input.deploymentId]),
  async handle(input, call) {
    const deployment = await requireDeployment(call, input.deploymentId);
    if (isFinal(deployment)) throw alreadyCompleted(deployment);
    const event: DeploymentEvent = {
      type: 'StopRequested',
      ...(input.autoRollbackEnabled != null && { rollback: input.autoRollbackEnabled }),
    };
    const key = keyOf(call, deployment.deploymentId);
    const after = (await call.house.engine.submit<Deployment>(DEPLOYMENT_KIND, key, event)) ?? deployment;
    // It may have come to its own end meanwhile.
    if (isFinal(after) && deploymentStatus(after) !== 'Stopped') throw alreadyCompleted(after);
    return isEnding(after)
      ? {
          status: 'Pending',
          statusMessage: 'The deployment stops as soon as the traffic that is being moved has been moved.',
        }
      : {
          status: 'Succeeded',
          statusMessage: 'No more commands will be scheduled for execution in the deployment instances',
        };
  },
});

/** A Lambda deployment never waits to be continued. */
export const continueDeployment = operation<ContinueDeploymentInput, void>({
  authorize: (input, call) => onDeployments(call, 'ContinueDeployment', [input.deploymentId]),
  async handle(input, call) {
    const waitType = (input.deploymentWaitType ?? 'READY_WAIT') as string;
    const deployment = await requireDeployment(call, input.deploymentId);
    if (waitType !== 'READY_WAIT' && waitType !== 'TERMINATION_WAIT') {
      throw new AwsError('InvalidDeploymentWaitTypeException', `${waitType} is not a wait type.`);
    }
    if (isFinal(deployment)) throw alreadyCompleted(deployment);
    if (waitType === 'TERMINATION_WAIT') {
      throw new AwsError(
        'UnsupportedActionForDeploymentTypeException',
        `The deployment ${deployment.deploymentId} has no instances to terminate.`,
      );
    }
    throw new AwsError(
      'DeploymentIsNotInReadyStateException',
      `The deployment ${deployment.deploymentId} is not in a ready state: it is ${deploymentStatus(deployment)}.`,
    );
  },
});

/** Checks the id as well. Throws `DeploymentDoesNotExistException`. */
export async function requireDeployment(call: Call, id: string | undefined): Promise<Deployment> {
  const deploymentId = deploymentIdOf(id);
  const deployment = (await deployments.get(call.house.store, keyOf(call, deploymentId)))?.document;
  if (deployment === undefined) {
    throw new AwsError('DeploymentDoesNotExistException', `The deployment ${deploymentId} could not be found`);
  }
  return deployment;
}

function alreadyCompleted(deployment: Deployment): AwsError {
  return new AwsError(
    'DeploymentAlreadyCompletedException',
    `The deployment ${deployment.deploymentId} is already completed.`,
  );
}
