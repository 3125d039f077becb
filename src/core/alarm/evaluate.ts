/**
 * What state a metric alarm is in: M of the last N datapoints, with AWS's treatment of missing ones.
 *
 * The alarm looks at more periods than N (the evaluation range): with N datapoints among them, the newest N decide and
 * the treatment of missing data plays no part. AWS does not publish how many more; N + 2 gives every row of its tables.
 * Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data" and "Evaluating an alarm".
 */
import { crossedReason, insufficientReason, noDataReason, partlyMissingReason } from './reason.ts';
import { type AlarmRule, type AlarmValue, breaches, type Datapoint } from './rule.ts';

export type Verdict = Readonly<{
  /** `Keep`: nothing is known that would change the state. */
  value: AlarmValue | 'Keep';
  /** Worded when it is asked for: most evaluations change nothing. */
  reason: () => string;
  /** The datapoints that decided, newest first. */
  evaluated: readonly Datapoint[];
}>;

/** How many periods are read. */
export function evaluationRange(rule: AlarmRule): number {
  return rule.evaluationPeriods + 2;
}

/** `points`: the evaluation range, oldest first, one for each period. */
export function evaluate(rule: AlarmRule, points: readonly Datapoint[]): Verdict {
  const { evaluationPeriods: n, datapointsToAlarm: m, treatMissingData: treatment } = rule;
  const real = points.filter((point) => point.value !== undefined);
  const window = real.slice(-n);
  const evaluated = window.toReversed();
  const breaching = window.filter((point) => breaches(rule, point.value));
  const verdict = (value: Verdict['value'], reason: () => string): Verdict => ({ value, reason, evaluated });

  if (rule.leastSamples !== undefined && real.length > 0) {
    const samples = window.reduce((sum, point) => sum + (point.samples ?? 0), 0);
    if (samples < rule.leastSamples) return verdict('Keep', () => '');
  }
  if (real.length >= n) {
    return verdict(breaching.length >= m ? 'ALARM' : 'OK', () => crossedReason(rule, breaching.length >= m, evaluated));
  }

  const missing = n - real.length;
  const mixed = (value: 'OK' | 'ALARM', treatedAs: 'Breaching' | 'NonBreaching'): Verdict =>
    verdict(value, () =>
      real.length === 0
        ? noDataReason(missing, treatedAs)
        : partlyMissingReason(rule, value === 'ALARM', evaluated, missing, treatedAs),
    );
  if (treatment === 'breaching') return mixed(breaching.length + missing >= m ? 'ALARM' : 'OK', 'Breaching');
  if (treatment === 'notBreaching') return mixed(breaching.length >= m ? 'ALARM' : 'OK', 'NonBreaching');

  if (breaching.length >= m) return verdict('ALARM', () => crossedReason(rule, true, evaluated));
  if (real.length === 0) {
    return treatment === 'missing'
      ? verdict('INSUFFICIENT_DATA', () => insufficientReason(n))
      : verdict('Keep', () => '');
  }
  if (breaching.length < real.length) return verdict('OK', () => crossedReason(rule, false, evaluated));
  if (treatment === 'ignore') return verdict('Keep', () => '');
  // All that is known breaches, and it is too little: an alarm only if the oldest such datapoint is M periods old,
  // so that a single late datapoint does not raise the alarm prematurely.
  const age = points.length - points.findIndex((point) => breaches(rule, point.value));
  return age >= m ? verdict('ALARM', () => crossedReason(rule, true, evaluated)) : verdict('Keep', () => '');
}
