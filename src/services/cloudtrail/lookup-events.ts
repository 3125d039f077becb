/**
 * The event history: management events of the last ninety days, of the caller's account, in the Region that is asked.
 * Source: CloudTrail API Reference, LookupEvents; CloudTrail User Guide, "Working with CloudTrail event history".
 *
 * Differs from AWS: an event is there within a moment, not within minutes, and asking is not limited to twice a second.
 */
import type {
  Event,
  LookupAttribute,
  LookupEventsCommandInput,
  LookupEventsCommandOutput,
} from '@aws-sdk/client-cloudtrail';
import { AwsError, DAY_MS } from '../../common/index.ts';
import { type HistoryQuery, type HistoryRecord, managementHistory } from '../../store/index.ts';
import { decodeToken, encodeToken } from '../pages.ts';
import { operation } from '../service.ts';
import { requestIdOf } from './event-id.ts';
import { serviceOf, trailEvent, type TrailEvent } from './event-record.ts';

const HISTORY_MS = 90 * DAY_MS;
const MAX_RESULTS = 50;
/** Of an attribute that the store cannot look up by itself, how many events are read at a time. */
const SCAN = 500;

type LookupEventsInput = LookupEventsCommandInput;
type Output = Omit<LookupEventsCommandOutput, '$metadata'>;
type Place = Readonly<{ at: number; id: number }>;

export const lookupEvents = operation<LookupEventsInput, Output>({
  async handle(input, call) {
    const limit = pageSize(input.MaxResults);
    const search = searchOf(input.LookupAttributes);
    const { from, until } = timeRange(input, call.now);
    const place = placeOf(input.NextToken, question(input));
    // Insights are made of what trails collect, and there are none.
    if (input.EventCategory === 'insight' || search === 'nothing') return { Events: [] };
    const found: Readonly<{ stored: HistoryRecord; event: TrailEvent }>[] = [];
    let after = place;
    const { store } = call.house;
    const wanted = limit + 1;
    const batch = search.matches === undefined ? wanted : SCAN;
    while (found.length < wanted) {
      const base = { account: call.account, region: call.region, from, until, after, limit: batch };
      const records = await managementHistory(store, { ...base, ...search.query });
      for (const stored of records) {
        const event = trailEvent(stored, call.account);
        if (search.matches?.(event) !== false) found.push({ stored, event });
      }
      const last = records[records.length - 1];
      if (last === undefined || records.length < batch) break;
      after = { at: last.at, id: last.id };
    }
    const page = found.slice(0, limit);
    const last = page[page.length - 1]?.stored;
    return {
      Events: page.map(({ stored, event }) => answered(stored, event)),
      ...(found.length > limit && last !== undefined
        ? { NextToken: encodeToken({ at: last.at, id: last.id, q: question(input) }) }
        : {}),
    };
  },
});

function answered(stored: HistoryRecord, event: TrailEvent): Event {
  return {
    EventId: event.eventId,
    EventName: stored.operation,
    ReadOnly: String(event.readOnly),
    ...(event.accessKeyId === undefined ? {} : { AccessKeyId: event.accessKeyId }),
    EventTime: new Date(stored.at),
    EventSource: event.eventSource,
    ...(event.userName === undefined ? {} : { Username: event.userName }),
    Resources: event.resources.map(({ type, name }) => ({ ResourceType: type, ResourceName: name })),
    CloudTrailEvent: JSON.stringify(event.record),
  };
}

function pageSize(asked: number | undefined): number {
  if (asked === undefined) return MAX_RESULTS;
  if (Number.isInteger(asked) && asked >= 1 && asked <= MAX_RESULTS) return asked;
  throw new AwsError('InvalidMaxResultsException', `MaxResults must be between 1 and ${MAX_RESULTS}.`);
}

function timeRange(input: LookupEventsInput, now: number): Readonly<{ from: number; until: number }> {
  const [start, end] = [input.StartTime, input.EndTime].map((each) => (each === undefined ? undefined : Number(each)));
  if (Number.isNaN(start) || Number.isNaN(end) || (start ?? 0) > (end ?? now))
    throw new AwsError(
      'InvalidTimeRangeException',
      'Either the start time occurs after the end time, or the time range is outside the range of possible values.',
    );
  return { from: Math.max(start ?? 0, now - HISTORY_MS), until: Math.min(end ?? now, now) };
}

type Search = Readonly<{
  query: Partial<HistoryQuery>;
  /** Of what the store found; absent: all of it. */
  matches?: (event: TrailEvent) => boolean;
}>;

/** `nothing`: no event can have it. */
function searchOf(attributes: readonly LookupAttribute[] | undefined): Search | 'nothing' {
  const [attribute, ...more] = attributes ?? [];
  if (attribute === undefined) return { query: {} };
  const refuse = (message: string): AwsError => new AwsError('InvalidLookupAttributesException', message);
  if (more.length > 0) throw refuse('You can only use one lookup attribute at a time.');
  const { AttributeKey: key, AttributeValue: value } = attribute;
  if (typeof value !== 'string' || value === '' || value.length > 2_000)
    throw refuse('The value of a lookup attribute must have 1 to 2000 characters.');
  switch (key) {
    case 'EventId':
      return byEventId(value);
    case 'EventName':
      return { query: { operation: value } };
    case 'ReadOnly':
      return value === 'true' || value === 'false' ? { query: { readOnly: value === 'true' } } : 'nothing';
    case 'Username':
      return { query: { userName: value } };
    case 'AccessKeyId':
      return { query: { accessKeyId: value } };
    case 'EventSource': {
      const service = serviceOf(value);
      return service === undefined ? 'nothing' : { query: { service } };
    }
    case 'ResourceType':
      return { query: {}, matches: ({ resources }) => resources.some(({ type }) => type === value) };
    case 'ResourceName':
      return {
        query: { resourceText: JSON.stringify(value.slice(value.lastIndexOf('/') + 1)).slice(1, -1) },
        matches: ({ resources }) => resources.some(({ name, arn }) => name === value || arn === value),
      };
    default:
      throw refuse('The lookup attribute is not one of those that events have.');
  }
}

/** An id is of the caller's event or of the owner's; which, the event found says. */
function byEventId(eventId: string): Search | 'nothing' {
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(eventId)) return 'nothing';
  return {
    query: { requestIds: [requestIdOf(eventId, 'caller'), requestIdOf(eventId, 'owner')] },
    matches: (event) => event.eventId === eventId,
  };
}

/** A token continues the question it was given for. */
function question({ LookupAttributes = [], StartTime, EndTime }: LookupEventsInput): string {
  const time = (value: Date | undefined): number | null => (value === undefined ? null : Number(value));
  return JSON.stringify([
    LookupAttributes.map(({ AttributeKey, AttributeValue }) => [AttributeKey, AttributeValue]),
    time(StartTime),
    time(EndTime),
  ]);
}

function placeOf(token: string | undefined, asked: string): Place | undefined {
  if (token === undefined) return undefined;
  const refuse = (): AwsError =>
    new AwsError('InvalidNextTokenException', 'The token is not valid, or was given for other parameters.');
  const { at, id, q } = decodeToken(token, refuse);
  if (!Number.isSafeInteger(at) || !Number.isSafeInteger(id) || q !== asked) throw refuse();
  return { at: at as number, id: id as number };
}
