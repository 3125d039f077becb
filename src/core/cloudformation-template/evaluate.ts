/**
 * Evaluates the expressions of a template. Where a reference is to a resource, `Values` says what stands for it: its real
 * value when the stack is worked on, a token when two templates are only compared.
 * Source: CloudFormation User Guide, "Intrinsic function reference", "Pseudo parameters reference".
 */
import type { Json } from '../../common/index.ts';
import { isObject } from './read.ts';
import { functionOf, getAttParts, subParts } from './references.ts';
import { type Template, TemplateProblem } from './types.ts';

export type Values = Readonly<{
  template: Template;
  /** Lists are arrays. Secrets (NoEcho) in clear: never show what they went into. */
  parameters: Readonly<Record<string, Json>>;
  pseudo: Readonly<Record<string, Json>>;
  conditions: Readonly<Record<string, boolean>>;
  /** The `Ref` of a resource. */
  resource(logicalId: string): Json;
  attribute(logicalId: string, name: string): Json;
  /** Undefined: nothing is exported under that name. */
  imported(name: string): Json | undefined;
}>;

const NO_VALUE = Symbol('AWS::NoValue');
type Evaluated = Json | typeof NO_VALUE;

/** Throws `TemplateProblem`. `AWS::NoValue` at the top gives null. */
export function evaluate(value: Json, values: Values): Json {
  const found = evaluated(value, values);
  return found === NO_VALUE ? null : found;
}

function evaluated(value: Json, values: Values): Evaluated {
  const call = functionOf(value);
  if (call !== undefined) return apply(call[0], call[1], values);
  if (Array.isArray(value))
    return value.map((each: Json) => evaluated(each, values)).filter((each) => each !== NO_VALUE) as Json[];
  if (isObject(value)) {
    const entries = Object.entries(value).map(([key, each]) => [key, evaluated(each ?? null, values)] as const);
    return Object.fromEntries(entries.filter(([, each]) => each !== NO_VALUE)) as Json;
  }
  return value;
}

function apply(name: string, argument: Json, values: Values): Evaluated {
  const list = Array.isArray(argument) ? (argument as readonly Json[]) : [];
  switch (name) {
    case 'Ref':
      return reference(String(argument), values);
    case 'Fn::GetAtt': {
      const [id = '', ...attribute] = getAttParts(argument);
      return values.attribute(id, attribute.join('.'));
    }
    case 'Fn::Sub':
      return substitute(argument, values);
    case 'Fn::Join': {
      const parts = evaluate(list[1] ?? null, values);
      if (!Array.isArray(parts)) throw problem('Fn::Join requires a list of strings to be joined');
      return parts.map((part: Json) => text(part, 'Fn::Join')).join(String(list[0]));
    }
    case 'Fn::Split': {
      const whole = text(evaluate(list[1] ?? null, values), 'Fn::Split');
      return whole.split(String(list[0]));
    }
    case 'Fn::Select': {
      const index = Number(evaluate(list[0] ?? null, values));
      const from = evaluate(list[1] ?? null, values);
      if (!Array.isArray(from))
        throw problem('Fn::Select requires a list argument with two elements: an integer index and a list');
      const chosen: Json | undefined = Number.isInteger(index) ? from[index] : undefined;
      if (chosen === undefined) throw problem(`Fn::Select  cannot select nonexistent value at index ${index}`);
      return chosen;
    }
    case 'Fn::If': {
      const condition = values.conditions[String(list[0])] === true;
      return evaluated(list[condition ? 1 : 2] ?? null, values);
    }
    case 'Fn::FindInMap':
      return find(
        list.map((each) => String(evaluate(each, values))),
        values.template,
      );
    case 'Fn::Base64':
      return base64(text(evaluate(argument, values), 'Fn::Base64'));
    case 'Fn::ImportValue': {
      const exported = text(evaluate(argument, values), 'Fn::ImportValue');
      const found = values.imported(exported);
      if (found === undefined) throw new TemplateProblem(`No export named ${exported} found.`);
      return found;
    }
    default:
      throw problem(`${name} is not a function that can be used here`);
  }
}

function reference(name: string, values: Values): Evaluated {
  if (name === 'AWS::NoValue') return NO_VALUE;
  const parameter = values.parameters[name];
  if (parameter !== undefined) return parameter;
  const pseudo = values.pseudo[name];
  return pseudo === undefined ? values.resource(name) : pseudo;
}

function substitute(argument: Json, values: Values): string {
  const [template, own] = subParts(argument);
  return template.replaceAll(/\$\{([^}]*)\}/g, (_whole, inner: string) => {
    if (inner.startsWith('!')) return `\${${inner.slice(1)}}`;
    const name = inner.trim();
    const given = own[name];
    if (given !== undefined) return text(evaluate(given, values), 'Fn::Sub');
    if (!name.includes('.')) return text(evaluate({ Ref: name }, values), 'Fn::Sub');
    return text(evaluate({ 'Fn::GetAtt': name }, values), 'Fn::Sub');
  });
}

function find([map = '', key = '', attribute = '']: readonly string[], { mappings }: Template): Json {
  const mapping = mappings[map];
  if (mapping === undefined)
    throw problem(`Mapping named '${map}' is not present in the 'Mappings' section of template.`);
  const row = mapping[key];
  const found = isObject(row) ? row[attribute] : undefined;
  if (found === undefined) throw problem(`Unable to get mapping for ${map}::${key}::${attribute}`);
  return found;
}

/** Every condition of a template, by name. */
export function evaluateConditions(
  template: Template,
  values: Omit<Values, 'conditions' | 'resource' | 'attribute' | 'imported'>,
): Record<string, boolean> {
  const known: Record<string, boolean> = {};
  const all: Values = {
    ...values,
    get conditions() {
      return known;
    },
    resource: unknown,
    attribute: unknown,
    imported: unknown,
  };
  const named = (name: string): boolean => (known[name] ??= decide(template.conditions[name] ?? null));
  const decide = (expression: Json): boolean => {
    const [[key = '', argument = null] = []] = Object.entries(expression as Record<string, Json>);
    const list = Array.isArray(argument) ? (argument as readonly Json[]) : [];
    switch (key) {
      case 'Condition':
        return named(String(argument));
      case 'Fn::Equals': {
        for (const side of list) conditionsIn(side).forEach(named);
        const [left, right] = list.map((side) => JSON.stringify(plain(evaluate(side, all))));
        return left === right;
      }
      case 'Fn::And':
        return list.every((each) => decide(each));
      case 'Fn::Or':
        return list.some((each) => decide(each));
      case 'Fn::Not':
        return !decide(list[0] ?? null);
      default:
        throw problem(`${key} is not a condition function`);
    }
  };
  for (const name of Object.keys(template.conditions)) named(name);
  return known;
}

/** Equality is of text: a number and its digits are equal. */
function plain(value: Json): Json {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

function conditionsIn(value: Json): string[] {
  const call = functionOf(value);
  if (call?.[0] === 'Fn::If') {
    const list = call[1] as readonly Json[];
    return [String(list[0]), ...list.slice(1).flatMap((each) => conditionsIn(each))];
  }
  if (Array.isArray(value)) return value.flatMap((each: Json) => conditionsIn(each));
  return isObject(value) ? Object.values(value).flatMap((each) => conditionsIn(each ?? null)) : [];
}

function unknown(): never {
  throw problem('a condition cannot refer to a resource');
}

function text(value: Json, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw problem(`${where}: a value is not a string, nor a function that returns one`);
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function base64(value: string): string {
  const bytes = utf8(value);
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b, c] = [bytes[i], bytes[i + 1], bytes[i + 2]];
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    out += ALPHABET.charAt(bits >> 18) + ALPHABET.charAt((bits >> 12) & 63);
    out += b === undefined ? '=' : ALPHABET.charAt((bits >> 6) & 63);
    out += c === undefined ? '=' : ALPHABET.charAt(bits & 63);
  }
  return out;
}

function utf8(value: string): number[] {
  return [...encodeURIComponent(value.toWellFormed()).matchAll(/%([0-9A-F]{2})|(.)/g)].map(([, hex, char]) =>
    hex === undefined ? (char ?? '').charCodeAt(0) : Number.parseInt(hex, 16),
  );
}

function problem(message: string): TemplateProblem {
  return new TemplateProblem(`Template error: ${message}`);
}
