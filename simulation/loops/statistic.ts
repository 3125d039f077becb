/**
 * The judge's statistic once more, by the words of docs/adr/0015 alone: products over all pieces of evidence, written out,
 * where the judge carries capital on from piece to piece. The checker holds the judge's verdicts against it.
 */
import type { JudgeSettings } from '../../src/core/judge/index.ts';

/** Requests of one span of ten seconds and one share of the draw. `durations`: [class, requests]. */
export type Piece = Readonly<{ at: number; share: number; fresh: Side; old: Side }>;
export type Side = Readonly<{ requests: number; failed: number; durations: readonly (readonly [number, number])[] }>;

type Counted = Readonly<{
  span: number;
  share: number;
  fresh: number;
  freshTrue: number;
  oldTrue: number;
  old: number;
}>;

export type Statistic = Readonly<{
  bad: boolean;
  safe: boolean;
  /** How far `bad` is from changing, as a logarithm: where that is next to nothing, rounding decides. */
  margin: number;
  safeMargin: number;
  requests: Readonly<{ fresh: number; freshTrue: number; old: number; oldTrue: number }>;
  /** So many pieces were taken; with a bad one it is over. */
  taken: number;
}>;

const WORSE = [0.95, 0.75, 0.5, 0.3, 0.15, 0.07, 0.03];
const FAIR = [0.9, 0.6, 0.3];

/** `before`: so many of the pieces are known not to be bad. */
export function statisticOf(settings: JudgeSettings, pieces: readonly Piece[], before: number): Statistic {
  const errors: Counted[] = [];
  const slow: Counted[] = [];
  const baseline: number[] = [];
  let slowAbove: number | undefined;
  let span = -Infinity;
  let [margin, bad, taken] = [Infinity, false, 0];
  const aspects = [settings.errors, settings.slow].filter((limits) => limits !== undefined).length;
  const needed = Math.log(aspects / settings.alpha);
  for (const piece of pieces) {
    if (bad) break;
    taken += 1;
    const { share, fresh, old } = piece;
    if (fresh.requests + old.requests === 0) continue;
    const own = Math.floor(piece.at / 10_000);
    if (own > span && settings.slow !== undefined && slowAbove === undefined && baseline.length >= 100) {
      baseline.sort((a, b) => a - b);
      slowAbove = baseline[Math.ceil(0.99 * baseline.length - 1e-9) - 1];
    }
    span = Math.max(span, own);
    const all = { span, share, fresh: fresh.requests, old: old.requests };
    errors.push({ ...all, freshTrue: fresh.failed, oldTrue: old.failed });
    if (settings.slow !== undefined && slowAbove === undefined)
      for (const [slot, count] of old.durations) for (let n = 0; n < count; n++) baseline.push(slot);
    if (slowAbove !== undefined)
      slow.push({ ...all, freshTrue: above(fresh, slowAbove), oldTrue: above(old, slowAbove) });
    for (const [limits, counted] of [
      [settings.errors, errors],
      [settings.slow, slow],
    ] as const) {
      if (limits === undefined || counted.length === 0 || taken <= before) continue;
      const left = worse(counted, limits.tolerance) - needed;
      margin = Math.min(margin, Math.abs(left));
      bad ||= left >= 0;
    }
  }
  const fairs = [
    ...(settings.errors === undefined ? [] : [fair(errors, settings.errors.margin)]),
    ...(settings.slow === undefined ? [] : [slowAbove === undefined ? 0 : fair(slow, settings.slow.margin)]),
  ];
  const lefts = fairs.map((each) => each + Math.log(settings.alpha));
  const sum = (of: (counted: Counted) => number): number => errors.reduce((total, counted) => total + of(counted), 0);
  return {
    bad,
    margin,
    safe: !bad && lefts.every((left) => left >= 0),
    safeMargin: Math.min(...lefts.map(Math.abs)),
    requests: {
      fresh: sum(({ fresh }) => fresh),
      freshTrue: sum(({ freshTrue }) => freshTrue),
      old: sum(({ old }) => old),
      oldTrue: sum(({ oldTrue }) => oldTrue),
    },
    taken,
  };
}

/** ln of: of the whole, 1/(k(k+1)) is bet from the k-th span on, in seven stakes; what is left has bet nothing. */
function worse(counted: readonly Counted[], tolerance: number): number {
  const spans = new Set(counted.map(({ span }) => span)).size;
  const logs = [-Math.log(spans + 1)];
  for (const part of WORSE) {
    let log = 0;
    let k = spans;
    for (let index = counted.length - 1; index >= 0; index--) {
      const { span, share, fresh, freshTrue, oldTrue } = counted[index] as Counted;
      const stake = part * Math.min((1 - share) / share, tolerance === 0 ? Infinity : 1 / tolerance);
      log += times(freshTrue, 1 + stake * (1 - tolerance));
      log += times(fresh - freshTrue, 1 - stake * tolerance);
      log += times(oldTrue, 1 - (stake * share) / (1 - share));
      if (counted[index - 1]?.span === span) continue;
      logs.push(log - Math.log(k * (k + 1) * WORSE.length));
      k -= 1;
    }
  }
  return logOfSum(logs);
}

/** Of the pieces since the share last changed. */
function fair(counted: readonly Counted[], margin: number): number {
  const share = counted.at(-1)?.share;
  const since = counted.findLastIndex((other) => other.share !== share) + 1;
  return logOfSum(
    FAIR.map((part) => {
      const stake = part / (1 - margin);
      return counted.slice(since).reduce((log, { fresh, freshTrue, oldTrue, share: w }) => {
        const [missed, passed] = [1 - stake * (1 - margin), 1 + stake * margin];
        return (
          log + times(freshTrue, missed) + times(fresh - freshTrue, passed) + times(oldTrue, 1 + (stake * w) / (1 - w))
        );
      }, -Math.log(FAIR.length));
    }),
  );
}

function times(requests: number, factor: number): number {
  return requests === 0 ? 0 : requests * Math.log(factor);
}

function logOfSum(logs: readonly number[]): number {
  const highest = Math.max(...logs);
  return highest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - highest), 0));
}

function above({ durations }: Side, slot: number): number {
  return durations.reduce((count, [own, requests]) => count + (own > slot ? requests : 0), 0);
}
