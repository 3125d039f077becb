/**
 * What names what in a template: every intrinsic function is found in its place, its form checked, and what it names must
 * exist; resources that wait for each other in a ring are refused.
 * Source: CloudFormation User Guide, "Intrinsic function reference", "DependsOn attribute".
 */
import type { Json } from '../../common/index.ts';
import { format, isObject } from './read.ts';
import { type Template, TemplateProblem } from './types.ts';

export const PSEUDO_PARAMETERS = [
  'AWS::AccountId',
  'AWS::NotificationARNs',
  'AWS::NoValue',
  'AWS::Partition',
  'AWS::Region',
  'AWS::StackId',
  'AWS::StackName',
  'AWS::URLSuffix',
];

const FUNCTIONS = [
  'Fn::Base64',
  'Fn::FindInMap',
  'Fn::GetAtt',
  'Fn::If',
  'Fn::ImportValue',
  'Fn::Join',
  'Fn::Select',
  'Fn::Split',
  'Fn::Sub',
];
const CONDITION_FUNCTIONS = ['Fn::And', 'Fn::Equals', 'Fn::Not', 'Fn::Or'];
const UNSUPPORTED = [
  'Fn::Cidr',
  'Fn::ForEach',
  'Fn::GetAZs',
  'Fn::Length',
  'Fn::ToJsonString',
  'Fn::Transform',
  'Fn::Contains',
  'Fn::RefAll',
  'Fn::ValueOf',
];

export type Reference = Readonly<{ kind: 'Ref' | 'GetAtt' | 'If' | 'Import'; name: string }>;

/** The function that an object is, and its argument; undefined for plain data. */
export function functionOf(value: Json | undefined): readonly [string, Json] | undefined {
  if (!isObject(value)) return undefined;
  const keys = Object.keys(value);
  const [key = ''] = keys;
  if (keys.length !== 1) return undefined;
  if (key !== 'Ref' && !key.startsWith('Fn::')) return undefined;
  return [key, value[key] ?? null];
}

/** The names in `${...}` of an `Fn::Sub` text, `${!literal}` left out. */
export function namesInSub(text: string): string[] {
  return [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = '']) => name.trim());
}

/** Every reference in an expression, in every branch of it. Throws `TemplateProblem` for a malformed function. */
export function referencesIn(value: Json | undefined): Reference[] {
  const call = functionOf(value);
  if (call !== undefined) return referencesOfCall(...call);
  if (Array.isArray(value)) return value.flatMap((each: Json) => referencesIn(each));
  if (isObject(value)) return Object.values(value).flatMap((each) => referencesIn(each));
  return [];
}

function referencesOfCall(name: string, argument: Json): Reference[] {
  if (name === 'Ref') {
    if (typeof argument !== 'string') throw format('All References must be of type string');
    return [{ kind: 'Ref', name: argument }];
  }
  checkCall(name, argument);
  if (name === 'Fn::GetAtt') {
    const [id, ...rest] = getAttParts(argument);
    return [{ kind: 'GetAtt', name: `${id}.${rest.join('.')}` }];
  }
  const within = referencesIn(argument);
  if (name === 'Fn::ImportValue') return [...within, { kind: 'Import', name: '' }];
  if (name === 'Fn::If') return [...within, { kind: 'If', name: String((argument as readonly Json[])[0]) }];
  if (name === 'Fn::Sub') {
    const [text, own] = subParts(argument);
    for (const used of namesInSub(text)) {
      if (own[used] !== undefined) continue;
      within.push(used.includes('.') ? { kind: 'GetAtt', name: used } : { kind: 'Ref', name: used });
    }
  }
  return within;
}

export function getAttParts(argument: Json): string[] {
  const parts = typeof argument === 'string' ? argument.split('.') : argument;
  if (!Array.isArray(parts) || parts.length < 2 || parts.some((each) => typeof each !== 'string' || each === ''))
    throw error(
      'every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute',
    );
  return parts as string[];
}

export function subParts(argument: Json): readonly [string, Readonly<Record<string, Json | undefined>>] {
  const [text, own = {}, ...more] = Array.isArray(argument) ? (argument as readonly Json[]) : [argument];
  if (typeof text !== 'string' || !isObject(own) || more.length > 0)
    throw error(
      "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string",
    );
  return [text, own];
}

function checkCall(name: string, argument: Json): void {
  if (UNSUPPORTED.includes(name)) throw new TemplateProblem(`The function ${name} is not implemented by Sluice.`);
  if (CONDITION_FUNCTIONS.includes(name))
    throw error(`${name} cannot be partially collapsed: it is allowed in Conditions alone`);
  if (!FUNCTIONS.includes(name))
    throw format(
      `Encountered unsupported function: ${name} Supported functions are: [${[...FUNCTIONS, ...CONDITION_FUNCTIONS, 'Ref'].join(', ')}]`,
    );
  const list = Array.isArray(argument) ? (argument as readonly Json[]) : undefined;
  switch (name) {
    case 'Fn::Join':
      if (list?.length !== 2 || typeof list[0] !== 'string')
        throw error(
          'every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.',
        );
      return;
    case 'Fn::Split':
      if (list?.length !== 2 || typeof list[0] !== 'string')
        throw error(
          'every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.',
        );
      return;
    case 'Fn::Select':
      if (list?.length !== 2)
        throw error('Fn::Select requires a list argument with two elements: an integer index and a list');
      return;
    case 'Fn::FindInMap':
      if (list?.length !== 3)
        throw error(
          'every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value',
        );
      return;
    case 'Fn::If':
      if (list?.length !== 3 || typeof list[0] !== 'string')
        throw error('Fn::If requires a list argument with three elements: the name of a condition and two values');
      return;
    case 'Fn::Sub':
      subParts(argument);
      return;
    default:
  }
}

/** Throws `TemplateProblem` for a name that nothing has, and for resources in a ring. */
export function checkReferences(template: Template): void {
  checkConditions(template);
  const { resources, parameters, outputs, conditions } = template;
  const waits = new Map<string, Set<string>>();
  const unresolved = new Set<string>();
  const check = (value: Json | undefined, inOutputs: boolean): Set<string> => {
    const named = new Set<string>();
    for (const { kind, name } of referencesIn(value)) {
      if (kind === 'Import') continue;
      if (kind === 'If') {
        if (conditions[name] === undefined)
          throw format(
            `Unresolved condition dependency ${name} in the ${inOutputs ? 'Outputs' : 'Resources'} block of the template`,
          );
        continue;
      }
      const id = kind === 'GetAtt' ? (name.split('.')[0] ?? '') : name;
      if (resources[id] !== undefined) named.add(id);
      else if (kind === 'GetAtt') throw error(`instance of Fn::GetAtt references undefined resource ${id}`);
      else if (parameters[id] === undefined && !PSEUDO_PARAMETERS.includes(id)) unresolved.add(id);
    }
    return named;
  };
  for (const [id, declaration] of Object.entries(resources)) {
    const named = check(declaration.properties, false);
    for (const other of declaration.dependsOn) {
      if (resources[other] === undefined) unresolved.add(other);
      else named.add(other);
    }
    if (declaration.condition !== undefined && conditions[declaration.condition] === undefined)
      throw format(`Unresolved condition dependency ${declaration.condition} in the Resources block of the template`);
    waits.set(id, named);
  }
  if (unresolved.size > 0)
    throw format(
      `Unresolved resource dependencies [${[...unresolved].join(', ')}] in the Resources block of the template`,
    );
  for (const output of Object.values(outputs)) {
    check(output.value, true);
    check(output.exportName, true);
    if (output.condition !== undefined && conditions[output.condition] === undefined)
      throw format(`Unresolved condition dependency ${output.condition} in the Outputs block of the template`);
  }
  if (unresolved.size > 0)
    throw format(
      `Unresolved resource dependencies [${[...unresolved].join(', ')}] in the Outputs block of the template`,
    );
  refuseRings(waits);
}

function checkConditions({ conditions, resources, parameters }: Template): void {
  const waits = new Map<string, Set<string>>();
  for (const [name, expression] of Object.entries(conditions)) {
    const named = new Set<string>();
    checkCondition(expression, named, (ref) => {
      if (resources[ref] !== undefined)
        throw format(
          `Unresolved dependencies [${ref}]. Cannot reference resources in the Conditions block of the template`,
        );
      if (parameters[ref] === undefined && !PSEUDO_PARAMETERS.includes(ref))
        throw format(
          `Unresolved dependencies [${ref}]. Cannot reference resources in the Conditions block of the template`,
        );
    });
    for (const other of named)
      if (conditions[other] === undefined)
        throw format(`Unresolved condition dependency ${other} in the Conditions block of the template`);
    waits.set(name, named);
  }
  refuseRings(waits, 'conditions');
}

function checkCondition(expression: Json, named: Set<string>, ref: (name: string) => void): void {
  const malformed = (): TemplateProblem =>
    format(
      'Every Condition member must be a boolean expression of Fn::And, Fn::Equals, Fn::If, Fn::Not, Fn::Or or Condition',
    );
  if (!isObject(expression)) throw malformed();
  const [[key = '', argument = null] = [], ...more] = Object.entries(expression);
  if (more.length > 0) throw malformed();
  if (key === 'Condition') {
    if (typeof argument !== 'string') throw malformed();
    named.add(argument);
    return;
  }
  const list = Array.isArray(argument) ? (argument as readonly Json[]) : undefined;
  if (key === 'Fn::Equals') {
    if (list?.length !== 2) throw error('every Fn::Equals object requires a list of 2 string parameters.');
    for (const { kind, name } of list.flatMap((each) => referencesIn(each))) {
      if (kind === 'If') named.add(name);
      else ref(kind === 'GetAtt' ? (name.split('.')[0] ?? '') : name);
    }
    return;
  }
  const [least, most] = key === 'Fn::Not' ? [1, 1] : [2, 10];
  if (key !== 'Fn::And' && key !== 'Fn::Or' && key !== 'Fn::Not') throw malformed();
  if (list === undefined || list.length < least || list.length > most)
    throw error(
      key === 'Fn::Not'
        ? 'every Fn::Not object requires one boolean parameter.'
        : `every ${key} object requires a list of at least 2 and at most 10 boolean parameters.`,
    );
  for (const each of list) checkCondition(each, named, ref);
}

/** Kahn's order; what is left over is a ring or waits for one. */
function refuseRings(waits: ReadonlyMap<string, ReadonlySet<string>>, what = 'resources'): void {
  const left = new Map([...waits].map(([id, others]) => [id, new Set(others)]));
  for (let progress = true; progress;) {
    progress = false;
    for (const [id, others] of left) {
      if ([...others].some((other) => left.has(other))) continue;
      left.delete(id);
      progress = true;
    }
  }
  if (left.size > 0) throw new TemplateProblem(`Circular dependency between ${what}: [${[...left.keys()].join(', ')}]`);
}

function error(message: string): TemplateProblem {
  return new TemplateProblem(`Template error: ${message}`);
}
