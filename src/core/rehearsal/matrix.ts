/** Every fault over many seeds, and what came of it. */
import type { Plan } from './deployment.ts';
import type { Fault } from './faults.ts';
import type { Rehearsal } from './outcome.ts';
import { rehearse } from './rehearse.ts';
import type { Workload } from './workload.ts';

export type FaultResult = Readonly<{
  fault: string;
  runs: number;
  /** Runs that did not succeed. */
  caught: number;
  /** Median, of those caught, from the beginning of the traffic's move. */
  caughtAfterMs?: number;
  hurt: Readonly<{ median: number; most: number }>;
  /** The most frequent end. */
  ends: string;
  /** The alarm or the rule that acted most often. */
  by?: string;
  /** The first run. */
  example: Rehearsal;
}>;

export function rehearseAll(
  plan: Plan,
  workload: Workload,
  faults: readonly Fault[],
  seeds: number,
  firstSeed = 1,
): readonly FaultResult[] {
  return faults.map((fault) => {
    const runs = Array.from({ length: seeds }, (_, index) => rehearse(plan, workload, fault, firstSeed + index));
    return resultOf(fault.name, runs);
  });
}

function resultOf(fault: string, runs: readonly Rehearsal[]): FaultResult {
  const caught = runs.filter(({ status }) => status !== 'Succeeded');
  const [example] = runs;
  if (example === undefined) throw new RangeError('a rehearsal needs one seed at least');
  const after = median(caught.map(({ endedAfterMs }) => endedAfterMs));
  const by = mostFrequent(caught.map(({ alarms, code }) => (alarms.length > 0 ? alarms.join(', ') : (code ?? ''))));
  return {
    fault,
    runs: runs.length,
    caught: caught.length,
    ...(after === undefined ? {} : { caughtAfterMs: after }),
    hurt: { median: median(runs.map(({ hurt }) => hurt)) ?? 0, most: Math.max(...runs.map(({ hurt }) => hurt)) },
    ends: mostFrequent(runs.map(({ status, rolledBack }) => (rolledBack ? `${status}, rolled back` : status))) ?? '',
    ...(by === undefined ? {} : { by }),
    example,
  };
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function mostFrequent(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}
