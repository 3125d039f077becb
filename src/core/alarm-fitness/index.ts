export type { Scope, Statistic, Traffic } from './counts.ts';
export {
  type Cause,
  fitnessOf,
  type FitnessVerdict,
  type OtherKind,
  type Situation,
  stepFitness,
  type StepFitness,
  type WatchedAlarm,
} from './fitness.ts';
export { type FitnessMend, mendsOf } from './mends.ts';
export { FITNESS_TAG, type FitnessMode, readFitnessMode } from './mode.ts';
export { type AlarmReport, type Finding, groupFitness, type GroupReport, type GroupSettings } from './group.ts';
export {
  type AlarmDescriptions,
  alarmOfOtherKind,
  type DescribedAlarm,
  metricOf,
  ruleOf,
  scopeOf,
  statisticNameOf,
  watchedAlarm,
  type WireAlarm,
  wireAlarms,
} from './wire-alarm.ts';
export { causeWords, findingWords, fitnessSummary, fitnessWarning, mendWords, otherKindWords } from './words.ts';
