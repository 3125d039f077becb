export { CodeCache } from './functions/code-cache.ts';
export type { FunctionProcess, Invocation, InvocationOutcome } from './functions/execution-environment.ts';
export {
  type EnvironmentRecipe,
  FunctionPool,
  type FunctionRunner,
  type InvocationHooks,
} from './functions/function-pool.ts';
export { MAX_UNZIPPED_BYTES, unpackZip, ZipError, type ZipFault } from './functions/unpack-zip.ts';
export { openNothingRuntime } from './nothing-runtime.ts';
export { openProcessRuntime, type RuntimeLog } from './process/process-runtime.ts';
export type { ProcessExit, ProcessHandle, ProcessSpec, Runtime } from './runtime.ts';
