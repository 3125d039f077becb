/** Every fault over many seeds, and what came of it. */
import type { Plan } from './deployment.ts';
import type { Fault } from './faults.ts';
import type { Rehearsal } from './outcome.ts';
import { rehearsePipeline } from './pipeline.ts';
import type { PipelinePlan, PipelineWorkload } from './pipeline-plan.ts';
import { rehearse } from './rehearse.ts';
import type { Workload } from './workload.ts';

export type FaultResult = Readonly<{
  fault: string;
  /** Those that the figures are of. */
  runs: number;
  /** Runs beside them, in which the pipeline failed by mere chance before the fault could show. */
  lost: number;
  /** Runs that did not succeed: the deployment, or the pipeline's first execution. */
  caught: number;
  /** Runs in which a deployment of the release did not succeed: of a healthy release, false alarms. */
  stopped: number;
  /** Median, of those caught, from when the fault could be felt. */
  caughtAfterMs?: number;
  /** The longest, of those caught. */
  caughtAfterMostMs?: number;
  hurt: Readonly<{ median: number; most: number }>;
  /** Median of the requests a minute that go on failing. */
  goesOnPerMinute: number;
  /** The most frequent end. */
  ends: string;
  /** The alarm or the rule that acted most often. */
  by?: string;
  /** The first of those runs. */
  example: Rehearsal;
}>;

export function rehearseAll(
  plan: Plan,
  workload: Workload & { readonly hookMs?: number },
  faults: readonly Fault[],
  seeds: number,
  firstSeed = 1,
): readonly FaultResult[] {
  return overSeeds(faults, seeds, firstSeed, (fault, seed) => rehearse(plan, workload, fault, seed));
}

export function rehearsePipelineAll(
  plan: PipelinePlan,
  workload: PipelineWorkload,
  faults: readonly Fault[],
  seeds: number,
  firstSeed = 1,
): readonly FaultResult[] {
  return overSeeds(faults, seeds, firstSeed, (fault, seed) => rehearsePipeline(plan, workload, fault, seed));
}

function overSeeds(
  faults: readonly Fault[],
  seeds: number,
  firstSeed: number,
  play: (fault: Fault, seed: number) => Rehearsal,
): readonly FaultResult[] {
  return faults.map((fault) =>
    resultOf(
      fault.name,
      Array.from({ length: seeds }, (_, index) => play(fault, firstSeed + index)),
    ),
  );
}

function resultOf(fault: string, all: readonly Rehearsal[]): FaultResult {
  const shown = all.filter(({ lost }) => lost !== true);
  const runs = shown.length === 0 ? all : shown;
  const caught = runs.filter(({ status }) => status !== 'Succeeded');
  const [example] = runs;
  if (example === undefined) throw new RangeError('a rehearsal needs one seed at least');
  const times = caught.map(({ endedAfterMs }) => endedAfterMs);
  const after = median(times);
  const by = mostFrequent(caught.map(whatActed));
  return {
    fault,
    runs: runs.length,
    lost: all.length - runs.length,
    caught: caught.length,
    stopped: runs.filter(({ stopped }) => stopped).length,
    ...(after === undefined ? {} : { caughtAfterMs: after, caughtAfterMostMs: Math.max(...times) }),
    hurt: { median: median(runs.map(({ hurt }) => hurt)) ?? 0, most: Math.max(...runs.map(({ hurt }) => hurt)) },
    goesOnPerMinute: median(runs.map(({ goesOnPerMinute }) => goesOnPerMinute)) ?? 0,
    ends: mostFrequent(runs.map(endWords)) ?? '',
    ...(by === undefined || by === '' ? {} : { by }),
    example,
  };
}

function whatActed({ alarms, code, at, status }: Rehearsal): string {
  if (alarms.length > 0) return alarms.join(', ');
  // Nothing else stops a deployment with this code.
  if (status === 'Stopped' && code === 'CUSTOMER_APPLICATION_UNHEALTHY') return 'the judge';
  return at === undefined ? (code ?? '') : `${code} of ${at}`;
}

/** `Stopped, rolled back`; `Succeeded; push 2 Superseded`. */
export function endWords({ status, rollback, executions = [] }: Rehearsal): string {
  const returned = rollback === undefined ? '' : rollback === 'Succeeded' ? ', rolled back' : `, rollback ${rollback}`;
  const others = executions.slice(1).map(({ number, status: end }) => `; push ${number} ${end}`);
  return `${status}${returned}${others.join('')}`;
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function mostFrequent(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}
