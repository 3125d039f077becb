/**
 * Delivery of one event to one target of a rule, at least once.
 *
 *   Delivering ── target took it ───────────────────────▶ Delivered      (final)
 *      │  ▲ └──── refused for good, tries or age spent ──▶ Undelivered ── dead-letter queue told ──▶ (final)
 *      └──┘ failed: try again after 1, 2, 4 ... 300 s
 *
 * Source: EventBridge User Guide, "Retry policy and using dead-letter queues": 185 attempts and 24 hours unless said;
 * no permission and no such target are not retried.
 */
import type { Decision, EpochMs } from '../../common/index.ts';

export type DeliveryState = Readonly<{
  phase: 'Delivering' | 'Delivered' | 'Undelivered';
  attempts: number;
  firstAt: EpochMs;
  mostAttempts: number;
  longestMs: number;
  hasDeadLetterQueue: boolean;
  /** What the effects need; opaque to the decision. */
  delivery: unknown;
}>;

export type Failure = Readonly<{ code: string; message: string; retryable: boolean }>;

export type DeliveryEvent = Readonly<
  | { type: 'Taken' }
  | ({ type: 'Failed' } & Failure)
  | { type: 'DeadLetterDone' }
  | { type: 'TimerFired'; timer: string }
>;

export type DeliveryEffect = Readonly<
  | { type: 'Deliver'; delivery: unknown }
  | { type: 'DeadLetter'; delivery: unknown; attempts: number; code: string; message: string; condition: string }
  | { type: 'Forget' }
  | { type: 'WakeAt'; timer: string; at: EpochMs }
>;

const LONGEST_WAIT_MS = 300_000;

export function decide(
  state: DeliveryState,
  event: DeliveryEvent,
  now: EpochMs,
): Decision<DeliveryState, DeliveryEffect> {
  if (state.phase === 'Delivered') return { state, effects: [] };
  if (state.phase === 'Undelivered') {
    return event.type === 'DeadLetterDone'
      ? { state: { ...state, phase: 'Delivered' }, effects: [{ type: 'Forget' }] }
      : { state, effects: [] };
  }
  switch (event.type) {
    case 'Taken':
      return { state: { ...state, phase: 'Delivered' }, effects: [{ type: 'Forget' }] };
    case 'TimerFired':
      return { state, effects: [{ type: 'Deliver', delivery: state.delivery }] };
    case 'Failed': {
      const attempts = state.attempts + 1;
      const condition = !event.retryable
        ? 'NonRetryable'
        : attempts > state.mostAttempts
          ? 'MaximumRetryAttempts'
          : now - state.firstAt >= state.longestMs
            ? 'MaximumEventAgeInSeconds'
            : undefined;
      if (condition === undefined) {
        const at = now + Math.min(LONGEST_WAIT_MS, 1_000 * 2 ** Math.min(attempts - 1, 20));
        return { state: { ...state, attempts }, effects: [{ type: 'WakeAt', timer: 'retry', at }] };
      }
      if (!state.hasDeadLetterQueue)
        return { state: { ...state, attempts, phase: 'Delivered' }, effects: [{ type: 'Forget' }] };
      return {
        state: { ...state, attempts, phase: 'Undelivered' },
        effects: [
          {
            type: 'DeadLetter',
            delivery: state.delivery,
            attempts: attempts - 1,
            code: event.code,
            message: event.message,
            condition,
          },
        ],
      };
    }
    case 'DeadLetterDone':
      return { state, effects: [] };
  }
}
