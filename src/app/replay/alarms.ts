/** Alarms and their datapoints, as the store has them. */
import { type EpochMs, isAwsError, MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import {
  type AlarmDefinition,
  type AlarmRule,
  type AlarmState,
  type AlarmValue,
  evaluationRange,
} from '../../core/alarm/index.ts';
import { needsDistribution, parseStatistic } from '../../core/metric-statistics/index.ts';
import { type AlarmMove, type MetricRecord, slotMsOf, stateAt, together } from '../../core/replay/index.ts';
import type { Scope } from '../../services/index.ts';
import { collection, metricIdentity, type MetricSlot, readMetric } from '../../store/index.ts';
import { recordOf, type ReplayTools } from './record.ts';

/** As `services/cloudwatch` keeps it. */
export type KeptDefinition = AlarmDefinition &
  Readonly<{
    query: Readonly<{
      namespace: string;
      metricName: string;
      dimensions: readonly Readonly<{ Name: string; Value: string }>[];
      unit?: string;
    }>;
  }>;

export const ALARM_KIND = 'cloudwatch.alarm';
export const alarms = collection<AlarmState<KeptDefinition>>(ALARM_KIND);

export type PastAlarm = Readonly<{
  name: string;
  arn: string;
  /** As it is now. */
  definition: KeptDefinition;
  /** As it was at the instant asked for; absent: its history does not reach back. */
  definitionThen?: KeptDefinition;
  value: AlarmValue;
  moves: readonly AlarmMove[];
}>;

/** Undefined: there is no such alarm any more. */
export async function pastAlarm(
  tools: ReplayTools,
  scope: Scope,
  name: string,
  from: EpochMs,
): Promise<PastAlarm | undefined> {
  const key = { account: scope.account, region: scope.region, id: name };
  const stored = (await alarms.get(tools.house.store, key))?.document;
  if (stored === undefined) return undefined;
  const known = { name, arn: stored.alarmArn, definition: stored.definition };
  const record = await recordOf<AlarmState<KeptDefinition>>(tools, ALARM_KIND, key, { reaching: from }).catch(
    (error: unknown) => {
      if (isAwsError(error)) return undefined;
      throw error;
    },
  );
  if (record === undefined) return { ...known, value: 'OK', moves: [] };
  const moves = movesOf(record.replay.turns).filter(({ at }) => at > from);
  const past = stateAt(record.history, record.replay, from);
  if (past === undefined) return { ...known, value: 'OK', moves };
  return { ...known, definitionThen: past.definition, value: past.current.value, moves };
}

/** Each change of state. */
export function movesOf(
  turns: readonly Readonly<{ at: EpochMs; before: AlarmState; after: AlarmState }>[],
): readonly AlarmMove[] {
  return turns
    .filter(({ before, after }) => before.current.value !== after.current.value)
    .map(({ at, after: { current } }) => ({ at, value: current.value, reason: current.reason }));
}

/** Enough before `from` for a window of the rule that ends there. */
export function warmUpMs(rule: AlarmRule): number {
  return evaluationRange(rule) * rule.period * SECOND_MS + 2 * MINUTE_MS;
}

/** What the alarm's metric holds from well before `from` until `to`, in slots that windows of `rule` are made of. */
export async function metricOf(
  { house }: ReplayTools,
  scope: Scope,
  { query, statisticName }: KeptDefinition,
  rule: AlarmRule,
  from: EpochMs,
  to: EpochMs,
): Promise<MetricRecord> {
  const slotMs = slotMsOf(rule);
  const statistic = parseStatistic(statisticName);
  const startAt = Math.floor((from - 2 * warmUpMs(rule)) / MINUTE_MS) * MINUTE_MS;
  const found = await readMetric(house.store, {
    identity: metricIdentity({
      account: scope.account,
      region: scope.region,
      namespace: query.namespace,
      name: query.metricName,
      dimensions: query.dimensions.map(({ Name, Value }) => ({ name: Name, value: Value })),
    }),
    startAt,
    endAt: to,
    periodMs: slotMs,
    distribution: statistic !== undefined && needsDistribution(statistic),
    ...(query.unit !== undefined && { unit: query.unit }),
  });
  const slots = new Map<number, MetricSlot>();
  for (const slot of found) {
    const known = slots.get(slot.slot);
    slots.set(slot.slot, known === undefined ? slot : { ...slot, ...together(known, slot) });
  }
  return { startAt, slotMs, slots };
}
