/**
 * Statistics over the samples of a period: Sum and its kin, percentiles, trimmed and winsorized means and their counts.
 *
 * Percentile ranks are nearest-rank: pN is the smallest value with at least N percent of the samples at or below it. AWS does
 * not publish its interpolation. Bounds are exclusive below and inclusive above.
 * Source: CloudWatch User Guide, "CloudWatch statistics definitions".
 */

/** The samples of one period. `distribution`: ascending [value, count] pairs; absent when it is not known. */
export type Sample = Readonly<{
  samples: number;
  sum: number;
  minimum: number;
  maximum: number;
  distribution?: readonly (readonly [number, number])[];
}>;

export type Statistic = Readonly<
  | { type: 'SampleCount' | 'Average' | 'Sum' | 'Minimum' | 'Maximum' }
  | { type: 'Percentile'; percent: number }
  | {
      type: 'TrimmedMean' | 'WinsorizedMean' | 'TrimmedCount' | 'TrimmedSum' | 'PercentileRank';
      unit: 'Percent' | 'Value';
      /** Absent: open. */
      above?: number;
      upTo?: number;
    }
>;

const PLAIN = ['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum'] as const;
const FAMILIES = { tm: 'TrimmedMean', wm: 'WinsorizedMean', tc: 'TrimmedCount', ts: 'TrimmedSum' } as const;

/** Reads `Sum`, `p99.9`, `tm90`, `TM(10%:90%)`, `PR(100:2000)`, `IQM` and so on; undefined for anything else. */
export function parseStatistic(text: string): Statistic | undefined {
  for (const type of PLAIN) if (text === type) return { type };
  if (text === 'IQM') return { type: 'TrimmedMean', unit: 'Percent', above: 25, upTo: 75 };
  const short = /^(p|tm|wm|tc|ts)(\d{1,3}(?:\.\d{1,10})?)$/.exec(text);
  if (short !== null) {
    const [, family = '', digits = ''] = short;
    const percent = Number(digits);
    if (percent > 100) return undefined;
    if (family === 'p') return { type: 'Percentile', percent };
    return { type: FAMILIES[family as keyof typeof FAMILIES], unit: 'Percent', upTo: percent };
  }
  return parseRange(text);
}

function parseRange(text: string): Statistic | undefined {
  const match = /^(TM|WM|TC|TS|PR)\((-?\d+(?:\.\d{1,10})?)?(%?):(-?\d+(?:\.\d{1,10})?)?(%?)\)$/.exec(text);
  if (match === null) return undefined;
  const [, family = '', low, lowPercent, high, highPercent] = match;
  if (low === undefined && high === undefined) return undefined;
  if (low !== undefined && high !== undefined && lowPercent !== highPercent) return undefined;
  const unit = lowPercent === '%' || highPercent === '%' ? 'Percent' : 'Value';
  const above = low === undefined ? undefined : Number(low);
  const upTo = high === undefined ? undefined : Number(high);
  if (above !== undefined && upTo !== undefined && above >= upTo) return undefined;
  if (unit === 'Percent' && [above, upTo].some((bound) => bound !== undefined && (bound < 0 || bound > 100))) {
    return undefined;
  }
  if (family === 'PR') return unit === 'Percent' ? undefined : { type: 'PercentileRank', unit, above, upTo };
  return { type: FAMILIES[family.toLowerCase() as keyof typeof FAMILIES], unit, above, upTo };
}

export function needsDistribution(statistic: Statistic): boolean {
  return !PLAIN.some((type) => type === statistic.type);
}

/**
 * How many samples a percentile needs so that an alarm which ignores low counts looks at it; undefined: any number will do.
 * Source: CloudWatch User Guide, "Percentile-based CloudWatch alarms and low data samples".
 */
export function leastSamplesOf(statistic: Statistic | undefined): number | undefined {
  if (statistic?.type !== 'Percentile') return undefined;
  const share = statistic.percent / 100;
  if (share === 0 || share === 1) return undefined;
  return Math.round(share >= 0.5 ? 10 / (1 - share) : 10 / share);
}

/** Undefined when it cannot be told: no samples, or a percentile of samples whose values are unknown or negative. */
export function statisticOf(statistic: Statistic, sample: Sample): number | undefined {
  if (sample.samples <= 0) return undefined;
  switch (statistic.type) {
    case 'SampleCount':
      return sample.samples;
    case 'Average':
      return sample.sum / sample.samples;
    case 'Sum':
      return sample.sum;
    case 'Minimum':
      return sample.minimum;
    case 'Maximum':
      return sample.maximum;
    default: {
      const values = distributionOf(sample);
      return values === undefined || sample.minimum < 0 ? undefined : overDistribution(statistic, values);
    }
  }
}

/** A statistic set whose minimum and maximum agree is as good as its values. */
function distributionOf(sample: Sample): Sample['distribution'] {
  if (sample.distribution !== undefined && sample.distribution.length > 0) return sample.distribution;
  return sample.minimum === sample.maximum ? [[sample.minimum, sample.samples]] : undefined;
}

type Pairs = readonly (readonly [number, number])[];

function overDistribution(
  statistic: Exclude<Statistic, { type: (typeof PLAIN)[number] }>,
  values: Pairs,
): number | undefined {
  const total = values.reduce((sum, [, count]) => sum + count, 0);
  if (statistic.type === 'Percentile') return valueAtRank(values, rankOf(statistic.percent, total));
  const kept = statistic.unit === 'Value' ? byValue(values, statistic) : byRank(values, statistic, total);
  const count = kept.reduce((sum, [, each]) => sum + each, 0);
  const sum = kept.reduce((all, [value, each]) => all + value * each, 0);
  switch (statistic.type) {
    case 'TrimmedCount':
      return count;
    case 'TrimmedSum':
      return sum;
    case 'TrimmedMean':
      return count === 0 ? undefined : sum / count;
    case 'PercentileRank':
      return (100 * count) / total;
    case 'WinsorizedMean': {
      const [lowest, highest] = [kept[0]?.[0], kept.at(-1)?.[0]];
      if (lowest === undefined || highest === undefined) return undefined;
      const clipped = values.reduce((all, [value, each]) => all + Math.min(highest, Math.max(lowest, value)) * each, 0);
      return clipped / total;
    }
  }
}

/** From 1. */
function rankOf(percent: number, total: number): number {
  return Math.max(1, Math.ceil((percent / 100) * total - 1e-9));
}

function valueAtRank(values: Pairs, rank: number): number | undefined {
  let seen = 0;
  for (const [value, count] of values) {
    seen += count;
    if (seen >= rank - 1e-9) return value;
  }
  return values.at(-1)?.[0];
}

type Bounds = Readonly<{ above?: number; upTo?: number }>;

function byValue(values: Pairs, { above = -Infinity, upTo = Infinity }: Bounds): Pairs {
  return values.filter(([value]) => value > above && value <= upTo);
}

function byRank(values: Pairs, { above = 0, upTo = 100 }: Bounds, total: number): Pairs {
  const low = above === 0 ? 0 : rankOf(above, total);
  const high = rankOf(upTo, total);
  const kept: [number, number][] = [];
  let seen = 0;
  for (const [value, count] of values) {
    const inside = Math.min(seen + count, high) - Math.max(seen, low);
    if (inside > 0) kept.push([value, inside]);
    seen += count;
  }
  return kept;
}
