/**
 * Runs one invocation of a function: finds the version, counts, picks or makes an environment, and writes down what
 * happened in logs and metrics. Used by `Invoke` and by the loop of asynchronous invocations alike.
 */
import { setImmediate as immediate } from 'node:timers/promises';
import { HEX, isAwsError } from '../../common/index.ts';
import type { InvocationOutcome } from '../../runtimes/index.ts';
import type { House } from '../service.ts';
import { environmentKey, makeRecipe } from './environments.ts';
import type { FunctionLog } from './function-logs.ts';
import type { MetricTarget } from './invocation-metrics.ts';
import {
  aliases,
  type Configuration,
  functionArn,
  functionNotFound,
  type FunctionRecord,
  isVersionNumber,
  LATEST,
  type Place,
  qualifiedKey,
  requireVersion,
} from './records.ts';
import type { Draw, DrawEnd } from './split-tallies.ts';
import { workshopOf } from './workshop.ts';

export type Target = Readonly<{
  place: Place;
  configuration: Configuration;
  reservedConcurrency?: number;
  /** As the caller named it. */
  invokedArn: string;
  metrics: MetricTarget;
  /** Set where the version was drawn from two. */
  draw?: Draw;
}>;

/** The version that an invocation is for; of a weighted alias, drawn anew each time. Throws `ResourceNotFoundException`. */
export async function chooseTarget(
  house: House,
  place: Place,
  record: FunctionRecord,
  qualifier: string | undefined,
): Promise<Target> {
  const scope = { account: place.account, region: place.region };
  const resource = qualifier === undefined ? place.name : `${place.name}:${qualifier}`;
  const base = {
    place,
    invokedArn: functionArn(place, qualifier),
    ...(record.reservedConcurrency === undefined ? {} : { reservedConcurrency: record.reservedConcurrency }),
  };
  const metrics = { scope, functionName: place.name, resource };
  if (qualifier === undefined || qualifier === LATEST || isVersionNumber(qualifier)) {
    return { ...base, metrics, configuration: await requireVersion(house.store, place, record, qualifier ?? LATEST) };
  }
  const alias = (await aliases.get(house.store, qualifiedKey(place, qualifier)))?.document;
  if (alias === undefined) throw functionNotFound(place, qualifier);
  const version = drawVersion(alias.version, alias.weights, house.ids.random());
  const configuration = await requireVersion(house.store, place, record, version);
  const [other, share] = Object.entries(alias.weights)[0] ?? [];
  return {
    ...base,
    metrics: { ...metrics, executedVersion: version },
    configuration,
    ...(other !== undefined &&
      share !== undefined &&
      share > 0 &&
      share < 1 && { draw: { alias: qualifier, main: alias.version, other, share, isOther: version === other } }),
  };
}

/** `draw` is in [0, 1). Each weight is the share of its version; the rest goes to `main`. */
export function drawVersion(main: string, weights: Readonly<Record<string, number>>, draw: number): string {
  let sum = 0;
  for (const [version, weight] of Object.entries(weights)) {
    sum += weight;
    if (draw < sum) return version;
  }
  return main;
}

export type Execution = Readonly<{ outcome: InvocationOutcome; /** The last 4 KB of its log. */ logTail: Uint8Array }>;

export type ExecutionRequest = Readonly<{
  requestId: string;
  payload: Uint8Array;
  clientContext?: string;
  traceId?: string;
  /** Wait for what the function printed; else the answer does not wait for the logs. */
  tail?: boolean;
}>;

/** Throws `TooManyRequestsException`, and `InvalidParameterValueException` when the role cannot be assumed any more. */
export async function execute(house: House, target: Target, request: ExecutionRequest): Promise<Execution> {
  const workshop = workshopOf(house);
  const { place, configuration, reservedConcurrency } = target;
  const startedAt = house.clock.now();
  let counted: ReturnType<typeof workshop.concurrency.enter>;
  try {
    counted = workshop.concurrency.enter(place, reservedConcurrency);
  } catch (error) {
    workshop.metrics.record(target.metrics, startedAt, { Throttles: 1 });
    throw error;
  }
  const endWork = house.engine.beginActivity();
  const endDraw = target.draw && workshop.tallies.begin(place, target.draw, configuration.timeoutSeconds);
  let drawEnd: DrawEnd = { type: 'Dropped' };
  let log: FunctionLog | undefined;
  let begun = false;
  const begin = (): void => {
    if (begun || log === undefined) return;
    begun = true;
    log.line(`START RequestId: ${request.requestId} Version: ${configuration.version}`);
  };
  try {
    const { outcome, closing } = await workshop.pool.invoke(
      environmentKey(place, configuration),
      {
        requestId: request.requestId,
        payload: request.payload,
        invokedFunctionArn: target.invokedArn,
        timeoutMs: configuration.timeoutSeconds * 1000,
        traceId: request.traceId ?? newTraceId(house),
        ...(request.clientContext === undefined ? {} : { clientContext: request.clientContext }),
        onDelivered: begin,
      },
      () => makeRecipe(house, place, configuration),
      {
        taken: (recipe) => {
          log = recipe.log;
          log.startTail();
        },
        answered: async (recipe, outcome) => {
          const endPlumbing = house.engine.beginActivity('Plumbing');
          try {
            begin();
            await outputArrived(recipe.log);
            report(house, recipe.log, request.requestId, configuration, outcome);
          } finally {
            endPlumbing();
          }
        },
      },
    );
    if (workshop.stopping()) throw new Error('the service is stopping');
    const { failed, durationMs } = outcome;
    drawEnd = { type: 'Answered', failed, durationMs, cold: outcome.initMs !== undefined };
    workshop.metrics.record(target.metrics, startedAt, {
      Invocations: 1,
      Errors: outcome.failed ? 1 : 0,
      Throttles: 0,
      Duration: Math.round(outcome.durationMs * 100) / 100,
      ConcurrentExecutions: counted.running,
    });
    if (request.tail === true) await closing;
    return { outcome, logTail: log?.tail() ?? new Uint8Array() };
  } catch (error) {
    // The version cannot be run, as when its role may not be assumed: to who called it, it failed.
    if (isAwsError(error) && !isAwsError(error, 'TooManyRequestsException')) drawEnd = { type: 'NotStarted' };
    throw error;
  } finally {
    endDraw?.(drawEnd);
    counted.leave();
    endWork();
  }
}

/** What the function printed before it answered lies in the pipe; each turn of the event loop reads what is there. */
async function outputArrived(log: FunctionLog): Promise<void> {
  for (let quiet = 0, seen = log.pieces; quiet < 2;) {
    await immediate();
    quiet = log.pieces === seen ? quiet + 1 : 0;
    seen = log.pieces;
  }
}

/** The lines that close an invocation, as AWS writes them. */
function report(
  house: House,
  log: FunctionLog,
  requestId: string,
  configuration: Configuration,
  outcome: InvocationOutcome,
): void {
  if (outcome.platformMessage !== undefined) {
    log.line(
      outcome.errorType === 'Sandbox.Timedout'
        ? `${new Date(house.clock.now()).toISOString()} ${requestId} ${outcome.platformMessage}`
        : `RequestId: ${requestId} Error: ${outcome.platformMessage}\r${outcome.errorType}`,
    );
  }
  log.line(`END RequestId: ${requestId}`);
  const billedMs = Math.ceil(outcome.durationMs + (outcome.initMs ?? 0));
  log.line(
    [
      `REPORT RequestId: ${requestId}`,
      `Duration: ${outcome.durationMs.toFixed(2)} ms`,
      `Billed Duration: ${billedMs} ms`,
      `Memory Size: ${configuration.memoryMb} MB`,
      `Max Memory Used: ${outcome.maxMemoryMb} MB`,
      ...(outcome.initMs === undefined ? [] : [`Init Duration: ${outcome.initMs.toFixed(2)} ms`]),
      ...(outcome.errorType === 'Sandbox.Timedout' ? ['Status: timeout'] : []),
      ...(outcome.platformMessage !== undefined && outcome.errorType !== 'Sandbox.Timedout'
        ? ['Status: error', `Error Type: ${outcome.errorType}`]
        : []),
      '',
    ].join('\t'),
  );
}

function newTraceId(house: House): string {
  const seconds = Math.floor(house.clock.now() / 1000).toString(16);
  return `Root=1-${seconds.padStart(8, '0')}-${house.ids.text(24, HEX)};Parent=${house.ids.text(16, HEX)};Sampled=0`;
}
