export {
  type AlarmDefinition,
  type AlarmEffect,
  type AlarmEvent,
  type AlarmState,
  decide,
  nextEvaluationAt,
  type ReadWindow,
  readWindow,
  startAlarm,
  type StateSnapshot,
} from './decide.ts';
export { evaluate, evaluationRange, type Verdict } from './evaluate.ts';
export { alarmTimestamp } from './reason.ts';
export {
  type AlarmRule,
  type AlarmValue,
  breaches,
  type Comparison,
  type Datapoint,
  type MissingData,
} from './rule.ts';
