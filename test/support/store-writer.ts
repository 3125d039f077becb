/**
 * A process to be killed: `store-writer.ts KIND FOLDER EPHEMERAL` opens the store there, prints `open PID-OF-SERVER`, and
 * then writes transactions of two rows that belong together, printing `N` once the N-th is acknowledged.
 * KIND `none` only holds the folder.
 */
import { join } from 'node:path';
import { collection, nextInSequence, openStateFolder, openStore } from '../../src/store/index.ts';

const [kind, dir = '', ephemeral] = process.argv.slice(2);
const folder = await openStateFolder(dir);
if (kind === 'none') {
  console.log('open');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
const store = await openStore({
  kind: kind as 'native' | 'pglite',
  stateDir: folder.path,
  ephemeral: ephemeral === 'ephemeral',
  migrationsDir: join(import.meta.dirname, '../../migrations'),
  wallNow: () => Date.now(),
});
const rows = collection<{ n: number }>('test.row');
const [server] = kind === 'native' ? await store.query('SELECT pg_backend_pid() AS pid') : [];
console.log(`open ${String(server?.['pid'])}`);
for (;;) {
  const n = await store.transaction(async (tx) => {
    const n = await nextInSequence(tx, 'rows');
    await rows.insert(tx, { account: '', region: '', id: String(n) }, { n });
    return n;
  });
  console.log(String(n));
}
