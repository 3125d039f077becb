/**
 * Wildcard patterns: `*` is any run of characters, the empty one too; `?` is one character.
 *
 * Time is linear in the text (times the pattern's length over 32 where a long piece holds `?`), whatever the pattern:
 * the pieces between stars are searched leftmost, once, so nothing is tried twice. The engine's own `indexOf` is quickest for
 * short texts and for seeing that something is not there; for a long piece it can take time in the product of both lengths
 * (230 µs where Knuth-Morris-Pratt takes 5), so that it is never asked for more than 32 characters. A backtracking regular expression
 * would let a caller's policy of a few kilobytes hold the process for minutes.
 */

/** A pattern as code units; the wildcards are negative. */
type Units = readonly number[];
export type Glob = (text: string) => boolean;

export const ANY_ONE = -1;
export const ANY_RUN = -2;

/** Every character stands for itself. */
function literalUnits(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}

/**
 * Only what every text is compared with is made at once: a policy may hold thousands of patterns, and be decided on once.
 */
export function compileGlob(pattern: string): Glob {
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  const pieces = pattern.split(/\*+/);
  const [head = ''] = pieces;
  const tail = pieces[pieces.length - 1] ?? '';
  const startsRight = fitOf(head);
  if (pieces.length === 1) return (text) => text.length === head.length && startsRight(text, 0);
  if (pieces.length === 2 && tail === '') {
    if (head === '') return () => true;
    if (!head.includes('?')) return prefixGlob(head);
  }
  const endsRight = fitOf(tail);
  const finders = pieces.slice(1, -1).map((piece) => finderOf(segmentsOf(piece)));
  const fixedLength = head.length + tail.length;
  const [only] = finders;
  if (finders.length === 1 && only !== undefined && fixedLength === 0) return (text) => only(text, 0, text.length) >= 0;
  return (text) => {
    const end = text.length - tail.length;
    if (text.length < fixedLength || !startsRight(text, 0) || !endsRight(text, end)) return false;
    let at = head.length;
    for (let i = 0; i < finders.length && at >= 0; i++) at = (finders[i] as Finder)(text, at, end);
    return at >= 0;
  };
}

/** Resources of one kind begin alike and differ at the end of the prefix: looking there first halves a decision. */
function prefixGlob(start: string): Glob {
  const last = start.length - 1;
  const lastUnit = start.charCodeAt(last);
  const unitBefore = start.charCodeAt(last - 1);
  return (text) =>
    text.charCodeAt(last) === lastUnit &&
    (last === 0 || text.charCodeAt(last - 1) === unitBefore) &&
    text.startsWith(start);
}

function fitOf(piece: string): (text: string, at: number) => boolean {
  if (piece === '') return () => true;
  if (!piece.includes('?')) return (text, at) => text.startsWith(piece, at);
  const segments = segmentsOf(piece);
  return (text, at) => fitsSegments(segments, text, at);
}

/** `?` stands for one character. */
export function segmentsOf(piece: string): Segment[] {
  return (piece.match(/\?|[^?]+/g) ?? []).map((run) => (run === '?' ? ANY_ONE : run));
}

// --- patterns that are known only with the request: their variables filled in ---

/** A run of text, or one character of any kind. */
export type Segment = string | typeof ANY_ONE;

/** `pieces` stand between the stars; their text is `length` long together. Nothing is compiled: it would be used once. */
export function fitsPieces(pieces: readonly (readonly Segment[])[], length: number, text: string): boolean {
  const [head = []] = pieces;
  if (length > text.length) return false;
  if (pieces.length === 1) return length === text.length && fitsSegments(head, text, 0);
  const tail = pieces[pieces.length - 1] ?? [];
  const end = text.length - lengthOf(tail);
  if (!fitsSegments(head, text, 0) || !fitsSegments(tail, text, end)) return false;
  let at = lengthOf(head);
  for (const piece of pieces.slice(1, -1)) {
    if (piece.length > 0) at = finderOf(piece)(text, at, end);
    if (at < 0) return false;
  }
  return at <= end;
}

function fitsSegments(piece: readonly Segment[], text: string, from: number): boolean {
  let at = from;
  for (const segment of piece) {
    if (segment === ANY_ONE) at++;
    else if (text.startsWith(segment, at)) at += segment.length;
    else return false;
  }
  return true;
}

function lengthOf(piece: readonly Segment[]): number {
  return piece.reduce((length: number, segment) => length + (segment === ANY_ONE ? 1 : segment.length), 0);
}

/** Returns the position after the leftmost fit in [from, end), or -1. */
type Finder = (text: string, from: number, end: number) => number;

function finderOf(piece: readonly Segment[]): Finder {
  const [only] = piece;
  if (piece.length === 1 && typeof only === 'string') return only.length <= 32 ? plainSearch(only) : longSearch(only);
  const [first, second] = needlesOf(piece);
  let search: Finder | undefined;
  const searched: Finder = (text, from, end) => {
    if (search === undefined) {
      const units = piece.flatMap((segment) => (segment === ANY_ONE ? [ANY_ONE] : literalUnits(segment)));
      search = units.length <= 32 ? shiftAndOneWord(units) : shiftAnd(units);
    }
    return search(text, from, end);
  };
  if (first === undefined) return searched;
  const { text: needle, offset } = first;
  return (text, from, end) => {
    // Before this no fit can begin. The engine's own search is many times as quick as ours.
    const at = text.indexOf(needle, from + offset);
    if (at < 0) return -1;
    const start = second === undefined ? at - offset : earliest(second, text, at - offset, end);
    return start < 0 ? -1 : searched(text, start, end);
  };
}

type Needle = Readonly<{ text: string; offset: number }>;

/** The two longest runs of text of a piece, the first 32 characters of each, and where in it they are. */
function needlesOf(piece: readonly Segment[]): readonly Needle[] {
  const needles: Needle[] = [];
  let offset = 0;
  for (const segment of piece) {
    if (segment !== ANY_ONE) needles.push({ text: segment.slice(0, 32), offset });
    offset += segment === ANY_ONE ? 1 : segment.length;
  }
  return needles.sort((a, b) => b.text.length - a.text.length).slice(0, 2);
}

/** Where a piece with this in it can begin at the earliest; -1 for nowhere. */
function earliest({ text: needle, offset }: Needle, text: string, from: number, end: number): number {
  const at = text.indexOf(needle, from + offset);
  return at < 0 || at + needle.length > end ? -1 : at - offset;
}

function plainSearch(literal: string): Finder {
  return (text, from, end) => {
    const at = text.indexOf(literal, from);
    return at < 0 || at + literal.length > end ? -1 : at + literal.length;
  };
}

/** Knuth-Morris-Pratt, made where it is needed: the end of a piece is where one differs from the next, and most stop there. */
function longSearch(literal: string): Finder {
  const end16 = literal.slice(-16);
  let search: Finder | undefined;
  return (text, from, end) => {
    if (!text.includes(end16, from)) return -1;
    return (search ??= knuthMorrisPratt(literalUnits(literal)))(text, from, end);
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

/** What every unit of a piece allows, one bit a place; zero except while a search runs, so that all can share it. */
const scratch = new Int32Array(65_536);

/** `shiftAnd` for a piece of at most 32 units. */
function shiftAndOneWord(piece: Units): Finder {
  let everywhere = 0;
  piece.forEach((unit, bit) => {
    if (unit === ANY_ONE) everywhere |= 1 << bit;
  });
  const accept = 1 << (piece.length - 1);
  return (text, from, end) => {
    for (let bit = 0; bit < piece.length; bit++) {
      const unit = piece[bit] ?? 0;
      if (unit >= 0) scratch[unit] = (scratch[unit] ?? 0) | (1 << bit);
    }
    let found = -1;
    for (let i = from, state = 0; i < end; i++) {
      state = ((state << 1) | 1) & ((scratch[text.charCodeAt(i)] ?? 0) | everywhere);
      if ((state & accept) !== 0) {
        found = i + 1;
        break;
      }
    }
    for (const unit of piece) if (unit >= 0) scratch[unit] = 0;
    return found;
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
