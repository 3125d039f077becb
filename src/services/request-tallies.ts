/**
 * How the requests of two versions that share the traffic of an alias ended: the evidence of the judge. Lambda counts them
 * here, second by second, with the share by which each was drawn; a deployment reads on from where it read before. Only
 * requests of an alias that sends traffic to two versions are counted, so all others cost nothing.
 *
 * A second is read once all that was drawn in it has ended, or must have: read as they end, a version that fails at once
 * would look worse than one that fails by running out of time.
 * Plumbing, which no permission of the customer opens or closes: docs/adr/0015.
 */
import { type EpochMs, SECOND_MS } from '../common/index.ts';
import { addDurations, type Evidence, SPAN_MS, type Tally } from '../core/judge/index.ts';
import { collection, type Queryable, timeSort } from '../store/index.ts';
import type { Scope } from './service.ts';

/** `begun`: drawn for it. Those that ended otherwise than by an answer, such as with the server, are `dropped`. */
export type RunningTally = Tally & Readonly<{ begun: number; dropped: number }>;

/** Requests of one draw: `other` gets `share` of them, `main` the rest. */
export type SplitTally = Readonly<{
  main: string;
  other: string;
  share: number;
  mainTally: RunningTally;
  otherTally: RunningTally;
}>;

/** What was drawn in the second that begins at `at`. */
export type RequestTally = Readonly<{
  at: EpochMs;
  /** By then all of it has ended. */
  deadlineAt: EpochMs;
  splits: readonly SplitTally[];
}>;

/** Under `function:alias`, in order of time. */
export const requestTallies = collection<RequestTally>('lambda.requestTally');

export const NO_REQUESTS: RunningTally = { requests: 0, failed: 0, durations: [], begun: 0, dropped: 0 };

export function tallyParent(functionName: string, alias: string): string {
  return `${functionName}:${alias}`;
}

/** Of an alias that is deleted. */
export async function dropTallies(q: Queryable, scope: Scope, functionName: string, alias: string): Promise<void> {
  await requestTallies.deleteUnder(q, scope, tallyParent(functionName, alias));
}

export function addTallies(one: RunningTally, other: RunningTally): RunningTally {
  return {
    requests: one.requests + other.requests,
    failed: one.failed + other.failed,
    durations: addDurations(one.durations, other.durations),
    begun: one.begun + other.begun,
    dropped: one.dropped + other.dropped,
  };
}

export type Versions = Readonly<{ functionName: string; alias: string; old: string; fresh: string }>;

export type ReadEvidence = Readonly<{ until: EpochMs; evidence: readonly Evidence[] }>;

/** What another process counts is written within this. */
const WRITTEN_WITHIN_MS = 2 * SECOND_MS;
const MOST_SECONDS = 3_600;

/** What was drawn from the second of `since` on, as far as nothing drawn before is still to end. `until` is whole seconds. */
export async function readEvidence(
  q: Queryable,
  scope: Scope,
  { functionName, alias, old, fresh }: Versions,
  since: EpochMs,
  now: EpochMs,
): Promise<ReadEvidence> {
  const from = second(since);
  const rows = await requestTallies.list(q, {
    ...scope,
    parent: tallyParent(functionName, alias),
    after: { sort: timeSort(from), id: '' },
    limit: MOST_SECONDS,
  });
  let until = Math.max(from, second(now - WRITTEN_WITHIN_MS));
  const last = rows.at(-1)?.document;
  if (rows.length === MOST_SECONDS && last !== undefined) until = Math.min(until, last.at + SECOND_MS);
  const spans = new Map<string, Evidence>();
  for (const { document } of rows) {
    const splits = document.splits.filter(({ main, other }) => main === old && other === fresh);
    if (document.at >= until) break;
    if (now < document.deadlineAt && splits.some(isRunning)) {
      until = document.at;
      break;
    }
    for (const { share, mainTally, otherTally } of splits) {
      // The judge cares for the order of spans, not for that within one.
      const key = `${Math.floor(document.at / SPAN_MS)} ${share}`;
      const before = spans.get(key);
      spans.set(key, {
        at: before?.at ?? document.at,
        share,
        fresh: plus(before?.fresh, otherTally),
        old: plus(before?.old, mainTally),
      });
    }
  }
  return { until, evidence: [...spans.values()] };
}

/** The second that an instant is in. */
export function second(at: EpochMs): EpochMs {
  return at - (at % SECOND_MS);
}

function isRunning({ mainTally, otherTally }: SplitTally): boolean {
  return [mainTally, otherTally].some(({ begun, requests, dropped }) => begun > requests + dropped);
}

function plus(before: Tally | undefined, { requests, failed, durations }: Tally): Tally {
  if (before === undefined) return { requests, failed, durations };
  return {
    requests: before.requests + requests,
    failed: before.failed + failed,
    durations: addDurations(before.durations, durations),
  };
}
