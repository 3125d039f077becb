export { inputFor, parsePath, type Reserved, type TargetInput, valueAt } from './transform.ts';
