/**
 * What the judge is told: requests, counted by the version that they were drawn for.
 *
 * The draw is the experiment. Sluice gives each request to the new version with the share that the alias names, by a random
 * number of its own, whatever the request is. So evidence keeps the share with the counts, and requests of different shares
 * apart; then no weather that both versions see, no burst and no change of the workload can look like a worse version.
 */
import type { EpochMs } from '../../common/index.ts';

/** [class of duration, requests], no class twice. Without the first requests of an environment: they are slow anyway. */
export type Durations = readonly (readonly [number, number])[];

export type Tally = Readonly<{ requests: number; failed: number; durations: Durations }>;

/** Requests drawn within a second, or a part of one. */
export type Evidence = Readonly<{
  /** When they were drawn; evidence is told in this order. */
  at: EpochMs;
  /** Share of requests that the new version gets, more than 0 and less than 1. */
  share: number;
  fresh: Tally;
  old: Tally;
}>;

export const NOTHING: Tally = { requests: 0, failed: 0, durations: [] };

/** Classes of duration in a doubling: neighbours are 9 % apart. */
const CLASSES_IN_DOUBLING = 8;

/** Durations of a class are longer than `longestMs` of the class before, and no longer than that of its own. */
export function durationClass(durationMs: number): number {
  return durationMs <= 1 ? 0 : Math.ceil(Math.log2(durationMs) * CLASSES_IN_DOUBLING - 1e-9);
}

export function longestMs(durationClass: number): number {
  return 2 ** (durationClass / CLASSES_IN_DOUBLING);
}

export function addDurations(one: Durations, other: Durations): Durations {
  if (one.length === 0 || other.length === 0) return one.length === 0 ? other : one;
  const sum = new Map(one);
  for (const [slot, count] of other) sum.set(slot, (sum.get(slot) ?? 0) + count);
  return [...sum].sort(([a], [b]) => a - b);
}

export function countDurations(durations: Durations, aboveClass = -1): number {
  let count = 0;
  for (const [slot, requests] of durations) if (slot > aboveClass) count += requests;
  return count;
}

/** The class that so many of the durations do not go beyond; undefined without any. */
export function quantileClass(durations: Durations, quantile: number): number | undefined {
  let left = quantile * countDurations(durations);
  for (const [slot, requests] of durations.toSorted(([a], [b]) => a - b)) {
    left -= requests;
    if (left <= 1e-9) return slot;
  }
  return durations.at(-1)?.[0];
}
