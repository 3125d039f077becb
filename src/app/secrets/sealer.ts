/**
 * The house's `Sealer`.
 *
 *   "SLS" | format 0x01 | nonce (12) | tag (16) | AES-256-GCM text
 *
 * The four bytes at the front and the context are authenticated. Nonces are random: the root key is good for 2^32 seals
 * (NIST SP 800-38D, 8.3).
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { Sealer } from '../../services/index.ts';

const MARK = Buffer.from([0x53, 0x4c, 0x53, 0x01]);
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const TEXT_AT = MARK.length + NONCE_BYTES + TAG_BYTES;

/** `random` gives fresh bytes. */
export function sealerOf(rootKey: Uint8Array, random: (bytes: number) => Uint8Array): Sealer {
  const key = Buffer.from(hkdfSync('sha256', rootKey, Buffer.alloc(0), 'sluice sealer', 32));
  const bound = (context: string): Buffer => Buffer.concat([MARK, Buffer.from(context)]);
  return {
    seal(content, context) {
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(bound(context));
      const text = Buffer.concat([cipher.update(content), cipher.final()]);
      return Buffer.concat([MARK, nonce, cipher.getAuthTag(), text]);
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes.length < TEXT_AT || !bytes.subarray(0, MARK.length).equals(MARK)) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(MARK.length, MARK.length + NONCE_BYTES));
      decipher.setAAD(bound(context));
      decipher.setAuthTag(bytes.subarray(MARK.length + NONCE_BYTES, TEXT_AT));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(TEXT_AT)), decipher.final()]);
      } catch {
        return undefined;
      }
    },
  };
}
