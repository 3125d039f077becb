/**
 * Bytes on their way from one bucket to another: written to a file while they are hashed, so that an artifact of any
 * size needs no memory, and its digest and length are known before it is sent on.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { House } from '../service.ts';

export type Spool = Readonly<{
  path: string;
  bytes: number;
  /** 64 hex digits. */
  sha256: string;
  open(): Readable;
  dispose(): Promise<void>;
}>;

export type Source = Readable | Uint8Array;

export async function spool(house: House, source: Source): Promise<Spool> {
  const folder = spoolFolder(house);
  await mkdir(folder, { recursive: true });
  const path = join(folder, house.ids.uuid());
  const hash = createHash('sha256');
  let bytes = 0;
  const dispose = (): Promise<void> => rm(path, { force: true });
  try {
    await pipeline(
      readableOf(source),
      async function* (pieces: AsyncIterable<Uint8Array>) {
        for await (const piece of pieces) {
          hash.update(piece);
          bytes += piece.length;
          yield piece;
        }
      },
      createWriteStream(path, { mode: 0o600 }),
    );
  } catch (error) {
    await dispose();
    throw error;
  }
  return { path, bytes, sha256: hash.digest('hex'), open: () => createReadStream(path), dispose };
}

export type Held = Omit<Spool, 'path'>;

/** Up to this much is kept in memory. */
const IN_MEMORY_BYTES = 262_144;

/** As `spool`, for one who needs no file: a little is kept in memory, without a trip to the disk. */
export async function hold(house: House, source: Source): Promise<Held> {
  const pieces = (readableOf(source) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let bytes = 0;
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
    head.push(next.value);
    bytes += next.value.length;
    if (bytes > IN_MEMORY_BYTES) return spool(house, Readable.from(following(head, pieces), { objectMode: false }));
  }
  const whole = Buffer.concat(head);
  return {
    bytes,
    sha256: createHash('sha256').update(whole).digest('hex'),
    open: () => Readable.from(bytes === 0 ? [] : [whole], { objectMode: false }),
    dispose: () => Promise.resolve(),
  };
}

/** What was read, and then the rest; ends the rest when it is left early. */
async function* following(
  head: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** The digest and length of bytes that nobody needs to keep. */
export async function measure(source: Source): Promise<Readonly<{ bytes: number; sha256: string }>> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of readableOf(source) as AsyncIterable<Uint8Array>) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Removes what a process that was killed left behind. */
export async function emptySpool(house: House): Promise<void> {
  await rm(spoolFolder(house), { recursive: true, force: true });
}

function spoolFolder(house: House): string {
  return join(house.config.stateDir, 'codepipeline', 'spool');
}

function readableOf(source: Source): Readable {
  return source instanceof Uint8Array ? Readable.from([source]) : source;
}
