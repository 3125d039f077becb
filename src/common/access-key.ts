/**
 * Access key ids: 20 characters that carry their account. The 16 after the prefix are base32 of ten bytes; bits 7 to 46
 * of the first six bytes are the account number, and the top bit says so.
 * The encoding is not documented; tools of the field rely on it. Here it names an account, and never grants anything.
 */
import type { Ids } from './ids.ts';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export type AccessKeyPrefix = 'AKIA' | 'ASIA' | 'ACCA';

export function newAccessKeyId(ids: Ids, prefix: AccessKeyPrefix, account: string): string {
  let noise = 0n;
  for (const byte of ids.bytes(5)) noise = (noise << 8n) | BigInt(byte);
  let value = (1n << 79n) | (BigInt(account) << 39n) | (noise & ((1n << 39n) - 1n));
  let text = '';
  for (let i = 0; i < 16; i++) {
    text = (BASE32[Number(value & 31n)] ?? '') + text;
    value >>= 5n;
  }
  return prefix + text;
}

/** Undefined for what is no access key id. */
export function accountOfAccessKeyId(accessKeyId: string): string | undefined {
  if (!/^A[A-Z]{3}[A-Z2-7]{16}$/.test(accessKeyId)) return undefined;
  let value = 0n;
  for (const char of accessKeyId.slice(4)) value = (value << 5n) | BigInt(BASE32.indexOf(char));
  const account = ((value >> 39n) & ((1n << 40n) - 1n)).toString().padStart(12, '0');
  return account.length === 12 ? account : undefined;
}
