/** Rules, their costs and spans of time in words. */
import type { AlarmRule } from '../../core/alarm/index.ts';
import type { Cost } from '../../core/replay/index.ts';

const COMPARED: Readonly<Record<AlarmRule['comparison'], string>> = {
  GreaterThanThreshold: '>',
  GreaterThanOrEqualToThreshold: '≥',
  LessThanThreshold: '<',
  LessThanOrEqualToThreshold: '≤',
};

export function comparisonSign(comparison: AlarmRule['comparison']): string {
  return COMPARED[comparison];
}

/** `3 of 3 datapoints of 60 s > 5, missing data missing` */
export function ruleWords(rule: AlarmRule): string {
  const { period, evaluationPeriods, datapointsToAlarm, threshold, comparison, treatMissingData } = rule;
  const missing = treatMissingData === 'missing' ? '' : `, missing data ${treatMissingData}`;
  const points = `${datapointsToAlarm} of ${evaluationPeriods} ${evaluationPeriods === 1 ? 'datapoint' : 'datapoints'}`;
  return `${points} of ${durationWords(period * 1000)} ${COMPARED[comparison]} ${threshold}${missing}`;
}

export function costWords({ rule }: Cost, { period, evaluationPeriods, datapointsToAlarm }: AlarmRule): string {
  switch (rule) {
    case 'Period':
      return `the period: a datapoint is whole once its ${period} s are over`;
    case 'Publishing':
      return 'publishing: alarms look a second after each whole minute (or ten seconds)';
    case 'DatapointsToAlarm':
      return `M of N: ${datapointsToAlarm} of ${evaluationPeriods} datapoints must be over the threshold`;
    case 'Poll':
      return 'the poll: from the alarm to the deed';
  }
}

/** `45 s`, `2 min`, `1 min 12 s`, `1 h 5 min`; below a second in ms. */
export function durationWords(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [seconds % 60, 's'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
