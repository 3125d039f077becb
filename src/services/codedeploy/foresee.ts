/**
 * What follows from CreateDeployment: the calls of a Lambda deployment as the service role of its group, in their order
 * (`deployment-loop.ts`). The function is named by the AppSpec file. Where that lies in a revision that is yet to be
 * built, the group's last deployment says which function it was; without one it cannot be known.
 */
import type { CreateDeploymentInput } from '@aws-sdk/client-codedeploy';
import type { LambdaHookName } from '../../core/appspec/index.ts';
import type { Target } from '../../core/lambda-deployment/index.ts';
import type { Foreseen, ForeseenCaller, Foresight } from '../foreseen.ts';
import type { Call, Scope } from '../service.ts';
import { deploymentGroupArn } from './access.ts';
import { inlineAppSpec } from './app-spec-file.ts';
import { keyOf } from './applications.ts';
import { groupKey } from './deployment-groups.ts';
import { alarmWatch, rollbackPolicy } from './group-settings.ts';
import { standing } from './group-standing.ts';
import { applications, type DeploymentGroup, deploymentGroups } from './records.ts';
import { roleUse } from './role-sessions.ts';

/** Stands in for the id that the deployment will get. */
const DEPLOYMENT_ID = 'd-000000000';

type Planned = Readonly<{ scope: Scope; as: ForeseenCaller; alarms: readonly string[] }>;

export const foresee = { CreateDeployment: createDeployment };

async function* createDeployment(
  input: CreateDeploymentInput,
  call: Call,
  foresight: Foresight,
): AsyncGenerator<Foreseen> {
  const { applicationName = '', deploymentGroupName = '' } = input;
  const group = await groupOf(call, applicationName, deploymentGroupName);
  if ('fails' in group) {
    yield group;
    return;
  }
  foresight.placeholders.set(DEPLOYMENT_ID, '*');
  const scope = { account: call.account, region: call.region };
  const role = {
    roleArn: group.serviceRoleArn,
    sessionName: DEPLOYMENT_ID,
    sourceArn: deploymentGroupArn(call, applicationName, deploymentGroupName),
  };
  const alarms = alarmWatch(input.overrideAlarmConfiguration ?? group.alarmConfiguration, call).names;
  const planned: Planned = { scope, as: roleUse(scope, role), alarms };
  yield* revision(input, planned);
  const target = yield* targetOf(input, group, call);
  if (target !== undefined) yield* look(target, planned);
  yield* triggers(group, planned);
  yield* readAlarms(planned);
  if (target !== undefined) yield* shift(target, planned);
  const rollback = rollbackPolicy(input.autoRollbackConfiguration ?? group.autoRollbackConfiguration);
  if (target !== undefined && Object.values(rollback).some(Boolean)) yield* lookBack(target, planned);
}

async function groupOf(
  call: Call,
  applicationName: string,
  deploymentGroupName: string,
): Promise<DeploymentGroup | Readonly<{ fails: string }>> {
  const { store } = call.house;
  const application = (await applications.get(store, keyOf(call, applicationName)))?.document;
  const where = `in ${call.account}, ${call.region}`;
  if (application === undefined) return { fails: `there is no application ${applicationName} ${where}` };
  const group = (await deploymentGroups.get(store, groupKey(call, application, deploymentGroupName)))?.document;
  return (
    group ?? { fails: `the application ${applicationName} has no deployment group ${deploymentGroupName} ${where}` }
  );
}

function* revision({ revision }: CreateDeploymentInput, { scope, as }: Planned): Generator<Foreseen> {
  const { bucket, key, version } = revision?.s3Location ?? {};
  if (bucket === undefined) return;
  const input = { Bucket: bucket, Key: key, ...(version !== undefined && { VersionId: version }) };
  yield { service: 's3', operation: 'GetObject', input, scope, as, purpose: 'read the revision' };
}

async function* targetOf(
  { revision }: CreateDeploymentInput,
  group: DeploymentGroup,
  call: Call,
): AsyncGenerator<Foreseen, Target | undefined> {
  const read = revision === undefined ? undefined : inlineAppSpec(revision);
  if (read !== undefined) {
    if ('appSpec' in read) return read.appSpec;
    yield { fails: `the AppSpec cannot be read: ${read.error.message}` };
    return undefined;
  }
  const { lastSuccessful, lastAttempted } = await standing(call.house.store, call, group);
  const last = [lastSuccessful, lastAttempted].find((deployment) => deployment?.target !== undefined);
  if (last?.target === undefined) {
    yield { unknown: 'which function, alias and hooks the AppSpec file names: it lies in the revision' };
    return undefined;
  }
  const { functionName, alias } = last.target;
  yield {
    unknown: `whether the AppSpec file still names ${functionName}:${alias}, as in deployment ${last.deploymentId}`,
  };
  return last.target;
}

function* look({ functionName, alias }: Target, { scope, as }: Planned): Generator<Foreseen> {
  yield {
    service: 'lambda',
    operation: 'GetAlias',
    input: { FunctionName: functionName, Name: alias },
    scope,
    as,
    purpose: `look where the alias ${alias} of ${functionName} points`,
  };
}

function* readAlarms({ scope, as, alarms }: Planned): Generator<Foreseen> {
  if (alarms.length === 0) return;
  const input = { AlarmNames: alarms, AlarmTypes: ['MetricAlarm', 'CompositeAlarm'], MaxRecords: 100 };
  yield { service: 'cloudwatch', operation: 'DescribeAlarms', input, scope, as, purpose: 'watch the alarms' };
}

function* shift(target: Target, planned: Planned): Generator<Foreseen> {
  const { functionName, alias, currentVersion, targetVersion } = target;
  const { scope, as } = planned;
  yield* hook('BeforeAllowTraffic', target, planned);
  yield {
    service: 'lambda',
    operation: 'UpdateAlias',
    input: {
      FunctionName: functionName,
      Name: alias,
      FunctionVersion: currentVersion,
      RoutingConfig: { AdditionalVersionWeights: { [targetVersion]: 0.1 } },
    },
    scope,
    as,
    purpose: `shift the traffic of the alias ${alias} of ${functionName}`,
  };
  yield* hook('AfterAllowTraffic', target, planned);
}

/** What a rollback asks of the version it returns to; denied, it goes on without. See `original-version.ts`. */
function* lookBack({ functionName, currentVersion }: Target, { scope, as }: Planned): Generator<Foreseen> {
  const purpose = 'look, before a rollback, at the version it returns to';
  const FunctionName = functionName;
  for (const [service, operation, input] of [
    ['lambda', 'GetFunctionConfiguration', { FunctionName, Qualifier: currentVersion }],
    ['lambda', 'GetFunctionConcurrency', { FunctionName }],
    ['cloudwatch', 'GetMetricData', { MetricDataQueries: [] }],
  ] as const)
    yield { service, operation, input, scope, as, purpose, optional: true };
}

function* hook(name: LambdaHookName, { hooks }: Target, { scope, as }: Planned): Generator<Foreseen> {
  const functionName = hooks[name];
  if (functionName === undefined) return;
  const input = { FunctionName: functionName, InvocationType: 'Event' };
  yield { service: 'lambda', operation: 'Invoke', input, scope, as, purpose: `call the hook ${name}` };
}

function* triggers({ triggerConfigurations }: DeploymentGroup, { scope, as }: Planned): Generator<Foreseen> {
  for (const { triggerName, triggerTargetArn } of triggerConfigurations) {
    yield {
      service: 'sns',
      operation: 'Publish',
      input: { TopicArn: triggerTargetArn, Message: '' },
      scope,
      as,
      purpose: `fire the trigger ${triggerName ?? ''}`,
      optional: true,
    };
  }
}
