/**
 * The order of a build's phases, and what comes after one that failed.
 * Source: CodeBuild User Guide, "Build phase transitions" and "Buildspec syntax" (`on-failure`).
 */
export type BuildPhaseType =
  | 'SUBMITTED'
  | 'QUEUED'
  | 'PROVISIONING'
  | 'DOWNLOAD_SOURCE'
  | 'INSTALL'
  | 'PRE_BUILD'
  | 'BUILD'
  | 'POST_BUILD'
  | 'UPLOAD_ARTIFACTS'
  | 'FINALIZING'
  | 'COMPLETED';

/** The phases that the runner performs, in order. */
export type RunPhase = Exclude<BuildPhaseType, 'SUBMITTED' | 'QUEUED' | 'COMPLETED'>;

/** The phases that hold the user's commands. */
export type CommandPhase = 'INSTALL' | 'PRE_BUILD' | 'BUILD' | 'POST_BUILD';

export const COMMAND_PHASES: readonly CommandPhase[] = ['INSTALL', 'PRE_BUILD', 'BUILD', 'POST_BUILD'];

/** What a phase's `on-failure` says; absent in the buildspec: the default transitions. */
export type OnFailure = 'ABORT' | 'CONTINUE';

/**
 * The phase after `phase`. A failed INSTALL or PRE_BUILD goes to FINALIZING; a failed BUILD still runs POST_BUILD, and
 * a failed POST_BUILD still uploads artifacts. `on-failure: CONTINUE` goes on as if all were well, `ABORT` goes to
 * FINALIZING.
 */
export function phaseAfter(phase: RunPhase, failed: boolean, onFailure?: OnFailure): BuildPhaseType {
  if (failed && phase !== 'FINALIZING') {
    const ends = phase === 'BUILD' || phase === 'POST_BUILD' ? onFailure === 'ABORT' : onFailure !== 'CONTINUE';
    if (ends) return 'FINALIZING';
  }
  return AFTER[phase];
}

const AFTER: Readonly<Record<RunPhase, BuildPhaseType>> = {
  PROVISIONING: 'DOWNLOAD_SOURCE',
  DOWNLOAD_SOURCE: 'INSTALL',
  INSTALL: 'PRE_BUILD',
  PRE_BUILD: 'BUILD',
  BUILD: 'POST_BUILD',
  POST_BUILD: 'UPLOAD_ARTIFACTS',
  UPLOAD_ARTIFACTS: 'FINALIZING',
  FINALIZING: 'COMPLETED',
};
