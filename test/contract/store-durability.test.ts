/** What outlives a process: acknowledged rows, one owner per folder, no server left behind, migrations. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { seededIds } from '../../src/common/index.ts';
import { collection, openStateFolder, openStore, type Store, type StateFolderError } from '../../src/store/index.ts';
import { findBinaries } from '../../src/store/native/binaries.ts';
import { isAlive } from '../../src/store/process-table.ts';
import { freshDatabase, kinds, migrationsDir, temporaryFolder, wallNow } from './store-kinds.ts';

// Real processes are killed and started: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const rows = collection<{ n: number }>('test.row');
const hasNative = findBinaries({ searchPath: process.env['PATH'] ?? '' }).length > 0;
const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const removePrepared: (() => void)[] = [];
afterAll(() => {
  for (const remove of removePrepared) remove();
});

function folderForTest(): string {
  const folder = temporaryFolder();
  cleanups.push(folder.remove);
  return folder.path;
}

const prepared = new Map<string, Promise<string>>();

/** A folder whose store was opened once and closed: making a cluster anew for every test would take most of the time. */
async function usedFolder(kind: 'native' | 'pglite'): Promise<string> {
  let original = prepared.get(kind);
  if (original === undefined) {
    const folder = temporaryFolder();
    removePrepared.push(folder.remove);
    original = openStore({ kind, stateDir: folder.path, migrationsDir, wallNow })
      .then((store) => store.close())
      .then(() => folder.path);
    prepared.set(kind, original);
  }
  const dir = folderForTest();
  execFileSync('cp', ['-a', `${await original}/.`, dir]);
  return dir;
}

async function openDurable(
  kind: 'native' | 'pglite',
  stateDir: string,
  more: Partial<Parameters<typeof openStore>[0]> = {},
): Promise<Store> {
  const store = await openStore({ kind, stateDir, migrationsDir, wallNow, ...more });
  cleanups.push(() => store.close());
  return store;
}

/** Waits for a condition, with a deadline and a message. */
async function until(what: string, condition: () => boolean): Promise<void> {
  const deadlineAt = wallNow() + 60_000;
  while (!condition()) {
    if (wallNow() > deadlineAt) throw new Error(`not within a minute: ${what}`);
    await sleep(10);
  }
}

type Writer = { process: ChildProcess; acknowledged: number; opened: boolean; errors: string };

function startWriter(kind: string, dir: string, mode = 'durable'): Writer {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, '../support/store-writer.ts'), kind, dir, mode],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const writer: Writer = { process: child, acknowledged: 0, opened: false, errors: '' };
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('open')) writer.opened = true;
    else writer.acknowledged = Number(line);
  });
  child.stderr.on('data', (chunk: Buffer) => (writer.errors += chunk.toString()));
  cleanups.push(() => void child.kill('SIGKILL'));
  return writer;
}

async function killAfter(writer: Writer, acknowledged: number): Promise<void> {
  await until(
    `${acknowledged} rows acknowledged (${writer.errors})`,
    () => writer.acknowledged >= acknowledged || writer.process.exitCode !== null,
  );
  expect(writer.errors).toBe('');
  await kill(writer);
}

async function kill(writer: Writer): Promise<void> {
  const exited = new Promise((resolve) => writer.process.once('exit', resolve));
  writer.process.kill('SIGKILL');
  await exited;
}

function serverPid(dir: string): number {
  return Number(readFileSync(join(dir, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0]);
}

describe.each([
  { kind: 'native' as const, skip: hasNative ? undefined : 'no PostgreSQL server runs here' },
  { kind: 'pglite' as const, skip: undefined },
])('durability: $kind', ({ kind, skip }) => {
  if (skip !== undefined) {
    it.skip(`skipped: ${skip}`, () => {});
    return;
  }

  it('every acknowledged transaction survives kill -9, whole', async () => {
    const dir = await usedFolder(kind);
    const ids = seededIds(kind === 'native' ? 1 : 2);
    let before = 0;
    for (let round = 0; round < (kind === 'native' ? 3 : 1); round++) {
      const writer = startWriter(kind, dir);
      await killAfter(writer, before + 1 + Math.floor(ids.random() * 100));
      before = writer.acknowledged;
      const folder = await openStateFolder(dir);
      const store = await openStore({ kind, stateDir: dir, migrationsDir, wallNow });
      const found = (await rows.list(store)).map((item) => item.document.n).sort((a, b) => a - b);
      const [counter] = await store.query('SELECT value FROM counters WHERE name = $1', ['rows']);
      await store.close();
      await folder.release();
      expect(found.length).toBeGreaterThanOrEqual(before);
      expect(found).toEqual(Array.from({ length: found.length }, (_, index) => index + 1));
      expect(counter?.['value']).toBe(found.length);
      before = found.length;
    }
  });

  it('a store that was closed opens again with everything in it', async () => {
    const dir = await usedFolder(kind);
    const first = await openDurable(kind, dir);
    await rows.put(first, { account: '', region: '', id: 'a' }, { n: 1 });
    await first.close();
    await first.close();
    await expect(first.query('SELECT 1')).rejects.toThrow(/closed/);
    const second = await openDurable(kind, dir);
    expect((await rows.get(second, { account: '', region: '', id: 'a' }))?.document).toEqual({ n: 1 });
  });

  it('a state folder stays with the database that made it', async () => {
    const dir = await usedFolder(kind);
    await (await openDurable(kind, dir)).close();
    const other = kind === 'native' ? 'pglite' : 'native';
    await expect(openDurable(other, dir)).rejects.toThrow(new RegExp(`made with the ${kind} database`));
    expect((await openDurable('pglite', dir, { kind: 'auto' })).kind).toBe(kind);
  });

  // Which files are refused does not depend on the database; opening this one takes seconds.
  if (kind === 'native' || !hasNative)
    it('migrate() refuses a changed file and an unknown one', async () => {
      const dir = await usedFolder(kind);
      const files = folderForTest();
      cpSync(migrationsDir, files, { recursive: true });
      writeFileSync(join(files, '0099-more.sql'), 'CREATE TABLE more (id bigint PRIMARY KEY);\n');
      await (await openDurable(kind, dir, { migrationsDir: files })).close();
      writeFileSync(join(files, '0099-more.sql'), 'CREATE TABLE more (id text PRIMARY KEY);\n');
      await expect(openDurable(kind, dir, { migrationsDir: files })).rejects.toThrow(
        /0099-more\.sql was changed after/,
      );
      rmSync(join(files, '0099-more.sql'));
      await expect(openDurable(kind, dir, { migrationsDir: files })).rejects.toThrow(/used by another version/);
    });

  it('migrate() applies a new file, also a late one, and nothing of one that breaks', async () => {
    const dir = await usedFolder(kind);
    const files = folderForTest();
    cpSync(migrationsDir, files, { recursive: true });
    writeFileSync(join(files, '0099-more.sql'), 'CREATE TABLE more (id bigint PRIMARY KEY);\n');
    await (await openDurable(kind, dir, { migrationsDir: files })).close();
    // A lower number that came later: ranges belong to rooms.
    writeFileSync(join(files, '0098-late.sql'), 'CREATE TABLE late (id bigint);\nCREATE INDEX late_id ON late (id);\n');
    const store = await openDurable(kind, dir, { migrationsDir: files });
    expect(await store.query('SELECT count(*) AS n FROM late')).toEqual([{ n: 0 }]);
    await store.close();
    writeFileSync(join(files, '0100-broken.sql'), 'CREATE TABLE half (id bigint);\nSELECT 1 / 0;\n');
    await expect(openDurable(kind, dir, { migrationsDir: files })).rejects.toThrow(
      /0100-broken\.sql failed and was rolled back/,
    );
    rmSync(join(files, '0100-broken.sql'));
    const last = await openDurable(kind, dir, { migrationsDir: files });
    await expect(last.query('SELECT * FROM half')).rejects.toThrow(/half/);
  });
});

describe.skipIf(!hasNative)('native server', () => {
  it('ends by itself when its Sluice is killed', async () => {
    const dir = await usedFolder('native');
    const writer = startWriter('native', dir);
    await until('the writer is open', () => writer.opened);
    const pid = serverPid(dir);
    expect(isAlive(pid)).toBe(true);
    await killAfter(writer, 1);
    await until('the server has ended', () => !isAlive(pid));
  });

  it('that was left behind is ended by the next start', async () => {
    const dir = await usedFolder('native');
    const writer = startWriter('native', dir);
    await until('the writer is open', () => writer.opened);
    const pid = serverPid(dir);
    killWatchdogOf(pid);
    await killAfter(writer, 20);
    expect(isAlive(pid)).toBe(true);
    const store = await openDurable('native', dir);
    expect(isAlive(pid)).toBe(false);
    expect((await rows.list(store)).length).toBeGreaterThanOrEqual(writer.acknowledged);
  });

  it('of a store that keeps nothing is gone with its folder when its Sluice is killed', async () => {
    const dir = folderForTest();
    const writer = startWriter('native', dir, 'ephemeral');
    await until('the writer is open', () => writer.opened);
    const pid = serverPid(dir);
    await killAfter(writer, 1);
    await until('the server has ended', () => !isAlive(pid));
    await until('its folder is gone', () => !existsSync(dir));
  });

  it('starts although a stale postmaster.pid names a living stranger', async () => {
    const dir = await usedFolder('native');
    await (await openDurable('native', dir)).close();
    writeFileSync(join(dir, 'postgres/data/postmaster.pid'), `${process.pid}\n/elsewhere\n`);
    const store = await openDurable('native', dir);
    expect(await store.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
    expect(isAlive(process.pid)).toBe(true);
  });

  it('is started again when it ends by itself, and the store goes on', async () => {
    const dir = await usedFolder('native');
    const store = await openDurable('native', dir);
    await rows.put(store, { account: '', region: '', id: 'a' }, { n: 1 });
    process.kill(serverPid(dir), 'SIGKILL');
    await until('the store answers again', () => existsSync(join(dir, 'postgres/data/postmaster.pid')));
    const found = await store.transaction((tx) => rows.get(tx, { account: '', region: '', id: 'a' }));
    expect(found?.document).toEqual({ n: 1 });
  });

  it('listens on a private socket only, with the settings that keep acknowledged writes', async () => {
    const dir = await usedFolder('native');
    const store = await openDurable('native', dir);
    const [settings] = await store.query(
      `SELECT current_setting('listen_addresses') AS tcp, current_setting('fsync') AS fsync,
         current_setting('synchronous_commit') AS commit, current_setting('full_page_writes') AS pages`,
    );
    expect(settings).toEqual({ tcp: '', fsync: 'on', commit: 'on', pages: 'on' });
  });

  it('serves a state folder with a long path', async () => {
    const dir = join(folderForTest(), 'a'.repeat(60), 'b'.repeat(60));
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (process.getuid?.() === 0) chmodSync(join(dir, '..'), 0o711);
    const store = await openDurable('native', dir);
    const [row] = await store.query<{ dir: string }>(`SELECT current_setting('unix_socket_directories') AS dir`);
    expect(row?.dir.startsWith(dir)).toBe(false);
    await store.close();
    expect(existsSync(row?.dir ?? '')).toBe(false);
  });

  it('serves a state folder under a closed folder of somebody else', async () => {
    const closed = folderForTest();
    const dir = join(closed, 'state');
    mkdirSync(dir, { mode: 0o700 });
    const store = await openDurable('native', dir);
    expect(await store.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });
});

describe('state folder', () => {
  it('is refused to a second owner, who is told the first', async () => {
    const dir = folderForTest();
    const folder = await openStateFolder(dir);
    const refusal = await openStateFolder(dir).catch((error: unknown) => error as StateFolderError);
    expect(refusal).toMatchObject({ reason: 'InUse', path: dir });
    expect(String(refusal)).toContain(String(process.pid));
    expect(String(refusal)).toContain(dir);
    await folder.release();
    await folder.release();
    await (await openStateFolder(dir)).release();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('is refused to a second process while the first lives, and given to it afterwards', async () => {
    const dir = folderForTest();
    const writer = startWriter('none', dir);
    await until(`the writer holds the folder ${writer.errors}`, () => writer.opened);
    await expect(openStateFolder(dir)).rejects.toThrow(new RegExp(`process ${writer.process.pid}\\b`));
    await kill(writer);
    await (await openStateFolder(dir)).release();
  });

  it('is taken over from a dead owner, from another process with a reused id, and from a torn lock', async () => {
    const dir = folderForTest();
    for (const lock of [
      '{"pid":999999999,"startMark":"x"}',
      `{"pid":${process.ppid},"startMark":"another boot:1"}`,
      '',
      '{"pid"',
    ]) {
      writeFileSync(join(dir, 'lock'), lock);
      await (await openStateFolder(dir)).release();
    }
  });

  it('is closed to others', async () => {
    const dir = join(folderForTest(), 'new');
    await (await openStateFolder(dir)).release();
    mkdirSync(join(dir, '..', 'open'), { mode: 0o755 });
    const folder = await openStateFolder(join(dir, '..', 'open'));
    await folder.release();
    const { statSync } = await import('node:fs');
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(folder.path).mode & 0o777).toBe(0o700);
  });

  it('that is a file, or read-only, is refused in plain words', async () => {
    const dir = folderForTest();
    writeFileSync(join(dir, 'file'), '');
    await expect(openStateFolder(join(dir, 'file'))).rejects.toMatchObject({ reason: 'NotAFolder' });
    await expect(openStateFolder(join(dir, 'file', 'deeper'))).rejects.toThrow(/a file is in the way/);
  });
});

describe('url', () => {
  const url = kinds.find((kind) => kind.name === 'url');
  it.skipIf(url?.skip !== undefined)(
    `several processes migrate one database once${url?.skip ? ` (skipped: ${url.skip})` : ''}`,
    async () => {
      const database = await freshDatabase();
      cleanups.push(() => database.close());
      const stores = await Promise.all(
        Array.from({ length: 4 }, () => openStore({ kind: 'auto', url: database.url, migrationsDir, wallNow })),
      );
      for (const store of stores) cleanups.push(() => store.close());
      await rows.put(stores[0] as Store, { account: '', region: '', id: 'a' }, { n: 1 });
      expect((await rows.get(stores[3] as Store, { account: '', region: '', id: 'a' }))?.document).toEqual({ n: 1 });
      expect(stores.map((store) => store.kind)).toEqual(['url', 'url', 'url', 'url']);
    },
  );

  it('that nobody answers is an error that names it', async () => {
    await expect(
      openStore({ kind: 'url', url: 'postgres://127.0.0.1:1/none', migrationsDir, wallNow }),
    ).rejects.toThrow(/127\.0\.0\.1:1/);
  });
});

/** The watchdog is the one shell that has the server's id among its arguments. */
function killWatchdogOf(pid: number): void {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const args = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\u0000');
      if (args.includes('sluice-watchdog') && args.includes(String(pid))) process.kill(Number(entry), 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}
