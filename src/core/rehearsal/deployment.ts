/**
 * A deployment of a Lambda function in virtual time: the decider that runs in production, its effects performed on a
 * `Site` at once. Nothing here decides anything.
 */
import type { EpochMs } from '../../common/index.ts';
import type { LambdaHookName } from '../appspec/index.ts';
import type { JudgeSettings } from '../judge/index.ts';
import {
  decide,
  type DeploymentEffect,
  type DeploymentEvent,
  type DeploymentState,
  firstEffects,
  newJudgeWatch,
  type Original,
} from '../lambda-deployment/index.ts';
import { allAtOnce, type Step } from '../traffic-shift/index.ts';
import type { Fault } from './faults.ts';
import type { RehearsedAlarm, Site } from './site.ts';

/** A deployment group, as far as its deployments are played. */
export type Plan = Readonly<{
  steps: readonly Step[];
  /** Those that the group watches. */
  alarms: readonly RehearsedAlarm[];
  /** Watched, and not there: no look at the alarms succeeds. */
  missingAlarms?: readonly string[];
  ignorePollFailure?: boolean;
  judge?: JudgeSettings;
  rollback: Readonly<{ onAlarm: boolean; onFailure: boolean }>;
  /** A hook runs before, or after, the traffic has moved. */
  hooks?: readonly LambdaHookName[];
}>;

export type DeploymentSetting = Readonly<{
  plan: Plan;
  site: Site;
  fault: Fault;
  /** Numbers the releases from 1; 0 served before. */
  release: number;
  hookMs: number;
  say(what: string): void;
  /** What the role that deploys lacks of what it asks for then. */
  lacks(when: 'Revision' | 'Alarms' | 'Traffic' | 'Hook'): string | undefined;
  onTrafficMoved?(now: EpochMs): void;
}>;

export class DeploymentRun {
  readonly #setting: DeploymentSetting;
  readonly #release: number;
  readonly #isRollback: boolean;
  readonly #timers = new Map<string, EpochMs>();
  #hookAnswer: Readonly<{ at: EpochMs; executionId: string; succeeded: boolean }> | undefined;
  #state: DeploymentState;
  #rollback: DeploymentRun | undefined;

  constructor(setting: DeploymentSetting, now: EpochMs, undone?: DeploymentState, moveTraffic = true) {
    this.#setting = setting;
    this.#release = setting.release;
    this.#isRollback = undone !== undefined;
    this.#state = undone === undefined ? newDeployment(setting, now) : rollbackOf(undone, moveTraffic, now);
  }

  get state(): DeploymentState {
    return this.#state;
  }

  /** It and its rollback are over. */
  get isOver(): boolean {
    return this.#state.phase.name === 'Ended' && (this.#rollback === undefined || this.#rollback.isOver);
  }

  /** How its rollback ended; undefined: there is none, or it is under way. */
  get rollback(): 'Succeeded' | 'Failed' | 'Stopped' | undefined {
    const phase = this.#rollback?.state.phase;
    return phase?.name === 'Ended' ? phase.status : undefined;
  }

  /** When it ended, its rollback apart. */
  get endedAt(): EpochMs | undefined {
    return this.#state.completedAt;
  }

  get nextAt(): EpochMs {
    let next = this.#hookAnswer?.at ?? Infinity;
    for (const at of this.#timers.values()) if (at < next) next = at;
    return Math.min(next, this.#rollback?.nextAt ?? Infinity);
  }

  begin(now: EpochMs): void {
    if (!this.#isRollback) this.#setting.site.open(this.#setting.fault, now);
    this.#perform(firstEffects, now);
  }

  /** Fires what is due. */
  fire(now: EpochMs): void {
    this.#rollback?.fire(now);
    const answer = this.#hookAnswer;
    if (answer !== undefined && answer.at <= now) {
      this.#hookAnswer = undefined;
      this.#tell({ type: 'HookAnswered', executionId: answer.executionId, succeeded: answer.succeeded }, now);
    }
    for (const [timer, at] of this.#timers) {
      if (at <= now && this.#timers.delete(timer)) this.#tell({ type: 'TimerFired', timer }, now);
    }
  }

  /** A change of state wakes the deployment at once. */
  alarmChanged(name: string, now: EpochMs): void {
    const index = this.#state.alarms.names.indexOf(name);
    if (index >= 0 && this.#timers.delete(`alarm:${index}`))
      this.#tell({ type: 'TimerFired', timer: `alarm:${index}` }, now);
  }

  #tell(event: DeploymentEvent, now: EpochMs): void {
    const { state, effects } = decide(this.#state, event, now);
    this.#state = state;
    this.#perform(effects, now);
  }

  #perform(effects: readonly DeploymentEffect[], now: EpochMs): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'WakeAt':
          // Between two changes of an alarm, a look at the alarms finds what the look before it found.
          if (effect.timer !== 'alarms') this.#timers.set(effect.timer, effect.at);
          break;
        case 'CancelTimer':
          this.#timers.delete(effect.timer);
          break;
        case 'ReadRevision':
          this.#tell(this.#readRevision(), now);
          break;
        case 'ReadAlarms':
          this.#tell({ ...(effect.check === undefined ? {} : { check: effect.check }), ...this.#readAlarms() }, now);
          break;
        case 'SetTraffic':
          this.#tell(this.#setTraffic(effect.weightPercent, now), now);
          break;
        case 'InvokeHook':
          this.#invokeHook(effect.hook, effect.executionId, now);
          break;
        case 'ReadOriginal':
          this.#tell({ type: 'OriginalRead', look: effect.look, original: this.#original(effect.sinceAt, now) }, now);
          break;
        case 'ReadEvidence':
          this.#tell(this.#evidence(effect.look, now), now);
          break;
        case 'CreateRollback':
          this.#rollback = new DeploymentRun(this.#setting, now, this.#state, effect.moveTraffic);
          this.#rollback.begin(now);
          break;
        default:
      }
    }
  }

  #readRevision(): DeploymentEvent {
    const { site, plan, lacks } = this.#setting;
    const target = {
      functionName: 'function',
      alias: 'live',
      currentVersion: String(this.#isRollback ? this.#release + 1 : site.serving + 1),
      targetVersion: String(this.#isRollback ? site.serving + 1 : this.#release + 1),
      hooks: this.#isRollback ? {} : Object.fromEntries((plan.hooks ?? []).map((hook) => [hook, hook])),
    };
    if (this.#isRollback) return { type: 'RevisionRead', target };
    const lack = lacks('Revision');
    if (lack !== undefined) return { type: 'PreparationFailed', ...denied(lack) };
    if (site.weightPercent === 0) return { type: 'RevisionRead', target };
    return {
      type: 'PreparationFailed',
      code: 'INVALID_LAMBDA_CONFIGURATION',
      message: 'The alias sends traffic to another version as well. Remove its routing configuration first.',
    };
  }

  #readAlarms(): Extract<DeploymentEvent, { type: 'AlarmsRead' }> {
    const { site, plan, lacks } = this.#setting;
    const lack = lacks('Alarms');
    if (lack !== undefined) return { type: 'AlarmsRead', raised: [], unreadable: denied(lack) };
    const missing = plan.missingAlarms ?? [];
    const unreadable = {
      code: 'CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND',
      message: `The deployment was stopped because its alarms could not be polled. Not found: ${missing.map((name) => `<${name}>`).join(' ')}`,
    };
    return { type: 'AlarmsRead', raised: site.raised(), ...(missing.length === 0 ? {} : { unreadable }) };
  }

  #original(sinceAt: EpochMs, now: EpochMs): Original {
    const { site, fault } = this.#setting;
    if (fault.oldGone === true) return { exists: false, minutes: [], unread: [] };
    return {
      exists: true,
      state: 'Active',
      reservedConcurrency: null,
      percent: 100 - site.weightPercent,
      minutes: site.minutes(sinceAt, now),
      unread: [],
    };
  }

  #evidence(look: number | undefined, now: EpochMs): DeploymentEvent {
    const since = this.#state.judge?.heardUntil ?? now;
    const read = this.#setting.site.evidence(since, now);
    return { type: 'EvidenceRead', ...(look === undefined ? {} : { look }), since, ...read };
  }

  #setTraffic(weightPercent: number, now: EpochMs): DeploymentEvent {
    const lack = this.#setting.lacks('Traffic');
    if (lack !== undefined) return { type: 'TrafficNotSet', weightPercent, ...denied(lack) };
    this.#weigh(this.#isRollback ? 100 - weightPercent : weightPercent, now);
    return { type: 'TrafficSet', weightPercent };
  }

  #weigh(weightPercent: number, now: EpochMs): void {
    const { site, say, onTrafficMoved } = this.#setting;
    if (site.weightPercent === weightPercent) return;
    const first = weightPercent > 0 && !site.movedAt.has(this.#release);
    site.weigh(this.#release, weightPercent, now);
    say(weightPercent === 0 ? 'all traffic is back on the old version' : `${weightPercent} % on the new version`);
    if (first) onTrafficMoved?.(now);
  }

  #invokeHook(hook: LambdaHookName, executionId: string, now: EpochMs): void {
    const { fault, hookMs, say, lacks } = this.#setting;
    const lack = lacks('Hook');
    if (lack !== undefined) {
      this.#tell({ type: 'HookNotInvoked', hook, ...denied(lack) }, now);
      return;
    }
    say(`the hook ${hook} runs`);
    if (fault.hook === 'Hangs') return;
    this.#hookAnswer = { at: now + hookMs, executionId, succeeded: fault.hook !== 'Fails' };
  }
}

function denied(grant: string): Readonly<{ code: string; message: string }> {
  return {
    code: 'IAM_ROLE_PERMISSIONS',
    message: `The service role does not give CodeDeploy permission to perform ${grant}.`,
  };
}

function newDeployment({ plan, release }: DeploymentSetting, now: EpochMs): DeploymentState {
  const names = [...plan.alarms.map(({ name }) => name), ...(plan.missingAlarms ?? [])];
  return {
    ...blank(`d-REHEARSE${release}`, now),
    steps: plan.steps,
    alarms: { names, arns: names, ignorePollFailure: plan.ignorePollFailure ?? false },
    ...(plan.judge === undefined ? {} : { judge: newJudgeWatch(plan.judge, now) }),
    rollbackPolicy: { onFailure: plan.rollback.onFailure, onAlarm: plan.rollback.onAlarm, onRequest: false },
    previousDeploymentId: 'd-PREVIOUS0',
  };
}

/** As CodeDeploy makes one: all at once, watched by no alarm. */
function rollbackOf(undone: DeploymentState, moveTraffic: boolean, now: EpochMs): DeploymentState {
  return {
    ...blank(undone.reservedRollbackId, now),
    steps: allAtOnce,
    alarms: { names: [], arns: [], ignorePollFailure: false },
    rollbackPolicy: { onFailure: false, onAlarm: false, onRequest: false },
    rollbackOf: { deploymentId: undone.deploymentId, moveTraffic },
  };
}

function blank(deploymentId: string, now: EpochMs) {
  return {
    deploymentId,
    deploymentArn: deploymentId,
    info: undefined,
    createdAt: now,
    phase: { name: 'Preparing' as const },
    lifecycleEvents: [],
    stepIndex: 0,
    weightPercent: 0,
    touchedTraffic: false,
    checks: 0,
    reservedRollbackId: `${deploymentId}R`,
    hookExecutionIds: { BeforeAllowTraffic: `${deploymentId}before`, AfterAllowTraffic: `${deploymentId}after` },
  };
}
