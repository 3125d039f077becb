/**
 * What a metric can show of a fault: the least and the greatest value of a datapoint, in closed form.
 *
 * Traffic is taken to be even: requests come at equal distances, each `w` of a hundred goes to the new version, each `f` of
 * a hundred of those fails. Of `x` expected there are then at least floor(x) and at most ceil(x), whatever the phase; so
 * bounds compose, and hold for every phase. Chance beside that is what a rehearsal is for.
 */
export type Traffic = Readonly<{
  requestsPerMinute: number;
  /** Share of requests that go to the new version, 0 to 1. */
  newShare: number;
  /** Share of the new version's requests that fail. */
  newErrorShare: number;
  /** Share of the old version's requests that fail. */
  oldErrorShare: number;
}>;

/** Whose requests the metric counts: those of the new version, or of all versions together. */
export type Scope = 'Version' | 'Service';

export type Range = Readonly<{ least: number; most: number }>;
export type Counts = Readonly<{ requests: Range; errors: Range }>;

export function countsIn(traffic: Traffic, scope: Scope, lengthMs: number): Counts {
  const all = spread({ least: 1, most: 1 }, (traffic.requestsPerMinute * lengthMs) / 60_000);
  const fresh = spread(all, traffic.newShare);
  const freshErrors = spread(fresh, traffic.newErrorShare);
  if (scope === 'Version') return { requests: fresh, errors: freshErrors };
  const old = spread(all, 1 - traffic.newShare);
  return { requests: all, errors: plus(freshErrors, spread(old, traffic.oldErrorShare)) };
}

/** A datapoint of one part after another. */
export function together(a: Counts, b: Counts): Counts {
  return { requests: plus(a.requests, b.requests), errors: plus(a.errors, b.errors) };
}

/** Absorbs what adding floats leaves. */
const HAIR = 1e-9;

function spread({ least, most }: Range, share: number): Range {
  if (share === 0 || most === 0) return { least: 0, most: 0 };
  return { least: Math.max(0, Math.floor(least * share - HAIR)), most: Math.ceil(most * share + HAIR) };
}

function plus(a: Range, b: Range): Range {
  return { least: a.least + b.least, most: a.most + b.most };
}

/** The statistics of an `Errors` metric (a 0 or a 1 for each request) that have bounds. */
export type Statistic = 'Sum' | 'Average' | 'Maximum' | 'Minimum' | 'SampleCount';

/** Of a datapoint that is there, so that it counts one request at least. Undefined: it is never there. */
export function valueIn(statistic: Statistic, { requests, errors }: Counts): Range | undefined {
  if (requests.most === 0) return undefined;
  const fewest = Math.max(1, requests.least);
  switch (statistic) {
    case 'Sum':
      return errors;
    case 'SampleCount':
      return { least: fewest, most: requests.most };
    case 'Average':
      return {
        least: Math.min(1, errors.least / requests.most),
        most: Math.min(1, errors.most / fewest),
      };
    case 'Maximum':
      return { least: errors.least > 0 ? 1 : 0, most: errors.most > 0 ? 1 : 0 };
    case 'Minimum':
      return { least: errors.least >= requests.most ? 1 : 0, most: errors.most >= fewest ? 1 : 0 };
  }
}
