export { type AlarmMove, type MetricRecord, playAlarm, slotMsOf, together } from './alarm-play.ts';
export {
  type Heard,
  playDeployment,
  type PlayedDeployment,
  type PlayedTurn,
  takenBackAt,
  weightsOf,
  type WorldAlarm,
} from './deployment-world.ts';
export type { Difference } from './difference.ts';
export { executionsSeen, type LineChange, playLine, type PlayedLine } from './line-world.ts';
export { type Cost, type CostRule, type NotEarlier, type SuspectAlarm, whyNotEarlier } from './not-earlier.ts';
export {
  type Decider,
  type FirstDifference,
  type History,
  historyFrom,
  type RecordedTurn,
  replay,
  type Replay,
  type ReplayedTurn,
  stateAt,
  type Tagged,
  type TurnCheck,
} from './replay.ts';
export {
  changedRule,
  type DeploymentChange,
  deploymentChange,
  isAlarmKey,
  ALARM_KEYS,
  isProblem,
  lineChange,
  parseSetting,
  type Problem,
  type Setting,
} from './settings.ts';
export { told, type Subject, type Told, type ToldTurn } from './told.ts';
export { phaseWords } from './told-deployment.ts';
export { concerns, executionIn } from './told-line.ts';
