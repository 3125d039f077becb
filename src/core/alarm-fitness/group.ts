/** The alarms of a deployment group together: would one of them stop a bad release before it has all the traffic? */
import { fitnessOf, type Situation, type StepFitness, type WatchedAlarm } from './fitness.ts';
import { type FitnessMend, mendsOf } from './mends.ts';

export type GroupSettings = Readonly<{
  alarmsEnabled: boolean;
  /** Names, as the group lists them. */
  alarmNames: readonly string[];
  /** Automatic rollback is on, and for alarms. */
  rollsBackOnAlarm: boolean;
}>;

export type Finding =
  | Readonly<{ kind: 'NoAlarms' }>
  | Readonly<{ kind: 'AlarmsDisabled' }>
  | Readonly<{ kind: 'NoRollback' }>
  | Readonly<{ kind: 'AlarmMissing'; name: string }>
  /** All the traffic moves at once: no step leaves time to watch. */
  | Readonly<{ kind: 'NoStep' }>;

export type AlarmReport = Readonly<{
  name: string;
  steps: readonly StepFitness[];
  /** What would make it certain in the step in which most can still be saved; empty when it is, or nothing alone does. */
  mends: readonly FitnessMend[];
}>;

export type GroupReport = Readonly<{
  findings: readonly Finding[];
  alarms: readonly AlarmReport[];
  /** Nothing is found, and in some step before the last an alarm is certain to fire. */
  fit: boolean;
}>;

export function groupFitness(
  settings: GroupSettings,
  alarms: readonly WatchedAlarm[],
  situation: Situation,
): GroupReport {
  const findings: Finding[] = [];
  if (settings.alarmNames.length === 0) findings.push({ kind: 'NoAlarms' });
  else if (!settings.alarmsEnabled) findings.push({ kind: 'AlarmsDisabled' });
  for (const name of settings.alarmNames)
    if (!alarms.some((alarm) => alarm.name === name)) findings.push({ kind: 'AlarmMissing', name });
  if (!settings.rollsBackOnAlarm) findings.push({ kind: 'NoRollback' });
  // A last step that is not watched can only be lost; the one before it is where a release is saved.
  const watched = situation.finalBakeMs > 0 ? situation.steps.length : situation.steps.length - 1;
  if (watched === 0) findings.push({ kind: 'NoStep' });
  const reports = alarms.map((alarm): AlarmReport => {
    const steps = fitnessOf(alarm, situation);
    const certain = steps.slice(0, watched).some(({ verdict }) => verdict === 'Can');
    return { name: alarm.name, steps, mends: certain || watched === 0 ? [] : mendsOf(alarm, situation, 0) };
  });
  const certain = reports.some(({ steps }) => steps.slice(0, watched).some(({ verdict }) => verdict === 'Can'));
  return { findings, alarms: reports, fit: findings.length === 0 && certain };
}
