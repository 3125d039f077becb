/**
 * The data folder of the native server: made once by `initdb`, or copied from a template.
 *
 * A durable folder is initialised beside its final name, synced, and renamed into place: a crash leaves either no
 * cluster or a whole one. Templates (a migrated, cleanly stopped cluster in the temporary folder) only serve stores that
 * keep nothing, so nothing anybody relies on ever comes out of a temporary folder; and they are used only when they and
 * the folder they lie in belong to us and to nobody else's hand.
 */
import { execFile } from 'node:child_process';
import { chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import { dataOwner, serverUser } from './server-user.ts';

const run = promisify(execFile);

export const SUPERUSER = 'sluice';

const INITDB_ARGUMENTS = ['-U', SUPERUSER, '-E', 'UTF8', '--locale=C', '-A', 'trust', '--no-sync', '--no-instructions'];

/** The major version that made this folder; undefined when there is no cluster in it. */
export function clusterMajor(dataDir: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(dataDir, 'PG_VERSION'), 'utf8'), 10);
  } catch {
    return undefined;
  }
}

/**
 * Makes a new cluster at `dataDir`, which must not exist, in `ownDirs[0]`. `ownDirs` as in `serverUser`.
 */
export async function createCluster(
  binaries: Binaries,
  dataDir: string,
  ownDirs: readonly string[],
  options: Readonly<{ durable: boolean }>,
): Promise<void> {
  const making = `${dataDir}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { mode: 0o700 });
  const user = serverUser(ownDirs, binaries.initdb, 'initdb');
  if (user.ids !== undefined) chownSync(making, user.ids.uid, user.ids.gid);
  await runAs(user, binaries.initdb, [...INITDB_ARGUMENTS, '-D', making], dirname(dataDir));
  const owner = dataOwner();
  if (owner !== undefined) await run('chown', ['-R', `${owner.uid}:${owner.gid}`, making]);
  // initdb would sync before the owner is changed; one pass afterwards covers both.
  if (options.durable) await syncTree(making);
  renameSync(making, dataDir);
  if (options.durable) await syncPath(dirname(dataDir));
}

/** Copies a template to `dataDir`, which must not exist. False when there is no template that can be trusted. */
export async function copyTemplate(template: string, dataDir: string): Promise<boolean> {
  if (!isTrusted(template)) return false;
  try {
    await run('cp', ['-a', join(template, 'data'), dataDir]);
    return clusterMajor(dataDir) !== undefined;
  } catch {
    rmSync(dataDir, { recursive: true, force: true });
    return false;
  }
}

/** Keeps a copy of a cleanly stopped cluster as the template. Losing a race against another process is fine. */
export async function keepTemplate(template: string, dataDir: string, mark: string): Promise<void> {
  const making = `${template}.${mark}`;
  try {
    mkdirSync(making, { mode: 0o700 });
    await run('cp', ['-a', dataDir, join(making, 'data')]);
    renameSync(making, template);
  } catch {
    rmSync(making, { recursive: true, force: true });
  }
}

/** Removes templates of ours for other schemas that nobody has made or copied for a day. */
export function forgetOldTemplates(template: string, prefix: string, now: number): void {
  const dir = dirname(template);
  for (const name of readdirSync(dir)) {
    if (!name.startsWith(prefix) || name === basename(template)) continue;
    try {
      const { mtimeMs, uid } = statSync(join(dir, name));
      if (uid === process.getuid?.() && now - mtimeMs > 86_400_000)
        rmSync(join(dir, name), { recursive: true, force: true });
    } catch {
      // Somebody else removed it first.
    }
  }
}

/** Ours, a folder of mode 0700: nobody else (root aside) can have put anything in it. */
export function isTrusted(path: string): boolean {
  try {
    const found = lstatSync(path);
    return found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid) && (found.mode & 0o077) === 0;
  } catch {
    return false;
  }
}

async function runAs(
  user: ReturnType<typeof serverUser>,
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<void> {
  const [first = program, ...rest] = [...user.prefix, program, ...args];
  try {
    await run(first, rest, {
      cwd,
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      ...(user.prefix.length === 0 ? user.ids : {}),
    });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(
      `${basename(program)} failed: ${(stderr ?? String(error)).trim().split('\n').slice(-4).join('; ')}`,
      { cause: error },
    );
  }
}

/** Syncs every file and folder under `dir`, many at a time: the disk merges them. */
export async function syncTree(dir: string): Promise<void> {
  const paths = [dir];
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true }))
    if (entry.isFile() || entry.isDirectory()) paths.push(join(entry.parentPath, entry.name));
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) await syncPath(path);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
