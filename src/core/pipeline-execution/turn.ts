/**
 * One decision in the making: the line as changed so far, and what is to be done and told about it. It lives no longer
 * than the call of `decide` that made it; the line it was given is never touched.
 */
import { assert, type EpochMs } from '../../common/index.ts';
import { actionExecutionId } from './ids.ts';
import type {
  ActionExecution,
  ActionPlan,
  ActionStatus,
  Artifact,
  ArtifactPlace,
  Change,
  ChangeState,
  Execution,
  ExecutionStatus,
  LineEffect,
  PipelineLine,
  Plan,
  StagePlan,
  StageRecord,
  StageStatus,
  TimerEffect,
} from './types.ts';

export class Turn {
  readonly now: EpochMs;
  readonly effects: (LineEffect | TimerEffect)[] = [];
  #line: PipelineLine;
  readonly #changes: Change[] = [];

  constructor(line: PipelineLine, now: EpochMs) {
    this.#line = line;
    this.now = now;
  }

  get line(): PipelineLine {
    return this.#line;
  }

  decision(): { state: PipelineLine; effects: (LineEffect | TimerEffect)[] } {
    if (this.#changes.length > 0) {
      const { announcements } = this.#line;
      const lane = `announcements-${announcements % ANNOUNCEMENT_LANES}`;
      this.patch({ announcements: announcements + 1 });
      this.effects.push({ type: 'Announce', lane, changes: this.#changes });
    }
    return { state: this.#line, effects: this.effects };
  }

  // Reading

  execution(id: string): Execution | undefined {
    return this.#line.executions.find((execution) => execution.id === id);
  }

  plan(execution: Execution): Plan {
    return planOf(this.#line, execution);
  }

  stage(execution: Execution): StagePlan {
    return stageOf(this.#line, execution);
  }

  record(stageName: string): StageRecord {
    return this.#line.stages[stageName] ?? EMPTY_RECORD;
  }

  // Writing

  patch(changes: Partial<PipelineLine>): void {
    this.#line = { ...this.#line, ...changes };
  }

  /** Replaces an execution, or adds it as the newest. */
  put(execution: Execution): Execution {
    const updated = { ...execution, updatedAt: this.now };
    const known = this.execution(execution.id) !== undefined;
    const executions = this.#line.executions;
    this.patch({
      executions: known
        ? executions.map((other) => (other.id === updated.id ? updated : other))
        : [...executions, updated],
    });
    return updated;
  }

  putRecord(stageName: string, changes: Partial<StageRecord>): void {
    this.patch({ stages: { ...this.#line.stages, [stageName]: { ...this.record(stageName), ...changes } } });
  }

  // What happens to an execution, with what is told of it

  setStatus(execution: Execution, status: ExecutionStatus, state: ChangeState): Execution {
    const updated = this.put({ ...execution, status });
    this.tell(updated, 'Pipeline', state);
    return updated;
  }

  /** Sets the status of the execution's current stage. */
  setStage(execution: Execution, status: StageStatus, state: ChangeState, retries?: number): Execution {
    const { name } = this.stage(execution);
    const entry = { status, retries: retries ?? execution.stages[name]?.retries ?? 0 };
    const updated = this.put({ ...execution, stages: { ...execution.stages, [name]: entry } });
    const latest = this.record(name).latest;
    if (latest === undefined || latest.executionId === execution.id || state === 'STARTED') {
      this.putRecord(name, { latest: { executionId: execution.id, ...entry } });
    }
    this.tell(updated, 'Stage', state, { stage: name });
    return updated;
  }

  startAction(execution: Execution, plan: ActionPlan): Execution {
    const stage = this.stage(execution).name;
    const action: ActionExecution = {
      id: actionExecutionId(execution.id, execution.actions.length + 1),
      stage,
      action: plan.name,
      status: 'InProgress',
      startedAt: this.now,
      updatedAt: this.now,
      deadlineAt: this.now + plan.timeoutMs,
      inputs: plan.inputs.flatMap((name) => artifactNamed(execution, name) ?? []),
      outputs: [],
      variables: {},
    };
    const updated = this.put({
      ...execution,
      runs: { ...execution.runs, [plan.name]: action.id },
      actions: [...execution.actions, action],
    });
    this.effects.push({ type: 'StartAction', lane: action.id, actionExecutionId: action.id });
    this.#tellAction(updated, action, 'STARTED');
    return updated;
  }

  putAction(execution: Execution, action: ActionExecution): Execution {
    const updated = { ...action, updatedAt: this.now };
    return this.put({
      ...execution,
      actions: execution.actions.map((other) => (other.id === updated.id ? updated : other)),
    });
  }

  endAction(execution: Execution, action: ActionExecution, status: Exclude<ActionStatus, 'InProgress'>): Execution {
    if (action.pollAt !== undefined) this.effects.push({ type: 'CancelTimer', timer: pollTimer(action.id) });
    const { pollAt: _, ...ended } = { ...action, status };
    const updated = this.putAction(execution, ended);
    this.#tellAction(
      updated,
      ended,
      status === 'Succeeded' ? 'SUCCEEDED' : status === 'Failed' ? 'FAILED' : 'ABANDONED',
    );
    return updated;
  }

  tell(execution: Execution, of: Change['of'], state: ChangeState, more: Partial<Change> = {}): void {
    this.#changes.push({
      of,
      state,
      at: this.now,
      executionId: execution.id,
      version: execution.version,
      attempt: execution.attempt,
      startedAt: execution.startedAt,
      ...(of === 'Pipeline' && state === 'STARTED' ? { trigger: execution.trigger } : {}),
      ...(of === 'Pipeline' && state === 'STOPPING' && execution.stop?.reason !== undefined
        ? { stopReason: execution.stop.reason }
        : {}),
      ...more,
    });
  }

  #tellAction(execution: Execution, action: ActionExecution, state: ChangeState): void {
    const plan = this.plan(execution)
      .stages.find((stage) => stage.name === action.stage)
      ?.actions.find((candidate) => candidate.name === action.action);
    assert(plan !== undefined, `action ${action.action} of stage ${action.stage} is in the plan`);
    const ended = state === 'SUCCEEDED' || state === 'FAILED';
    this.tell(execution, 'Action', state, {
      stage: action.stage,
      action: action.action,
      startedAt: action.startedAt,
      actionType: plan.type,
      ...(plan.region === undefined ? {} : { region: plan.region }),
      ...(state === 'STARTED' && action.inputs.length > 0 ? { inputs: action.inputs.map(placeOf) } : {}),
      ...(state === 'SUCCEEDED' && action.outputs.length > 0 ? { outputs: action.outputs.map(placeOf) } : {}),
      ...(ended
        ? {
            result: {
              // In PARALLEL mode it is the token of an approval, and a token is told to nobody but who asks for it.
              externalExecutionId: action.externalExecutionId === action.token ? undefined : action.externalExecutionId,
              externalExecutionSummary: action.externalExecutionSummary ?? action.error?.message ?? action.summary,
              externalExecutionUrl: action.externalExecutionUrl,
              errorCode: action.error?.code,
            },
          }
        : {}),
    });
  }
}

/** Side by side, so that whoever performs them can send several as one. */
const ANNOUNCEMENT_LANES = 16;

const EMPTY_RECORD: StageRecord = { archivedActions: {} };

export const DEADLINE_TIMER = 'deadline';
const POLL_PREFIX = 'poll:';

export function pollTimer(actionExecutionId: string): string {
  return `${POLL_PREFIX}${actionExecutionId}`;
}

/** The action execution that a timer is to look at; undefined: it is another timer. */
export function polledAction(timer: string): string | undefined {
  return timer.startsWith(POLL_PREFIX) ? timer.slice(POLL_PREFIX.length) : undefined;
}

export function planOf(line: PipelineLine, execution: Execution): Plan {
  const plan = line.plans[execution.version];
  assert(plan !== undefined, `the line holds the plan of version ${execution.version}`);
  return plan;
}

export function stageOf(line: PipelineLine, execution: Execution): StagePlan {
  const stage = planOf(line, execution).stages[execution.stageIndex];
  assert(stage !== undefined, `version ${execution.version} has a stage ${execution.stageIndex}`);
  return stage;
}

/** Under way: it may still move by itself. */
export function isLive(execution: Execution): boolean {
  return execution.status === 'InProgress' || execution.status === 'Stopping';
}

/** The action executions that count in the execution's current stage. */
export function currentRuns(execution: Execution): readonly ActionExecution[] {
  const ids = new Set(Object.values(execution.runs));
  return execution.actions.filter((action) => ids.has(action.id));
}

/** The artifact of this name as its latest successful producer left it. */
export function artifactNamed(execution: Execution, name: string): Artifact | undefined {
  for (const action of execution.actions.toReversed()) {
    if (action.status !== 'Succeeded') continue;
    const artifact = action.outputs.find((output) => output.name === name);
    if (artifact !== undefined) return artifact;
  }
  return undefined;
}

function placeOf(artifact: Artifact): ArtifactPlace {
  return { name: artifact.name, bucket: artifact.bucket, key: artifact.key };
}
