/** How many of a span's requests take how long, drawn by classes: exact in law, whatever their number. */
import { durationClass, type Durations } from '../judge/index.ts';
import type { Chance } from './random.ts';
import type { Latency } from './workload.ts';

/** The share of requests up to the end of each class, ascending; the last has all. */
export type Spread = readonly Readonly<{ durationClass: number; share: number }>[];

/** Standard scores of the usual latency at which classes end: the slow half matters. */
const SCORES = [0, 1, 1.645, 2, 2.326, 2.576, 3.09, 3.7] as const;

/** Of a latency so many times as long; classes are those of the latency as it is usually, so that the two compare. */
export function spreadOf({ medianMs, p99Ms }: Latency, factor: number): Spread {
  const sigma = Math.max(Math.log(p99Ms / medianMs) / 2.326, 1e-6);
  const classes = SCORES.map((score) => ({
    durationClass: durationClass(medianMs * Math.exp(sigma * score)),
    share: normalShare(score - Math.log(factor) / sigma),
  }));
  const longest = classes.at(-1)?.durationClass ?? 0;
  // Where the latency hardly varies, several ends lie in one class.
  const apart = classes.filter((each, index) => each.durationClass !== classes[index + 1]?.durationClass);
  return [...apart, { durationClass: longest + 1, share: 1 }];
}

export function durationSpread(requests: number, spread: Spread, chance: Chance): Durations {
  let left = requests;
  let before = 0;
  return spread.map(({ durationClass: slot, share }) => {
    const here = before >= 1 ? left : chance.binomial(left, Math.min(1, (share - before) / (1 - before)));
    left -= here;
    before = share;
    return [slot, here] as const;
  });
}

/** Of a normal distribution up to a score. Source: Abramowitz and Stegun, 26.2.17, within 7.5e-8. */
function normalShare(score: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(score));
  const density = Math.exp((-score * score) / 2) / Math.sqrt(2 * Math.PI);
  const tail =
    density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return score >= 0 ? 1 - tail : tail;
}
