/**
 * What is checked of every commit, in the moment in which it becomes true (DESIGN.md, "What must always hold"): of each
 * document that it changed, before against after, and of the rest of the disk where one document speaks of another.
 *
 *   OneInside, QueuedOrder, SupersededNeverDeploys (1)   lines of pipelines
 *   ArtifactHandOver (2)                                 inputs of actions against what was produced
 *   WeightsSum, EndsWhereItSays (3)                      aliases, deployments that end
 *   AlarmStops (4)                                       alarms against deployments that succeed
 *   NothingHangs, NoInternalFailure                      why actions fail
 *   FinalIsFinal (8)                                     executions, archived executions, deployments
 *   NoSecret (9)                                         audit, messages, effects and history against known secrets
 */
import type { AlarmState } from '../../src/core/alarm/index.ts';
import type { ActionExecution, Execution, PipelineLine } from '../../src/core/pipeline-execution/index.ts';
import type { Deployment } from '../../src/services/codedeploy/records.ts';
import type { Change, MemoryDisk } from '../memory-store/index.ts';
import { REGION, TARGET } from './layout.ts';
import { Violation } from './violation.ts';

type Row = Readonly<{ kind: string; account: string; region: string; id: string; document: string }>;

export type AliasDocument = Readonly<{ version: string; weights: Readonly<Record<string, number>> }>;

export type DiskChecksOptions = Readonly<{
  disk: MemoryDisk;
  now: () => number;
  step: () => number;
  /** Grows as the world learns of them. */
  secrets: Set<string>;
  count: (what: string) => void;
  fail: (violation: Violation) => void;
}>;

/** What a performer may give up with: the machine's faults, and a deployment that was in the way for minutes. */
const EXPLAINED = /database|the disk is full|already has an active Deployment/;

const LIVE = new Set(['InProgress', 'Stopping']);

export class DiskChecks {
  readonly #options: DiskChecksOptions;
  /** Alarm ARN to the steps at which it entered ALARM. */
  readonly alarmsRaised = new Map<string, number[]>();
  /** Deployment id to the step at which its last check of the alarms, or its beginning, was decided. */
  readonly #checkedAt = new Map<string, number>();
  readonly #enteredLast = new Map<string, number>();
  /** Of executions and deployments, what has not ended; by a name that says which. */
  readonly unfinished = new Set<string>();
  /** Role (`account/name`, in small letters) to its inline policies, and since which step. */
  readonly rolePolicies = new Map<string, { step: number; texts: readonly string[] }[]>();

  constructor(options: DiskChecksOptions) {
    this.#options = options;
    options.disk.watch((changes) => {
      for (const change of changes) {
        try {
          this.#check(change);
        } catch (error) {
          options.fail(error instanceof Violation ? error : new Violation('Checker', String((error as Error).stack)));
        }
      }
    });
  }

  alias(account: string, region: string, id: string): AliasDocument | undefined {
    const row = this.#options.disk.documents.cells.get(`lambda.alias\n${account}\n${region}\n${id}`)?.row;
    return row && (JSON.parse(row.document) as AliasDocument);
  }

  deployment(id: string): Deployment | undefined {
    const row = this.#options.disk.documents.cells.get(`codedeploy.deployment\n${TARGET}\n${REGION}\n${id}`)?.row;
    return row && (JSON.parse(row.document) as Deployment);
  }

  #check({ table, before, after }: Change): void {
    if (table === 'documents') return this.#document(before as Row | undefined, after as Row | undefined);
    if (after === undefined) return;
    if (table === 'audit' || table === 'queue_messages' || table === 'log_events') this.#secretless(table, after);
  }

  #document(before: Row | undefined, after: Row | undefined): void {
    const row = after ?? before;
    switch (row?.kind) {
      case 'codepipeline.pipeline-line':
        return this.#line(before && parse<PipelineLine>(before), after && parse<PipelineLine>(after), row.id);
      case 'codepipeline.execution':
        return this.#archived(before, after);
      case 'codedeploy.deployment':
        return this.#deployment(before && parse<Deployment>(before), after && parse<Deployment>(after), row);
      case 'lambda.alias':
        return after && this.#weights(parse<AliasDocument>(after), after.id);
      case 'cloudwatch.alarm':
        return this.#alarm(before && parse<AlarmState>(before), after && parse<AlarmState>(after));
      case 'iam.role':
        return this.#role(after, row);
      default:
        return undefined;
    }
  }

  // Pipelines

  #line(before: PipelineLine | undefined, after: PipelineLine | undefined, name: string): void {
    if (after === undefined) return;
    const earlier = new Map(before?.executions.map((execution) => [execution.id, execution]));
    const inside = new Map<string, string>();
    for (const execution of after.executions) {
      const plan = after.plans[execution.version];
      if (plan === undefined) throw new Violation('OneInside', `${name}: ${execution.id} has no plan`);
      const stage = plan.stages[execution.stageIndex]?.name ?? '';
      if (plan.mode !== 'PARALLEL' && execution.position === 'Inside' && LIVE.has(execution.status)) {
        const other = inside.get(stage);
        if (other !== undefined)
          throw new Violation('OneInside', `${name}: ${other} and ${execution.id} are both inside ${stage}`);
        inside.set(stage, execution.id);
      }
      const was = earlier.get(execution.id);
      if (was !== undefined) this.#executionChange(name, was, execution);
      if (plan.mode === 'QUEUED') this.#queuedOrder(name, was, execution, stage);
      for (const action of execution.actions) {
        this.#handOver(name, execution, action);
        this.#explained(name, action);
      }
      if (LIVE.has(execution.status)) this.unfinished.add(`execution ${name} ${execution.id}`);
      else this.unfinished.delete(`execution ${name} ${execution.id}`);
      if (!LIVE.has(execution.status) && was?.status !== execution.status)
        this.#options.count(`execution ${execution.status}`);
    }
  }

  #executionChange(name: string, was: Execution, now: Execution): void {
    if (was.attempt === now.attempt && !LIVE.has(was.status) && was.status !== now.status && !isRetry(was, now))
      throw new Violation('FinalIsFinal', `${name}: execution ${now.id} went from ${was.status} to ${now.status}`);
    if (now.status === 'Superseded' && now.actions.length > was.actions.length)
      throw new Violation('SupersededNeverDeploys', `${name}: the superseded ${now.id} began an action`);
    const actions = new Map(now.actions.map((action) => [action.id, action]));
    for (const action of was.actions) {
      const later = actions.get(action.id);
      if (later === undefined)
        throw new Violation('FinalIsFinal', `${name}: action execution ${action.id} of ${action.action} vanished`);
      if (action.status !== 'InProgress' && later.status !== action.status)
        throw new Violation(
          'FinalIsFinal',
          `${name}: ${action.action} (${action.id}) went from ${action.status} to ${later.status}`,
        );
    }
  }

  #queuedOrder(name: string, was: Execution | undefined, now: Execution, stage: string): void {
    const enters =
      now.position === 'Inside' &&
      LIVE.has(now.status) &&
      (was === undefined || was.position !== 'Inside' || was.stageIndex !== now.stageIndex);
    if (!enters) return;
    const key = `${name}\n${now.version}\n${stage}`;
    const last = this.#enteredLast.get(key) ?? 0;
    if (now.attempt === 1 && now.ordinal < last)
      throw new Violation(
        'QueuedOrder',
        `${name}: ${now.id}, the ${now.ordinal}th, entered ${stage} after the ${last}th`,
      );
    this.#enteredLast.set(key, Math.max(last, now.ordinal));
  }

  #handOver(name: string, execution: Execution, action: ActionExecution): void {
    for (const input of action.inputs) {
      const made = execution.actions.some(
        (other) =>
          other.status === 'Succeeded' &&
          other.outputs.some((output) => output.name === input.name && output.sha256 === input.sha256),
      );
      if (!made)
        throw new Violation(
          'ArtifactHandOver',
          `${name}: ${action.action} of ${execution.id} takes ${input.name} with ${input.sha256}, which nothing of it made`,
        );
    }
  }

  /** An action fails for a reason of this world, never because something hung or broke within the house. */
  #explained(name: string, { action, id, error }: ActionExecution): void {
    if (error?.code === 'Timeout' && action === 'Fetch')
      throw new Violation('NothingHangs', `${name}: ${action} (${id}) was not done within its hour`);
    if (error?.code === 'InternalError' && !EXPLAINED.test(error.message))
      throw new Violation('NoInternalFailure', `${name}: ${action} (${id}) failed with ${error.message}`);
  }

  /** An execution that left its line. Written twice, it is the same. */
  #archived(before: Row | undefined, after: Row | undefined): void {
    if (before === undefined || after === undefined || before.document === after.document) return;
    throw new Violation('FinalIsFinal', `the archived execution ${after.id} changed`);
  }

  // Deployments

  #deployment(before: Deployment | undefined, after: Deployment | undefined, row: Row): void {
    if (after === undefined) return;
    if (before?.phase.name === 'Ended') {
      if (JSON.stringify(before) !== JSON.stringify(after))
        throw new Violation('FinalIsFinal', `deployment ${after.deploymentId} changed after it had ended`);
      return;
    }
    if (before === undefined || (before.phase.name !== 'CheckingAlarms' && after.phase.name === 'CheckingAlarms'))
      this.#checkedAt.set(after.deploymentId, this.#options.step());
    if (after.phase.name !== 'Ended') return void this.unfinished.add(`deployment ${after.deploymentId}`);
    this.unfinished.delete(`deployment ${after.deploymentId}`);
    this.#options.count(`deployment ${after.phase.status}${after.rollbackOf === undefined ? '' : ' (rollback)'}`);
    if (after.phase.status !== 'Succeeded') return;
    const { target } = after;
    if (target === undefined)
      throw new Violation('EndsWhereItSays', `${after.deploymentId} succeeded without a target`);
    const moves = after.rollbackOf?.moveTraffic !== false;
    const alias = this.alias(row.account, row.region, `${target.functionName}:${target.alias}`);
    const atTarget = alias?.version === target.targetVersion && Object.keys(alias.weights).length === 0;
    if (moves && !atTarget)
      throw new Violation(
        'EndsWhereItSays',
        `${after.deploymentId} succeeded for ${target.targetVersion}; the alias is ${JSON.stringify(alias)}`,
      );
    this.#alarmsOf(after);
  }

  /** A watched alarm that was raised while the deployment was under way, before its last look, stopped it. */
  #alarmsOf({ deploymentId, alarms, ...rest }: Deployment): void {
    const begun = rest.startedAt ?? rest.createdAt;
    const lookedAt = this.#checkedAt.get(deploymentId) ?? 0;
    for (const arn of alarms.arns) {
      for (const row of this.#options.disk.documents.cells.values()) {
        if (row.row.kind !== 'cloudwatch.alarm') continue;
        const alarm = JSON.parse(row.row.document) as AlarmState;
        if (alarm.alarmArn !== arn || alarm.current.value !== 'ALARM') continue;
        const since = this.alarmsRaised.get(arn)?.at(-1) ?? 0;
        if (since < lookedAt)
          throw new Violation(
            'AlarmStops',
            `${deploymentId} (begun ${begun}) succeeded; ${arn} is in ALARM since step ${since}, and it looked at step ${lookedAt}`,
          );
      }
    }
  }

  #weights({ weights }: AliasDocument, id: string): void {
    const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
    if (Object.values(weights).some((weight) => !(weight >= 0 && weight <= 1)) || sum > 1)
      throw new Violation('WeightsSum', `${id} has the weights ${JSON.stringify(weights)}`);
  }

  #alarm(before: AlarmState | undefined, after: AlarmState | undefined): void {
    if (after === undefined || after.current.value !== 'ALARM' || before?.current.value === 'ALARM') return;
    this.#options.count('alarm raised');
    const raised = this.alarmsRaised.get(after.alarmArn) ?? [];
    this.alarmsRaised.set(after.alarmArn, [...raised, this.#options.step()]);
  }

  // Identity and secrets

  #role(after: Row | undefined, row: Row): void {
    const name = `${row.account}/${row.id}`.toLowerCase();
    const known = this.rolePolicies.get(name) ?? [];
    const inline = after === undefined ? {} : (parse<{ inline: Record<string, string> }>(after).inline ?? {});
    known.push({ step: this.#options.step(), texts: Object.values(inline).map(textOf) });
    this.rolePolicies.set(name, known);
  }

  #secretless(where: string, row: object): void {
    const text = JSON.stringify(row);
    for (const secret of this.#options.secrets) {
      if (text.includes(secret)) throw new Violation('NoSecret', `${where} holds ${secret}: ${text.slice(0, 2_000)}`);
    }
  }
}

function parse<T>(row: Row): T {
  return JSON.parse(row.document) as T;
}

function textOf(policy: unknown): string {
  return typeof policy === 'string' ? policy : ((policy as { document?: string }).document ?? JSON.stringify(policy));
}

/** A failed or stopped execution may be taken up again by a retry of its stage. */
function isRetry(was: Execution, now: Execution): boolean {
  return (was.status === 'Failed' || was.status === 'Stopped') && now.attempt > was.attempt;
}
