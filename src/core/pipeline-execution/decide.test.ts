import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../common/index.ts';
import { decide, openLine } from './decide.ts';
import { approvalRefusal, retryRefusal, startRefusal, stopRefusal } from './requests.ts';
import { pollTimer } from './turn.ts';
import type {
  ActionPlan,
  Artifact,
  Change,
  Execution,
  LineEffect,
  LineEvent,
  PipelineLine,
  Plan,
  TimerEffect,
  TimerFired,
} from './types.ts';

const T0 = 1_700_000_000_000;
const A = 'aaaaaaaa-0000-4000-8000-000000000000';
const B = 'bbbbbbbb-0000-4000-8000-000000000000';
const C = 'cccccccc-0000-4000-8000-000000000000';

/** A line with its clock and what came out of it. */
class Scene {
  line: PipelineLine;
  now = T0;
  effects: (LineEffect | TimerEffect)[] = [];

  constructor(plan: Plan) {
    this.line = openLine('pipeline-1', plan);
  }

  when(event: LineEvent | TimerFired): this {
    const decision = decide(this.line, event, this.now);
    this.line = decision.state;
    this.effects = [...decision.effects];
    return this;
  }

  start(executionId: string): this {
    return this.when({
      type: 'ExecutionStarted',
      executionId,
      trigger: { type: 'StartPipelineExecution' },
      variables: {},
      sourceRevisions: [],
    });
  }

  /** Ends the running action of this name. */
  succeed(executionId: string, action: string, outputs: readonly Artifact[] = []): this {
    const id = this.running(executionId, action);
    return this.when({ type: 'ActionSucceeded', actionExecutionId: id, outputs, report: {}, variables: {} });
  }

  fail(executionId: string, action: string): this {
    const id = this.running(executionId, action);
    return this.when({ type: 'ActionFailed', actionExecutionId: id, error: { code: 'JobFailed', message: 'no' } });
  }

  execution(id: string): Execution {
    const execution = this.line.executions.find((candidate) => candidate.id === id);
    if (execution === undefined) throw new Error(`no execution ${id}`);
    return execution;
  }

  running(executionId: string, name: string): string {
    const action = this.execution(executionId).actions.find(
      (candidate) => candidate.action === name && candidate.status === 'InProgress',
    );
    if (action === undefined) throw new Error(`${name} does not run`);
    return action.id;
  }

  /** `stage status` where the execution is. */
  at(id: string): string {
    const execution = this.execution(id);
    const stage = this.line.plans[execution.version]?.stages[execution.stageIndex]?.name;
    return `${execution.status} ${execution.position} ${stage}`;
  }

  told(): string[] {
    const announce = this.effects.find((effect) => effect.type === 'Announce');
    const changes = announce?.type === 'Announce' ? announce.changes : [];
    return changes.map((change: Change) =>
      [change.of, change.action ?? change.stage, change.state].filter((word) => word !== undefined).join(' '),
    );
  }
}

function action(name: string, more: Partial<ActionPlan> = {}): ActionPlan {
  return {
    name,
    runOrder: 1,
    type: { category: 'Build', owner: 'Custom', provider: 'NoOp', version: '1' },
    inputs: [],
    outputs: [],
    timeoutMs: HOUR_MS,
    ...more,
  };
}

function plan(mode: Plan['mode'] = 'SUPERSEDED', version = 1): Plan {
  return {
    version,
    mode,
    stages: [
      { name: 'Source', actions: [action('Fetch', { outputs: ['Code'] })] },
      { name: 'Build', actions: [action('Compile', { inputs: ['Code'] })] },
      { name: 'Deploy', actions: [action('Ship')] },
    ],
  };
}

const forked: Plan = {
  version: 1,
  mode: 'SUPERSEDED',
  stages: [
    { name: 'Source', actions: [action('Fetch')] },
    { name: 'Test', actions: [action('Unit'), action('Lint'), action('Report', { runOrder: 2 })] },
  ],
};

describe('decide() along the stages', () => {
  it('carries an execution from its start to Succeeded', () => {
    const scene = new Scene(plan()).start(A);
    expect(scene.told()).toEqual(['Pipeline STARTED', 'Stage Source STARTED', 'Action Fetch STARTED']);
    const code = { name: 'Code', bucket: 'b', key: 'k', sha256: '00', bytes: 1 };
    scene.succeed(A, 'Fetch', [code]);
    expect(scene.execution(A).actions.at(-1)?.inputs).toEqual([code]);
    scene.succeed(A, 'Compile').succeed(A, 'Ship');
    expect(scene.execution(A).status).toBe('Succeeded');
    expect(scene.told()).toEqual(['Action Ship SUCCEEDED', 'Stage Deploy SUCCEEDED', 'Pipeline SUCCEEDED']);
    expect(scene.effects).toContainEqual({ type: 'ArchiveExecutions', lane: 'archive' });
    expect(scene.effects).toContainEqual({ type: 'CancelTimer', timer: 'deadline' });
  });

  it('starts a run order only when the one before has succeeded, side by side within it', () => {
    const scene = new Scene(forked).start(A).succeed(A, 'Fetch');
    expect(scene.told()).toContain('Action Unit STARTED');
    expect(scene.told()).toContain('Action Lint STARTED');
    expect(scene.succeed(A, 'Lint').told()).toEqual(['Action Lint SUCCEEDED']);
    expect(scene.succeed(A, 'Unit').told()).toEqual(['Action Unit SUCCEEDED', 'Action Report STARTED']);
  });

  it('lets siblings of a failed action finish, then fails the stage and starts nothing more', () => {
    const scene = new Scene(forked).start(A).succeed(A, 'Fetch').fail(A, 'Unit');
    expect(scene.at(A)).toBe('InProgress Inside Test');
    scene.succeed(A, 'Lint');
    expect(scene.told()).toEqual(['Action Lint SUCCEEDED', 'Stage Test FAILED', 'Pipeline FAILED']);
    expect(scene.at(A)).toBe('Failed Inside Test');
  });

  it('ignores what comes for an action that has ended', () => {
    const scene = new Scene(plan()).start(A);
    const id = scene.running(A, 'Fetch');
    scene.succeed(A, 'Fetch');
    const before = scene.line;
    scene.when({ type: 'ActionFailed', actionExecutionId: id, error: { code: 'JobFailed', message: 'late' } });
    scene.when({ type: 'TimerFired', timer: pollTimer(id) });
    scene.when({ type: 'ActionProgressed', actionExecutionId: id, report: { summary: 'late' } });
    expect(scene.line).toBe(before);
  });
});

describe('decide() at the entrances', () => {
  it('supersedes the execution that waits when a newer one comes, never the one inside', () => {
    const scene = new Scene(plan()).start(A).succeed(A, 'Fetch');
    scene.start(B).succeed(B, 'Fetch');
    expect(scene.at(B)).toBe('InProgress Waiting Build');
    scene.start(C).succeed(C, 'Fetch');
    expect(scene.execution(B).status).toBe('Superseded');
    expect(scene.at(A)).toBe('InProgress Inside Build');
    scene.succeed(A, 'Compile');
    expect(scene.at(C)).toBe('InProgress Inside Build');
  });

  it('keeps the order of starting in QUEUED mode', () => {
    const scene = new Scene(plan('QUEUED')).start(A).start(B).start(C);
    expect([scene.at(A), scene.at(B), scene.at(C)]).toEqual([
      'InProgress Inside Source',
      'InProgress Waiting Source',
      'InProgress Waiting Source',
    ]);
    scene.succeed(A, 'Fetch');
    expect([scene.at(B), scene.at(C)]).toEqual(['InProgress Inside Source', 'InProgress Waiting Source']);
  });

  it('lets executions of a PARALLEL pipeline pass each other', () => {
    const scene = new Scene(plan('PARALLEL')).start(A).start(B).succeed(B, 'Fetch');
    expect([scene.at(A), scene.at(B)]).toEqual(['InProgress Inside Source', 'InProgress Inside Build']);
  });

  it('refuses the 51st concurrent execution of a QUEUED pipeline', () => {
    const scene = new Scene(plan('QUEUED'));
    for (let i = 0; i < 50; i++) scene.start(`${String(i).padStart(8, '0')}-0000-4000-8000-000000000000`);
    expect(startRefusal(scene.line, A)).toBe('ConcurrentPipelineExecutionsLimitExceeded');
    expect(scene.start(A).line.executions).toHaveLength(50);
  });

  it('starts an execution once, however often it is asked to', () => {
    const scene = new Scene(plan()).start(A);
    const before = scene.line;
    expect(scene.start(A).line).toBe(before);
  });

  it('holds at a disabled transition and lets the newest in when it is enabled', () => {
    const scene = new Scene(plan());
    const gate = { type: 'TransitionChanged', stage: 'Build', direction: 'Inbound', changedBy: 'me' } as const;
    scene.when({ ...gate, enabled: false, reason: 'freeze' });
    scene.start(A).succeed(A, 'Fetch').start(B).succeed(B, 'Fetch');
    expect([scene.execution(A).status, scene.at(B)]).toEqual(['Superseded', 'InProgress Waiting Build']);
    scene.when({ ...gate, enabled: true });
    expect(scene.at(B)).toBe('InProgress Inside Build');
  });

  it('leaves lying what a transition held for over 30 days', () => {
    const scene = new Scene(plan());
    const gate = { type: 'TransitionChanged', stage: 'Source', direction: 'Outbound', changedBy: 'me' } as const;
    scene
      .when({ ...gate, enabled: false, reason: 'freeze' })
      .start(A)
      .succeed(A, 'Fetch');
    scene.now += 31 * DAY_MS;
    scene.when({ ...gate, enabled: true });
    expect(scene.at(A)).toBe('InProgress Waiting Build');
    scene.start(B).succeed(B, 'Fetch');
    expect([scene.execution(A).status, scene.at(B)]).toEqual(['Superseded', 'InProgress Inside Build']);
  });
});

describe('decide() on a stop', () => {
  it('waits for the running actions, then stops', () => {
    const scene = new Scene(plan()).start(A);
    scene.when({ type: 'StopRequested', executionId: A, abandon: false, reason: 'why not' });
    expect(scene.told()).toEqual(['Pipeline STOPPING', 'Stage Source STOPPING']);
    expect(stopRefusal(scene.line, { executionId: A, abandon: false })).toBe('DuplicatedStopRequest');
    expect(stopRefusal(scene.line, { executionId: A, abandon: true })).toBeUndefined();
    scene.succeed(A, 'Fetch');
    expect(scene.execution(A).status).toBe('Stopped');
    expect(retryRefusal(scene.line, { executionId: A, stage: 'Source', mode: 'FAILED_ACTIONS' })).toMatchObject({
      refused: 'StageNotRetryable',
    });
  });

  it('abandons the running actions when told to, and frees the stage', () => {
    const scene = new Scene(plan()).start(A).start(B);
    scene.when({ type: 'StopRequested', executionId: A, abandon: true });
    expect(scene.execution(A).actions[0]?.status).toBe('Abandoned');
    expect([scene.execution(A).status, scene.at(B)]).toEqual(['Stopped', 'InProgress Inside Source']);
  });

  it('stops a waiting execution at once', () => {
    const scene = new Scene(plan()).start(A).start(B);
    scene.when({ type: 'StopRequested', executionId: B, abandon: false });
    expect(scene.execution(B).status).toBe('Stopped');
    expect(stopRefusal(scene.line, { executionId: B, abandon: true })).toBe('PipelineExecutionNotStoppable');
  });
});

describe('decide() on a retry', () => {
  it('runs the failed actions again under new ids and goes on', () => {
    const scene = new Scene(forked).start(A).succeed(A, 'Fetch').fail(A, 'Unit').succeed(A, 'Lint');
    scene.when({ type: 'StageRetryRequested', executionId: A, stage: 'Test', mode: 'FAILED_ACTIONS' });
    expect(scene.told()).toEqual(['Pipeline RESUMED', 'Stage Test RESUMED', 'Action Unit STARTED']);
    expect(scene.execution(A).attempt).toBe(2);
    scene.succeed(A, 'Unit').succeed(A, 'Report');
    expect(scene.execution(A).status).toBe('Succeeded');
    expect(
      scene
        .execution(A)
        .actions.filter((run) => run.action === 'Unit')
        .map((run) => run.status),
    ).toEqual(['Failed', 'Succeeded']);
  });

  it('retries failed actions while their siblings still run, but not all actions', () => {
    const scene = new Scene(forked).start(A).succeed(A, 'Fetch').fail(A, 'Unit');
    const request = { executionId: A, stage: 'Test' };
    expect(retryRefusal(scene.line, { ...request, mode: 'ALL_ACTIONS' })).toMatchObject({
      refused: 'StageNotRetryable',
    });
    scene.when({ type: 'StageRetryRequested', ...request, mode: 'FAILED_ACTIONS' });
    expect(scene.told()).toEqual(['Stage Test RESUMED', 'Action Unit STARTED']);
    expect(scene.succeed(A, 'Lint').at(A)).toBe('InProgress Inside Test');
  });

  it('starts the stage over with ALL_ACTIONS', () => {
    const scene = new Scene(forked).start(A).succeed(A, 'Fetch').succeed(A, 'Lint').fail(A, 'Unit');
    scene.when({ type: 'StageRetryRequested', executionId: A, stage: 'Test', mode: 'ALL_ACTIONS' });
    expect(scene.told()).toContain('Action Lint STARTED');
  });

  it('is refused once a newer execution has entered the stage, or the definition has changed', () => {
    const request = { executionId: A, stage: 'Source', mode: 'FAILED_ACTIONS' } as const;
    const scene = new Scene(plan()).start(A).fail(A, 'Fetch').start(B);
    expect(retryRefusal(scene.line, request)).toEqual({ refused: 'NotLatestPipelineExecution' });
    const edited = new Scene(plan()).start(A).fail(A, 'Fetch');
    edited.when({ type: 'DefinitionChanged', plan: plan('SUPERSEDED', 2) });
    expect(retryRefusal(edited.line, request)).toMatchObject({ refused: 'StageNotRetryable' });
  });
});

describe('decide() on a change of definition', () => {
  it('cancels what waits at once, and what runs when its actions have ended', () => {
    const scene = new Scene(plan()).start(A).start(B);
    scene.when({ type: 'DefinitionChanged', plan: plan('SUPERSEDED', 2) });
    expect([scene.execution(A).status, scene.execution(B).status]).toEqual(['InProgress', 'Cancelled']);
    scene.start(C);
    expect(scene.at(C)).toBe('InProgress Waiting Source');
    scene.succeed(A, 'Fetch');
    expect([scene.execution(A).status, scene.at(C)]).toEqual(['Cancelled', 'InProgress Inside Source']);
  });

  describe('with an approval that waits', () => {
    const approval = action('Ask', { type: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' } });
    const asking = (version: number, actions: readonly ActionPlan[], mode: Plan['mode'] = 'QUEUED'): Plan => ({
      version,
      mode,
      stages: [{ name: 'Gate', actions }, ...plan().stages.slice(1)],
    });
    const waiting = (mode?: Plan['mode']): Scene => {
      const scene = new Scene(asking(1, [approval, action('Scan')], mode)).start(A).start(B);
      const actionExecutionId = scene.running(A, 'Ask');
      return scene.when({ type: 'ActionProgressed', actionExecutionId, report: {}, token: 'token-1' });
    };
    const edit = (scene: Scene, version: number, actions: readonly ActionPlan[]): Scene =>
      scene.when({ type: 'DefinitionChanged', plan: asking(version, actions) });

    it('abandons what it takes away, for nobody could answer, and waits for the rest', () => {
      const scene = edit(waiting(), 2, [action('Scan')]);
      expect(scene.told()).toContain('Action Ask ABANDONED');
      expect(scene.at(A)).toBe('InProgress Inside Gate');
      expect(approvalRefusal(scene.line, 'token-1')).toBe('ApprovalAlreadyCompleted');
      scene.start(C).succeed(A, 'Scan');
      expect([scene.execution(A).status, scene.at(C)]).toEqual(['Cancelled', 'InProgress Inside Gate']);
      expect(scene.execution(A).actions[0]).toMatchObject({
        status: 'Abandoned',
        externalExecutionSummary: 'Version 2 of the pipeline does not have this approval',
      });
    });

    it('keeps it while the pipeline has it, whichever change takes it away, and abandons no other work', () => {
      const scene = edit(waiting(), 2, [approval]);
      expect(approvalRefusal(scene.line, 'token-1')).toBeUndefined();
      expect(scene.running(A, 'Scan')).toBeDefined();
      scene.succeed(A, 'Scan');
      edit(scene, 3, [action('Ask')]);
      expect(scene.execution(A).status).toBe('Cancelled');
    });

    it('ends a stop that waited for the answer', () => {
      const scene = waiting().succeed(A, 'Scan').when({ type: 'StopRequested', executionId: A, abandon: false });
      expect(scene.execution(A).status).toBe('Stopping');
      expect(edit(scene, 2, [action('Scan')]).execution(A).status).toBe('Stopped');
    });

    it('keeps that of a PARALLEL pipeline, which goes on', () => {
      const scene = edit(waiting('PARALLEL'), 2, [action('Scan')]);
      expect(approvalRefusal(scene.line, 'token-1')).toBeUndefined();
    });
  });

  it('lets executions of a PARALLEL pipeline go on by the definition they started with', () => {
    const scene = new Scene(plan('PARALLEL')).start(A);
    scene.when({ type: 'DefinitionChanged', plan: plan('SUPERSEDED', 2) });
    scene.succeed(A, 'Fetch').succeed(A, 'Compile').succeed(A, 'Ship');
    expect(scene.execution(A).status).toBe('Succeeded');
  });
});

describe('decide() on the clock', () => {
  it('fails an action that is overdue, and only then', () => {
    const scene = new Scene(plan()).start(A);
    expect(scene.effects).toContainEqual({ type: 'WakeAt', timer: 'deadline', at: T0 + HOUR_MS });
    scene.now += MINUTE_MS;
    scene.when({ type: 'TimerFired', timer: 'deadline' });
    expect(scene.effects).toEqual([{ type: 'WakeAt', timer: 'deadline', at: T0 + HOUR_MS }]);
    scene.now = T0 + HOUR_MS;
    scene.when({ type: 'TimerFired', timer: 'deadline' });
    expect(scene.execution(A).actions[0]?.error?.code).toBe('Timeout');
    expect(scene.execution(A).status).toBe('Failed');
  });

  it('looks at an action again when asked to', () => {
    const scene = new Scene(plan()).start(A);
    const id = scene.running(A, 'Fetch');
    const pollAt = T0 + 5_000;
    scene.when({ type: 'ActionProgressed', actionExecutionId: id, report: {}, pollAt, wakeKey: 'arn:build' });
    expect(scene.effects).toEqual([{ type: 'WakeAt', timer: pollTimer(id), at: pollAt, wakeKey: 'arn:build' }]);
    scene.when({ type: 'TimerFired', timer: pollTimer(id) });
    expect(scene.effects).toEqual([{ type: 'PollAction', lane: id, actionExecutionId: id }]);
  });
});

describe('decide() on an approval', () => {
  it('takes the first answer and no other', () => {
    const scene = new Scene(plan()).start(A);
    const id = scene.running(A, 'Fetch');
    scene.when({ type: 'ActionProgressed', actionExecutionId: id, report: {}, token: 'token-1', notify: true });
    expect(scene.effects).toEqual([{ type: 'NotifyApproval', lane: id, actionExecutionId: id }]);
    expect(approvalRefusal(scene.line, 'token-2')).toBe('InvalidApprovalToken');
    expect(approvalRefusal(scene.line, 'token-1')).toBeUndefined();
    scene.when({ type: 'ApprovalGiven', actionExecutionId: id, approved: false, summary: 'no', by: 'arn:me' });
    expect(scene.execution(A).actions[0]).toMatchObject({ status: 'Failed', summary: 'no', updatedBy: 'arn:me' });
    expect(approvalRefusal(scene.line, 'token-1')).toBe('ApprovalAlreadyCompleted');
  });

  it('tells nobody the token of an approval, even where it stands for the external execution', () => {
    const scene = new Scene(plan('PARALLEL')).start(A);
    const id = scene.running(A, 'Fetch');
    const report = { externalExecutionId: 'token-1' };
    scene.when({ type: 'ActionProgressed', actionExecutionId: id, report, token: 'token-1' });
    scene.when({ type: 'ApprovalGiven', actionExecutionId: id, approved: true, summary: '', by: 'me' });
    expect(scene.told()).toContain('Action Fetch SUCCEEDED');
    expect(JSON.stringify(scene.effects)).not.toContain('token-1');
  });
});

describe('decide() on a job report', () => {
  it('collects the outputs of an action that has some before it succeeds', () => {
    const scene = new Scene(plan()).start(A);
    const actionExecutionId = scene.running(A, 'Fetch');
    const result = { report: { summary: 'done' }, variables: { X: '1' } };
    scene.when({ type: 'ActionReported', actionExecutionId, ...result });
    expect(scene.execution(A).status).toBe('InProgress');
    expect(scene.effects).toEqual([
      {
        type: 'CollectOutputs',
        lane: actionExecutionId,
        actionExecutionId,
        result: { ...result, revision: undefined },
      },
    ]);
  });
});

describe('decide() on archiving', () => {
  it('lets finished executions leave the line, and remembers the latest run of each action', () => {
    const scene = new Scene(plan()).start(A).succeed(A, 'Fetch').succeed(A, 'Compile').succeed(A, 'Ship');
    scene.when({ type: 'ExecutionsArchived', executionIds: [A] });
    expect(scene.line.executions).toEqual([]);
    expect(scene.line.stages['Deploy']?.archivedActions['Ship']?.status).toBe('Succeeded');
    expect(scene.line.stages['Deploy']?.latest).toMatchObject({ executionId: A, status: 'Succeeded' });
  });

  it('keeps a failed execution for as long as it may be retried', () => {
    const scene = new Scene(plan()).start(A).fail(A, 'Fetch');
    expect(scene.effects.some((effect) => effect.type === 'ArchiveExecutions')).toBe(false);
    scene.start(B);
    expect(scene.effects.some((effect) => effect.type === 'ArchiveExecutions')).toBe(true);
  });
});
