export {
  decide,
  isFinal,
  type NotificationEffect,
  type NotificationEvent,
  type NotificationState,
  startNotification,
} from './decide.ts';
export { covers, type EventFilter, overlap } from './filters.ts';
