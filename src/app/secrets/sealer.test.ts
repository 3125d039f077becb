import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sealerOf } from './sealer.ts';

const sealer = sealerOf(randomBytes(32), (bytes) => randomBytes(bytes));

describe('sealerOf()', () => {
  it('opens what it sealed, of any length, under its context alone', () => {
    for (const content of [Buffer.alloc(0), Buffer.from('secret'), randomBytes(10_000)]) {
      const sealed = sealer.seal(content, 'a');
      expect(sealer.open(sealed, 'a')).toEqual(content);
      expect(sealer.open(sealed, 'b')).toBeUndefined();
      expect(sealer.open(new Uint8Array(sealed), 'a')).toEqual(content);
    }
  });

  it('opens nothing that was changed, cut or sealed elsewhere', () => {
    const sealed = sealer.seal(Buffer.from('secret'), 'a');
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(sealer.open(changed, 'a')).toBeUndefined();
      expect(sealer.open(sealed.subarray(0, at), 'a')).toBeUndefined();
    }
    expect(sealerOf(randomBytes(32), (bytes) => randomBytes(bytes)).open(sealed, 'a')).toBeUndefined();
  });
});
