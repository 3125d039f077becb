/**
 * The loop of a scheduled rule.
 *
 *   Idle ── enabled ──▶ Waiting(nextAt) ── reached ──▶ Waiting(later), effect Fire
 *     ◀── disabled, or no instant left ──┘
 *
 * A clock that jumped over several instants fires once, for the last of them: EventBridge does not make up for the rest.
 */
import type { Decision, EpochMs } from '../../common/index.ts';
import { nextFire, parseSchedule } from './schedule.ts';

export type ScheduleState = Readonly<{
  expression: string;
  enabled: boolean;
  anchorAt: EpochMs;
  nextAt: EpochMs | null;
}>;

export type ScheduleEvent = Readonly<
  { type: 'RuleSet'; expression: string; enabled: boolean; anchorAt: EpochMs } | { type: 'TimerFired'; timer: string }
>;

export type ScheduleEffect = Readonly<
  | { type: 'Fire'; at: EpochMs }
  | { type: 'WakeAt'; timer: string; at: EpochMs }
  | { type: 'CancelTimer'; timer: string }
>;

export function decide(
  state: ScheduleState,
  event: ScheduleEvent,
  now: EpochMs,
): Decision<ScheduleState, ScheduleEffect> {
  switch (event.type) {
    case 'RuleSet': {
      const { expression, enabled, anchorAt } = event;
      return waiting({ expression, enabled, anchorAt, nextAt: null }, now, []);
    }
    case 'TimerFired':
      if (!state.enabled || state.nextAt === null) return { state, effects: [] };
      if (now < state.nextAt) return { state, effects: [{ type: 'WakeAt', timer: 'next', at: state.nextAt }] };
      return waiting(state, now, [{ type: 'Fire', at: now }]);
  }
}

function waiting(
  state: ScheduleState,
  now: EpochMs,
  effects: readonly ScheduleEffect[],
): Decision<ScheduleState, ScheduleEffect> {
  const schedule = state.enabled ? parseSchedule(state.expression) : undefined;
  const nextAt = (schedule && nextFire(schedule, now, state.anchorAt)) ?? null;
  const timer: ScheduleEffect =
    nextAt === null ? { type: 'CancelTimer', timer: 'next' } : { type: 'WakeAt', timer: 'next', at: nextAt };
  return { state: { ...state, nextAt }, effects: [...effects, timer] };
}
