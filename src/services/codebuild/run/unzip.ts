/**
 * Unpacks a source zip into a folder. Names that leave the folder are refused (by yauzl), and so are zips that unpack to
 * far more than they are: more than `MAX_BYTES`, or more than `MAX_RATIO` times their size once past `RATIO_FROM_BYTES`.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, realpath, stat, symlink } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';

export const MAX_BYTES = 8 * 1024 ** 3;
export const MAX_RATIO = 200;
export const RATIO_FROM_BYTES = 64 * 1024 ** 2;
const MAX_ENTRIES = 200_000;

/** A zip that is not unpacked; the message says why. */
export class ZipRefused extends Error {
  override readonly name = 'ZipRefused';
}

export async function unzip(file: string, into: string): Promise<void> {
  const { size } = await stat(file);
  const limit = Math.min(MAX_BYTES, Math.max(RATIO_FROM_BYTES, size * MAX_RATIO));
  const links: { path: string; target: string }[] = [];
  let bytes = 0;
  let entries = 0;
  const count = (more: number): void => {
    bytes += more;
    if (bytes > limit) {
      throw new ZipRefused(`the zip of ${size} bytes unpacks to more than ${limit} bytes: refused as a zip bomb`);
    }
  };
  try {
    const zip = await openPromise(file, { lazyEntries: true, validateEntrySizes: true, strictFileNames: false });
    try {
      for await (const entry of zip.eachEntry()) {
        entries += 1;
        if (entries > MAX_ENTRIES) throw new ZipRefused(`the zip has more than ${MAX_ENTRIES} entries`);
        const path = resolve(into, entry.fileName);
        if (path !== into && !path.startsWith(into + sep))
          throw new ZipRefused(`invalid relative path: ${entry.fileName}`);
        const mode = entry.externalFileAttributes >>> 16;
        if (entry.fileName.endsWith('/')) {
          await mkdir(path, { recursive: true });
          continue;
        }
        await mkdir(dirname(path), { recursive: true });
        const content = await zip.openReadStreamPromise(entry);
        if ((mode & 0o170000) === 0o120000) {
          count(entry.uncompressedSize);
          links.push({ path, target: (await buffer(content)).toString('utf8') });
          continue;
        }
        const permissions = (mode & 0o777) === 0 ? 0o644 : (mode & 0o777) | 0o600;
        await pipeline(counted(content, count), createWriteStream(path, { mode: permissions }));
      }
    } finally {
      zip.close();
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'ZipRefused') throw error;
    if (isSystemError(error)) throw error;
    throw new ZipRefused(error instanceof Error ? error.message : String(error));
  }
  // Links last: no file is ever written through one.
  for (const { path, target } of links) await link(into, path, target);
}

async function* counted(source: Readable, count: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    count(chunk.length);
    yield chunk;
  }
}

async function link(into: string, path: string, target: string): Promise<void> {
  const root = await realpath(into);
  const folder = await realpath(dirname(path));
  const inside = (place: string): boolean => place === root || place.startsWith(root + sep);
  if (!inside(folder) || !inside(resolve(folder, target)))
    throw new ZipRefused(`the link ${path.slice(into.length + 1)} leaves the zip`);
  await symlink(target, join(folder, path.slice(dirname(path).length + 1)));
}

/** A full disk and the like are not the zip's fault. */
function isSystemError(error: unknown): boolean {
  return (
    error instanceof Error &&
    'syscall' in error &&
    'code' in error &&
    (error as NodeJS.ErrnoException).code !== 'EEXIST'
  );
}
