/**
 * A metric alarm: evaluated on time, for ever; deleted by removing its state.
 *
 *   INSUFFICIENT_DATA ◀──▶ OK ◀──▶ ALARM ◀──▶ INSUFFICIENT_DATA      each evaluation, or SetAlarmState
 *
 * A period of a minute or more is evaluated every minute, a shorter one every ten seconds, a little after the boundary so
 * that data of the period just over has arrived. An evaluation reads the datapoints (`ReadDatapoints`) and comes back as
 * `DatapointsRead`; one that was asked for before the alarm was changed or its state set (an older `revision`) is ignored.
 * Actions run on a change of state only.
 *
 * `Definition` is the alarm as its caller wrote it; this room needs `rule`, the statistic and the actions of it.
 * Source: CloudWatch User Guide, "Using Amazon CloudWatch alarms".
 */
import { assertNever, type Decision, type EpochMs, SECOND_MS } from '../../common/index.ts';
import { evaluate, evaluationRange } from './evaluate.ts';
import { reasonData } from './reason.ts';
import type { AlarmRule, AlarmValue, Datapoint } from './rule.ts';

export type StateSnapshot = Readonly<{ value: AlarmValue; reason: string; reasonData?: string; at: EpochMs }>;

export type AlarmDefinition = Readonly<{
  rule: AlarmRule;
  /** As in `StateReasonData`: `Sum`, `p99`. */
  statisticName: string;
  unit?: string;
  actionsEnabled: boolean;
  actions: Readonly<Record<AlarmValue, readonly string[]>>;
}>;

export type AlarmState<Definition extends AlarmDefinition = AlarmDefinition> = Readonly<{
  alarmArn: string;
  definition: Definition;
  /** Moves when the definition or, by hand, the state changes. */
  revision: number;
  current: StateSnapshot;
  /** When the value last changed. */
  transitionedAt: EpochMs;
  configuredAt: EpochMs;
  tags: Readonly<Record<string, string>>;
}>;

export type AlarmEvent<Definition extends AlarmDefinition = AlarmDefinition> = Readonly<
  | { type: 'TimerFired'; timer: string }
  | { type: 'DatapointsRead'; revision: number; points: readonly Datapoint[] }
  | { type: 'Configured'; definition: Definition }
  | { type: 'ActionsSwitched'; enabled: boolean }
  | { type: 'StateSet'; value: AlarmValue; reason: string; reasonData?: string }
  | { type: 'Tagged'; tags: Readonly<Record<string, string>> }
>;

/** Which periods to read: `count` of them, the last ending at `endAt`. */
export type ReadWindow = Readonly<{ endAt: EpochMs; count: number }>;

export type ConfigurationOperation = 'create' | 'update';

export type AlarmEffect<Definition extends AlarmDefinition = AlarmDefinition> = Readonly<
  | { type: 'WakeAt'; timer: string; at: EpochMs }
  | { type: 'Wake'; wakeKey: string }
  | { type: 'ReadDatapoints'; revision: number; window: ReadWindow; definition: Definition; lane: 'read' }
  /** History, and the notification on the event bus. */
  | {
      type: 'RecordConfiguration';
      operation: ConfigurationOperation;
      definition: Definition;
      previous?: Definition;
      current: StateSnapshot;
      at: EpochMs;
    }
  | { type: 'RecordChange'; definition: Definition; from: StateSnapshot; to: StateSnapshot }
  | {
      type: 'RunAction';
      action: string;
      definition: Definition;
      configuredAt: EpochMs;
      from: StateSnapshot;
      to: StateSnapshot;
      lane: 'actions';
    }
>;

export type AlarmDecision<Definition extends AlarmDefinition> = Decision<
  AlarmState<Definition>,
  AlarmEffect<Definition>
>;

/** How long after a boundary the evaluation runs. AWS's delay is not published. */
const EVALUATION_DELAY_MS = SECOND_MS;

export function startAlarm<Definition extends AlarmDefinition>(
  alarmArn: string,
  definition: Definition,
  tags: Readonly<Record<string, string>>,
  now: EpochMs,
): AlarmDecision<Definition> {
  const current: StateSnapshot = { value: 'INSUFFICIENT_DATA', reason: 'Unchecked: Initial alarm creation', at: now };
  return {
    state: { alarmArn, definition, revision: 1, current, transitionedAt: now, configuredAt: now, tags },
    effects: [
      { type: 'RecordConfiguration', operation: 'create', definition, current, at: now },
      { type: 'WakeAt', timer: 'evaluate', at: nextEvaluationAt(definition.rule, now) },
    ],
  };
}

export function decide<Definition extends AlarmDefinition>(
  state: AlarmState<Definition>,
  event: AlarmEvent<Definition>,
  now: EpochMs,
): AlarmDecision<Definition> {
  const { definition, revision } = state;
  switch (event.type) {
    case 'TimerFired':
      return {
        state,
        effects: [
          { type: 'ReadDatapoints', revision, window: readWindow(definition.rule, now), definition, lane: 'read' },
          { type: 'WakeAt', timer: 'evaluate', at: nextEvaluationAt(definition.rule, now) },
        ],
      };
    case 'DatapointsRead': {
      if (event.revision !== revision) return { state, effects: [] };
      const verdict = evaluate(definition.rule, event.points);
      if (verdict.value === 'Keep' || verdict.value === state.current.value) return { state, effects: [] };
      const data = reasonData(definition.rule, definition.statisticName, definition.unit, verdict.evaluated, now);
      return change(state, { value: verdict.value, reason: verdict.reason(), reasonData: data, at: now }, now);
    }
    case 'Configured':
      return {
        state: { ...state, definition: event.definition, revision: revision + 1, configuredAt: now },
        effects: [
          {
            type: 'RecordConfiguration',
            operation: 'update',
            definition: event.definition,
            previous: definition,
            current: state.current,
            at: now,
          },
          { type: 'WakeAt', timer: 'evaluate', at: nextEvaluationAt(event.definition.rule, now) },
        ],
      };
    case 'ActionsSwitched': {
      if (definition.actionsEnabled === event.enabled) return { state, effects: [] };
      const changed = { ...definition, actionsEnabled: event.enabled };
      return {
        state: { ...state, definition: changed, configuredAt: now },
        effects: [
          {
            type: 'RecordConfiguration',
            operation: 'update',
            definition: changed,
            previous: definition,
            current: state.current,
            at: now,
          },
        ],
      };
    }
    case 'StateSet': {
      const to: StateSnapshot = {
        value: event.value,
        reason: event.reason,
        ...(event.reasonData !== undefined && { reasonData: event.reasonData }),
        at: now,
      };
      const next = { ...state, revision: revision + 1 };
      if (to.value === state.current.value) return { state: { ...next, current: to }, effects: [] };
      return change(next, to, now);
    }
    case 'Tagged':
      return { state: { ...state, tags: event.tags }, effects: [] };
    default:
      return assertNever(event);
  }
}

function change<Definition extends AlarmDefinition>(
  state: AlarmState<Definition>,
  to: StateSnapshot,
  now: EpochMs,
): AlarmDecision<Definition> {
  const { definition, current: from, configuredAt } = state;
  const actions = definition.actionsEnabled ? definition.actions[to.value] : [];
  return {
    state: { ...state, current: to, transitionedAt: now },
    effects: [
      { type: 'Wake', wakeKey: state.alarmArn },
      { type: 'RecordChange', definition, from, to },
      ...actions.map(
        (action) => ({ type: 'RunAction', action, definition, configuredAt, from, to, lane: 'actions' }) as const,
      ),
    ],
  };
}

/** Strictly after `now`. */
export function nextEvaluationAt(rule: AlarmRule, now: EpochMs): EpochMs {
  const every = evaluationGridMs(rule);
  return (Math.floor((now - EVALUATION_DELAY_MS) / every) + 1) * every + EVALUATION_DELAY_MS;
}

/** The sliding window of an evaluation at `now`. */
export function readWindow(rule: AlarmRule, now: EpochMs): ReadWindow {
  const every = evaluationGridMs(rule);
  return { endAt: Math.floor(now / every) * every, count: evaluationRange(rule) };
}

function evaluationGridMs(rule: AlarmRule): number {
  return rule.period < 60 ? 10 * SECOND_MS : 60 * SECOND_MS;
}
