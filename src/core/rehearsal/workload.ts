/**
 * The requests of a rehearsal: how many, to which version, how they end and how long they take, in spans of ten seconds; and
 * the metrics that they make.
 */
import { SECOND_MS } from '../../common/index.ts';
import type { Datapoint } from '../alarm/index.ts';
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

/** What is wrong with the new version. */
export type Fault = Readonly<{
  name: string;
  /** Share of its requests that fail beside the usual ones, so long after the traffic began to move, at this weight. */
  errorShare?: (sinceMs: number, weightPercent: number) => number;
  /** Its latency is so many times that of the old one. */
  latencyFactor?: number;
  /** Nothing is published in this span, counted from when the traffic began to move. */
  metricsGap?: Readonly<{ fromMs: number; toMs: number }>;
  /** The hook after the traffic has moved never answers. */
  hookHangs?: boolean;
}>;

export const SPAN_MS = 10 * SECOND_MS;
/** Latencies drawn for each version in a span: enough for a quantile of a minute, and no more than that. */
const DRAWN = 24;

type Share = { requests: number; errors: number; latencies: readonly number[] };
type Span = Readonly<{ at: number; fresh: Share; old: Share; hidden: boolean }>;

export type Series = Readonly<{ metric: string; statistic: string; scope: 'Version' | 'Service' }>;

/** Whether there are figures for it: an alarm on anything else would never fire, and must not be taken for one that is calm. */
export function isPlayed({ metric, statistic }: Series): boolean {
  if (metric === 'Duration') return statistic === 'Average' || statistic === 'Maximum' || PERCENTILE.test(statistic);
  return (metric === 'Errors' || metric === 'Invocations') && COUNTED.has(statistic);
}

const PERCENTILE = /^p(\d{1,2}(?:\.\d+)?)$/;
const COUNTED: ReadonlySet<string> = new Set(['Sum', 'Average', 'SampleCount', 'Maximum', 'Minimum']);

export class Traffic {
  readonly #workload: Workload;
  readonly #fault: Fault;
  readonly #chance: Chance;
  readonly #spans: Span[] = [];
  #movedAt: number | undefined;
  #at: number;
  hurt = 0;
  requests = 0;

  /** Requests come from `startAt` on, a multiple of `SPAN_MS`. */
  constructor(workload: Workload, fault: Fault, random: Chance, startAt: number) {
    this.#workload = workload;
    this.#fault = fault;
    this.#chance = random;
    this.#at = startAt;
  }

  /** Plays until `at`; the weight is that of the whole time since. */
  advance(at: number, weightPercent: number): void {
    while (this.#at + SPAN_MS <= at) {
      this.#spans.push(this.#span(this.#at, weightPercent));
      this.#at += SPAN_MS;
    }
  }

  trafficMoves(at: number): void {
    this.#movedAt ??= at;
  }

  #span(at: number, weightPercent: number): Span {
    const { requestsPerMinute, errorShare, latency } = this.#workload;
    const random = this.#chance;
    const all = random.poisson((requestsPerMinute * SPAN_MS) / 60_000);
    const fresh = random.binomial(all, weightPercent / 100);
    const sinceMs = this.#movedAt === undefined ? 0 : at - this.#movedAt;
    const fault = weightPercent === 0 ? 0 : (this.#fault.errorShare?.(sinceMs, weightPercent) ?? 0);
    const freshErrors = random.binomial(fresh, Math.min(1, errorShare + fault));
    const { metricsGap: gap } = this.#fault;
    this.requests += all;
    // What the old version would have failed as well is not the release's doing.
    this.hurt += Math.max(0, freshErrors - Math.round(fresh * errorShare));
    const slow = this.#fault.latencyFactor ?? 1;
    return {
      at,
      fresh: { requests: fresh, errors: freshErrors, latencies: this.#latencies(latency, slow, fresh) },
      old: {
        requests: all - fresh,
        errors: random.binomial(all - fresh, errorShare),
        latencies: this.#latencies(latency, 1, all - fresh),
      },
      hidden: gap !== undefined && this.#movedAt !== undefined && sinceMs >= gap.fromMs && sinceMs < gap.toMs,
    };
  }

  #latencies({ medianMs, p99Ms }: Latency, factor: number, requests: number): readonly number[] {
    const sigma = Math.log(Math.max(p99Ms, medianMs) / medianMs) / 2.326;
    return Array.from(
      { length: Math.min(DRAWN, requests) },
      () => medianMs * factor * Math.exp(sigma * this.#chance.normal()),
    );
  }

  /** The datapoint of a period, as far as it has been published by `now`. */
  datapoint({ metric, statistic, scope }: Series, from: number, to: number, now: number): Datapoint {
    const { publishDelayMs } = this.#workload;
    const seen = this.#between(from, to).filter(({ at, hidden }) => !hidden && at + SPAN_MS + publishDelayMs <= now);
    const shares = seen.flatMap(({ fresh, old }) => (scope === 'Version' ? [fresh] : [fresh, old]));
    const requests = shares.reduce((sum, share) => sum + share.requests, 0);
    if (requests === 0) return { at: from };
    const value = metric === 'Duration' ? duration(statistic, shares) : counted(metric, statistic, shares, requests);
    return value === undefined ? { at: from } : { at: from, value, samples: requests };
  }

  #between(from: number, to: number): readonly Span[] {
    const first = this.#spans[0]?.at ?? 0;
    return this.#spans.slice(
      Math.max(0, Math.ceil((from - first) / SPAN_MS)),
      Math.max(0, Math.ceil((to - first) / SPAN_MS)),
    );
  }
}

function counted(metric: string, statistic: string, shares: readonly Share[], requests: number): number | undefined {
  const errors = shares.reduce((sum, share) => sum + share.errors, 0);
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

/** Each drawn latency stands for its version's requests. */
function duration(statistic: string, shares: readonly Share[]): number | undefined {
  const drawn = shares.flatMap(({ latencies, requests }) =>
    latencies.map((latency) => ({ latency, stands: requests / latencies.length })),
  );
  const total = drawn.reduce((sum, { stands }) => sum + stands, 0);
  if (total === 0) return undefined;
  if (statistic === 'Average') return drawn.reduce((sum, { latency, stands }) => sum + latency * stands, 0) / total;
  if (statistic === 'Maximum') return Math.max(...drawn.map(({ latency }) => latency));
  const percent = PERCENTILE.exec(statistic)?.[1];
  if (percent === undefined) return undefined;
  let left = (Number(percent) / 100) * total;
  for (const { latency, stands } of drawn.toSorted((a, b) => a.latency - b.latency)) {
    left -= stands;
    if (left <= 0) return latency;
  }
  return drawn.at(-1)?.latency;
}
