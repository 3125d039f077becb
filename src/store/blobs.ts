/**
 * Blobs: bytes addressed by their SHA-256, written atomically and fsynced before they are acknowledged.
 * Immutable; deduplicated; `put` of what is there already is cheap and harmless.
 */
import type { Readable } from 'node:stream';

export type BlobInfo = Readonly<{ /** 64 hex digits */ digest: string; bytes: number }>;

export interface Blobs {
  /** Streams to a temporary file, hashes, fsyncs, renames. Rejects if the source fails; nothing is left behind. */
  put(source: Uint8Array | Readable): Promise<BlobInfo>;
  /** Rejects with `BlobMissingError` when there is no such blob. `range` is inclusive at both ends. */
  read(digest: string, range?: Readonly<{ start: number; end: number }>): Promise<Readable>;
  readAll(digest: string): Promise<Uint8Array>;
  has(digest: string): Promise<boolean>;
  delete(digest: string): Promise<void>;
}

export class BlobMissingError extends Error {
  override readonly name = 'BlobMissingError';
  readonly digest: string;

  constructor(digest: string) {
    super(`blob ${digest} is not in the store`);
    this.digest = digest;
  }
}
