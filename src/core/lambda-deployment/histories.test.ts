/** Invariants 3, 4 and 8 of DESIGN.md over random histories: events in any order, repeated, with effects done twice. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Routing, shiftSteps } from '../traffic-shift/index.ts';
import { decide, firstEffects, isFinal } from './decide.ts';
import type { DeploymentEffect, DeploymentEvent, DeploymentState, Original, Target } from './types.ts';
import { deploymentStatus } from './view.ts';

const GONE: Original = { exists: false, minutes: [], unread: [] };
const T0 = Date.UTC(2026, 10, 24, 6);

/** The alias, the alarm and the clock; performs effects as the service would, late, twice, or in another order. */
class World {
  now = T0;
  /** Percent that the new version gets. */
  weight = 0;
  readonly weights: number[] = [];
  alarm = false;
  alarmSeen = false;
  readonly pending: DeploymentEffect[] = [];
  readonly timers = new Map<string, number>();
  rollback: Extract<DeploymentEffect, { type: 'CreateRollback' }> | undefined;
  state: DeploymentState;
  readonly #target: Target;

  constructor(state: DeploymentState, target: Target) {
    this.state = state;
    this.#target = target;
    this.pending.push(...firstEffects);
  }

  submit(event: DeploymentEvent): void {
    const before = this.state;
    const { state, effects } = decide(before, event, this.now);
    if (isFinal(before)) expect({ state, effects }).toEqual({ state: before, effects: [] });
    if (event.type === 'AlarmsRead' && event.raised.length > 0 && !isFinal(before)) this.alarmSeen = true;
    expect(state.weightPercent).toBeGreaterThanOrEqual(0);
    expect(state.weightPercent).toBeLessThanOrEqual(100);
    this.state = state;
    for (const effect of effects) {
      if (effect.type === 'WakeAt') this.timers.set(effect.timer, effect.at);
      else if (effect.type === 'CancelTimer') this.timers.delete(effect.timer);
      else if (effect.type !== 'Wake') this.pending.push(effect);
    }
    // Nothing that touches the alias is left to do once the deployment has ended.
    if (isFinal(state)) expect(this.pending.some((effect) => effect.type === 'SetTraffic')).toBe(false);
  }

  /** One effect, from anywhere in the queue but in order within its lane; its answer comes `copies` times. */
  perform(choice: number, copies: number, fails: boolean): void {
    const heads = this.pending.filter(
      (effect, index) => this.pending.findIndex((other) => laneOf(other) === laneOf(effect)) === index,
    );
    const effect = heads[choice % heads.length];
    if (effect === undefined) return;
    const answer = this.#answer(effect, fails);
    this.pending.splice(this.pending.indexOf(effect), 1);
    if (answer === undefined) return;
    for (let copy = 0; copy < copies; copy++) this.submit(answer);
  }

  #answer(effect: DeploymentEffect, fails: boolean): DeploymentEvent | undefined {
    switch (effect.type) {
      case 'ReadRevision':
        return fails
          ? { type: 'PreparationFailed', code: 'INVALID_REVISION', message: 'x' }
          : { type: 'RevisionRead', target: this.#target };
      case 'ReadAlarms':
        return {
          type: 'AlarmsRead',
          raised: this.alarm ? ['errors'] : [],
          ...(effect.check !== undefined && { check: effect.check }),
        };
      case 'SetTraffic':
        if (fails)
          return { type: 'TrafficNotSet', weightPercent: effect.weightPercent, code: 'INTERNAL_ERROR', message: 'x' };
        this.weight = effect.weightPercent;
        this.weights.push(effect.weightPercent);
        return { type: 'TrafficSet', weightPercent: effect.weightPercent };
      case 'ReadOriginal':
        return { type: 'OriginalRead', look: effect.look, original: fails ? GONE : this.original() };
      case 'CreateRollback':
        this.rollback = effect;
        return undefined;
      default:
        return undefined;
    }
  }

  /** Of a deployment the weight is the replacement's, of a rollback the original's. */
  original(): Original {
    const percent = this.state.rollbackOf === undefined ? 100 - this.weight : this.weight;
    return { exists: true, state: 'Active', reservedConcurrency: null, percent, minutes: [], unread: [] };
  }

  fireNextTimer(early: boolean): void {
    const next = [...this.timers].sort(([, a], [, b]) => a - b)[0];
    if (next === undefined) return;
    this.timers.delete(next[0]);
    if (!early) this.now = Math.max(this.now, next[1]);
    this.submit({ type: 'TimerFired', timer: next[0] });
  }
}

function laneOf(effect: DeploymentEffect): string {
  return 'lane' in effect ? effect.lane : '';
}

type Act = Readonly<
  | { do: 'perform'; choice: number; copies: number; fails: boolean }
  | { do: 'timer'; early: boolean }
  | { do: 'alarm'; on: boolean }
  | { do: 'answer'; hook: 'hook-before' | 'hook-after'; succeeded: boolean }
  | { do: 'stop'; rollback: boolean | undefined }
  | { do: 'stray'; event: DeploymentEvent }
>;

const acts: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('perform' as const),
        choice: fc.nat(5),
        copies: fc.integer({ min: 1, max: 2 }),
        fails: fc.constant(false),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('perform' as const),
        choice: fc.nat(5),
        copies: fc.constant(1),
        fails: fc.constant(true),
      }),
    },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('timer' as const), early: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('alarm' as const), on: fc.boolean() }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('answer' as const),
        hook: fc.constantFrom('hook-before' as const, 'hook-after' as const),
        succeeded: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('stop' as const), rollback: fc.constantFrom(true, false, undefined) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('stray' as const),
        event: fc.oneof<fc.Arbitrary<DeploymentEvent>[]>(
          fc
            .constantFrom('shift', 'hook', 'deadline', 'alarms', 'alarm:0', 'alarm:9', 'original')
            .map((timer) => ({ type: 'TimerFired', timer })),
          fc.nat(3).map((check) => ({ type: 'AlarmsRead', check: -check, raised: [] })),
          fc.nat(2).map((look) => ({ type: 'OriginalRead', look, original: GONE })),
          fc.integer({ min: 1, max: 9 }).map((weightPercent) => ({ type: 'TrafficSet', weightPercent })),
          fc.constant({
            type: 'RevisionRead',
            target: { functionName: 'other', alias: 'x', currentVersion: '7', targetVersion: '8', hooks: {} },
          }),
        ),
      }),
    },
  ),
  { maxLength: 80 },
);

const routings = fc.constantFrom<Routing>(
  { type: 'AllAtOnce' },
  { type: 'TimeBasedCanary', percent: 10, intervalMinutes: 5 },
  { type: 'TimeBasedLinear', percent: 30, intervalMinutes: 1 },
);

function start(routing: Routing, options: Readonly<{ hooks: boolean; rollback: boolean; previous: boolean }>): World {
  const target: Target = {
    functionName: 'fn',
    alias: 'live',
    currentVersion: '1',
    targetVersion: '2',
    hooks: options.hooks ? { BeforeAllowTraffic: 'before', AfterAllowTraffic: 'after' } : {},
  };
  const state: DeploymentState = {
    deploymentId: 'd-1',
    deploymentArn: 'arn',
    info: {},
    createdAt: T0,
    phase: { name: 'Preparing' },
    lifecycleEvents: [],
    steps: shiftSteps(routing),
    stepIndex: 0,
    weightPercent: 0,
    touchedTraffic: false,
    checks: 0,
    alarms: { names: ['errors'], arns: ['arn:alarm'], ignorePollFailure: false },
    rollbackPolicy: { onFailure: options.rollback, onAlarm: options.rollback, onRequest: options.rollback },
    ...(options.previous && { previousDeploymentId: 'd-0' }),
    reservedRollbackId: 'd-2',
    hookExecutionIds: { BeforeAllowTraffic: 'hook-before', AfterAllowTraffic: 'hook-after' },
  };
  return new World(state, target);
}

function run(world: World, history: readonly Act[]): void {
  for (const act of history) {
    if (act.do === 'perform') world.perform(act.choice, act.copies, act.fails);
    else if (act.do === 'timer') world.fireNextTimer(act.early);
    else if (act.do === 'alarm') world.alarm = act.on;
    else if (act.do === 'answer')
      world.submit({ type: 'HookAnswered', executionId: act.hook, succeeded: act.succeeded });
    else if (act.do === 'stop')
      world.submit({ type: 'StopRequested', ...(act.rollback !== undefined && { rollback: act.rollback }) });
    else world.submit(act.event);
  }
}

const options = fc.record({ hooks: fc.boolean(), rollback: fc.boolean(), previous: fc.boolean() });

test('decide() keeps the invariants over any history', () => {
  fc.assert(
    fc.property(routings, options, acts, (routing, given, history) => {
      const world = start(routing, given);
      run(world, history);
      // Weights go up only, but for a return to nothing at the end.
      const forward = world.weights.filter((weight) => weight > 0);
      expect(forward).toEqual([...forward].sort((a, b) => a - b));
      if (!isFinal(world.state)) return;
      const status = deploymentStatus(world.state);
      if (status === 'Succeeded') {
        expect(world.weight).toBe(100);
        expect(world.alarmSeen).toBe(false);
      }
      if (world.alarmSeen) expect(status).not.toBe('Succeeded');
      const at = world.weights.length;
      run(world, history);
      expect(world.weights.length).toBe(at);
      expect(deploymentStatus(world.state)).toBe(status);
    }),
    { numRuns: 300 },
  );
});

test('decide() comes to an end when everything is performed, and its rollback restores the old version', () => {
  fc.assert(
    fc.property(routings, options, acts, (routing, given, history) => {
      const world = start(routing, given);
      run(world, history);
      world.alarm = false;
      for (let turn = 0; turn < 500 && !isFinal(world.state); turn++) {
        while (world.pending.length > 0) world.perform(0, 1, false);
        for (const executionId of ['hook-before', 'hook-after']) {
          world.submit({ type: 'HookAnswered', executionId, succeeded: true });
        }
        if (world.pending.length === 0) world.fireNextTimer(false);
      }
      expect(isFinal(world.state)).toBe(true);
      while (world.pending.length > 0) world.perform(0, 1, false);
      const { rollback, state } = world;
      if (deploymentStatus(state) === 'Succeeded') expect(world.weight).toBe(100);
      if (rollback === undefined) return;
      const undo = new World(
        {
          ...state,
          deploymentId: rollback.rollbackId,
          phase: { name: 'Preparing' },
          rollbackOf: { deploymentId: state.deploymentId, moveTraffic: rollback.moveTraffic },
          steps: shiftSteps({ type: 'AllAtOnce' }),
          stepIndex: 0,
          weightPercent: 0,
          touchedTraffic: false,
          alarms: { names: [], arns: [], ignorePollFailure: false },
        },
        { functionName: 'fn', alias: 'live', currentVersion: '2', targetVersion: '1', hooks: {} },
      );
      undo.weight = 100 - world.weight;
      while (undo.pending.length > 0) undo.perform(0, 2, false);
      expect(deploymentStatus(undo.state)).toBe('Succeeded');
      // The old version has everything: it never lost it, or it was given back.
      expect(undo.weight).toBe(100);
      if (!rollback.moveTraffic) expect(undo.weights).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
