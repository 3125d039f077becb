/**
 * The waiting window of a deleted secret.
 *
 *   Waiting(deleteAt) ── reached ──▶ Gone (final), effect Delete
 *
 * A restore removes the loop; a deletion asked for again begins another.
 */
import type { Decision, EpochMs } from '../../common/index.ts';

export type DeletionState = Readonly<{ phase: 'Waiting' | 'Gone'; deleteAt: EpochMs }>;
export type DeletionEvent = Readonly<{ type: 'TimerFired'; timer: string }>;
export type DeletionEffect = Readonly<{ type: 'Delete' } | { type: 'WakeAt'; timer: string; at: EpochMs }>;

export function decide(
  state: DeletionState,
  _event: DeletionEvent,
  now: EpochMs,
): Decision<DeletionState, DeletionEffect> {
  if (state.phase === 'Gone') return { state, effects: [] };
  if (now < state.deleteAt) return { state, effects: [{ type: 'WakeAt', timer: 'window', at: state.deleteAt }] };
  return { state: { ...state, phase: 'Gone' }, effects: [{ type: 'Delete' }] };
}
