/**
 * Unpacks a deployment package that nobody vouches for. Nothing is written outside the target folder, whatever names,
 * links and sizes the archive claims.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, readlink, realpath, symlink } from 'node:fs/promises';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import yauzl, { type Entry, type ZipFile } from 'yauzl';

/** Unzipped size that Lambda accepts. Source: Lambda Developer Guide, "Lambda quotas". */
export const MAX_UNZIPPED_BYTES = 262_144_000;
const MAX_ENTRIES = 100_000;
const MAX_LINK_BYTES = 4_096;

export type ZipFault = 'Empty' | 'Broken' | 'Unsafe' | 'TooLarge';

/** `fault` says what is wrong with the archive; the message says where. */
export class ZipError extends Error {
  override readonly name = 'ZipError';
  readonly fault: ZipFault;

  constructor(fault: ZipFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** Unpacks into `folder`, which it makes. Files come out read-only. Throws `ZipError`; the folder may then be half full. */
export async function unpackZip(zip: Uint8Array, folder: string, maxBytes = MAX_UNZIPPED_BYTES): Promise<void> {
  const archive = await open(zip);
  const entries = await entriesOf(archive);
  if (!entries.some((entry) => !isFolder(entry))) throw new ZipError('Empty', 'the archive holds no file');
  const declared = entries.reduce((sum, entry) => sum + entry.uncompressedSize, 0);
  if (declared > maxBytes) throw new ZipError('TooLarge', `${declared} bytes unzipped, of ${maxBytes} allowed`);
  await mkdir(folder, { recursive: true });
  const links: Entry[] = [];
  for (const entry of entries) {
    const path = within(folder, entry.fileName);
    if (isFolder(entry)) await attempt(entry, () => mkdir(path, { recursive: true }));
    else if (isLink(entry)) links.push(entry);
    else {
      await attempt(entry, async () => {
        await mkdir(dirname(path), { recursive: true });
        // `wx`: a name that comes twice, or differs only in case where that is no difference, is an error.
        await pipeline(await content(archive, entry), createWriteStream(path, { flags: 'wx', mode: modeOf(entry) }));
      });
    }
  }
  // Links come last, so that nothing is ever written through one.
  for (const entry of links) await makeLink(archive, entry, folder);
  for (const entry of links) await assertInside(join(folder, entry.fileName), folder);
}

async function open(zip: Uint8Array): Promise<ZipFile> {
  try {
    return await yauzl.fromBufferPromise(Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength), {
      lazyEntries: true,
      autoClose: false,
    });
  } catch (error) {
    throw new ZipError('Broken', String((error as Error).message));
  }
}

function entriesOf(archive: ZipFile): Promise<Entry[]> {
  if (archive.entryCount > MAX_ENTRIES)
    return Promise.reject(new ZipError('TooLarge', `${archive.entryCount} entries, of ${MAX_ENTRIES} allowed`));
  return new Promise((accept, reject) => {
    const entries: Entry[] = [];
    archive.on('entry', (entry: Entry) => {
      entries.push(entry);
      archive.readEntry();
    });
    archive.on('end', () => accept(entries));
    archive.on('error', (error: Error) =>
      reject(new ZipError(/path/.test(error.message) ? 'Unsafe' : 'Broken', error.message)),
    );
    archive.readEntry();
  });
}

function content(archive: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((accept, reject) => {
    archive.openReadStream(entry, (error, stream) => (error === null ? accept(stream) : reject(error)));
  });
}

async function attempt(entry: Entry, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // A full disk is ours, not the archive's.
    if (code === 'ENOSPC' || code === 'EACCES' || code === 'EROFS' || code === 'EMFILE') throw error;
    throw new ZipError('Broken', `${entry.fileName}: ${String((error as Error).message)}`);
  }
}

async function makeLink(archive: ZipFile, entry: Entry, folder: string): Promise<void> {
  if (entry.uncompressedSize > MAX_LINK_BYTES) throw new ZipError('Broken', `${entry.fileName}: too long for a link`);
  const path = within(folder, entry.fileName);
  await attempt(entry, async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of await content(archive, entry)) chunks.push(chunk as Buffer);
    const target = Buffer.concat(chunks).toString('utf8');
    if (posix.isAbsolute(target) || target.includes('\0')) throw new Error(`link to ${target}`);
    await mkdir(dirname(path), { recursive: true });
    await symlink(target, path);
  });
}

/** A link may lead anywhere inside, by way of other links too; the file system itself says where it ends. */
async function assertInside(path: string, folder: string): Promise<void> {
  const root = await realpath(folder);
  const end = await realpath(path).catch(async () => farEnd(`${dirname(path)}/${await readlink(path)}`));
  const way = relative(root, end);
  if (way === '..' || way.startsWith(`..${sep}`) || way.startsWith(sep))
    throw new ZipError('Unsafe', `${relative(folder, path)} is a link that leads outside`);
}

/** Where a path leads whose end is not there: as far as it goes in the file system, and by its words from there. */
async function farEnd(path: string): Promise<string> {
  const parts = path.split('/');
  for (let known = parts.length - 1; known > 0; known--) {
    const real = await realpath(parts.slice(0, known).join('/') || '/').catch(() => undefined);
    if (real !== undefined) return resolve(real, ...parts.slice(known));
  }
  return path;
}

/** yauzl refuses `..` and absolute names already; this is the second look. */
function within(folder: string, name: string): string {
  const path = resolve(folder, name);
  if (path !== folder && !path.startsWith(folder + sep)) throw new ZipError('Unsafe', `${name} leads outside`);
  return path;
}

const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;

function unixMode(entry: Entry): number {
  return entry.versionMadeBy >> 8 === 3 ? entry.externalFileAttributes >>> 16 : 0;
}

function isFolder(entry: Entry): boolean {
  return entry.fileName.endsWith('/');
}

function isLink(entry: Entry): boolean {
  return (unixMode(entry) & S_IFMT) === S_IFLNK;
}

/** Readable by all and writable by none, as `/var/task` is; executable where the archive says so. */
function modeOf(entry: Entry): number {
  return 0o444 | (unixMode(entry) & 0o111);
}
