/** Ids made from what they stand for, where making something twice must make one thing. */
import { createHash } from 'node:crypto';

/** A UUID (version 4 in form) that is the same for the same text. */
export function uuidFrom(text: string): string {
  const raw = createHash('sha256').update(text).digest().subarray(0, 16);
  raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40;
  raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80;
  const hex = raw.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
