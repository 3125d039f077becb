/**
 * `npm test`: sets up what is missing, builds, runs every test, and closes with one plain line of counts.
 * Arguments go to vitest: `npm test -- test/wire/s3.test.ts`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, packageDir } from './setup.mjs';

ensureInstalled();
ensureBuilt();

const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
const report = join(folder, 'report.json');
const vitest = join(packageDir, 'node_modules', 'vitest', 'vitest.mjs');
const run = spawnSync(
  process.execPath,
  [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
  {
    cwd: packageDir,
    stdio: 'inherit',
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
);
let counts;
try {
  counts = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  console.error('The test runner left no report.');
  process.exit(run.status === 0 ? 1 : (run.status ?? 1));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const skipped = counts.numPendingTests + (counts.numTodoTests ?? 0);
console.log(
  `${counts.numPassedTests} passed, ${counts.numFailedTests} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
process.exit(run.status ?? 1);
