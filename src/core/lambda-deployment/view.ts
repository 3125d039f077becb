/** What is shown of a deployment, derived from its state. */
import type { DeploymentState } from './types.ts';

export type DeploymentStatus = 'Created' | 'InProgress' | 'Succeeded' | 'Failed' | 'Stopped';
export type TargetStatus = 'Pending' | 'InProgress' | 'Succeeded' | 'Failed' | 'Skipped';

export function deploymentStatus(state: DeploymentState): DeploymentStatus {
  if (state.phase.name === 'Ended') return state.phase.status;
  return state.phase.name === 'Preparing' ? 'Created' : 'InProgress';
}

/** A target that was never begun is skipped when its deployment ends. */
export function targetStatus(state: DeploymentState): TargetStatus {
  const { phase, lifecycleEvents } = state;
  const begun = lifecycleEvents.some((event) => event.startedAt !== undefined);
  if (phase.name !== 'Ended') return begun ? 'InProgress' : 'Pending';
  if (phase.status === 'Succeeded') return 'Succeeded';
  return begun ? 'Failed' : 'Skipped';
}

/** A stop that waits for a weight to be set. */
export function isEnding(state: DeploymentState): boolean {
  const { phase } = state;
  return phase.name === 'Restoring' || ('ending' in phase && phase.ending !== undefined);
}
