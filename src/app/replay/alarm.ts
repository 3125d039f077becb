/** An alarm decided again, and judged anew by its datapoints with another rule. */
import { AwsError, DAY_MS, type EpochMs, isoMillis } from '../../common/index.ts';
import type { AlarmState, AlarmValue } from '../../core/alarm/index.ts';
import {
  type AlarmMove,
  changedRule,
  ALARM_KEYS,
  isAlarmKey,
  isProblem,
  playAlarm,
  type Setting,
  stateAt,
} from '../../core/replay/index.ts';
import type { Scope } from '../../services/index.ts';
import { ALARM_KIND, type KeptDefinition, metricOf, movesOf } from './alarms.ts';
import type { ChangedAnswer, ReplayAnswer } from './answer.ts';
import { type Decided, rowsFrom } from './changed.ts';
import type { Asked } from './deployment.ts';
import { checkOf, type Record, recordOf, type ReplayTools, turnLine, withoutSecrets } from './record.ts';
import { durationWords, ruleWords } from './words.ts';

type State = AlarmState<KeptDefinition>;
type OfAlarm = Omit<ReplayAnswer, 'differs' | 'parts' | 'id' | 'name' | 'account' | 'region'>;

export async function alarmAnswer(
  tools: ReplayTools,
  scope: Scope,
  name: string,
  asked: Asked,
): Promise<OfAlarm | undefined> {
  const key = { account: scope.account, region: scope.region, id: name };
  const record = await recordOf<State>(tools, ALARM_KIND, key);
  if (record === undefined) return undefined;
  const { history, replay } = record;
  const instantAt = asked.at?.(history.beginning.at);
  const state = instantAt === undefined ? undefined : stateAt(history, replay, instantAt);
  return {
    kind: 'alarm',
    status: replay.state.current.value,
    from: isoMillis(history.beginning.at),
    whole: history.beginning.created,
    turns: replay.turns.map((turn) => turnLine('alarm', turn)),
    ...checkOf('alarm', record),
    notes: [],
    ...(state !== undefined &&
      instantAt !== undefined && {
        instant: {
          at: isoMillis(instantAt),
          is: [`${state.current.value}: ${state.current.reason}`, ruleWords(state.definition.rule)],
          state: withoutSecrets(state),
        },
      }),
    ...(asked.settings.length > 0 && { changed: await changedAnswer(tools, scope, record, asked.settings) }),
  };
}

/** Datapoints of a minute are kept so long. Source: CloudWatch User Guide, "Metrics retention". */
const KEPT_MS = 15 * DAY_MS;

async function changedAnswer(
  tools: ReplayTools,
  scope: Scope,
  { history, replay }: Record<State>,
  settings: readonly Setting[],
): Promise<ChangedAnswer> {
  const unknown = settings.find(({ key }) => !isAlarmKey(key));
  if (unknown !== undefined)
    throw new AwsError('ValidationException', `--set ${unknown.key}: an alarm knows ${ALARM_KEYS.join(', ')}.`);
  const { definition } = replay.state;
  const rule = changedRule(definition.rule, settings);
  if (isProblem(rule)) throw new AwsError('ValidationException', `--set ${rule.problem}.`);
  const now = tools.house.clock.now();
  // What its metric was before it was last changed is not asked.
  const changedAt = replay.turns.findLast(({ event }) => event.type === 'Configured')?.at ?? history.beginning.at;
  const from = Math.max(changedAt, now - KEPT_MS);
  const metric = await metricOf(tools, scope, definition, rule, from, now);
  const value = stateAt(history, replay, from)?.current.value ?? 'OK';
  const byHand = replay.turns.flatMap(({ at, event, after }) =>
    event.type === 'StateSet' && at > from ? [{ at, value: after.current.value, reason: after.current.reason }] : [],
  );
  const was = movesOf(replay.turns).filter(({ at }) => at > from);
  const would = movesBetween(byHand, value, from, now, (start, of, until) =>
    playAlarm({ ...definition, rule }, metric, of, start, until),
  );
  const rows = rowsFrom(was.map(decided), would.map(decided));
  return {
    settings: settings.map(({ key, value: to }) => `${key}=${to}`),
    same: rows.length === 0,
    rows,
    outcome: { was: outcomeOf(was, value, now), would: outcomeOf(would, value, now) },
    assumed: [
      ...(from === history.beginning.at
        ? []
        : [`Judged from ${isoMillis(from)} on: before, the alarm was another, or its datapoints are gone.`]),
      ...(metric.slots.size === 0 ? ['Its metric holds no datapoints of that time.'] : []),
      'Every datapoint is taken to have been there when its period was looked at.',
    ],
  };
}

/** A state set by hand holds until the next look. */
function movesBetween(
  byHand: readonly AlarmMove[],
  value: AlarmValue,
  from: EpochMs,
  to: EpochMs,
  play: (from: EpochMs, value: AlarmValue, to: EpochMs) => readonly AlarmMove[],
): readonly AlarmMove[] {
  const moves: AlarmMove[] = [];
  let [start, current] = [from, value];
  for (const set of [...byHand, undefined]) {
    moves.push(...play(start, current, set?.at ?? to));
    current = moves.at(-1)?.value ?? current;
    if (set === undefined) break;
    if (set.value !== current) moves.push(set);
    [start, current] = [set.at, set.value];
  }
  return moves;
}

function decided({ at, value, reason }: AlarmMove): Decided {
  return { at, lines: [value, reason] };
}

function outcomeOf(moves: readonly AlarmMove[], value: AlarmValue, now: EpochMs): string {
  const raised = moves.filter((move) => move.value === 'ALARM');
  const inAlarmMs = raised.reduce((sum, { at }) => sum + ((moves.find((move) => move.at > at)?.at ?? now) - at), 0);
  const last = moves.at(-1)?.value ?? value;
  if (raised.length === 0) return `never in ALARM; ${last} now`;
  const times = raised.length === 1 ? 'once' : `${raised.length} times`;
  return `${times} in ALARM, ${durationWords(inAlarmMs)} in all; ${last} now`;
}
