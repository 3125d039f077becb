/**
 * A deployment in virtual time: the deciders that run in production (`lambda-deployment`, `alarm`) driven by made-up
 * requests. Nothing here decides anything; it performs effects as the services do, at once and without fault.
 */
import { assert, type EpochMs, MINUTE_MS } from '../../common/index.ts';
import {
  type AlarmDefinition,
  type AlarmEvent,
  type AlarmState,
  decide as decideAlarm,
  startAlarm,
} from '../alarm/index.ts';
import {
  decide as decideDeployment,
  type DeploymentEffect,
  type DeploymentEvent,
  type DeploymentState,
  firstEffects,
} from '../lambda-deployment/index.ts';
import type { Step } from '../traffic-shift/index.ts';
import { chance } from './random.ts';
import { type Fault, type Series, SPAN_MS, Traffic, type Workload } from './workload.ts';

export type RehearsedAlarm = Readonly<{ name: string; definition: AlarmDefinition }> & Series;

export type Plan = Readonly<{
  steps: readonly Step[];
  /** Those that the group watches. */
  alarms: readonly RehearsedAlarm[];
  rollback: Readonly<{ onAlarm: boolean; onFailure: boolean }>;
  /** A hook runs after the traffic has moved. */
  hasHook: boolean;
}>;

export type Moment = Readonly<{ atMs: number; what: string }>;

export type Rehearsal = Readonly<{
  fault: string;
  seed: number;
  status: 'Succeeded' | 'Failed' | 'Stopped';
  /** Why, as the deployment says it. */
  code?: string;
  /** The alarms that acted. */
  alarms: readonly string[];
  /** From the beginning of the traffic's move to the end. */
  endedAfterMs: number;
  rolledBack: boolean;
  /** Requests that failed because of the new version. */
  hurt: number;
  requests: number;
  timeline: readonly Moment[];
}>;

/** Any instant will do, but for its place in the minute, which is drawn. */
const EPOCH = Date.UTC(2026, 0, 1);
const MOST_MS = 60 * 24 * 60 * MINUTE_MS;

export function rehearse(plan: Plan, workload: Workload, fault: Fault, seed: number): Rehearsal {
  return new Stage(plan, workload, fault, seed).play();
}

class Stage {
  readonly #plan: Plan;
  readonly #fault: Fault;
  readonly #seed: number;
  readonly #traffic: Traffic;
  readonly #startAt: EpochMs;
  #now: EpochMs;
  #weight = 0;
  #movedAt: EpochMs | undefined;
  #rolledBack = false;
  #deployment: DeploymentState;
  readonly #timers = new Map<string, EpochMs>();
  readonly #alarms = new Map<string, { state: AlarmState; at: EpochMs; series: Series }>();
  readonly #timeline: Moment[] = [];

  constructor(plan: Plan, workload: Workload, fault: Fault, seed: number) {
    this.#plan = plan;
    this.#fault = fault;
    this.#seed = seed;
    const random = chance(seed);
    const longest = Math.max(
      0,
      ...plan.alarms.map(({ definition: { rule } }) => (rule.evaluationPeriods + 2) * rule.period * 1000),
    );
    // The deployment begins anywhere in the minute; before it, the alarms have had time to know the old version.
    const quiet = Math.ceil(longest / MINUTE_MS) * MINUTE_MS + 2 * MINUTE_MS;
    this.#startAt = EPOCH + quiet + Math.floor((random.uniform() * MINUTE_MS) / SPAN_MS) * SPAN_MS;
    this.#now = EPOCH;
    this.#traffic = new Traffic(workload, fault, random, EPOCH);
    for (const { name, definition, ...series } of plan.alarms) {
      const { state, effects } = startAlarm(name, definition, {}, EPOCH);
      const wake = effects.find((effect) => effect.type === 'WakeAt');
      this.#alarms.set(name, { state, at: wake?.type === 'WakeAt' ? wake.at : Infinity, series });
    }
    this.#deployment = newDeployment(plan, this.#startAt);
  }

  play(): Rehearsal {
    this.#until(this.#startAt);
    this.#say('the deployment begins');
    this.#perform(firstEffects);
    while (this.#deployment.phase.name !== 'Ended') {
      const next = Math.min(...this.#timers.values(), ...[...this.#alarms.values()].map(({ at }) => at));
      assert(next - this.#startAt < MOST_MS, 'a rehearsal ends');
      this.#until(next);
    }
    const { phase } = this.#deployment;
    assert(phase.name === 'Ended', 'the deployment has ended');
    this.#say(`${phase.status}${phase.error === undefined ? '' : `: ${phase.error.message}`}`);
    return {
      fault: this.#fault.name,
      seed: this.#seed,
      status: phase.status,
      ...(phase.error === undefined ? {} : { code: phase.error.code }),
      alarms: phase.error === undefined ? [] : this.#raised(),
      endedAfterMs: this.#now - (this.#movedAt ?? this.#now),
      rolledBack: this.#rolledBack,
      hurt: this.#traffic.hurt,
      requests: this.#traffic.requests,
      timeline: this.#timeline,
    };
  }

  /** Plays to an instant and fires what is due then: alarms first, as they tell the deployment. */
  #until(at: EpochMs): void {
    for (;;) {
      const due = Math.min(...[...this.#alarms.values()].map((alarm) => alarm.at), ...this.#timers.values());
      const next = Math.min(due, at);
      this.#now = next;
      this.#traffic.advance(next, this.#weight);
      if (due > at) return;
      for (const [name, alarm] of this.#alarms) if (alarm.at <= next) this.#evaluate(name);
      for (const [timer, dueAt] of this.#timers) {
        if (dueAt > next || !this.#timers.delete(timer)) continue;
        this.#tell({ type: 'TimerFired', timer });
      }
      if (this.#deployment.phase.name === 'Ended') return;
    }
  }

  #evaluate(name: string): void {
    const alarm = this.#alarms.get(name);
    if (alarm === undefined) return;
    const before = alarm.state.current.value;
    alarm.at = Infinity;
    const events: AlarmEvent[] = [{ type: 'TimerFired', timer: 'evaluate' }];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      const { state, effects } = decideAlarm(alarm.state, event, this.#now);
      alarm.state = state;
      for (const effect of effects) {
        if (effect.type === 'WakeAt') alarm.at = effect.at;
        if (effect.type !== 'ReadDatapoints') continue;
        const { endAt, count } = effect.window;
        const periodMs = effect.definition.rule.period * 1000;
        const points = Array.from({ length: count }, (_, index) => {
          const from = endAt - (count - index) * periodMs;
          return this.#traffic.datapoint(alarm.series, from, from + periodMs, this.#now);
        });
        events.push({ type: 'DatapointsRead', revision: effect.revision, points });
      }
    }
    const after = alarm.state.current.value;
    if (before === after) return;
    if (this.#now >= this.#startAt) this.#say(`${name}: ${after}`);
    // A change of state wakes the deployment at once.
    for (const timer of this.#timers.keys())
      if (timer.startsWith('alarm:') && this.#plan.alarms[Number(timer.slice(6))]?.name === name)
        this.#timers.set(timer, this.#now);
  }

  #raised(): readonly string[] {
    return [...this.#alarms].filter(([, { state }]) => state.current.value === 'ALARM').map(([name]) => name);
  }

  #tell(event: DeploymentEvent): void {
    const { state, effects } = decideDeployment(this.#deployment, event, this.#now);
    this.#deployment = state;
    this.#perform(effects);
  }

  #perform(effects: readonly DeploymentEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'WakeAt':
          this.#timers.set(effect.timer, effect.at);
          break;
        case 'CancelTimer':
          this.#timers.delete(effect.timer);
          break;
        case 'ReadRevision':
          this.#tell({ type: 'RevisionRead', target: targetOf(this.#plan) });
          break;
        case 'ReadAlarms':
          this.#tell({
            type: 'AlarmsRead',
            ...(effect.check === undefined ? {} : { check: effect.check }),
            raised: this.#raised(),
          });
          break;
        case 'SetTraffic':
          this.#weigh(effect.weightPercent);
          this.#tell({ type: 'TrafficSet', weightPercent: effect.weightPercent });
          break;
        case 'InvokeHook':
          this.#say(`the hook ${effect.hook} runs`);
          if (this.#fault.hookHangs !== true)
            this.#tell({ type: 'HookAnswered', executionId: effect.executionId, succeeded: true });
          break;
        case 'CreateRollback':
          this.#rolledBack = true;
          if (effect.moveTraffic) this.#weigh(0);
          break;
        default:
      }
    }
  }

  #weigh(weightPercent: number): void {
    if (this.#weight === weightPercent) return;
    this.#weight = weightPercent;
    if (weightPercent > 0) {
      this.#movedAt ??= this.#now;
      this.#traffic.trafficMoves(this.#now);
    }
    this.#say(weightPercent === 0 ? 'all traffic is back on the old version' : `${weightPercent} % on the new version`);
  }

  #say(what: string): void {
    this.#timeline.push({ atMs: this.#now - this.#startAt, what });
  }
}

function newDeployment(plan: Plan, now: EpochMs): DeploymentState {
  return {
    deploymentId: 'd-REHEARSAL',
    deploymentArn: 'rehearsal',
    info: undefined,
    createdAt: now,
    phase: { name: 'Preparing' },
    lifecycleEvents: [],
    steps: plan.steps,
    stepIndex: 0,
    weightPercent: 0,
    touchedTraffic: false,
    checks: 0,
    alarms: {
      names: plan.alarms.map(({ name }) => name),
      arns: plan.alarms.map(({ name }) => name),
      ignorePollFailure: false,
    },
    rollbackPolicy: { onFailure: plan.rollback.onFailure, onAlarm: plan.rollback.onAlarm, onRequest: false },
    previousDeploymentId: 'd-PREVIOUS',
    reservedRollbackId: 'd-ROLLBACK',
    hookExecutionIds: { BeforeAllowTraffic: 'before', AfterAllowTraffic: 'after' },
  };
}

function targetOf({ hasHook }: Plan) {
  return {
    functionName: 'function',
    alias: 'live',
    currentVersion: '1',
    targetVersion: '2',
    hooks: hasHook ? { AfterAllowTraffic: 'hook' } : {},
  };
}
