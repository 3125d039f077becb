export { type FaultResult, rehearseAll } from './matrix.ts';
export { palette } from './palette.ts';
export { chance, type Chance } from './random.ts';
export { type Plan, rehearse, type Rehearsal, type RehearsedAlarm } from './rehearse.ts';
export { type Fault, isPlayed, type Latency, type Series, type Workload } from './workload.ts';
