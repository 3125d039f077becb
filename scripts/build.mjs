/**
 * Builds dist/: one file per entry by esbuild (packages stay outside), and the type declarations by tsc.
 * Without the dev dependencies (an installed package) there is nothing to build: dist/ is shipped.
 */
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageDir } from './setup.mjs';

const dist = join(packageDir, 'dist');
const entries = {
  cli: 'src/app/cli/main.ts',
  index: 'src/app/index.ts',
  testing: 'src/app/testing.ts',
  'pglite-worker': 'src/store/pglite/pglite-worker.mjs',
  demo: 'demo/main.ts',
  bench: 'bench/main.ts',
  simulate: 'simulation/main.ts',
  'cross-account': 'examples/cross-account/main.ts',
  torture: 'simulation/torture/main.ts',
};
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
await build({
  absWorkingDir: packageDir,
  entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(packageDir, file)))),
  outdir: dist,
  bundle: true,
  splitting: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  logLevel: 'warning',
});
if (process.argv.includes('--types')) {
  execFileSync(
    process.execPath,
    [join(packageDir, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'],
    {
      cwd: packageDir,
      stdio: 'inherit',
    },
  );
}
writeFileSync(join(dist, '.built'), '');
