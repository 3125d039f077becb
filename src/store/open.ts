/**
 * `openStore`: one store on one of three servers (DESIGN.md idea 6).
 *
 *   url     your own PostgreSQL 15 or newer; tables in its schema `sluice`
 *   native  a server of our own as a child process, on a private unix socket in the state folder
 *   pglite  PostgreSQL in WebAssembly, in a worker thread; where no native server runs, and for tests in memory
 *
 * `auto` is `url` where one is given, else `native` where a binary is found that runs, else `pglite`. A state folder
 * stays with the server that made it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findBinaries } from './native/binaries.ts';
import { clusterMajor } from './native/cluster.ts';
import { isKnownToRun, nativeHome, openNative } from './native/open.ts';
import { openPglite, pgliteHome } from './pglite/open.ts';
import type { Store } from './store.ts';
import { openUrl } from './url.ts';

/** What the store needs of a log; the services' `Log` is one. */
export interface StoreLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

export type OpenStoreOptions = Readonly<{
  /** Default `auto`. */
  kind?: 'auto' | 'native' | 'pglite' | 'url';
  /** `postgres://...`, for `url` and `auto`. */
  url?: string;
  /** Where a durable store lives: a folder of ours, already held (`openStateFolder`). */
  stateDir?: string;
  /** Keeps nothing after `close`, and does not wait for the disk. With a `stateDir` it works there; PGlite in memory. */
  ephemeral?: boolean;
  /** The folder of the numbered SQL files. */
  migrationsDir: string;
  /** The machine's time, for deadlines and the record of migrations. */
  wallNow: () => number;
  log?: StoreLog;
  /** At most so many connections to a server by URL, and one that stands for the process. 10 unless said. */
  maxConnections?: number;
  /** Told of each migration when it has been applied. */
  onMigrated?: (name: string) => void;
  /** A PATH on which a PostgreSQL server may be found. Versioned folders of distributions are always looked at. */
  searchPath?: string;
  /** Only builds from the npm package, or only ones of this machine. */
  binaries?: 'npm' | 'machine';
  /** Only servers of this major version. */
  major?: number;
  /** PGlite's worker file, where it does not lie beside this code. */
  workerUrl?: URL;
}>;

export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const kind = options.kind ?? 'auto';
  if (!options.stateDir && options.ephemeral !== true && kind !== 'url' && options.url === undefined)
    throw new StoreUnavailableError('a durable store needs a state folder');
  if (kind === 'url' || (kind === 'auto' && options.url !== undefined)) {
    if (options.url === undefined) throw new StoreUnavailableError('the store is `url` and no database URL is given');
    return openUrl({ ...options, url: options.url });
  }
  const kept = options.ephemeral === true ? undefined : keptKind(options.stateDir);
  if (kind !== 'auto' && kept !== undefined && kept !== kind)
    throw new StoreUnavailableError(
      `the state folder ${options.stateDir} was made with the ${kept} database and cannot be opened as ${kind}`,
    );
  if (kind === 'pglite' || kept === 'pglite') return openPglite(options);
  const search = { searchPath: options.searchPath, major: options.major ?? keptMajor(options) };
  const found = findBinaries({ ...search, only: options.binaries });
  let binaries = found.find((candidate) => kept === 'native' || isKnownToRun(candidate, options));
  // The package is there and does not run (another C library): one of this machine may.
  if (binaries === undefined && options.binaries === undefined)
    binaries = findBinaries({ ...search, only: 'machine' })[0];
  if (binaries === undefined) {
    if (kept === 'native')
      throw new StoreUnavailableError(
        `the state folder ${options.stateDir} needs the PostgreSQL version that made it; found ${versions(found)}`,
      );
    if (kind === 'native') throw new StoreUnavailableError(`no PostgreSQL server runs here; found ${versions(found)}`);
    options.log?.warn('no native PostgreSQL server runs here; using PGlite, which is slower and larger');
    return openPglite(options);
  }
  return openNative(options, binaries);
}

/** The version of an existing native cluster: no other one opens it. */
function keptMajor(options: OpenStoreOptions): number | undefined {
  if (options.ephemeral === true || options.stateDir === undefined) return undefined;
  return clusterMajor(join(nativeHome(options.stateDir), 'data'));
}

/** Which server's data a state folder holds already. */
function keptKind(stateDir: string | undefined): 'native' | 'pglite' | undefined {
  if (stateDir === undefined) return undefined;
  if (existsSync(join(nativeHome(stateDir), 'data'))) return 'native';
  if (existsSync(join(pgliteHome(stateDir), 'ready'))) return 'pglite';
  return undefined;
}

function versions(found: readonly Readonly<{ version: string }>[]): string {
  return found.length === 0 ? 'none' : found.map(({ version }) => version).join(', ');
}
