export { PREDEFINED_ROUTINGS, type PredefinedRouting } from './predefined.ts';
export { allAtOnce, shiftSteps, type Routing, type Step, totalShiftMs } from './steps.ts';
