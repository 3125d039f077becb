/** PutEvents. Source: EventBridge API Reference, PutEvents; User Guide, "Calculating PutEvents event entry size". */
import type {
  PutEventsRequest,
  PutEventsRequestEntry,
  PutEventsResponse,
  PutEventsResultEntry,
} from '@aws-sdk/client-eventbridge';
import { AwsError, isoSeconds, type JsonObject } from '../../common/index.ts';
import { type Call, operation, type Scope } from '../service.ts';
import { match } from './delivery.ts';
import { busArn, busName, busScope, EVENT_ACCOUNT, EVENT_REGION, findBus } from './records.ts';

const LARGEST_ENTRY_BYTES = 1_048_576;

export const putEvents = operation<PutEventsRequest, PutEventsResponse>({
  authorize: async ({ Entries }, call) => {
    // Each bus, source and detail type by itself: what is granted of one event says nothing of the next.
    const different = new Map(
      (Entries ?? []).map((entry) => [
        JSON.stringify([entry.EventBusName, entry.Source, entry.DetailType]),
        { name: entry.EventBusName ?? 'default', entry },
      ]),
    );
    const requests = [];
    for (const { name, entry } of different.values()) {
      const scope = busScope(name, call);
      const bus = await findBus(call.house.store, scope, busName(name));
      requests.push({
        action: 'events:PutEvents',
        resource: busArn(scope, busName(name)),
        resourceAccount: scope.account,
        // What a service tells of its own is no PutEvents of a caller: a bus cannot refuse it.
        ...(bus?.policy === undefined || isOwnEvent(entry, call)
          ? {}
          : { resourcePolicies: [{ name: `policy of event bus ${busName(name)}`, document: bus.policy }] }),
        context: { 'events:source': entry.Source ?? '', 'events:detail-type': entry.DetailType ?? '' },
      });
    }
    return requests;
  },
  handle: async (input, call) => {
    if (input.EndpointId !== undefined)
      throw new AwsError('ValidationException', 'EndpointId is not implemented by Sluice.');
    const entries = input.Entries ?? [];
    const size = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
    if (size > LARGEST_ENTRY_BYTES)
      throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
    const results = await call.house.store.transaction(async (tx) => {
      const done: PutEventsResultEntry[] = [];
      for (const entry of entries) {
        const invalid = reasonInvalid(entry) ?? foreignSource(entry, call);
        if (invalid !== undefined) {
          done.push(invalid);
          continue;
        }
        const scope = busScope(entry.EventBusName, call);
        const bus = busName(entry.EventBusName);
        const event = eventOf(entry, call, scope);
        // An event for a bus that is not there is accepted and dropped, as on AWS.
        if ((await findBus(tx, scope, bus)) !== undefined)
          await match(tx, call.house, scope, bus, event, passedOn(call, EVENT_ACCOUNT) !== undefined);
        done.push({ EventId: String(event['id']) });
      }
      return done;
    });
    return { FailedEntryCount: results.filter((result) => result.ErrorCode !== undefined).length, Entries: results };
  },
});

function isOwnEvent(entry: PutEventsRequestEntry, call: Call): boolean {
  return call.principal.type === 'Service' && entry.Source?.startsWith('aws.') === true;
}

/** `aws.` sources are for services, and for a rule that passes their events on to another bus. */
function foreignSource(entry: PutEventsRequestEntry, call: Call): PutEventsResultEntry | undefined {
  if (entry.Source?.startsWith('aws.') !== true || call.principal.type === 'Service' || call.http === undefined)
    return undefined;
  return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
}

function eventOf(entry: PutEventsRequestEntry, call: Call, scope: Scope): JsonObject {
  return {
    version: '0',
    id: call.house.ids.uuid(),
    'detail-type': entry.DetailType ?? '',
    source: entry.Source ?? '',
    account: passedOn(call, EVENT_ACCOUNT) ?? call.account,
    time: isoSeconds(entry.Time === undefined ? call.now : Number(entry.Time)),
    region: passedOn(call, EVENT_REGION) ?? scope.region,
    resources: entry.Resources ?? [],
    detail: JSON.parse(entry.Detail ?? '{}') as JsonObject,
  };
}

/** An event keeps the account and the Region it comes from when a rule passes it on. */
function passedOn(call: Call, key: typeof EVENT_ACCOUNT | typeof EVENT_REGION): string | undefined {
  const value = call.http === undefined ? call.context?.[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function reasonInvalid(entry: PutEventsRequestEntry): PutEventsResultEntry | undefined {
  for (const member of ['Source', 'DetailType', 'Detail'] as const) {
    if (entry[member] === undefined || entry[member] === '') {
      return {
        ErrorCode: 'InvalidArgument',
        ErrorMessage: `Parameter ${member} is not valid. Reason: ${member} is a required argument.`,
      };
    }
  }
  try {
    const detail: unknown = JSON.parse(entry.Detail ?? '');
    if (detail !== null && typeof detail === 'object' && !Array.isArray(detail)) return undefined;
  } catch {
    // Named below.
  }
  return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
}

function entryBytes(entry: PutEventsRequestEntry): number {
  const bytes = (text: string | undefined): number => Buffer.byteLength(text ?? '');
  return (
    (entry.Time === undefined ? 0 : 14) +
    bytes(entry.Source) +
    bytes(entry.DetailType) +
    bytes(entry.Detail) +
    (entry.Resources ?? []).reduce((sum, resource) => sum + bytes(resource), 0)
  );
}
