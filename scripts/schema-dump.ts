/**
 * Writes `migrations/schema.sql`: what all migrations together make, so that every change of the schema shows in review.
 * A machine's PostgreSQL 15 (the floor) and its `pg_dump` do the work; other versions word some things differently.
 *
 *   npm run schema-dump
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore } from '../src/store/index.ts';
import { findBinaries, OLDEST_MAJOR } from '../src/store/native/binaries.ts';

const packageDir = join(dirname(fileURLToPath(import.meta.url)), '..');
export const schemaPath = join(packageDir, 'migrations', 'schema.sql');

/** Why this machine cannot make the dump; undefined where it can. */
export function whyNoDump(): string | undefined {
  return pgDump() === undefined ? `no PostgreSQL ${OLDEST_MAJOR} with pg_dump is installed` : undefined;
}

export async function dumpSchema(): Promise<string> {
  const program = pgDump();
  if (program === undefined) throw new Error(whyNoDump());
  const store = await openStore({
    kind: 'native',
    binaries: 'machine',
    major: OLDEST_MAJOR,
    ephemeral: true,
    migrationsDir: join(packageDir, 'migrations'),
    wallNow: () => Date.now(),
  });
  try {
    const [row] = await store.query<{ dir: string }>(`SELECT current_setting('unix_socket_directories') AS dir`);
    const connection = ['-h', row?.dir ?? '', '-p', '5432', '-U', 'sluice', '-d', 'postgres'];
    const dump = execFileSync(program, [...connection, '--schema-only', '--schema=sluice', '--no-owner'], {
      encoding: 'utf8',
    });
    return normalized(dump);
  } finally {
    await store.close();
  }
}

/** Leaves out what changes from day to day: versions, session settings, and the dumper's remarks. */
function normalized(dump: string): string {
  const lines = dump
    .split('\n')
    .filter((line) => !/^(--|SET |SELECT pg_catalog\.set_config|\\(un)?restrict)/.test(line))
    .join('\n')
    .replaceAll(/\n{2,}/g, '\n\n')
    .trim();
  return `-- Made by scripts/schema-dump.ts from the migrations; not edited, and not run.\n\n${lines}\n`;
}

function pgDump(): string | undefined {
  const binaries = findBinaries({ only: 'machine', major: OLDEST_MAJOR })[0];
  const program = binaries && join(dirname(binaries.postgres), 'pg_dump');
  return program !== undefined && existsSync(program) ? program : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(schemaPath, await dumpSchema());
  console.log(`wrote ${schemaPath}`);
}
