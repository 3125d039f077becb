/**
 * Migrations: numbered SQL files (`0001-house.sql`), forward only, each in a transaction of its own, recorded with a
 * checksum. A file that was applied and has changed since, and one that was applied and is gone (the folder was used
 * by a newer Sluice), is refused. Numbers are reserved in ranges by room, so a lower number may come after a higher one.
 *
 * When there is nothing to do it costs one query. Where several processes share a server, one migrates and the others
 * wait for it (an advisory lock).
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Migration = Readonly<{ number: number; name: string; sql: string; checksum: string }>;

/** What migrating needs of a connection: several statements in one text, no parameters. */
export interface MigrationConnection {
  run(sql: string): Promise<Record<string, unknown>[]>;
}

export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

export const SCHEMA = 'sluice';
/** Any number that nobody else uses on the same server. */
const LOCK_KEY = 7_583_427_301;

/** The files of a folder in order of their number; throws on two of the same number and on a name of another form. */
export function readMigrations(dir: string): Migration[] {
  const migrations: Migration[] = [];
  for (const file of readdirSync(dir).sort()) {
    if (!file.endsWith('.sql') || file === 'schema.sql') continue;
    const match = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file);
    if (match === null) throw new MigrationError(`${file}: a migration is named like 0001-house.sql`);
    const number = Number(match[1]);
    const twin = migrations.find((other) => other.number === number);
    if (twin !== undefined) throw new MigrationError(`${file}: ${twin.name} has the number ${number} already`);
    const sql = readFileSync(join(dir, file), 'utf8');
    migrations.push({ number, name: file, sql, checksum: checksumOf(sql) });
  }
  return migrations;
}

/** One digest of all of them: two stores with the same one have the same schema. */
export function digestOfMigrations(migrations: readonly Migration[]): string {
  const hash = createHash('sha256');
  for (const { number, checksum } of migrations) hash.update(`${number}:${checksum}\n`);
  return hash.digest('hex').slice(0, 16);
}

/** Brings the schema up to date; returns the names of what was applied. `appliedAt` is the machine's time. */
export async function migrate(
  connection: MigrationConnection,
  migrations: readonly Migration[],
  appliedAt: number,
  onMigrated: (name: string) => void = () => {},
): Promise<string[]> {
  if (missing(migrations, await applied(connection)).length === 0) return [];
  await connection.run(`SELECT pg_advisory_lock(${LOCK_KEY})`);
  try {
    await connection.run(
      `CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
       CREATE TABLE IF NOT EXISTS ${SCHEMA}.migrations
         (number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at bigint NOT NULL)`,
    );
    const names: string[] = [];
    for (const migration of missing(migrations, await applied(connection))) {
      await apply(connection, migration, appliedAt);
      names.push(migration.name);
      onMigrated(migration.name);
    }
    return names;
  } finally {
    await connection.run(`SELECT pg_advisory_unlock(${LOCK_KEY})`);
  }
}

async function apply(connection: MigrationConnection, migration: Migration, appliedAt: number): Promise<void> {
  try {
    await connection.run(
      `BEGIN;
       ${migration.sql}
       ;
       INSERT INTO ${SCHEMA}.migrations VALUES
         (${migration.number}, '${migration.name}', '${migration.checksum}', ${Math.floor(appliedAt)});
       COMMIT`,
    );
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => {});
    const reason = error instanceof Error ? error.message : String(error);
    throw new MigrationError(`migration ${migration.name} failed and was rolled back: ${reason}`, { cause: error });
  }
}

type AppliedMigration = { number: number; name: string; checksum: string };

/** Empty where the table, or the schema, is not there yet. */
async function applied(connection: MigrationConnection): Promise<AppliedMigration[]> {
  try {
    const rows = await connection.run(`SELECT number, name, checksum FROM ${SCHEMA}.migrations ORDER BY number`);
    return rows as AppliedMigration[];
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === '42P01' || code === '3F000') return [];
    throw error;
  }
}

function missing(migrations: readonly Migration[], done: readonly AppliedMigration[]): Migration[] {
  const files = new Map(migrations.map((migration) => [migration.number, migration]));
  for (const { number, name, checksum } of done) {
    const file = files.get(number);
    if (file === undefined)
      throw new MigrationError(
        `this database was used by another version of Sluice: it has migration ${name}, which this one does not know. ` +
          'Run the version that made it, or a newer one, or choose another state folder.',
      );
    if (file.checksum !== checksum)
      throw new MigrationError(
        `migration ${file.name} was changed after it was applied to this database. ` +
          'Migrations are never edited: restore the file and add a new one, or choose another state folder.',
      );
    files.delete(number);
  }
  return [...files.values()];
}

function checksumOf(sql: string): string {
  return createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex').slice(0, 32);
}
