/**
 * PGlite's worker thread. Plain JavaScript: Node 20 starts it as it is, from source and from the build alike.
 * The messages are described in `worker-link.ts`.
 *
 * Real durability: PGlite starts its server with `-F` (no fsync), and emscripten's NODEFS has no fsync anyway. Here the
 * folder's file system answers fsync with the machine's fdatasync, and the server is told to use it.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

class SyncedNodeFS extends NodeFS {
  async init(pglite, options) {
    const { emscriptenOpts } = await super.init(pglite, options);
    const preRun = [
      ...(emscriptenOpts.preRun ?? []),
      (module) => {
        module.NODEFS.stream_ops.fsync = (stream) => {
          fdatasyncSync(stream.nfd);
          return 0;
        };
      },
    ];
    return { emscriptenOpts: { ...emscriptenOpts, preRun } };
  }
}

/** @type {PGlite | undefined} */
let pglite;
/** @type {string | undefined} */
let folder;

const calls = {
  async open({ dataDir, template }) {
    folder = dataDir;
    const durable = dataDir !== undefined;
    const startParams = PGlite.defaultStartParams.map((item) =>
      item === 'search_path=public' ? 'search_path=sluice' : item,
    );
    pglite = await PGlite.create({
      ...(durable ? { fs: new SyncedNodeFS(dataDir) } : { dataDir: 'memory://' }),
      // `fdatasync`, the default, is a stub in emscripten.
      startParams: durable
        ? [...startParams.filter((item) => item !== '-F'), '-c', 'wal_sync_method=fsync']
        : startParams,
      ...(template === undefined ? {} : { loadDataDir: new Blob([readFileSync(template)]) }),
    });
  },

  async dump({ file }) {
    await pglite.query('CHECKPOINT');
    const dump = await pglite.dumpDataDir('none');
    writeFileSync(file, Buffer.from(await dump.arrayBuffer()), { mode: 0o600 });
  },

  /** Everything that lies in the folder is on the disk: files loaded from a template were written without fsync. */
  async sync() {
    await pglite.query('CHECKPOINT');
    if (folder === undefined) return;
    const paths = [folder];
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile() || entry.isDirectory()) paths.push(join(entry.parentPath, entry.name));
    for (const path of paths) {
      const fd = openSync(path, 'r');
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    }
  },

  async close() {
    await pglite?.close();
  },
};

/** One thing at a time, in the order it came. */
let turn = Promise.resolve();

parentPort.on('message', (message) => {
  turn = turn.then(async () => {
    try {
      if (message.bytes !== undefined) {
        const bytes = await pglite.execProtocolRaw(message.bytes, { syncToFs: false });
        if (bytes.length > 0) parentPort.postMessage({ bytes });
        return;
      }
      await calls[message.call](message);
      parentPort.postMessage({ id: message.id });
    } catch (error) {
      parentPort.postMessage({ id: message.id, error: String(error?.stack ?? error) });
    }
  });
});
