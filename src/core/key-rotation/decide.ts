/**
 * Automatic rotation of a KMS key.
 *
 *   Waiting ── the period is over ──▶ Rotating ── the key has new material ──▶ Waiting
 *
 * There is no final state: switching rotation off, or deleting the key, removes the loop. Dates stay in one row, a period
 * apart; after a time in which nobody looked, the key rotates once and not once for each date that passed.
 * Source: KMS Developer Guide, "Rotating AWS KMS keys".
 */
import { assertNever, type Decision, type EpochMs } from '../../common/index.ts';

export type KeyRotationState = Readonly<{ phase: 'Waiting' | 'Rotating'; nextAt: EpochMs; periodMs: number }>;

export type KeyRotationEvent = Readonly<{ type: 'TimerFired'; timer: string } | { type: 'KeyRotated' }>;

export type KeyRotationEffect = Readonly<
  | { type: 'WakeAt'; timer: string; at: EpochMs }
  /** `followingAt`: when the next one is due. */
  | { type: 'RotateKey'; dueAt: EpochMs; followingAt: EpochMs }
>;

/** The first state, with the effects that start it. */
export function startKeyRotation(nextAt: EpochMs, periodMs: number): Decision<KeyRotationState, KeyRotationEffect> {
  return { state: { phase: 'Waiting', nextAt, periodMs }, effects: [wake(nextAt)] };
}

/** The first date after `now` in the row that `nextAt` belongs to. */
export function followingRotation(nextAt: EpochMs, periodMs: number, now: EpochMs): EpochMs {
  return now < nextAt ? nextAt : nextAt + (Math.floor((now - nextAt) / periodMs) + 1) * periodMs;
}

export function decide(
  state: KeyRotationState,
  event: KeyRotationEvent,
  now: EpochMs,
): Decision<KeyRotationState, KeyRotationEffect> {
  switch (event.type) {
    case 'TimerFired': {
      if (state.phase === 'Rotating') return { state, effects: [] };
      if (now < state.nextAt) return { state, effects: [wake(state.nextAt)] };
      const followingAt = followingRotation(state.nextAt, state.periodMs, now);
      return {
        state: { ...state, phase: 'Rotating', nextAt: followingAt },
        effects: [{ type: 'RotateKey', dueAt: state.nextAt, followingAt }],
      };
    }
    case 'KeyRotated':
      return state.phase === 'Waiting'
        ? { state, effects: [] }
        : { state: { ...state, phase: 'Waiting' }, effects: [wake(state.nextAt)] };
    default:
      return assertNever(event);
  }
}

function wake(at: EpochMs): KeyRotationEffect {
  return { type: 'WakeAt', timer: 'rotate', at };
}
