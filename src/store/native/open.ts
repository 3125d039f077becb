/** Opens a store on the native server: makes or finds its cluster, starts it, migrates it. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type pg from 'pg';
import { digestOfMigrations, type Migration, readMigrations, SCHEMA } from '../migrate.ts';
import type { OpenStoreOptions } from '../open.ts';
import { migrateByClient, PgStore } from '../pg-store.ts';
import type { Store } from '../store.ts';
import { type Binaries, runsHere } from './binaries.ts';
import {
  clusterMajor,
  copyTemplate,
  createCluster,
  forgetOldTemplates,
  isTrusted,
  keepTemplate,
  SUPERUSER,
} from './cluster.ts';
import { NativeServer, SERVER_PORT } from './server.ts';

const TEMPLATE_PREFIX = 'sluice-template-native-';
const MAX_CONNECTIONS = 10;

/** Where a state folder keeps its native cluster. */
export function nativeHome(stateDir: string): string {
  return join(resolve(stateDir), 'postgres');
}

export async function openNative(options: OpenStoreOptions, binaries: Binaries): Promise<Store> {
  const durable = options.ephemeral !== true;
  const ownTemporary = options.stateDir === undefined ? mkdtempSync(join(tmpdir(), 'sluice-')) : undefined;
  const stateDir = resolve(ownTemporary ?? options.stateDir ?? '');
  const home = nativeHome(stateDir);
  const dataDir = join(home, 'data');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const ownDirs = [home, stateDir];
  const server = new NativeServer({
    binaries,
    home,
    ownDirs,
    durable,
    removeDir: durable ? undefined : removableDir(stateDir, home),
    wallNow: options.wallNow,
    log: options.log,
  });
  const client: pg.PoolConfig = {
    host: server.socketDir,
    port: SERVER_PORT,
    user: SUPERUSER,
    database: 'postgres',
    options: `-c search_path=${SCHEMA}`,
  };
  const stop = async (): Promise<void> => {
    await server.stop();
    if (!durable) rmSync(ownTemporary ?? home, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const migrations = readMigrations(options.migrationsDir);
    const template = templateOf(binaries, migrations);
    const migrateNow = (): Promise<string[]> =>
      migrateByClient(client, migrations, options.wallNow(), { onMigrated: options.onMigrated });
    if (clusterMajor(dataDir) === undefined) {
      rmSync(dataDir, { recursive: true, force: true });
      if (durable || !(await copyTemplate(template, dataDir))) {
        await createCluster(binaries, dataDir, ownDirs, { durable });
        if (!durable) {
          // The first of its kind pays for the ones to come.
          await server.start();
          await migrateNow();
          await server.stopForCopy();
          await keepTemplate(template, dataDir, `${process.pid}-${Math.floor(options.wallNow())}`);
          forgetOldTemplates(template, TEMPLATE_PREFIX, options.wallNow());
        }
      } else {
        touch(template, options.wallNow());
      }
    }
    await server.start();
    const applied = await migrateNow();
    if (applied.length > 0) options.log?.info('the database schema was brought up to date', { applied });
    return new PgStore({
      kind: 'native',
      client,
      maxConnections: MAX_CONNECTIONS,
      log: options.log,
      stopServer: stop,
    });
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Whether this build runs here. Asking it costs a process, unless it has made the template that we are about to use. */
export function isKnownToRun(binaries: Binaries, options: OpenStoreOptions): boolean {
  // Builds of this machine were asked for their version when they were found.
  if (binaries.origin === 'machine') return true;
  if (options.ephemeral === true && isTrusted(templateOf(binaries, readMigrations(options.migrationsDir)))) return true;
  return runsHere(binaries);
}

function templateOf(binaries: Binaries, migrations: readonly Migration[]): string {
  return join(tmpdir(), `${TEMPLATE_PREFIX}${binaries.version}-${digestOfMigrations(migrations)}`);
}

/** What the watchdog may remove: a whole temporary folder of ours, or else only what the store itself made. */
function removableDir(stateDir: string, home: string): string {
  return dirname(stateDir) === resolve(tmpdir()) && basename(stateDir).startsWith('sluice-') ? stateDir : home;
}

function touch(path: string, now: number): void {
  try {
    utimesSync(path, now / 1000, now / 1000);
  } catch {
    // Another process replaced it; it will be touched by its next user.
  }
}
