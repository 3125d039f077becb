/** Lambda deployments, as src/services/codedeploy performs them (deployment-loop.ts, create-deployment.ts, group-standing.ts). */
import { AwsError, isAwsError } from '../../src/common/index.ts';
import {
  decide,
  type DeploymentEffect,
  type DeploymentEvent,
  deploymentStatus,
  firstEffects,
  isFinal,
  newJudgeWatch,
  type Original,
  type Target,
  weightBeingSet,
} from '../../src/core/lambda-deployment/index.ts';
import type { Artifact } from '../../src/core/pipeline-execution/index.ts';
import { allAtOnce } from '../../src/core/traffic-shift/index.ts';
import type { LoopDefinition } from '../../src/engine/index.ts';
import { readEvidence } from '../../src/services/request-tallies.ts';
import type { Queryable } from '../../src/store/store.ts';
import { acceptEvent } from './invocation-loop.ts';
import { digestOf } from './outside.ts';
import type { Process } from './process.ts';
import {
  alarmArn,
  alarms,
  type Deployment,
  DEPLOYMENT,
  deploymentArn,
  type DeploymentInfo,
  deployments,
  type Group,
  groups,
  keyOf,
} from './records.ts';
import { lookOf, told } from './returns.ts';

type Run<Type extends DeploymentEffect['type']> = Extract<DeploymentEffect, { type: Type }>;

export function deploymentLoop(process: Process): LoopDefinition<Deployment, DeploymentEvent, DeploymentEffect> {
  return {
    kind: DEPLOYMENT,
    decide,
    isFinal,
    async perform(effect, { key, now }) {
      const deployment = (await deployments.get(process.store, key))?.document;
      if (deployment === undefined) return undefined;
      switch (effect.type) {
        case 'ReadRevision':
          return readRevision(process, deployment);
        case 'ReadAlarms':
          return readAlarms(process, deployment, effect);
        case 'SetTraffic':
          return setTraffic(process, deployment, effect);
        case 'ReadOriginal':
          return readOriginal(process, deployment, effect);
        case 'ReadEvidence':
          return lookAtEvidence(process, deployment, effect, now);
        case 'InvokeHook': {
          const fails = process.world.chance.chance(0.1);
          await acceptEvent(process, {
            deploymentId: deployment.deploymentId,
            executionId: effect.executionId,
            fails,
          });
          return undefined;
        }
        case 'CreateRollback':
          return createRollback(process, deployment.deploymentId, effect);
        case 'Announce':
          return process.call('publish', () => {});
        default:
          return undefined;
      }
    },
    onGivenUp(effect, error) {
      const failure = { code: 'INTERNAL_ERROR', message: `CodeDeploy gave up: ${error.message}` };
      if (effect.type === 'ReadRevision') return { type: 'PreparationFailed', ...failure };
      if (effect.type === 'ReadAlarms')
        return { type: 'AlarmsRead', ...checkOf(effect), raised: [], unreadable: failure };
      if (effect.type === 'SetTraffic')
        return { type: 'TrafficNotSet', weightPercent: effect.weightPercent, ...failure };
      if (effect.type === 'ReadEvidence') {
        const look = effect.look === undefined ? {} : { look: effect.look };
        return { type: 'EvidenceRead', ...look, since: 0, until: 0, evidence: [] };
      }
      if (effect.type === 'InvokeHook') return { type: 'HookNotInvoked', hook: effect.hook, ...failure };
      return { type: 'TimerFired', timer: 'given-up' };
    },
  };
}

async function readRevision(process: Process, deployment: Deployment): Promise<DeploymentEvent> {
  const { info } = deployment;
  if (deployment.rollbackOf !== undefined) {
    if (info.rollbackTarget === undefined) {
      return { type: 'PreparationFailed', code: 'REVISION_MISSING', message: 'There is no version to return to.' };
    }
    return { type: 'RevisionRead', target: info.rollbackTarget };
  }
  const { outside, ledger } = process.world;
  try {
    return await process.call('GetObject', (): DeploymentEvent => {
      const object = outside.get(info.revision);
      // The revision names the object's ETag.
      if (!outside.isUnchanged(object, info.revision))
        throw new AwsError('RevisionChanged', 'the revision has changed');
      const { name } = outside.published(object.sha256);
      const alias = outside.alias(info.group);
      if (alias.extra !== undefined) throw new AwsError('INVALID_LAMBDA_CONFIGURATION', 'the alias is split');
      if (alias.main === name) throw new AwsError('INVALID_LAMBDA_CONFIGURATION', 'the alias is there already');
      ledger.deployed(deployment, object.sha256);
      const hooks = process.world.hooksOf(info.group);
      const target: Target = {
        functionName: info.group,
        alias: 'live',
        currentVersion: alias.main,
        targetVersion: name,
        hooks,
      };
      return { type: 'RevisionRead', target };
    });
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return { type: 'PreparationFailed', code: error.code, message: error.message };
  }
}

async function readAlarms(
  process: Process,
  deployment: Deployment,
  effect: Run<'ReadAlarms'>,
): Promise<DeploymentEvent> {
  const { names } = deployment.alarms;
  const found = await alarms.getMany(process.store, keyOf(''), names);
  const raised = found.filter(({ document }) => document.current.value === 'ALARM').map(({ key }) => key.id);
  process.world.ledger.alarmsRead(deployment.deploymentId, effect.check, raised);
  return { type: 'AlarmsRead', ...checkOf(effect), raised };
}

function checkOf({ check }: Run<'ReadAlarms'>): Readonly<{ check?: number }> {
  return check === undefined ? {} : { check };
}

/** Sets the alias as it shall be, unless it is no longer waited for or the alias has moved since. */
async function setTraffic(
  process: Process,
  deployment: Deployment,
  { weightPercent }: Run<'SetTraffic'>,
): Promise<DeploymentEvent | undefined> {
  const { target, deploymentId, info } = deployment;
  if (target === undefined) return undefined;
  const { outside } = process.world;
  const whole = weightPercent === 0 || weightPercent === 100;
  try {
    const { revisionId } = await process.call('GetAlias', () => outside.alias(info.group));
    const now = (await deployments.get(process.store, keyOf(deploymentId)))?.document;
    if (now === undefined || weightBeingSet(now) !== weightPercent) return undefined;
    await process.call('UpdateAlias', () =>
      outside.updateAlias(
        info.group,
        {
          main: weightPercent === 100 ? target.targetVersion : target.currentVersion,
          ...(whole ? {} : { extra: { version: target.targetVersion, weightPercent } }),
        },
        deploymentId,
        revisionId,
      ),
    );
    return { type: 'TrafficSet', weightPercent };
  } catch (error) {
    if (!isAwsError(error) || /ServiceUnavailable|PreconditionFailed/.test(error.code)) throw error;
    return { type: 'TrafficNotSet', weightPercent, code: error.code, message: error.message };
  }
}

/** What is known of the version that the traffic is to return to; it always answers, unless it is lost on the way. */
async function readOriginal(
  process: Process,
  { deploymentId, info }: Deployment,
  effect: Run<'ReadOriginal'>,
): Promise<DeploymentEvent> {
  const { outside, ledger } = process.world;
  const { look, original, replacement, sinceAt } = effect;
  const sides = { deploymentId, look, original, replacement };
  const [alias, found] = await process.call('GetMetricData', () => {
    const truth: Original = {
      exists: true,
      state: 'Active',
      percent: outside.weightOf(info.group, original),
      minutes: outside.minutes(info.group, original, replacement, sinceAt),
      unread: [],
    };
    return [outside.alias(info.group), told(truth, sides)] as const;
  });
  ledger.looked(deploymentId, lookOf(alias, found, sides));
  return { type: 'OriginalRead', look, original: found };
}

/** What it has read may come a second time, long after. */
async function lookAtEvidence(
  process: Process,
  { deploymentId, info, judge, target }: Deployment,
  { look }: Run<'ReadEvidence'>,
  now: number,
): Promise<DeploymentEvent | undefined> {
  if (target === undefined || judge === undefined) return undefined;
  const { world, store } = process;
  const { mischief, scheduler, scenario } = world;
  const { currentVersion: old, targetVersion: fresh, alias } = target;
  const since = judge.heardUntil;
  const versions = { functionName: info.group, alias, old, fresh };
  const checks = world.checker.judges;
  const first = checks.commits;
  const read = await readEvidence(store, keyOf(''), versions, since, now);
  checks.read(deploymentId, { since, until: read.until, first, last: checks.commits });
  const event: DeploymentEvent = { type: 'EvidenceRead', ...(look !== undefined && { look }), since, ...read };
  if (mischief.strikes('evidence again', scenario.circumstances.evidenceAgain)) {
    const run = (): void => void process.engine.submit(DEPLOYMENT, keyOf(deploymentId), event).catch(() => {});
    scheduler.offer({ process: process.name, label: 'evidence again', afterMs: (u) => u * 30_000, run });
  }
  return event;
}

// Making deployments

export type CreateRequest = Readonly<{ group: string; revision: Artifact; description?: string; clientToken?: string }>;

/** As CreateDeployment; throws `DeploymentLimitExceededException` while another is under way. */
export async function createDeployment(process: Process, request: CreateRequest): Promise<string> {
  const drawn = newDeploymentId(process);
  const { group, clientToken } = request;
  const plan = process.world.groupPlan(group);
  return process.store.transaction(async (tx) => {
    const current = (await groups.getForUpdate(tx, keyOf(group)))?.document;
    if (current === undefined) throw new AwsError('DeploymentGroupDoesNotExistException', group);
    const ownId =
      clientToken &&
      `d-${digestOf(group + clientToken)
        .slice(0, 9)
        .toUpperCase()}`;
    if (ownId !== undefined && (await deployments.get(tx, keyOf(ownId))) !== undefined) return ownId;
    const deploymentId = ownId ?? drawn;
    const before = await standing(tx, current);
    if (before.activeId !== undefined) {
      throw new AwsError('DeploymentLimitExceededException', `${group} has the active deployment ${before.activeId}`);
    }
    const names = plan.alarms.map(({ name }) => name);
    const deployment: Deployment = {
      ...blank(process, deploymentId),
      steps: plan.steps,
      alarms: { names, arns: names.map(alarmArn), ignorePollFailure: plan.ignorePollFailure },
      ...(plan.judge !== undefined && { judge: newJudgeWatch(plan.judge, process.clock.now()) }),
      rollbackPolicy: plan.rollbackPolicy,
      ...(before.lastSuccessful !== undefined && { previousDeploymentId: before.lastSuccessful.deploymentId }),
      info: request,
    };
    await process.engine.create(tx, DEPLOYMENT, keyOf(deploymentId), deployment, firstEffects, { parent: group });
    await groups.update(tx, keyOf(group), withAttempt(current, before, deploymentId));
    return deploymentId;
  });
}

/** Of the deployments of a group, the one that carries this description. */
export async function findDeployment(
  process: Process,
  group: string,
  description: string,
): Promise<string | undefined> {
  const found = await deployments.list(process.store, { parent: group });
  return found.find(({ document }) => document.info.description === description)?.key.id;
}

async function createRollback(process: Process, undoneId: string, effect: Run<'CreateRollback'>): Promise<void> {
  const { rollbackId, previousDeploymentId, moveTraffic } = effect;
  await process.store.transaction(async (tx) => {
    const undone = (await deployments.get(tx, keyOf(undoneId)))?.document;
    const previous = (await deployments.get(tx, keyOf(previousDeploymentId)))?.document;
    if (undone === undefined || previous === undefined) return;
    const { info, target } = undone;
    const group = (await groups.getForUpdate(tx, keyOf(info.group)))?.document;
    const rollbackTarget: Target | undefined =
      target === undefined
        ? previous.target
        : { ...target, currentVersion: target.targetVersion, targetVersion: target.currentVersion, hooks: {} };
    const rollback: Deployment = {
      ...blank(process, rollbackId),
      steps: allAtOnce,
      alarms: { names: [], arns: [], ignorePollFailure: false },
      rollbackPolicy: { onFailure: false, onAlarm: false, onRequest: false },
      previousDeploymentId,
      rollbackOf: { deploymentId: undoneId, moveTraffic },
      rollbackInfo: { rollbackTriggeringDeploymentId: undoneId, message: '' },
      info: {
        group: info.group,
        revision: previous.info.revision,
        ...(rollbackTarget !== undefined && { rollbackTarget }),
      } satisfies DeploymentInfo,
    };
    const placement = { parent: info.group };
    const fresh = await process.engine.create(tx, DEPLOYMENT, keyOf(rollbackId), rollback, firstEffects, placement);
    if (!fresh || group === undefined || group.lastAttemptedId !== undoneId) return;
    await groups.update(tx, keyOf(info.group), withAttempt(group, await standing(tx, group), rollbackId));
  });
}

type Standing = Readonly<{ lastSuccessful?: Deployment; activeId?: string }>;

async function standing(q: Queryable, group: Group): Promise<Standing> {
  const find = async (id: string | undefined): Promise<Deployment | undefined> =>
    id === undefined ? undefined : (await deployments.get(q, keyOf(id)))?.document;
  const lastAttempted = await find(group.lastAttemptedId);
  if (lastAttempted === undefined) return {};
  const succeeded = deploymentStatus(lastAttempted) === 'Succeeded';
  const lastSuccessful = succeeded ? lastAttempted : await find(group.lastSuccessfulId);
  const activeId = isFinal(lastAttempted)
    ? lastAttempted.rollbackInfo?.rollbackDeploymentId
    : lastAttempted.deploymentId;
  return { ...(lastSuccessful !== undefined && { lastSuccessful }), ...(activeId !== undefined && { activeId }) };
}

function withAttempt(group: Group, before: Standing, deploymentId: string): Group {
  const { lastSuccessfulId: _old, ...rest } = group;
  return {
    ...rest,
    lastAttemptedId: deploymentId,
    ...(before.lastSuccessful !== undefined && { lastSuccessfulId: before.lastSuccessful.deploymentId }),
  };
}

function blank(
  process: Process,
  deploymentId: string,
): Omit<Deployment, 'info' | 'steps' | 'alarms' | 'rollbackPolicy'> {
  return {
    deploymentId,
    deploymentArn: deploymentArn(deploymentId),
    createdAt: process.clock.now(),
    phase: { name: 'Preparing' },
    lifecycleEvents: [],
    stepIndex: 0,
    weightPercent: 0,
    touchedTraffic: false,
    checks: 0,
    reservedRollbackId: newDeploymentId(process),
    hookExecutionIds: { BeforeAllowTraffic: process.ids.uuid(), AfterAllowTraffic: process.ids.uuid() },
  };
}

function newDeploymentId(process: Process): string {
  return `d-${process.ids.text(9, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789')}`;
}
