import { defineConfig } from 'vitest/config';

/** Unit and property tests share threads and finish in seconds; the rest start servers and real processes. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['src/**/*.test.ts', 'test/tidy/**/*.test.ts'],
          pool: 'threads',
          isolate: false,
          // Seconds in all; a busy machine may make any one of them wait.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'server',
          sequence: { groupOrder: 1 },
          include: ['test/{wire,contract,e2e,simulation}/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: { poll: { timeout: 60_000 } },
          maxWorkers: 3,
        },
      },
    ],
  },
});
