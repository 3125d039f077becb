/** GetPipelineState: every stage and action with the latest execution that reached it. */
import type {
  ActionState,
  GetPipelineStateInput,
  GetPipelineStateOutput,
  StageState,
  TransitionState,
} from '@aws-sdk/client-codepipeline';
import type { ActionDeclaration, PipelineDeclaration } from '../../core/pipeline-definition/index.ts';
import {
  type ActionExecution,
  isLive,
  type PipelineLine,
  type StageRecord,
  stageOf,
} from '../../core/pipeline-execution/index.ts';
import { operation } from '../service.ts';
import { access } from './access.ts';
import { lines, pipelineKey, pipelineNotFound, requirePipeline } from './records.ts';

export const getPipelineState = operation<GetPipelineStateInput, GetPipelineStateOutput>({
  authorize: ({ name }, call) => access('GetPipelineState', call, [name]),
  async handle({ name = '' }, call) {
    const { store } = call.house;
    const [record, stored] = await Promise.all([
      requirePipeline(store, call, name),
      lines.get(store, pipelineKey(call, name)),
    ]);
    if (stored === undefined) throw pipelineNotFound(call, name);
    const { declaration } = record;
    return {
      pipelineName: name,
      pipelineVersion: declaration.version,
      // A PARALLEL pipeline has no state of its own: its executions are each in a place of theirs.
      stageStates: declaration.executionMode === 'PARALLEL' ? [] : stageStates(declaration, stored.document),
      created: new Date(record.createdAt),
      updated: new Date(record.updatedAt),
    };
  },
});

function stageStates(declaration: PipelineDeclaration, line: PipelineLine): StageState[] {
  return declaration.stages.map((stage, index) => {
    const record = line.stages[stage.name];
    const before = declaration.stages[index - 1]?.name;
    const waiting = line.executions.filter(
      (execution) =>
        isLive(execution) && execution.position === 'Waiting' && stageOf(line, execution).name === stage.name,
    );
    const inbound = waiting.map((execution) => ({
      pipelineExecutionId: execution.id,
      status: execution.status === 'Stopping' ? ('Stopping' as const) : ('InProgress' as const),
      type: 'STANDARD' as const,
    }));
    const latest = record?.latest;
    return {
      stageName: stage.name,
      ...(inbound[0] === undefined ? {} : { inboundExecution: inbound[0], inboundExecutions: inbound }),
      inboundTransitionState: transitionState(record, before === undefined ? undefined : line.stages[before]),
      actionStates: stage.actions.map((action) => actionState(action, latestRun(line, stage.name, action.name))),
      ...(latest === undefined
        ? {}
        : {
            latestExecution: { pipelineExecutionId: latest.executionId, status: latest.status, type: 'STANDARD' },
            ...(latest.retries === 0
              ? {}
              : {
                  retryStageMetadata: {
                    manualStageRetryAttempt: latest.retries,
                    latestRetryTrigger: 'ManualStageRetry',
                  },
                }),
          }),
    };
  });
}

/** The gate in front of a stage is shut by either of its two sides. */
function transitionState(record: StageRecord | undefined, before: StageRecord | undefined): TransitionState {
  const inbound = record?.inbound;
  const outbound = before?.outbound;
  const shown = inbound?.enabled === false ? inbound : outbound?.enabled === false ? outbound : (inbound ?? outbound);
  if (shown === undefined) return { enabled: true };
  return {
    enabled: shown.enabled,
    lastChangedBy: shown.changedBy,
    lastChangedAt: new Date(shown.changedAt),
    ...(shown.reason === undefined ? {} : { disabledReason: shown.reason }),
  };
}

function latestRun(line: PipelineLine, stageName: string, actionName: string): ActionExecution | undefined {
  let latest = line.stages[stageName]?.archivedActions[actionName];
  for (const { actions } of line.executions) {
    for (const run of actions) {
      if (run.stage !== stageName || run.action !== actionName) continue;
      if (latest === undefined || run.startedAt >= latest.startedAt) latest = run;
    }
  }
  return latest;
}

function actionState(action: ActionDeclaration, run: ActionExecution | undefined): ActionState {
  if (run === undefined) return { actionName: action.name };
  const { revision } = run;
  return {
    actionName: action.name,
    ...(revision === undefined
      ? {}
      : {
          currentRevision: {
            revisionId: revision.id,
            revisionChangeId: revision.id.slice(0, 100),
            created: new Date(revision.createdAt ?? run.updatedAt),
          },
          ...(revision.url === undefined ? {} : { revisionUrl: revision.url }),
        }),
    latestExecution: {
      actionExecutionId: run.id,
      status: run.status,
      lastStatusChange: new Date(run.updatedAt),
      ...(run.summary === undefined ? {} : { summary: run.summary }),
      ...(run.token !== undefined && run.status === 'InProgress' ? { token: run.token } : {}),
      ...(run.updatedBy === undefined ? {} : { lastUpdatedBy: run.updatedBy }),
      ...(run.externalExecutionId === undefined ? {} : { externalExecutionId: run.externalExecutionId }),
      ...(run.externalExecutionUrl === undefined ? {} : { externalExecutionUrl: run.externalExecutionUrl }),
      ...(run.percentComplete === undefined ? {} : { percentComplete: run.percentComplete }),
      ...(run.error === undefined ? {} : { errorDetails: run.error }),
      ...(run.logStreamArn === undefined ? {} : { logStreamARN: run.logStreamArn }),
    },
  };
}
