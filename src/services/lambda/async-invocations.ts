/**
 * Events: invocations that are answered before they run. Each is a loop (`core/async-invocation`) and a sealed event
 * beside it, both gone once it is concluded.
 *
 * Differs from AWS: an event may wait for a function for at most `MaximumEventAgeInSeconds` of the clock, but an event
 * that the function is still running when that is over is not cut off.
 */
import { AwsError, isAwsError, SECOND_MS, own } from '../../common/index.ts';
import {
  type AsyncInvocationEffect,
  type AsyncInvocationEvent,
  type AsyncInvocationState,
  decide,
  isFinal,
  startAsyncInvocation,
} from '../../core/async-invocation/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import { collection, type DocumentKey } from '../../store/index.ts';
import type { Call, House } from '../service.ts';
import { untilHeard } from '../until-heard.ts';
import { chooseTarget, execute } from './execution.ts';
import type { Named } from './names.ts';
import { functionKey, type FunctionRecord, functions, LATEST, type Place } from './records.ts';
import { seal, type Sealed, unseal } from './sealing.ts';
import { workshopOf } from './workshop.ts';

const KIND = 'lambda.async-invocation';
const DEFAULT_RETRIES = 2;
const DEFAULT_AGE_MS = 6 * 3_600_000;

/** `holder`: the process that runs it, where several share the work. */
type QueuedEvent = Readonly<{
  place: Place;
  qualifier?: string;
  payload: Sealed;
  receivedAt: number;
  holder?: string;
}>;

const events = collection<QueuedEvent>('lambda.event');
const states = collection<AsyncInvocationState>(KIND);

/** On the disk when it resolves. */
export async function acceptEvent(
  call: Call,
  named: Named,
  record: FunctionRecord,
  payload: Uint8Array,
): Promise<void> {
  const { house } = call;
  const { place, qualifier } = named;
  const config = own(record.eventInvokeConfigs, qualifier ?? LATEST);
  const event: QueuedEvent = {
    place,
    ...(qualifier === undefined ? {} : { qualifier }),
    payload: await seal(house, payload),
    receivedAt: call.now,
  };
  const { state, effects } = startAsyncInvocation({
    receivedAt: call.now,
    maxRetries: config?.maxRetries ?? DEFAULT_RETRIES,
    maxAgeMs: config?.maxAgeSeconds === undefined ? DEFAULT_AGE_MS : config.maxAgeSeconds * SECOND_MS,
  });
  const key = { account: place.account, region: place.region, id: call.requestId };
  await house.store.transaction(async (tx) => {
    if (!(await house.engine.create(tx, KIND, key, state, effects)))
      throw new AwsError('ServiceException', `request ${call.requestId} is known already`, { statusCode: 500 });
    await events.insert(tx, key, event, { parent: place.name });
  });
  measure(house, event, call.now, { AsyncEventsReceived: 1 });
}

export function asyncInvocationLoop(
  house: House,
): LoopDefinition<AsyncInvocationState, AsyncInvocationEvent, AsyncInvocationEffect> {
  return defineLoop<AsyncInvocationState, AsyncInvocationEvent, AsyncInvocationEffect>({
    kind: KIND,
    history: 'None',
    decide,
    isFinal,
    place: (state) => ({ parent: state.phase }),
    async perform(effect, { key, now }) {
      if (effect.type === 'Run') return begin(house, key, effect.run);
      if (effect.type === 'Conclude') {
        const event = (await events.get(house.store, key))?.document;
        if (event !== undefined && effect.dropReason !== undefined) {
          measure(house, event, now, { AsyncEventsDropped: 1 });
          house.log.warn('an event of a function was dropped', {
            function: event.place.name,
            requestId: key.id,
            reason: effect.dropReason,
          });
        }
        await house.store.transaction(async (tx) => {
          await events.delete(tx, key);
          await house.engine.remove(tx, KIND, key);
        });
      }
      return undefined;
    },
  });
}

/** Events that ran in a process that is gone are run again. Call once, before the engine starts. */
export async function resumeEvents(house: House): Promise<void> {
  house.members.onGone(() => runLostEvents(house));
  await runLostEvents(house);
}

async function runLostEvents(house: House): Promise<void> {
  const { exclusive } = house.members;
  const running = await states.list(house.store, { parent: 'Running' });
  const standing = exclusive ? new Set<string>() : await house.members.standing();
  for (const { key } of running) {
    if (!exclusive) {
      const holder = (await events.get(house.store, key))?.document.holder;
      if (holder !== undefined && standing.has(holder)) continue;
    }
    await house.engine.submit(KIND, key, { type: 'RunInterrupted' });
  }
}

/** Starts the function and returns; how it ends is reported when it ends, since that may take a quarter of an hour. */
async function begin(house: House, key: DocumentKey, run: number): Promise<AsyncInvocationEvent> {
  const event = (await events.get(house.store, key))?.document;
  if (event === undefined) return { type: 'FunctionNotFound', run };
  const { place, qualifier } = event;
  const record = (await functions.get(house.store, functionKey(place)))?.document;
  if (record === undefined) return { type: 'FunctionNotFound', run };
  let target;
  try {
    target = await chooseTarget(house, place, record, qualifier);
  } catch (error) {
    if (isAwsError(error, 'ResourceNotFoundException')) return { type: 'FunctionNotFound', run };
    throw error;
  }
  const payload = await unseal(house, event.payload);
  if (!house.members.exclusive) await events.update(house.store, key, { ...event, holder: house.members.self });
  const now = house.clock.now();
  if (run === 1) measure(house, event, now, { AsyncEventAge: now - event.receivedAt });
  void execute(house, target, { requestId: key.id, payload })
    .then(
      ({ outcome }): AsyncInvocationEvent => ({ type: outcome.failed ? 'RunFailed' : 'RunSucceeded', run }),
      (error: unknown): AsyncInvocationEvent => {
        if (!isAwsError(error, 'TooManyRequestsException'))
          house.log.warn('an event could not be run', {
            function: place.name,
            requestId: key.id,
            error: String(error),
          });
        return { type: 'RunRefused', run };
      },
    )
    .then(async (result) => {
      // Ended by our own end: it is run again when Sluice comes back.
      if (!workshopOf(house).stopping()) await untilHeard(house.config, () => house.engine.submit(KIND, key, result));
    })
    .catch((error: unknown) =>
      house.log.warn('the end of an event could not be noted', { requestId: key.id, error: String(error) }),
    );
  return { type: 'RunBegun', run };
}

function measure(house: House, event: QueuedEvent, at: number, values: Readonly<Record<string, number>>): void {
  const { place, qualifier } = event;
  const resource = qualifier === undefined ? place.name : `${place.name}:${qualifier}`;
  const scope = { account: place.account, region: place.region };
  workshopOf(house).metrics.record({ scope, functionName: place.name, resource }, at, values);
}
