import { describe, expect, it } from 'vitest';
import { checkRead, parseRange } from './index.ts';

const object = { etag: 'abc', modifiedAt: 10_500 };

describe('checkRead()', () => {
  it.each([
    [{}, 'Proceed'],
    [{ ifMatch: '"abc"' }, 'Proceed'],
    [{ ifMatch: 'abc' }, 'Proceed'],
    [{ ifMatch: '"x", "abc"' }, 'Proceed'],
    [{ ifMatch: '"x"' }, { failed: 'If-Match' }],
    [{ ifNoneMatch: '"abc"' }, 'NotModified'],
    [{ ifNoneMatch: '*' }, 'NotModified'],
    [{ ifNoneMatch: '"x"' }, 'Proceed'],
    [{ ifModifiedSince: 10_000 }, 'NotModified'],
    [{ ifModifiedSince: 9_000 }, 'Proceed'],
    [{ ifUnmodifiedSince: 10_000 }, 'Proceed'],
    [{ ifUnmodifiedSince: 9_000 }, { failed: 'If-Unmodified-Since' }],
    [{ ifMatch: '"abc"', ifUnmodifiedSince: 9_000 }, 'Proceed'],
    [{ ifNoneMatch: '"x"', ifModifiedSince: 20_000 }, 'Proceed'],
  ])('answers %j', (conditions, expected) => {
    expect(checkRead(conditions, object)).toEqual(expected);
  });
});

describe('parseRange()', () => {
  it.each([
    ['bytes=0-9', { start: 0, end: 9 }],
    ['bytes=90-200', { start: 90, end: 99 }],
    ['bytes=5-', { start: 5, end: 99 }],
    ['bytes=-10', { start: 90, end: 99 }],
    ['bytes=-1000', { start: 0, end: 99 }],
    ['bytes=100-', 'Unsatisfiable'],
    ['bytes=-0', 'Unsatisfiable'],
    ['bytes=9-3', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,4-5', undefined],
    ['items=0-1', undefined],
  ])('reads %s', (header, expected) => {
    expect(parseRange(header, 100)).toEqual(expected);
  });
});
