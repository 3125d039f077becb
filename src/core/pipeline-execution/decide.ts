/**
 * The executions of one pipeline.
 *
 * A pipeline execution:
 *
 *   InProgress ─── last stage succeeds ──────────────────────▶ Succeeded   (final)
 *     ├─────────── newer one comes to the same entrance ─────▶ Superseded  (final)
 *     ├─────────── definition changes ───────────────────────▶ Cancelled   (final)
 *     ├─────────── a stage fails ────────────▶ Failed  ──┐
 *     └─ stop ──▶ Stopping ─ nothing runs ──▶ Stopped ──┴─ stage is retried ──▶ InProgress
 *
 * Within InProgress it goes along its stages: waits at the entrance of each (`Waiting`), enters when the lock is free
 * and the transition enabled (`Inside`), runs the actions by ascending run order (those of one order side by side),
 * and leaves. An action execution: InProgress ─▶ Succeeded | Failed | Abandoned, all three final.
 *
 * Invariants, for every history of events (`decide.property.test.ts`):
 * - In SUPERSEDED and QUEUED mode at most one execution is inside a stage at a time.
 * - A superseded execution never starts another action; nor does one that is stopping, stopped or cancelled.
 * - In QUEUED mode executions enter every stage in the order in which they started.
 * - An action starts only when all of lower run order in its stage have succeeded in this execution.
 * - Succeeded, Superseded and Cancelled are final; action executions that have ended never change.
 * - Late, repeated and reordered events change nothing: a report about an action that has ended, a timer that comes
 *   early, a second stop.
 * - Nothing waits for an answer that nobody can be asked for: an approval that a change of definition takes away is abandoned.
 * - An artifact, once recorded, is never changed: a consumer gets the very digest that its producer recorded.
 *
 * A request that must be refused leaves the line as it is; `requests.ts` says why it would be.
 * Instants are `EpochMs`. Source: CodePipeline User Guide, "How pipeline executions work", "Execution modes",
 * "Stop a pipeline execution", "Configure stage retry", "Disable transitions".
 */
import { assertNever, type Decision, type EpochMs, MINUTE_MS } from '../../common/index.ts';
import { advance, STALE_AFTER_MS } from './advance.ts';
import { approvalRefusal, retryRefusal, startRefusal, stopRefusal } from './requests.ts';
import { currentRuns, DEADLINE_TIMER, isLive, polledAction, pollTimer, stageOf, Turn } from './turn.ts';
import type {
  ActionExecution,
  Execution,
  LineEffect,
  LineEvent,
  PipelineLine,
  Plan,
  StagePlan,
  TimerEffect,
  TimerFired,
} from './types.ts';

export type LineDecision = Decision<PipelineLine, LineEffect | TimerEffect>;

/** The line of a pipeline that nobody has run yet. */
export function openLine(pipelineId: string, plan: Plan): PipelineLine {
  return {
    pipelineId,
    version: plan.version,
    plans: { [plan.version]: plan },
    stages: {},
    executions: [],
    lastOrdinal: 0,
    announcements: 0,
  };
}

export function decide(line: PipelineLine, event: LineEvent | TimerFired, now: EpochMs): LineDecision {
  const turn = new Turn(line, now);
  switch (event.type) {
    case 'ExecutionStarted': {
      if (startRefusal(line, event.executionId) !== undefined) return unchanged(line);
      const ordinal = line.lastOrdinal + 1;
      turn.patch({ lastOrdinal: ordinal });
      const execution = turn.put({
        id: event.executionId,
        ordinal,
        version: line.version,
        trigger: event.trigger,
        variables: event.variables,
        sourceRevisions: event.sourceRevisions,
        status: 'InProgress',
        attempt: 1,
        startedAt: now,
        updatedAt: now,
        stageIndex: 0,
        position: 'Waiting',
        runs: {},
        actions: [],
        stages: {},
      });
      turn.tell(execution, 'Pipeline', 'STARTED');
      break;
    }
    case 'StopRequested': {
      const execution = turn.execution(event.executionId);
      if (execution === undefined || stopRefusal(line, event) !== undefined) return unchanged(line);
      const stop = { abandon: event.abandon, reason: event.reason ?? execution.stop?.reason };
      let stopping: Execution = { ...execution, stop };
      if (execution.status === 'InProgress') {
        stopping = turn.setStatus(stopping, 'Stopping', 'STOPPING');
        if (stopping.position === 'Inside') stopping = turn.setStage(stopping, 'Stopping', 'STOPPING');
      } else {
        stopping = turn.put(stopping);
      }
      if (event.abandon) {
        for (const action of currentRuns(stopping)) {
          if (action.status === 'InProgress') stopping = turn.endAction(stopping, action, 'Abandoned');
        }
      }
      break;
    }
    case 'StageRetryRequested': {
      const execution = turn.execution(event.executionId);
      if (execution === undefined || retryRefusal(line, event) !== undefined) return unchanged(line);
      const ended = execution.status !== 'InProgress';
      const again = currentRuns(execution).filter(
        (action) => event.mode === 'ALL_ACTIONS' || action.status === 'Failed' || action.status === 'Abandoned',
      );
      const dropped = new Set(again.map((action) => action.action));
      const { stop: _, ...rest } = execution;
      let retried: Execution = {
        ...rest,
        status: 'InProgress',
        attempt: execution.attempt + 1,
        runs: Object.fromEntries(Object.entries(execution.runs).filter(([name]) => !dropped.has(name))),
      };
      retried = ended ? turn.setStatus(retried, 'InProgress', 'RESUMED') : turn.put(retried);
      const retries = (execution.stages[event.stage]?.retries ?? 0) + 1;
      turn.setStage(retried, 'InProgress', 'RESUMED', retries);
      break;
    }
    case 'TransitionChanged': {
      const gate = event.direction === 'Inbound' ? 'inbound' : 'outbound';
      const before = turn.record(event.stage)[gate];
      if (event.enabled) letStaleOnesLie(turn, event.stage, gate, before?.enabled === false ? before.changedAt : now);
      turn.putRecord(event.stage, {
        [gate]: {
          enabled: event.enabled,
          changedAt: now,
          changedBy: event.changedBy,
          ...(event.enabled || event.reason === undefined ? {} : { reason: event.reason }),
        },
      });
      break;
    }
    case 'DefinitionChanged': {
      if (event.plan.version <= line.version) return unchanged(line);
      turn.patch({ version: event.plan.version, plans: { ...line.plans, [event.plan.version]: event.plan } });
      for (const execution of line.executions) {
        if (!isLive(execution) || turn.plan(execution).mode === 'PARALLEL') continue;
        abandonRemovedApprovals(turn, turn.put({ ...execution, cancelling: true }), event.plan);
      }
      break;
    }
    case 'ActionProgressed': {
      const [execution, action] = runningAction(line, event.actionExecutionId);
      if (execution === undefined) return unchanged(line);
      turn.putAction(execution, {
        ...action,
        ...event.report,
        ...(event.token === undefined ? {} : { token: event.token }),
        ...(event.deadlineAt === undefined ? {} : { deadlineAt: event.deadlineAt }),
        ...(event.pollAt === undefined ? {} : { pollAt: event.pollAt }),
      });
      if (event.pollAt !== undefined) {
        turn.effects.push({ type: 'WakeAt', timer: pollTimer(action.id), at: event.pollAt, wakeKey: event.wakeKey });
      }
      if (event.notify === true) {
        turn.effects.push({ type: 'NotifyApproval', lane: action.id, actionExecutionId: action.id });
      }
      break;
    }
    case 'ActionReported': {
      const [execution, action] = runningAction(line, event.actionExecutionId);
      if (execution === undefined) return unchanged(line);
      const { report, variables, revision } = event;
      if (outputsOf(turn, execution, action).length === 0) {
        turn.endAction(execution, { ...action, ...report, variables, revision }, 'Succeeded');
      } else {
        turn.putAction(execution, { ...action, ...report });
        const result = { report, variables, revision };
        turn.effects.push({ type: 'CollectOutputs', lane: action.id, actionExecutionId: action.id, result });
      }
      break;
    }
    case 'ActionSucceeded': {
      const [execution, action] = runningAction(line, event.actionExecutionId);
      if (execution === undefined) return unchanged(line);
      const { report, outputs, variables, revision } = event;
      turn.endAction(execution, { ...action, ...report, outputs, variables, revision }, 'Succeeded');
      break;
    }
    case 'ActionFailed': {
      const [execution, action] = runningAction(line, event.actionExecutionId);
      if (execution === undefined) return unchanged(line);
      turn.endAction(execution, { ...action, ...event.report, error: event.error }, 'Failed');
      break;
    }
    case 'ApprovalGiven': {
      const [execution, action] = runningAction(line, event.actionExecutionId);
      if (execution === undefined || approvalRefusal(line, action.token ?? '') !== undefined) return unchanged(line);
      const verb = event.approved ? 'Approved' : 'Rejected';
      const answered: ActionExecution = {
        ...action,
        summary: event.summary === '' ? undefined : event.summary,
        updatedBy: event.by,
        externalExecutionSummary: `${verb} by ${event.by}`,
      };
      if (event.approved) turn.endAction(execution, answered, 'Succeeded');
      else {
        const error = { code: 'JobFailed', message: `Rejected by ${event.by}` };
        turn.endAction(execution, { ...answered, error }, 'Failed');
      }
      break;
    }
    case 'ExecutionsArchived': {
      const gone = new Set(event.executionIds);
      for (const execution of line.executions) if (gone.has(execution.id)) keepLatestActions(turn, execution);
      turn.patch({ archiving: undefined, executions: line.executions.filter((execution) => !gone.has(execution.id)) });
      break;
    }
    case 'TimerFired': {
      const polled = polledAction(event.timer);
      if (polled !== undefined) {
        const [execution, action] = runningAction(line, polled);
        if (execution === undefined) return unchanged(line);
        const { pollAt: _, ...rest } = action;
        turn.putAction(execution, rest);
        turn.effects.push({ type: 'PollAction', lane: action.id, actionExecutionId: action.id });
      } else if (event.timer === DEADLINE_TIMER && line.timerAt !== undefined) {
        turn.patch({ timerAt: undefined });
        failOverdue(turn);
      } else return unchanged(line);
      break;
    }
    default:
      return assertNever(event);
  }
  advance(turn);
  return turn.decision();
}

function unchanged(line: PipelineLine): LineDecision {
  return { state: line, effects: [] };
}

/** The action execution of this id, if it still counts and runs. Anything that comes for another one comes too late. */
function runningAction(line: PipelineLine, id: string): readonly [Execution, ActionExecution] | readonly [undefined] {
  for (const execution of line.executions) {
    if (!isLive(execution)) continue;
    const action = currentRuns(execution).find((candidate) => candidate.id === id);
    if (action?.status === 'InProgress') return [execution, action];
  }
  return [undefined];
}

function outputsOf(turn: Turn, execution: Execution, action: ActionExecution): readonly string[] {
  return turn.stage(execution).actions.find((plan) => plan.name === action.action)?.outputs ?? [];
}

/**
 * Nobody is shown the token of an approval that the pipeline no longer has, and the answer would change nothing, as the
 * execution is cancelled after it: it would only hold its stage until it times out. (In PARALLEL mode executions go on by
 * the definition they started with, and ListActionExecutions shows the token.) AWS documents only that running actions
 * end first; what becomes of such an approval there is unverified.
 */
function abandonRemovedApprovals(turn: Turn, execution: Execution, plan: Plan): void {
  const isApproval = (stages: readonly StagePlan[], { stage, action }: ActionExecution): boolean =>
    stages.some(
      ({ name, actions }) =>
        name === stage && actions.some(({ name, type }) => name === action && type.category === 'Approval'),
    );
  const { stages } = turn.plan(execution);
  for (const action of currentRuns(execution)) {
    if (action.status !== 'InProgress' || !isApproval(stages, action) || isApproval(plan.stages, action)) continue;
    const externalExecutionSummary = `Version ${plan.version} of the pipeline does not have this approval`;
    execution = turn.endAction(execution, { ...action, externalExecutionSummary }, 'Abandoned');
  }
}

function failOverdue(turn: Turn): void {
  for (let execution of turn.line.executions) {
    if (!isLive(execution)) continue;
    for (const action of currentRuns(execution)) {
      if (action.status !== 'InProgress' || action.deadlineAt > turn.now) continue;
      const minutes = Math.round((action.deadlineAt - action.startedAt) / MINUTE_MS);
      const error = { code: 'Timeout', message: `The action did not end within ${minutes} minutes.` };
      execution = turn.endAction(execution, { ...action, error }, 'Failed');
    }
  }
}

/** What waits behind a gate that was shut for over 30 days is not taken up again when it opens. */
function letStaleOnesLie(turn: Turn, stage: string, gate: 'inbound' | 'outbound', shutSince: EpochMs): void {
  if (turn.now - shutSince <= STALE_AFTER_MS) return;
  for (const execution of turn.line.executions) {
    if (execution.status !== 'InProgress' || execution.position !== 'Waiting') continue;
    const held =
      gate === 'inbound'
        ? stageOf(turn.line, execution).name
        : turn.plan(execution).stages[execution.stageIndex - 1]?.name;
    if (held === stage) turn.put({ ...execution, stale: true });
  }
}

/** Before an execution leaves the line, its action executions become the stages' memory where they are the latest. */
function keepLatestActions(turn: Turn, execution: Execution): void {
  for (const action of execution.actions) {
    const { archivedActions } = turn.record(action.stage);
    const known = archivedActions[action.action];
    if (known !== undefined && known.startedAt > action.startedAt) continue;
    turn.putRecord(action.stage, { archivedActions: { ...archivedActions, [action.action]: action } });
  }
}
