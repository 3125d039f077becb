/** A PostgreSQL server apart from any Sluice, for the store by URL: the same binaries, with room for several processes. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findBinaries } from '../../src/store/native/binaries.ts';
import { createCluster, SUPERUSER } from '../../src/store/native/cluster.ts';
import { NativeServer, SERVER_PORT } from '../../src/store/native/server.ts';

export type Postgres = Readonly<{ url: string; stop(): Promise<void> }>;

/** `folder` is ours and there already; the server stops when this process ends, however it ends. */
export async function startPostgres(folder: string): Promise<Postgres> {
  const binaries = findBinaries({})[0] ?? findBinaries({ only: 'machine', searchPath: process.env['PATH'] ?? '' })[0];
  if (binaries === undefined) throw new Error('no PostgreSQL server runs here');
  const home = join(folder, 'postgres');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const ownDirs = [home, folder];
  await createCluster(binaries, join(home, 'data'), ownDirs, { durable: true });
  const server = new NativeServer({
    binaries,
    home,
    ownDirs,
    durable: true,
    wallNow: () => Date.now(),
    settings: { max_connections: 80 },
  });
  await server.start();
  const host = encodeURIComponent(server.socketDir);
  return {
    url: `postgres:///postgres?host=${host}&port=${SERVER_PORT}&user=${SUPERUSER}`,
    stop: () => server.stop(),
  };
}
