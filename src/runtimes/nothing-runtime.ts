/** The runtime that runs nothing: each program ends at once, with success and without output. For tests of what is around it. */
import type { ProcessHandle, Runtime } from './runtime.ts';

export function openNothingRuntime(): Runtime {
  const handle: ProcessHandle = {
    pid: 0,
    exited: Promise.resolve({ exitCode: 0, signal: null }),
    kill: async () => {},
    write: async () => {},
    endInput: () => {},
  };
  return { start: async () => handle, endOrphans: async () => [], close: async () => {} };
}
