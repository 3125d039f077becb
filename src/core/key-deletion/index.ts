export {
  decide,
  isFinal,
  type KeyDeletionEffect,
  type KeyDeletionEvent,
  type KeyDeletionState,
  startKeyDeletion,
} from './decide.ts';
