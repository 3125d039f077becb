import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChecksumName, createChecksum } from './checksum.ts';

function checksum(name: ChecksumName, ...chunks: (string | Uint8Array)[]): string {
  const made = createChecksum(name);
  for (const chunk of chunks) made.update(Buffer.from(chunk));
  return made.digest();
}

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

describe('createChecksum()', () => {
  // The check values of the CRC catalogue, for the text 123456789.
  it.each<[ChecksumName, string]>([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
  ])('%s has its published check value', (name, expected) => {
    expect(hex(checksum(name, '123456789'))).toBe(expected);
  });

  it('agrees with Node where Node has the algorithm', () => {
    expect(checksum('SHA1', 'abc')).toBe(createHash('sha1').update('abc').digest('base64'));
    expect(checksum('SHA256', 'abc')).toBe(createHash('sha256').update('abc').digest('base64'));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(hex(checksum('CRC32', bytes))).toBe(crc32(bytes).toString(16).padStart(8, '0'));
      }),
    );
  });

  it('is the same however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<ChecksumName>('CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'),
        fc.array(fc.uint8Array({ maxLength: 40 })),
        (name, chunks) => {
          expect(checksum(name, ...chunks)).toBe(checksum(name, Buffer.concat(chunks)));
        },
      ),
    );
  });
});
