export { nextFire, parseSchedule, type Schedule } from './schedule.ts';
