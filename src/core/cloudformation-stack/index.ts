export { planChanges, type PlannedChange } from './changes.ts';
export { changed, decide } from './decide.ts';
export {
  type Configuration,
  isInProgress,
  type Operation,
  type StackEffect,
  type StackEvent,
  type StackEventRecord,
  type StackResource,
  type StackState,
  type StackStatus,
  type TypeRules,
} from './stack.ts';
