/** Where the statements of a policy stand in its text, as policy simulation tells it. */

export type Position = Readonly<{ Line: number; Column: number }>;
export type Span = Readonly<{ start: Position; end: Position }>;

/**
 * In order; of a text that is a JSON object. Lines from 1. A position is the one after the brace that it is about, as in
 * AWS's own answers. Source: AWS CLI Command Reference, "simulate-custom-policy", Examples.
 */
export function statementSpans(text: string): readonly Span[] {
  return new Scanner(text).statements().map(([start, end]) => ({
    start: positionOf(text, start + 1),
    end: positionOf(text, end),
  }));
}

function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { Line: before.split('\n').length, Column: offset - lineStart + 1 };
}

type Range = readonly [start: number, end: number];

/** Walks valid JSON by its brackets and strings; nesting costs no stack. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  statements(): readonly Range[] {
    this.#toNext('{');
    for (;;) {
      const key = this.#string();
      if (key === undefined) return [];
      this.#toNext(':');
      const value = this.#value();
      if (key === 'Statement') return this.#text[value[0]] === '[' ? this.#elements(value) : [value];
      if (this.#skipSpace() !== ',') return [];
      this.#at++;
    }
  }

  #elements([start]: Range): readonly Range[] {
    const found: Range[] = [];
    this.#at = start + 1;
    while (this.#skipSpace() === '{') {
      found.push(this.#value());
      if (this.#skipSpace() === ',') this.#at++;
    }
    return found;
  }

  /** From its first character to after its last. */
  #value(): Range {
    this.#skipSpace();
    const start = this.#at;
    let depth = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at];
      if (char === '"') this.#toStringEnd();
      else if (char === '{' || char === '[') depth++;
      else if (char === '}' || char === ']') {
        if (depth === 0) break;
        depth--;
        if (depth === 0) return [start, ++this.#at];
      } else if (char === ',' && depth === 0) break;
    }
    return [start, this.#at];
  }

  #string(): string | undefined {
    if (this.#skipSpace() !== '"') return undefined;
    const start = this.#at;
    this.#toStringEnd();
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  /** On the opening quote; then on the closing one. */
  #toStringEnd(): void {
    for (this.#at++; this.#at < this.#text.length && this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#text[this.#at] === '\\') this.#at++;
    }
  }

  #toNext(char: string): void {
    while (this.#at < this.#text.length && this.#text[this.#at] !== char) this.#at++;
    this.#at++;
  }

  #skipSpace(): string | undefined {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
    return this.#text[this.#at];
  }
}
