import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { models } from '../support/wire-server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'models');

/** The models can be made anew only with the botocore that they were made of. */
function hasTheirBotocore(): boolean {
  const header = /"botocore":"([^"]+)"/.exec(readFileSync(join(folder, 'sts.json'), 'utf8'))?.[1];
  const found = spawnSync('python3', ['-c', 'import botocore; print(botocore.__version__)']);
  return found.status === 0 && found.stdout.toString().trim() === header;
}

describe('models/', () => {
  it.skipIf(!hasTheirBotocore())('is what scripts/models.py makes', { timeout: 60_000 }, () => {
    const run = spawnSync('python3', [join(root, 'scripts/models.py'), '--check']);
    expect(run.stderr.toString()).toBe('');
    expect(run.status).toBe(0);
  });

  it('is a file per service of the index, without prose', () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.json') && file !== 'index.json');
    expect(files.map((file) => file.replace('.json', '')).sort()).toEqual(models.names());
    for (const file of files) expect(readFileSync(join(folder, file), 'utf8'), file).not.toContain('documentation');
  });

  it('has corrections that apply, each with its reason', () => {
    for (const file of readdirSync(join(folder, 'corrections'))) {
      const corrections = JSON.parse(readFileSync(join(folder, 'corrections', file), 'utf8')) as { because?: string }[];
      for (const correction of corrections) expect(correction.because?.length, file).toBeGreaterThan(20);
      expect(models.service(file.replace('.json', ''))).toBeDefined();
    }
  });
});
