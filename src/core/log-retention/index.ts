export { decide, type RetentionEffect, type RetentionEvent, type RetentionState } from './decide.ts';
