export { allAtOnce, shiftSteps, type Routing, type Step, totalShiftMs } from './steps.ts';
