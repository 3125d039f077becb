export { inputFor, isTemplate, parsePath, type Reserved, type TargetInput, valueAt } from './transform.ts';
