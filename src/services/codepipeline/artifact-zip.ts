/**
 * Reads a zip that somebody else made. Names that would lead out of the folder, and archives that would unpack to more
 * than the limits, are refused before any of their content is used.
 */
import type { Readable } from 'node:stream';
import { openPromise, type ZipFile } from 'yauzl';

export type ZipEntry = Readonly<{
  /** Relative, with forward slashes, without `..`. */
  path: string;
  bytes: number;
  open(): Promise<Readable>;
}>;

export type ZipLimits = Readonly<{ files: number; unpackedBytes: number }>;

/** Source of the number of files: CodePipeline User Guide, "Quotas"; the size is ours. */
export const ARTIFACT_LIMITS: ZipLimits = { files: 100_000, unpackedBytes: 8 * 1024 ** 3 };

export class UnsafeZipError extends Error {
  override readonly name = 'UnsafeZipError';
}

/** The files of a zip (folders are left out). Nothing is unpacked yet; call `close` when done. */
export async function openZip(
  path: string,
  limits: ZipLimits = ARTIFACT_LIMITS,
): Promise<Readonly<{ entries: readonly ZipEntry[]; close(): void }>> {
  let zip: ZipFile | undefined;
  try {
    // yauzl refuses absolute names, `..` and backslashes, and an entry that unpacks to more than it declares.
    zip = await openPromise(path, {
      autoClose: false,
      lazyEntries: true,
      validateEntrySizes: true,
      strictFileNames: true,
    });
    const entries = await entriesOf(zip, limits);
    const opened = zip;
    return { entries, close: () => opened.close() };
  } catch (error) {
    zip?.close();
    if (error instanceof UnsafeZipError) throw error;
    throw new UnsafeZipError(error instanceof Error ? error.message : String(error));
  }
}

function entriesOf(zip: ZipFile, limits: ZipLimits): Promise<ZipEntry[]> {
  return new Promise((resolve, reject) => {
    const entries: ZipEntry[] = [];
    let unpackedBytes = 0;
    zip.on('error', reject);
    zip.on('end', () => resolve(entries));
    zip.on('entry', (entry) => {
      unpackedBytes += entry.uncompressedSize;
      if (unpackedBytes > limits.unpackedBytes) {
        return reject(new UnsafeZipError(`the archive unpacks to more than ${limits.unpackedBytes} bytes`));
      }
      if (!entry.fileName.endsWith('/')) {
        if (entries.length === limits.files) {
          return reject(new UnsafeZipError(`the archive holds more than ${limits.files} files`));
        }
        entries.push({
          path: entry.fileName,
          bytes: entry.uncompressedSize,
          open: () =>
            new Promise<Readable>((done, failed) => {
              zip.openReadStream(entry, (error, stream) => (error === null ? done(stream) : failed(error)));
            }),
        });
      }
      zip.readEntry();
    });
    zip.readEntry();
  });
}
