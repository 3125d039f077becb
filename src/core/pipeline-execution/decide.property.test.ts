/** What holds for every history of a line. Random requests, reports, timers, repeats and late comers. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../common/index.ts';
import { decide, openLine } from './decide.ts';
import { isLive, pollTimer, stageOf } from './turn.ts';
import type { ActionPlan, ExecutionMode, LineEvent, PipelineLine, Plan, TimerFired } from './types.ts';

const STAGES = ['Source', 'Build', 'Deploy'];

function planOf(mode: ExecutionMode, version: number): Plan {
  const action = (name: string, runOrder: number, more: Partial<ActionPlan> = {}): ActionPlan => ({
    name,
    runOrder,
    type: { category: 'Build', owner: 'Custom', provider: 'NoOp', version: '1' },
    inputs: [],
    outputs: [],
    timeoutMs: 30 * MINUTE_MS,
    ...more,
  });
  return {
    version,
    mode,
    stages: [
      { name: 'Source', actions: [action('fetch', 1, { outputs: ['code'] })] },
      { name: 'Build', actions: [action('unit', 1, { inputs: ['code'] }), action('lint', 1), action('pack', 2)] },
      { name: 'Deploy', actions: [action('ship', 1, { inputs: ['code'] })] },
    ],
  };
}

/** What a random step is made of; `pick` chooses among the executions or actions there are. */
const step = fc.record({
  kind: fc.constantFrom(
    'start',
    'start',
    'succeed',
    'succeed',
    'succeed',
    'succeed',
    'report',
    'fail',
    'stop',
    'abandon',
    'retry',
    'retryAll',
    'shut',
    'open',
    'edit',
    'wait',
    'poll',
    'archive',
    'progress',
  ),
  pick: fc.nat(999),
});

type Step = Readonly<{ kind: string; pick: number }>;

class World {
  line: PipelineLine;
  now = 1_000_000;
  started = 0;
  readonly mode: ExecutionMode;
  /** Every action execution id ever seen: late reports pick among these. */
  readonly actionIds: string[] = [];
  readonly entered: Record<string, number[]> = {};

  constructor(mode: ExecutionMode) {
    this.mode = mode;
    this.line = openLine('p', planOf(mode, 1));
  }

  apply(step: Step): void {
    const event = this.event(step);
    if (event === undefined) return;
    const before = this.line;
    const decision = decide(before, event, this.now);
    expect(decide(before, event, this.now)).toEqual(decision);
    this.line = decision.state;
    this.check(before);
    for (const execution of this.line.executions) {
      for (const action of execution.actions) {
        if (!this.actionIds.includes(action.id)) this.actionIds.push(action.id);
      }
      const earlier = before.executions.find((other) => other.id === execution.id);
      for (const name of Object.keys(execution.stages)) {
        if (earlier?.stages[name] === undefined) (this.entered[name] ??= []).push(execution.ordinal);
      }
    }
  }

  private event({ kind, pick }: Step): LineEvent | TimerFired | undefined {
    const of = <T>(items: readonly T[]): T | undefined => items[pick % Math.max(1, items.length)];
    const execution = of(this.line.executions);
    const actionExecutionId = of(this.actionIds) ?? 'none';
    const stage = of(STAGES) ?? 'Source';
    const sha256 = String(pick);
    switch (kind) {
      case 'start':
        this.started += 1;
        return {
          type: 'ExecutionStarted',
          executionId: `${String(this.started).padStart(8, '0')}-0000-4000-8000-000000000000`,
          trigger: { type: 'StartPipelineExecution' },
          variables: {},
          sourceRevisions: [],
        };
      case 'succeed': {
        const outputs = [{ name: 'code', bucket: 'b', key: 'k', sha256, bytes: 1 }];
        return { type: 'ActionSucceeded', actionExecutionId, outputs, report: {}, variables: {} };
      }
      case 'report':
        return { type: 'ActionReported', actionExecutionId, report: {}, variables: {} };
      case 'fail':
        return { type: 'ActionFailed', actionExecutionId, error: { code: 'JobFailed', message: 'no' } };
      case 'stop':
      case 'abandon':
        return execution && { type: 'StopRequested', executionId: execution.id, abandon: kind === 'abandon' };
      case 'retry':
      case 'retryAll': {
        const mode = kind === 'retry' ? 'FAILED_ACTIONS' : 'ALL_ACTIONS';
        return execution && { type: 'StageRetryRequested', executionId: execution.id, stage, mode };
      }
      case 'shut':
      case 'open':
        return { type: 'TransitionChanged', stage, direction: 'Inbound', enabled: kind === 'open', changedBy: 'me' };
      case 'edit':
        return { type: 'DefinitionChanged', plan: planOf(this.mode, this.line.version + 1) };
      case 'wait':
        this.now += (pick % 40) * MINUTE_MS;
        return { type: 'TimerFired', timer: 'deadline' };
      case 'poll':
        return { type: 'TimerFired', timer: pollTimer(actionExecutionId) };
      case 'progress':
        return { type: 'ActionProgressed', actionExecutionId, report: { summary: 'on it' }, pollAt: this.now + 1 };
      default: {
        const over = this.line.executions.filter((other) =>
          ['Succeeded', 'Superseded', 'Cancelled'].includes(other.status),
        );
        return { type: 'ExecutionsArchived', executionIds: over.map((other) => other.id) };
      }
    }
  }

  private check(before: PipelineLine): void {
    if (this.mode !== 'PARALLEL') {
      for (const name of STAGES) {
        const inside = this.line.executions.filter(
          (execution) =>
            isLive(execution) && execution.position === 'Inside' && stageOf(this.line, execution).name === name,
        );
        expect(inside.length, `executions inside ${name}`).toBeLessThanOrEqual(1);
      }
    }
    for (const earlier of before.executions) {
      const now = this.line.executions.find((execution) => execution.id === earlier.id);
      if (now === undefined) continue;
      if (['Succeeded', 'Superseded', 'Cancelled'].includes(earlier.status)) expect(now).toEqual(earlier);
      if (['Stopped', 'Stopping', 'Failed'].includes(now.status) || now.cancelling === true) {
        const wasLive = earlier.status === now.status && earlier.cancelling === now.cancelling;
        if (wasLive) expect(now.actions.length, 'no action starts any more').toBe(earlier.actions.length);
      }
      for (const action of earlier.actions) {
        if (action.status === 'InProgress') continue;
        expect(now.actions.find((other) => other.id === action.id)).toEqual(action);
      }
    }
    for (const execution of this.line.executions) {
      for (const action of execution.actions.filter((run) => run.action === 'pack')) {
        for (const name of ['unit', 'lint']) {
          const done = execution.actions.some(
            (run) => run.action === name && run.status === 'Succeeded' && run.updatedAt <= action.startedAt,
          );
          expect(done, `pack starts after ${name}`).toBe(true);
        }
      }
      for (const action of execution.actions.filter((run) => run.inputs.length > 0)) {
        const [input] = action.inputs;
        const producer = execution.actions.findLast(
          (run) =>
            run.status === 'Succeeded' && run.startedAt <= action.startedAt && run.outputs.includes(input as never),
        );
        expect(producer, 'the input is the very artifact that a producer recorded').toBeDefined();
      }
    }
  }
}

describe('decide(), for every history', () => {
  for (const mode of ['SUPERSEDED', 'QUEUED', 'PARALLEL'] as const) {
    it(`keeps the invariants in ${mode} mode`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
          const world = new World(mode);
          for (const next of steps) world.apply(next);
          if (mode === 'QUEUED') {
            for (const order of Object.values(world.entered)) {
              expect(order, 'executions enter in the order of their starts').toEqual(order.toSorted((a, b) => a - b));
            }
          }
        }),
        { numRuns: 300 },
      );
    });
  }
});
