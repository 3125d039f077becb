import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combineCrc32, combineCrc32c, combineCrc64nvme, Crc32c, Crc64nvme } from './index.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const zlibCrc = (bytes: Uint8Array): Uint8Array => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(crc32(bytes));
  return out;
};

describe('Crc32c', () => {
  it('gives the published check values', () => {
    expect(hex(new Crc32c().update(text('123456789')).digest())).toBe('e3069283');
    expect(hex(new Crc32c().update(new Uint8Array(32)).digest())).toBe('8a9136aa');
    expect(hex(new Crc32c().digest())).toBe('00000000');
  });
});

describe('Crc64nvme', () => {
  it('gives the published check values', () => {
    expect(hex(new Crc64nvme().update(text('123456789')).digest())).toBe('ae8b14860a799888');
    expect(hex(new Crc64nvme().update(new Uint8Array(4096)).digest())).toBe('6482d367eb22b64e');
  });
});

describe('combine', () => {
  it('gives the check of the whole, however it is cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), (a, b) => {
        const whole = new Uint8Array([...a, ...b]);
        expect(hex(combineCrc32(zlibCrc(a), zlibCrc(b), b.length))).toBe(hex(zlibCrc(whole)));
        for (const [Crc, combine] of [
          [Crc32c, combineCrc32c],
          [Crc64nvme, combineCrc64nvme],
        ] as const) {
          const cut = new Crc().update(a).update(b).digest();
          expect(hex(cut)).toBe(hex(new Crc().update(whole).digest()));
          expect(hex(combine(new Crc().update(a).digest(), new Crc().update(b).digest(), b.length))).toBe(hex(cut));
        }
      }),
    );
  });
});
