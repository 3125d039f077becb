/**
 * Can this alarm fire in time? For each step of a deployment, in closed form: a fault that shows from the beginning of the
 * step must have raised the alarm before the step ends, since then the traffic moves on.
 *
 *   step begins                                                        step ends
 *   ├── wait for the next evaluation ──┼── M periods full of the fault ──┼─ publishing and evaluation ─┤
 *
 * - `Can`: at every phase of the evaluation's clock, with the fewest errors that even traffic may show.
 * - `Cannot`: at no phase, with the most.
 * - `MayMiss`: between them; it depends on when the deployment happens to start, or on a request more or less.
 * - `Unknown`: the metric does not count errors, or not by a statistic that has bounds; a rehearsal can tell.
 *
 * The verdict asks `core/alarm` itself, with the datapoints that are possible, so that missing data, M of N and the
 * comparison mean what they mean when the alarm runs.
 * Source: CloudWatch User Guide, "Using Amazon CloudWatch alarms" (evaluation, missing data).
 */
import { MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import { type AlarmRule, type AlarmValue, type Datapoint, evaluate, evaluationRange } from '../alarm/index.ts';
import type { Step } from '../traffic-shift/index.ts';
import { type Counts, countsIn, type Scope, type Statistic, together, type Traffic, valueIn } from './counts.ts';

/** Alarms that CloudWatch has and Sluice's does not: a rule over other alarms, an expression over metrics, a band. */
export type OtherKind = 'Composite' | 'MetricMath' | 'AnomalyBand';

export type WatchedAlarm = Readonly<{
  name: string;
  /** Then it has no metric, and nothing is reckoned of it. */
  otherKind?: OtherKind;
  rule: AlarmRule;
  /** `Errors` of Lambda is what can be reckoned; see `Unknown`. */
  metric: string;
  statistic: string;
  /** `Version`: it counts the new version's requests only. */
  scope: Scope;
  /** In ALARM as the deployment begins, it stops the deployment, whatever the new version does. */
  state: AlarmValue;
}>;

export type Situation = Readonly<{
  steps: readonly Step[];
  /** How long the last step is watched; 0 for a Lambda deployment without a hook after the traffic. */
  finalBakeMs: number;
  requestsPerMinute: number;
  /** Share of the new version's requests that fail, 0 to 1. */
  fault: number;
  /** Share of the old version's requests that fail. */
  baseline: number;
  /** From a request to its datapoint's being there. */
  publishDelayMs: number;
}>;

export type FitnessVerdict = 'Can' | 'MayMiss' | 'Cannot' | 'Unknown';

export type Cause =
  | OtherKind
  /** It does not count errors. */
  | 'Metric'
  /** It has no bounds for this statistic. */
  | 'Statistic'
  /** It fires on low values, and a fault makes high ones. */
  | 'Direction'
  /** An error rate is 0 to 1: the threshold is meant as percent. */
  | 'Percent'
  /** Other versions' requests dilute the fault below the threshold. */
  | 'Dilution'
  /** Too few requests in a period to reach the threshold, or for a datapoint at all. */
  | 'Count'
  /** The step is over before M periods are. */
  | 'Time'
  /** Periods without a request count as healthy. */
  | 'Silence'
  /** It is raised already. */
  | 'Raised';

export type StepFitness = Readonly<{
  weightPercent: number;
  lengthMs: number;
  verdict: FitnessVerdict;
  cause?: Cause;
  /** What one full period shows of the fault; absent: nothing that can be reckoned. */
  shows?: Readonly<{ least: number; most: number }>;
  /** From the beginning of the fault to ALARM, at the worst phase; absent: never. */
  detectionMs?: number;
}>;

/** How long after a boundary alarms are evaluated; see `core/alarm`. */
const EVALUATION_DELAY_MS = SECOND_MS;
/** Beyond this many unsure datapoints nothing is promised. */
const MOST_UNSURE = 4;

export function stepFitness(alarm: WatchedAlarm, situation: Situation, index: number): StepFitness {
  const step = situation.steps[index];
  const next = situation.steps[index + 1];
  const lengthMs = next === undefined ? situation.finalBakeMs : next.afterMs - (step?.afterMs ?? 0);
  const weightPercent = step?.weightPercent ?? 0;
  const known = { weightPercent, lengthMs };
  if (alarm.otherKind !== undefined) return { ...known, verdict: 'Unknown', cause: alarm.otherKind };
  if (alarm.metric !== 'Errors') return { ...known, verdict: 'Unknown', cause: 'Metric' };
  const statistic = statisticOf(alarm.statistic);
  if (statistic === undefined) return { ...known, verdict: 'Unknown', cause: 'Statistic' };
  if (alarm.rule.comparison.startsWith('Less')) return { ...known, verdict: 'Cannot', cause: 'Direction' };
  const view = viewOf(alarm, statistic, situation, index);
  const shows = valueIn(statistic, countsIn(view.during, alarm.scope, view.periodMs));
  const found = { ...known, ...(shows === undefined ? {} : { shows }) };
  if (alarm.state === 'ALARM') return { ...found, verdict: 'Cannot', cause: 'Raised' };
  const detectionMs = detection(view);
  const timed = detectionMs === undefined ? found : { ...found, detectionMs };
  if (certain(view, lengthMs)) return { ...timed, verdict: 'Can' };
  const verdict = possible(view, lengthMs) ? 'MayMiss' : 'Cannot';
  return { ...timed, verdict, cause: causeOf(alarm, view, shows, detectionMs) };
}

/** Of every step, in order. */
export function fitnessOf(alarm: WatchedAlarm, situation: Situation): readonly StepFitness[] {
  return situation.steps.map((_, index) => stepFitness(alarm, situation, index));
}

/** What the alarm sees, before the fault and during it. */
type View = Readonly<{
  rule: AlarmRule;
  statistic: Statistic;
  scope: Scope;
  before: Traffic;
  during: Traffic;
  periodMs: number;
  /** From one evaluation to the next. */
  gridMs: number;
  /** What the newest datapoint of an evaluation may lack at its end. */
  lateMs: number;
}>;

function viewOf(alarm: WatchedAlarm, statistic: Statistic, situation: Situation, index: number): View {
  const { requestsPerMinute, baseline, fault, steps, publishDelayMs } = situation;
  const share = (weightPercent = 0): number => weightPercent / 100;
  const { rule, scope } = alarm;
  return {
    rule,
    statistic,
    scope,
    before: {
      requestsPerMinute,
      newShare: share(steps[index - 1]?.weightPercent),
      newErrorShare: baseline,
      oldErrorShare: baseline,
    },
    during: {
      requestsPerMinute,
      newShare: share(steps[index]?.weightPercent),
      newErrorShare: fault,
      oldErrorShare: baseline,
    },
    periodMs: rule.period * SECOND_MS,
    gridMs: rule.period < 60 ? 10 * SECOND_MS : MINUTE_MS,
    lateMs: Math.max(0, publishDelayMs - EVALUATION_DELAY_MS),
  };
}

/** At the worst phase the last look in time is a whole grid before the step's end, and more must not be needed. */
function certain(view: View, lengthMs: number): boolean {
  const shownMs = lengthMs - EVALUATION_DELAY_MS - view.gridMs;
  return shownMs > 0 && allPatterns(view, shownMs, 'least');
}

/**
 * At the best phase the last look is at the very end; earlier ones of that phase count too. All of those that see the fault
 * in every datapoint see the same.
 */
function possible(view: View, lengthMs: number): boolean {
  if (lengthMs <= 0) return false;
  // A look just as the step begins sees nothing of the fault, but it may see silence.
  if (anyPattern(view, 0, 'most')) return true;
  const lastMs = lengthMs - EVALUATION_DELAY_MS;
  const fullMs = evaluationRange(view.rule) * view.periodMs + view.lateMs;
  const alike = Math.max(0, Math.floor((lastMs - fullMs) / view.gridMs));
  for (let shownMs = lastMs - alike * view.gridMs; shownMs > 0; shownMs -= view.gridMs) {
    if (anyPattern(view, shownMs, 'most')) return true;
  }
  return false;
}

/** The shortest step in which the alarm is certain. Certainty comes with whole periods: found by halving. */
function detection(view: View): number | undefined {
  const longest = evaluationRange(view.rule) * view.periodMs + view.lateMs + view.gridMs + EVALUATION_DELAY_MS + 1;
  if (!certain(view, longest)) return undefined;
  let [low, high] = [0, longest];
  while (high - low > SECOND_MS / 10) {
    const middle = (low + high) / 2;
    if (certain(view, middle)) high = middle;
    else low = middle;
  }
  return Math.ceil(high / SECOND_MS) * SECOND_MS;
}

type Bound = 'least' | 'most';
type Unsure = Readonly<{ value: number | undefined; mayBeMissing: boolean }>;

/** The evaluation range when the fault has been there for `shownMs`, oldest first. */
function rangeAt(view: View, shownMs: number, bound: Bound): readonly Unsure[] {
  const count = evaluationRange(view.rule);
  return Array.from({ length: count }, (_, i) => {
    const age = count - 1 - i;
    const counts = datapoint(view, shownMs - age * view.periodMs, age === 0 ? view.lateMs : 0, bound);
    const value = valueIn(view.statistic, counts)?.[bound];
    return { value, mayBeMissing: value !== undefined && counts.requests.least === 0 };
  });
}

/** A period whose last `faultyMs` (of its length) are of the fault; its last `lateMs` may not be there yet. */
function datapoint(view: View, faultyMs: number, lateMs: number, bound: Bound): Counts {
  const during = Math.min(view.periodMs, Math.max(0, faultyMs));
  const hidden = Math.min(lateMs, during);
  const faulty = countsIn(view.during, view.scope, during - (bound === 'least' ? hidden : 0));
  const healthy = countsIn(view.before, view.scope, view.periodMs - during);
  if (hidden === 0 || bound === 'least') return together(faulty, healthy);
  // The most that can show: all the errors, and as few requests as are there.
  const seen = countsIn(view.during, view.scope, during - hidden);
  return together({ ...faulty, requests: { least: seen.requests.least, most: faulty.requests.most } }, healthy);
}

function allPatterns(view: View, shownMs: number, bound: Bound): boolean {
  return patterns(rangeAt(view, shownMs, bound))?.every((points) => raises(view.rule, points)) ?? false;
}

function anyPattern(view: View, shownMs: number, bound: Bound): boolean {
  return patterns(rangeAt(view, shownMs, bound))?.some((points) => raises(view.rule, points)) ?? true;
}

function raises(rule: AlarmRule, points: readonly Datapoint[]): boolean {
  return evaluate(rule, points).value === 'ALARM';
}

/** Each way in which the unsure ones are there or missing; undefined: too many. */
function patterns(range: readonly Unsure[]): readonly (readonly Datapoint[])[] | undefined {
  if (range.filter(({ mayBeMissing }) => mayBeMissing).length > MOST_UNSURE) return undefined;
  let found: Datapoint[][] = [[]];
  for (const { value, mayBeMissing } of range) {
    const there: Datapoint = value === undefined ? { at: 0 } : { at: 0, value, samples: 1 };
    found = found.flatMap((points) =>
      mayBeMissing
        ? [
            [...points, there],
            [...points, { at: 0 }],
          ]
        : [[...points, there]],
    );
  }
  return found;
}

function statisticOf(name: string): Statistic | undefined {
  return name === 'Sum' || name === 'Average' || name === 'Maximum' || name === 'Minimum' || name === 'SampleCount'
    ? name
    : undefined;
}

function causeOf(alarm: WatchedAlarm, view: View, shows: StepFitness['shows'], detectionMs: number | undefined): Cause {
  // Were the step long enough, it would be certain: what lacks is time.
  if (detectionMs !== undefined) return 'Time';
  const { rule, statistic, scope } = view;
  if (statistic === 'Average' && rule.threshold >= 1) return 'Percent';
  if (statistic === 'SampleCount') return 'Metric';
  const counts = countsIn(view.during, scope, view.periodMs);
  if (counts.requests.least === 0) return alarm.rule.treatMissingData === 'notBreaching' ? 'Silence' : 'Count';
  const own = valueIn(statistic, countsIn(view.during, 'Version', view.periodMs));
  const reaches = (value: number): boolean =>
    evaluate({ ...rule, evaluationPeriods: 1, datapointsToAlarm: 1 }, [{ at: 0, value, samples: 1 }]).value === 'ALARM';
  if (
    scope === 'Service' &&
    statistic !== 'Sum' &&
    shows !== undefined &&
    own !== undefined &&
    reaches(own.least) &&
    !reaches(shows.least)
  )
    return 'Dilution';
  return 'Count';
}
