/** What is found of alarms, as people read it. */
import { duration, percent } from '../../common/index.ts';
import type { Cause, OtherKind, Situation, StepFitness } from './fitness.ts';
import type { AlarmReport, Finding, GroupReport } from './group.ts';
import type { FitnessMend } from './mends.ts';

const KINDS: Readonly<Record<OtherKind, string>> = {
  Composite: 'a composite alarm',
  MetricMath: 'an alarm on metric math',
  AnomalyBand: 'an alarm on an anomaly band',
};

/** What it is, and why nothing is made of it. */
export function otherKindWords(kind: OtherKind): string {
  return `${KINDS[kind]}, which Sluice’s CloudWatch does not run`;
}

const CAUSES: Readonly<Record<Cause, string>> = {
  Composite: `it is ${otherKindWords('Composite')}`,
  MetricMath: `it is ${otherKindWords('MetricMath')}`,
  AnomalyBand: `it is ${otherKindWords('AnomalyBand')}`,
  Metric: 'it does not count errors; rehearse it',
  Statistic: 'nothing can be promised for this statistic; rehearse it',
  Direction: 'it fires on low values, and a fault makes high ones',
  Percent: 'an error rate is 0 to 1, and the threshold is meant as percent',
  Dilution: 'the other versions’ requests dilute the fault below the threshold',
  Count: 'too few requests fail in a period',
  Time: 'the step is over too soon',
  Silence: 'periods without a request count as healthy',
  Raised: 'it is in ALARM already, and stops any deployment',
};

export function causeWords(cause: Cause): string {
  return CAUSES[cause];
}

export function mendWords(mend: FitnessMend): string {
  switch (mend.change) {
    case 'Threshold':
      return `threshold ${mend.to}`;
    case 'Scope':
      return 'count the new version only (dimension ExecutedVersion)';
    case 'Period':
      return `a period of ${mend.to} s`;
    case 'Datapoints':
      return `${mend.to.datapointsToAlarm} of ${mend.to.evaluationPeriods} datapoints`;
    case 'MissingData':
      return `treat missing data as ${mend.to}`;
    case 'StepMinutes':
      return `${mend.to} minutes for the step`;
  }
}

export function findingWords(finding: Finding): string {
  switch (finding.kind) {
    case 'NoAlarms':
      return 'the group watches no alarm';
    case 'AlarmsDisabled':
      return 'the group lists alarms, but does not watch them (alarmConfiguration.enabled is false)';
    case 'NoRollback':
      return 'an alarm would stop the deployment, but not roll it back (DEPLOYMENT_STOP_ON_ALARM is not among the rollback events)';
    case 'AlarmMissing':
      return `the alarm ${finding.name} does not exist`;
    case 'NoStep':
      return 'all the traffic moves at once: no alarm can fire before it has';
  }
}

const VERDICTS = { Can: 'can fire', MayMiss: 'may miss', Cannot: 'cannot fire', Unknown: 'is not reckoned' } as const;

/**
 * In one paragraph, for an event or a log. `measured`: the rate of requests is that of the last hour, and not a guess.
 * Undefined: an alarm is certain to fire in time, or there is nothing to be said against the alarms that can be reckoned.
 */
export function fitnessWarning(report: GroupReport, situation: Situation, measured: boolean): string | undefined {
  if (!isAlarming(report)) return undefined;
  return fitnessSummary(report, situation, measured);
}

/** As `fitnessWarning`, for whoever asks that the alarms be fit. */
export function fitnessSummary({ findings, alarms }: GroupReport, situation: Situation, measured: boolean): string {
  const { fault, requestsPerMinute } = situation;
  const rate = `${Number(requestsPerMinute.toPrecision(3))} requests a minute${measured ? '' : ', which is a guess'}`;
  const said = [...findings.map(findingWords), ...alarms.flatMap((alarm) => alarmWords(alarm, situation))];
  return (
    `No alarm is certain to stop a bad release in time (one that fails ${percent(fault)} of its requests, at ${rate}): ` +
    `${said.join('; ')}.`
  );
}

/** Somebody relies on alarms, and what is known speaks against them. */
function isAlarming({ fit, findings, alarms }: GroupReport): boolean {
  if (fit || findings.some(({ kind }) => kind === 'NoAlarms' || kind === 'AlarmsDisabled')) return false;
  const reckoned = alarms.filter(({ steps }) => steps.some(({ verdict }) => verdict !== 'Unknown'));
  return findings.length > 0 || reckoned.length === alarms.length;
}

/** Its first step, where most can be saved, and the least that mends it. */
function alarmWords({ name, steps, mends }: AlarmReport, { steps: shift }: Situation): string[] {
  const [first] = steps;
  if (first === undefined || first.verdict === 'Can' || shift.length < 2) return [];
  const [mend] = mends;
  return [
    `alarm ${name} ${stepWords(first)}${mend === undefined ? '' : `; what would make it certain: ${mendWords(mend)}`}`,
  ];
}

function stepWords({ weightPercent, lengthMs, verdict, cause }: StepFitness): string {
  const during = `at ${weightPercent} % for ${duration(lengthMs)}`;
  return `${VERDICTS[verdict]} ${during}${cause === undefined ? '' : `, since ${causeWords(cause)}`}`;
}
