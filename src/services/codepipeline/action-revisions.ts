/** PutActionRevision: a source that reports its own revisions. Each new one starts an execution. */
import type { PutActionRevisionInput, PutActionRevisionOutput } from '@aws-sdk/client-codepipeline';
import { AwsError } from '../../common/index.ts';
import { collection } from '../../store/index.ts';
import { operation } from '../service.ts';
import { access } from './access.ts';
import { callerArn } from './callers.ts';
import { findAction, findStage } from './definitions.ts';
import { stageNotFound, start } from './executions.ts';
import { uuidFrom } from './ids.ts';
import { requirePipeline } from './records.ts';
import { startVariables } from './start-variables.ts';

/** Revisions that were reported, under the id of their pipeline. */
export const actionRevisions = collection<Readonly<{ executionId: string }>>('codepipeline.action-revision');

export const putActionRevision = operation<PutActionRevisionInput, PutActionRevisionOutput>({
  authorize: ({ pipelineName, stageName, actionName }, call) =>
    access('PutActionRevision', call, [pipelineName, stageName, actionName]),
  async handle({ pipelineName = '', stageName = '', actionName = '', actionRevision }, call) {
    const record = await requirePipeline(call.house.store, call, pipelineName);
    const { declaration, pipelineId } = record;
    if (findStage(declaration, stageName) === undefined) throw stageNotFound(pipelineName, stageName);
    if (findAction(declaration, stageName, actionName)?.actionTypeId.category !== 'Source') {
      throw new AwsError(
        'ActionNotFoundException',
        `Stage '${stageName}' of pipeline '${pipelineName}' does not have a source action with name '${actionName}'`,
      );
    }
    const id = `${pipelineId}/${actionName}/${actionRevision?.revisionId ?? ''}`;
    const executionId = uuidFrom(`revision/${id}`);
    const key = { account: call.account, region: call.region, id };
    const newRevision = await actionRevisions.insert(call.house.store, key, { executionId }, { parent: pipelineId });
    if (newRevision) {
      const variables = startVariables(declaration, []);
      await start(call, record, {
        executionId,
        trigger: { type: 'PutActionRevision', detail: callerArn(call) },
        variables: 'values' in variables ? variables.values : {},
        sourceRevisions: [],
      });
    }
    return { newRevision, pipelineExecutionId: executionId };
  },
});
