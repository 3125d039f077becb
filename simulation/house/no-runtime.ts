/** A machine on which no program runs: this world has no builds and calls no functions. */
import type { Runtime } from '../../src/runtimes/index.ts';

export const noRuntime: Runtime = {
  start: ({ label }) => Promise.reject(Object.assign(new Error(`nothing runs here: ${label}`), { code: 'ENOENT' })),
  endOrphans: () => Promise.resolve([]),
  close: () => Promise.resolve(),
};
