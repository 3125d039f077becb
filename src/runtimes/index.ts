export { openNothingRuntime } from './nothing-runtime.ts';
export { openProcessRuntime, type RuntimeLog } from './process/process-runtime.ts';
export type { ProcessExit, ProcessHandle, ProcessSpec, Runtime } from './runtime.ts';
