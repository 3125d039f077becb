/**
 * A number that stands for a JSON value, to tell whether two are the same. Members that are `undefined` do not count, and the
 * order of members does not either, so that a value has the fingerprint that it still has when it comes back from a `jsonb`
 * column. 53 bits: good against mistakes, not against malice.
 */

/** Of what `JSON.parse(JSON.stringify(value))` would be; 0 to 2^53 - 1. */
export function fingerprint(value: unknown): number {
  const high = hash(value, HIGH_SEED) & 0x1f_ffff;
  return high * 0x1_0000_0000 + (hash(value, LOW_SEED) >>> 0);
}

const HIGH_SEED = 0x811c9dc5;
const LOW_SEED = 0x01000193;
const PRIME = 0x01000193;

function hash(value: unknown, seed: number): number {
  switch (typeof value) {
    case 'string':
      return text(value, seed ^ 1);
    case 'number':
      return Number.isFinite(value) ? text(String(value), seed ^ 2) : mix(seed ^ 3, 0);
    case 'boolean':
      return mix(seed ^ 4, value ? 1 : 0);
    case 'object': {
      if (value === null) return mix(seed ^ 3, 0);
      if (Array.isArray(value)) {
        let sum = seed ^ 5;
        for (const each of value) sum = mix(sum, hash(each ?? null, seed));
        return sum;
      }
      // A sum does not know the order of its members.
      let sum = seed ^ 6;
      for (const [name, member] of Object.entries(value)) {
        if (member !== undefined) sum = (sum + mix(text(name, seed), hash(member, seed))) | 0;
      }
      return mix(sum, 7);
    }
    default:
      return mix(seed ^ 3, 0);
  }
}

/** FNV-1a by code unit. */
function text(value: string, seed: number): number {
  let sum = seed;
  for (let index = 0; index < value.length; index++) sum = Math.imul(sum ^ value.charCodeAt(index), PRIME);
  return avalanche(sum);
}

function mix(one: number, other: number): number {
  return avalanche(Math.imul(one, 31) ^ other);
}

/** Every bit of the input moves about half of the output. Source: MurmurHash3, the 32-bit finaliser. */
function avalanche(sum: number): number {
  let mixed = sum ^ (sum >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
