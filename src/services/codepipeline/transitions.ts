/** The gates between stages. Source: CodePipeline User Guide, "Disable transitions". */
import type { DisableStageTransitionInput, EnableStageTransitionInput } from '@aws-sdk/client-codepipeline';
import { type Call, operation } from '../service.ts';
import { access } from './access.ts';
import { callerArn } from './callers.ts';
import { findStage } from './definitions.ts';
import { onLine, stageNotFound } from './executions.ts';
import { requirePipeline } from './records.ts';

export const disableStageTransition = operation<DisableStageTransitionInput, object>({
  authorize: ({ pipelineName, stageName }, call) => access('DisableStageTransition', call, [pipelineName, stageName]),
  handle: (input, call) => change(input, false, call),
});

export const enableStageTransition = operation<EnableStageTransitionInput, object>({
  authorize: ({ pipelineName, stageName }, call) => access('EnableStageTransition', call, [pipelineName, stageName]),
  handle: (input, call) => change(input, true, call),
});

async function change(
  { pipelineName = '', stageName = '', transitionType, reason }: Partial<DisableStageTransitionInput>,
  enabled: boolean,
  call: Call,
): Promise<object> {
  const { declaration } = await requirePipeline(call.house.store, call, pipelineName);
  if (findStage(declaration, stageName) === undefined) throw stageNotFound(pipelineName, stageName);
  await onLine(call, pipelineName, async () => ({
    type: 'TransitionChanged',
    stage: stageName,
    direction: transitionType,
    enabled,
    changedBy: callerArn(call),
    ...(reason === undefined ? {} : { reason }),
  }));
  return {};
}
