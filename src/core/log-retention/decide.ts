/**
 * Log retention: once a day, events older than their group's retention are deleted. One loop for the whole house.
 *
 *   Waiting ── day has passed ──▶ Waiting, effect ExpireEvents
 */
import { DAY_MS, type Decision, type EpochMs } from '../../common/index.ts';

export type RetentionState = Readonly<{ lastRunAt: EpochMs }>;
export type RetentionEvent = Readonly<{ type: 'TimerFired'; timer: string }>;
export type RetentionEffect = Readonly<{ type: 'ExpireEvents' } | { type: 'WakeAt'; timer: string; at: EpochMs }>;

export function decide(
  state: RetentionState,
  _event: RetentionEvent,
  now: EpochMs,
): Decision<RetentionState, RetentionEffect> {
  const dueAt = state.lastRunAt + DAY_MS;
  if (now < dueAt) return { state, effects: [{ type: 'WakeAt', timer: 'daily', at: dueAt }] };
  return {
    state: { lastRunAt: now },
    effects: [{ type: 'ExpireEvents' }, { type: 'WakeAt', timer: 'daily', at: now + DAY_MS }],
  };
}
