/**
 * Intrinsic functions. Evaluation is partial: what is not known yet stays as it is written, so that a value evaluated
 * twice, first with the parameters and then with the resources, is what it would be at once.
 *
 * Open values are `{ Ref }` and `{ 'Fn::GetAtt' }` of resources, `{ [NO_ECHO]: name }` of secret parameters, and functions
 * of these. `Fn::Sub` of an open value becomes a `Fn::Join`.
 * Source: CloudFormation User Guide, "Intrinsic function reference".
 */
import { base64 } from './base64.ts';
import { getAtt, subArguments, TemplateFault, visit } from './template.ts';
import { isObject, isSame, type Json } from './values.ts';

/** A NoEcho parameter's value, which a plan does not hold. */
export const NO_ECHO = 'Sluice::NoEcho';

export type Names = Readonly<{
  /** A parameter, pseudo parameter or resource. Undefined: not known yet. */
  ref(name: string): Json | undefined;
  attribute?(name: string, attribute: string): Json | undefined;
  secret?(name: string): string | undefined;
  /** Undefined: there is no such condition. */
  condition?(name: string): boolean | undefined;
  mappings?: Readonly<Record<string, Json>>;
}>;

/** Throws `TemplateFault`. Undefined: `AWS::NoValue`. */
export function evaluate(value: Json, names: Names): Json | undefined {
  if (Array.isArray(value)) {
    return (value as readonly Json[]).flatMap((each) => {
      const found = evaluate(each, names);
      return found === undefined ? [] : [found];
    });
  }
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  const [key = ''] = keys;
  const argument = value[key];
  if (keys.length === 1 && argument !== undefined) {
    if (key === 'Ref' && typeof argument === 'string')
      return argument === 'AWS::NoValue' ? undefined : (names.ref(argument) ?? value);
    if (key === NO_ECHO && typeof argument === 'string') return names.secret?.(argument) ?? value;
    if (key === 'Condition' && typeof argument === 'string') return names.condition?.(argument) ?? value;
    if (key.startsWith('Fn::')) return apply(key, argument, names);
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => {
      const found = each === undefined ? undefined : evaluate(each, names);
      return found === undefined ? [] : [[name, found]];
    }),
  );
}

/** Whether anything in it is still to be known. */
export function isOpen(value: Json): boolean {
  if (hasSecret(value)) return true;
  let open = false;
  const mark = (): void => void (open = true);
  visit(value, { ref: mark, attribute: mark, condition: () => undefined });
  return open;
}

export function hasSecret(value: Json): boolean {
  if (Array.isArray(value)) return value.some((each: Json) => hasSecret(each));
  if (!isObject(value)) return false;
  return Object.entries(value).some(([key, each]) => key === NO_ECHO || (each !== undefined && hasSecret(each)));
}

/** The logical ids of the resources that a value refers to. */
export function resourcesIn(value: Json, isResource: (name: string) => boolean): string[] {
  const found = new Set<string>();
  const add = (name: string): void => void (isResource(name) && found.add(name));
  visit(value, { ref: add, attribute: add, condition: () => undefined });
  return [...found];
}

const JOIN =
  'every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.';
const SPLIT =
  'every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.';

function apply(name: string, argument: Json, names: Names): Json | undefined {
  const list = (): readonly Json[] => {
    if (!Array.isArray(argument)) throw problem(`every ${name} object requires a list of parameters`);
    return argument as readonly Json[];
  };
  switch (name) {
    case 'Fn::GetAtt': {
      const [resource, attribute] = getAtt(argument);
      return names.attribute?.(resource, attribute) ?? { [name]: [resource, attribute] };
    }
    case 'Fn::Sub':
      return substitute(argument, names);
    case 'Fn::Join': {
      const [delimiter, parts = []] = list();
      const values = evaluate(parts, names);
      if (typeof delimiter !== 'string') throw problem(JOIN);
      if (isObject(values) && isOpen(values)) return { [name]: [delimiter, values] };
      if (!Array.isArray(values)) throw problem(JOIN);
      const known = values as readonly Json[];
      if (known.some(isOpen)) return { [name]: [delimiter, known] };
      return known.map((each) => textOf(each, name)).join(delimiter);
    }
    case 'Fn::Split': {
      const [delimiter, source = ''] = list();
      const value = evaluate(source, names) ?? '';
      if (typeof delimiter !== 'string' || delimiter === '') throw problem(SPLIT);
      return isOpen(value) ? { [name]: [delimiter, value] } : textOf(value, name).split(delimiter);
    }
    case 'Fn::Select': {
      const [position = '', source = []] = list();
      const index = evaluate(position, names) ?? '';
      const values = evaluate(source, names) ?? [];
      if (isOpen(index) || (isObject(values) && isOpen(values))) return { [name]: [index, values] };
      const found = Array.isArray(values) ? (values as readonly Json[])[Number(index)] : undefined;
      if (found === undefined)
        throw problem(`Fn::Select cannot select nonexistent value at index ${textOf(index, name)}`);
      return found;
    }
    case 'Fn::Base64': {
      const value = evaluate(argument, names) ?? '';
      return isOpen(value) ? { [name]: value } : base64(textOf(value, name));
    }
    case 'Fn::FindInMap':
      return findInMap(
        list().map((each) => evaluate(each, names) ?? ''),
        names,
      );
    case 'Fn::If': {
      const [condition, then, otherwise] = list();
      if (typeof condition !== 'string' || then === undefined || otherwise === undefined)
        throw problem('Fn::If requires a list argument with three elements');
      const holds = names.condition?.(condition);
      if (holds === undefined)
        throw new TemplateFault(`Template format error: Unresolved condition dependency ${condition}`);
      return evaluate(holds ? then : otherwise, names);
    }
    case 'Fn::Equals': {
      if (list().length !== 2) throw problem('Fn::Equals requires a list argument with two elements');
      const [a, b] = list().map((each) => evaluate(each, names));
      return isSame(comparable(a), comparable(b));
    }
    case 'Fn::Not':
      return !truth(list()[0], name, names);
    case 'Fn::And':
      return list().every((each) => truth(each, name, names));
    case 'Fn::Or':
      return list().some((each) => truth(each, name, names));
    default:
      throw new TemplateFault(`${name} is not implemented by Sluice`);
  }
}

function findInMap(path: readonly Json[], { mappings }: Names): Json {
  if (path.length !== 3)
    throw problem(
      'every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value',
    );
  if (path.some(isOpen)) throw problem('Fn::FindInMap cannot refer to resources or NoEcho parameters');
  const steps = path.map((each) => textOf(each, 'Fn::FindInMap'));
  let found: Json | undefined = mappings;
  for (const step of steps) found = isObject(found) && Object.hasOwn(found, step) ? found[step] : undefined;
  if (found === undefined) throw problem(`Unable to get mapping for ${steps.join('::')}`);
  return found;
}

function substitute(argument: Json, names: Names): Json {
  const [pattern, own] = subArguments(argument);
  const parts: Json[] = [];
  let from = 0;
  for (const found of pattern.matchAll(/\$\{(!?)([^{}]+)\}/g)) {
    const [whole, literal = '', inner = ''] = found;
    parts.push(pattern.slice(from, found.index));
    from = found.index + whole.length;
    if (literal === '!') {
      parts.push(`\${${inner}}`);
      continue;
    }
    const name = inner.trim();
    const dot = name.indexOf('.');
    const given = Object.hasOwn(own, name) ? own[name] : undefined;
    const written: Json = dot > 0 ? { 'Fn::GetAtt': [name.slice(0, dot), name.slice(dot + 1)] } : { Ref: name };
    parts.push(evaluate(given ?? written, names) ?? '');
  }
  parts.push(pattern.slice(from));
  const known = parts.filter((part) => part !== '');
  if (known.some(isOpen)) return { 'Fn::Join': ['', known] };
  return known.map((each) => textOf(each, 'Fn::Sub')).join('');
}

function truth(value: Json | undefined, name: string, names: Names): boolean {
  const found = value === undefined ? undefined : evaluate(value, names);
  if (typeof found === 'boolean') return found;
  throw new TemplateFault(`Template format error: Every ${name} member must be a condition`);
}

/** Equality is of text. */
function comparable(value: Json | undefined): Json {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : (value ?? '');
}

function textOf(value: Json, name: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw problem(`${name} expects strings, found ${JSON.stringify(value)}`);
}

function problem(message: string): TemplateFault {
  return new TemplateFault(`Template error: ${message}`);
}
