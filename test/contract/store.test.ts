/** What every kind of store does alike. What outlives a process is in `store-durability.test.ts`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAwsError, seededIds } from '../../src/common/index.ts';
import { collection, CommitUnknownError, type DocumentKey, nextInSequence, type Store } from '../../src/store/index.ts';
import { failWith, kinds, type OpenTestStore } from './store-kinds.ts';

type Thing = { name?: string; [more: string]: unknown };

describe.each(kinds)('store: $name', (kind) => {
  const { skip, open, knownStatementsOnly } = kind;
  if (skip !== undefined) {
    it.skip(`skipped: ${skip}`, () => {});
    return;
  }
  let opened: OpenTestStore;
  let store: Store;
  let lastKind = 0;
  /** A kind of its own for each test. */
  const fresh = () => collection<Thing>(`test.kind${++lastKind}`);
  const key = (id: string): DocumentKey => ({ account: '111111111111', region: 'us-east-1', id });

  beforeAll(async () => {
    opened = await open();
    store = opened.store;
  });
  afterAll(() => opened?.close());

  it('insert() takes a key once', async () => {
    const things = fresh();
    expect(await things.insert(store, key('a'), { name: 'first' })).toBe(true);
    expect(await things.insert(store, key('a'), { name: 'second' })).toBe(false);
    expect(await things.get(store, key('a'))).toEqual({
      key: key('a'),
      document: { name: 'first' },
      version: 1,
      parent: '',
      sort: 'a',
    });
    expect(await things.get(store, key('b'))).toBeUndefined();
  });

  it('update() writes over the expected version only, and keeps the placement unless given', async () => {
    const things = fresh();
    await things.insert(store, key('a'), { name: 'one' }, { parent: 'p', sort: 's' });
    expect(await things.update(store, key('a'), { name: 'two' }, { expectedVersion: 2 })).toBe(false);
    expect(await things.update(store, key('a'), { name: 'two' }, { expectedVersion: 1 })).toBe(true);
    expect(await things.get(store, key('a'))).toMatchObject({
      document: { name: 'two' },
      version: 2,
      parent: 'p',
      sort: 's',
    });
    expect(await things.update(store, key('a'), { name: 'three' }, { sort: 't' })).toBe(true);
    expect(await things.get(store, key('a'))).toMatchObject({ version: 3, parent: 'p', sort: 't' });
    expect(await things.update(store, key('none'), {})).toBe(false);
  });

  it('put() inserts or replaces', async () => {
    const things = fresh();
    await things.put(store, key('a'), { name: 'one' });
    await things.put(store, key('a'), { name: 'two' }, { parent: 'p' });
    await things.put(store, key('a'), { name: 'three' });
    expect(await things.get(store, key('a'))).toMatchObject({
      document: { name: 'three' },
      version: 3,
      parent: 'p',
      sort: 'a',
    });
  });

  it('delete() and deleteUnder() say what they removed', async () => {
    const things = fresh();
    for (const id of ['a', 'b', 'c']) await things.insert(store, key(id), {}, { parent: id === 'c' ? 'q' : 'p' });
    expect(await things.delete(store, key('c'))).toBe(true);
    expect(await things.delete(store, key('c'))).toBe(false);
    expect(await things.deleteUnder(store, key(''), 'p')).toBe(2);
    expect(await things.count(store)).toBe(0);
  });

  it('getMany() and getForUpdate() read what is there', async () => {
    const things = fresh();
    for (const id of ['a', 'b']) await things.insert(store, key(id), { name: id });
    const found = await things.getMany(store, key(''), ['b', 'none', 'a']);
    expect(found.map(({ document }) => document.name).sort()).toEqual(['a', 'b']);
    expect(await things.getMany(store, key(''), [])).toEqual([]);
    await store.transaction(async (tx) => {
      expect((await things.getForUpdate(tx, key('a')))?.document).toEqual({ name: 'a' });
    });
  });

  it('list() orders byte by byte, whatever the language', async () => {
    const things = fresh();
    const names = ['b', 'a', 'B', 'A', 'ä', 'Z', 'z', '_', '-', '10', '9', '日本', '😀', '\uFFFD', 'a b', 'ab'];
    for (const id of names) await things.insert(store, key(id), {});
    const byBytes = names.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    expect((await things.list(store)).map((item) => item.key.id)).toEqual(byBytes);
    expect((await things.list(store, { descending: true })).map((item) => item.key.id)).toEqual(byBytes.toReversed());
  });

  it('list() pages through everything once, in both directions, over equal sort keys', async () => {
    const things = fresh();
    const ids = seededIds(7);
    const all = Array.from({ length: 57 }, () => ({ id: ids.text(6, 'abcXYZ-'), sort: ids.text(1, 'ab') }));
    const unique = [...new Map(all.map((item) => [item.id, item])).values()];
    for (const { id, sort } of unique) await things.insert(store, key(id), {}, { parent: 'p', sort });
    await things.insert(store, key('elsewhere'), {}, { parent: 'q' });
    for (const descending of [false, true]) {
      const seen: string[] = [];
      let after: { sort: string; id: string } | undefined;
      for (;;) {
        const page = await things.list(store, { ...key(''), parent: 'p', after, descending, limit: 10 });
        for (const item of page) seen.push(`${item.sort}/${item.key.id}`);
        const last = page.at(-1);
        if (last === undefined) break;
        after = { sort: last.sort, id: last.key.id };
      }
      const expected = unique
        .map(({ id, sort }) => `${sort}/${id}`)
        .sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      expect(seen).toEqual(descending ? expected.toReversed() : expected);
    }
  });

  it('list() and count() keep to account, Region, parent and prefix', async () => {
    const things = fresh();
    await things.insert(store, { account: '1', region: 'r1', id: 'a%1' }, {});
    await things.insert(store, { account: '1', region: 'r2', id: 'a%2' }, {}, { parent: 'p' });
    await things.insert(store, { account: '2', region: 'r1', id: 'ab3' }, {});
    const idsOf = async (options: Parameters<typeof things.list>[1]): Promise<string[]> =>
      (await things.list(store, options)).map((item) => item.key.id);
    expect(await idsOf({ account: '1' })).toEqual(['a%1', 'a%2']);
    expect(await idsOf({ region: 'r1' })).toEqual(['a%1', 'ab3']);
    expect(await idsOf({ parent: 'p' })).toEqual(['a%2']);
    expect(await idsOf({ idPrefix: 'a%' })).toEqual(['a%1', 'a%2']);
    expect(await things.count(store, { account: '1' })).toBe(2);
    expect(await things.count(store, { account: '1', parent: 'p' })).toBe(1);
  });

  it('documents come back as they went in', async () => {
    const things = fresh();
    const document = {
      unicode: 'Zürich 日本 😀 \u2028 "quoted" \\ back',
      control: '\u0001\u001f\u007f\t\n',
      empty: '',
      nested: { list: [1, 2.5, -3e21, null, true, [], {}], 'key with spaces': { ä: 1 } },
      bigNumber: 9_007_199_254_740_991,
      instant: 1_790_000_000_000,
      text: 'null',
    };
    await things.put(store, key('a'), document);
    expect((await things.get(store, key('a')))?.document).toEqual(document);
    await things.put(store, key('list'), [1, 'two'] as unknown as Thing);
    expect((await things.get(store, key('list')))?.document).toEqual([1, 'two']);
  });

  it('text that PostgreSQL cannot hold is refused as a validation error, and nothing is broken', async () => {
    const things = fresh();
    for (const attempt of [
      () => things.put(store, key('a'), { name: 'nul \u0000' }),
      () => things.put(store, key('nul \u0000'), {}),
      () => things.put(store, key('a'), { name: 'half a pair \ud83d' }),
      () => store.transaction((tx) => things.insert(tx, key('a'), { name: '\u0000' })),
    ]) {
      const error: unknown = await attempt().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(isAwsError(error, 'ValidationException'), String(error)).toBe(true);
      expect(String(error)).not.toContain('nul');
    }
    expect(await things.list(store)).toEqual([]);
    await things.put(store, key('a'), { name: 'fine' });
  });

  it('large documents are kept whole', async () => {
    const things = fresh();
    const ids = seededIds(3);
    const document = { text: ids.text(1_000_000, 'abcdefghijklmnop ä'), name: 'large' };
    await things.put(store, key('a'), document);
    expect((await things.get(store, key('a')))?.document).toEqual(document);
  });

  it('transaction() commits all or nothing, and hands over after the commit', async () => {
    const things = fresh();
    const seen: string[] = [];
    await expect(
      store.transaction(async (tx) => {
        tx.afterCommit(() => seen.push('never'));
        tx.afterEnd(() => seen.push('ended'));
        await things.insert(tx, key('a'), {});
        throw new Error('on purpose');
      }),
    ).rejects.toThrow('on purpose');
    expect(await things.count(store)).toBe(0);
    const result = await store.transaction(async (tx) => {
      tx.afterEnd(() => seen.push('ended'));
      tx.afterCommit(() => seen.push('after'));
      await things.insert(tx, key('a'), {});
      await things.insert(tx, key('b'), {});
      seen.push('inside');
      return 42;
    });
    expect(result).toBe(42);
    expect(seen).toEqual(['ended', 'inside', 'after', 'ended']);
    expect(await things.count(store)).toBe(2);
  });

  it('transaction() does not commit what a swallowed failure has rolled back', async () => {
    const things = fresh();
    await expect(
      store.transaction(async (tx) => {
        await things.insert(tx, key('a'), {});
        await things.insert(tx, key('\u0000'), {}).catch(() => {});
      }),
    ).rejects.toThrow(/rolled back/);
    expect(await things.count(store)).toBe(0);
  });

  it('transaction() refuses a query after its end', async () => {
    let late: Promise<unknown> | undefined;
    await store.transaction(async (tx) => {
      late = new Promise((resolve) => setImmediate(resolve))
        .then(() => new Promise((resolve) => setTimeout(resolve, 30)))
        .then(() => tx.query('SELECT 1'));
    });
    await expect(late).rejects.toThrow(/has ended/);
  });

  it('transaction() runs again after a serialization failure or a deadlock', async () => {
    const things = fresh();
    for (const code of ['40001', '40P01']) {
      let tries = 0;
      await store.transaction(async (tx) => {
        tries += 1;
        await things.put(tx, key(code), { tries });
        if (tries < 3) await failWith(kind, tx, code);
      });
      expect(tries).toBe(3);
      expect((await things.get(store, key(code)))?.document).toEqual({ tries: 3 });
      expect((await things.get(store, key(code)))?.version).toBe(1);
    }
  });

  it('concurrent updates of one row lose nothing', async () => {
    const things = fresh();
    await things.put(store, key('a'), { n: 0 });
    await Promise.all(
      Array.from({ length: 20 }, () =>
        store.transaction(async (tx) => {
          const found = await things.getForUpdate(tx, key('a'));
          await things.update(tx, key('a'), { n: Number(found?.document['n']) + 1 });
        }),
      ),
    );
    expect(await things.get(store, key('a'))).toMatchObject({ document: { n: 20 }, version: 21 });
  });

  it('transactions that take rows in opposite order both succeed', async () => {
    const things = fresh();
    for (const id of ['a', 'b']) await things.put(store, key(id), { n: 0 });
    const add = (first: string, second: string) =>
      store.transaction(async (tx) => {
        for (const id of [first, second]) {
          const found = await things.getForUpdate(tx, key(id));
          await things.update(tx, key(id), { n: Number(found?.document['n']) + 1 });
        }
      });
    await Promise.all([add('a', 'b'), add('b', 'a'), add('a', 'b'), add('b', 'a')]);
    expect((await things.list(store)).map((item) => item.document['n'])).toEqual([4, 4]);
  });

  it('nextInSequence() counts from 1 without gaps, and a rolled-back value is given again', async () => {
    const name = `counter${++lastKind}`;
    const values = await Promise.all(Array.from({ length: 10 }, () => nextInSequence(store, name)));
    expect(values.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await store
      .transaction(async (tx) => {
        expect(await nextInSequence(tx, name)).toBe(11);
        throw new Error('on purpose');
      })
      .catch(() => {});
    expect(await nextInSequence(store, name)).toBe(11);
  });

  it('an unknown table is an error that names it', async () => {
    await expect(store.query('SELECT * FROM no_such_table')).rejects.toThrow(/no_such_table/);
    expect(await store.query('SELECT 1')).toHaveLength(1);
  });

  describe.skipIf(knownStatementsOnly === true)('any SQL', () => {
    it('bigint is a number where it is safe and text beyond', async () => {
      const rows = await store.query('SELECT $1::bigint AS safe, $2::bigint AS beyond, ARRAY[1,2]::bigint[] AS list', [
        Number.MAX_SAFE_INTEGER,
        '9007199254740993',
      ]);
      expect(rows).toEqual([{ safe: Number.MAX_SAFE_INTEGER, beyond: '9007199254740993', list: [1, 2] }]);
    });

    it('arrays, nulls, booleans and bytes are sent as they are', async () => {
      const rows = await store.query(
        'SELECT $1::text[] AS words, $2::text AS nothing, $3::boolean AS yes, $4::bytea AS bytes, cardinality($5::bigint[]) AS n',
        [['a,b', '"', '{}', 'ä', null], null, true, Buffer.from([0, 1, 255]), []],
      );
      expect(rows[0]).toMatchObject({ words: ['a,b', '"', '{}', 'ä', null], nothing: null, yes: true, n: 0 });
      expect(rows[0]?.['bytes']).toEqual(Buffer.from([0, 1, 255]));
    });

    it('a failed statement is an error and the next one works', async () => {
      await expect(store.query('SELECT * FROM no_such_table')).rejects.toThrow(/no_such_table/);
      await expect(store.query('SELECT $1::int AS n', ['not a number'])).rejects.toThrow();
      expect(await store.query('SELECT $1::int AS n', [7])).toEqual([{ n: 7 }]);
    });

    it.skipIf(kind.name.startsWith('pglite'))(
      'a commit that breaks is an error of its own, and the transaction has ended',
      async () => {
        await store.query('CREATE TABLE fragile (n integer)');
        await store.query(
          `CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'`,
        );
        await store.query(
          'CREATE CONSTRAINT TRIGGER fragile AFTER INSERT ON fragile DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_session()',
        );
        const seen: string[] = [];
        const failing = store.transaction(async (tx) => {
          tx.afterCommit(() => seen.push('committed'));
          tx.afterEnd(() => seen.push('ended'));
          await tx.query('INSERT INTO fragile VALUES (1)');
        });
        await expect(failing).rejects.toThrow(CommitUnknownError);
        expect(seen).toEqual(['ended']);
        await store.query('DROP TABLE fragile');
        await store.query('DROP FUNCTION end_session');
      },
    );

    it('more statement texts than names still work', async () => {
      for (let n = 0; n < 450; n++)
        expect(await store.query(`SELECT $1::int + ${n} AS n`, [1])).toEqual([{ n: n + 1 }]);
    });
  });
});
