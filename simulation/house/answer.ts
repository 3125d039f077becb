/** What a caller hears, and what it can make of it. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

export type Answer<T> = Readonly<{ output: T } | { code: string; message: string }>;

/** Whatever was asked for may have happened, or not. */
export const UNKNOWN_OUTCOME =
  /^(ConnectionLost|CommitUnknownError|ServiceUnavailable|DatabaseUnavailable|InternalFailure)/;

export async function bytesOf(body: Readable | Uint8Array): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
