/**
 * Unpacked deployment packages, one read-only folder for each digest. A cache of this run alone: it is emptied when it
 * is opened, since what a power cut left half written could not be told from what is whole. Every package is kept as a
 * blob, and unpacked again when first needed.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackZip } from './unpack-zip.ts';

export class CodeCache {
  readonly #folder: string;
  readonly #unpacked = new Map<string, Promise<string>>();
  #attempts = 0;

  constructor(folder: string) {
    this.#folder = folder;
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    mkdirSync(folder, { recursive: true });
  }

  /**
   * The folder of the package with this digest; `read` is called when it is not there yet. Callers that come together
   * share one unpacking. Throws `ZipError`; a failure is not remembered.
   */
  prepare(digest: string, read: () => Promise<Uint8Array>): Promise<string> {
    const known = this.#unpacked.get(digest);
    if (known !== undefined) return known;
    const unpacking = this.#unpack(digest, read);
    this.#unpacked.set(digest, unpacking);
    unpacking.catch(() => this.#unpacked.delete(digest));
    return unpacking;
  }

  async #unpack(digest: string, read: () => Promise<Uint8Array>): Promise<string> {
    this.#attempts += 1;
    const draft = join(this.#folder, `.${digest}.${this.#attempts}`);
    const final = join(this.#folder, digest);
    try {
      await unpackZip(await read(), draft);
      await rename(draft, final);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      throw error;
    }
    return final;
  }
}
