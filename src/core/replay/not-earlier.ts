/**
 * Why a bad release was not stopped earlier: the first instant at which an alarm could have acted, by the datapoints that
 * there were, and what each rule on the way from there to the deed cost.
 *
 * The alarm is played over its datapoints as its rule is now, then with one datapoint sufficing, then with the shortest
 * period as well; what lies between two of these instants is the cost of that rule.
 */
import { type EpochMs, MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import { type AlarmDefinition, type AlarmRule, type AlarmValue, breaches, evaluationRange } from '../alarm/index.ts';
import { type AlarmMove, datapointOf, type MetricRecord, playAlarm, slotMsOf } from './alarm-play.ts';

export type SuspectAlarm = Readonly<{
  name: string;
  /** As it is now, or as it was then where it is gone. */
  definition: AlarmDefinition;
  /** When it was changed since; its rule of then. */
  ruleThen?: AlarmRule;
  /** When the traffic moved. */
  value: AlarmValue;
  metric: MetricRecord;
  /** As recorded. */
  moves: readonly AlarmMove[];
}>;

export type CostRule = 'Period' | 'Publishing' | 'DatapointsToAlarm' | 'Poll';

/**
 * How long a rule made it wait. `Period`: from the first request (or the beginning of the datapoint's period, if that was
 * later) to its end; `Publishing`: from there to the look at it.
 */
export type Cost = Readonly<{ rule: CostRule; costMs: number }>;

export type NotEarlier = Readonly<{
  alarm: string;
  rule: AlarmRule;
  ruleThen?: AlarmRule;
  /** When the new version got its first requests. */
  movedAt: EpochMs;
  /** The first datapoint over the threshold since: its start, its length, its value. */
  firstBreach: Readonly<{ at: EpochMs; periodMs: number; value: number }>;
  /** The first look at it: nothing that waits for whole periods could have acted before. */
  earliestAt: EpochMs;
  /** By the rule of now; absent: it would not have raised the alarm at all. */
  raisedAt?: EpochMs;
  /** When the alarm was in fact raised. */
  wasRaisedAt?: EpochMs;
  /** When the deployment acted, or ended without having acted. */
  endedAt: EpochMs;
  acted: boolean;
  /** In order, from the first breach on. */
  costs: readonly Cost[];
}>;

/** Of the alarm that could have acted first; undefined: none of them saw anything. `until`: the end of the record. */
export function whyNotEarlier(
  alarms: readonly SuspectAlarm[],
  movedAt: EpochMs,
  end: Readonly<{ at: EpochMs; acted: boolean }>,
  until: EpochMs,
): NotEarlier | undefined {
  return alarms
    .flatMap((alarm) => ofAlarm(alarm, movedAt, end, until) ?? [])
    .toSorted((one, other) => one.earliestAt - other.earliestAt)[0];
}

function ofAlarm(
  alarm: SuspectAlarm,
  movedAt: EpochMs,
  end: Readonly<{ at: EpochMs; acted: boolean }>,
  until: EpochMs,
): NotEarlier | undefined {
  const { definition, metric, value } = alarm;
  const { rule } = definition;
  const single = { ...rule, evaluationPeriods: 1, datapointsToAlarm: 1 };
  const shortest = Math.min(rule.period, slotMsOf(rule) / SECOND_MS);
  const raised = (tried: AlarmRule): EpochMs | undefined =>
    raisedAt({ ...definition, rule: tried }, metric, value, movedAt, until);
  const asItIs = raised(rule);
  const bySingle = raised(single);
  const byShortest = shortest < rule.period ? raised({ ...single, period: shortest }) : bySingle;
  const earliestAt = least(bySingle, byShortest);
  if (earliestAt === undefined) return undefined;
  const inShortest = byShortest !== undefined && byShortest <= earliestAt;
  const firstBreach = breachBefore(
    definition,
    metric,
    inShortest ? shortest * SECOND_MS : rule.period * SECOND_MS,
    earliestAt,
    movedAt,
  );
  if (firstBreach === undefined) return undefined;
  const wasRaisedAt = alarm.moves.find((move) => move.value === 'ALARM' && move.at > movedAt && move.at <= end.at)?.at;
  return {
    alarm: alarm.name,
    rule,
    ...(alarm.ruleThen !== undefined && { ruleThen: alarm.ruleThen }),
    movedAt,
    firstBreach,
    earliestAt,
    ...(asItIs !== undefined && { raisedAt: asItIs }),
    ...(wasRaisedAt !== undefined && { wasRaisedAt }),
    endedAt: end.at,
    acted: end.acted,
    costs: costsOf(firstBreach, movedAt, earliestAt, bySingle, asItIs, end.acted ? wasRaisedAt : undefined, end.at),
  };
}

function costsOf(
  { at, periodMs }: NotEarlier['firstBreach'],
  movedAt: EpochMs,
  earliestAt: EpochMs,
  bySingle: EpochMs | undefined,
  asItIs: EpochMs | undefined,
  wasRaisedAt: EpochMs | undefined,
  endedAt: EpochMs,
): readonly Cost[] {
  const costs: Cost[] = [];
  const longer = bySingle === undefined ? 0 : bySingle - earliestAt;
  costs.push(
    { rule: 'Period', costMs: at + periodMs - Math.max(at, movedAt) + longer },
    { rule: 'Publishing', costMs: earliestAt - (at + periodMs) },
  );
  if (asItIs !== undefined && bySingle !== undefined)
    costs.push({ rule: 'DatapointsToAlarm', costMs: asItIs - bySingle });
  if (wasRaisedAt !== undefined) costs.push({ rule: 'Poll', costMs: Math.max(0, endedAt - wasRaisedAt) });
  return costs.filter(({ costMs }) => costMs > 0);
}

/** The alarm has had time before `movedAt` to know what was normal; what it raised then is not the release's doing. */
function raisedAt(
  definition: AlarmDefinition,
  metric: MetricRecord,
  value: AlarmValue,
  movedAt: EpochMs,
  until: EpochMs,
): EpochMs | undefined {
  const { rule } = definition;
  const from = movedAt - evaluationRange(rule) * rule.period * SECOND_MS - MINUTE_MS;
  const before = value === 'ALARM' ? 'ALARM' : 'OK';
  return playAlarm(definition, metric, before, from, until).find((move) => move.value === 'ALARM' && move.at > movedAt)
    ?.at;
}

/** The newest datapoint over the threshold that a look at `seenAt` finds. */
function breachBefore(
  { rule, statisticName }: AlarmDefinition,
  metric: MetricRecord,
  periodMs: number,
  seenAt: EpochMs,
  movedAt: EpochMs,
): NotEarlier['firstBreach'] | undefined {
  const endAt = Math.floor(seenAt / metric.slotMs) * metric.slotMs;
  for (let at = endAt - periodMs; at > movedAt - 2 * periodMs; at -= periodMs) {
    const { value } = datapointOf(metric, statisticName, at, periodMs);
    if (value !== undefined && breaches(rule, value)) return { at, periodMs, value };
  }
  return undefined;
}

function least(...instants: readonly (EpochMs | undefined)[]): EpochMs | undefined {
  const known = instants.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
