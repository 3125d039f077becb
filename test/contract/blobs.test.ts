/** Blobs in a folder: whole or not at all, by digest, in ranges; what a crash leaves; a full disk. */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededIds } from '../../src/common/index.ts';
import { BlobDisk, MemoryBlobs } from '../../simulation/memory-blobs.ts';
import { BlobMissingError, type Blobs, openFolderBlobs, openStateFolder } from '../../src/store/index.ts';
import { temporaryFolder } from './store-kinds.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function collect(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** Every file under a folder, without the folder's own name. */
function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
}

type Kind = Readonly<{
  blobs: Blobs;
  /** Digests of what is kept, whole or not. */ kept: () => string[];
  remove: () => void;
}>;

const kinds: Readonly<Record<string, () => Promise<Kind>>> = {
  folder: async () => {
    const folder = temporaryFolder();
    const dir = join(folder.path, 'blobs');
    const blobs = await openFolderBlobs(dir);
    return { blobs, kept: () => filesIn(dir).map((path) => basename(path)), remove: folder.remove };
  },
  memory: async () => {
    const disk = new BlobDisk();
    return { blobs: new MemoryBlobs(disk), kept: () => [...disk.blobs.keys()], remove: () => {} };
  },
};

describe.each(Object.keys(kinds))('blobs: %s', (name) => {
  let blobs: Blobs;
  let kept: () => string[];
  let remove: () => void;
  const ids = seededIds(11);

  beforeEach(async () => {
    ({ blobs, kept, remove } = await kinds[name]!());
  });
  afterEach(() => remove());

  it('put() and read() agree on bytes and streams, empty ones too', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), Buffer.from(ids.bytes(300_000))]) {
      const digest = sha256(bytes);
      expect(await blobs.put(bytes)).toEqual({ digest, bytes: bytes.length });
      expect(await blobs.put(Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]))).toEqual({
        digest,
        bytes: bytes.length,
      });
      expect(Buffer.compare(await blobs.readAll(digest), bytes)).toBe(0);
      expect(Buffer.compare(await collect(await blobs.read(digest)), bytes)).toBe(0);
    }
    expect(kept()).toHaveLength(3);
  });

  it('read() gives ranges, both ends included, cut at the end of the blob', async () => {
    const { digest } = await blobs.put(Buffer.from('0123456789'));
    const range = async (start: number, end: number): Promise<string> =>
      (await collect(await blobs.read(digest, { start, end }))).toString();
    expect(await range(0, 0)).toBe('0');
    expect(await range(3, 5)).toBe('345');
    expect(await range(8, 100)).toBe('89');
    expect(await range(50, 100)).toBe('');
    expect(await range(5, 3)).toBe('');
  });

  it('a blob that is not there is an error by name, whatever the digest looks like', async () => {
    for (const digest of [sha256(Buffer.from('none')), '', '../../etc/passwd', 'ABC', 'f'.repeat(65)]) {
      await expect(blobs.read(digest)).rejects.toThrow(BlobMissingError);
      await expect(blobs.readAll(digest)).rejects.toThrow(BlobMissingError);
      expect(await blobs.has(digest)).toBe(false);
      await blobs.delete(digest);
    }
  });

  it('delete() removes, twice without harm', async () => {
    const { digest } = await blobs.put(Buffer.from('short-lived'));
    expect(await blobs.has(digest)).toBe(true);
    await blobs.delete(digest);
    await blobs.delete(digest);
    expect(await blobs.has(digest)).toBe(false);
    await blobs.put(Buffer.from('short-lived'));
    expect(await blobs.has(digest)).toBe(true);
  });

  it('put() leaves nothing when its source fails', async () => {
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from('some of it');
        throw new Error('the source broke');
      })(),
    );
    await expect(blobs.put(failing)).rejects.toThrow('the source broke');
    const cut = new Readable({ read() {} });
    cut.push('some of it');
    const putting = blobs.put(cut);
    cut.destroy();
    await expect(putting).rejects.toThrow();
    expect(kept()).toEqual([]);
  });

  it('put() of the same content at once, by bytes and by streams, keeps one', async () => {
    const bytes = Buffer.from(ids.bytes(200_000));
    const infos = await Promise.all(
      Array.from({ length: 12 }, (_, n) => blobs.put(n % 2 === 0 ? bytes : Readable.from([bytes]))),
    );
    expect(new Set(infos.map((info) => info.digest))).toEqual(new Set([sha256(bytes)]));
    expect(kept()).toEqual([sha256(bytes)]);
    expect(Buffer.compare(await blobs.readAll(sha256(bytes)), bytes)).toBe(0);
  });

  it('put() holds its source back', async () => {
    let produced = 0;
    let asked = 0;
    const slow = new Readable({
      highWaterMark: 65_536,
      read() {
        asked += 1;
        if (produced >= 200) this.push(null);
        else {
          produced += 1;
          this.push(Buffer.alloc(65_536, produced));
        }
      },
    });
    const { bytes } = await blobs.put(slow);
    expect(bytes).toBe(200 * 65_536);
    expect(asked).toBeGreaterThan(100);
  });
});

describe('blobs in a folder', () => {
  let dir: string;
  let remove: () => void;
  let blobs: Blobs;

  beforeEach(async () => {
    const folder = temporaryFolder();
    dir = join(folder.path, 'blobs');
    remove = folder.remove;
    blobs = await openFolderBlobs(dir);
  });
  afterEach(() => remove());

  it('opening removes what a crash left, and keeps what a living process is writing', async () => {
    const { digest } = await blobs.put(Buffer.from('whole'));
    writeFileSync(join(dir, 'tmp', '999999999-1'), 'half');
    writeFileSync(join(dir, 'tmp', `${process.pid}-77`), 'of an earlier process with our id');
    writeFileSync(join(dir, 'tmp', `${process.ppid}-1`), 'being written');
    const again = await openFolderBlobs(dir);
    expect(await again.has(digest)).toBe(true);
    expect(readdirSync(join(dir, 'tmp'))).toEqual([`${process.ppid}-1`]);
  });

  it('nobody else may look inside', async () => {
    const { digest } = await blobs.put(Buffer.from('private'));
    const path = join(dir, digest.slice(0, 2), digest.slice(2, 4), digest);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(statSync(dir).mode & 0o077).toBe(0);
  });

  it('a folder that cannot be made is refused in plain words', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(openFolderBlobs(join(dir, 'file', 'deeper'))).rejects.toThrow(/a file is in the way/);
  });
});

describe('a disk that is full or read-only', () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  });

  /** A file system of one megabyte; undefined where this user may not mount one. */
  function smallDisk(): string | undefined {
    const folder = temporaryFolder();
    const path = join(folder.path, 'disk');
    mkdirSync(path);
    cleanups.push(folder.remove);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    cleanups.push(() => execFileSync('umount', ['-l', path]));
    return path;
  }

  it('full: put() says so, nothing is left, and what was there can be read', async ({ skip }) => {
    const disk = smallDisk();
    if (disk === undefined) return skip('mounting a small file system needs root');
    const blobs = await openFolderBlobs(join(disk, 'blobs'));
    const { digest } = await blobs.put(Buffer.from('first'));
    const source = Readable.from(
      (function* () {
        for (let n = 0; n < 100; n++) yield Buffer.alloc(65_536, n);
      })(),
    );
    await expect(blobs.put(source)).rejects.toMatchObject({
      reason: 'Full',
      code: 'ServiceUnavailable',
      statusCode: 503,
    });
    expect(source.destroyed).toBe(true);
    await expect(blobs.put(Buffer.alloc(2_000_000, 1))).rejects.toThrow(/the disk is full/);
    expect(readdirSync(join(disk, 'blobs', 'tmp'))).toEqual([]);
    expect(Buffer.from(await blobs.readAll(digest)).toString()).toBe('first');
    expect((await blobs.put(Buffer.from('second'))).bytes).toBe(6);
  });

  it('read-only: the state folder is refused in plain words', async ({ skip }) => {
    const disk = smallDisk();
    if (disk === undefined) return skip('mounting a small file system needs root');
    mkdirSync(join(disk, 'state'), { mode: 0o700 });
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    await expect(openStateFolder(join(disk, 'state'))).rejects.toMatchObject({ reason: 'ReadOnly' });
    await expect(openStateFolder(join(disk, 'other'))).rejects.toThrow(/read-only/);
  });
});
