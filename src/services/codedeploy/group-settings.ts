/** Settings that a deployment group and a deployment share: alarms, rollback, triggers. Each has its own exception. */
import type {
  AlarmConfiguration,
  AutoRollbackConfiguration,
  DeploymentStyle,
  TriggerConfig,
} from '@aws-sdk/client-codedeploy';
import { AwsError, parseArn } from '../../common/index.ts';
import type { RollbackPolicy } from '../../core/lambda-deployment/index.ts';
import type { AlarmWatch } from '../../core/lambda-deployment/index.ts';
import type { Scope } from '../service.ts';

const MOST_ALARMS = 10;
const MOST_TRIGGERS = 10;
const ROLLBACK_EVENTS: readonly string[] = [
  'DEPLOYMENT_FAILURE',
  'DEPLOYMENT_STOP_ON_ALARM',
  'DEPLOYMENT_STOP_ON_REQUEST',
];
const TRIGGER_EVENTS: readonly string[] = [
  'DeploymentStart',
  'DeploymentSuccess',
  'DeploymentFailure',
  'DeploymentStop',
  'DeploymentRollback',
  'DeploymentReady',
  'InstanceStart',
  'InstanceSuccess',
  'InstanceFailure',
  'InstanceReady',
];

export function checkedAlarms(config: AlarmConfiguration | undefined): AlarmConfiguration | undefined {
  if (config === undefined) return undefined;
  const invalid = (message: string) => new AwsError('InvalidAlarmConfigException', message);
  const { enabled = false, ignorePollAlarmFailure = false } = config;
  const alarms = config.alarms ?? [];
  if (enabled && alarms.length === 0) throw invalid('At least one alarm must be given when alarms are enabled.');
  const names = new Set<string>();
  for (const alarm of alarms) {
    const name = alarm?.name;
    if (typeof name !== 'string' || name === '' || name.length > 255) {
      throw invalid('Each alarm must have a name of 1 to 255 characters.');
    }
    if (names.has(name)) throw invalid(`The alarm ${name} is given more than once.`);
    names.add(name);
  }
  if (names.size > MOST_ALARMS) {
    throw new AwsError(
      'AlarmsLimitExceededException',
      `The maximum number of alarms for a deployment group (${MOST_ALARMS}) was exceeded.`,
    );
  }
  return { enabled, ignorePollAlarmFailure, alarms: [...names].map((name) => ({ name })) };
}

/** What a deployment watches. */
export function alarmWatch(config: AlarmConfiguration | undefined, scope: Scope): AlarmWatch {
  const names = config?.enabled === true ? (config.alarms ?? []).map((alarm) => alarm.name ?? '') : [];
  return {
    names,
    arns: names.map((name) => `arn:aws:cloudwatch:${scope.region}:${scope.account}:alarm:${name}`),
    ignorePollFailure: config?.ignorePollAlarmFailure ?? false,
  };
}

export function checkedRollback(config: AutoRollbackConfiguration | undefined): AutoRollbackConfiguration | undefined {
  if (config === undefined) return undefined;
  const { enabled = false } = config;
  const events = config.events ?? [];
  if (enabled && events.length === 0) {
    throw new AwsError(
      'InvalidAutoRollbackConfigException',
      'At least one event must be given when automatic rollback is enabled.',
    );
  }
  for (const event of events) {
    if (!ROLLBACK_EVENTS.includes(event)) {
      throw new AwsError(
        'InvalidAutoRollbackConfigException',
        `${event} is not an event of automatic rollback. Expected one of ${ROLLBACK_EVENTS.join(', ')}.`,
      );
    }
  }
  return { enabled, events: [...new Set(events)] };
}

export function rollbackPolicy(config: AutoRollbackConfiguration | undefined): RollbackPolicy {
  const events = config?.enabled === true ? (config.events ?? []) : [];
  return {
    onFailure: events.includes('DEPLOYMENT_FAILURE'),
    onAlarm: events.includes('DEPLOYMENT_STOP_ON_ALARM'),
    onRequest: events.includes('DEPLOYMENT_STOP_ON_REQUEST'),
  };
}

export function checkedTriggers(triggers: readonly TriggerConfig[] | undefined): readonly TriggerConfig[] {
  const invalid = (message: string) => new AwsError('InvalidTriggerConfigException', message);
  const names = new Set<string>();
  for (const { triggerName, triggerTargetArn, triggerEvents } of triggers ?? []) {
    if (triggerName === undefined || triggerName === '') throw invalid('Each trigger must have a name.');
    if (names.has(triggerName)) throw invalid(`The trigger ${triggerName} is given more than once.`);
    names.add(triggerName);
    if (triggerTargetArn === undefined || parseArn(triggerTargetArn)?.service !== 'sns') {
      throw invalid(`The target of the trigger ${triggerName} must be the ARN of an Amazon SNS topic.`);
    }
    if (triggerEvents === undefined || triggerEvents.length === 0)
      throw invalid(`The trigger ${triggerName} has no events.`);
    for (const event of triggerEvents) {
      if (!TRIGGER_EVENTS.includes(event)) throw invalid(`${event} is not an event of a trigger.`);
    }
  }
  if (names.size > MOST_TRIGGERS) {
    throw new AwsError(
      'TriggerTargetsLimitExceededException',
      `The maximum number of triggers (${MOST_TRIGGERS}) was exceeded.`,
    );
  }
  return triggers ?? [];
}

export const LAMBDA_STYLE: DeploymentStyle = { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' };

/** A Lambda deployment has one style only. */
export function checkedLambdaStyle(style: DeploymentStyle | undefined): DeploymentStyle {
  const { deploymentType = 'BLUE_GREEN', deploymentOption = 'WITH_TRAFFIC_CONTROL' } = style ?? {};
  if (deploymentType !== 'BLUE_GREEN' || deploymentOption !== 'WITH_TRAFFIC_CONTROL') {
    throw new AwsError(
      'InvalidDeploymentStyleException',
      'For a deployment group on the compute platform Lambda, deploymentType can be set to BLUE_GREEN and deploymentOption can be set to WITH_TRAFFIC_CONTROL only.',
    );
  }
  return LAMBDA_STYLE;
}

/** Throws `RoleRequiredException` or `InvalidRoleException`. */
export function checkedRole(roleArn: string | undefined, account: string): string {
  if (roleArn === undefined || roleArn === '')
    throw new AwsError('RoleRequiredException', 'The service role ARN must be specified.');
  const arn = parseArn(roleArn);
  if (arn === undefined || arn.service !== 'iam' || !/^role\/.+/.test(arn.resource) || !/^\d{12}$/.test(arn.account)) {
    throw new AwsError('InvalidRoleException', `The service role ARN is not in a valid format: ${roleArn}`);
  }
  if (arn.account !== account) throw new AwsError('InvalidRoleException', 'Cross-account pass role is not allowed.');
  return roleArn;
}
