/**
 * Requests that may be refused, and why. `decide` leaves the line as it is when one of these gives a reason; the service
 * asks in the same transaction and words the reason as AWS's error.
 */
import { currentRuns, isLive, stageOf } from './turn.ts';
import type { ActionExecution, Execution, PipelineLine, RetryMode } from './types.ts';

/** In QUEUED and PARALLEL mode. Source: CodePipeline User Guide, "Quotas". */
export const CONCURRENT_EXECUTIONS = 50;

/** `Repeated`: this execution is in the line already, and starting it again is the same start. */
export type StartRefusal = 'Repeated' | 'ConcurrentPipelineExecutionsLimitExceeded';

export function startRefusal(line: PipelineLine, executionId: string): StartRefusal | undefined {
  if (line.executions.some((execution) => execution.id === executionId)) return 'Repeated';
  const mode = line.plans[line.version]?.mode;
  if (mode !== 'SUPERSEDED' && line.executions.filter(isLive).length >= CONCURRENT_EXECUTIONS) {
    return 'ConcurrentPipelineExecutionsLimitExceeded';
  }
  return undefined;
}

export type StopRefusal = 'PipelineExecutionNotStoppable' | 'DuplicatedStopRequest';

/** Stopping may be asked for once, and once more to abandon what a first request waits for. */
export function stopRefusal(
  line: PipelineLine,
  request: Readonly<{ executionId: string; abandon: boolean }>,
): StopRefusal | undefined {
  const execution = line.executions.find((candidate) => candidate.id === request.executionId);
  if (execution === undefined || !isLive(execution)) return 'PipelineExecutionNotStoppable';
  if (execution.status !== 'Stopping') return undefined;
  return request.abandon && execution.stop?.abandon !== true ? undefined : 'DuplicatedStopRequest';
}

export type RetryRefusal =
  | Readonly<{ refused: 'StageNotRetryable'; because: string }>
  | Readonly<{ refused: 'NotLatestPipelineExecution' }>
  | Readonly<{ refused: 'Conflict'; because: string }>;

export function retryRefusal(
  line: PipelineLine,
  request: Readonly<{ executionId: string; stage: string; mode: RetryMode }>,
): RetryRefusal | undefined {
  const latest = line.stages[request.stage]?.latest;
  const execution = line.executions.find((candidate) => candidate.id === request.executionId);
  if (latest !== undefined && latest.executionId !== request.executionId)
    return { refused: 'NotLatestPipelineExecution' };
  if (latest === undefined || execution === undefined) return notRetryable('the execution has no failed action there');
  if (execution.version !== line.version) return notRetryable('the pipeline has changed since the execution started');
  if (execution.position !== 'Inside' || stageOf(line, execution).name !== request.stage)
    return notRetryable('the stage has not failed');
  if (execution.status === 'Stopping' || execution.cancelling === true)
    return { refused: 'Conflict', because: 'the execution is being stopped' };
  if (!['InProgress', 'Failed', 'Stopped'].includes(execution.status))
    return notRetryable(`the execution is ${execution.status}`);
  const runs = currentRuns(execution);
  if (!runs.some((action) => action.status === 'Failed' || action.status === 'Abandoned'))
    return notRetryable('the stage has no failed actions');
  if (request.mode === 'ALL_ACTIONS' && runs.some((action) => action.status === 'InProgress'))
    return notRetryable('actions of the stage are still in progress');
  return undefined;
}

function notRetryable(because: string): RetryRefusal {
  return { refused: 'StageNotRetryable', because };
}

export type ApprovalRefusal = 'InvalidApprovalToken' | 'ApprovalAlreadyCompleted';

/** Approvals are found by their token, so that one is answered even if the definition was edited meanwhile. */
export function approvalRefusal(line: PipelineLine, token: string): ApprovalRefusal | undefined {
  const found = approvalByToken(line, token);
  if (found !== undefined) {
    const [execution, action] = found;
    const open = action.status === 'InProgress' && isLive(execution) && currentRuns(execution).includes(action);
    return open ? undefined : 'ApprovalAlreadyCompleted';
  }
  const archived = Object.values(line.stages).some((record) =>
    Object.values(record.archivedActions).some((action) => token !== '' && action.token === token),
  );
  return archived ? 'ApprovalAlreadyCompleted' : 'InvalidApprovalToken';
}

export function approvalByToken(line: PipelineLine, token: string): readonly [Execution, ActionExecution] | undefined {
  if (token === '') return undefined;
  for (const execution of line.executions) {
    for (const action of execution.actions) if (action.token === token) return [execution, action];
  }
  return undefined;
}
