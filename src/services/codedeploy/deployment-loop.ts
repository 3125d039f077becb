/** Performs what a Lambda deployment decides: reads the revision and the alarms, moves the alias, calls hooks, announces. */
import { isAwsError } from '../../common/index.ts';
import {
  decide,
  type DeploymentEffect,
  type DeploymentError,
  type DeploymentEvent,
  isFinal,
  type Target,
  weightBeingSet,
} from '../../core/lambda-deployment/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import { timeSort } from '../../store/index.ts';
import type { Client, House, Scope } from '../service.ts';
import { warnOfAlarms } from './alarm-fitness.ts';
import { readAppSpec } from './app-spec-file.ts';
import { createRollback } from './create-deployment.ts';
import { lookAtEvidence } from './judging.ts';
import { readOriginal } from './original-version.ts';
import {
  applications,
  type Deployment,
  DEPLOYMENT_KIND,
  deploymentGroups,
  deployments,
  groupKeyId,
} from './records.ts';
import { asRole, assumeError, isDenied, isPassing, roleError } from './role-sessions.ts';
import { fireTriggers, groupArnOf } from './triggers.ts';

type Run<Type extends DeploymentEffect['type']> = Extract<DeploymentEffect, { type: Type }>;

export function deploymentLoop(house: House): LoopDefinition<Deployment, DeploymentEvent, DeploymentEffect> {
  return defineLoop<Deployment, DeploymentEvent, DeploymentEffect>({
    kind: DEPLOYMENT_KIND,
    decide,
    isFinal,
    place: ({ info, createdAt }) => ({ parent: info.deploymentGroupId, sort: timeSort(createdAt) }),
    async perform(effect, { key, now }) {
      const deployment = (await deployments.get(house.store, key))?.document;
      if (deployment === undefined) return undefined;
      const work: Work = { house, scope: { account: key.account, region: key.region }, deployment };
      switch (effect.type) {
        case 'ReadRevision':
          return readRevision(work);
        case 'ReadAlarms':
          return readAlarms(work, effect);
        case 'SetTraffic':
          return setTraffic(work, effect);
        case 'ReadOriginal':
          return lookAtOriginal(work, effect, now);
        case 'ReadEvidence':
          return lookAtEvidence(work, effect, now);
        case 'InvokeHook':
          return invokeHook(work, effect);
        case 'CreateRollback':
          return createRollback(house, work.scope, deployment.deploymentId, effect);
        case 'Announce':
          return announce(work, effect, now);
        default:
          return undefined;
      }
    },
    onGivenUp(effect, error) {
      const failure = { code: 'INTERNAL_ERROR', message: `CodeDeploy gave up: ${error.message}` };
      if (effect.type === 'ReadRevision') return { type: 'PreparationFailed', ...failure };
      if (effect.type === 'ReadAlarms') return alarmsUnreadable(effect, failure);
      if (effect.type === 'SetTraffic') {
        return { type: 'TrafficNotSet', weightPercent: effect.weightPercent, ...failure };
      }
      if (effect.type === 'ReadOriginal') {
        return { type: 'OriginalRead', look: effect.look, original: { minutes: [], unread: [failure.message] } };
      }
      // What could not be read is no evidence, and is read again.
      if (effect.type === 'ReadEvidence') {
        const look = effect.look === undefined ? {} : { look: effect.look };
        return { type: 'EvidenceRead', ...look, since: 0, until: 0, evidence: [] };
      }
      if (effect.type === 'InvokeHook') return { type: 'HookNotInvoked', hook: effect.hook, ...failure };
      // Nobody waits for the others.
      return { type: 'TimerFired', timer: 'given-up' };
    },
  });
}

type Work = Readonly<{ house: House; scope: Scope; deployment: Deployment }>;

/** The client of the service role, or why there is none. */
async function roleClient({
  house,
  scope,
  deployment,
}: Work): Promise<Readonly<{ client: Client } | { error: DeploymentError }>> {
  const roleArn = deployment.info.serviceRoleArn;
  const role = { roleArn, sessionName: deployment.deploymentId, sourceArn: groupArnOf(scope, deployment) };
  try {
    return { client: await asRole(house, scope, role) };
  } catch (error) {
    if (isPassing(error) || !isAwsError(error)) throw error;
    return { error: assumeError(roleArn, error) };
  }
}

async function readRevision(work: Work): Promise<DeploymentEvent> {
  const { house, scope, deployment } = work;
  const { info } = deployment;
  if (deployment.rollbackOf !== undefined) {
    if (info.rollbackTarget === undefined) {
      return { type: 'PreparationFailed', code: 'REVISION_MISSING', message: 'There is no version to return to.' };
    }
    return { type: 'RevisionRead', target: info.rollbackTarget };
  }
  const application = (await applications.get(house.store, { ...scope, id: info.applicationName }))?.document;
  const gone = (code: string, what: string): DeploymentEvent => ({
    type: 'PreparationFailed',
    code,
    message: `The ${what} of the deployment was deleted before it started.`,
  });
  if (application?.applicationId !== info.applicationId) return gone('APPLICATION_MISSING', 'application');
  const groupKey = { ...scope, id: groupKeyId(info.applicationId, info.deploymentGroupName) };
  const group = (await deploymentGroups.get(house.store, groupKey))?.document;
  if (group?.deploymentGroupId !== info.deploymentGroupId) return gone('DEPLOYMENT_GROUP_MISSING', 'deployment group');
  const role = await roleClient(work);
  if ('error' in role) return { type: 'PreparationFailed', ...role.error };
  const [read, warning] = await Promise.all([
    readAppSpec(role.client, info.serviceRoleArn, info.revision),
    warnOfAlarms(work, role.client, group.tags),
  ]);
  if ('error' in read) return { type: 'PreparationFailed', ...read.error };
  const problem = await aliasProblem(role.client, info.serviceRoleArn, read.appSpec);
  return problem === undefined
    ? { type: 'RevisionRead', target: read.appSpec, ...(warning !== undefined && { messages: [warning] }) }
    : { type: 'PreparationFailed', ...problem };
}

/** The alias must be where the AppSpec says, with no traffic elsewhere: there is a state to return to. */
async function aliasProblem(client: Client, roleArn: string, target: Target): Promise<DeploymentError | undefined> {
  const name = `${target.functionName}:${target.alias}`;
  try {
    const alias = await client.call<{
      FunctionVersion?: string;
      RoutingConfig?: { AdditionalVersionWeights?: Record<string, number> };
    }>('lambda', 'GetAlias', { FunctionName: target.functionName, Name: target.alias });
    if (alias.FunctionVersion !== target.currentVersion) {
      return {
        code: 'INVALID_LAMBDA_CONFIGURATION',
        message: `The alias ${name} points at version ${alias.FunctionVersion ?? 'none'}, not at the CurrentVersion ${target.currentVersion} of the AppSpec file.`,
      };
    }
    const weights = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {}).filter(
      ([, weight]) => weight > 0,
    );
    if (weights.length > 0) {
      return {
        code: 'INVALID_LAMBDA_CONFIGURATION',
        message: `The alias ${name} sends traffic to another version as well (${weights
          .map(([version, weight]) => `${version}: ${weight}`)
          .join(', ')}). Remove its routing configuration first.`,
      };
    }
    return undefined;
  } catch (error) {
    if (isPassing(error) || !isAwsError(error)) throw error;
    if (isDenied(error)) return roleError(roleArn, 'AWSLambda', error);
    return { code: 'INVALID_LAMBDA_FUNCTION', message: `The alias ${name} cannot be used: ${error.message}` };
  }
}

async function readAlarms(work: Work, effect: Run<'ReadAlarms'>): Promise<DeploymentEvent> {
  const { names } = work.deployment.alarms;
  const roleArn = work.deployment.info.serviceRoleArn;
  const role = await roleClient(work);
  if ('error' in role) return alarmsUnreadable(effect, role.error);
  try {
    type Alarm = { AlarmName?: string; StateValue?: string };
    const answer = await role.client.call<{ MetricAlarms?: Alarm[]; CompositeAlarms?: Alarm[] }>(
      'cloudwatch',
      'DescribeAlarms',
      { AlarmNames: names, AlarmTypes: ['MetricAlarm', 'CompositeAlarm'], MaxRecords: 100 },
    );
    const found = new Map(
      [...(answer.MetricAlarms ?? []), ...(answer.CompositeAlarms ?? [])].map((alarm) => [
        alarm.AlarmName,
        alarm.StateValue,
      ]),
    );
    const missing = names.filter((name) => !found.has(name));
    return {
      type: 'AlarmsRead',
      ...(effect.check !== undefined && { check: effect.check }),
      raised: names.filter((name) => found.get(name) === 'ALARM'),
      ...(missing.length > 0 && {
        unreadable: {
          code: 'CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND',
          message: `The deployment was stopped because its alarms could not be polled. Not found: ${missing.map((name) => `<${name}>`).join(' ')}`,
        },
      }),
    };
  } catch (error) {
    if (isPassing(error) || !isAwsError(error)) throw error;
    return alarmsUnreadable(
      effect,
      isDenied(error)
        ? roleError(roleArn, 'AmazonCloudWatch', error)
        : { code: 'INTERNAL_ERROR', message: `The alarms could not be polled: ${error.message}` },
    );
  }
}

function alarmsUnreadable(effect: Run<'ReadAlarms'>, unreadable: DeploymentError): DeploymentEvent {
  return { type: 'AlarmsRead', ...(effect.check !== undefined && { check: effect.check }), raised: [], unreadable };
}

/**
 * Sets the alias as it shall be. The second time changes nothing, and one that comes late (a process that stood still, an
 * answer that was lost) finds that the deployment waits for it no longer, or that the alias has moved since: it may be a
 * later deployment's by then.
 */
async function setTraffic(work: Work, effect: Run<'SetTraffic'>): Promise<DeploymentEvent | undefined> {
  const { target, info, deploymentId } = work.deployment;
  const key = { ...work.scope, id: deploymentId };
  if (target === undefined) return undefined;
  const { weightPercent } = effect;
  const alias = { FunctionName: target.functionName, Name: target.alias };
  const notSet = ({ code, message }: DeploymentError): DeploymentEvent => ({
    type: 'TrafficNotSet',
    weightPercent,
    code,
    message,
  });
  const role = await roleClient(work);
  if ('error' in role) return notSet(role.error);
  const whole = weightPercent === 0 || weightPercent === 100;
  try {
    // The alias first, the deployment then: what moves the alias after this look makes the revision another.
    const { RevisionId } = await role.client.call<{ RevisionId?: string }>('lambda', 'GetAlias', alias);
    const now = (await deployments.get(work.house.store, key))?.document;
    if (now === undefined || weightBeingSet(now) !== weightPercent) return undefined;
    await role.client.call('lambda', 'UpdateAlias', {
      ...alias,
      RevisionId,
      FunctionVersion: weightPercent === 100 ? target.targetVersion : target.currentVersion,
      RoutingConfig: {
        AdditionalVersionWeights: whole ? {} : { [target.targetVersion]: weightPercent / 100 },
      },
    });
    return { type: 'TrafficSet', weightPercent };
  } catch (error) {
    if (isPassing(error) || !isAwsError(error)) throw error;
    if (isDenied(error)) return notSet(roleError(info.serviceRoleArn, 'AWSLambda', error));
    const code = /NotFound/.test(error.code) ? 'INVALID_LAMBDA_FUNCTION' : 'INVALID_LAMBDA_CONFIGURATION';
    const moved = `The alias ${target.functionName}:${target.alias} could not be moved`;
    return notSet({ code, message: `${moved}: ${error.message}` });
  }
}

/** It answers at the first try, whatever comes of it: the traffic is not to wait for a second. */
async function lookAtOriginal(
  work: Work,
  effect: Run<'ReadOriginal'>,
  now: number,
): Promise<DeploymentEvent | undefined> {
  const { target } = work.deployment;
  if (target === undefined) return undefined;
  const { look } = effect;
  const role = await roleClient(work);
  if ('error' in role) return { type: 'OriginalRead', look, original: { minutes: [], unread: [role.error.message] } };
  return { type: 'OriginalRead', look, original: await readOriginal(role.client, target, effect, now) };
}

/** A crash between the call and its record calls the hook twice, with the same execution id; its second answer is refused. */
async function invokeHook(work: Work, effect: Run<'InvokeHook'>): Promise<DeploymentEvent | undefined> {
  const { deployment } = work;
  const notInvoked = ({ code, message }: DeploymentError): DeploymentEvent => ({
    type: 'HookNotInvoked',
    hook: effect.hook,
    code,
    message,
  });
  const role = await roleClient(work);
  if ('error' in role) return notInvoked(role.error);
  const payload = {
    DeploymentId: deployment.deploymentId,
    LifecycleEventHookExecutionId: effect.executionId,
  };
  try {
    await role.client.call('lambda', 'Invoke', {
      FunctionName: effect.functionName,
      InvocationType: 'Event',
      Payload: new TextEncoder().encode(JSON.stringify(payload)),
    });
    return undefined;
  } catch (error) {
    if (isPassing(error) || !isAwsError(error)) throw error;
    if (isDenied(error)) return notInvoked(roleError(deployment.info.serviceRoleArn, 'AWSLambda', error));
    return notInvoked({
      code: 'INVALID_LAMBDA_FUNCTION',
      message: `The function ${effect.functionName} of the lifecycle event ${effect.hook} cannot be invoked: ${error.message}`,
    });
  }
}

async function announce(work: Work, effect: Run<'Announce'>, now: number): Promise<void> {
  const { house, scope, deployment } = work;
  const { info } = deployment;
  await house.door.publish(scope, {
    source: 'aws.codedeploy',
    detailType: 'CodeDeploy Deployment State-change Notification',
    detail: {
      instanceGroupId: info.deploymentGroupId,
      region: scope.region,
      application: info.applicationName,
      deploymentId: deployment.deploymentId,
      state: effect.announcement,
      deploymentGroup: info.deploymentGroupName,
    },
    resources: [
      `arn:aws:codedeploy:${scope.region}:${scope.account}:application:${info.applicationName}`,
      groupArnOf(scope, deployment),
    ],
    at: Math.min(effect.at, now),
  });
  await fireTriggers(house, scope, deployment, effect.announcement);
}
