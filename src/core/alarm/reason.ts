/** How CloudWatch words the reason of a state, in text and as data. */
import type { EpochMs } from '../../common/index.ts';
import { type AlarmRule, breaches, type Comparison, type Datapoint } from './rule.ts';

const COMPARED: Readonly<Record<Comparison, string>> = {
  GreaterThanThreshold: 'greater than',
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  LessThanThreshold: 'less than',
  LessThanOrEqualToThreshold: 'less than or equal to',
};

/** `evaluated`: newest first. */
export function crossedReason(rule: AlarmRule, toAlarm: boolean, evaluated: readonly Datapoint[]): string {
  const shown = evaluated.filter((point) => breaches(rule, point.value) === toAlarm);
  const { datapointsToAlarm: m, evaluationPeriods: n } = rule;
  const least = toAlarm ? m : n - m + 1;
  const transition = toAlarm ? 'OK -> ALARM' : 'ALARM -> OK';
  const list = shown.map((point) => `${javaDouble(point.value ?? 0)} (${shortTime(point.at)})`).join(', ');
  return (
    `Threshold Crossed: ${shown.length} out of the last ${n} datapoints [${list}] ` +
    `${shown.length === 1 ? 'was' : 'were'}${toAlarm ? '' : ' not'} ${COMPARED[rule.comparison]} ` +
    `the threshold (${javaDouble(rule.threshold)}) (minimum ${counted(least, 'datapoint')} for ${transition} transition).`
  );
}

export function noDataReason(missing: number, treatedAs: 'Breaching' | 'NonBreaching'): string {
  return (
    `Threshold Crossed: no datapoints were received for ${counted(missing, 'period')} and ` +
    `${counted(missing, 'missing datapoint')} ${missing === 1 ? 'was' : 'were'} treated as [${treatedAs}].`
  );
}

export function partlyMissingReason(
  rule: AlarmRule,
  toAlarm: boolean,
  evaluated: readonly Datapoint[],
  missing: number,
  treatedAs: 'Breaching' | 'NonBreaching',
): string {
  const crossed = crossedReason(rule, toAlarm, evaluated).slice(0, -1);
  return `${crossed} and ${counted(missing, 'missing datapoint')} ${missing === 1 ? 'was' : 'were'} treated as [${treatedAs}].`;
}

export function insufficientReason(unknown: number): string {
  return `Insufficient Data: ${counted(unknown, 'datapoint')} ${unknown === 1 ? 'was' : 'were'} unknown.`;
}

/** The JSON of `StateReasonData`, with numbers as Java prints them. At most 4000 characters: the oldest datapoints go first. */
export function reasonData(
  rule: AlarmRule,
  statistic: string,
  unit: string | undefined,
  evaluated: readonly Datapoint[],
  now: EpochMs,
): string {
  for (let kept = evaluated.length; ; kept--) {
    const text = reasonDataOf(rule, statistic, unit, evaluated.slice(0, kept), now);
    if (text.length <= 4000 || kept === 0) return text;
  }
}

function reasonDataOf(
  rule: AlarmRule,
  statistic: string,
  unit: string | undefined,
  evaluated: readonly Datapoint[],
  now: EpochMs,
): string {
  const oldest = evaluated.at(-1);
  const members = [
    '"version":"1.0"',
    `"queryDate":"${alarmTimestamp(now)}"`,
    ...(oldest === undefined ? [] : [`"startDate":"${alarmTimestamp(oldest.at)}"`]),
    ...(unit === undefined ? [] : [`"unit":${JSON.stringify(unit)}`]),
    `"statistic":${JSON.stringify(statistic)}`,
    `"period":${rule.period}`,
    `"recentDatapoints":[${evaluated
      .toReversed()
      .map((point) => javaDouble(point.value ?? 0))
      .join(',')}]`,
    `"threshold":${javaDouble(rule.threshold)}`,
  ];
  if (evaluated.length > 0) {
    const points = evaluated.map(
      (point) =>
        `{"timestamp":"${alarmTimestamp(point.at)}",${
          point.samples === undefined ? '' : `"sampleCount":${javaDouble(point.samples)},`
        }"value":${javaDouble(point.value ?? 0)}}`,
    );
    members.push(`"evaluatedDatapoints":[${points.join(',')}]`);
  }
  return `{${members.join(',')}}`;
}

/** `2019-10-02T17:04:40.985+0000` */
export function alarmTimestamp(at: EpochMs): string {
  return new Date(at).toISOString().replace('Z', '+0000');
}

/** `24/11/26 06:04:00`: day, month, year. */
function shortTime(at: EpochMs): string {
  const [date = '', time = ''] = new Date(at).toISOString().split('T');
  const [year = '', month, day] = date.split('-');
  return `${day}/${month}/${year.slice(2)} ${time.slice(0, 8)}`;
}

/** As Java's `Double.toString`: `5.0`, `99.5`, `1.0E7`, `1.0E-4`. */
export function javaDouble(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) {
    const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
    return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
