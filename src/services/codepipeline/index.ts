/** CodePipeline: pipelines, their executions, and the actions that they run. */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { listActionExecutions } from './action-executions.ts';
import { putActionRevision } from './action-revisions.ts';
import { createCustomActionType, deleteCustomActionType, getActionType, listActionTypes } from './action-types.ts';
import { putApprovalResult } from './approvals.ts';
import {
  getPipelineExecution,
  listPipelineExecutions,
  retryStageExecution,
  startPipelineExecution,
  stopPipelineExecution,
} from './executions.ts';
import { findWork } from './find-work.ts';
import { foresee } from './foresee.ts';
import { acknowledgeJob, getJobDetails, pollForJobs, putJobFailureResult, putJobSuccessResult } from './jobs.ts';
import { lineLoop } from './line-loop.ts';
import { createPipeline, deletePipeline, getPipeline, listPipelines, updatePipeline } from './pipelines.ts';
import { resourceAccess } from './resource-access.ts';
import { sourcePollLoop } from './source-poll-loop.ts';
import { emptySpool } from './spool.ts';
import { getPipelineState } from './state.ts';
import { listTagsForResource, tagResource, untagResource } from './tags.ts';
import { disableStageTransition, enableStageTransition } from './transitions.ts';

export const codepipeline: ServiceDefinition = {
  name: 'codepipeline',
  iamPrefix: 'codepipeline',
  resourceAccess,
  foresee,
  findWork,
  operations: operationsOf({
    acknowledgeJob,
    createCustomActionType,
    createPipeline,
    deleteCustomActionType,
    deletePipeline,
    disableStageTransition,
    enableStageTransition,
    getActionType,
    getJobDetails,
    getPipeline,
    getPipelineExecution,
    getPipelineState,
    listActionExecutions,
    listActionTypes,
    listPipelineExecutions,
    listPipelines,
    listTagsForResource,
    pollForJobs,
    putActionRevision,
    putApprovalResult,
    putJobFailureResult,
    putJobSuccessResult,
    retryStageExecution,
    startPipelineExecution,
    stopPipelineExecution,
    tagResource,
    untagResource,
    updatePipeline,
  }),
  loops: (house) => [lineLoop(house), sourcePollLoop(house)],
  start: emptySpool,
};
