/** JSON selectors of filter patterns: `{ ($.a = 1 || $.b.c != "x*") && $.d IS NULL }`. `&&` binds before `||`. */
import type { Json } from '../../common/index.ts';

export type Selector =
  | Readonly<{ type: 'All' | 'Any'; parts: readonly Selector[] }>
  | Readonly<{
      type: 'Compare';
      path: readonly string[];
      operator: '=' | '!=' | '<' | '<=' | '>' | '>=';
      value: string | number;
    }>
  | Readonly<{ type: 'Is'; path: readonly string[]; value: null | boolean }>
  | Readonly<{ type: 'NotExists'; path: readonly string[] }>;

export function parseSelector(text: string): Selector | undefined {
  const tokens = tokenize(text);
  if (tokens === undefined || tokens[0] !== '{' || tokens.at(-1) !== '}') return undefined;
  const parser = new Parser(tokens.slice(1, -1));
  const selector = parser.any();
  return selector !== undefined && parser.atEnd() ? selector : undefined;
}

export function selects(selector: Selector, value: Json): boolean {
  switch (selector.type) {
    case 'All':
      return selector.parts.every((part) => selects(part, value));
    case 'Any':
      return selector.parts.some((part) => selects(part, value));
    case 'NotExists':
      return at(value, selector.path) === undefined;
    case 'Is':
      return at(value, selector.path) === selector.value;
    case 'Compare':
      return compares(at(value, selector.path), selector.operator, selector.value);
  }
}

function compares(found: Json | undefined, operator: string, wanted: string | number): boolean {
  if (found === undefined || found === null || typeof found === 'object') return false;
  if (typeof wanted === 'number') {
    const number = typeof found === 'number' ? found : Number.NaN;
    if (operator === '=') return number === wanted;
    if (operator === '!=') return number !== wanted && !Number.isNaN(number);
    if (operator === '<') return number < wanted;
    if (operator === '<=') return number <= wanted;
    return operator === '>' ? number > wanted : number >= wanted;
  }
  const matches = wildcard(wanted, String(found));
  return operator === '=' ? matches : operator === '!=' ? !matches : false;
}

/** `*` stands for any run of characters. Linear in the text for each run of the pattern. */
function wildcard(pattern: string, text: string): boolean {
  const pieces = pattern.split('*');
  if (pieces.length === 1) return pattern === text;
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let from = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, from);
    if (found < 0 || found + piece.length > text.length - last.length) return false;
    from = found + piece.length;
  }
  return true;
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  let current: Json | undefined = value;
  for (const key of path) {
    if (current === null || typeof current !== 'object') return undefined;
    current = Object.hasOwn(current, key) ? (current as Record<string, Json>)[key] : undefined;
  }
  return current;
}

function tokenize(text: string): string[] | undefined {
  const tokens: string[] = [];
  const token = /\s*(&&|\|\||!=|<=|>=|[{}()=<>]|"(?:[^"\\]|\\.)*"|\$[\w.[\]-]*|[\w.*+:/@-]+)/y;
  let end = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    tokens.push(match[1] ?? '');
    end = token.lastIndex;
  }
  return text.slice(end).trim() === '' ? tokens : undefined;
}

class Parser {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  atEnd(): boolean {
    return this.#next === this.#tokens.length;
  }

  any(): Selector | undefined {
    return this.#joined('||', 'Any', () => this.#joined('&&', 'All', () => this.#one()));
  }

  #joined(operator: string, type: 'All' | 'Any', part: () => Selector | undefined): Selector | undefined {
    const parts: Selector[] = [];
    do {
      const next = part();
      if (next === undefined) return undefined;
      parts.push(next);
    } while (this.#take(operator));
    return parts.length === 1 ? parts[0] : { type, parts };
  }

  #one(): Selector | undefined {
    if (this.#take('(')) {
      const inner = this.any();
      return this.#take(')') ? inner : undefined;
    }
    const path = pathOf(this.#tokens[this.#next]);
    if (path === undefined) return undefined;
    this.#next += 1;
    if (this.#take('NOT')) return this.#take('EXISTS') ? { type: 'NotExists', path } : undefined;
    if (this.#take('IS')) {
      const word = this.#tokens[this.#next++];
      return word === 'NULL' || word === 'TRUE' || word === 'FALSE'
        ? { type: 'Is', path, value: word === 'NULL' ? null : word === 'TRUE' }
        : undefined;
    }
    const operator = this.#tokens[this.#next++];
    const operand = this.#tokens[this.#next++];
    if (operand === undefined || !['=', '!=', '<', '<=', '>', '>='].includes(operator ?? '')) return undefined;
    const value = operand.startsWith('"')
      ? operand.slice(1, -1).replaceAll(/\\(.)/g, '$1')
      : /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(operand)
        ? Number(operand)
        : operand;
    return { type: 'Compare', path, operator: operator as '=', value };
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#next] !== token) return false;
    this.#next += 1;
    return true;
  }
}

function pathOf(token: string | undefined): string[] | undefined {
  if (token === undefined || !token.startsWith('$')) return undefined;
  return token
    .slice(1)
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter((part) => part !== '');
}
