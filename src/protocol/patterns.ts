/**
 * The models' patterns are Java regular expressions that must match the whole value. This turns one into JavaScript's,
 * or says that it cannot be done (the constraint is then not checked; a test holds the list of such patterns).
 */

/**
 * Patterns whose own form takes exponential time on text that nearly matches, and a form of linear or quadratic time
 * that matches the same text.
 */
const EQUIVALENTS: Readonly<Record<string, string>> = {
  // Header values of EventBridge connections: `[ \t]` is inside the class that it separates.
  '^[ \\t]*[\\x20-\\x7E]+([ \\t]+[\\x20-\\x7E]+)*[ \\t]*$': '[\\t\\x20-\\x7E]*[\\x20-\\x7E][\\t]*',
  '^[ \\t]*[^\\x00-\\x1F:\\x7F]+([ \\t]+[^\\x00-\\x1F:\\x7F]+)*[ \\t]*$':
    '[\\t]*[^\\x00-\\x1F:\\x7F](?:[^\\x00-\\x08\\x0A-\\x1F:\\x7F])*',
  // ECR scanning filters: the separator is optional inside a repetition of a repetition.
  '^[a-z0-9*](?:[._\\-/a-z0-9*]?[a-z0-9*]+)*$': '[a-z0-9*]+(?:[._\\-/][a-z0-9*]+)*',
};

/** Anchored at both ends, with the `u` flag; undefined when JavaScript has no such pattern. */
export function compilePattern(java: string): RegExp | undefined {
  const translated = translate(EQUIVALENTS[java] ?? java);
  if (translated === undefined) return undefined;
  try {
    return new RegExp(`^(?:${translated.source})$`, `u${translated.flags}`);
  } catch {
    return undefined;
  }
}

/** What JavaScript with the `u` flag reads otherwise than Java, step by step. */
function translate(java: string): { source: string; flags: string } | undefined {
  let flags = '';
  let text = java;
  const inline = /^\^?\(\?([ism]+)\)/.exec(text);
  if (inline !== null) {
    flags = [...new Set(inline[1])].join('');
    text = text.slice(inline[0].length);
  }
  let out = '';
  let inClass = false;
  let classStart = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (character === '\\') {
      const next = text[i + 1];
      if (next === undefined) return undefined;
      const escape = translateEscape(text, i, inClass);
      if (escape === undefined) return undefined;
      out += escape.source;
      i = escape.last;
      classStart = false;
      // Java takes `[\\w-_]` for a class, a hyphen and an underscore; JavaScript wants the hyphen escaped.
      if (inClass && escape.source.length === 2 && /[wdsWDS]/.test(next) && text[i + 1] === '-') {
        out += '\\-';
        i++;
      }
      continue;
    }
    if (inClass) {
      if (character === '^' && classStart) {
        out += '^';
        continue;
      }
      if (character === ']' && !classStart) {
        inClass = false;
        out += ']';
      } else if (character === '[') {
        // Java: a nested class. POSIX brackets (`[:alpha:]`) and unions are not worth the code.
        return undefined;
      } else if (character === '&' && text[i + 1] === '&') return undefined;
      else out += character === ']' ? '\\]' : character;
      classStart = false;
      continue;
    }
    if (character === '[') {
      inClass = true;
      classStart = true;
      out += '[';
    } else if (character === '{') {
      const quantifier = /^\{\d+(,\d*)?\}/.exec(text.slice(i));
      if (quantifier === null) out += '\\{';
      else {
        out += quantifier[0];
        i += quantifier[0].length - 1;
        if (text[i + 1] === '+') return undefined;
      }
    } else if (character === '}' || character === ']') out += `\\${character}`;
    else if ((character === '*' || character === '+' || character === '?') && text[i + 1] === '+') return undefined;
    else if (character === '(' && text.startsWith('(?>', i)) return undefined;
    else out += character;
  }
  return inClass ? undefined : { source: out, flags };
}

const POSIX: Readonly<Record<string, string>> = {
  Alpha: 'A-Za-z',
  Digit: '0-9',
  Alnum: 'A-Za-z0-9',
  Lower: 'a-z',
  Upper: 'A-Z',
  Punct: '!-\\/:-@\\[-`\\{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Space: ' \\t\\n\\u000b\\f\\r',
  XDigit: '0-9A-Fa-f',
  ASCII: '\\u0000-\\u007f',
  Cntrl: '\\u0000-\\u001f\\u007f',
};

function translateEscape(text: string, at: number, inClass: boolean): { source: string; last: number } | undefined {
  const next = text[at + 1] as string;
  const wrap = (members: string, negated: boolean): string | undefined => {
    if (inClass) return negated ? undefined : members;
    return `[${negated ? '^' : ''}${members}]`;
  };
  if (next === 'p' || next === 'P') {
    const name = /^\{(?:Is)?([A-Za-z_]+)\}/.exec(text.slice(at + 2));
    const short = /^[A-Z]/.exec(text.slice(at + 2));
    const found = name ?? short;
    if (found === null) return undefined;
    const word = name?.[1] === 'Whitespace' ? 'White_Space' : (name?.[1] ?? found[0]);
    const last = at + 1 + found[0].length;
    const posix = POSIX[word];
    const source = posix === undefined ? `\\${next}{${word}}` : wrap(posix, next === 'P');
    return source === undefined ? undefined : { source, last };
  }
  if (next === 'h') {
    const source = wrap(' \\t\\u00a0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000', false);
    return source === undefined ? undefined : { source, last: at + 1 };
  }
  if (next === 'A') return inClass ? undefined : { source: '^', last: at + 1 };
  if (next === 'z' || next === 'Z') return inClass ? undefined : { source: '$', last: at + 1 };
  if (next === 'Q' || next === 'G' || next === 'R' || next === 'X') return undefined;
  if (next === 'x') {
    const braced = /^\{([0-9A-Fa-f]{1,6})\}/.exec(text.slice(at + 2));
    if (braced !== null) return { source: `\\u{${braced[1]}}`, last: at + 1 + braced[0].length };
    const plain = /^[0-9A-Fa-f]{2}/.exec(text.slice(at + 2));
    return plain === null ? undefined : { source: `\\x${plain[0]}`, last: at + 3 };
  }
  if (next === 'u') {
    const plain = /^[0-9A-Fa-f]{4}/.exec(text.slice(at + 2));
    if (plain === null) return undefined;
    // A surrogate pair is one character under the u flag.
    const pair = /^\\u([dD][c-fC-F][0-9A-Fa-f]{2})/.exec(text.slice(at + 6));
    const high = Number.parseInt(plain[0], 16);
    if (high >= 0xd800 && high <= 0xdbff && pair !== null) {
      const low = Number.parseInt(pair[1] as string, 16);
      return { source: `\\u{${((high - 0xd800) * 0x400 + (low - 0xdc00) + 0x10000).toString(16)}}`, last: at + 11 };
    }
    return { source: `\\u${plain[0]}`, last: at + 5 };
  }
  // The line end in Java's `\s` is the same; `\v` in Java is a class, in JavaScript one character of it.
  if (/[dDwWsSbBtnrf0]/.test(next) || /[1-9]/.test(next)) return { source: `\\${next}`, last: at + 1 };
  if (/[A-Za-z]/.test(next)) return undefined;
  const needed = inClass ? /[\\\]^-]/ : /[\^$\\.*+?()[\]{}|/]/;
  return { source: needed.test(next) ? `\\${next}` : next, last: at + 1 };
}
