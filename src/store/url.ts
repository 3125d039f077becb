/** Opens a store on your own PostgreSQL server, by URL. Several Sluice processes may share it. */
import type pg from 'pg';
import { readMigrations, SCHEMA } from './migrate.ts';
import { OLDEST_MAJOR } from './native/binaries.ts';
import type { OpenStoreOptions } from './open.ts';
import { migrateByClient, PgStore } from './pg-store.ts';
import type { Store } from './store.ts';

const MAX_CONNECTIONS = 10;

/**
 * The database is used as given: the URL's `sslmode` and the like go to the driver. Tables lie in its schema `sluice`,
 * which is created when missing, so the role needs CREATE on the database (or the schema made for it beforehand).
 */
export async function openUrl(options: OpenStoreOptions & Readonly<{ url: string }>): Promise<Store> {
  const client: pg.PoolConfig = clientOf(options.url);
  const applied = await migrateByClient(client, readMigrations(options.migrationsDir), options.wallNow(), {
    oldestMajor: OLDEST_MAJOR,
    onMigrated: options.onMigrated,
  });
  if (applied.length > 0) options.log?.info('the database schema was brought up to date', { applied });
  return new PgStore({
    kind: 'url',
    client,
    maxConnections: options.maxConnections ?? MAX_CONNECTIONS,
    log: options.log,
  });
}

/** How a client of any kind connects by the URL. */
export function clientOf(url: string): pg.ClientConfig {
  const searchPath = `-c search_path=${SCHEMA}`;
  return {
    // What the URL says wins over what stands beside it, so options of its own get ours put in front.
    connectionString: url.replace(/([?&]options=)/, `$1${encodeURIComponent(`${searchPath} `)}`),
    options: searchPath,
    application_name: 'sluice',
  };
}
