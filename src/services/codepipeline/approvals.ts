/** PutApprovalResult: the answer to a manual approval. */
import type { PutApprovalResultInput, PutApprovalResultOutput } from '@aws-sdk/client-codepipeline';
import { AwsError } from '../../common/index.ts';
import type { PipelineDeclaration } from '../../core/pipeline-definition/index.ts';
import { approvalByToken, approvalRefusal } from '../../core/pipeline-execution/index.ts';
import { operation } from '../service.ts';
import { access } from './access.ts';
import { callerArn } from './callers.ts';
import { findAction, findStage } from './definitions.ts';
import { onLine, stageNotFound } from './executions.ts';
import { requirePipeline } from './records.ts';

export const putApprovalResult = operation<PutApprovalResultInput, PutApprovalResultOutput>({
  authorize: ({ pipelineName, stageName, actionName }, call) =>
    access('PutApprovalResult', call, [pipelineName, stageName, actionName]),
  async handle({ pipelineName = '', stageName = '', actionName = '', token = '', result }, call) {
    const { declaration } = await requirePipeline(call.house.store, call, pipelineName);
    await onLine(call, pipelineName, async (line) => {
      const found = approvalByToken(line, token);
      // By token first: an approval is answered even if the definition was edited since it was asked for.
      if (found?.[1].stage !== stageName || found[1].action !== actionName) {
        checkNames(declaration, stageName, actionName);
      }
      const refused = approvalRefusal(line, token);
      if (refused === 'ApprovalAlreadyCompleted') {
        throw new AwsError(
          'ApprovalAlreadyCompletedException',
          'The approval action has already been approved or rejected.',
        );
      }
      if (refused !== undefined || found?.[1].stage !== stageName || found[1].action !== actionName) {
        throw new AwsError(
          'InvalidApprovalTokenException',
          'The approval request already received a response or has expired.',
        );
      }
      return {
        type: 'ApprovalGiven',
        actionExecutionId: found[1].id,
        approved: result?.status === 'Approved',
        summary: result?.summary ?? '',
        by: callerArn(call),
      };
    });
    return { approvedAt: new Date(call.now) };
  },
});

function checkNames(declaration: PipelineDeclaration, stageName: string, actionName: string): void {
  if (findStage(declaration, stageName) === undefined) throw stageNotFound(declaration.name, stageName);
  if (findAction(declaration, stageName, actionName) === undefined) {
    throw new AwsError(
      'ActionNotFoundException',
      `Stage '${stageName}' of pipeline '${declaration.name}' does not have an action with name '${actionName}'`,
    );
  }
}
