/**
 * The invariants of DESIGN.md as they read in the world of loops. They are checked in the very moment in which a commit
 * becomes true on the disk, or a request in which an alias changes: nothing that is wrong for an instant is missed.
 *
 * - `stage lock` (1): in SUPERSEDED and QUEUED mode at most one execution is inside a stage. `superseded` (1): an execution
 *   that was superseded makes no deployment. `queue order` (1): a stage is entered in the order of starting in QUEUED mode.
 * - `artifact` (2): what is deployed is byte for byte what its producer wrote (`ledger.ts`).
 * - `weights` (3): a share is between 1 and 99 percent, and the rest goes to the other version. `final weights` (3): a
 *   deployment that ends Succeeded, a rollback too, has its target version at 100; one that was returned without a rollback
 *   has the version before at 100. `dead traffic` (3): only a deployment that is not over moves its alias.
 * - `bake`: a step of the traffic is not taken before its time.
 * - `availability`: while traffic returns to the version before, not more requests fail than if nothing were done.
 * - `alarm` (4): a deployment does not succeed while an alarm that it watches is raised, nor if one was raised for longer
 *   than `noticeMs` while it ran.
 * - `acknowledged` (7): what was acknowledged is there: in the line or in the archive. `effect` (7): an effect is forgotten
 *   only after it was performed. `lease` (7): nobody takes an effect from another while its lease runs. `once` (7): one
 *   action execution makes one deployment and one build.
 * - `tally`, `evidence`, `verdict`, `extension`: of the judge of a group (`judge-checks.ts`).
 * - `final` (8): what is final never changes; a failed or stopped execution moves by a retry alone; an action execution
 *   that has ended, and an archived execution, never change.
 *
 * 5 (minimum healthy hosts) has no hosts here; 6 and 9 (permissions, secrets) belong to the whole house.
 */
import { isFinal as isBuildOver } from '../../src/core/build/index.ts';
import { deploymentStatus } from '../../src/core/lambda-deployment/index.ts';
import { type Execution, isLive, type PipelineLine, planOf, stageOf } from '../../src/core/pipeline-execution/index.ts';
import { type RequestTally, requestTallies } from '../../src/services/request-tallies.ts';
import type { Change } from '../memory-store/index.ts';
import { JudgeChecks } from './judge-checks.ts';
import type { Routed } from './outside.ts';
import { ALARM, BUILD, type Build, type Deployment, DEPLOYMENT, LINE, type SimulatedAlarm } from './records.ts';
import { problemOfReturn } from './returns.ts';
import type { World } from './world.ts';

type Row = Readonly<{ kind: string; id: string; parent: string; document: string }>;
type Waiting = Readonly<{
  id: number;
  kind: string;
  document_id: string;
  effect: unknown;
  owner: string | null;
  lease_until: number | null;
}>;

/** When an alarm was raised, and until when. */
type Raised = { from: number; to: number | undefined };

export class Checker {
  readonly #world: World;
  readonly #lines = new Map<string, PipelineLine>();
  readonly #archive = new Map<string, Readonly<{ text: string; execution: Execution }>>();
  readonly #deployments = new Map<string, Deployment>();
  readonly #builds = new Map<string, Build>();
  readonly #alarms = new Map<string, Raised[]>();
  readonly #entered = new Map<string, number>();
  readonly #descriptions = new Map<string, string>();
  readonly #buildActions = new Map<string, string>();
  /** Shares of its target that a deployment has set, in percent. */
  readonly #shares = new Map<string, Set<number>>();
  readonly judges: JudgeChecks;
  commits = 0;
  effects = 0;

  constructor(world: World) {
    this.#world = world;
    this.judges = new JudgeChecks(world);
    world.disk.watch((changes) => this.#committed(changes));
    world.outside.onRouted = (group, routed) => {
      this.#routed(group, routed);
      world.requests.routed(group);
    };
  }

  line(pipeline: string): PipelineLine | undefined {
    return this.#lines.get(pipeline);
  }

  lines(): readonly (readonly [string, PipelineLine])[] {
    return [...this.#lines];
  }

  deployments(): readonly Deployment[] {
    return [...this.#deployments.values()];
  }

  builds(): readonly Build[] {
    return [...this.#builds.values()];
  }

  archived(): readonly Execution[] {
    return [...this.#archive.values()].map(({ execution }) => execution);
  }

  /** The keys of artifacts that an action execution in some line has recorded. */
  recordedKeys(): readonly string[] {
    const actions = [...this.#lines.values()].flatMap((line) =>
      line.executions.flatMap((execution) => execution.actions),
    );
    return [...new Set(actions.flatMap(({ outputs }) => outputs.map(({ key }) => key)))];
  }

  /** A deployment of the group has ended, and its rollback is not there yet. */
  awaitsRollback(group: string): boolean {
    return this.deployments().some(
      ({ info, rollbackInfo }) =>
        info.group === group &&
        rollbackInfo?.rollbackDeploymentId !== undefined &&
        !this.#deployments.has(rollbackInfo.rollbackDeploymentId),
    );
  }

  timesRaised(): number {
    return [...this.#alarms.values()].reduce((sum, raised) => sum + raised.length, 0);
  }

  #committed(changes: readonly Change[]): void {
    this.commits += 1;
    for (const { table, before, after } of changes) {
      if (table === 'documents') this.#changed(before as Row | undefined, after as Row | undefined);
      else if (table === 'outbox') this.#outbox(before as Waiting | undefined, after as Waiting | undefined);
    }
  }

  #changed(before: Row | undefined, after: Row | undefined): void {
    if (after === undefined) return;
    switch (after.kind) {
      case LINE:
        return this.#lineChanged(after.id, JSON.parse(after.document) as PipelineLine);
      case 'codepipeline.execution':
        return this.#archived(after);
      case DEPLOYMENT:
        return this.#deploymentChanged(before, after);
      case BUILD:
        return this.#buildChanged(before, after);
      case requestTallies.kind:
        return this.judges.tallyChanged(after.parent, JSON.parse(after.document) as RequestTally);
      case ALARM:
        return this.#alarmChanged(after.id, JSON.parse(after.document) as SimulatedAlarm);
    }
  }

  #fail(invariant: string, message: string): void {
    this.#world.fail(invariant, message);
  }

  // Pipelines

  #lineChanged(pipeline: string, line: PipelineLine): void {
    const before = this.#lines.get(pipeline);
    this.#lines.set(pipeline, line);
    const inside = new Map<string, string>();
    for (const execution of line.executions) {
      const mode = planOf(line, execution).mode;
      if (isLive(execution) && execution.position === 'Inside' && mode !== 'PARALLEL') {
        const { name } = stageOf(line, execution);
        const other = inside.get(name);
        if (other !== undefined) this.#fail('stage lock', `${other} and ${execution.id} are both inside ${name}`);
        inside.set(name, execution.id);
      }
      const earlier = before?.executions.find(({ id }) => id === execution.id);
      if (earlier !== execution) this.#executionChanged(pipeline, mode, earlier, execution);
    }
    for (const { id } of before?.executions ?? []) {
      const gone = !line.executions.some((execution) => execution.id === id);
      if (gone && !this.#archive.has(id)) this.#fail('acknowledged', `execution ${id} left the line unarchived`);
    }
    for (const id of this.#world.ledger.acknowledged.get(pipeline) ?? []) this.#isKept(line, id);
  }

  #isKept(line: PipelineLine, id: string): void {
    if (this.#archive.has(id) || line.executions.some((execution) => execution.id === id)) return;
    this.#fail('acknowledged', `execution ${id} was acknowledged and is nowhere`);
  }

  #executionChanged(pipeline: string, mode: string, before: Execution | undefined, after: Execution): void {
    const name = after.id;
    if (before === undefined || before.status !== after.status) {
      this.#world.tell('', `${pipeline} ${name.slice(0, 8)} (#${after.ordinal}): ${after.status}`);
    }
    for (const stage of Object.keys(after.stages)) {
      if (before?.stages[stage] !== undefined || mode !== 'QUEUED') continue;
      const last = this.#entered.get(`${pipeline}/${stage}`) ?? 0;
      if (after.ordinal < last) this.#fail('queue order', `#${after.ordinal} entered ${stage} after #${last}`);
      this.#entered.set(`${pipeline}/${stage}`, after.ordinal);
    }
    if (before === undefined) return;
    if (before.status !== 'Superseded' && after.status === 'Superseded' && before.position === 'Inside')
      this.#fail('superseded', `${name} was superseded inside a stage`);
    if (isOver(before) && before.status !== after.status) {
      const retried = RETRIED.has(before.status) && after.status === 'InProgress' && after.attempt > before.attempt;
      if (!retried) this.#fail('final', `${name} was ${before.status} and is ${after.status}`);
    }
    if (isOver(before) && before.actions.length !== after.actions.length) {
      if (after.status === 'Superseded') this.#fail('superseded', `${name} was superseded and started an action`);
      if (isOver(after)) this.#fail('final', `${name} was ${before.status} and started an action`);
    }
    for (const [index, action] of before.actions.entries()) {
      const now = after.actions[index];
      if (now?.id !== action.id) this.#fail('final', `the history of ${name} has changed`);
      if (action.status === 'InProgress') {
        if (now?.status !== 'InProgress')
          this.#world.tell(
            '',
            `${name.slice(0, 8)} ${action.stage}/${action.action}: ${now?.status} ${now?.error?.message ?? ''}`,
          );
        continue;
      }
      const same =
        now?.status === action.status &&
        now.outputs.length === action.outputs.length &&
        now.outputs.every(({ sha256 }, at) => sha256 === action.outputs[at]?.sha256);
      if (!same) this.#fail('final', `${action.id} was ${action.status} and is ${now?.status}`);
    }
    for (const { id, action, stage } of after.actions.slice(before.actions.length))
      this.#world.tell('', `${name.slice(0, 8)} ${stage}/${action}: started as ${id}`);
  }

  #archived(row: Row): void {
    const execution = JSON.parse(row.document) as Execution;
    const known = this.#archive.get(execution.id);
    if (known !== undefined && known.text !== row.document) {
      this.#fail('final', `execution ${execution.id} changed in the archive`);
    }
    this.#archive.set(execution.id, { text: row.document, execution });
  }

  // Deployments

  #deploymentChanged(before: Row | undefined, after: Row): void {
    const now = JSON.parse(after.document) as Deployment;
    const was = this.#deployments.get(after.id);
    this.#deployments.set(after.id, now);
    const { deploymentId } = now;
    if (was === undefined) this.#created(now);
    this.judges.deploymentChanged(was, now);
    if (was?.phase.name === 'Ended' && before?.document !== after.document) {
      this.#fail('final', `deployment ${deploymentId} had ended and has changed`);
    }
    if (was?.phase.name !== now.phase.name) {
      const more = 'weightPercent' in now.phase ? ` ${now.phase.weightPercent}` : '';
      this.#world.tell('', `${deploymentId}: ${now.phase.name}${more} ${deploymentStatus(now)}`);
    }
    this.#bakes(was, now);
    if (now.touchedTraffic && now.weightPercent > 0 && now.weightPercent !== was?.weightPercent) {
      const isSet = this.#shares.get(deploymentId)?.has(now.weightPercent) === true;
      if (!isSet) this.#fail('weights', `${deploymentId} takes ${now.weightPercent} % for set, and it never was`);
    }
    if (now.phase.name !== 'Ended' || was?.phase.name === 'Ended') return;
    const { target } = now;
    const { outside } = this.#world;
    const alias = JSON.stringify(outside.alias(now.info.group));
    if (now.phase.status === 'Succeeded') {
      if (target === undefined || outside.weightOf(now.info.group, target.targetVersion) !== 100) {
        this.#fail('final weights', `${deploymentId} succeeded with its alias at ${alias}`);
      }
      this.#alarmsWereCalm(now);
    } else if (was?.phase.name === 'Restoring' && was.weightPercent > 0 && now.weightPercent === 0) {
      if (target === undefined || outside.weightOf(now.info.group, target.currentVersion) !== 100) {
        this.#fail('final weights', `${deploymentId} was returned with its alias at ${alias}`);
      }
    }
  }

  #bakes(was: Deployment | undefined, { deploymentId, phase }: Deployment): void {
    if (was?.phase.name !== 'Baking' || phase.name === 'Baking' || phase.name === 'Ended') return;
    const { scheduler, scenario } = this.#world;
    const leftMs = was.phase.nextAt - scheduler.now();
    if (phase.name !== 'Restoring' && leftMs > CLOCK_DOUBT_MS && scenario.circumstances.clockJumpGapMs === 0)
      this.#fail('bake', `${deploymentId} goes on ${leftMs} ms before its time`);
  }

  #created({ deploymentId, info, rollbackOf }: Deployment): void {
    const { description } = info;
    if (description === undefined || rollbackOf !== undefined) return;
    const other = this.#descriptions.get(description);
    if (other !== undefined) this.#fail('once', `${other} and ${deploymentId} are both of ${description}`);
    this.#descriptions.set(description, deploymentId);
    const actionId = description.slice(description.lastIndexOf(' ') + 1);
    for (const line of this.#lines.values()) {
      const execution = line.executions.find(({ actions }) => actions.some(({ id }) => id === actionId));
      if (execution === undefined) continue;
      if (execution.status === 'Superseded') this.#fail('superseded', `${execution.id} deploys as ${deploymentId}`);
      const producer = info.revision.key.slice(0, info.revision.key.indexOf('/'));
      if (!execution.actions.some(({ id }) => id === producer))
        this.#fail('artifact', `${execution.id} deploys what ${producer} made, which is not of it`);
    }
  }

  #alarmsWereCalm(deployment: Deployment): void {
    const { deploymentId, alarms, startedAt = 0 } = deployment;
    const readAt = this.#world.ledger.lastAlarmsRead.get(deploymentId);
    if (readAt === undefined) return;
    for (const name of alarms.names) {
      for (const { from, to } of this.#alarms.get(name) ?? []) {
        const during = from < readAt && (to === undefined || to > readAt);
        const until = Math.min(to ?? readAt, readAt);
        const noticed = until - Math.max(from, startedAt) > this.#world.noticeMs;
        if (!during && !noticed) continue;
        this.#fail(
          'alarm',
          `${deploymentId} succeeded; ${name} was raised from ${from} to ${to}, last read at ${readAt}`,
        );
      }
    }
  }

  #alarmChanged(name: string, { current }: SimulatedAlarm): void {
    let raised = this.#alarms.get(name);
    if (raised === undefined) this.#alarms.set(name, (raised = []));
    const last = raised.at(-1);
    const open = last !== undefined && last.to === undefined;
    if (current.value === 'ALARM' && !open) raised.push({ from: this.#world.scheduler.now(), to: undefined });
    else if (current.value !== 'ALARM' && open) last.to = this.#world.scheduler.now();
    else return;
    this.#world.tell('', `${name}: ${current.value}`);
  }

  #routed(group: string, routed: Routed): void {
    const { alias, by } = routed;
    const share = alias.extra?.weightPercent;
    this.#world.tell(
      '',
      `${group} at ${alias.main}${alias.extra === undefined ? '' : `, ${share} % ${alias.extra.version}`} by ${by}`,
    );
    if (share !== undefined && !(share >= 1 && share <= 99)) this.#fail('weights', `${group} has a share of ${share}`);
    if (this.#deployments.get(by)?.phase.name === 'Ended')
      this.#fail('dead traffic', `${by} has ended and moves ${group}`);
    const target = this.#deployments.get(by)?.target?.targetVersion;
    if (target !== undefined) {
      const percent = this.#world.outside.weightOf(group, target);
      this.#shares.set(by, (this.#shares.get(by) ?? new Set()).add(percent));
    }
    const worse = problemOfReturn(this.#world, this.#deployments.get(by), routed);
    if (worse !== undefined) this.#fail('availability', worse);
  }

  // Builds

  #buildChanged(before: Row | undefined, after: Row): void {
    const now = JSON.parse(after.document) as Build;
    const was = this.#builds.get(after.id);
    this.#builds.set(after.id, now);
    const { actionExecutionId } = now.definition;
    if (was === undefined) {
      if (actionExecutionId === undefined) return;
      const other = this.#buildActions.get(actionExecutionId);
      if (other !== undefined) this.#fail('once', `${other} and ${now.id} are both of ${actionExecutionId}`);
      this.#buildActions.set(actionExecutionId, now.id);
      return;
    }
    if (isBuildOver(was) && before?.document !== after.document) this.#fail('final', `build ${now.id} had ended`);
    if (was.status !== now.status) this.#world.tell('', `${now.id.slice(0, 14)}: ${now.status}`);
  }

  // Effects

  /** Nobody takes what another one holds before its lease has run out, by a clock that may be wrong by some seconds. */
  #held(before: Waiting, after: Waiting): void {
    const { processes, circumstances } = this.#world.scenario;
    // Alone, a process takes over everything when it begins; one whose clock jumps cannot know better.
    if (processes === 1 || circumstances.clockJumpGapMs > 0) return;
    if (before.owner === after.owner || before.owner === null) return;
    if (this.#world.hasMembers && !this.#world.standing(0).has(before.owner)) return;
    const leftMs = (before.lease_until ?? 0) - this.#world.scheduler.now();
    if (leftMs > CLOCK_DOUBT_MS)
      this.#fail('lease', `${after.owner} takes effect ${after.id} from ${before.owner}, whose it is for ${leftMs} ms`);
  }

  #outbox(before: Waiting | undefined, after: Waiting | undefined): void {
    if (before === undefined) this.effects += 1;
    else if (after !== undefined) this.#held(before, after);
    if (before === undefined || after !== undefined) return;
    const id = String(before.id);
    if (this.#world.ledger.performed.has(id) || this.#world.isRemoved(before.kind, before.document_id)) return;
    this.#fail('effect', `effect ${id} of ${before.kind} ${before.document_id} was forgotten unperformed`);
  }
}

/** Clocks are up to two seconds off. */
const CLOCK_DOUBT_MS = 5_000;

const RETRIED: ReadonlySet<string> = new Set(['Failed', 'Stopped']);

function isOver({ status }: Execution): boolean {
  return status !== 'InProgress' && status !== 'Stopping';
}
