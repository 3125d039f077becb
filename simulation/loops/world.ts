/**
 * The world of loops under one seed: the real engine and the real deciders, one to three processes on one simulated disk,
 * and a world outside that routes requests, builds, approves and goes wrong.
 *
 * A run has two parts. In the first, of so many steps, everything may go wrong. Then nothing goes wrong any more, time
 * runs on, and everything must come to an end within its own time-outs (`liveness`).
 */
import { HOUR_MS, MINUTE_MS, SECOND_MS, seededIds, type Ids } from '../../src/common/index.ts';
import { startAlarm } from '../../src/core/alarm/index.ts';
import { isFinal as isBuildOver } from '../../src/core/build/index.ts';
import { isFinal as isDeploymentOver } from '../../src/core/lambda-deployment/index.ts';
import { isLive, openLine } from '../../src/core/pipeline-execution/index.ts';
import { LoopEngine, type LoopDefinition } from '../../src/engine/index.ts';
import { ManualClock } from '../../src/common/clock.ts';
import { connect, MemoryDisk, type MemoryStore } from '../memory-store/index.ts';
import type { Random } from '../random.ts';
import { Scheduler } from '../scheduler.ts';
import { Checker } from './checker.ts';
import { Ledger } from './ledger.ts';
import { type Chosen, Mischief } from './mischief.ts';
import { Outside } from './outside.ts';
import { Process } from './process.ts';
import { ALARM, alarmArn, groups, keyOf, lines, projects, type SimulatedAlarmDefinition } from './records.ts';
import { Requests } from './requests.ts';
import { drawScenario, type GroupPlan, type Scenario } from './scenario.ts';
import { Users } from './users.ts';

export type WorldOptions = Chosen &
  Readonly<{
    seed: number;
    /** In which things go wrong. What follows takes as many as it needs. */
    steps: number;
    /** Keeps a story of what happened. */
    tell?: boolean;
    /** Of the simulator's own tests (test/simulation/mutations.ts): breaks something on purpose. */
    sabotage?: Sabotage;
  }>;

export type Sabotage = Readonly<{
  loop?: (loop: AnyLoop, process: Process) => AnyLoop;
  store?: (store: MemoryStore, process: Process) => MemoryStore;
  outside?: (outside: Outside) => void;
}>;

export type AnyLoop = LoopDefinition<any, any, any>;

export type Violation = Readonly<{ invariant: string; message: string; step: number; at: number }>;

export type Outcome = Readonly<{
  seed: number;
  steps: number;
  /** Of them, those after which nothing went wrong any more. */
  calmSteps: number;
  virtualMs: number;
  digest: string;
  violation?: Violation;
  /** How often each fault and act happened. */
  mischief: Readonly<Record<string, number>>;
  /** The same, one by one. */
  done: readonly string[];
  /** What was reached, so that one sees that something was. */
  reached: Readonly<Record<string, number>>;
  story: readonly string[];
}>;

const START_AT = Date.UTC(2027, 0, 15, 12);
/** No time-out here is longer, several in a row included. */
const PATIENCE_MS = 8 * HOUR_MS;
/** The purpose of the draws for judges; its number is such that no world of simulation/regressions.ts and test/simulation got one. */
const JUDGES = 'judges 4059';
const MOST_CALM_STEPS = 400_000;

export class World {
  readonly options: WorldOptions;
  readonly scheduler: Scheduler;
  readonly scenario: Scenario;
  readonly mischief: Mischief;
  readonly disk = new MemoryDisk();
  readonly outside: Outside;
  readonly ledger: Ledger;
  readonly checker: Checker;
  readonly users: Users;
  readonly requests: Requests;
  readonly ids: Ids;
  /** For what is neither a fault nor an act: which of several ways something goes. */
  readonly chance: Random;
  readonly latency: Random;
  readonly batchSize: number;
  /** An alarm that is raised for longer is noticed by whoever watches it. */
  readonly noticeMs: number;
  readonly #processes: Process[] = [];
  readonly #lives = new Map<string, number>();
  readonly #story: string[] = [];
  readonly #removed = new Set<string>();
  readonly #keepsHistory: boolean;
  /** Several processes know of each other who stands; or leases by time alone decide. */
  readonly hasMembers: boolean;
  readonly #endedAt = new Map<string, number>();
  #violation: Violation | undefined;
  #head = 1;
  #calmFrom: number | undefined;
  /** Each breaks every session. */
  outages = 0;
  outageUntil = 0;
  diskFullUntil = 0;
  slowUntil = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.scheduler = new Scheduler({
      seed: options.seed,
      startAt: START_AT,
      afterStep: () => {
        if (this.#violation !== undefined) throw new Broken();
      },
    });
    const random = this.scheduler.random('scenario');
    this.scenario = drawScenario(random, this.scheduler.random(JUDGES));
    this.batchSize = random.pick([1, 3, 256]);
    this.#keepsHistory = random.chance(0.1);
    this.hasMembers = this.scenario.processes > 1 && random.chance(0.7);
    this.mischief = new Mischief(this.scheduler, options);
    const { circumstances, versionedBucket, processes } = this.scenario;
    this.outside = new Outside(this.scheduler, this.mischief, circumstances, versionedBucket);
    options.sabotage?.outside?.(this.outside);
    this.ids = seededIds(options.seed);
    this.chance = this.scheduler.random('chance');
    this.latency = this.scheduler.random('latency');
    const troubled =
      processes > 1 || Object.entries(circumstances).some(([name, value]) => TROUBLE.test(name) && value > 0);
    this.noticeMs = troubled ? 6 * MINUTE_MS : 25 * SECOND_MS;
    this.ledger = new Ledger(this);
    this.requests = new Requests(this);
    this.checker = new Checker(this);
    this.users = new Users(this);
  }

  async run(): Promise<Outcome> {
    try {
      await this.#lay();
      for (let number = 1; number <= this.scenario.processes; number++) {
        const offMs = number === 1 ? 0 : this.chance.between(-2_000, 2_000);
        this.#begin(`p${number}`, offMs);
      }
      this.users.start();
      this.#goWrong();
      await this.scheduler.run(() => this.scheduler.steps >= this.options.steps);
      await this.#calmDown();
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
    }
    return this.#outcome();
  }

  // What the other parts ask

  /** The first violation is the one that counts. */
  fail(invariant: string, message: string): void {
    if (this.#violation !== undefined) return;
    this.#violation = { invariant, message, step: this.scheduler.steps, at: this.scheduler.now() };
    this.tell('', `VIOLATED ${invariant}: ${message}`);
  }

  tell(who: string, what: string): void {
    if (this.options.tell !== true) return;
    const seconds = ((this.scheduler.now() - START_AT) / 1000).toFixed(3).padStart(10);
    this.#story.push(`${String(this.scheduler.steps).padStart(6)} ${seconds} s  ${who.padEnd(6)} ${what}`);
  }

  someProcess(chance = this.chance): Process | undefined {
    const open = this.#processes.filter((process) => process.isOpen);
    return open.length === 0 ? undefined : chance.pick(open);
  }

  groupPlan(name: string): GroupPlan {
    const plan = this.scenario.groups.find((group) => group.name === name);
    if (plan === undefined) throw new Error(`there is no group ${name}`);
    return plan;
  }

  hooksOf(group: string): Readonly<Partial<Record<'BeforeAllowTraffic' | 'AfterAllowTraffic', string>>> {
    const { before, after } = this.groupPlan(group).hooks;
    return {
      ...(before ? { BeforeAllowTraffic: 'before' } : {}),
      ...(after ? { AfterAllowTraffic: 'after' } : {}),
    };
  }

  /** The commit that a source action finds. */
  head(): number {
    return this.#head;
  }

  push(): void {
    this.#head += 1;
  }

  isRemoved(kind: string, id: string): boolean {
    return this.#removed.has(`${kind}\n${id}`);
  }

  /** The loop, with what it performs noted. */
  observed(loop: AnyLoop, process: Process): AnyLoop {
    const used = this.options.sabotage?.loop?.(loop, process) ?? loop;
    return {
      ...used,
      // Its fingerprints take their time: a few worlds keep it.
      ...(this.#keepsHistory ? {} : { history: 'None' as const }),
      perform: (effect, context) => {
        this.ledger.performed.add(context.effectId);
        this.tell('', `performs ${effect.type} (effect ${context.effectId}, try ${context.attempt})`);
        if (effect.type === 'Conclude') this.#removed.add(`${used.kind}\n${context.key.id}`);
        return used.perform(effect, context);
      },
    };
  }

  // The beginning

  async #lay(): Promise<void> {
    const store = connect(this.disk);
    await projects.insert(store, keyOf('project'), { name: 'project' });
    for (const { name, plan } of this.scenario.pipelines) await lines.insert(store, keyOf(name), openLine(name, plan));
    const engine = new LoopEngine({
      store,
      clock: new ManualClock(START_AT),
      // Its leases have run out when the first process begins.
      wallNow: () => START_AT - HOUR_MS,
      wallTimer: () => () => {},
      owner: 'the beginning',
      alone: true,
      onError: () => {},
    });
    engine.register({
      kind: ALARM,
      decide: (state) => ({ state, effects: [] }),
      isFinal: () => false,
      perform: async () => {},
    });
    const first = this.outside.put('the beginning', 'the first version');
    const { name: main } = this.outside.published(first.sha256);
    for (const group of this.scenario.groups) {
      this.outside.createAlias(group.name, main);
      await groups.insert(store, keyOf(group.name), { name: group.name });
      for (const { name, rule } of group.alarms) {
        const definition: SimulatedAlarmDefinition = {
          group: group.name,
          rule,
          statisticName: 'Average',
          actionsEnabled: true,
          actions: { OK: [], ALARM: ['arn:aws:sns:eu-central-1:111111111111:pager'], INSUFFICIENT_DATA: [] },
        };
        const { state, effects } = startAlarm(alarmArn(name), definition, {}, START_AT);
        await store.transaction((tx) => engine.create(tx, ALARM, keyOf(name), state, effects));
      }
    }
    await engine.stop();
  }

  // Processes

  #begin(name: string, offMs: number): void {
    const life = (this.#lives.get(name) ?? 0) + 1;
    this.#lives.set(name, life);
    const process = new Process(this, `${name}/${life}`, offMs);
    this.#processes.push(process);
    this.tell(process.name, 'begins');
    process.open().catch((error: unknown) => {
      this.tell(process.name, `could not open: ${String(error)}`);
      this.#end(process, 5_000);
    });
  }

  /** It dies, and comes back in a while. */
  #end(process: Process, afterMs: number): void {
    if (!process.isAlive) return;
    this.tell(process.name, 'dies');
    process.die();
    this.#endedAt.set(process.name, this.scheduler.now());
    if (this.hasMembers) this.#mourn(process.name);
    this.#processes.splice(this.#processes.indexOf(process), 1);
    const [name = ''] = process.name.split('/');
    const offMs = process.clock.now() - this.scheduler.now();
    this.scheduler.offer({ label: 'a process comes back', afterMs, run: () => this.#begin(name, offMs) });
  }

  /** The names of all whose sessions stand, or stood until a moment ago. */
  standing(graceMs: number): ReadonlySet<string> {
    const names = new Set(this.#processes.filter(({ isAlive }) => isAlive).map(({ name }) => name));
    for (const [name, at] of this.#endedAt) if (this.scheduler.now() - at < graceMs) names.add(name);
    return names;
  }

  /** Reaches every other process that listens, in a moment; or is lost. */
  message(from: string, text: string): void {
    for (const process of this.#processes) {
      if (process.name === from || this.mischief.strikes('lost message', this.scenario.circumstances.answerLost))
        continue;
      const run = (): void => {
        for (const listener of process.listeners) listener(text);
      };
      this.scheduler.offer({ process: process.name, label: 'a message', afterMs: (u) => u * 10, run });
    }
  }

  /** One of the others is told, as soon as it is sure. */
  #mourn(name: string): void {
    const run = (): void => {
      const other = this.someProcess();
      if (other === undefined) return;
      for (const mourner of other.mourners)
        mourner([name]).catch((error: unknown) => {
          this.tell(other.name, `what ${name} left could not be seen to: ${String(error)}`);
          this.scheduler.offer({ label: 'it is seen who is gone', afterMs: 1_000, run });
        });
    };
    this.scheduler.offer({ label: 'it is seen who is gone', afterMs: (u) => 1_600 + u * 1_000, run });
  }

  // What goes wrong

  #goWrong(): void {
    const { mischief, scheduler } = this;
    const { circumstances } = this.scenario;
    const someone = (kind: string): Process | undefined => {
      const { length } = this.#processes;
      return length === 0 ? undefined : mischief.random(`${kind}, who`).pick(this.#processes);
    };
    mischief.every('crash', circumstances.crashGapMs, () => {
      const victim = someone('crash');
      if (victim !== undefined) this.#end(victim, mischief.random('crash').pick([100, 2_000, 20_000, 60_000]));
    });
    mischief.every('pause', circumstances.pauseGapMs, () => {
      const victim = someone('pause');
      if (victim === undefined) return;
      const forMs = mischief.random('pause').pick([5_000, 35_000, 90_000]);
      this.tell(victim.name, `stands still for ${forMs} ms`);
      scheduler.stall(victim.name, scheduler.now() + forMs);
    });
    mischief.every('database outage', circumstances.outageGapMs, () => {
      this.outages += 1;
      this.outageUntil = scheduler.now() + mischief.random('database outage').pick([100, 3_000, 40_000]);
      this.tell('', `the database is away for ${this.outageUntil - scheduler.now()} ms`);
    });
    mischief.every('database slow', circumstances.outageGapMs, () => {
      this.slowUntil = scheduler.now() + mischief.random('database slow').pick([5_000, 60_000]);
    });
    mischief.every('disk full for a while', circumstances.diskFullGapMs, () => {
      this.diskFullUntil = scheduler.now() + mischief.random('disk full for a while').pick([3_000, 40_000]);
      this.tell('', 'the disk is full');
    });
    mischief.every('clock jump', circumstances.clockJumpGapMs, () => {
      const byMs = mischief.random('clock jump').pick([-20_000, -1_000, 1_000, 30_000, 120_000]);
      const victim = someone('clock jump');
      this.tell(victim?.name ?? '', `its clock jumps by ${byMs} ms`);
      victim?.clock.jump(byMs);
    });
    mischief.every('alarm flaps', circumstances.flapGapMs, () => this.users.flap());
    mischief.every('object overwritten', circumstances.overwriteGapMs, () => {
      // What is written over before it is recorded is what the action made, for all that anybody knows.
      const keys = this.checker.recordedKeys();
      if (keys.length === 0) return;
      const key = mischief.random('object overwritten').pick(keys);
      this.outside.overwrite(key);
      this.tell('', `somebody writes over ${key}`);
    });
  }

  // The end

  async #calmDown(): Promise<void> {
    this.mischief.stop();
    this.outageUntil = 0;
    this.diskFullUntil = 0;
    this.slowUntil = 0;
    this.#calmFrom = this.scheduler.steps;
    this.tell('', 'nothing goes wrong any more');
    const patienceUntil = this.scheduler.now() + PATIENCE_MS;
    const end = { reached: false };
    const look = (): void => {
      this.users.openGates();
      const unfinished = this.#unfinished();
      if (unfinished === undefined) end.reached = true;
      else if (this.scheduler.now() > patienceUntil || this.scheduler.steps - (this.#calmFrom ?? 0) > MOST_CALM_STEPS) {
        this.fail('liveness', unfinished);
      } else this.scheduler.offer({ label: 'the inspector looks', afterMs: 10_000, run: look });
    };
    this.scheduler.offer({ label: 'the inspector looks', run: look });
    await this.scheduler.run(() => end.reached);
  }

  /** What has not come to its end; undefined: everything has. */
  #unfinished(): string | undefined {
    for (const [name, line] of this.checker.lines()) {
      const execution = line.executions.find(isLive);
      if (execution !== undefined) return `execution ${execution.id} of ${name} is ${execution.status}`;
    }
    const build = this.checker.builds().find((other) => !isBuildOver(other));
    if (build !== undefined) return `build ${build.id} is in ${build.phases.at(-1)?.phaseType}`;
    const deployment = this.checker.deployments().find((other) => !isDeploymentOver(other));
    if (deployment !== undefined) return `deployment ${deployment.deploymentId} is ${deployment.phase.name}`;
    for (const { deploymentId, rollbackInfo } of this.checker.deployments()) {
      const id = rollbackInfo?.rollbackDeploymentId;
      if (id !== undefined && !this.checker.deployments().some((other) => other.deploymentId === id))
        return `the rollback of deployment ${deploymentId} was never made`;
    }
    for (const { row } of this.disk.documents.cells.values()) {
      if (row.kind === 'lambda.async-invocation') return `the invocation ${row.id} is under way`;
      if (row.kind === 'codebuild.active-build') return `the build ${row.id} was not cleaned up`;
    }
    for (const { row } of this.disk.outbox.cells.values()) {
      if (row.kind === ALARM && now(this) - row.due_at < MINUTE_MS) continue;
      return `effect ${row.id} of ${row.kind} ${row.document_id} waits: ${JSON.stringify(row.effect)}`;
    }
    for (const { row } of this.disk.timers.cells.values()) {
      if (row.kind !== ALARM && row.due_at < now(this) - 20_000)
        return `timer ${row.name} of ${row.document_id} is overdue`;
      if (row.kind === ALARM && row.due_at < now(this) - 2 * MINUTE_MS)
        return `alarm ${row.document_id} is not evaluated`;
    }
    return undefined;
  }

  #outcome(): Outcome {
    const reached: Record<string, number> = {};
    const count = (what: string): void => void (reached[what] = (reached[what] ?? 0) + 1);
    const live = this.checker.lines().flatMap(([, line]) => line.executions);
    const ids = new Set(live.map(({ id }) => id));
    for (const { status } of live) count(`execution ${status}`);
    for (const { id, status } of this.checker.archived()) if (!ids.has(id)) count(`execution ${status}`);
    for (const deployment of this.checker.deployments()) {
      const { phase, rollbackOf } = deployment;
      const kind = rollbackOf === undefined ? 'deployment' : 'rollback';
      count(`${kind} ${phase.name === 'Ended' ? phase.status : 'unfinished'}`);
    }
    for (const { status } of this.checker.builds()) count(`build ${status}`);
    const lives = [...this.#lives.values()].reduce((sum, life) => sum + life, 0);
    return {
      seed: this.options.seed,
      steps: this.scheduler.steps,
      calmSteps: this.#calmFrom === undefined ? 0 : this.scheduler.steps - this.#calmFrom,
      virtualMs: this.scheduler.now() - START_AT,
      digest: this.scheduler.digest(),
      ...(this.#violation === undefined ? {} : { violation: this.#violation }),
      mischief: this.mischief.counts(),
      done: this.mischief.done(),
      reached: {
        ...reached,
        'alarm raised': this.checker.timesRaised(),
        'process lives': lives,
        ...(this.requests.counted === 0
          ? {}
          : {
              'judged request': this.requests.counted,
              'found bad': this.checker.judges.found,
              'judged too late': this.checker.judges.late,
            }),
        commits: this.checker.commits,
        effects: this.checker.effects,
      },
      story: this.#story,
    };
  }
}

/** Ends a run whose violation is noted. */
class Broken extends Error {}

const TROUBLE = /GapMs|Fails|Lost|Full|Silent|Slow|Dies|Twice/;

function now(world: World): number {
  return world.scheduler.now();
}

export async function runWorld(options: WorldOptions): Promise<Outcome> {
  return new World(options).run();
}
