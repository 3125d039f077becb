/** Takes an object's bytes in: hashes, counts, encrypts and stores them as they come. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { House } from '../service.ts';
import { type ChecksumAlgorithm, newChecksum } from './checksums.ts';
import { s3Error } from './errors.ts';
import type { Segment } from './records.ts';
import { sealChunks } from './segments.ts';

/** The most that one PUT or one part may carry. */
export const MAX_UPLOAD_BYTES = 5 * 1024 ** 3;

/** What callers hand in: the wire a `Readable`, other services bytes or a `Readable`. */
export type Body = Readable | AsyncIterable<Uint8Array> | Uint8Array | string | undefined;

export type Ingested = Readonly<{
  segment: Segment;
  /** Hex, of the plaintext. */
  md5: string;
  /** Base64, by the algorithm asked for. */
  checksum: string;
  /** That one, and the second if there was one. */
  checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}>;

/** Stores the body under the data key. Whoever does not use the result discards it (`discard`). */
export async function ingest(
  house: House,
  body: Body,
  dataKey: Uint8Array,
  algorithm: ChecksumAlgorithm,
  second: ChecksumAlgorithm = algorithm,
): Promise<Ingested> {
  const md5 = createHash('md5');
  const checksum = newChecksum(algorithm);
  const other = second === algorithm ? checksum : newChecksum(second);
  const salt = house.ids.bytes(16);
  let bytes = 0;
  async function* measured(): AsyncGenerator<Uint8Array> {
    for await (const piece of piecesOf(body)) {
      bytes += piece.length;
      if (bytes > MAX_UPLOAD_BYTES) {
        throw s3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
          fields: { ProposedSize: bytes, MaxSizeAllowed: MAX_UPLOAD_BYTES },
        });
      }
      md5.update(piece);
      checksum.update(piece);
      if (other !== checksum) other.update(piece);
      yield piece;
    }
  }
  const sealed = Readable.from(sealChunks(measured(), dataKey, salt), { objectMode: false });
  const { digest } = await house.blobs.put(sealed);
  const segment = { digest, bytes, salt: Buffer.from(salt).toString('base64') };
  const value = checksum.value();
  return {
    segment,
    md5: md5.digest('hex'),
    checksum: value,
    checksums: { [second]: other.value(), [algorithm]: value },
  };
}

async function* piecesOf(body: Body): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (typeof body === 'string') yield Buffer.from(body);
  else if (body instanceof Uint8Array) yield body;
  else for await (const piece of body) yield typeof piece === 'string' ? Buffer.from(piece) : (piece as Uint8Array);
}

/** As `discard`, after a write that failed; a commit whose answer was lost may have happened, and names them. */
export async function discardUnlessKept(house: House, segments: readonly Segment[], failure: unknown): Promise<void> {
  if (!(failure instanceof Error && failure.name === 'CommitUnknownError')) await discard(house, segments);
}

/**
 * Deletes the blobs of segments that nothing names any more. A failure leaves bytes behind, never a hole: it is logged and
 * forgotten.
 */
export async function discard(house: House, segments: readonly Segment[]): Promise<void> {
  for (const { digest } of segments) {
    try {
      await house.blobs.delete(digest);
    } catch (error) {
      house.log.warn('a blob that no object names could not be deleted', { digest, error: String(error) });
    }
  }
}
