export type { ProcessExit, ProcessHandle, ProcessSpec, Runtime } from './runtime.ts';
