export {
  type AlarmDefinition,
  type AlarmEffect,
  type AlarmEvent,
  type AlarmState,
  decide,
  nextEvaluationAt,
  readWindow,
  startAlarm,
  type StateSnapshot,
} from './decide.ts';
export { evaluate, evaluationRange, type Verdict } from './evaluate.ts';
export { alarmTimestamp } from './reason.ts';
export type { AlarmRule, AlarmValue, Comparison, Datapoint, MissingData } from './rule.ts';
