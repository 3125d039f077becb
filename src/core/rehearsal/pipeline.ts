/**
 * A pipeline in virtual time: the deciders that run in production (its line of executions, its builds, its deployments,
 * their alarms) driven by made-up pushes, durations and requests. Nothing here decides anything: effects are performed as
 * the services do, at once and without fault but the one that is rehearsed.
 *
 * Releases are numbered by their pushes, from 1; the fault of a release is the first one's.
 */
import { assert, type EpochMs, HOUR_MS, SECOND_MS } from '../../common/index.ts';
import {
  type ActionExecution,
  currentRuns,
  decide as decideLine,
  isLive,
  type LineEffect,
  type LineEvent,
  openLine,
  type PipelineLine,
  type TimerEffect,
  type TimerFired,
} from '../pipeline-execution/index.ts';
import { Agenda } from './agenda.ts';
import { BuildRun } from './build-run.ts';
import { DeploymentRun } from './deployment.ts';
import type { Fault } from './faults.ts';
import { type Asker, type AskedAt, lackAt, needsOf } from './grants.ts';
import type { Rehearsal } from './outcome.ts';
import { bakingGroup, type PipelinePlan, type PipelineWorkload, type Work } from './pipeline-plan.ts';
import { executionIdOf, numberOf, pathOf, PipelineRecord } from './pipeline-record.ts';
import { type Chance, chance } from './random.ts';
import { EPOCH } from './rehearse.ts';
import { Site } from './site.ts';

/** When an action first looks at what it has started. */
const LOOK_MS = 15 * SECOND_MS;
const BUILD_LOOK_MS = 10 * SECOND_MS;
const MOST_MS = 400 * 24 * HOUR_MS;
/** A call that will be possible later is made again after 1, 2, 4 ... 60 seconds, ten times in all, as the engine does. */
const RETRIES_MS = [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * SECOND_MS);
/** While an approver sleeps, others go on pushing: the first of them has to wait, the second may overtake it. */
const PUSHES_WHILE_ASLEEP_MS = [HOUR_MS, 2 * HOUR_MS];

export function rehearsePipeline(
  plan: PipelinePlan,
  workload: PipelineWorkload,
  fault: Fault,
  seed: number,
): Rehearsal {
  return new PipelineStage(plan, workload, fault, seed).play();
}

type Deploying = {
  readonly run: DeploymentRun;
  readonly site: Site;
  readonly release: number;
  actionId: string;
  told: boolean;
};

class PipelineStage {
  readonly #plan: PipelinePlan;
  readonly #workload: PipelineWorkload;
  readonly #fault: Fault;
  readonly #seed: number;
  readonly #random: Chance;
  readonly #startAt: EpochMs;
  #now: EpochMs;
  #line: PipelineLine;
  #pushes = 0;
  /** How many there will be beside the first, once that is known. */
  #coming: number | undefined;
  readonly #agenda = new Agenda();
  readonly #sites = new Map<string, Site>();
  readonly #deploying = new Map<string, Deploying>();
  readonly #builds = new Map<string, BuildRun>();
  /** Of each action: the deployment that it made. */
  readonly #deployments = new Map<string, DeploymentRun>();
  readonly #record: PipelineRecord;
  /** What acted, by action execution. */
  readonly #rules = new Map<string, string>();
  #alarms: readonly string[] = [];
  #stopped = false;
  /** The first execution failed by mere chance, and not by the fault. */
  #lost = false;
  #rollback: Rehearsal['rollback'];
  #feltAt: EpochMs | undefined;

  constructor(plan: PipelinePlan, workload: PipelineWorkload, fault: Fault, seed: number) {
    this.#plan = plan;
    this.#workload = workload;
    this.#fault = fault;
    this.#seed = seed;
    this.#random = chance(seed);
    this.#startAt = EPOCH + Math.floor(this.#random.uniform() * 60) * SECOND_MS;
    this.#now = this.#startAt;
    this.#record = new PipelineRecord(this.#startAt, () => this.#now);
    this.#line = openLine('rehearsal', plan.line);
    for (const stage of plan.shut)
      this.#tell({ type: 'TransitionChanged', stage, direction: 'Inbound', enabled: false, changedBy: 'rehearsal' });
    for (const [group, { alarms, judge }] of Object.entries(plan.groups))
      this.#sites.set(
        group,
        new Site(alarms, { ...workload, ...workload.groups[group] }, this.#random, judge !== undefined),
      );
  }

  play(): Rehearsal {
    this.#push();
    while (!this.#isOver()) {
      const next = this.#nextAt();
      if (next === Infinity) break;
      assert(next - this.#startAt < MOST_MS, 'a rehearsal ends');
      this.#now = Math.max(next, this.#now);
      this.#evaluateAlarms();
      for (const { run } of this.#deploying.values()) run.fire(this.#now);
      this.#settleDeployments();
      this.#agenda.fire(this.#now);
      this.#settleDeployments();
    }
    return this.#outcome();
  }

  #isOver(): boolean {
    const allPushed = this.#pushes === 1 + (this.#coming ?? 0);
    return allPushed && this.#record.ended === this.#pushes && this.#deploying.size === 0;
  }

  #nextAt(): EpochMs {
    let next = this.#agenda.nextAt;
    for (const { run, site } of this.#deploying.values()) next = Math.min(next, run.nextAt, site.nextAt);
    return next;
  }

  #push(): void {
    this.#pushes += 1;
    this.#record.begin(this.#pushes);
    this.#tell({
      type: 'ExecutionStarted',
      executionId: executionIdOf(this.#pushes),
      trigger: { type: 'StartPipelineExecution' },
      variables: {},
      sourceRevisions: [],
    });
  }

  /** Further releases; once in a rehearsal. */
  #pushLater(afterMs: readonly number[]): void {
    if (this.#coming !== undefined) return;
    this.#coming = afterMs.length;
    for (const [index, ms] of afterMs.entries()) this.#agenda.set(`push ${index}`, this.#now + ms, () => this.#push());
  }

  // The line of executions

  #tell(event: LineEvent | TimerFired): void {
    const { state, effects } = decideLine(this.#line, event, this.#now);
    this.#line = state;
    // What has happened is told before what follows from it.
    for (const effect of effects)
      if (effect.type === 'Announce')
        for (const change of effect.changes) this.#record.note(change, (number, at) => this.#ruleOf(number, at));
    for (const effect of effects) this.#perform(effect);
    this.#record.noteWaits(this.#line);
  }

  #perform(effect: LineEffect | TimerEffect): void {
    switch (effect.type) {
      case 'WakeAt':
        // Looks at a build or a deployment that is still under way change nothing: its end wakes the action.
        if (effect.wakeKey !== undefined && !this.#lacksAtLook(effect.timer.slice('poll:'.length))) return;
        this.#agenda.set(effect.timer, effect.at, () => this.#tell({ type: 'TimerFired', timer: effect.timer }));
        return;
      case 'CancelTimer':
        this.#agenda.cancel(effect.timer);
        return;
      case 'StartAction':
        this.#withAction(effect.actionExecutionId, (action, number) => this.#start(action, number));
        return;
      case 'PollAction':
        this.#withAction(effect.actionExecutionId, (action, number) => this.#look(action, number));
        return;
      case 'ArchiveExecutions': {
        const executionIds = this.#line.executions.filter((each) => !isLive(each)).map(({ id }) => id);
        this.#tell({ type: 'ExecutionsArchived', executionIds });
        return;
      }
      default:
    }
  }

  #withAction(id: string, work: (action: ActionExecution, number: number) => void): void {
    for (const execution of this.#line.executions) {
      const action = currentRuns(execution).find((each) => each.id === id);
      if (action?.status === 'InProgress' && isLive(execution)) return work(action, numberOf(execution.id));
    }
  }

  #wake(actionId: string): void {
    this.#tell({ type: 'TimerFired', timer: `poll:${actionId}` });
  }

  // Actions

  #start(action: ActionExecution, number: number): void {
    const at = pathOf(action);
    const work = this.#workAt(at);
    const lack = this.#lacks(at, 'Start');
    if (lack !== undefined) return this.#deny(action, lack);
    const { pace } = this.#workload;
    switch (work.kind) {
      case 'Source':
        return this.#succeedAfter(action, pace.sourceMs);
      case 'Other':
        if (this.#lacksAtLook(action.id)) return this.#progress(action, LOOK_MS);
        return this.#succeedAfter(action, pace.otherMs);
      case 'Approval':
        return this.#approve(action, number);
      case 'Build':
        return this.#startBuild(action, number, work);
      case 'Deployment':
        return this.#deploy(action, number, work.group, 0);
    }
  }

  #look(action: ActionExecution, number: number): void {
    const at = pathOf(action);
    const build = this.#builds.get(action.id);
    const run = this.#deployments.get(action.id);
    const lack = this.#lacks(at, 'Look');
    if (lack !== undefined) {
      if (run !== undefined && run.endedAt === undefined)
        this.#say(number, 'the deployment goes on; nobody follows it');
      if (build !== undefined && build.status === 'IN_PROGRESS')
        this.#say(number, 'the build goes on; nobody follows it');
      return this.#deny(action, lack);
    }
    if (build !== undefined) {
      if (build.status === 'SUCCEEDED') return this.#succeed(action);
      if (build.status !== 'IN_PROGRESS')
        return this.#fail(action, 'JobFailed', `Build terminated with state: ${build.status}`, build.status);
    }
    const phase = run?.state.phase;
    if (phase?.name !== 'Ended') return;
    if (phase.status === 'Succeeded') return this.#succeed(action);
    const { code = 'JobFailed', message = '' } = phase.error ?? {};
    this.#fail(action, 'JobFailed', message, code);
  }

  #deny(action: ActionExecution, grant: string): void {
    this.#fail(action, 'PermissionError', `The provided role does not have sufficient permissions: ${grant}`);
  }

  #progress(action: ActionExecution, pollAfterMs?: number, token?: string): void {
    this.#tell({
      type: 'ActionProgressed',
      actionExecutionId: action.id,
      report: {},
      ...(token === undefined ? {} : { token }),
      ...(pollAfterMs === undefined ? {} : { pollAt: this.#now + pollAfterMs, wakeKey: action.id }),
    });
  }

  #succeedAfter(action: ActionExecution, ms: number): void {
    this.#agenda.set(`work:${action.id}`, this.#now + ms, () => this.#succeed(action));
  }

  #succeed(action: ActionExecution): void {
    const declared = this.#plan.line.stages
      .find(({ name }) => name === action.stage)
      ?.actions.find(({ name }) => name === action.action);
    this.#tell({
      type: 'ActionSucceeded',
      actionExecutionId: action.id,
      outputs: (declared?.outputs ?? []).map((name) => ({ name, bucket: '', key: action.id, sha256: '', bytes: 0 })),
      report: {},
      variables: {},
    });
  }

  /** `rule`: what acted, where the code of the action does not say. */
  #fail(action: ActionExecution, code: string, message: string, rule = code): void {
    this.#rules.set(action.id, rule);
    this.#tell({ type: 'ActionFailed', actionExecutionId: action.id, error: { code, message } });
  }

  #approve(action: ActionExecution, number: number): void {
    const { answersAfterMs, rejectShare } = this.#workload.pace.approver;
    this.#progress(action, undefined, action.id);
    if (this.#fault.approver === 'Asleep') return this.#pushLater(PUSHES_WHILE_ASLEEP_MS);
    const mood = this.#random.uniform() >= rejectShare;
    const approved = mood && this.#fault.approver !== 'Rejects';
    if (!mood && number === 1) this.#lost = true;
    this.#agenda.set(`work:${action.id}`, this.#now + answersAfterMs, () =>
      this.#tell({ type: 'ApprovalGiven', actionExecutionId: action.id, approved, summary: '', by: 'the approver' }),
    );
  }

  // Builds

  #startBuild(action: ActionExecution, number: number, work: Extract<Work, { kind: 'Build' }>): void {
    const { takesMs, failShare, timeoutMs } = this.#workload.pace.build;
    const struck = number === 1 ? this.#fault.build : undefined;
    const unlucky = this.#random.uniform() < failShare && struck === undefined;
    if (unlucky && number === 1) this.#lost = true;
    const build = new BuildRun({
      id: action.id,
      takesMs,
      timeoutMs: work.timeoutMs ?? timeoutMs,
      ...(unlucky ? { fault: 'Fails' } : struck === undefined ? {} : { fault: struck }),
      lacks: (when) => this.#lacks(pathOf(action), when, 'build') !== undefined,
      now: () => this.#now,
      later: (ms, act) => this.#agenda.set(`work:${action.id}`, this.#now + ms, act),
      onEnd: () => this.#wake(action.id),
    });
    this.#builds.set(action.id, build);
    this.#progress(action, BUILD_LOOK_MS);
    build.begin();
  }

  // Deployments

  #deploy(action: ActionExecution, number: number, group: string, attempt: number): void {
    const site = this.#sites.get(group);
    const plan = this.#plan.groups[group];
    assert(site !== undefined && plan !== undefined, `the group ${group} is known`);
    const before = this.#deploying.get(group);
    if (before !== undefined) {
      const message = `The Deployment Group '${group}' already has an active Deployment '${before.run.state.deploymentId}'`;
      const delay = RETRIES_MS[attempt];
      if (delay === undefined) return this.#fail(action, 'InternalError', message);
      if (attempt === 0) this.#say(number, `${group}: another deployment is under way; tried again for a while`);
      this.#agenda.set(`work:${action.id}`, this.#now + delay, () =>
        this.#withAction(action.id, () => this.#deploy(action, number, group, attempt + 1)),
      );
      return;
    }
    const at = pathOf(action);
    const many = Object.keys(this.#plan.groups).length > 1;
    const run = new DeploymentRun(
      {
        plan,
        site,
        fault: number === 1 ? this.#fault : { name: 'healthy' },
        release: number,
        hookMs: this.#workload.pace.hookMs,
        say: (what) => this.#say(number, many ? `${group}: ${what}` : what),
        lacks: (when) => this.#lacks(at, when, 'deployment'),
        onTrafficMoved: () => this.#trafficMoved(number, group),
      },
      this.#now,
    );
    this.#deploying.set(group, { run, site, release: number, actionId: action.id, told: false });
    this.#deployments.set(action.id, run);
    this.#progress(action, LOOK_MS);
    run.begin(this.#now);
  }

  #trafficMoved(number: number, group: string): void {
    if (number !== 1) return;
    const baking = bakingGroup(this.#plan);
    const { pushes = [] } = this.#fault;
    if ((baking?.group ?? group) !== group) return;
    this.#pushLater(pushes.map((afterMs) => (afterMs === 'MidBake' ? (baking?.shiftMs ?? 0) / 2 : afterMs)));
  }

  #evaluateAlarms(): void {
    const many = Object.keys(this.#plan.groups).length > 1;
    for (const [group, { run, site, release }] of this.#deploying) {
      if (site.nextAt > this.#now) continue;
      for (const { name, value } of site.evaluate(this.#now)) {
        this.#say(release, `${many ? `${group}: ` : ''}${name}: ${value}`);
        run.alarmChanged(name, this.#now);
      }
    }
  }

  /** Tells the actions of deployments that have ended, and lets the next one begin. */
  #settleDeployments(): void {
    for (const [group, deploying] of this.#deploying) {
      const { run, site, release, actionId } = deploying;
      const { phase } = run.state;
      if (phase.name !== 'Ended') continue;
      if (run.isOver) {
        if (release === 1) this.#rollback ??= run.rollback;
        site.close(release, this.#now);
        this.#deploying.delete(group);
      }
      if (deploying.told) continue;
      deploying.told = true;
      if (release === 1 && phase.status !== 'Succeeded') {
        this.#stopped = true;
        this.#feltAt ??= site.movedAt.get(1);
        if (phase.error?.code === 'ALARM_ACTIVE') this.#alarms = site.raised();
      }
      this.#wake(actionId);
    }
  }

  // Grants

  #workAt(at: string): Work {
    const work = this.#plan.work[at];
    assert(work !== undefined, `what ${at} does is known`);
    return work;
  }

  #lacks(at: string, when: AskedAt, by: Asker = 'pipeline'): string | undefined {
    return lackAt(this.#fault.denies, { at, by }, when, needsOf(this.#workAt(at), this.#plan));
  }

  #lacksAtLook(actionId: string): boolean {
    let lacks = false;
    this.#withAction(actionId, (action) => (lacks = this.#lacks(pathOf(action), 'Look') !== undefined));
    return lacks;
  }

  // What is told

  #ruleOf(number: number, at: string): string | undefined {
    const execution = this.#line.executions.find(({ id }) => numberOf(id) === number);
    const action = execution?.actions.findLast((each) => pathOf(each) === at);
    return action === undefined ? undefined : this.#rules.get(action.id);
  }

  #say(number: number, what: string): void {
    this.#record.say(number, what);
  }

  #outcome(): Rehearsal {
    const { failure, timeline } = this.#record;
    const executions = this.#record.outcomes(this.#pushes);
    const [first] = executions;
    assert(first !== undefined, 'one execution has begun');
    const failed = first.status === 'Failed' ? failure : undefined;
    const endedAt = this.#startAt + first.endedAtMs;
    const sites = [...this.#sites.values()];
    const sum = (of: (site: Site) => number): number => sites.reduce((total, site) => total + of(site), 0);
    return {
      fault: this.#fault.name,
      seed: this.#seed,
      status: first.status,
      stopped: this.#stopped,
      ...(this.#lost ? { lost: true } : {}),
      ...(this.#rollback === undefined ? {} : { rollback: this.#rollback }),
      ...(failed === undefined ? {} : { code: failed.code, message: failed.message, at: failed.at }),
      alarms: this.#alarms,
      endedAfterMs: endedAt - (this.#feltAt ?? failed?.actionStartedAt ?? this.#startAt),
      hurt: sum(({ hurt }) => hurt),
      requests: sum(({ requests }) => requests),
      goesOnPerMinute: sum((site) => site.failingPerMinute(this.#now)),
      executions,
      serves: Object.fromEntries([...this.#sites].map(([group, { serving }]) => [group, serving + 1])),
      timeline,
    };
  }
}
