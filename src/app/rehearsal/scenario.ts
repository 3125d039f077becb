/**
 * A scenario of `sluice rehearse`: the workload, what goes wrong, and what must hold. Every part may be left out; what each
 * key means is in docs/reference/scenario.md.
 *
 *   workload:
 *     { requestsPerMinute: 600, errors: 0.1 %, medianMs: 40, p99Ms: 200, publishDelay: 1,
 *       build: { takes: PT4M, fails: 2 % }, approver: { answersAfter: PT30M } }
 *   seeds: 50
 *   faults:                                  # absent: the whole palette
 *     - errors 30 %                          # by its name in the palette
 *     - { name: half of them, errors: 50 %, after: PT1M, latencyFactor: 2 }
 *     - { name: no deployment, denies: codedeploy:CreateDeployment }
 *   assert:
 *     - { fault: errors 30 %, caughtWithin: PT3M, hurtAtMost: 200 }
 *     - healthy: stopped at most 1 %
 */
import { isScalar, type Node, type YAMLMap } from 'yaml';
import { DEFAULT_PACE, type Fault, type Pace, type Workload } from '../../core/rehearsal/index.ts';
import { YamlReader } from '../yaml-reader.ts';
import { type Assertion, parseAssertion } from './assertion.ts';

export type GivenWorkload = Partial<Workload> &
  Readonly<{ pace?: Pace; groups?: Readonly<Record<string, Partial<Workload>>> }>;

export type Scenario = Readonly<{
  workload: GivenWorkload;
  seeds?: number;
  /** Absent: the palette. */
  faults?: readonly Fault[];
  assertions: readonly Assertion[];
}>;

/** The keys of each map of the language; docs/reference/scenario.md has each of them. */
export const SCENARIO_KEYS = {
  scenario: ['workload', 'seeds', 'faults', 'assert'],
  workload: [
    'requestsPerMinute',
    'errors',
    'medianMs',
    'p99Ms',
    'publishDelay',
    'groups',
    'source',
    'build',
    'approver',
    'others',
    'hook',
  ],
  group: ['requestsPerMinute', 'errors', 'medianMs', 'p99Ms'],
  source: ['takes'],
  build: ['takes', 'fails', 'timeout'],
  approver: ['answersAfter', 'rejects'],
  others: ['takes'],
  hook: ['takes'],
  fault: [
    'name',
    'errors',
    'after',
    'atWeight',
    'latencyFactor',
    'metricsGap',
    'oldVersion',
    'hook',
    'build',
    'approver',
    'pushes',
    'denies',
    'at',
    'role',
  ],
  assertion: ['fault', 'caughtWithin', 'hurtAtMost', 'falseRollbacks', 'ends', 'by'],
} as const;

/** Whether a file with these keys is meant as a scenario. */
export function isScenario(keys: readonly string[]): boolean {
  return keys.length > 0 && keys.every((key) => (SCENARIO_KEYS.scenario as readonly string[]).includes(key));
}

/** `palette`: the faults that can be named; `at`: the actions (`Stage/Action`) of the pipeline. Throws `SettingError`. */
export function readScenario(text: string, palette: readonly Fault[], at: readonly string[] = []): Scenario {
  const reader = new YamlReader(text);
  if (reader.root === undefined) return { workload: {}, assertions: [] };
  const root = reader.map(reader.root, '', SCENARIO_KEYS.scenario);
  const workload = reader.part(root, 'workload');
  const seeds = reader.number(root, '', 'seeds');
  if (seeds !== undefined && (!Number.isInteger(seeds) || seeds < 1 || seeds > 10_000))
    throw reader.error(reader.part(root, 'seeds'), 'seeds', 'expected a whole number from 1 to 10000');
  const faults = reader
    .items(root, '', 'faults')
    ?.map((item, index) => new FaultReader(reader, item, `faults[${index}]`).read(palette, at));
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

function readWorkload(reader: YamlReader, node: Node): GivenWorkload {
  const key = 'workload';
  const map = reader.map(node, key, SCENARIO_KEYS.workload);
  const publishDelayMs = reader.duration(map, key, 'publishDelay');
  const groups = reader.part(map, 'groups');
  return {
    ...readTraffic(reader, map, key),
    ...(publishDelayMs === undefined ? {} : { publishDelayMs }),
    ...(groups === undefined ? {} : { groups: readGroups(reader, groups) }),
    pace: readPace(reader, map),
  };
}

function readTraffic(reader: YamlReader, map: YAMLMap, key: string): Partial<Workload> {
  const requestsPerMinute = reader.number(map, key, 'requestsPerMinute');
  const errorShare = reader.percent(map, key, 'errors');
  const medianMs = reader.number(map, key, 'medianMs');
  const p99Ms = reader.number(map, key, 'p99Ms');
  if ((medianMs === undefined) !== (p99Ms === undefined))
    throw reader.error(map, key, 'medianMs and p99Ms belong together');
  if (medianMs !== undefined && p99Ms !== undefined && (medianMs === 0 || p99Ms < medianMs))
    throw reader.error(
      reader.part(map, 'p99Ms'),
      `${key}.p99Ms`,
      'expected no less than medianMs, which is more than 0',
    );
  return {
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(errorShare === undefined ? {} : { errorShare }),
    ...(medianMs === undefined || p99Ms === undefined ? {} : { latency: { medianMs, p99Ms } }),
  };
}

function readGroups(reader: YamlReader, node: Node): Readonly<Record<string, Partial<Workload>>> {
  const names = reader.names(node, 'workload.groups');
  const map = reader.map(node, 'workload.groups', names);
  return Object.fromEntries(
    names.map((name) => {
      const key = `workload.groups.${name}`;
      const group = reader.part(map, name);
      if (group === undefined) return [name, {}];
      return [name, readTraffic(reader, reader.map(group, key, SCENARIO_KEYS.group), key)];
    }),
  );
}

function readPace(reader: YamlReader, workload: YAMLMap): Pace {
  const part = (name: 'source' | 'build' | 'approver' | 'others' | 'hook') => {
    const node = reader.part(workload, name);
    const key = `workload.${name}`;
    const map = node === undefined ? undefined : reader.map(node, key, SCENARIO_KEYS[name]);
    return {
      ms: (of: string, usual: number) => (map === undefined ? usual : (reader.duration(map, key, of) ?? usual)),
      share: (of: string, usual: number) => (map === undefined ? usual : (reader.percent(map, key, of) ?? usual)),
    };
  };
  const [source, build, approver, others, hook] = (['source', 'build', 'approver', 'others', 'hook'] as const).map(
    part,
  );
  const { sourceMs, build: builds, approver: approvers, otherMs, hookMs } = DEFAULT_PACE;
  return {
    sourceMs: source?.ms('takes', sourceMs) ?? sourceMs,
    build: {
      takesMs: build?.ms('takes', builds.takesMs) ?? builds.takesMs,
      failShare: build?.share('fails', builds.failShare) ?? builds.failShare,
      timeoutMs: build?.ms('timeout', builds.timeoutMs) ?? builds.timeoutMs,
    },
    approver: {
      answersAfterMs: approver?.ms('answersAfter', approvers.answersAfterMs) ?? approvers.answersAfterMs,
      rejectShare: approver?.share('rejects', approvers.rejectShare) ?? approvers.rejectShare,
    },
    otherMs: others?.ms('takes', otherMs) ?? otherMs,
    hookMs: hook?.ms('takes', hookMs) ?? hookMs,
  };
}

const WHAT = 'errors, latencyFactor, oldVersion, hook, build, approver, pushes or denies';

class FaultReader {
  readonly #reader: YamlReader;
  readonly #node: Node;
  readonly #key: string;

  constructor(reader: YamlReader, node: Node, key: string) {
    this.#reader = reader;
    this.#node = node;
    this.#key = key;
  }

  read(palette: readonly Fault[], actions: readonly string[]): Fault {
    const [reader, key] = [this.#reader, this.#key];
    if (isScalar(this.#node)) return named(reader, this.#node, key, palette);
    const map = reader.map(this.#node, key, SCENARIO_KEYS.fault);
    const name = reader.matching(map, key, 'name', /^.{1,60}$/, 'a name of 1 to 60 characters');
    const errors = reader.percent(map, key, 'errors');
    const afterMs = reader.duration(map, key, 'after') ?? 0;
    const atWeight = reader.percent(map, key, 'atWeight') ?? 0;
    const latencyFactor = reader.number(map, key, 'latencyFactor');
    const gapMs = reader.duration(map, key, 'metricsGap');
    const fault: Fault = {
      name,
      ...(errors === undefined
        ? {}
        : {
            errorShare: (sinceMs: number, weightPercent: number) =>
              sinceMs >= afterMs && weightPercent >= atWeight * 100 ? errors : 0,
          }),
      ...(latencyFactor === undefined ? {} : { latencyFactor }),
      ...(gapMs === undefined ? {} : { metricsGap: { fromMs: 0, toMs: gapMs } }),
      ...this.#oldVersion(map),
      ...this.#oneOf(map, 'hook', { hangs: 'Hangs', fails: 'Fails' } as const),
      ...this.#oneOf(map, 'build', { hangs: 'Hangs', fails: 'Fails', dies: 'Dies' } as const),
      ...this.#oneOf(map, 'approver', { asleep: 'Asleep', rejects: 'Rejects' } as const),
      ...this.#pushes(map),
      ...this.#denies(map, actions),
    };
    if (Object.keys(fault).every((each) => each === 'name' || each === 'metricsGap'))
      throw reader.error(this.#node, key, `expected ${WHAT}`);
    return fault;
  }

  #oneOf<Name extends string, Value>(
    map: YAMLMap,
    name: Name,
    known: Readonly<Record<string, Value>>,
  ): { [N in Name]?: Value } {
    const text = this.#reader.text(map, this.#key, name);
    if (text === undefined) return {};
    const value = Object.hasOwn(known, text) ? known[text] : undefined;
    if (value === undefined)
      throw this.#reader.error(
        this.#reader.part(map, name),
        `${this.#key}.${name}`,
        `expected ${Object.keys(known).join(' or ')}`,
      );
    return { [name]: value } as { [N in Name]: Value };
  }

  #oldVersion(map: YAMLMap): Partial<Fault> {
    const part = this.#reader.part(map, 'oldVersion');
    if (part === undefined) return {};
    if (isScalar(part) && part.value === 'gone') return { oldGone: true };
    return { oldErrorShare: this.#reader.percent(map, this.#key, 'oldVersion') };
  }

  #pushes(map: YAMLMap): Partial<Fault> {
    const items = this.#reader.items(map, this.#key, 'pushes');
    if (items === undefined) return {};
    return {
      pushes: items.map((item, index) => {
        if (isScalar(item) && item.value === 'mid-bake') return 'MidBake';
        const ms = this.#reader.durationOf(item);
        if (ms === undefined)
          throw this.#reader.error(
            item,
            `${this.#key}.pushes[${index}]`,
            'expected mid-bake, seconds or a duration such as PT3M',
          );
        return ms;
      }),
    };
  }

  #denies(map: YAMLMap, actions: readonly string[]): Partial<Fault> {
    const [reader, key] = [this.#reader, this.#key];
    const grant = reader.text(map, key, 'denies');
    const at = reader.text(map, key, 'at');
    const role = this.#oneOf(map, 'role', {
      pipeline: 'pipeline',
      build: 'build',
      deployment: 'deployment',
    } as const).role;
    if (grant === undefined) {
      if (at !== undefined || role !== undefined) throw reader.error(map, key, 'at and role belong to denies');
      return {};
    }
    if (!/^[a-z0-9-]+:[A-Za-z0-9]+$/.test(grant))
      throw reader.error(
        reader.part(map, 'denies'),
        `${key}.denies`,
        'expected an action such as codedeploy:CreateDeployment',
      );
    if (at !== undefined && !actions.includes(at))
      throw reader.error(reader.part(map, 'at'), `${key}.at`, `no such action; known are ${actions.join(', ')}`);
    return { denies: { grant, ...(at === undefined ? {} : { at }), ...(role === undefined ? {} : { by: role }) } };
  }
}

function named(reader: YamlReader, node: Node, key: string, known: readonly Fault[]): Fault {
  const name = isScalar(node) ? node.value : undefined;
  const found = known.find((fault) => fault.name === name);
  if (found === undefined)
    throw reader.error(node, key, `no such fault; known are ${known.map((fault) => fault.name).join(', ')}`);
  return found;
}

function readAssertion(reader: YamlReader, node: Node, key: string, known: readonly Fault[]): Assertion {
  if (isScalar(node)) {
    const parsed = parseAssertion(
      String(node.value),
      known.map(({ name }) => name),
    );
    if ('problem' in parsed) throw reader.error(node, key, parsed.problem);
    return parsed.assertion;
  }
  const map = reader.map(node, key, SCENARIO_KEYS.assertion);
  const fault = reader.part(map, 'fault');
  if (fault === undefined) throw reader.error(node, `${key}.fault`, 'missing');
  const { name } = named(reader, fault, `${key}.fault`, known);
  const given = {
    caughtWithinMs: reader.duration(map, key, 'caughtWithin'),
    hurtAtMost: reader.number(map, key, 'hurtAtMost'),
    falseRollbacks: reader.percent(map, key, 'falseRollbacks'),
    ends: reader.text(map, key, 'ends'),
    by: reader.text(map, key, 'by'),
  };
  const wanted = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  if (Object.keys(wanted).length === 0)
    throw reader.error(node, key, 'expected caughtWithin, hurtAtMost, falseRollbacks, ends or by');
  return { fault: name, ...wanted };
}
