import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { openZip, UnsafeZipError } from './artifact-zip.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'artifact-zip-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function zipFile(name: string, files: Record<string, Buffer>): Promise<string> {
  const zip = new ZipFile();
  for (const [path, bytes] of Object.entries(files)) zip.addBuffer(bytes, path);
  zip.end();
  const pieces: Buffer[] = [];
  for await (const piece of zip.outputStream as AsyncIterable<Buffer>) pieces.push(piece);
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(pieces));
  return path;
}

describe('openZip()', () => {
  it('lists and reads the files', async () => {
    const zip = await openZip(
      await zipFile('plain.zip', { 'a/b.txt': Buffer.from('hello'), 'c.txt': Buffer.alloc(0) }),
    );
    expect(zip.entries.map((entry) => [entry.path, entry.bytes])).toEqual([
      ['a/b.txt', 5],
      ['c.txt', 0],
    ]);
    const pieces: Buffer[] = [];
    for await (const piece of await zip.entries[0]!.open()) pieces.push(piece as Buffer);
    expect(Buffer.concat(pieces).toString()).toBe('hello');
    zip.close();
  });

  it('refuses a name that leads out of the folder', async () => {
    const path = await zipFile('escape.zip', { 'xx/evil.txt': Buffer.from('x') });
    const { readFileSync } = await import('node:fs');
    writeFileSync(path, Buffer.from(readFileSync(path).toString('latin1').replaceAll('xx/evil', '../evil'), 'latin1'));
    await expect(openZip(path)).rejects.toThrow(UnsafeZipError);
  });

  it('refuses a bomb and a crowd before unpacking anything', async () => {
    const bomb = await zipFile('bomb.zip', { big: Buffer.alloc(1_000_000) });
    await expect(openZip(bomb, { files: 10, unpackedBytes: 999_999 })).rejects.toThrow('unpacks to more than');
    const crowd = await zipFile('crowd.zip', { a: Buffer.alloc(1), b: Buffer.alloc(1) });
    await expect(openZip(crowd, { files: 1, unpackedBytes: 10 })).rejects.toThrow('more than 1 files');
  });

  it('refuses what is no zip', async () => {
    const path = join(folder, 'text.zip');
    writeFileSync(path, 'this is no zip');
    await expect(openZip(path)).rejects.toThrow(UnsafeZipError);
  });
});
