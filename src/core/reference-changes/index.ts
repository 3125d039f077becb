export {
  changesBetween,
  decide,
  type ReferenceChange,
  type ReferenceEffect,
  type ReferenceEvent,
  type References,
  type ReferenceState,
} from './decide.ts';
