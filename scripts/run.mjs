/** `npm start`, `npm run demo`, `npm run bench`: sets up what is missing, then runs the command from the build. */
import { ensureBuilt, ensureInstalled, packageDir } from './setup.mjs';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

ensureInstalled();
ensureBuilt();

const [command = 'start', ...rest] = process.argv.slice(2);
const own = join(packageDir, 'dist', `${command}.js`);
const entry = existsSync(own) ? [own] : [join(packageDir, 'dist', 'cli.js'), command];
const child = spawn(process.execPath, [...entry, ...rest], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
