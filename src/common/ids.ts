/**
 * Ids and random numbers come through one door, so that a seed replays a run.
 * The system source is made in `app`; `seededIds` is for tests and simulation.
 */
export interface Ids {
  /** A random RFC 9562 version 4 UUID, lower case. */
  uuid(): string;
  /** `length` characters drawn from `alphabet`. */
  text(length: number, alphabet: string): string;
  /** A number in [0, 1). */
  random(): number;
  /** Bytes fit for key material. */
  bytes(length: number): Uint8Array;
}

export const UPPER_ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
export const LOWER_ALPHANUMERIC = 'abcdefghijklmnopqrstuvwxyz0123456789';
export const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
export const HEX = '0123456789abcdef';
export const DIGITS = '0123456789';

/** Builds an `Ids` on any source of bytes. */
export function idsFrom(bytes: (length: number) => Uint8Array): Ids {
  const random = (): number => {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes(6);
    return (a * 2 ** 40 + b * 2 ** 32 + c * 2 ** 24 + d * 2 ** 16 + e * 2 ** 8 + f) / 2 ** 48;
  };
  return {
    bytes,
    random,
    text: (length, alphabet) => {
      let out = '';
      for (let i = 0; i < length; i++) out += alphabet[Math.floor(random() * alphabet.length)];
      return out;
    },
    uuid: () => {
      const raw = bytes(16);
      raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40;
      raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80;
      const hex = Array.from(raw, (byte) => byte.toString(16).padStart(2, '0')).join('');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
  };
}

/** The same ids for the same seed (mulberry32). Never for key material outside tests. */
export function seededIds(seed: number): Ids {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return idsFrom((length) => Uint8Array.from({ length }, () => next() & 0xff));
}
