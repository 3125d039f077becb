/** Alarms from PutMetricAlarm to DeleteAlarms. */
import type {
  DeleteAlarmsInput,
  DescribeAlarmsForMetricInput,
  DescribeAlarmsForMetricOutput,
  DescribeAlarmsInput,
  DescribeAlarmsOutput,
  DisableAlarmActionsInput,
  EnableAlarmActionsInput,
  MetricAlarm,
  PutMetricAlarmInput,
  SetAlarmStateInput,
} from '@aws-sdk/client-cloudwatch';
import { type AccessRequest, AwsError } from '../../common/index.ts';
import { type AlarmEvent, startAlarm } from '../../core/alarm/index.ts';
import { timeSort } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { alarmDefinition } from './alarm-definition.ts';
import { configurationData } from './alarm-loop.ts';
import { configurationChangeDetail } from './alarm-notifications.ts';
import { validationError } from './errors.ts';
import { checkedDimensions } from './metric-query.ts';
import { isPosition, readToken, token } from './pages.ts';
import { type Alarm, ALARM_KIND, alarmArnOf, alarmHistory, alarms, type Definition } from './records.ts';
import { checkedTags, tagContext } from './tags.ts';

const DEFAULT_PAGE = 50;

export const putMetricAlarm = operation<PutMetricAlarmInput, void>({
  authorize: (input, call) => [
    { ...alarmAccess(call, 'PutMetricAlarm', input.AlarmName), context: tagContext(input.Tags) },
    ...((input.Tags?.length ?? 0) > 0
      ? [{ ...alarmAccess(call, 'TagResource', input.AlarmName), context: tagContext(input.Tags) }]
      : []),
  ],
  async handle(input, call) {
    const definition = alarmDefinition(input);
    const tags = checkedTags(input.Tags, validationError);
    const key = keyOf(call, definition.wire.AlarmName);
    const { engine, store } = call.house;
    await store.transaction(async (tx) => {
      const { state, effects } = startAlarm(alarmArnOf(call, key.id), definition, tags, call.now);
      if (await engine.create(tx, ALARM_KIND, key, state, effects)) return;
      await engine.submitIn(tx, ALARM_KIND, key, { type: 'Configured', definition } satisfies AlarmEvent<Definition>);
    });
  },
});

export const describeAlarms = operation<DescribeAlarmsInput, DescribeAlarmsOutput>({
  authorize: (input, call) => accessToEach(call, 'DescribeAlarms', input.AlarmNames),
  async handle(input, call) {
    if (input.ChildrenOfAlarmName !== undefined) {
      throw new AwsError('ResourceNotFound', `Could not find the composite alarm ${input.ChildrenOfAlarmName}.`);
    }
    const wanted = input.AlarmNames ?? [];
    if (wanted.length > 0 && input.AlarmNamePrefix !== undefined) {
      throw validationError('AlarmNames and AlarmNamePrefix cannot be specified together.');
    }
    const metricAlarmsAsked = input.AlarmTypes === undefined || input.AlarmTypes.includes('MetricAlarm');
    // Only composite alarms have children, and Sluice has none.
    if (!metricAlarmsAsked || input.ParentsOfAlarmName !== undefined) return { CompositeAlarms: [], MetricAlarms: [] };
    const after = readToken(input.NextToken, isPosition);
    const limit = input.MaxRecords ?? DEFAULT_PAGE;
    const rows =
      wanted.length > 0
        ? (await alarms.getMany(call.house.store, scopeOf(call), [...new Set(wanted)])).sort((a, b) =>
            a.key.id < b.key.id ? -1 : 1,
          )
        : await alarms.list(call.house.store, {
            ...scopeOf(call),
            ...(input.AlarmNamePrefix !== undefined && { idPrefix: input.AlarmNamePrefix }),
          });
    const prefix = input.ActionPrefix;
    const found = rows.filter(
      ({ document: { current, definition }, key }) =>
        (after === undefined || key.id > after.id) &&
        (input.StateValue === undefined || current.value === input.StateValue) &&
        (prefix === undefined ||
          Object.values(definition.actions)
            .flat()
            .some((action) => action.startsWith(prefix))),
    );
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      CompositeAlarms: [],
      MetricAlarms: page.map(({ document }) => metricAlarm(document)),
      ...(found.length > limit && last !== undefined && { NextToken: token({ sort: last.sort, id: last.key.id }) }),
    };
  },
});

export const describeAlarmsForMetric = operation<DescribeAlarmsForMetricInput, DescribeAlarmsForMetricOutput>({
  async handle(input, call) {
    const dimensions = canonical(checkedDimensions(input.Dimensions, 'Dimensions'));
    const statistic = input.Statistic ?? input.ExtendedStatistic;
    const rows = await alarms.list(call.house.store, scopeOf(call));
    return {
      MetricAlarms: rows
        .map(({ document }) => document)
        .filter(({ definition: { query } }) => {
          if (query.namespace !== input.Namespace || query.metricName !== input.MetricName) return false;
          if (canonical(query.dimensions) !== dimensions) return false;
          if (statistic !== undefined && query.statistic !== statistic) return false;
          if (input.Period !== undefined && query.period !== input.Period) return false;
          return input.Unit === undefined || query.unit === input.Unit;
        })
        .map(metricAlarm),
    };
  },
});

/** Unknown names are passed over, as AWS does (unverified). */
export const deleteAlarms = operation<DeleteAlarmsInput, void>({
  authorize: (input, call) => accessToEach(call, 'DeleteAlarms', input.AlarmNames),
  async handle(input, call) {
    const { store, engine, door } = call.house;
    const gone: Alarm[] = [];
    await store.transaction(async (tx) => {
      gone.length = 0;
      for (const name of [...new Set(input.AlarmNames)].sort()) {
        const key = keyOf(call, name);
        const alarm = (await alarms.getForUpdate(tx, key))?.document;
        if (alarm === undefined) continue;
        gone.push(alarm);
        await engine.remove(tx, ALARM_KIND, key);
        await alarmHistory.insert(
          tx,
          { ...key, id: `${call.requestId}-${name}` },
          {
            alarmName: name,
            at: call.now,
            type: 'ConfigurationUpdate',
            summary: `Alarm "${name}" deleted`,
            data: configurationData('delete', alarm.definition),
          },
          { parent: name, sort: `${timeSort(call.now)}-9` },
        );
        await engine.wake(tx, alarm.alarmArn);
      }
    });
    for (const alarm of gone) {
      await door.publish(call, {
        source: 'aws.cloudwatch',
        detailType: 'CloudWatch Alarm Configuration Change',
        detail: configurationChangeDetail('delete', alarm.definition, alarm.current),
        resources: [alarm.alarmArn],
        at: call.now,
      });
    }
  },
});

export const setAlarmState = operation<SetAlarmStateInput, void>({
  authorize: (input, call) => [alarmAccess(call, 'SetAlarmState', input.AlarmName)],
  async handle(input, call) {
    if (input.StateReasonData !== undefined && !isJson(input.StateReasonData)) {
      throw new AwsError('InvalidFormatFault', 'StateReasonData was not valid JSON');
    }
    const event: AlarmEvent<Definition> = {
      type: 'StateSet',
      value: input.StateValue ?? 'OK',
      reason: input.StateReason ?? '',
      ...(input.StateReasonData !== undefined && { reasonData: input.StateReasonData }),
    };
    const state = await call.house.engine.submit(ALARM_KIND, keyOf(call, input.AlarmName ?? ''), event);
    if (state === undefined) throw new AwsError('ResourceNotFound', `Unknown alarm ${input.AlarmName ?? ''}`);
  },
});

export const enableAlarmActions = operation<EnableAlarmActionsInput, void>({
  authorize: (input, call) => accessToEach(call, 'EnableAlarmActions', input.AlarmNames),
  handle: (input, call) => switchActions(call, input.AlarmNames, true),
});

export const disableAlarmActions = operation<DisableAlarmActionsInput, void>({
  authorize: (input, call) => accessToEach(call, 'DisableAlarmActions', input.AlarmNames),
  handle: (input, call) => switchActions(call, input.AlarmNames, false),
});

async function switchActions(call: Call, names: readonly string[] | undefined, enabled: boolean): Promise<void> {
  const event: AlarmEvent<Definition> = { type: 'ActionsSwitched', enabled };
  await call.house.store.transaction(async (tx) => {
    for (const name of [...new Set(names)].sort()) {
      await call.house.engine.submitIn(tx, ALARM_KIND, keyOf(call, name), event);
    }
  });
}

function metricAlarm(alarm: Alarm): MetricAlarm {
  const { definition, current } = alarm;
  return {
    ...(definition.wire as MetricAlarm),
    AlarmArn: alarm.alarmArn,
    ActionsEnabled: definition.actionsEnabled,
    AlarmConfigurationUpdatedTimestamp: new Date(alarm.configuredAt),
    StateValue: current.value,
    StateReason: current.reason,
    ...(current.reasonData !== undefined && { StateReasonData: current.reasonData }),
    StateUpdatedTimestamp: new Date(current.at),
    StateTransitionedTimestamp: new Date(alarm.transitionedAt),
  };
}

function canonical(dimensions: readonly Readonly<{ Name: string; Value: string }>[]): string {
  return JSON.stringify(
    dimensions.map(({ Name, Value }) => [Name, Value]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  );
}

function scopeOf(call: Call): { account: string; region: string } {
  return { account: call.account, region: call.region };
}

export function keyOf(call: Call, id: string) {
  return { ...scopeOf(call), id };
}

function alarmAccess(call: Call, action: string, name: unknown): AccessRequest {
  return { action: `cloudwatch:${action}`, resource: alarmArnOf(call, typeof name === 'string' ? name : '*') };
}

/** On each alarm named; on all, when none is. */
function accessToEach(call: Call, action: string, names: unknown): AccessRequest[] {
  const list = Array.isArray(names) && names.length > 0 ? names : ['*'];
  return list.map((name) => alarmAccess(call, action, name));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
