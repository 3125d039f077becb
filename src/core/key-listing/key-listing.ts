/**
 * Keys in the order of their UTF-8 bytes (which is the order of code points), and the groups that a delimiter makes.
 * Source: S3 User Guide, "Organizing objects using prefixes"; API Reference, `ListObjectsV2`.
 */

/**
 * The least text that is greater than every text that starts with `prefix`; undefined when there is none (an empty
 * prefix, or the last code point all the way).
 */
export function successor(prefix: string): string | undefined {
  const points = Array.from(prefix);
  while (points.length > 0) {
    const last = points.pop()?.codePointAt(0) ?? 0;
    if (last < 0x10ffff) {
      // The surrogates are no code points of a text.
      const next = last === 0xd7ff ? 0xe000 : last + 1;
      return points.join('') + String.fromCodePoint(next);
    }
  }
  return undefined;
}

/** The group that `key` falls into: `prefix` and what follows up to the delimiter, included. Undefined: it stands alone. */
export function commonPrefixOf(key: string, prefix: string, delimiter: string | undefined): string | undefined {
  if (delimiter === undefined || delimiter === '' || !key.startsWith(prefix)) return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

/** Compares as UTF-8 bytes would. JavaScript's own order differs beyond the basic plane. */
export function keyBytesOrder(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // A surrogate (part of a code point above 0xffff) comes after every other unit.
    if (x >= 0xd800 && x <= 0xdfff) x += 0x10000;
    if (y >= 0xd800 && y <= 0xdfff) y += 0x10000;
    return x - y;
  }
  return a.length - b.length;
}
