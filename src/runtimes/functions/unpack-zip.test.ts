import { lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import yazl from 'yazl';
import { unpackZip, ZipError } from './unpack-zip.ts';

type Member = Readonly<{ name: string; content: string | Buffer; mode?: number }>;

/** `yazl` refuses bad names, so a bad one is written over a good one of the same length. */
async function zipOf(members: readonly Member[], renames: Readonly<Record<string, string>> = {}): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const { name, content, mode } of members)
    zip.addBuffer(Buffer.from(content), name, mode === undefined ? {} : { mode });
  zip.end();
  let bytes = await buffer(zip.outputStream as unknown as AsyncIterable<Uint8Array>);
  for (const [from, to] of Object.entries(renames)) {
    expect(to).toHaveLength(from.length);
    bytes = Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');
  }
  return bytes;
}

const LINK = 0o120777;

describe('unpackZip()', () => {
  let base: string;
  let folder: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'sluice-zip-'));
    folder = join(base, 'inside');
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const fault = async (work: Promise<void>): Promise<string> => {
    const error: unknown = await work.then(
      () => new Error('it was accepted'),
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ZipError);
    expect(readdirSync(base).filter((name) => name !== 'inside')).toEqual([]);
    return (error as ZipError).fault;
  };

  it('writes files read-only, executable where the archive says so', async () => {
    await unpackZip(
      await zipOf([
        { name: 'a/b.txt', content: 'text', mode: 0o100664 },
        { name: 'bootstrap', content: '#!/bin/sh', mode: 0o100755 },
      ]),
      folder,
    );
    expect(readFileSync(join(folder, 'a/b.txt'), 'utf8')).toBe('text');
    expect(lstatSync(join(folder, 'a/b.txt')).mode & 0o777).toBe(0o444);
    expect(lstatSync(join(folder, 'bootstrap')).mode & 0o777).toBe(0o555);
  });

  it('keeps links that stay inside', async () => {
    await unpackZip(
      await zipOf([
        { name: 'lib/real.js', content: 'x' },
        { name: 'bin/link.js', content: '../lib/real.js', mode: LINK },
      ]),
      folder,
    );
    expect(readFileSync(join(folder, 'bin/link.js'), 'utf8')).toBe('x');
  });

  it.each([
    ['a parent folder', [{ name: 'aa/evil', content: 'x' }], { 'aa/evil': '../evil' }],
    ['a parent folder further on', [{ name: 'a/bb/cc/d', content: 'x' }], { 'a/bb/cc/d': 'a/../../d' }],
    ['an absolute path', [{ name: 'atmp/evil', content: 'x' }], { 'atmp/evil': '/tmp/evil' }],
    [
      'a link out',
      [
        { name: 'l', content: '../out', mode: LINK },
        { name: 'f', content: 'x' },
      ],
      {},
    ],
    [
      'a link out by way of another',
      [
        { name: 'a/b/c/f', content: 'x' },
        { name: 'a/b/c/up', content: '../../..', mode: LINK },
        { name: 'm', content: 'a/b/c/up/../gone', mode: LINK },
      ],
      {},
    ],
  ] as const)('refuses %s', async (_what, members, renames) => {
    expect(await fault(unpackZip(await zipOf(members, renames), folder))).toBe('Unsafe');
  });

  it('refuses an absolute link', async () => {
    const zip = await zipOf([
      { name: 'l', content: '/etc/passwd', mode: LINK },
      { name: 'f', content: 'x' },
    ]);
    expect(await fault(unpackZip(zip, folder))).toBe('Broken');
  });

  it('does not write through a link', async () => {
    const zip = await zipOf([
      { name: 'd', content: '..', mode: LINK },
      { name: 'd/evil', content: 'x' },
    ]);
    await expect(unpackZip(zip, folder)).rejects.toBeInstanceOf(ZipError);
    expect(readdirSync(base)).toEqual(['inside']);
  });

  it('refuses a bomb by what it declares, and by what it holds', async () => {
    const zip = await zipOf([{ name: 'zeros', content: Buffer.alloc(1_000_000) }]);
    expect(await fault(unpackZip(zip, folder, 999_999))).toBe('TooLarge');
    const size = Buffer.alloc(4);
    size.writeUInt32LE(1_000_000);
    const lie = Buffer.from(zip.toString('latin1').replaceAll(size.toString('latin1'), '\x0a\0\0\0'), 'latin1');
    expect(await fault(unpackZip(lie, join(base, 'inside'), 999_999))).toBe('Broken');
    // The fault may come before the file is made, or after its first bytes.
    expect(lstatSync(join(folder, 'zeros'), { throwIfNoEntry: false })?.size ?? 0).toBeLessThan(100_000);
  });

  it('refuses what is no archive, an empty one, and one name twice', async () => {
    expect(await fault(unpackZip(Buffer.from('PK nothing'), folder))).toBe('Broken');
    expect(await fault(unpackZip(await zipOf([]), folder))).toBe('Empty');
    const twice = await zipOf(
      [
        { name: 'same', content: '1' },
        { name: 'sama', content: '2' },
      ],
      { sama: 'same' },
    );
    expect(await fault(unpackZip(twice, folder))).toBe('Broken');
  });
});
