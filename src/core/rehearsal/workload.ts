/**
 * The requests of a rehearsal: how many, to which version, how they end and how long they take; and the metrics that they
 * make.
 *
 * Requests are played in spans that end at every minute of the clock, at every minute since the traffic began to move, and
 * wherever the weight changes; of ten seconds where an alarm or the publishing delay looks closer than a minute.
 */
import { MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import type { Datapoint } from '../alarm/index.ts';
import { parseStatistic, statisticOf } from '../metric-statistics/index.ts';
import { type Durations, type Evidence, SPAN_MS, type Tally } from '../judge/index.ts';
import type { Minute, Served } from '../lambda-deployment/index.ts';
import type { Release } from './faults.ts';
import { durationSpread, spreadOf } from './durations.ts';
import type { Chance } from './random.ts';

/** Lognormal, by two of its quantiles. */
export type Latency = Readonly<{ medianMs: number; p99Ms: number }>;

export type Workload = Readonly<{
  requestsPerMinute: number;
  /** Of a good version, 0 to 1. */
  errorShare: number;
  latency: Latency;
  /** From a request to its datapoint's being there. */
  publishDelayMs: number;
}>;

/**
 * Latencies drawn in a minute: of the new version alone, or of all requests where an alarm looks at all of them. Enough for
 * a quantile of a minute, and no more than that. Each stands for as many requests as the next.
 */
const DRAWN = { Fresh: 60, Both: 240 };

export type Series = Readonly<{ metric: string; statistic: string; scope: 'Version' | 'Service' }>;

/** Whether there are figures for it: an alarm on anything else would never fire, and must not be taken for one that is calm. */
export function isPlayed({ metric, statistic }: Series): boolean {
  if (metric === 'Duration') return OF_LATENCIES.has(parseStatistic(statistic)?.type ?? '');
  return (metric === 'Errors' || metric === 'Invocations') && COUNTED.has(statistic);
}

/** Of latencies some are drawn: their distribution can be told, their sum and their number not. */
const OF_LATENCIES: ReadonlySet<string> = new Set([
  'Average',
  'Minimum',
  'Maximum',
  'Percentile',
  'TrimmedMean',
  'WinsorizedMean',
  'PercentileRank',
]);
const COUNTED: ReadonlySet<string> = new Set(['Sum', 'Average', 'SampleCount', 'Maximum', 'Minimum']);

export type Grain = Readonly<{
  /** How far back anybody looks. */
  keptMs: number;
  /** Spans are no longer than this. */
  spanMs: number;
  /** Whose latencies are drawn as well. */
  latencies: 'NoOne' | 'Fresh' | 'Both';
  /** How long the requests take is counted, for a judge. */
  durations: boolean;
}>;

/** As coarse as what is watched allows. */
export function grainOf(
  series: readonly (Series & { readonly periodMs: number })[],
  keptMs: number,
  { publishDelayMs }: Workload,
  judged: boolean,
): Grain {
  const drawn = series.filter(({ metric }) => metric === 'Duration');
  const fine = judged || publishDelayMs > SECOND_MS || series.some(({ periodMs }) => periodMs < MINUTE_MS);
  return {
    keptMs,
    spanMs: fine ? SPAN_MS : MINUTE_MS,
    latencies: drawn.length === 0 ? 'NoOne' : drawn.every(({ scope }) => scope === 'Version') ? 'Fresh' : 'Both',
    durations: judged,
  };
}

/** A version as its requests see it: what is wrong with it, since when it has had any. */
type Version = { readonly release: Release; movedAt?: number };

type Share = Readonly<{ requests: number; errors: number; latencies: readonly number[]; durations: Durations }>;
type Span = Readonly<{
  from: number;
  to: number;
  weightPercent: number;
  fresh: Share;
  old: Share;
  hidden: boolean;
}>;

/** Datapoints kept of a series. */
const KNOWN = 500;
const NO_LATENCIES: readonly number[] = [];
const NO_DURATIONS: Durations = [];

export class Traffic {
  readonly #workload: Workload;
  readonly #chance: Chance;
  readonly #grain: Grain;
  #spans: Span[] = [];
  /** By series, each of one period, and by the beginning of the period. */
  readonly #known = new Map<Series, Map<number, Datapoint>>();
  #old: Version = { release: {} };
  #fresh: Version = { release: {} };
  #weightPercent = 0;
  #at: number;
  /** Requests that failed because of a new version. */
  hurt = 0;
  requests = 0;

  constructor(workload: Workload, random: Chance, grain: Grain, startAt: number) {
    this.#workload = workload;
    this.#chance = random;
    this.#grain = grain;
    this.#at = startAt;
  }

  /** A new version, which gets no request yet. */
  bring(release: Release): void {
    this.#fresh = { release };
  }

  /** The new version is the one that serves. */
  settle(): void {
    this.#old = this.#fresh;
    this.#fresh = { release: {} };
    this.#weightPercent = 0;
  }

  /** From now on so many percent of the requests go to the new version. */
  weigh(at: number, weightPercent: number): void {
    this.advance(at);
    this.#weightPercent = weightPercent;
    if (weightPercent > 0) this.#fresh.movedAt ??= at;
  }

  /** As long as nobody looks, nothing is played. */
  skipTo(at: number): void {
    this.#spans = [];
    this.#known.clear();
    this.#at = Math.max(this.#at, at);
  }

  /** Plays until `at`. */
  advance(at: number): void {
    while (this.#at < at) {
      const to = Math.min(at, this.#spanEnd());
      this.#play(to);
    }
  }

  /** Plays the spans that are over by `now`, and leaves the one that goes on whole. */
  playWhole(now: number): void {
    for (let to = this.#spanEnd(); to <= now; to = this.#spanEnd()) this.#play(to);
  }

  #play(to: number): void {
    this.#spans.push(this.#span(this.#at, to));
    this.#at = to;
    // What nobody looks at any more is forgotten, some at a time.
    const [first] = this.#spans;
    if (first === undefined || to - first.from < 2 * this.#grain.keptMs) return;
    this.#spans = this.#spans.filter((span) => span.to > to - this.#grain.keptMs);
  }

  /** Requests a minute that will go on failing because of the versions as they are. */
  failingPerMinute(at: number): number {
    const { requestsPerMinute } = this.#workload;
    const share = this.#weightPercent / 100;
    const fresh = this.#failing(this.#fresh, at, this.#weightPercent) * share;
    return requestsPerMinute * (fresh + this.#oldFailing(at) * (1 - share));
  }

  #spanEnd(): number {
    const { spanMs } = this.#grain;
    const wall = Math.floor(this.#at / spanMs) * spanMs + spanMs;
    const movedAt = this.#fresh.movedAt ?? this.#old.movedAt;
    if (movedAt === undefined) return wall;
    return Math.min(wall, movedAt + (Math.floor((this.#at - movedAt) / spanMs) + 1) * spanMs);
  }

  #failing({ release, movedAt }: Version, at: number, weightPercent: number): number {
    if (weightPercent === 0 || release.errorShare === undefined) return 0;
    return Math.max(0, release.errorShare(at - (movedAt ?? at), weightPercent));
  }

  #oldFailing(at: number): number {
    const { release, movedAt } = this.#fresh;
    const withNew = movedAt === undefined ? 0 : (release.oldErrorShare ?? 0);
    return Math.max(withNew, this.#failing(this.#old, at, 100 - this.#weightPercent));
  }

  #span(from: number, to: number): Span {
    const { requestsPerMinute, errorShare } = this.#workload;
    const random = this.#chance;
    const weight = this.#weightPercent;
    const all = random.poisson((requestsPerMinute * (to - from)) / MINUTE_MS);
    const fresh = random.binomial(all, weight / 100);
    this.requests += all;
    const gap = (this.#fresh.movedAt === undefined ? this.#old : this.#fresh).release.metricsGap;
    const sinceMs = from - (this.#fresh.movedAt ?? this.#old.movedAt ?? from);
    return {
      from,
      to,
      weightPercent: weight,
      fresh: this.#share(this.#fresh, fresh, errorShare, this.#failing(this.#fresh, from, weight), to - from),
      old: this.#share(this.#old, all - fresh, errorShare, this.#oldFailing(from), to - from),
      hidden: gap !== undefined && sinceMs >= gap.fromMs && sinceMs < gap.toMs,
    };
  }

  #share(version: Version, requests: number, usual: number, fault: number, spanMs: number): Share {
    const errors = this.#chance.binomial(requests, Math.min(1, usual + fault));
    // What a good version would have failed as well is not the release's doing.
    if (fault > 0) this.hurt += Math.max(0, errors - Math.round(requests * usual));
    const factor = version.release.latencyFactor ?? 1;
    const { latencies } = this.#grain;
    const isDrawn = latencies === 'Both' || (latencies === 'Fresh' && version === this.#fresh);
    return {
      requests,
      errors,
      latencies: isDrawn ? this.#latencies(factor, requests, spanMs) : NO_LATENCIES,
      durations: this.#grain.durations ? this.#durations(factor, requests) : NO_DURATIONS,
    };
  }

  #durations(factor: number, requests: number): Durations {
    return durationSpread(requests, spreadOf(this.#workload.latency, factor), this.#chance);
  }

  #latencies(factor: number, requests: number, spanMs: number): readonly number[] {
    const { medianMs, p99Ms } = this.#workload.latency;
    const sigma = Math.log(Math.max(p99Ms, medianMs) / medianMs) / 2.326;
    const drawn: number[] = [];
    for (let left = this.#drawn(requests, spanMs); left > 0; left -= 1)
      drawn.push(medianMs * factor * Math.exp(sigma * this.#chance.normal()));
    return drawn;
  }

  #drawn(requests: number, spanMs: number): number {
    if (this.#grain.latencies === 'Fresh') return Math.min(requests, Math.ceil((DRAWN.Fresh * spanMs) / MINUTE_MS));
    const { requestsPerMinute } = this.#workload;
    if (requestsPerMinute <= DRAWN.Both) return requests;
    return Math.floor((requests * DRAWN.Both) / requestsPerMinute + this.#chance.uniform());
  }

  /** Minutes of the clock, as far as they are published. */
  minutes(sinceAt: number, now: number): readonly Minute[] {
    const published = now - this.#workload.publishDelayMs;
    const minutes = new Map<number, { original: Served; replacement: Served }>();
    for (const { from, to, fresh, old, hidden } of this.#spans) {
      if (from < sinceAt || to > published || hidden) continue;
      const at = Math.floor(from / MINUTE_MS) * MINUTE_MS;
      const before = minutes.get(at);
      minutes.set(at, { original: plus(before?.original, old), replacement: plus(before?.replacement, fresh) });
    }
    return [...minutes].map(([at, both]) => ({ at, ...both }));
  }

  /** What a judge hears: of spans that began at `since` or later and are over. Metrics that are missing do not matter to it. */
  evidence(since: number, now: number): Readonly<{ until: number; evidence: readonly Evidence[] }> {
    const seen = this.#spans.filter(({ from, to }) => from >= since && to <= now);
    return {
      until: seen.at(-1)?.to ?? since,
      evidence: seen.map(({ from, weightPercent, fresh, old }) => ({
        at: from,
        share: weightPercent / 100,
        fresh: tallyOf(fresh),
        old: tallyOf(old),
      })),
    };
  }

  /** The datapoint of a period, as far as it has been published by `now`. */
  datapoint(series: Series, from: number, to: number, now: number): Datapoint {
    // Once all of a period is published it never changes; an alarm looks at it again and again.
    const isWhole = this.#at >= to && to <= now - this.#workload.publishDelayMs;
    if (!isWhole) return this.#datapoint(series, from, to, now);
    let known = this.#known.get(series);
    if (known === undefined || known.size >= KNOWN) this.#known.set(series, (known = new Map()));
    const before = known.get(from);
    if (before !== undefined) return before;
    const point = this.#datapoint(series, from, to, now);
    known.set(from, point);
    return point;
  }

  #datapoint({ metric, statistic, scope }: Series, from: number, to: number, now: number): Datapoint {
    const published = now - this.#workload.publishDelayMs;
    const shares: Share[] = [];
    let requests = 0;
    let errors = 0;
    for (let index = this.#spans.length - 1; index >= 0; index -= 1) {
      const span = this.#spans[index];
      if (span === undefined || span.from < from) break;
      if (span.to > to || span.hidden || span.to > published) continue;
      requests += span.fresh.requests;
      errors += span.fresh.errors;
      if (metric === 'Duration') shares.push(span.fresh);
      if (scope === 'Version') continue;
      requests += span.old.requests;
      errors += span.old.errors;
      if (metric === 'Duration') shares.push(span.old);
    }
    if (requests === 0) return { at: from };
    const value = metric === 'Duration' ? duration(statistic, shares) : counted(metric, statistic, errors, requests);
    return value === undefined ? { at: from } : { at: from, value, samples: requests };
  }
}

function tallyOf({ requests, errors, durations }: Share): Tally {
  return { requests, failed: errors, durations };
}

function plus(before: Served | undefined, { requests, errors }: Share): Served {
  return { requests: (before?.requests ?? 0) + requests, failures: (before?.failures ?? 0) + errors };
}

function counted(metric: string, statistic: string, errors: number, requests: number): number | undefined {
  const total = metric === 'Errors' ? errors : metric === 'Invocations' ? requests : undefined;
  if (total === undefined) return undefined;
  switch (statistic) {
    case 'Sum':
      return total;
    case 'Average':
      return total / requests;
    case 'SampleCount':
      return requests;
    case 'Maximum':
      return total > 0 ? 1 : 0;
    case 'Minimum':
      return total === requests ? 1 : 0;
    default:
      return undefined;
  }
}

function duration(statistic: string, shares: readonly Share[]): number | undefined {
  const drawn = new Float64Array(shares.reduce((sum, { latencies }) => sum + latencies.length, 0));
  let samples = 0;
  for (const { latencies } of shares) for (const latency of latencies) drawn[samples++] = latency;
  const parsed = parseStatistic(statistic);
  if (samples === 0 || parsed === undefined) return undefined;
  const sum = drawn.reduce((total, latency) => total + latency, 0);
  if (parsed.type === 'Average') return sum / samples;
  drawn.sort();
  const [minimum = 0, maximum = 0] = [drawn[0], drawn[samples - 1]];
  const distribution = Array.from(drawn, (latency) => [latency, 1] as const);
  return statisticOf(parsed, { samples, sum, minimum, maximum, distribution });
}
