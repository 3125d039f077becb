export { isDataEvent, isReadOnly, trailRegion } from './event-kinds.ts';
