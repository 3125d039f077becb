/** Writing and reading log events. Source: CloudWatch Logs API Reference, PutLogEvents, GetLogEvents, FilterLogEvents. */
import type {
  FilterLogEventsRequest,
  FilterLogEventsResponse,
  GetLogEventsRequest,
  GetLogEventsResponse,
  PutLogEventsRequest,
  PutLogEventsResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError, DAY_MS, HOUR_MS } from '../../common/index.ts';
import { compileFilter } from '../../core/log-filter/index.ts';
import { appendLogEvents, type LogCursor, type LogEvent, readLogEvents } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { decodeToken, encodeToken } from './pages.ts';
import { eventsKey, groupAccess, nameOf, requireGroup, streamAccess, streams } from './records.ts';

const LARGEST_BATCH_BYTES = 1_048_576;
const EVENT_OVERHEAD_BYTES = 26;
const TOO_NEW_MS = 2 * HOUR_MS;
const TOO_OLD_MS = 14 * DAY_MS;
const LARGEST_PAGE = 10_000;
/** Of message text; a page stops before it, and holds one event at least. */
const LARGEST_PAGE_BYTES = 1_048_576;
/** How many events one FilterLogEvents call reads before it answers with what it has and a token. */
const SCAN_LIMIT = 50_000;

export const putLogEvents = operation<PutLogEventsRequest, PutLogEventsResponse>({
  authorize: ({ logGroupName, logStreamName }, call) => streamAccess('PutLogEvents', logGroupName, logStreamName, call),
  handle: async (input, call) => {
    const { store } = call.house;
    const group = await requireGroup(store, call, nameOf(input.logGroupName, call));
    await requireStream(call, group.document.name, input.logStreamName ?? '');
    const events = (input.logEvents ?? []).map((event) => ({ at: event.timestamp ?? 0, message: event.message ?? '' }));
    checkBatch(events);
    const retentionMs = (group.document.retentionDays ?? 0) * DAY_MS;
    const tooNew = events.findIndex((event) => event.at > call.now + TOO_NEW_MS);
    const tooOldEnd = events.filter((event) => event.at < call.now - TOO_OLD_MS).length;
    const expiredEnd = retentionMs === 0 ? 0 : events.filter((event) => event.at < call.now - retentionMs).length;
    const accepted = events.slice(Math.max(tooOldEnd, expiredEnd), tooNew < 0 ? events.length : tooNew);
    await appendLogEvents(store, eventsKey(call, group.document.name), input.logStreamName ?? '', accepted, call.now);
    return {
      nextSequenceToken: '1',
      ...(accepted.length === events.length
        ? {}
        : {
            rejectedLogEventsInfo: {
              ...(tooNew < 0 ? {} : { tooNewLogEventStartIndex: tooNew }),
              ...(tooOldEnd === 0 ? {} : { tooOldLogEventEndIndex: tooOldEnd }),
              ...(expiredEnd === 0 ? {} : { expiredLogEventEndIndex: expiredEnd }),
            },
          }),
    };
  },
});

function checkBatch(events: readonly Readonly<{ at: number; message: string }>[]): void {
  let bytes = 0;
  for (const [index, event] of events.entries()) {
    const previous = events[index - 1];
    if (previous !== undefined && event.at < previous.at) {
      throw new AwsError(
        'InvalidParameterException',
        'Log events in a single PutLogEvents request must be in chronological order.',
      );
    }
    bytes += Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES;
  }
  if (bytes > LARGEST_BATCH_BYTES)
    throw new AwsError(
      'InvalidParameterException',
      `Upload too large: ${bytes} bytes exceeds limit of ${LARGEST_BATCH_BYTES}`,
    );
  const [first, last] = [events[0], events.at(-1)];
  if (first !== undefined && last !== undefined && last.at - first.at > DAY_MS) {
    throw new AwsError(
      'InvalidParameterException',
      'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
    );
  }
}

/**
 * Tokens are never null: `f/...` continues forward after the last event seen, `b/...` backward before the first. The end
 * is reached when the token comes back unchanged.
 */
export const getLogEvents = operation<GetLogEventsRequest, GetLogEventsResponse>({
  authorize: ({ logGroupName, logGroupIdentifier, logStreamName }, call) =>
    streamAccess('GetLogEvents', logGroupIdentifier ?? logGroupName, logStreamName, call),
  handle: async (input, call) => {
    const group = nameOf(input.logGroupIdentifier ?? input.logGroupName, call);
    await requireGroup(call.house.store, call, group);
    await requireStream(call, group, input.logStreamName ?? '');
    const token = input.nextToken === undefined ? undefined : parseDirection(input.nextToken);
    const backward = token === undefined ? input.startFromHead !== true : token.direction === 'b';
    const events = await readLogEvents(call.house.store, {
      logGroup: eventsKey(call, group),
      streams: [input.logStreamName ?? ''],
      ...(input.startTime === undefined ? {} : { startAt: input.startTime }),
      ...(input.endTime === undefined ? {} : { endAt: input.endTime }),
      ...(token === undefined ? {} : token.direction === 'f' ? { after: token.cursor } : { before: token.cursor }),
      descending: backward,
      limit: input.limit ?? LARGEST_PAGE,
      mostBytes: LARGEST_PAGE_BYTES,
    });
    if (backward) events.reverse();
    const [first, last] = [events[0], events.at(-1)];
    const standing = token?.cursor ?? { at: input.startTime ?? 0, id: '0' };
    return {
      events: events.map((event) => ({ timestamp: event.at, message: event.message, ingestionTime: event.ingestedAt })),
      nextForwardToken: `f/${encodeToken(last === undefined ? standing : { at: last.at, id: last.id })}`,
      nextBackwardToken: `b/${encodeToken(first === undefined ? standing : { at: first.at, id: first.id })}`,
    };
  },
});

export const filterLogEvents = operation<FilterLogEventsRequest, FilterLogEventsResponse>({
  authorize: ({ logGroupName, logGroupIdentifier }, call) =>
    groupAccess('FilterLogEvents', logGroupIdentifier ?? logGroupName, call),
  handle: async (input, call) => {
    const group = nameOf(input.logGroupIdentifier ?? input.logGroupName, call);
    await requireGroup(call.house.store, call, group);
    if (input.logStreamNames !== undefined && input.logStreamNamePrefix !== undefined) {
      throw new AwsError('InvalidParameterException', 'logStreamNamePrefix and logStreamNames are mutually exclusive.');
    }
    const compiled = compileFilter(input.filterPattern);
    if ('invalid' in compiled) throw new AwsError('InvalidParameterException', compiled.invalid);
    const limit = input.limit ?? LARGEST_PAGE;
    const found: LogEvent[] = [];
    let after = input.nextToken === undefined ? undefined : cursorOf(decodeToken(input.nextToken));
    const chunk = Math.min(LARGEST_PAGE, limit * 4 + 100);
    let bytes = 0;
    let scanned = 0;
    let ended = false;
    while (!ended && found.length < limit && scanned < SCAN_LIMIT && bytes < LARGEST_PAGE_BYTES) {
      const events = await readLogEvents(call.house.store, {
        logGroup: eventsKey(call, group),
        ...(input.logStreamNames === undefined ? {} : { streams: input.logStreamNames }),
        ...(input.logStreamNamePrefix === undefined ? {} : { streamPrefix: input.logStreamNamePrefix }),
        ...(input.startTime === undefined ? {} : { startAt: input.startTime }),
        // The API's end is inclusive here, unlike GetLogEvents'.
        ...(input.endTime === undefined ? {} : { endAt: input.endTime + 1 }),
        ...(after === undefined ? {} : { after }),
        limit: chunk,
        mostBytes: LARGEST_PAGE_BYTES,
      });
      const readBytes = events.reduce((sum, event) => sum + Buffer.byteLength(event.message), 0);
      ended = events.length < chunk && readBytes < LARGEST_PAGE_BYTES;
      for (const event of events) {
        if (found.length === limit || bytes >= LARGEST_PAGE_BYTES) {
          ended = false;
          break;
        }
        after = { at: event.at, id: event.id };
        scanned += 1;
        if (!compiled.filter(event.message)) continue;
        bytes += Buffer.byteLength(event.message);
        found.push(event);
      }
    }
    return {
      events: found.map((event) => ({
        logStreamName: event.stream,
        timestamp: event.at,
        message: event.message,
        ingestionTime: event.ingestedAt,
        eventId: event.id.padStart(56, '0'),
      })),
      searchedLogStreams: [],
      ...(ended || after === undefined ? {} : { nextToken: encodeToken(after) }),
    };
  },
});

async function requireStream(call: Call, group: string, stream: string): Promise<void> {
  const found = await streams.get(call.house.store, {
    account: call.account,
    region: call.region,
    id: `${group}\n${stream}`,
  });
  if (found === undefined) throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
}

function parseDirection(token: string): { direction: 'f' | 'b'; cursor: LogCursor } {
  const [direction, rest] = [token.slice(0, 2), token.slice(2)];
  if (direction !== 'f/' && direction !== 'b/')
    throw new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');
  return { direction: direction === 'f/' ? 'f' : 'b', cursor: cursorOf(decodeToken(rest)) };
}

function cursorOf(value: Record<string, unknown>): LogCursor {
  const { at, id } = value;
  if (typeof at !== 'number' || typeof id !== 'string' || !/^\d{1,18}$/.test(id)) {
    throw new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');
  }
  return { at, id };
}
