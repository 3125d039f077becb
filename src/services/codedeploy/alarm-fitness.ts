/**
 * Could the alarms of a deployment stop a bad release in time? Decided when it starts (`core/alarm-fitness`, as `sluice
 * fitness` does), by what the group's service role may read. A warning unless the group's tag asks for more or less:
 *
 *   sluice:alarm-fitness = warn | require (CreateDeployment refuses) | off; without it, as SLUICE_ALARM_FITNESS says
 *
 * `cloudwatch:DescribeAlarms` is among the rights of AWS's own roles. How many requests there are is read by
 * `cloudwatch:GetMetricData`, which is not: without it sixty a minute are supposed, and the warning says so.
 */
import { AwsError, HOUR_MS, isAwsError, MINUTE_MS } from '../../common/index.ts';
import {
  type AlarmDescriptions,
  fitnessSummary,
  fitnessWarning,
  FITNESS_TAG,
  type FitnessMode,
  groupFitness,
  type GroupReport,
  readFitnessMode,
  type Situation,
  watchedAlarm,
  type WireAlarm,
  wireAlarms,
} from '../../core/alarm-fitness/index.ts';
import type { AlarmWatch, RollbackPolicy } from '../../core/lambda-deployment/index.ts';
import type { Step } from '../../core/traffic-shift/index.ts';
import type { Client, House, HouseConfig, Scope } from '../service.ts';
import type { Deployment, Tags } from './records.ts';
import { groupArnOf } from './triggers.ts';

/** As `sluice fitness` supposes them. */
const FAULT = 0.3;
const PUBLISH_DELAY_MS = 1000;
const SUPPOSED_RATE = 60;

/** A tag with another value is none. */
export function fitnessMode(tags: Tags, { alarmFitness = 'warn' }: HouseConfig): FitnessMode {
  return readFitnessMode(tags[FITNESS_TAG]) ?? alarmFitness;
}

type Watching = Readonly<{
  steps: readonly Step[];
  alarms: Pick<AlarmWatch, 'names'>;
  rollbackPolicy: Pick<RollbackPolicy, 'onAlarm'>;
}>;

type Fitness = Readonly<{ report: GroupReport; situation: Situation; measured: boolean }>;

/** Throws what DescribeAlarms answers. */
async function fitnessOf(client: Client, { steps, alarms, rollbackPolicy }: Watching, now: number): Promise<Fitness> {
  const described =
    alarms.names.length === 0
      ? []
      : wireAlarms(
          await client.call<AlarmDescriptions>('cloudwatch', 'DescribeAlarms', {
            AlarmNames: alarms.names,
            AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
            MaxRecords: 100,
          }),
        );
  const measured = await requestsPerMinute(client, described, now);
  const situation: Situation = {
    steps,
    finalBakeMs: 0,
    requestsPerMinute: measured ?? SUPPOSED_RATE,
    fault: FAULT,
    baseline: 0,
    publishDelayMs: PUBLISH_DELAY_MS,
  };
  const settings = { alarmsEnabled: true, alarmNames: alarms.names, rollsBackOnAlarm: rollbackPolicy.onAlarm };
  const report = groupFitness(settings, described.map(watchedAlarm), situation);
  return { report, situation, measured: measured !== undefined };
}

/** In the last hour, by the invocations that the alarms' own dimensions count; undefined: none, or they may not be read. */
async function requestsPerMinute(
  client: Client,
  alarms: readonly WireAlarm[],
  now: number,
): Promise<number | undefined> {
  const alarm = alarms.find(({ Namespace }) => Namespace === 'AWS/Lambda');
  if (alarm === undefined) return undefined;
  const Dimensions = (alarm.Dimensions ?? []).filter(({ Name }) => Name !== 'ExecutedVersion');
  const MetricStat = {
    Metric: { Namespace: 'AWS/Lambda', MetricName: 'Invocations', Dimensions },
    Period: 60,
    Stat: 'Sum',
  };
  try {
    const { MetricDataResults = [] } = await client.call<{ MetricDataResults?: { Values?: number[] }[] }>(
      'cloudwatch',
      'GetMetricData',
      {
        StartTime: new Date(now - HOUR_MS),
        EndTime: new Date(now + MINUTE_MS),
        MetricDataQueries: [{ Id: 'requests', MetricStat }],
      },
    );
    const busy = MetricDataResults.flatMap(({ Values = [] }) => Values).filter((value) => value > 0);
    return busy.length === 0 ? undefined : busy.reduce((sum, value) => sum + value, 0) / busy.length;
  } catch (error) {
    if (isAwsError(error)) return undefined;
    throw error;
  }
}

/**
 * Differs from AWS: a starting deployment whose alarms cannot stop a bad release in time is warned of, in its status messages,
 * by an event of its own detail type and in the log; and a tag of its group, or a setting, makes CreateDeployment refuse it.
 *
 * What is to be said of a starting deployment's alarms, said where people look: undefined, or a message for its status, which
 * goes to the event bus and the log too. Never an error: what cannot be read is found out by the deployment itself.
 */
export async function warnOfAlarms(
  work: Readonly<{ house: House; scope: Scope; deployment: Deployment }>,
  client: Client,
  tags: Tags,
): Promise<string | undefined> {
  const { house, scope, deployment } = work;
  if (fitnessMode(tags, house.config) === 'off' || deployment.alarms.names.length === 0) return undefined;
  let fitness: Fitness;
  try {
    fitness = await fitnessOf(client, deployment, house.clock.now());
  } catch (error) {
    if (isAwsError(error)) return undefined;
    throw error;
  }
  const message = fitnessWarning(fitness.report, fitness.situation, fitness.measured);
  if (message === undefined) return undefined;
  const { info, deploymentId } = deployment;
  house.log.warn('no alarm is certain to stop a bad release in time', {
    deploymentId,
    deploymentGroup: `${info.applicationName}/${info.deploymentGroupName}`,
    message,
  });
  await house.door.publish(scope, {
    source: 'aws.codedeploy',
    detailType: 'Sluice Alarm Fitness Warning',
    detail: {
      application: info.applicationName,
      deploymentGroup: info.deploymentGroupName,
      instanceGroupId: info.deploymentGroupId,
      deploymentId,
      region: scope.region,
      message,
      findings: fitness.report.findings.map((finding) => finding.kind),
      alarms: fitness.report.alarms.map(({ name, steps }) => ({ name, verdicts: steps.map(({ verdict }) => verdict) })),
    },
    resources: [
      `arn:aws:codedeploy:${scope.region}:${scope.account}:application:${info.applicationName}`,
      groupArnOf(scope, deployment),
    ],
  });
  return message;
}

/** Throws `InvalidAlarmConfigException` unless an alarm is certain to fire in time; also where that cannot be told. */
export async function requireFitAlarms(
  client: () => Promise<Client>,
  watching: Watching,
  tags: Tags,
  now: number,
): Promise<void> {
  const asks =
    readFitnessMode(tags[FITNESS_TAG]) === undefined
      ? 'SLUICE_ALARM_FITNESS=require asks of every deployment group'
      : `The tag ${FITNESS_TAG} of the deployment group requires`;
  const refuse = (message: string): AwsError =>
    new AwsError('InvalidAlarmConfigException', `${asks} that its alarms be fit. ${message}`);
  let fitness: Fitness;
  try {
    fitness = await fitnessOf(await client(), watching, now);
  } catch (error) {
    if (isAwsError(error)) throw refuse(`That cannot be told: ${error.message}`);
    throw error;
  }
  const { report, situation, measured } = fitness;
  if (!report.fit) throw refuse(fitnessSummary(report, situation, measured));
}
