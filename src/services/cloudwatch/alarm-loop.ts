/** Performs what alarms decide: reads datapoints, keeps history, notifies, runs actions. */
import { isAwsError } from '../../common/index.ts';
import { type AlarmEffect, type AlarmEvent, type AlarmState, type Datapoint, decide } from '../../core/alarm/index.ts';
import { defineLoop, type EffectContext, type LoopDefinition } from '../../engine/index.ts';
import { timeSort } from '../../store/index.ts';
import type { House, Scope } from '../service.ts';
import {
  configurationChangeDetail,
  functionEvent,
  stateChangeDetail,
  stateOf,
  topicMessage,
} from './alarm-notifications.ts';
import { readQuery } from './metric-query.ts';
import { ALARM_KIND, alarmArnOf, alarmHistory, type Definition, type HistoryItem } from './records.ts';

type Effect = AlarmEffect<Definition>;
type Run<Type extends Effect['type']> = Extract<Effect, { type: Type }>;

export function alarmLoop(house: House): LoopDefinition<AlarmState<Definition>, AlarmEvent<Definition>, Effect> {
  return defineLoop<AlarmState<Definition>, AlarmEvent<Definition>, Effect>({
    kind: ALARM_KIND,
    decide,
    isFinal: () => false,
    async perform(effect, context) {
      switch (effect.type) {
        case 'ReadDatapoints':
          return {
            type: 'DatapointsRead',
            revision: effect.revision,
            points: await readDatapoints(house, context.key, effect),
          };
        case 'RecordConfiguration':
          return recordConfiguration(house, effect, context);
        case 'RecordChange':
          return recordChange(house, effect, context);
        case 'RunAction':
          return runAction(house, effect, context);
        default:
          return undefined;
      }
    },
  });
}

/** The evaluation range, oldest first, one for each period. */
async function readDatapoints(house: House, scope: Scope, effect: Run<'ReadDatapoints'>): Promise<Datapoint[]> {
  const { query } = effect.definition;
  const { endAt, count } = effect.window;
  const periodMs = query.period * 1000;
  const startAt = endAt - count * periodMs;
  const found = await readQuery(house.store, scope, query, { startAt, endAt, joinUnits: true });
  const byStart = new Map(found.map((point) => [point.at, point]));
  return Array.from({ length: count }, (_, index): Datapoint => {
    const at = startAt + index * periodMs;
    const point = byStart.get(at);
    return { at, ...(point?.value !== undefined && { value: point.value, samples: point.samples }) };
  });
}

async function recordConfiguration(
  house: House,
  effect: Run<'RecordConfiguration'>,
  context: EffectContext,
): Promise<void> {
  const { definition, operation, previous, current, at } = effect;
  const name = definition.wire.AlarmName;
  await addHistory(house, context.key, context.effectId, {
    alarmName: name,
    at,
    type: 'ConfigurationUpdate',
    summary: `Alarm "${name}" ${operation}d`,
    data: configurationData(operation, definition),
  });
  await house.door.publish(context.key, {
    source: 'aws.cloudwatch',
    detailType: 'CloudWatch Alarm Configuration Change',
    detail: configurationChangeDetail(operation, definition, current, previous),
    resources: [alarmArnOf(context.key, name)],
    at,
  });
}

export function configurationData(operation: 'create' | 'update' | 'delete', definition: Definition): string {
  const type = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`;
  return JSON.stringify({ version: '1.0', type, [`${operation}dAlarm`]: { ...definition.wire } }).slice(0, 4095);
}

async function recordChange(house: House, effect: Run<'RecordChange'>, context: EffectContext): Promise<void> {
  const { definition, from, to } = effect;
  const name = definition.wire.AlarmName;
  await addHistory(house, context.key, context.effectId, {
    alarmName: name,
    at: to.at,
    type: 'StateUpdate',
    summary: `Alarm updated from ${from.value} to ${to.value}`,
    data: JSON.stringify({
      version: '1.0',
      oldState: stateOf(from.value, from),
      newState: stateOf(to.value, to),
    }).slice(0, 4095),
  });
  await house.door.publish(context.key, {
    source: 'aws.cloudwatch',
    detailType: 'CloudWatch Alarm State Change',
    detail: stateChangeDetail(definition, from, to),
    resources: [alarmArnOf(context.key, name)],
    at: to.at,
  });
}

/** A refusal (no such topic, not allowed) is told in the history and not repeated; anything else is tried again. */
async function runAction(house: House, effect: Run<'RunAction'>, context: EffectContext): Promise<void> {
  const { action, definition } = effect;
  let failure: string | undefined;
  try {
    await act(house, context.key, effect);
  } catch (error) {
    if (!isAwsError(error)) throw error;
    failure = error.message;
  }
  await addHistory(house, context.key, context.effectId, {
    alarmName: definition.wire.AlarmName,
    at: context.now,
    type: 'Action',
    summary:
      failure === undefined
        ? `Successfully executed action ${action}`
        : `Failed to execute action ${action}. Received error: "${failure}"`.slice(0, 255),
    data: JSON.stringify({
      actionState: failure === undefined ? 'Succeeded' : 'Failed',
      notificationResource: action,
      stateUpdateTimestamp: effect.to.at,
      publishedMessage: null,
      error: failure ?? null,
    }).slice(0, 4095),
  });
}

async function act(house: House, scope: Scope, effect: Run<'RunAction'>): Promise<void> {
  const { action, definition, from, to, configuredAt } = effect;
  const source = { sourceArn: alarmArnOf(scope, definition.wire.AlarmName), sourceAccount: scope.account };
  if (action.split(':')[2] === 'sns') {
    await house.door.asService('cloudwatch.amazonaws.com', scope, source).call('sns', 'Publish', {
      TopicArn: action,
      ...topicMessage(scope, definition, configuredAt, from, to),
    });
    return;
  }
  await house.door.asService('lambda.alarms.cloudwatch.amazonaws.com', scope, source).call('lambda', 'Invoke', {
    FunctionName: action,
    InvocationType: 'Event',
    Payload: new TextEncoder().encode(JSON.stringify(functionEvent(scope, definition, from, to))),
  });
}

async function addHistory(house: House, scope: Scope, effectId: string, item: HistoryItem): Promise<void> {
  await alarmHistory.insert(house.store, { account: scope.account, region: scope.region, id: effectId }, item, {
    parent: item.alarmName,
    sort: `${timeSort(item.at)}-${effectId.padStart(18, '0')}`,
  });
}
