import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonPrefixOf, keyBytesOrder, successor } from './index.ts';

const anyText = fc.string({ unit: 'grapheme', maxLength: 6 });

describe('keyBytesOrder()', () => {
  it('is the order of the bytes', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        expect(Math.sign(keyBytesOrder(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});

describe('successor()', () => {
  it('comes after everything with the prefix, and before everything else that does', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (prefix, rest, other) => {
        const next = successor(prefix);
        if (next === undefined) return;
        expect(keyBytesOrder(prefix + rest, next)).toBeLessThan(0);
        if (!other.startsWith(prefix) && keyBytesOrder(other, prefix) > 0) {
          expect(keyBytesOrder(other, next)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('has none for the empty prefix', () => {
    expect(successor('')).toBeUndefined();
    expect(successor('a\u{10ffff}')).toBe('b');
    expect(successor('\ud7ff')).toBe('\ue000');
  });
});

describe('commonPrefixOf()', () => {
  it('ends with the first delimiter after the prefix', () => {
    expect(commonPrefixOf('a/b/c', '', '/')).toBe('a/');
    expect(commonPrefixOf('a/b/c', 'a/', '/')).toBe('a/b/');
    expect(commonPrefixOf('a/b', 'a/', '/')).toBeUndefined();
    expect(commonPrefixOf('a--b--c', 'a', '--')).toBe('a--');
    expect(commonPrefixOf('b', 'a', '/')).toBeUndefined();
  });
});
