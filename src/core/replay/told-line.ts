/** A turn of a pipeline's line as one of its executions sees it. */
import type {
  Change,
  Execution,
  LineEffect,
  LineEvent,
  PipelineLine,
  TimerFired,
} from '../pipeline-execution/index.ts';
import { effectWords, spaced } from './told-words.ts';
import type { Told, ToldTurn } from './told.ts';

export function toldOfLine({ event, before, after, effects }: ToldTurn<PipelineLine>, executionId: string): Told {
  const changes = effects.flatMap((effect) => (effect.type === 'Announce' ? (effect as Announced).changes : []));
  const mine = changes.filter((change) => change.executionId === executionId);
  return {
    event: eventWords(event as LineEvent | TimerFired, before, executionId),
    changes: [...mine.map((change) => changeWords(change, after)), ...positionWords(before, after, executionId)],
    effects: effectWords(
      effects.filter(
        (effect) =>
          effect.type !== 'Announce' && effect.type !== 'ArchiveExecutions' && isOf(effect, after, executionId),
      ),
      (effect) => ownEffect(effect as LineEffect, after),
    ),
  };
}

type Announced = Readonly<{ type: string; changes: readonly Change[] }>;

/** Whether the turn is about this execution, or moved it. */
export function concerns({ event, before, after }: ToldTurn<PipelineLine>, executionId: string): boolean {
  const [was, is] = [executionIn(before, executionId), executionIn(after, executionId)];
  if (was !== is) return true;
  const named = event as Partial<{ executionId: string; actionExecutionId: string }>;
  if (named.executionId === executionId) return true;
  return named.actionExecutionId !== undefined && ownerOf(before, named.actionExecutionId)?.id === executionId;
}

export function executionIn(line: PipelineLine, executionId: string): Execution | undefined {
  return line.executions.find(({ id }) => id === executionId);
}

function ownerOf(line: PipelineLine, actionExecutionId: string): Execution | undefined {
  return line.executions.find(({ actions }) => actions.some(({ id }) => id === actionExecutionId));
}

function actionName(line: PipelineLine, actionExecutionId: string): string {
  for (const { actions } of line.executions) {
    const found = actions.find(({ id }) => id === actionExecutionId);
    if (found !== undefined) return `${found.stage}/${found.action}`;
  }
  return 'an action';
}

function isOf(effect: Readonly<{ type: string }>, line: PipelineLine, executionId: string): boolean {
  if (!('actionExecutionId' in effect)) return false;
  return ownerOf(line, String(effect.actionExecutionId))?.id === executionId;
}

function eventWords(event: LineEvent | TimerFired, line: PipelineLine, executionId: string): string {
  const of = (id: string): string => (id === executionId ? 'it' : `the execution ${id}`);
  switch (event.type) {
    case 'ExecutionStarted':
      return `${of(event.executionId)} was started (${event.trigger.type})`;
    case 'StopRequested':
      return `a stop of ${of(event.executionId)} was asked for`;
    case 'StageRetryRequested':
      return `a retry of ${event.stage} was asked for`;
    case 'TransitionChanged':
      return `the ${event.direction.toLowerCase()} transition of ${event.stage} was ${event.enabled ? 'enabled' : 'disabled'}`;
    case 'DefinitionChanged':
      return `the pipeline was changed (version ${event.plan.version})`;
    case 'ActionProgressed': {
      const { externalExecutionId } = event.report;
      const of = externalExecutionId === undefined ? '' : ` (${externalExecutionId})`;
      return `${actionName(line, event.actionExecutionId)} is under way${of}`;
    }
    case 'ActionReported':
      return `a worker reported ${actionName(line, event.actionExecutionId)} done`;
    case 'ActionSucceeded':
      return `${actionName(line, event.actionExecutionId)} ended well`;
    case 'ActionFailed':
      return `${actionName(line, event.actionExecutionId)} failed: ${event.error.message}`;
    case 'ApprovalGiven':
      return `${actionName(line, event.actionExecutionId)} was ${event.approved ? 'approved' : 'rejected'} by ${event.by}`;
    case 'ExecutionsArchived':
      return 'finished executions were put away';
    case 'TimerFired': {
      if (event.timer.startsWith('poll:'))
        return `it was time to look at ${actionName(line, event.timer.slice('poll:'.length))}`;
      return event.timer === 'deadline' ? 'it was time to look for overdue actions' : `the timer ${event.timer} fired`;
    }
    default:
      return spaced((event as { type: string }).type);
  }
}

function changeWords({ of, stage, action, state, result, stopReason }: Change, line: PipelineLine): string {
  const what = of === 'Pipeline' ? 'the execution' : of === 'Stage' ? stage : `${stage}/${action}`;
  const why = result?.externalExecutionSummary ?? stopReason;
  const newer = state === 'SUPERSEDED' ? newest(line) : undefined;
  const by = newer === undefined ? '' : ` by ${newer}`;
  return `${what} ${state}${by}${state === 'FAILED' && why !== undefined ? ` (${why})` : ''}`;
}

function newest(line: PipelineLine): string | undefined {
  return line.executions.at(-1)?.id;
}

/** It has come to an entrance and waits there: for whom, or for what. */
function positionWords(before: PipelineLine, after: PipelineLine, executionId: string): string[] {
  const [was, is] = [executionIn(before, executionId), executionIn(after, executionId)];
  if (is === undefined || is.status !== 'InProgress' || is.position !== 'Waiting') return [];
  if (was?.position === 'Waiting' && was.stageIndex === is.stageIndex) return [];
  const stage = after.plans[is.version]?.stages[is.stageIndex]?.name ?? 'the next stage';
  const inside = after.executions.find(
    (other) => other.position === 'Inside' && after.plans[other.version]?.stages[other.stageIndex]?.name === stage,
  );
  return [`waits at ${stage}${inside === undefined ? '' : `, where ${inside.id} is`}`];
}

function ownEffect(effect: LineEffect, line: PipelineLine): string | undefined {
  switch (effect.type) {
    case 'StartAction':
      return `start ${actionName(line, effect.actionExecutionId)}`;
    case 'PollAction':
      return `look at ${actionName(line, effect.actionExecutionId)}`;
    case 'NotifyApproval':
      return `ask for the approval ${actionName(line, effect.actionExecutionId)}`;
    case 'CollectOutputs':
      return `collect the artifacts of ${actionName(line, effect.actionExecutionId)}`;
    default:
      return undefined;
  }
}
