/** The smallest change that makes an alarm certain in a step. Each is tried, and only those that do it are named. */
import { MINUTE_MS } from '../../common/index.ts';
import { type Situation, stepFitness, type WatchedAlarm } from './fitness.ts';

export type FitnessMend =
  | Readonly<{ change: 'Threshold'; to: number }>
  | Readonly<{ change: 'Scope' }>
  | Readonly<{ change: 'Period'; to: number }>
  | Readonly<{ change: 'Datapoints'; to: Readonly<{ evaluationPeriods: number; datapointsToAlarm: number }> }>
  | Readonly<{ change: 'MissingData'; to: 'missing' }>
  | Readonly<{ change: 'StepMinutes'; to: number }>;

type Changed = Readonly<{ mend: FitnessMend; alarm: WatchedAlarm; situation: Situation }>;

/** Single changes, each of which suffices, the least first; empty: none does alone. */
export function mendsOf(alarm: WatchedAlarm, situation: Situation, index: number): readonly FitnessMend[] {
  return candidates(alarm, situation, index)
    .filter((changed) => stepFitness(changed.alarm, changed.situation, index).verdict === 'Can')
    .map(({ mend }) => mend);
}

function candidates(alarm: WatchedAlarm, situation: Situation, index: number): readonly Changed[] {
  const { rule } = alarm;
  const found: Changed[] = [];
  const withRule = (mend: FitnessMend, change: Partial<WatchedAlarm['rule']>): void =>
    void found.push({ mend, alarm: { ...alarm, rule: { ...rule, ...change } }, situation });
  if (alarm.statistic === 'Average' && rule.threshold >= 1)
    withRule({ change: 'Threshold', to: rule.threshold / 100 }, { threshold: rule.threshold / 100 });
  if (alarm.scope === 'Service')
    found.push({ mend: { change: 'Scope' }, alarm: { ...alarm, scope: 'Version' }, situation });
  if (rule.treatMissingData === 'notBreaching')
    withRule({ change: 'MissingData', to: 'missing' }, { treatMissingData: 'missing' });
  for (let m = rule.datapointsToAlarm - 1; m >= 1; m--) {
    const to = { evaluationPeriods: Math.max(m, Math.min(rule.evaluationPeriods, m)), datapointsToAlarm: m };
    const tried: Changed = {
      mend: { change: 'Datapoints', to },
      alarm: { ...alarm, rule: { ...rule, ...to } },
      situation,
    };
    if (stepFitness(tried.alarm, situation, index).verdict !== 'Can') continue;
    found.push(tried);
    break;
  }
  const shorter = [30, 60, 20, 10].filter((period) => period < rule.period).toSorted((a, b) => b - a);
  for (const period of shorter) {
    if (stepFitness({ ...alarm, rule: { ...rule, period } }, situation, index).verdict !== 'Can') continue;
    withRule({ change: 'Period', to: period }, { period });
    break;
  }
  const { shows } = stepFitness(alarm, situation, index);
  // Half of what the fault shows at least: well under it, and as far from a healthy release as can be.
  if (shows !== undefined && shows.least > 0 && shows.least / 2 < rule.threshold)
    withRule({ change: 'Threshold', to: round(shows.least / 2) }, { threshold: round(shows.least / 2) });
  const { detectionMs } = stepFitness(alarm, situation, index);
  if (detectionMs !== undefined) {
    const minutes = Math.ceil(detectionMs / MINUTE_MS);
    found.push({
      mend: { change: 'StepMinutes', to: minutes },
      alarm,
      situation: longerStep(situation, index, minutes),
    });
  }
  return found;
}

function longerStep(situation: Situation, index: number, minutes: number): Situation {
  const next = situation.steps[index + 1];
  if (next === undefined) return { ...situation, finalBakeMs: minutes * MINUTE_MS };
  const by = minutes * MINUTE_MS - (next.afterMs - (situation.steps[index]?.afterMs ?? 0));
  return {
    ...situation,
    steps: situation.steps.map((step, i) => (i > index ? { ...step, afterMs: step.afterMs + by } : step)),
  };
}

/** Two digits are enough for a threshold. */
function round(value: number): number {
  return Number(value.toPrecision(2));
}
