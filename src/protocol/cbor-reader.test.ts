import { cbor } from '@smithy/core/cbor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CborError, parseCbor } from './cbor-reader.ts';

const of = (hex: string): unknown => parseCbor(Buffer.from(hex, 'hex'));

describe('parseCbor()', () => {
  // RFC 8949, appendix A.
  it.each<[string, unknown]>([
    ['00', 0],
    ['1903e8', 1_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['3903e7', -1_000],
    ['f90000', 0],
    ['f93c00', 1],
    ['f93e00', 1.5],
    ['f97bff', 65_504],
    ['f90001', 5.960464477539063e-8],
    ['f9c400', -4],
    ['f97c00', Number.POSITIVE_INFINITY],
    ['f97e00', Number.NaN],
    ['fa47c35000', 100_000],
    ['fb3ff199999999999a', 1.1],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['c11a514b67b0', { tag: 1, value: 1_363_896_240 }],
    ['62c3bc', 'ü'],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
    ['7f657374726561646d696e67ff', 'streaming'],
    ['5f42010243030405ff', Buffer.from([1, 2, 3, 4, 5])],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
  ])('reads %s', (hex, expected) => {
    expect(of(hex)).toEqual(expected);
  });

  it.each([
    ['', 'nothing'],
    ['ff', 'a lone break'],
    ['1c', 'a reserved length'],
    ['0000', 'two items'],
    ['9bffffffffffffffff', 'a list longer than its bytes'],
    ['5bffffffffffffffff', 'a string longer than its bytes'],
    ['a10101', 'a key that is a number'],
    ['7f4100ff', 'a byte chunk in a text'],
    ['81'.repeat(10_000), 'deep nesting'],
    ['c1'.repeat(10_000), 'deep tags'],
  ])('refuses %s: %s', (hex) => {
    expect(() => of(hex)).toThrow(CborError);
  });

  it('reads what another writer writes', () => {
    fc.assert(
      fc.property(
        fc.object({
          withNullPrototype: false,
          maxDepth: 4,
          values: [fc.string(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()],
        }),
        (value) => {
          fc.pre(!JSON.stringify(value).includes('__proto__'));
          expect(parseCbor(cbor.serialize(value))).toEqual(JSON.parse(JSON.stringify(value)));
        },
      ),
    );
  });

  it('reads any bytes or throws its own error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parseCbor(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CborError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
