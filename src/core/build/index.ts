export {
  type BuildEffect,
  type BuildEvent,
  type BuildFacts,
  type BuildPhase,
  type BuildState,
  type BuildStatus,
  currentPhase,
  decide,
  isFinal,
  MAX_RESTARTS,
  type PhaseContext,
  submitBuild,
} from './decide.ts';
export {
  type BuildPhaseType,
  COMMAND_PHASES,
  type CommandPhase,
  type OnFailure,
  phaseAfter,
  type RunPhase,
} from './phases.ts';
