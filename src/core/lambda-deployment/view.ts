/** What is shown of a deployment, derived from its state. */
import { weightOfReturn } from './returning.ts';
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

/**
 * The weight that is being set and whose answer is waited for; undefined: none is. Whoever comes to set another comes too
 * late, and must leave the alias alone: it may belong to a later deployment by now.
 */
export function weightBeingSet({ phase }: DeploymentState): number | undefined {
  if (phase.name === 'Moving') return phase.weightPercent;
  return phase.name === 'Returning' || phase.name === 'Restoring' ? weightOfReturn(phase.returning) : undefined;
}
