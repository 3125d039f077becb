/**
 * Opens a store on PGlite: in memory when it keeps nothing, else in the state folder with every commit synced.
 * The engine runs in a worker thread, so that a long query does not stall the server; the `pg` client speaks to it by
 * PostgreSQL's own protocol, exactly as to the other two kinds, through a stream of messages (`worker-stream.ts`).
 *
 * One session: one transaction runs at a time and everything else waits its turn (a pool of one connection).
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type pg from 'pg';
import { digestOfMigrations, readMigrations } from '../migrate.ts';
import { forgetOldTemplates, isTrusted } from '../native/cluster.ts';
import type { OpenStoreOptions } from '../open.ts';
import { migrateByClient, PgStore } from '../pg-store.ts';
import type { Store } from '../store.ts';
import { WorkerLink } from './worker-link.ts';

const TEMPLATE_PREFIX = 'sluice-template-pglite-';

/** Where a state folder keeps PGlite's cluster: `data`, and `ready` once that was completely made. */
export function pgliteHome(stateDir: string): string {
  return join(resolve(stateDir), 'pglite');
}

export async function openPglite(options: OpenStoreOptions): Promise<Store> {
  const home = options.ephemeral === true || options.stateDir === undefined ? undefined : pgliteHome(options.stateDir);
  const ready = home === undefined ? undefined : join(home, 'ready');
  const fresh = ready === undefined || !existsSync(ready);
  if (home !== undefined) {
    if (fresh) rmSync(join(home, 'data'), { recursive: true, force: true });
    mkdirSync(home, { recursive: true, mode: 0o700 });
  }
  const migrations = readMigrations(options.migrationsDir);
  const template = join(tmpdir(), `${TEMPLATE_PREFIX}${pgliteVersion()}-${digestOfMigrations(migrations)}`);
  const templateFile = join(template, 'cluster.tar');
  const useTemplate = fresh && isTrusted(template) && existsSync(templateFile);
  const link = new WorkerLink(new Worker(options.workerUrl ?? workerUrl()));
  try {
    await link.call('open', {
      dataDir: home === undefined ? undefined : join(home, 'data'),
      template: useTemplate ? templateFile : undefined,
    });
    const client: pg.PoolConfig = { stream: () => link.stream(), user: 'postgres', database: 'postgres' };
    const applied = await migrateByClient(client, migrations, options.wallNow(), { onMigrated: options.onMigrated });
    if (fresh && !useTemplate) {
      await keep(link, template, `${process.pid}-${Math.floor(options.wallNow())}`);
      forgetOldTemplates(template, TEMPLATE_PREFIX, options.wallNow());
    }
    if (ready !== undefined && fresh) {
      await link.call('sync', {});
      writeFileSync(ready, '', { flush: true });
    }
    if (applied.length > 0 && !fresh) options.log?.info('the database schema was brought up to date', { applied });
    return new PgStore({
      kind: 'pglite',
      client,
      maxConnections: 1,
      log: options.log,
      stopServer: () => link.close(),
    });
  } catch (error) {
    await link.close().catch(() => {});
    throw error;
  }
}

/** Keeps this cluster, fresh and migrated, for the stores to come. Losing a race against another process is fine. */
async function keep(link: WorkerLink, template: string, mark: string): Promise<void> {
  let making: string | undefined;
  try {
    making = mkdtempSync(`${template}.${mark}-`);
    await link.call('dump', { file: join(making, 'cluster.tar') });
    renameSync(making, template);
  } catch {
    if (making !== undefined) rmSync(making, { recursive: true, force: true });
  }
}

/** `pglite-worker.mjs` beside this file from source; `pglite-worker.js` beside the bundle, or above a chunk of it, when built. */
function workerUrl(): URL {
  for (const place of ['./pglite-worker.mjs', './pglite-worker.js', '../pglite-worker.js']) {
    const url = new URL(place, import.meta.url);
    if (existsSync(url)) return url;
  }
  throw new Error('pglite-worker.js is not beside the program; the build must put it there');
}

function pgliteVersion(): string {
  const main = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const { version } = JSON.parse(readFileSync(join(dirname(dirname(main)), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
