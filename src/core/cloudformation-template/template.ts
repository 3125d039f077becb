/**
 * A CloudFormation template, as JSON: read, checked, and brought to a plan.
 *
 *   text ── service parses JSON or YAML ──▶ Json ── readTemplate ──▶ Template ── makePlan ──▶ Plan
 *
 * A plan has every parameter, mapping and condition worked in; what is left open in it are references to the resources
 * that the stack will make, and values of NoEcho parameters. `evaluate` fills those in, resource by resource.
 * Refused by name: transforms, rules, modules, nested stacks, imports, exports, dynamic references, SSM parameter types.
 * Source: CloudFormation User Guide, "Template anatomy", "Intrinsic function reference".
 */
import { isObject, type Json, type JsonObject } from './values.ts';

/** What is wrong with a template, in CloudFormation's words. Thrown within this folder; `attempt` makes a result of it. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault';
}

export type Attempt<T> = Readonly<{ value: T; fault?: undefined } | { fault: string; value?: undefined }>;

export function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof TemplateFault) return { fault: error.message };
    throw error;
  }
}

export type ParameterDeclaration = Readonly<{
  type: 'String' | 'Number' | 'CommaDelimitedList' | 'List<Number>';
  default?: string;
  allowedValues?: readonly string[];
  allowedPattern?: string;
  constraintDescription?: string;
  minLength?: number;
  maxLength?: number;
  minValue?: number;
  maxValue?: number;
  noEcho: boolean;
  description?: string;
}>;

export type DeletionPolicy = 'Delete' | 'Retain' | 'RetainExceptOnCreate';

export type ResourceDeclaration = Readonly<{
  type: string;
  properties: JsonObject;
  dependsOn: readonly string[];
  condition?: string;
  deletionPolicy: DeletionPolicy;
  updateReplacePolicy: 'Delete' | 'Retain';
}>;

export type OutputDeclaration = Readonly<{ value: Json; description?: string; condition?: string }>;

export type Template = Readonly<{
  description?: string;
  metadata?: Json;
  parameters: Readonly<Record<string, ParameterDeclaration>>;
  mappings: Readonly<Record<string, Json>>;
  conditions: Readonly<Record<string, Json>>;
  resources: Readonly<Record<string, ResourceDeclaration>>;
  outputs: Readonly<Record<string, OutputDeclaration>>;
}>;

/** What the house knows of a type of resource. */
export type TypeFacts = Readonly<{
  properties: readonly string[];
  required: readonly string[];
  /** What `Fn::GetAtt` can ask for. */
  attributes: readonly string[];
}>;

const SECTIONS = new Set([
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Parameters',
  'Mappings',
  'Conditions',
  'Resources',
  'Outputs',
]);
const ABSENT_SECTIONS = new Set(['Transform', 'Rules', 'Hooks']);
const RESOURCE_KEYS = new Set([
  'Type',
  'Properties',
  'DependsOn',
  'Condition',
  'DeletionPolicy',
  'UpdateReplacePolicy',
  'Metadata',
]);
const PARAMETER_TYPES = new Set(['String', 'Number', 'CommaDelimitedList', 'List<Number>']);
const NAME = /^[a-zA-Z0-9]+$/;
const MOST = { resources: 500, parameters: 200, outputs: 200, mappings: 200 };

export const PSEUDO_PARAMETERS: ReadonlySet<string> = new Set([
  'AWS::AccountId',
  'AWS::NotificationARNs',
  'AWS::NoValue',
  'AWS::Partition',
  'AWS::Region',
  'AWS::StackId',
  'AWS::StackName',
  'AWS::URLSuffix',
]);

/** Checks all that can be checked without parameter values. `types`: by type name; a type not in it is refused. */
export function readTemplate(raw: Json, types: Readonly<Record<string, TypeFacts>>): Attempt<Template> {
  return attempt(() => {
    if (!isObject(raw)) throw new TemplateFault('Template format error: unsupported structure.');
    checkSections(raw);
    const section = (name: string): JsonObject => {
      const value = raw[name];
      if (value === undefined) return {};
      if (!isObject(value)) throw format(`Every ${name} member must be an object.`);
      return value;
    };
    const template: Template = {
      ...(raw['Description'] === undefined ? {} : { description: text(raw['Description'], 'Description') }),
      ...(raw['Metadata'] === undefined ? {} : { metadata: raw['Metadata'] }),
      parameters: mapped(section('Parameters'), 'Parameters', readParameter),
      mappings: section('Mappings') as Record<string, Json>,
      conditions: section('Conditions') as Record<string, Json>,
      resources: mapped(section('Resources'), 'Resources', readResource),
      outputs: mapped(section('Outputs'), 'Outputs', readOutput),
    };
    if (Object.keys(template.resources).length === 0) throw format('At least one Resources member must be defined.');
    checkCounts(template);
    checkTypes(template, types);
    checkReferences(template, types);
    return template;
  });
}

function checkSections(raw: JsonObject): void {
  const absent = Object.keys(raw).find((key) => ABSENT_SECTIONS.has(key));
  if (absent !== undefined) throw new TemplateFault(`The template section ${absent} is not implemented by Sluice`);
  const unknown = Object.keys(raw).filter((key) => !SECTIONS.has(key));
  if (unknown.length > 0) throw new TemplateFault(`Invalid template property or properties [${unknown.join(', ')}]`);
  const version = raw['AWSTemplateFormatVersion'];
  if (version !== undefined && version !== '2010-09-09')
    throw format(`Unsupported template version. Must be one of: 2010-09-09.`);
}

function mapped<T>(
  section: JsonObject,
  name: string,
  read: (id: string, declared: JsonObject) => T,
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(section).map(([id, declared]) => {
      if (id.startsWith('Fn::')) throw new TemplateFault(`${id} is not implemented by Sluice`);
      if (!NAME.test(id)) throw format(`${name} name ${id} is non alphanumeric.`);
      if (!isObject(declared)) throw format(`[/${name}/${id}] Every ${name} member must be an object.`);
      return [id, read(id, declared)];
    }),
  );
}

function readParameter(id: string, declared: JsonObject): ParameterDeclaration {
  const type = declared['Type'];
  if (typeof type !== 'string') throw format(`[/Parameters/${id}] Every Parameters object must contain a Type member.`);
  if (!PARAMETER_TYPES.has(type)) {
    throw new TemplateFault(
      type.startsWith('AWS::') || type.startsWith('List<AWS::')
        ? `The parameter type ${type} of ${id} is not implemented by Sluice`
        : `Template format error: Unrecognized parameter type: ${type}`,
    );
  }
  const number = (key: string): number | undefined =>
    declared[key] === undefined ? undefined : Number(scalar(declared[key], `Parameters/${id}/${key}`));
  const words = (key: string): string | undefined =>
    declared[key] === undefined ? undefined : scalar(declared[key], `Parameters/${id}/${key}`);
  const allowed = declared['AllowedValues'];
  if (allowed !== undefined && !Array.isArray(allowed))
    throw format(`[/Parameters/${id}] AllowedValues must be a list.`);
  return {
    type: type as ParameterDeclaration['type'],
    noEcho: words('NoEcho') === 'true',
    ...defined({
      default: words('Default'),
      allowedValues: (allowed as readonly Json[] | undefined)?.map((each) => scalar(each, `Parameters/${id}`)),
      allowedPattern: words('AllowedPattern'),
      constraintDescription: words('ConstraintDescription'),
      description: words('Description'),
      minLength: number('MinLength'),
      maxLength: number('MaxLength'),
      minValue: number('MinValue'),
      maxValue: number('MaxValue'),
    }),
  };
}

function readResource(id: string, declared: JsonObject): ResourceDeclaration {
  const type = declared['Type'];
  if (typeof type !== 'string') throw format(`[/Resources/${id}] Every Resources object must contain a Type member.`);
  const unknown = Object.keys(declared).find((key) => !RESOURCE_KEYS.has(key));
  if (unknown !== undefined) {
    throw ['CreationPolicy', 'UpdatePolicy'].includes(unknown)
      ? new TemplateFault(`The resource attribute ${unknown} of ${id} is not implemented by Sluice`)
      : new TemplateFault(`Invalid template resource property '${unknown}'`);
  }
  const properties = declared['Properties'] ?? {};
  if (!isObject(properties)) throw format(`[/Resources/${id}/Properties] Properties must be an object.`);
  const dependsOn = declared['DependsOn'] ?? [];
  return {
    type,
    properties,
    dependsOn: (Array.isArray(dependsOn) ? (dependsOn as readonly Json[]) : [dependsOn]).map((each) =>
      text(each, `Resources/${id}/DependsOn`),
    ),
    ...(declared['Condition'] === undefined ? {} : { condition: text(declared['Condition'], `Resources/${id}`) }),
    deletionPolicy: policy(id, 'DeletionPolicy', declared, ['Delete', 'Retain', 'RetainExceptOnCreate']),
    updateReplacePolicy: policy(id, 'UpdateReplacePolicy', declared, ['Delete', 'Retain']),
  };
}

function policy<T extends string>(id: string, key: string, declared: JsonObject, known: readonly T[]): T | 'Delete' {
  const value = declared[key] ?? 'Delete';
  const found = known.find((each) => each === value);
  if (found !== undefined) return found;
  if (value === 'Snapshot')
    throw new TemplateFault(`Template error: resource type of ${id} does not support deletion policy Snapshot`);
  throw new TemplateFault(`Template error: Unrecognized ${key} ${JSON.stringify(value)} for resource ${id}`);
}

function readOutput(id: string, declared: JsonObject): OutputDeclaration {
  if (declared['Export'] !== undefined)
    throw new TemplateFault(`The Export of output ${id} is not implemented by Sluice`);
  if (declared['Value'] === undefined)
    throw format(`[/Outputs/${id}] Every Outputs member must contain a Value object`);
  return {
    value: declared['Value'],
    ...(declared['Description'] === undefined ? {} : { description: text(declared['Description'], `Outputs/${id}`) }),
    ...(declared['Condition'] === undefined ? {} : { condition: text(declared['Condition'], `Outputs/${id}`) }),
  };
}

function checkCounts(template: Template): void {
  for (const [section, most] of Object.entries(MOST)) {
    const count = Object.keys(template[section as keyof typeof MOST]).length;
    if (count > most) throw format(`Number of ${section}, ${count}, is greater than maximum allowed, ${most}`);
  }
}

function checkTypes({ resources }: Template, types: Readonly<Record<string, TypeFacts>>): void {
  const unknown = [...new Set(Object.values(resources).map(({ type }) => type))].filter(
    (type) => !Object.hasOwn(types, type),
  );
  if (unknown.length > 0) {
    throw new TemplateFault(
      `Template format error: Unrecognized resource types: [${unknown.join(', ')}] (not implemented by Sluice, which knows ${Object.keys(types).join(', ')})`,
    );
  }
  for (const [id, { type, properties }] of Object.entries(resources)) {
    const facts = types[type];
    const strange = Object.keys(properties).filter((key) => !(facts?.properties ?? []).includes(key));
    if (strange.length > 0) {
      throw new TemplateFault(
        `Encountered unsupported properties in {/Resources/${id}/Properties}: [${strange.join(', ')}]; of ${type} Sluice implements [${(facts?.properties ?? []).join(', ')}]`,
      );
    }
    const missing = (facts?.required ?? []).filter((key) => properties[key] === undefined);
    if (missing.length > 0)
      throw new TemplateFault(
        `Properties validation failed for resource ${id} with message: [#: required key [${missing.join('], [')}] not found]`,
      );
  }
}

/** Every name that is referred to must be declared; resources only where resources exist. */
function checkReferences(template: Template, types: Readonly<Record<string, TypeFacts>>): void {
  const { resources, parameters, conditions, outputs } = template;
  const unresolved = new Set<string>();
  const known = (name: string): boolean =>
    Object.hasOwn(parameters, name) || Object.hasOwn(resources, name) || PSEUDO_PARAMETERS.has(name);
  const condition = (name: Json | undefined): void => {
    if (typeof name !== 'string' || !Object.hasOwn(conditions, name))
      throw format(`Unresolved condition dependency ${String(name)}`);
  };
  const attribute = (name: string, wanted: string): void => {
    const declared = Object.hasOwn(resources, name) ? resources[name] : undefined;
    if (declared === undefined)
      throw new TemplateFault(`Template error: instance of Fn::GetAtt references undefined resource ${name}`);
    if (!(types[declared.type]?.attributes ?? []).includes(wanted))
      throw new TemplateFault(
        `Template error: resource ${name} does not support attribute type ${wanted} in Fn::GetAtt`,
      );
  };
  const look = (value: Json): void => {
    visit(value, {
      ref: (name) => void (known(name) || unresolved.add(name)),
      attribute,
      condition,
    });
  };
  for (const [id, { properties, condition: only, dependsOn }] of Object.entries(resources)) {
    look(properties);
    if (only !== undefined) condition(only);
    const wrong = dependsOn.find((each) => !Object.hasOwn(resources, each));
    if (wrong !== undefined)
      throw format(`Unresolved resource dependencies [${wrong}] in the Resources block of the template`);
    if (dependsOn.includes(id)) throw new TemplateFault(`Circular dependency between resources: [${id}]`);
  }
  if (unresolved.size > 0)
    throw format(
      `Unresolved resource dependencies [${[...unresolved].join(', ')}] in the Resources block of the template`,
    );
  for (const { value, condition: only } of Object.values(outputs)) {
    look(value);
    if (only !== undefined) condition(only);
  }
  if (unresolved.size > 0)
    throw format(
      `Unresolved resource dependencies [${[...unresolved].join(', ')}] in the Outputs block of the template`,
    );
  for (const value of Object.values(conditions)) {
    visit(value, {
      ref: (name) => {
        if (Object.hasOwn(parameters, name) || PSEUDO_PARAMETERS.has(name)) return;
        throw format(
          `Unresolved dependencies [${name}]. Cannot reference resources in the Conditions block of the template`,
        );
      },
      attribute: (name) => {
        throw format(
          `Unresolved dependencies [${name}]. Cannot reference resources in the Conditions block of the template`,
        );
      },
      condition,
    });
  }
}

type Visitor = Readonly<{
  ref(name: string): void;
  attribute(name: string, attribute: string): void;
  condition(name: Json | undefined): void;
}>;

const FUNCTIONS = new Set([
  'Fn::GetAtt',
  'Fn::Sub',
  'Fn::Join',
  'Fn::Select',
  'Fn::Split',
  'Fn::If',
  'Fn::Equals',
  'Fn::And',
  'Fn::Or',
  'Fn::Not',
  'Fn::Base64',
  'Fn::FindInMap',
]);

/** Calls the visitor for every reference in a value, at any depth; refuses functions that there are none of. */
export function visit(value: Json, visitor: Visitor): void {
  if (typeof value === 'string' && value.includes('{{resolve:'))
    throw new TemplateFault(`Dynamic references ({{resolve:...}}) are not implemented by Sluice`);
  if (Array.isArray(value)) for (const each of value as readonly Json[]) visit(each, visitor);
  if (!isObject(value)) return;
  const keys = Object.keys(value);
  const [key = ''] = keys;
  const argument = value[key];
  if (keys.length === 1 && key === 'Ref') {
    visitor.ref(text(argument, 'Ref'));
    return;
  }
  if (keys.length === 1 && key === 'Condition' && typeof argument === 'string') {
    visitor.condition(argument);
    return;
  }
  if (key.startsWith('Fn::')) {
    if (keys.length !== 1) throw new TemplateFault(`Template error: every ${key} object must have one member`);
    if (!FUNCTIONS.has(key)) throw new TemplateFault(`${key} is not implemented by Sluice`);
  }
  if (key === 'Fn::GetAtt') {
    visitor.attribute(...getAtt(argument));
    return;
  }
  if (key === 'Fn::If') visitor.condition((argument as readonly Json[] | undefined)?.[0]);
  if (key === 'Fn::Sub') {
    const [pattern, own] = subArguments(argument);
    for (const name of subNames(pattern)) {
      if (Object.hasOwn(own, name)) continue;
      const dot = name.indexOf('.');
      if (dot < 0) visitor.ref(name);
      else visitor.attribute(name.slice(0, dot), name.slice(dot + 1));
    }
    visit(own, visitor);
    return;
  }
  for (const each of Object.values(value)) if (each !== undefined) visit(each, visitor);
}

export function getAtt(argument: Json | undefined): [string, string] {
  if (typeof argument === 'string') {
    const dot = argument.indexOf('.');
    if (dot > 0) return [argument.slice(0, dot), argument.slice(dot + 1)];
  }
  if (Array.isArray(argument) && argument.length === 2) {
    const [name, attribute] = argument as readonly Json[];
    if (typeof name === 'string' && typeof attribute === 'string') return [name, attribute];
  }
  throw new TemplateFault(
    'Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute',
  );
}

export function subArguments(argument: Json | undefined): [string, JsonObject] {
  if (typeof argument === 'string') return [argument, {}];
  if (Array.isArray(argument) && argument.length === 2) {
    const [pattern, own] = argument as readonly Json[];
    if (typeof pattern === 'string' && isObject(own)) return [pattern, own];
  }
  throw new TemplateFault(
    'Template error: One or more Fn::Sub intrinsic functions do not specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string',
  );
}

/** The names in `${...}`; `${!Literal}` is none. */
function subNames(pattern: string): string[] {
  return [...pattern.matchAll(/\$\{([^!{}][^{}]*)\}/g)].map(([, name = '']) => name.trim());
}

function text(value: Json | undefined, where: string): string {
  if (typeof value === 'string') return value;
  throw format(`[/${where}] expected a string, found ${JSON.stringify(value)}`);
}

function scalar(value: Json | undefined, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw format(`[/${where}] expected a string, found ${JSON.stringify(value)}`);
}

function format(message: string): TemplateFault {
  return new TemplateFault(`Template format error: ${message}`);
}

function defined<T extends object>(members: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}
