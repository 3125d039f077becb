/**
 * Blobs of a simulated machine. `BlobDisk` is what survives every process; `MemoryBlobs` is one process's way to it, which
 * honours the contract of `src/store/blobs.ts`: whole or not at all, addressed by digest, acknowledged only when kept.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type BlobInfo, BlobMissingError, type Blobs, StateFolderError } from '../src/store/index.ts';

/** What the disk holds, by digest, and whether it takes more. */
export class BlobDisk {
  readonly blobs = new Map<string, Uint8Array>();
  isFull = false;
}

/**
 * Awaited before a blob is kept ('Going') and before its keeping, a reading or a deletion is answered ('Coming'). Undefined:
 * no delay. May reject (a failing disk) or never resolve (the process died).
 */
export type BlobTrip = (
  trip: Readonly<{ of: 'Put' | 'Read' | 'Delete'; way: 'Going' | 'Coming' }>,
) => Promise<void> | undefined;

/** As large as a read of the folder's kind. */
const CHUNK_BYTES = 131_072;

export class MemoryBlobs implements Blobs {
  readonly #disk: BlobDisk;
  readonly #trip: BlobTrip;

  constructor(disk: BlobDisk, trip: BlobTrip = () => undefined) {
    this.#disk = disk;
    this.#trip = trip;
  }

  async put(source: Uint8Array | Readable): Promise<BlobInfo> {
    const pieces: Uint8Array[] = [];
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      // Copied: the giver may use its buffer again.
      pieces.push(Buffer.from(chunk as Uint8Array | string as string));
      if (this.#disk.isFull) throw full(source);
    }
    const bytes = Buffer.concat(pieces);
    const digest = createHash('sha256').update(bytes).digest('hex');
    await this.#trip({ of: 'Put', way: 'Going' });
    const isNew = !this.#disk.blobs.has(digest);
    if (isNew && this.#disk.isFull) throw full(source);
    if (isNew) this.#disk.blobs.set(digest, bytes);
    await this.#trip({ of: 'Put', way: 'Coming' });
    return { digest, bytes: bytes.length };
  }

  async read(digest: string, range?: Readonly<{ start: number; end: number }>): Promise<Readable> {
    if (range !== undefined && range.end < range.start) return Readable.from([]);
    const bytes = await this.#get(digest);
    const wanted = range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
    return Readable.from(chunksOf(wanted), { objectMode: false, highWaterMark: CHUNK_BYTES });
  }

  async readAll(digest: string): Promise<Uint8Array> {
    return Buffer.from(await this.#get(digest));
  }

  async has(digest: string): Promise<boolean> {
    return this.#disk.blobs.has(digest);
  }

  async delete(digest: string): Promise<void> {
    await this.#trip({ of: 'Delete', way: 'Going' });
    this.#disk.blobs.delete(digest);
    await this.#trip({ of: 'Delete', way: 'Coming' });
  }

  async #get(digest: string): Promise<Uint8Array> {
    await this.#trip({ of: 'Read', way: 'Going' });
    const bytes = this.#disk.blobs.get(digest);
    if (bytes === undefined) throw new BlobMissingError(digest);
    return bytes;
  }
}

function* chunksOf(bytes: Uint8Array): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES)
    yield Buffer.from(bytes.subarray(start, start + CHUNK_BYTES));
}

function full(source: Uint8Array | Readable): StateFolderError {
  if (!(source instanceof Uint8Array)) source.destroy();
  return new StateFolderError('Full', 'blobs', 'Sluice cannot write to blobs: the disk is full.');
}
