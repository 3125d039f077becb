/**
 * Wildcard patterns: `*` is any run of characters, the empty one too; `?` is one character.
 *
 * Time is linear in the text (times the pattern's length over 32 where a long piece holds `?`), whatever the pattern:
 * the pieces between stars are searched leftmost, once, so nothing is tried twice. A backtracking regular expression
 * would let a caller's policy of a few kilobytes hold the process for minutes.
 */

/** A pattern as code units; the wildcards are negative. */
export type Units = readonly number[];
export type Glob = (text: string) => boolean;

export const ANY_ONE = -1;
export const ANY_RUN = -2;

/** Reads `*` and `?` as wildcards. */
export function wildcardUnits(text: string): number[] {
  const units: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    units.push(char === '*' ? ANY_RUN : char === '?' ? ANY_ONE : text.charCodeAt(i));
  }
  return units;
}

/** Every character stands for itself. */
export function literalUnits(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}

export function compileGlob(units: Units): Glob {
  if (!units.some((unit) => unit < 0)) {
    const literal = toText(units);
    return (text) => text === literal;
  }
  if (units.every((unit) => unit === ANY_RUN)) return () => true;
  const pieces = splitAtRuns(units);
  const head = pieces[0] ?? [];
  if (pieces.length === 1) return (text) => text.length === head.length && fitsAt(head, text, 0);
  const tail = pieces[pieces.length - 1] ?? [];
  if (pieces.length === 2 && tail.length === 0 && !head.includes(ANY_ONE)) {
    const start = toText(head);
    const last = start.length - 1;
    const lastUnit = start.charCodeAt(last);
    const unitBefore = start.charCodeAt(last - 1);
    // Resources of one kind begin alike and differ at the end of the prefix: looking there first halves a decision.
    return (text) =>
      text.charCodeAt(last) === lastUnit &&
      (last === 0 || text.charCodeAt(last - 1) === unitBefore) &&
      text.startsWith(start);
  }
  const finders = pieces
    .slice(1, -1)
    .filter((piece) => piece.length > 0)
    .map(finderOf);
  const fixedLength = head.length + tail.length;
  return (text) => {
    if (text.length < fixedLength || !fitsAt(head, text, 0)) return false;
    const end = text.length - tail.length;
    if (!fitsAt(tail, text, end)) return false;
    let at = head.length;
    for (const find of finders) {
      at = find(text, at, end);
      if (at < 0) return false;
    }
    return true;
  };
}

function splitAtRuns(units: Units): number[][] {
  const pieces: number[][] = [[]];
  for (const unit of units) {
    if (unit === ANY_RUN) pieces.push([]);
    else pieces[pieces.length - 1]?.push(unit);
  }
  return pieces;
}

function fitsAt(piece: Units, text: string, at: number): boolean {
  for (let i = 0; i < piece.length; i++) {
    const unit = piece[i];
    if (unit !== ANY_ONE && unit !== text.charCodeAt(at + i)) return false;
  }
  return true;
}

/** Returns the position after the leftmost fit in [from, end), or -1. */
type Finder = (text: string, from: number, end: number) => number;

function finderOf(piece: Units): Finder {
  if (piece.includes(ANY_ONE)) return shiftAnd(piece);
  return piece.length <= 32 ? plainSearch(toText(piece)) : knuthMorrisPratt(piece);
}

function plainSearch(literal: string): Finder {
  return (text, from, end) => {
    const at = text.indexOf(literal, from);
    return at < 0 || at + literal.length > end ? -1 : at + literal.length;
  };
}

function knuthMorrisPratt(piece: Units): Finder {
  const fallback = new Int32Array(piece.length);
  for (let i = 1, k = 0; i < piece.length; i++) {
    while (k > 0 && piece[i] !== piece[k]) k = fallback[k - 1] ?? 0;
    if (piece[i] === piece[k]) k++;
    fallback[i] = k;
  }
  return (text, from, end) => {
    let matched = 0;
    for (let i = from; i < end; i++) {
      const unit = text.charCodeAt(i);
      while (matched > 0 && unit !== piece[matched]) matched = fallback[matched - 1] ?? 0;
      if (unit === piece[matched]) matched++;
      if (matched === piece.length) return i + 1;
    }
    return -1;
  };
}

/** The bit-parallel search of Baeza-Yates and Gonnet: bit k of the state says that k + 1 units fit up to here. */
function shiftAnd(piece: Units): Finder {
  const words = Math.ceil(piece.length / 32);
  const everywhere = new Uint32Array(words);
  const masks = new Map<number, Uint32Array>();
  const set = (mask: Uint32Array, bit: number): void => {
    mask[bit >>> 5] = ((mask[bit >>> 5] ?? 0) | (1 << (bit & 31))) >>> 0;
  };
  piece.forEach((unit, bit) => unit === ANY_ONE && set(everywhere, bit));
  piece.forEach((unit, bit) => {
    if (unit === ANY_ONE) return;
    const mask = masks.get(unit) ?? Uint32Array.from(everywhere);
    set(mask, bit);
    masks.set(unit, mask);
  });
  const lastWord = words - 1;
  const lastBit = (1 << ((piece.length - 1) & 31)) >>> 0;
  return (text, from, end) => {
    const state = new Uint32Array(words);
    for (let i = from; i < end; i++) {
      const mask = masks.get(text.charCodeAt(i)) ?? everywhere;
      let carry = 1;
      for (let w = 0; w < words; w++) {
        const before = state[w] ?? 0;
        state[w] = ((before << 1) | carry) & (mask[w] ?? 0);
        carry = before >>> 31;
      }
      if (((state[lastWord] ?? 0) & lastBit) !== 0) return i + 1;
    }
    return -1;
  };
}

function toText(units: Units): string {
  let text = '';
  for (const unit of units) text += String.fromCharCode(unit);
  return text;
}
