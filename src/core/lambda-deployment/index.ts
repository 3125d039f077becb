export { decide, firstEffects, isFinal } from './decide.ts';
export { type JudgeWatch, newJudgeWatch } from './judging.ts';
export {
  deploymentStatus,
  type DeploymentStatus,
  isEnding,
  targetStatus,
  type TargetStatus,
  weightBeingSet,
} from './view.ts';
export type {
  AlarmWatch,
  Announcement,
  DeploymentEffect,
  DeploymentError,
  DeploymentEvent,
  DeploymentState,
  LifecycleEvent,
  Minute,
  Original,
  RollbackPolicy,
  Served,
  Target,
} from './types.ts';
