import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { zipOf } from '../../../../test/support/functions.ts';
import type { Client } from '../../service.ts';
import { fetchSource, type SourceTools } from './sources.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-sources-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function tools(bytes: Uint8Array, digests: SourceTools['digests']): SourceTools {
  const client = { call: async () => ({ Body: Readable.from([Buffer.from(bytes)]) }) } as unknown as Client;
  return {
    client: async () => client,
    git: () => Promise.reject(new Error('no git')),
    scratchDir: folder,
    endpoint: '',
    region: 'eu-west-1',
    digests,
  };
}

describe('fetchSource()', () => {
  it('takes an artifact as the pipeline handed it over, and none that was written over since', async () => {
    const made = await zipOf({ 'a.txt': 'what was made' });
    const digests = { 'artifacts/p/a': createHash('sha256').update(made).digest('hex') };
    const into = join(folder, 'src');
    const fetch = (bytes: Uint8Array) =>
      fetchSource({ type: 'S3', location: 'artifacts/p/a' }, undefined, into, 'primary source', tools(bytes, digests));
    await fetch(made);
    expect(await readFile(join(into, 'a.txt'), 'utf8')).toBe('what was made');
    const other = await zipOf({ 'a.txt': 'what somebody else made' });
    await expect(fetch(other)).rejects.toThrow(/not what its pipeline handed over: expected SHA-256/);
  });
});
