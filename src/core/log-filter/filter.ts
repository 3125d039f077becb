/**
 * CloudWatch Logs filter patterns: terms (`A B`, `?A ?B`, `-A`, `"exact phrase"`, `%regex%`) and JSON selectors
 * (`{ $.status = 500 && $.path = "/x*" }`). Space-delimited patterns (`[a, b]`) are refused by name.
 * Source: CloudWatch Logs User Guide, "Filter pattern syntax".
 */
import type { Json } from '../../common/index.ts';
import { parseSelector, type Selector, selects } from './selector.ts';

export type LogFilter = (message: string) => boolean;

export type CompiledFilter = Readonly<{ filter: LogFilter }> | Readonly<{ invalid: string }>;

export function compileFilter(pattern: string | undefined): CompiledFilter {
  const text = (pattern ?? '').trim();
  if (text === '') return { filter: () => true };
  if (text.startsWith('{')) return compileJson(text);
  if (text.startsWith('[')) return { invalid: 'Space-delimited filter patterns are not implemented by Sluice' };
  return compileTerms(text);
}

function compileJson(text: string): CompiledFilter {
  const selector: Selector | undefined = parseSelector(text);
  if (selector === undefined) return { invalid: 'Invalid filter pattern' };
  return {
    filter: (message) => {
      let value: Json;
      try {
        value = JSON.parse(message) as Json;
      } catch {
        return false;
      }
      return selects(selector, value);
    },
  };
}

type Term = Readonly<{ kind: 'Required' | 'Optional' | 'Excluded'; matches: (message: string) => boolean }>;

function compileTerms(text: string): CompiledFilter {
  const terms: Term[] = [];
  const token = /\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]+)%|([^\s"%]+))/gy;
  let end = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    end = token.lastIndex;
    const [, sign, quoted, regex, bare] = match;
    const kind = sign === '?' ? 'Optional' : sign === '-' ? 'Excluded' : 'Required';
    if (regex !== undefined) {
      const compiled = compileRegex(regex);
      if (compiled === undefined) return { invalid: 'Invalid filter pattern' };
      terms.push({ kind, matches: (message) => compiled.test(message) });
    } else {
      const needle = quoted === undefined ? (bare ?? '') : quoted.replaceAll(/\\(.)/g, '$1');
      if (quoted === undefined && !/^[\w]+$/u.test(needle))
        return { invalid: 'Invalid filter pattern: a term with non-alphanumeric characters must be in double quotes' };
      terms.push({ kind, matches: (message) => message.includes(needle) });
    }
  }
  if (text.slice(end).trim() !== '' || terms.length === 0) return { invalid: 'Invalid filter pattern' };
  const required = terms.filter((term) => term.kind === 'Required');
  const optional = terms.filter((term) => term.kind === 'Optional');
  const excluded = terms.filter((term) => term.kind === 'Excluded');
  return {
    filter: (message) =>
      required.every((term) => term.matches(message)) &&
      !excluded.some((term) => term.matches(message)) &&
      (required.length > 0 || optional.length === 0 || optional.some((term) => term.matches(message))),
  };
}

/** The service's subset: no groups, so nothing can backtrack without bound. */
function compileRegex(source: string): RegExp | undefined {
  if (/[()|]/.test(source.replaceAll(/\\./g, '')) || source.length > 256 || (source.match(/[*+{]/g) ?? []).length > 3)
    return undefined;
  try {
    return new RegExp(source);
  } catch {
    return undefined;
  }
}
