/** A deployment group as it stands in a running server: its steps, its alarms, the requests that it gets. */
import { parseArn } from '../../common/index.ts';
import { type AlarmDescriptions, type WireAlarm, wireAlarms } from '../../core/alarm-fitness/index.ts';
import { JUDGE_TAG, type JudgeSettings, readJudgeTag } from '../../core/judge/index.ts';
import type { Routing } from '../../core/traffic-shift/index.ts';
import { OptionError } from '../config.ts';
import {
  alarmNamesOf,
  type Target,
  watchedGroup,
  type WatchedGroup,
  type WireGroup,
} from '../rehearsal/watched-group.ts';
import { type AwsClient, regionOf } from './aws.ts';
import { control } from './endpoint.ts';

export type { Target, WatchedGroup } from '../rehearsal/watched-group.ts';

/** `APPLICATION/GROUP`, or every CodeDeploy action of a pipeline. */
export async function targetsOf(aws: AwsClient, name: string): Promise<readonly Target[]> {
  const slash = name.indexOf('/');
  if (slash > 0) return [{ application: name.slice(0, slash), group: name.slice(slash + 1) }];
  const { pipeline } = (await aws('codepipeline', 'GetPipeline', { name })) as {
    pipeline: {
      stages: readonly {
        actions: readonly {
          name: string;
          roleArn?: string;
          actionTypeId: { provider: string };
          configuration?: Readonly<Record<string, string>>;
        }[];
      }[];
    };
  };
  const found = pipeline.stages
    .flatMap(({ actions }) => actions)
    .filter(({ actionTypeId }) => actionTypeId.provider === 'CodeDeploy')
    .map(({ configuration = {} }) => ({
      application: configuration['ApplicationName'] ?? '',
      group: configuration['DeploymentGroupName'] ?? '',
    }));
  if (found.length === 0) throw new OptionError(`the pipeline ${name} has no CodeDeploy action`);
  return found;
}

/** `defaultJudge`: of a group whose tag says nothing of it. */
export async function readGroup(aws: AwsClient, target: Target, defaultJudge?: JudgeSettings): Promise<WatchedGroup> {
  const { deploymentGroupInfo: group } = (await aws('codedeploy', 'GetDeploymentGroup', {
    applicationName: target.application,
    deploymentGroupName: target.group,
  })) as { deploymentGroupInfo: WireGroup & Readonly<{ deploymentConfigName?: string; serviceRoleArn?: string }> };
  const alarmNames = alarmNamesOf(group);
  const alarms = alarmNames.length === 0 ? [] : await describeAlarms(aws, alarmNames);
  const judge = await judgeOf(aws, target, defaultJudge, group.serviceRoleArn);
  const judged = judge === undefined ? group : { ...group, judge };
  return watchedGroup(target, judged, await routingOf(aws, group.deploymentConfigName ?? ''), alarms);
}

/**
 * What the group's tag asks for, as far as the caller may read tags, or without it the default. A group is in the account of
 * its service role.
 */
async function judgeOf(
  aws: AwsClient,
  { application, group }: Target,
  defaultJudge: JudgeSettings | undefined,
  serviceRoleArn = '',
): Promise<JudgeSettings | undefined> {
  const account = parseArn(serviceRoleArn)?.account ?? '';
  const ResourceArn = `arn:aws:codedeploy:${regionOf(process.env)}:${account}:deploymentgroup:${application}/${group}`;
  type Answer = Readonly<{ Tags?: readonly Readonly<{ Key?: string; Value?: string }>[] }>;
  const { Tags = [] } = await aws('codedeploy', 'ListTagsForResource', { ResourceArn }).then(
    (answer) => answer as Answer,
    (error: unknown): Answer => {
      if (error instanceof Error && error.message.includes('not authorized')) return {};
      throw error;
    },
  );
  const value = Tags.find(({ Key }) => Key === JUDGE_TAG)?.Value;
  if (value === undefined) return defaultJudge;
  const read = readJudgeTag(value);
  if ('problem' in read) throw new OptionError(`${application}/${group}, tag ${JUDGE_TAG}: ${read.problem}`);
  return read.settings;
}

/** The server's own setting (`SLUICE_JUDGE`). */
export async function defaultJudgeOf(endpoint: string): Promise<JudgeSettings | undefined> {
  type Health = Readonly<{ defaults?: Readonly<{ judge: JudgeSettings | null }> }>;
  const { defaults } = await control<Health>(endpoint, 'GET', 'health');
  return defaults?.judge ?? undefined;
}

async function routingOf(aws: AwsClient, deploymentConfigName: string): Promise<Routing> {
  const { deploymentConfigInfo: config } = (await aws('codedeploy', 'GetDeploymentConfig', {
    deploymentConfigName,
  })) as {
    deploymentConfigInfo: {
      trafficRoutingConfig?: {
        type: string;
        timeBasedCanary?: { canaryPercentage: number; canaryInterval: number };
        timeBasedLinear?: { linearPercentage: number; linearInterval: number };
      };
    };
  };
  const { timeBasedCanary: canary, timeBasedLinear: linear } = config.trafficRoutingConfig ?? {};
  if (canary !== undefined)
    return { type: 'TimeBasedCanary', percent: canary.canaryPercentage, intervalMinutes: canary.canaryInterval };
  if (linear !== undefined)
    return { type: 'TimeBasedLinear', percent: linear.linearPercentage, intervalMinutes: linear.linearInterval };
  return { type: 'AllAtOnce' };
}

async function describeAlarms(aws: AwsClient, names: readonly string[]): Promise<readonly WireAlarm[]> {
  const AlarmTypes = ['MetricAlarm', 'CompositeAlarm'];
  return wireAlarms(
    (await aws('monitoring', 'DescribeAlarms', { AlarmNames: names, AlarmTypes })) as AlarmDescriptions,
  );
}

/** Requests a minute in the last hour, by the invocations that the alarms' own dimensions count; undefined: none known. */
export async function requestRate(
  aws: AwsClient,
  endpoint: string,
  alarms: readonly WireAlarm[],
): Promise<number | undefined> {
  const alarm = alarms.find(({ Namespace }) => Namespace === 'AWS/Lambda');
  if (alarm === undefined) return undefined;
  const { epochMs } = await control<{ epochMs: number }>(endpoint, 'GET', 'clock');
  const { Datapoints = [] } = (await aws('monitoring', 'GetMetricStatistics', {
    Namespace: 'AWS/Lambda',
    MetricName: 'Invocations',
    Dimensions: (alarm.Dimensions ?? []).filter(({ Name }) => Name !== 'ExecutedVersion'),
    StartTime: (epochMs - 3_600_000) / 1000,
    EndTime: epochMs / 1000,
    Period: 60,
    Statistics: ['Sum'],
  })) as { Datapoints?: readonly { Sum?: number }[] };
  const sums = Datapoints.map(({ Sum = 0 }) => Sum).filter((sum) => sum > 0);
  if (sums.length === 0) return undefined;
  return sums.reduce((total, sum) => total + sum, 0) / sums.length;
}
