export type { Plan } from './deployment.ts';
export type { Denial, Fault, Release } from './faults.ts';
export { type FaultResult, rehearseAll } from './matrix.ts';
export type { ExecutionOutcome, Moment, Rehearsal } from './outcome.ts';
export { palette } from './palette.ts';
export { chance, type Chance } from './random.ts';
export { rehearse } from './rehearse.ts';
export type { RehearsedAlarm } from './site.ts';
export { isPlayed, type Latency, type Series, type Workload } from './workload.ts';
