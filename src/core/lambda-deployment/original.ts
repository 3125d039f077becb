/**
 * May the traffic return to the original version? Decided from what is known of it, never from what is not: an original
 * that is there and of which nothing bad is known gets its traffic back at once, as on AWS.
 *
 * - `Stay`: it is gone, cannot run, or fails more than the replacement: with the traffic there, more requests would fail.
 * - `InSteps`: it fails too, and it cannot be told that less would fail with the traffic there.
 * - `AtOnce`: anything else, an original that fails but surely less than the replacement among it.
 *
 * The two versions are compared in the minutes in which both had requests, so that what befell both counts for both. Shares
 * are compared by their intervals, one-sided at 99 % (Newcombe, "Interval estimation for the difference between independent
 * proportions", method 10): a handful of requests proves nothing.
 */
import type { DeploymentError, Minute, Original, Served } from './types.ts';
import { goneProblem, notActiveProblem, type Place, throttledProblem, worseProblem } from './messages.ts';

export type Judgement = Readonly<
  { kind: 'AtOnce' } | { kind: 'InSteps'; seen?: Compared } | { kind: 'Stay'; problem: DeploymentError }
>;

/** What both versions did side by side. */
export type Compared = Readonly<{ original: Served; replacement: Served }>;

/** One-sided 99 %. */
const Z = 2.326;
/** An original that surely fails at least this share of its requests is not healthy. */
const FAILING_SHARE = 0.1;
/** The original must surely fail by this much more than the replacement to be called worse. */
const MARGIN = 0.01;

/** `inSteps`: the return is on its way in steps, and what follows from too little evidence is the next step. */
export function judge(original: Original, place: Place, inSteps: boolean): Judgement {
  if (original.exists === false) return { kind: 'Stay', problem: goneProblem(place) };
  if (original.state !== undefined && original.state !== 'Active') {
    return { kind: 'Stay', problem: notActiveProblem(place, original.state) };
  }
  if (original.reservedConcurrency === 0) return { kind: 'Stay', problem: throttledProblem(place) };
  const seen = compared(original.minutes);
  if (seen.original.requests === 0 || seen.replacement.requests === 0)
    return inSteps ? { kind: 'InSteps' } : { kind: 'AtOnce' };
  const { least, most } = difference(seen.original, seen.replacement);
  if (least > MARGIN) return { kind: 'Stay', problem: worseProblem(place, seen) };
  if (most < 0 || share(seen.original).least < FAILING_SHARE) return { kind: 'AtOnce' };
  return { kind: 'InSteps', seen };
}

/** Only minutes in which both had requests count. */
function compared(minutes: readonly Minute[]): Compared {
  const both = minutes.filter(({ original, replacement }) => original.requests > 0 && replacement.requests > 0);
  return {
    original: total(both.map(({ original }) => original)),
    replacement: total(both.map(({ replacement }) => replacement)),
  };
}

function total(parts: readonly Served[]): Served {
  return parts.reduce(
    (sum, { requests, failures }) => ({ requests: sum.requests + requests, failures: sum.failures + failures }),
    { requests: 0, failures: 0 },
  );
}

type Interval = Readonly<{ point: number; least: number; most: number }>;

/** Wilson's score interval of the share that fails. */
function share({ requests, failures }: Served): Interval {
  const point = Math.min(1, failures / requests);
  const square = (Z * Z) / requests;
  const middle = (point + square / 2) / (1 + square);
  const half = (Z / (1 + square)) * Math.sqrt((point * (1 - point)) / requests + square / (4 * requests));
  return { point, least: Math.max(0, middle - half), most: Math.min(1, middle + half) };
}

/** By how much more the first fails. */
function difference(first: Served, second: Served): Readonly<{ least: number; most: number }> {
  const [a, b] = [share(first), share(second)];
  const point = a.point - b.point;
  return {
    least: point - Math.hypot(a.point - a.least, b.most - b.point),
    most: point + Math.hypot(a.most - a.point, b.point - b.least),
  };
}
