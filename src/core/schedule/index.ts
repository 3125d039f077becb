export { decide, type ScheduleEffect, type ScheduleEvent, type ScheduleState } from './decide.ts';
export { nextFire, parseSchedule, type Schedule } from './schedule.ts';
