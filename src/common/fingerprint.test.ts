import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprint } from './fingerprint.ts';

/** The same value with the members of its objects in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name, reversed(member)])
      .toReversed(),
  );
}

test('fingerprint() is that of the value as JSON, whatever the order of its members', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const found = fingerprint(value);
      expect(Number.isSafeInteger(found) && found >= 0).toBe(true);
      expect(fingerprint(JSON.parse(JSON.stringify(value)))).toBe(found);
      expect(fingerprint(reversed(value))).toBe(found);
    }),
  );
});

test('fingerprint() does not count members that are undefined', () => {
  expect(fingerprint({ a: 1, b: undefined })).toBe(fingerprint({ a: 1 }));
  expect(fingerprint([undefined])).toBe(fingerprint([null]));
});

test('fingerprint() tells different values apart', () => {
  const values = fc.uniqueArray(fc.jsonValue(), {
    minLength: 2,
    maxLength: 40,
    selector: (value) => JSON.stringify(sorted(JSON.parse(JSON.stringify(value)))),
  });
  fc.assert(
    fc.property(values, (all) => {
      expect(new Set(all.map(fingerprint)).size).toBe(all.length);
    }),
  );
  expect(fingerprint({ a: 'b' })).not.toBe(fingerprint({ b: 'a' }));
  expect(fingerprint({ a: { b: 1 }, c: {} })).not.toBe(fingerprint({ a: {}, c: { b: 1 } }));
  expect(fingerprint([1, 2])).not.toBe(fingerprint([2, 1]));
  expect(fingerprint('1')).not.toBe(fingerprint(1));
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name, sorted(member)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
