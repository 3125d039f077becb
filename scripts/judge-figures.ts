/**
 * The figures of docs/reference/judge.md: the judge beside the usual alarms on a minute's average error rate, the new version
 * getting a tenth of the traffic for half an hour. The alarms are decided by `core/alarm`.
 *
 *   npm run judge-figures [-- --runs 1000 --seed 1]
 */
import { parseArgs } from 'node:util';
import {
  type AlarmRule,
  type AlarmState,
  type Datapoint,
  decide as decideAlarm,
  startAlarm,
} from '../src/core/alarm/index.ts';
import {
  defaultJudge,
  durationClass,
  type Evidence,
  hear,
  type JudgeState,
  NOTHING,
  startJudge,
  type Tally,
  verdict,
} from '../src/core/judge/index.ts';
import { chance, type Chance } from '../src/core/rehearsal/index.ts';

const SHARE = 0.1;
const SECONDS = 30 * 60;
const MINUTE_MS = 60_000;
/** The traffic moves at any second of a minute, and the alarms have seen the old version before. */
const QUIET_MS = 5 * MINUTE_MS;
const MOST_SAFE_RUNS = 200;

/** Probability of a request to fail, by version, so many seconds after the traffic moved. */
type World = Readonly<{ name: string; fresh: (second: number) => number; old: (second: number) => number }>;

type Second = Readonly<{ at: number; fresh: Tally; freshFailed: readonly boolean[]; old: Tally }>;

/** Requests of the new version until it was caught, and milliseconds; undefined if it was not. */
type Caught = Readonly<{ requests: number; afterMs: number }> | undefined;
type Watcher = Readonly<{ name: string; watch: (seconds: readonly Second[], movedAt: number) => Caught }>;

const always = (share: number) => (): number => share;
const outage = (usual: number) => (second: number) => (second >= 600 && second < 660 ? 0.3 : usual);

const healthy: readonly World[] = [
  { name: 'errors 0.1 %', fresh: always(0.001), old: always(0.001) },
  { name: 'errors 1 %', fresh: always(0.01), old: always(0.01) },
  { name: 'an outage of both', fresh: outage(0.001), old: outage(0.001) },
];
const faulty: readonly World[] = [0.05, 0.2, 1].map((failing) => ({
  name: failing === 1 ? 'all fail' : `${failing * 100} % fail`,
  fresh: always(failing),
  old: always(0.001),
}));

function main(): void {
  const { values } = parseArgs({
    options: { runs: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
  });
  const runs = Number(values.runs);
  const seed = Number(values.seed);
  for (const perMinute of [60, 600]) {
    console.log(`\n${perMinute} requests a minute, ${perMinute * SHARE} of them to the new version:\n`);
    const worlds = [...healthy, ...faulty];
    const cells = worlds.map((world) => column(world, perMinute, runs, seed));
    console.log(`|  | ${worlds.map(({ name }) => name).join(' | ')} |`);
    console.log(`| --- |${worlds.map(() => ' --- |').join('')}`);
    for (const [index, { name }] of watchers.entries())
      console.log(`| ${name} | ${cells.map((cell) => cell[index] ?? '').join(' | ')} |`);
    console.log(`\n${untilSafe(perMinute, Math.min(runs, MOST_SAFE_RUNS), seed)}`);
  }
}

/** How long a good version takes to be found safe. */
function untilSafe(perMinute: number, runs: number, seed: number): string {
  const [world] = healthy;
  if (world === undefined) return '';
  const found = Array.from({ length: runs }, (_, run): Caught => {
    const seconds = traffic(world, perMinute, QUIET_MS, chance(seed * 1_000_003 + run));
    let state: JudgeState = startJudge(defaultJudge);
    let requests = 0;
    for (const { at, fresh, old } of seconds) {
      if (at < QUIET_MS) continue;
      state = hear(state, [{ at, share: SHARE, fresh, old }]);
      requests += fresh.requests;
      if (verdict(state, SHARE).outcome === 'Safe') return { requests, afterMs: at - QUIET_MS };
    }
    return undefined;
  });
  const safe = found.filter((one) => one !== undefined).sort((a, b) => a.requests - b.requests);
  const median = safe[Math.floor(runs / 2)];
  const when =
    median === undefined
      ? `most good versions are not found safe within half an hour (${safe.length} of ${runs} runs are)`
      : `a good version is found safe after ${median.requests} requests (${duration(median.afterMs)}), the median of ${runs} runs`;
  return `With ${world.name}, ${when}.`;
}

/** What each watcher makes of the same runs of a world. */
function column(world: World, perMinute: number, runs: number, seed: number): readonly string[] {
  const found = watchers.map((): Caught[] => []);
  for (let run = 0; run < runs; run++) {
    const random = chance(seed * 1_000_003 + run);
    const movedAt = QUIET_MS + Math.floor(random.uniform() * 60) * 1000;
    const seconds = traffic(world, perMinute, movedAt, random);
    for (const [index, { watch }] of watchers.entries()) found[index]?.push(watch(seconds, movedAt));
  }
  return found.map((caught) => (faulty.includes(world) ? catches(caught) : falseAlarms(caught)));
}

function falseAlarms(caught: readonly Caught[]): string {
  return `${round((100 * caught.filter((one) => one !== undefined).length) / caught.length)} %`;
}

function catches(caught: readonly Caught[]): string {
  const sorted = caught.filter((one) => one !== undefined).sort((a, b) => a.requests - b.requests);
  const share = sorted.length / caught.length;
  // The median of all runs, those that are never caught counted as the longest.
  const median = sorted[Math.floor(caught.length / 2)];
  const missed = share === 1 ? '' : `, ${round(100 * (1 - share))} % missed`;
  return median === undefined ? `never${missed}` : `${median.requests} (${duration(median.afterMs)})${missed}`;
}

function duration(ms: number): string {
  return ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${round(ms / MINUTE_MS)} min`;
}

function round(value: number): string {
  return value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1);
}

function traffic(world: World, perMinute: number, movedAt: number, random: Chance): readonly Second[] {
  return Array.from({ length: movedAt / 1000 + SECONDS }, (_, index): Second => {
    const at = index * 1000;
    const all = random.poisson(perMinute / 60);
    const fresh = at < movedAt ? 0 : random.binomial(all, SHARE);
    const since = (at - movedAt) / 1000;
    const freshFailed = Array.from({ length: fresh }, () => random.uniform() < world.fresh(since));
    return {
      at,
      freshFailed,
      fresh: tally(fresh, freshFailed.filter(Boolean).length, random),
      old: tally(all - fresh, random.binomial(all - fresh, world.old(since)), random),
    };
  });
}

/** Latencies are those of the workload that `sluice rehearse` takes: median 40 ms, p99 200 ms. */
function tally(requests: number, failed: number, random: Chance): Tally {
  const durations = Array.from(
    { length: requests },
    () => [durationClass(40 * Math.exp((Math.log(5) / 2.326) * random.normal())), 1] as const,
  );
  return { requests, failed, durations };
}

/** Looked at after each request of the new version. */
const judge: Watcher = {
  name: 'judge, α = 1 %',
  watch(seconds, movedAt) {
    let state: JudgeState = startJudge(defaultJudge);
    let requests = 0;
    const isBad = (evidence: Evidence): boolean => {
      state = hear(state, [evidence]);
      return verdict(state, SHARE).outcome === 'Bad';
    };
    for (const { at, fresh, freshFailed, old } of seconds) {
      if (at < movedAt) continue;
      if (isBad({ at, share: SHARE, fresh: NOTHING, old })) return { requests, afterMs: at - movedAt };
      for (const [index, failed] of freshFailed.entries()) {
        requests += 1;
        const duration = fresh.durations[index];
        const one = { requests: 1, failed: failed ? 1 : 0, durations: duration === undefined ? [] : [duration] };
        if (isBad({ at, share: SHARE, fresh: one, old: NOTHING })) return { requests, afterMs: at - movedAt };
      }
    }
    return undefined;
  },
};

function alarm(scope: 'version' | 'service', percent: number, of: number): Watcher {
  const rule: AlarmRule = {
    period: 60,
    evaluationPeriods: of,
    datapointsToAlarm: of,
    threshold: percent / 100,
    comparison: 'GreaterThanThreshold',
    treatMissingData: 'notBreaching',
  };
  const definition = {
    rule,
    statisticName: 'Average',
    actionsEnabled: false,
    actions: { OK: [], ALARM: [], INSUFFICIENT_DATA: [] },
  };
  return {
    name: `alarm, ${scope} > ${percent} %, ${of} of ${of}`,
    watch(seconds, movedAt) {
      let { state } = startAlarm<typeof definition>('alarm', definition, {}, 0) as { state: AlarmState };
      const endAt = seconds.length * 1000;
      let requests = 0;
      for (let at = MINUTE_MS; at <= endAt; at += MINUTE_MS) {
        const minute = seconds.slice((at - MINUTE_MS) / 1000, at / 1000);
        requests += minute.reduce((sum, { fresh }) => sum + fresh.requests, 0);
        // A second past the minute, as an alarm is evaluated.
        const now = at + 1000;
        const read = decideAlarm(state, { type: 'TimerFired', timer: 'evaluate' }, now).effects[0];
        if (read?.type !== 'ReadDatapoints') continue;
        const points = Array.from({ length: read.window.count }, (_, index) =>
          averageErrors(seconds, scope, read.window.endAt - (read.window.count - index) * MINUTE_MS),
        );
        state = decideAlarm(state, { type: 'DatapointsRead', revision: read.revision, points }, now).state;
        if (state.current.value === 'ALARM' && now >= movedAt) return { requests, afterMs: now - movedAt };
      }
      return undefined;
    },
  };
}

function averageErrors(seconds: readonly Second[], scope: 'version' | 'service', from: number): Datapoint {
  if (from < 0) return { at: from };
  const tallies = seconds
    .slice(from / 1000, (from + MINUTE_MS) / 1000)
    .flatMap(({ fresh, old }) => (scope === 'version' ? [fresh] : [fresh, old]));
  const samples = tallies.reduce((sum, { requests }) => sum + requests, 0);
  if (samples === 0) return { at: from };
  return { at: from, samples, value: tallies.reduce((sum, { failed }) => sum + failed, 0) / samples };
}

const watchers: readonly Watcher[] = [
  judge,
  alarm('version', 1, 1),
  alarm('version', 1, 3),
  alarm('version', 5, 1),
  alarm('version', 5, 3),
  alarm('service', 1, 1),
  alarm('service', 5, 1),
];

main();
