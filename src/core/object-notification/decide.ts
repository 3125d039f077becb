/**
 * One notification of an object event on its way to one destination.
 *
 *   Sending ── delivered ──▶ (removed)
 *      └────── given up ──▶ Undelivered (final; kept, to be looked at)
 *
 * At least once: a crash between the delivery and the removal delivers it again.
 * Source: S3 User Guide, "Amazon S3 Event Notifications".
 */
import type { Decision, EpochMs, Json } from '../../common/index.ts';

export type NotificationState = Readonly<{ phase: 'Sending' | 'Undelivered'; destination: string; failedAt?: EpochMs }>;

export type NotificationEvent = Readonly<{ type: 'GivenUp' } | { type: 'TimerFired'; timer: string }>;

/** `destination`: `EventBridge`, or the ARN of a queue, topic or function. */
export type NotificationEffect = Readonly<{ type: 'Deliver'; destination: string; message: Json }>;

export function startNotification(destination: string, message: Json): Decision<NotificationState, NotificationEffect> {
  return { state: { phase: 'Sending', destination }, effects: [{ type: 'Deliver', destination, message }] };
}

export function isFinal(state: NotificationState): boolean {
  return state.phase === 'Undelivered';
}

export function decide(
  state: NotificationState,
  event: NotificationEvent,
  now: EpochMs,
): Decision<NotificationState, NotificationEffect> {
  if (state.phase === 'Undelivered' || event.type !== 'GivenUp') return { state, effects: [] };
  return { state: { ...state, phase: 'Undelivered', failedAt: now }, effects: [] };
}
