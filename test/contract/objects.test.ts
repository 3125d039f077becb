/** Object versions on every kind of store: the listing against a model of it, and which version is the latest. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commonPrefixOf, keyBytesOrder } from '../../src/core/key-listing/index.ts';
import { type Listing, Objects, type Store } from '../../src/store/index.ts';
import { kinds, type OpenTestStore } from './store-kinds.ts';

type Version = { key: string; versionId: string; marker: boolean };

const objects = new Objects<object, string>();

/** Few letters, so that prefixes and groups happen; one beyond the basic plane and one after it, for the order. */
const keys = fc
  .array(fc.constantFrom('a', 'b', '/', '-', '\u{1f4a7}', '\uffee'), { minLength: 1, maxLength: 5 })
  .map((x) => x.join(''));

describe.each(kinds)('objects: $name', ({ skip, open, knownStatementsOnly }) => {
  if (skip !== undefined) {
    it.skip(`skipped: ${skip}`, () => {});
    return;
  }
  let opened: OpenTestStore;
  let store: Store;
  let lastBucket = 0;

  beforeAll(async () => {
    opened = await open();
    store = opened.store;
  });
  afterAll(() => opened?.close());

  const put = (bucket: string, { key, versionId, marker }: Version) =>
    store.transaction(async (tx) => {
      await objects.lockBucket(tx, bucket, 'Shared');
      await objects.lockKey(tx, bucket, key);
      return objects.put(tx, bucket, {
        key,
        versionId,
        deleteMarker: marker,
        bytes: key.length,
        etag: 'e',
        modifiedAt: 1,
        facts: {},
        segments: [versionId],
      });
    });

  const names = (listing: Listing<object>): string[] =>
    listing.entries.map((entry) =>
      entry.type === 'CommonPrefix' ? `group ${entry.prefix}` : `${entry.object.key} ${entry.object.versionId}`,
    );

  /** All pages of a listing, each of `limit`. */
  async function pages(bucket: string, options: Query, versions: boolean): Promise<string[]> {
    const found: string[] = [];
    let after =
      options.after === undefined
        ? undefined
        : { key: options.after, versionSequence: undefined as string | undefined };
    for (;;) {
      const query = { bucket, ...options, after };
      const listing = versions ? await objects.listVersions(store, query) : await objects.listLatest(store, query);
      expect(listing.entries.length).toBeLessThanOrEqual(options.limit);
      found.push(...names(listing));
      const last = listing.entries.at(-1);
      if (!listing.more || last === undefined) return found;
      after =
        last.type === 'CommonPrefix'
          ? { key: last.prefix, versionSequence: undefined }
          : { key: last.object.key, versionSequence: versions ? last.object.sequence : undefined };
    }
  }

  type Query = { prefix: string; delimiter?: string | undefined; after?: string | undefined; limit: number };

  /** What the listing must be: every key in order, groups once. */
  function model(versions: readonly Version[], { prefix, delimiter, after }: Query): string[] {
    const found: string[] = [];
    for (const { key, versionId } of versions) {
      if (!key.startsWith(prefix)) continue;
      if (after !== undefined && keyBytesOrder(key, after) <= 0) continue;
      const group = commonPrefixOf(key, prefix, delimiter);
      if (group !== undefined && group === after) continue;
      const name = group === undefined ? `${key} ${versionId}` : `group ${group}`;
      if (group === undefined || found.at(-1) !== name) found.push(name);
    }
    return found;
  }

  const query = fc.record({
    prefix: fc.constantFrom('', 'a', 'a/', 'b', '\u{1f4a7}'),
    delimiter: fc.constantFrom(undefined, '/', '-', 'a/'),
    after: fc.option(keys, { nil: undefined }),
    limit: fc.integer({ min: 1, max: 4 }),
  });

  it('lists as the model does, in pages of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(keys, fc.boolean()), { maxLength: 15 }),
        fc.array(query, { minLength: 1, maxLength: 6 }),
        async (writes, queries) => {
          const bucket = `bucket-${++lastBucket}`;
          const written: Version[] = writes.map(([key, marker], i) => ({ key, versionId: `v${i}`, marker }));
          for (const version of written) await put(bucket, version);
          const sorted = written
            .map((version, i) => ({ version, i }))
            .sort((a, b) => keyBytesOrder(a.version.key, b.version.key) || b.i - a.i)
            .map(({ version }) => version);
          const latest = sorted.filter(({ key }, i) => sorted[i - 1]?.key !== key).filter(({ marker }) => !marker);
          for (const each of queries) {
            expect(await pages(bucket, each, false)).toEqual(model(latest, each));
            expect(await pages(bucket, each, true)).toEqual(model(sorted, each));
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it('jumps over a group that is longer than a batch', async () => {
    const bucket = `bucket-${++lastBucket}`;
    if (knownStatementsOnly === true) {
      for (let n = 1; n <= 3000; n++) await put(bucket, { key: `group/${n}`, versionId: 'null', marker: false });
    } else {
      await store.query(
        `INSERT INTO objects (bucket, key, version_id, is_latest, delete_marker, bytes, etag, modified_at, facts, segments)
         SELECT $1, 'group/' || n, 'null', true, false, 1, 'e', 1, '{}', '[]' FROM generate_series(1, 3000) AS n`,
        [bucket],
      );
    }
    await put(bucket, { key: 'last', versionId: 'null', marker: false });
    const listing = await objects.listLatest(store, { bucket, delimiter: '/', limit: 10 });
    expect(names(listing)).toEqual(['group group/', 'last null']);
    expect(listing.more).toBe(false);
  });

  it('keeps exactly one latest version, the newest', async () => {
    const bucket = `bucket-${++lastBucket}`;
    const latest = async () => (await objects.latest(store, bucket, 'k'))?.versionId;
    expect(await objects.isEmpty(store, bucket)).toBe(true);
    for (const versionId of ['null', 'v1', 'v2']) await put(bucket, { key: 'k', versionId, marker: false });
    expect(await latest()).toBe('v2');
    expect((await put(bucket, { key: 'k', versionId: 'null', marker: false })).replaced).toEqual(['null']);
    expect(await latest()).toBe('null');
    expect((await objects.remove(store, bucket, 'k', 'null'))?.segments).toEqual(['null']);
    expect(await latest()).toBe('v2');
    await objects.remove(store, bucket, 'k', 'v1');
    expect(await latest()).toBe('v2');
    await objects.remove(store, bucket, 'k', 'v2');
    expect(await latest()).toBeUndefined();
    expect(await objects.remove(store, bucket, 'k', 'v2')).toBeUndefined();
    expect(await objects.isEmpty(store, bucket)).toBe(true);
  });

  it('keeps one latest version when writers race', async () => {
    const bucket = `bucket-${++lastBucket}`;
    await Promise.all(
      Array.from({ length: 12 }, (_, i) => put(bucket, { key: 'k', versionId: `v${i}`, marker: false })),
    );
    const listing = await objects.listVersions(store, { bucket, limit: 100 });
    expect(listing.entries).toHaveLength(12);
    const flags = listing.entries.map((entry) => entry.type === 'Object' && entry.object.isLatest);
    expect(flags).toEqual([true, ...Array.from({ length: 11 }, () => false)]);
  });
});
