/** A deployment group with what it watches, from a running server or from files; and as it is played. */
import {
  metricOf,
  otherKindWords,
  ruleOf,
  scopeOf,
  statisticNameOf,
  type WireAlarm,
} from '../../core/alarm-fitness/index.ts';
import type { JudgeSettings } from '../../core/judge/index.ts';
import { isPlayed, type Plan, type RehearsedAlarm } from '../../core/rehearsal/index.ts';
import { type Routing, shiftSteps, type Step } from '../../core/traffic-shift/index.ts';

export type Target = Readonly<{ application: string; group: string }>;

export type WatchedGroup = Target &
  Readonly<{
    steps: readonly Step[];
    alarmNames: readonly string[];
    alarmsEnabled: boolean;
    ignorePollFailure: boolean;
    rollsBackOnAlarm: boolean;
    rollsBackOnFailure: boolean;
    hooks: readonly ('BeforeAllowTraffic' | 'AfterAllowTraffic')[];
    judge?: JudgeSettings;
    /** Those of `alarmNames` that are known. */
    alarms: readonly WireAlarm[];
  }>;

export type WireGroup = Readonly<{
  alarmConfiguration?: Readonly<{
    enabled?: boolean;
    ignorePollAlarmFailure?: boolean;
    alarms?: readonly { name?: string }[];
  }>;
  autoRollbackConfiguration?: Readonly<{ enabled?: boolean; events?: readonly string[] }>;
  hooks?: WatchedGroup['hooks'];
  judge?: JudgeSettings;
}>;

export function alarmNamesOf({ alarmConfiguration }: WireGroup): readonly string[] {
  return (alarmConfiguration?.alarms ?? []).flatMap(({ name }) => name ?? []);
}

export function watchedGroup(
  target: Target,
  group: WireGroup,
  routing: Routing,
  alarms: readonly WireAlarm[],
): WatchedGroup {
  const rollback = group.autoRollbackConfiguration;
  const rollsBackOn = (event: string): boolean => rollback?.enabled === true && (rollback.events ?? []).includes(event);
  return {
    application: target.application,
    group: target.group,
    steps: shiftSteps(routing),
    alarmNames: alarmNamesOf(group),
    alarmsEnabled: group.alarmConfiguration?.enabled === true,
    ignorePollFailure: group.alarmConfiguration?.ignorePollAlarmFailure === true,
    rollsBackOnAlarm: rollsBackOn('DEPLOYMENT_STOP_ON_ALARM'),
    rollsBackOnFailure: rollsBackOn('DEPLOYMENT_FAILURE'),
    hooks: group.hooks ?? [],
    ...(group.judge === undefined ? {} : { judge: group.judge }),
    alarms,
  };
}

/** A group as it is played, and what of it cannot be. `missingStops`: an alarm that is not known does not exist. */
export function deploymentPlan(
  group: WatchedGroup,
  { missingStops }: Readonly<{ missingStops: boolean }>,
): Readonly<{ plan: Plan; remarks: readonly string[] }> {
  const alarms = group.alarms.map(rehearsed);
  const missing = group.alarmNames.filter((name) => !alarms.some((alarm) => alarm.name === name));
  const remarks = group.alarms
    .filter((alarm) => !isPlayed(rehearsed(alarm)))
    .map((alarm) => {
      if (alarm.otherKind !== undefined)
        return `the alarm ${alarm.AlarmName} took no part: it is ${otherKindWords(alarm.otherKind)}`;
      const { statistic, metric } = rehearsed(alarm);
      return `the alarm ${alarm.AlarmName} (${statistic} of ${metric}) took no part: a rehearsal has no figures for it`;
    });
  return {
    plan: {
      steps: group.steps,
      alarms: group.alarmsEnabled ? alarms.filter(isPlayed) : [],
      ...(group.alarmsEnabled && missingStops && missing.length > 0 ? { missingAlarms: missing } : {}),
      ignorePollFailure: group.ignorePollFailure,
      rollback: { onAlarm: group.rollsBackOnAlarm, onFailure: group.rollsBackOnFailure },
      hooks: group.hooks,
      ...(group.judge === undefined ? {} : { judge: group.judge }),
    },
    remarks: [
      ...remarks,
      ...missing.map((name) =>
        missingStops ? `the alarm ${name} does not exist` : `the alarm ${name} took no part: it is not among the files`,
      ),
    ],
  };
}

function rehearsed(alarm: WireAlarm): RehearsedAlarm {
  const statistic = statisticNameOf(alarm);
  return {
    name: alarm.AlarmName,
    metric: metricOf(alarm),
    statistic,
    scope: scopeOf(alarm),
    definition: {
      rule: ruleOf(alarm),
      statisticName: statistic,
      actionsEnabled: true,
      actions: { OK: [], ALARM: [], INSUFFICIENT_DATA: [] },
    },
  };
}
