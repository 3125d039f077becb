export {
  type AsyncInvocationEffect,
  type AsyncInvocationEvent,
  type AsyncInvocationState,
  decide,
  type DropReason,
  isFinal,
  startAsyncInvocation,
} from './decide.ts';
