/** How a hook function answers. */
import type {
  PutLifecycleEventHookExecutionStatusInput,
  PutLifecycleEventHookExecutionStatusOutput,
} from '@aws-sdk/client-codedeploy';
import { AwsError } from '../../common/index.ts';
import type { DeploymentEvent } from '../../core/lambda-deployment/index.ts';
import { operation } from '../service.ts';
import { onDeployments } from './access.ts';
import { keyOf } from './applications.ts';
import { requireDeployment } from './deployments.ts';
import { type Deployment, DEPLOYMENT_KIND, deployments } from './records.ts';

export const putLifecycleEventHookExecutionStatus = operation<
  PutLifecycleEventHookExecutionStatusInput,
  PutLifecycleEventHookExecutionStatusOutput
>({
  authorize: (input, call) => onDeployments(call, 'PutLifecycleEventHookExecutionStatus', [input.deploymentId]),
  async handle(input, call) {
    const { deploymentId } = await requireDeployment(call, input.deploymentId);
    const { lifecycleEventHookExecutionId: executionId, status } = input;
    if (status !== 'Succeeded' && status !== 'Failed') {
      throw new AwsError(
        'InvalidLifecycleEventHookExecutionStatusException',
        `The status of a lifecycle event hook execution must be Succeeded or Failed, not ${status ?? 'absent'}.`,
      );
    }
    const key = keyOf(call, deploymentId);
    const { engine, store } = call.house;
    await store.transaction(async (tx) => {
      const deployment = (await deployments.getForUpdate(tx, key))?.document;
      assertRunning(deployment, executionId);
      const event: DeploymentEvent = {
        type: 'HookAnswered',
        executionId: executionId ?? '',
        succeeded: status === 'Succeeded',
      };
      await engine.submitIn(tx, DEPLOYMENT_KIND, key, event);
    });
    return { lifecycleEventHookExecutionId: executionId };
  },
});

/** Only the hook that is being waited for may answer. */
function assertRunning(deployment: Deployment | undefined, executionId: string | undefined): void {
  const hook = (['BeforeAllowTraffic', 'AfterAllowTraffic'] as const).find(
    (name) => deployment?.hookExecutionIds[name] === executionId,
  );
  const event = deployment?.lifecycleEvents.find(({ name }) => name === hook);
  if (hook === undefined || event === undefined || event.status === 'Pending') {
    throw new AwsError(
      'InvalidLifecycleEventHookExecutionIdException',
      `${executionId ?? ''} is not the ID of a lifecycle event hook execution of this deployment.`,
    );
  }
  if (event.status !== 'InProgress') {
    throw new AwsError('LifecycleEventAlreadyCompletedException', `The lifecycle event ${hook} is already completed.`);
  }
}
