import { expect, test } from 'vitest';
import {
  type AlarmDefinition,
  type AlarmEvent,
  type AlarmState,
  decide,
  nextEvaluationAt,
  startAlarm,
} from './decide.ts';

const T0 = Date.UTC(2026, 10, 24, 6, 4, 30);
const ARN = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:errors';
const definition: AlarmDefinition = {
  rule: {
    period: 60,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    threshold: 0,
    comparison: 'GreaterThanThreshold',
    treatMissingData: 'missing',
  },
  statisticName: 'Sum',
  actionsEnabled: true,
  actions: { OK: ['arn:ok'], ALARM: ['arn:alarm'], INSUFFICIENT_DATA: [] },
};
const breach: AlarmEvent = { type: 'DatapointsRead', revision: 1, points: [{ at: T0, value: 5, samples: 5 }] };

function given(over: Partial<AlarmState> = {}): AlarmState {
  return { ...startAlarm(ARN, definition, {}, T0).state, ...over };
}

test('startAlarm() begins without data and waits for the next minute', () => {
  const { state, effects } = startAlarm(ARN, definition, {}, T0);
  expect(state.current).toEqual({ value: 'INSUFFICIENT_DATA', reason: 'Unchecked: Initial alarm creation', at: T0 });
  expect(effects).toContainEqual({ type: 'WakeAt', timer: 'evaluate', at: Date.UTC(2026, 10, 24, 6, 5, 1) });
});

test('decide() reads the periods that end at the last boundary, and sets the next timer', () => {
  const now = Date.UTC(2026, 10, 24, 6, 5, 1);
  const { effects } = decide(given(), { type: 'TimerFired', timer: 'evaluate' }, now);
  expect(effects).toMatchObject([
    { type: 'ReadDatapoints', revision: 1, window: { endAt: now - 1000, count: 3 } },
    { type: 'WakeAt', at: now + 60_000 },
  ]);
});

test('decide() acts on a change of state, and only then', () => {
  const first = decide(given(), breach, T0);
  expect(first.state.current.value).toBe('ALARM');
  expect(first.effects.map((effect) => effect.type)).toEqual(['Wake', 'RecordChange', 'RunAction']);
  expect(first.effects[0]).toEqual({ type: 'Wake', wakeKey: ARN });
  const second = decide(first.state, breach, T0 + 60_000);
  expect(second).toEqual({ state: first.state, effects: [] });
});

test('decide() changes the state but runs no action while actions are disabled', () => {
  const off = decide(given(), { type: 'ActionsSwitched', enabled: false }, T0).state;
  const { state, effects } = decide(off, breach, T0);
  expect(state.current.value).toBe('ALARM');
  expect(effects.map((effect) => effect.type)).toEqual(['Wake', 'RecordChange']);
});

test('decide() ignores datapoints that were asked for before the alarm was changed or set', () => {
  const set = decide(given(), { type: 'StateSet', value: 'OK', reason: 'by hand' }, T0).state;
  expect(decide(set, breach, T0)).toEqual({ state: set, effects: [] });
  const configured = decide(given(), { type: 'Configured', definition }, T0).state;
  expect(decide(configured, breach, T0)).toEqual({ state: configured, effects: [] });
});

test('decide() keeps the state when the alarm is configured anew', () => {
  const raised = decide(given(), breach, T0).state;
  expect(decide(raised, { type: 'Configured', definition }, T0 + 1).state.current).toEqual(raised.current);
});

test('decide() moves the time of the update but not of the transition when the same state is set again', () => {
  const { state, effects } = decide(given(), { type: 'StateSet', value: 'INSUFFICIENT_DATA', reason: 'x' }, T0 + 9);
  expect([state.current.at, state.transitionedAt]).toEqual([T0 + 9, T0]);
  expect(effects).toEqual([]);
});

test('nextEvaluationAt() is strictly later, every ten seconds for a short period', () => {
  const short = { ...definition.rule, period: 10 };
  expect(nextEvaluationAt(short, T0)).toBe(T0 + 1000);
  expect(nextEvaluationAt(short, T0 + 1000)).toBe(T0 + 11_000);
});
