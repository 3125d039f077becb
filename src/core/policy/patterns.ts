/**
 * Patterns with policy variables: `${aws:username}`, with a default `${aws:PrincipalTag/team, 'none'}`, and the
 * escapes `${*}`, `${?}`, `${$}`. What a variable stands for is literal: its own stars are no wildcards.
 * A pattern whose variable has no value matches nothing.
 * Sources: IAM User Guide, "IAM policy elements: Variables and tags" and "Resource" (incomplete ARNs, wildcards by field).
 */
import { ANY_ONE, ANY_RUN, compileGlob, fitsPieces, type Segment, segmentsOf } from './glob.ts';
import type { ContextView } from './request-context.ts';

export type Matcher = (value: string, context: ContextView) => boolean;

type Part =
  | Readonly<{ kind: 'text'; text: string }>
  | Readonly<{ kind: 'escaped'; text: string }>
  | Readonly<{ kind: 'variable'; key: string; fallback: string | undefined }>;

export type PatternOptions = Readonly<{
  /** Version 2012-10-17; before it, `${...}` is plain text. */
  variables: boolean;
  wildcards: boolean;
  /** Compare without regard to case; the value must come folded too. */
  fold?: boolean;
}>;

export function compilePattern(pattern: string, options: PatternOptions): Matcher {
  const fold = (text: string): string => (options.fold === true ? text.toLowerCase() : text);
  const parts: readonly Part[] =
    options.variables && pattern.includes('${') ? partsOf(pattern) : [{ kind: 'text', text: pattern }];
  if (parts.every((part) => part.kind === 'text')) {
    const text = fold(pattern);
    return options.wildcards ? compileGlob(text) : (value) => value === text;
  }
  const template = templateOf(parts, options.wildcards, fold);
  return (value, context) => {
    const pieces: Segment[][] = [[]];
    let length = 0;
    for (const slot of template) {
      let segment: Segment;
      if (slot === ANY_RUN) {
        pieces.push([]);
        continue;
      }
      if (typeof slot === 'object') {
        const text = context.single(slot.key) ?? slot.fallback;
        if (text === undefined) return false;
        segment = fold(text);
      } else segment = slot;
      length += segment === ANY_ONE ? 1 : segment.length;
      // However many variables a pattern holds, no more than the value's length is put together.
      if (length > value.length) return false;
      append(pieces[pieces.length - 1] as Segment[], segment);
    }
    return fitsPieces(pieces, length, value);
  };
}

type Slot = Segment | typeof ANY_RUN | Readonly<{ key: string; fallback: string | undefined }>;

function templateOf(parts: readonly Part[], wildcards: boolean, fold: (text: string) => string): readonly Slot[] {
  return parts.flatMap((part): Slot[] => {
    if (part.kind === 'variable') return [part];
    if (part.kind === 'escaped' || !wildcards) return [fold(part.text)];
    return fold(part.text)
      .split(/(\*+)/)
      .flatMap((run): Slot[] => (run.startsWith('*') ? [ANY_RUN] : segmentsOf(run)));
  });
}

function append(piece: Segment[], segment: Segment): void {
  const last = piece[piece.length - 1];
  if (typeof segment === 'string' && typeof last === 'string') piece[piece.length - 1] = last + segment;
  else if (segment !== '') piece.push(segment);
}

/** Five fields and the rest, so that a star in one field never reaches into the next. Undefined for what is no ARN. */
export function splitArn(text: string): readonly string[] | undefined {
  if (!text.startsWith('arn:')) return undefined;
  const fields: string[] = [];
  let from = 0;
  for (let i = 0; i < 5; i++) {
    const colon = text.indexOf(':', from);
    if (colon < 0) return undefined;
    fields.push(text.slice(from, colon));
    from = colon + 1;
  }
  fields.push(text.slice(from));
  return fields;
}

/** The request's resource, split once for all the patterns it is compared with. */
export type ResourceValue = Readonly<{ text: string; fields: readonly string[] | undefined }>;
export type ResourceMatcher = (resource: ResourceValue, context: ContextView) => boolean;

/** A pattern of the Resource element: wildcards in every field, variables after the fifth colon only. */
export function compileResourcePattern(pattern: string, variables: boolean): ResourceMatcher {
  if (pattern === '*') return () => true;
  const fields = splitPattern(pattern);
  if (fields === undefined) {
    const whole = compilePattern(pattern, { variables, wildcards: true });
    return (resource, context) => whole(resource.text, context);
  }
  if (fields.slice(0, 5).every((field) => !/[*?]/.test(field)) && !fields.join('').includes('${')) {
    // With five plain fields in front, the whole text fits the whole pattern exactly when every field does.
    const glob = compileGlob(fields.join(':'));
    return (resource) => glob(resource.text);
  }
  return arnFieldsMatcher(fields, (field, i) =>
    compilePattern(field, { variables: variables && i === 5, wildcards: true }),
  );
}

/** A value of the Arn operators. Unlike a resource, an incomplete ARN is not completed: it matches nothing. */
export function compileArnPattern(pattern: string, variables: boolean): Matcher {
  if (pattern === '*') return () => true;
  const fields = splitOutsideVariables(pattern);
  if (fields.length < 6) return () => false;
  const match = arnFieldsMatcher(fields, (field) => compilePattern(field, { variables, wildcards: true }));
  return (value, context) => match({ text: value, fields: splitArn(value) }, context);
}

function arnFieldsMatcher(fields: readonly string[], compile: (field: string, i: number) => Matcher): ResourceMatcher {
  // The last field is the one that tells resources apart: look at it first.
  const matchers = fields
    .map((field, i) => ({ i, any: field === '*', match: compile(field, i) }))
    .filter(({ any }) => !any)
    .reverse();
  return (resource, context) => {
    if (resource.fields === undefined) return false;
    for (const { i, match } of matchers) if (!match(resource.fields[i] ?? '', context)) return false;
    return true;
  };
}

/** "AWS automatically completes the ARN by adding wildcard characters (*) to all missing fields." */
function splitPattern(pattern: string): readonly string[] | undefined {
  const fields = splitOutsideVariables(pattern);
  if (fields.length < 2) return undefined;
  while (fields.length < 6) fields.push('*');
  return fields;
}

/** At most six fields; a colon inside `${...}` does not divide. */
function splitOutsideVariables(pattern: string): string[] {
  const fields: string[] = [];
  let from = 0;
  for (let i = 0; i < pattern.length && fields.length < 5; i++) {
    if (pattern.startsWith('${', i)) {
      const close = pattern.indexOf('}', i);
      if (close > 0) i = close;
    } else if (pattern[i] === ':') {
      fields.push(pattern.slice(from, i));
      from = i + 1;
    }
  }
  fields.push(pattern.slice(from));
  return fields;
}

function partsOf(pattern: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (let open = pattern.indexOf('${'); open >= 0; open = pattern.indexOf('${', from)) {
    const close = pattern.indexOf('}', open);
    if (close < 0) break;
    if (open > from) parts.push({ kind: 'text', text: pattern.slice(from, open) });
    parts.push(variable(pattern.slice(open + 2, close)));
    from = close + 1;
  }
  if (from < pattern.length) parts.push({ kind: 'text', text: pattern.slice(from) });
  return parts;
}

function variable(inside: string): Part {
  if (inside === '*' || inside === '?' || inside === '$') return { kind: 'escaped', text: inside };
  const comma = inside.indexOf(',');
  const key = (comma < 0 ? inside : inside.slice(0, comma)).trim().toLowerCase();
  if (comma < 0) return { kind: 'variable', key, fallback: undefined };
  const quoted = /^\s*'(.*)'\s*$/s.exec(inside.slice(comma + 1));
  return { kind: 'variable', key, fallback: quoted?.[1] };
}
