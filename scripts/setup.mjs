/**
 * What `npm start`, `npm run demo` and `npm test` share: a fresh clone sets itself up. Plain JavaScript with nothing
 * installed: it is the first thing that runs.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageDir = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs what package-lock.json says, unless it is there already. */
export function ensureInstalled() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Sluice needs Node 20.19 or newer; this is ${process.versions.node}.`);
    process.exit(1);
  }
  const marker = join(packageDir, 'node_modules', '.sluice-installed');
  const wanted = createHash('sha256')
    .update(readFileSync(join(packageDir, 'package-lock.json')))
    .digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  console.error('Installing dependencies (npm ci) ...');
  const result = spawnSync(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    ['ci', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: packageDir,
      stdio: ['ignore', 2, 2],
    },
  );
  if (result.status !== 0) {
    console.error('npm ci failed; its output is above.');
    process.exit(result.status ?? 1);
  }
  writeFileSync(marker, wanted);
}

/** Builds dist/ unless it is newer than every source. */
export function ensureBuilt() {
  const stamp = join(packageDir, 'dist', '.built');
  const builtAt = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  const sources = ['src', 'demo', 'bench', 'examples', 'simulation', 'scripts', 'package.json', 'tsconfig.json'];
  if (sources.every((source) => newest(join(packageDir, source)) <= builtAt)) return;
  execFileSync(process.execPath, [join(packageDir, 'scripts', 'build.mjs')], {
    cwd: packageDir,
    stdio: ['ignore', 2, 2],
  });
}

function newest(path) {
  if (!existsSync(path)) return 0;
  const found = statSync(path);
  if (!found.isDirectory()) return found.mtimeMs;
  let latest = 0;
  for (const entry of readdirSync(path)) latest = Math.max(latest, newest(join(path, entry)));
  return latest;
}
