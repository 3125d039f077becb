/**
 * Blobs in a folder: `ab/cd/<digest>`, where `ab` and `cd` are the digest's first two bytes.
 *
 * A blob is written to `tmp/`, synced, renamed to its name, and the folder that names it is synced; only then is it
 * acknowledged. So a crash leaves a whole blob or a file in `tmp/`, and those are removed at the next start.
 * A `delete` that races a `put` of the same content may win: whoever deletes makes sure that nobody still refers to it.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { type BlobInfo, BlobMissingError, type Blobs } from './blobs.ts';
import { isAlive } from './process-table.ts';
import { folderFailure } from './state-folder.ts';

export async function openFolderBlobs(dir: string): Promise<Blobs> {
  const root = resolve(dir);
  const tmp = join(root, 'tmp');
  try {
    await mkdir(tmp, { recursive: true, mode: 0o700 });
    for (const name of await readdir(tmp)) {
      const pid = Number.parseInt(name, 10);
      // Several processes may share a folder (a store by URL): what another one is just writing stays.
      if (pid === process.pid || !isAlive(pid)) await rm(join(tmp, name), { force: true });
    }
  } catch (error) {
    throw folderFailure(error, root);
  }
  return new FolderBlobs(root, tmp);
}

/** Told apart within a process, where several stores may be open. */
let lastTemporary = 0;

class FolderBlobs implements Blobs {
  readonly #root: string;
  readonly #tmp: string;
  readonly #folders = new Map<string, Promise<void>>();

  constructor(root: string, tmp: string) {
    this.#root = root;
    this.#tmp = tmp;
  }

  async put(source: Uint8Array | Readable): Promise<BlobInfo> {
    if (source instanceof Uint8Array) {
      const digest = createHash('sha256').update(source).digest('hex');
      const there = await stat(this.#path(digest)).catch(() => undefined);
      if (there?.size === source.byteLength) {
        await this.#syncFolder(digest);
        return { digest, bytes: source.byteLength };
      }
    }
    const temporary = join(this.#tmp, `${process.pid}-${++lastTemporary}`);
    try {
      const info = await writeSynced(temporary, source, (digest) => this.#makeFolder(digest));
      await rename(temporary, this.#path(info.digest));
      await this.#syncFolder(info.digest);
      return info;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw folderFailure(error, this.#root);
    }
  }

  async read(digest: string, range?: Readonly<{ start: number; end: number }>): Promise<Readable> {
    if (range !== undefined && range.end < range.start) return Readable.from([]);
    const handle = await this.#open(digest);
    return handle.createReadStream({
      start: range?.start ?? 0,
      ...(range && { end: range.end }),
      highWaterMark: 131_072,
    });
  }

  async readAll(digest: string): Promise<Uint8Array> {
    const handle = await this.#open(digest);
    try {
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  }

  async has(digest: string): Promise<boolean> {
    return isDigest(digest) && (await stat(this.#path(digest)).catch(() => undefined)) !== undefined;
  }

  async delete(digest: string): Promise<void> {
    if (!isDigest(digest)) return;
    try {
      await rm(this.#path(digest), { force: true });
    } catch (error) {
      throw folderFailure(error, this.#root);
    }
  }

  async #open(digest: string): Promise<FileHandle> {
    if (!isDigest(digest)) throw new BlobMissingError(digest);
    try {
      return await open(this.#path(digest), 'r');
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') throw new BlobMissingError(digest);
      throw folderFailure(error, this.#root);
    }
  }

  #folder(digest: string): string {
    return join(this.#root, digest.slice(0, 2), digest.slice(2, 4));
  }

  #path(digest: string): string {
    return join(this.#folder(digest), digest);
  }

  #syncFolder(digest: string): Promise<void> {
    return syncPath(this.#folder(digest));
  }

  /** Makes the two folders of a digest, once, and syncs what names them. */
  #makeFolder(digest: string): Promise<void> {
    const folder = this.#folder(digest);
    let made = this.#folders.get(folder);
    if (made === undefined) {
      made = (async () => {
        const first = await mkdir(folder, { recursive: true, mode: 0o700 });
        if (first === undefined) return;
        await Promise.all([syncPath(join(this.#root, digest.slice(0, 2))), syncPath(this.#root)]);
      })();
      this.#folders.set(folder, made);
      made.catch(() => this.#folders.delete(folder));
    }
    return made;
  }
}

/**
 * Writes as fast as the disk takes it (the source is held back), and hashes on the way. `makeRoom` makes the place that the
 * blob goes to, while the file is synced: a disk takes several syncs at once in about the time of one.
 */
async function writeSynced(
  path: string,
  source: Uint8Array | Readable,
  makeRoom: (digest: string) => Promise<void>,
): Promise<BlobInfo> {
  const hash = createHash('sha256');
  let bytes = 0;
  let handle: FileHandle;
  try {
    handle = await open(path, 'wx', 0o600);
  } catch (error) {
    if (!(source instanceof Uint8Array)) source.destroy();
    throw error;
  }
  try {
    // A failure of the disk ends the iteration, which destroys the source; a failure of the source ends it too.
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      const piece = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array);
      hash.update(piece);
      bytes += piece.byteLength;
      await writeAll(handle, piece);
    }
    const digest = hash.digest('hex');
    const synced = await Promise.allSettled([handle.sync(), makeRoom(digest)]);
    for (const outcome of synced) if (outcome.status === 'rejected') throw outcome.reason;
    return { digest, bytes };
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let offset = 0; offset < piece.byteLength;) {
    const { bytesWritten } = await handle.write(piece, offset, piece.byteLength - offset);
    offset += bytesWritten;
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
