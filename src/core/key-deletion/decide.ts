/**
 * The wait before a KMS key is deleted.
 *
 *   Waiting ── the waiting period is over ──▶ Deleting ── key, aliases and grants are gone ──▶ Deleted (final)
 *
 * Cancelling the deletion removes the loop; the key document says `Disabled` then, and a `DeleteKey` effect that comes
 * late finds that and does nothing. Final states ignore every event.
 * Source: KMS Developer Guide, "Deleting AWS KMS keys".
 */
import { assertNever, type Decision, type EpochMs } from '../../common/index.ts';

export type KeyDeletionState = Readonly<{ phase: 'Waiting' | 'Deleting' | 'Deleted'; deleteAt: EpochMs }>;

export type KeyDeletionEvent = Readonly<{ type: 'TimerFired'; timer: string } | { type: 'KeyDeleted' }>;

export type KeyDeletionEffect = Readonly<
  { type: 'WakeAt'; timer: string; at: EpochMs } | { type: 'DeleteKey'; deleteAt: EpochMs }
>;

/** The first state, with the effects that start it. */
export function startKeyDeletion(deleteAt: EpochMs): Decision<KeyDeletionState, KeyDeletionEffect> {
  return { state: { phase: 'Waiting', deleteAt }, effects: [{ type: 'WakeAt', timer: 'delete', at: deleteAt }] };
}

export function isFinal(state: KeyDeletionState): boolean {
  return state.phase === 'Deleted';
}

export function decide(
  state: KeyDeletionState,
  event: KeyDeletionEvent,
  now: EpochMs,
): Decision<KeyDeletionState, KeyDeletionEffect> {
  if (state.phase === 'Deleted') return { state, effects: [] };
  switch (event.type) {
    case 'TimerFired':
      if (state.phase === 'Deleting') return { state, effects: [] };
      if (now < state.deleteAt) return { state, effects: [{ type: 'WakeAt', timer: 'delete', at: state.deleteAt }] };
      return {
        state: { ...state, phase: 'Deleting' },
        effects: [{ type: 'DeleteKey', deleteAt: state.deleteAt }],
      };
    case 'KeyDeleted':
      return { state: { ...state, phase: 'Deleted' }, effects: [] };
    default:
      return assertNever(event);
  }
}
