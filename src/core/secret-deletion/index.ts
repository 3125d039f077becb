export { decide, type DeletionEffect, type DeletionEvent, type DeletionState } from './decide.ts';
