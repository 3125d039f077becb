/**
 * Object bytes at rest: AES-256-GCM in chunks of 64 KiB, so that a range is read and verified without the rest, and
 * nothing is ever held whole.
 *
 *   blob  = chunk 0 | chunk 1 | ...      chunk = ciphertext (65,536 bytes, the last one shorter) | tag (16)
 *   key   = HKDF-SHA256(data key, the segment's salt)
 *   nonce = 0000000 | u32 chunk number | 1 if it is the last, else 0
 *
 * A chunk that was changed, moved, dropped or cut off does not decrypt. This is the STREAM construction.
 * Source: Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance".
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { Blobs } from '../../store/index.ts';
import type { Segment } from './records.ts';

const CHUNK_BYTES = 65_536;
const TAG_BYTES = 16;
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES;

/** Encrypts as it reads; holds one chunk. */
export async function* sealChunks(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  dataKey: Uint8Array,
  salt: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const key = segmentKey(dataKey, salt);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  let number = 0;
  for await (const bytes of source) {
    let at = 0;
    while (at < bytes.length) {
      if (filled === CHUNK_BYTES) {
        yield sealChunk(key, number++, false, chunk);
        filled = 0;
      }
      const taken = Math.min(CHUNK_BYTES - filled, bytes.length - at);
      chunk.set(bytes.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
    }
  }
  yield sealChunk(key, number, true, chunk.subarray(0, filled));
}

/** The plaintext of bytes `start` to `end` (inclusive) of a row of segments. Throws when anything was tampered with. */
export async function* openSegments(
  blobs: Blobs,
  segments: readonly Segment[],
  dataKey: Uint8Array,
  range: Readonly<{ start: number; end: number }>,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (const segment of segments) {
    const start = Math.max(range.start - offset, 0);
    const end = Math.min(range.end - offset, segment.bytes - 1);
    if (start <= end) yield* openSegment(blobs, segment, dataKey, start, end);
    offset += segment.bytes;
    if (offset > range.end) return;
  }
}

async function* openSegment(
  blobs: Blobs,
  segment: Segment,
  dataKey: Uint8Array,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const key = segmentKey(dataKey, Buffer.from(segment.salt, 'base64'));
  const lastChunk = Math.floor((segment.bytes - 1) / CHUNK_BYTES);
  const endChunk = Math.floor(end / CHUNK_BYTES);
  const firstChunk = Math.floor(start / CHUNK_BYTES);
  const sealedEnd =
    endChunk === lastChunk ? segment.bytes + (lastChunk + 1) * TAG_BYTES - 1 : (endChunk + 1) * SEALED_BYTES - 1;
  const source = await blobs.read(segment.digest, { start: firstChunk * SEALED_BYTES, end: sealedEnd });
  const sealed = Buffer.allocUnsafe(SEALED_BYTES);
  let filled = 0;
  let number = firstChunk;
  const open = (): Uint8Array => {
    const plain = openChunk(key, number, number === lastChunk, sealed.subarray(0, filled), segment);
    const chunkAt = number * CHUNK_BYTES;
    number += 1;
    filled = 0;
    return plain.subarray(Math.max(0, start - chunkAt), end + 1 - chunkAt);
  };
  for await (const bytes of source as AsyncIterable<Uint8Array>) {
    let at = 0;
    while (at < bytes.length) {
      const taken = Math.min(SEALED_BYTES - filled, bytes.length - at);
      sealed.set(bytes.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled === SEALED_BYTES) yield open();
    }
  }
  if (filled > 0) yield open();
  if (number !== endChunk + 1) throw new Error(`blob ${segment.digest} is shorter than its segment`);
}

function segmentKey(dataKey: Uint8Array, salt: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', dataKey, salt, 'sluice s3 segment', 32));
}

function nonce(number: number, last: boolean): Buffer {
  const out = Buffer.alloc(12);
  out.writeUInt32BE(number, 7);
  out[11] = last ? 1 : 0;
  return out;
}

function sealChunk(key: Buffer, number: number, last: boolean, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce(number, last));
  const text = cipher.update(plain);
  return Buffer.concat([text, cipher.final(), cipher.getAuthTag()]);
}

function openChunk(key: Buffer, number: number, last: boolean, sealed: Buffer, segment: Segment): Buffer {
  if (sealed.length < TAG_BYTES) throw new Error(`blob ${segment.digest} ends inside a chunk`);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce(number, last));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new Error(`chunk ${number} of blob ${segment.digest} does not decrypt: it was changed`, { cause });
  }
}
