/** A short share of `npm run torture`: real servers of the build, killed at a named place and at a random moment, by a seed. */
import { describe, expect, it } from 'vitest';
import { torture } from '../../simulation/torture/run.ts';

const SEED = Number(process.env['SLUICE_TORTURE_SEED'] ?? 20261124);
/** What is promised is five seconds, and measured by the long run: here a machine that runs other tests beside may be slower. */
const RECOVERY_MS = 60_000;

describe(`killed with SIGKILL (seed ${SEED})`, () => {
  it.each([
    { store: 'native', processes: 1, kills: ['Place'] },
    { store: 'url', processes: 3, kills: ['Moment'] },
  ] as const)('$store, processes: $processes: nothing acknowledged is lost, nothing deployed twice', async (kind) => {
    const report = await torture({
      ...kind,
      seed: SEED,
      rounds: 1,
      factor: 60,
      recoveryMs: RECOVERY_MS,
      patienceMs: 2_000,
      lines: 1,
      killFirstStart: false,
    });
    expect(report.failure).toBeUndefined();
    expect(report.calls).toBeGreaterThan(0);
  });
});
