export type { Plan } from './deployment.ts';
export type { Denial, Fault, Release } from './faults.ts';
export { type Asker, type AskedAt, type Need, needsOf, removableGrants } from './grants.ts';
export { endWords, type FaultResult, rehearseAll, rehearsePipelineAll } from './matrix.ts';
export type { ExecutionOutcome, Moment, Rehearsal } from './outcome.ts';
export { grantFaults, palette, paletteFor, pipelinePalette } from './palette.ts';
export { rehearsePipeline } from './pipeline.ts';
export {
  actionPaths,
  DEFAULT_PACE,
  type KnownGrant,
  type Pace,
  type PipelinePlan,
  type PipelineWorkload,
  type Work,
} from './pipeline-plan.ts';
export { chance, type Chance } from './random.ts';
export { HOOK_MS, rehearse } from './rehearse.ts';
export type { RehearsedAlarm } from './site.ts';
export { isPlayed, type Latency, type Series, type Workload } from './workload.ts';
