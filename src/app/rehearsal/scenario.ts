/**
 * A scenario of `sluice rehearse`: the workload, what goes wrong, and what must hold. Every part may be left out.
 *
 *   workload: { requestsPerMinute: 600, errors: 0.1 %, medianMs: 40, p99Ms: 200, publishDelay: 1 }
 *   seeds: 50
 *   faults:                                  # absent: the whole palette
 *     - errors 30 %                          # by its name in the palette
 *     - { name: half of them, errors: 50 %, after: PT1M, latencyFactor: 2 }
 *   assert:
 *     - { fault: errors 30 %, caughtWithin: PT3M, hurtAtMost: 200 }
 *     - { fault: healthy, falseRollbacks: 1 % }
 */
import { isScalar, type Node } from 'yaml';
import type { Fault, Workload } from '../../core/rehearsal/index.ts';
import { YamlReader } from '../yaml-reader.ts';

export type Assertion = Readonly<{
  fault: string;
  /** Every run is caught within so long of the traffic's first move. */
  caughtWithinMs?: number;
  /** No run hurts more requests. */
  hurtAtMost?: number;
  /** Of a fault that is none: the share of runs that may be stopped. */
  falseRollbacks?: number;
}>;

export type Scenario = Readonly<{
  workload: Partial<Workload>;
  seeds?: number;
  /** Absent: the palette. */
  faults?: readonly Fault[];
  assertions: readonly Assertion[];
}>;

/** `palette`: the faults that can be named. Throws `SettingError`. */
export function readScenario(text: string, palette: readonly Fault[]): Scenario {
  const reader = new YamlReader(text);
  if (reader.root === undefined) return { workload: {}, assertions: [] };
  const root = reader.map(reader.root, '', ['workload', 'seeds', 'faults', 'assert']);
  const workload = reader.part(root, 'workload');
  const seeds = reader.number(root, '', 'seeds');
  if (seeds !== undefined && (!Number.isInteger(seeds) || seeds < 1 || seeds > 10_000))
    throw reader.error(reader.part(root, 'seeds'), 'seeds', 'expected a whole number from 1 to 10000');
  const faults = reader
    .items(root, '', 'faults')
    ?.map((item, index) => readFault(reader, item, `faults[${index}]`, palette));
  const known = [...(faults ?? palette)];
  const assertions = (reader.items(root, '', 'assert') ?? []).map((item, index) =>
    readAssertion(reader, item, `assert[${index}]`, known),
  );
  return {
    workload: workload === undefined ? {} : readWorkload(reader, workload),
    ...(seeds === undefined ? {} : { seeds }),
    ...(faults === undefined ? {} : { faults }),
    assertions,
  };
}

function readWorkload(reader: YamlReader, node: Node): Partial<Workload> {
  const key = 'workload';
  const map = reader.map(node, key, ['requestsPerMinute', 'errors', 'medianMs', 'p99Ms', 'publishDelay']);
  const requestsPerMinute = reader.number(map, key, 'requestsPerMinute');
  const errorShare = reader.percent(map, key, 'errors');
  const publishDelayMs = reader.duration(map, key, 'publishDelay');
  const medianMs = reader.number(map, key, 'medianMs');
  const p99Ms = reader.number(map, key, 'p99Ms');
  if ((medianMs === undefined) !== (p99Ms === undefined))
    throw reader.error(node, key, 'medianMs and p99Ms belong together');
  if (medianMs !== undefined && p99Ms !== undefined && (medianMs === 0 || p99Ms < medianMs))
    throw reader.error(
      reader.part(map, 'p99Ms'),
      `${key}.p99Ms`,
      'expected no less than medianMs, which is more than 0',
    );
  return {
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(errorShare === undefined ? {} : { errorShare }),
    ...(publishDelayMs === undefined ? {} : { publishDelayMs }),
    ...(medianMs === undefined || p99Ms === undefined ? {} : { latency: { medianMs, p99Ms } }),
  };
}

function readFault(reader: YamlReader, node: Node, key: string, palette: readonly Fault[]): Fault {
  if (isScalar(node)) return named(reader, node, key, palette);
  const map = reader.map(node, key, ['name', 'errors', 'after', 'latencyFactor', 'atWeight']);
  const name = reader.matching(map, key, 'name', /^.{1,60}$/, 'a name of 1 to 60 characters');
  const errors = reader.percent(map, key, 'errors');
  const afterMs = reader.duration(map, key, 'after') ?? 0;
  const atWeight = reader.percent(map, key, 'atWeight') ?? 0;
  const latencyFactor = reader.number(map, key, 'latencyFactor');
  if (errors === undefined && latencyFactor === undefined)
    throw reader.error(node, key, 'expected errors, latencyFactor, or both');
  return {
    name,
    ...(errors === undefined
      ? {}
      : {
          errorShare: (sinceMs: number, weightPercent: number) =>
            sinceMs >= afterMs && weightPercent >= atWeight * 100 ? errors : 0,
        }),
    ...(latencyFactor === undefined ? {} : { latencyFactor }),
  };
}

function named(reader: YamlReader, node: Node, key: string, known: readonly Fault[]): Fault {
  const name = isScalar(node) ? node.value : undefined;
  const found = known.find((fault) => fault.name === name);
  if (found === undefined)
    throw reader.error(node, key, `no such fault; known are ${known.map((fault) => fault.name).join(', ')}`);
  return found;
}

function readAssertion(reader: YamlReader, node: Node, key: string, known: readonly Fault[]): Assertion {
  const map = reader.map(node, key, ['fault', 'caughtWithin', 'hurtAtMost', 'falseRollbacks']);
  const fault = reader.part(map, 'fault');
  if (fault === undefined) throw reader.error(node, `${key}.fault`, 'missing');
  const { name } = named(reader, fault, `${key}.fault`, known);
  const caughtWithinMs = reader.duration(map, key, 'caughtWithin');
  const hurtAtMost = reader.number(map, key, 'hurtAtMost');
  const falseRollbacks = reader.percent(map, key, 'falseRollbacks');
  if (caughtWithinMs === undefined && hurtAtMost === undefined && falseRollbacks === undefined)
    throw reader.error(node, key, 'expected caughtWithin, hurtAtMost or falseRollbacks');
  return {
    fault: name,
    ...(caughtWithinMs === undefined ? {} : { caughtWithinMs }),
    ...(hurtAtMost === undefined ? {} : { hurtAtMost }),
    ...(falseRollbacks === undefined ? {} : { falseRollbacks }),
  };
}
