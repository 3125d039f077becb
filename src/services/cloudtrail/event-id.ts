/**
 * The ids of events. An event is a call, and each account that sees the call has an event of its own, with an id of its own;
 * they are made of the request's id by turning some of its bits, so that they need no place in the trail and lead back.
 */

/** `shared` is the same in both accounts. */
export type EventView = 'caller' | 'owner' | 'shared';

/** Each of the last twelve hexadecimal digits of a UUID is combined with this. */
const TURNS: Readonly<Record<EventView, number>> = { caller: 0x5, owner: 0xa, shared: 0xf };

export function eventIdOf(requestId: string, view: EventView): string {
  const turn = TURNS[view];
  return requestId.replace(/[0-9a-f]{12}$/, (digits) =>
    [...digits].map((digit) => (Number.parseInt(digit, 16) ^ turn).toString(16)).join(''),
  );
}

/** The request whose event has this id in that view. */
export function requestIdOf(eventId: string, view: EventView): string {
  return eventIdOf(eventId, view);
}
