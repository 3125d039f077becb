/** Start-up and idle memory of the built server, on each embedded database. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceProcess } from '../demo/sluice-process.ts';
import { family, memoryMiB, type Row, spread } from './measure.ts';

export async function benchStart(rounds: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const store of ['native', 'pglite'] as const) {
    const cold: number[] = [];
    const warm: number[] = [];
    let memory: number | undefined;
    for (let round = 0; round < rounds; round++) {
      const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
      const sluice = new SluiceProcess({ stateDir: join(folder, 'state'), clock: 'real', extra: ['--store', store] });
      cold.push(await sluice.start());
      await sluice.stop();
      warm.push(await sluice.start());
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      memory = memoryMiB(family(sluice.pid ?? 0)) ?? memory;
      await sluice.stop();
      rmSync(folder, { recursive: true, force: true });
    }
    rows.push({
      name: `warm start to first answer (${store})`,
      unit: 'ms',
      ...spread(warm),
      target: store === 'native' ? '≤ 800' : '',
    });
    rows.push({
      name: `cold start to first answer (${store})`,
      unit: 'ms',
      ...spread(cold),
      target: store === 'native' ? '≤ 3000' : '',
    });
    if (memory !== undefined)
      rows.push({
        name: `idle memory, database included (${store})`,
        unit: 'MiB PSS',
        value: memory,
        target: store === 'native' ? '≤ 200' : '',
      });
  }
  return rows;
}
