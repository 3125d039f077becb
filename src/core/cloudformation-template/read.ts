/**
 * Reads a template: its sections, each with what AWS refuses of it, in AWS's words. What Sluice does not implement
 * (transforms, macros, modules, rules, nested creation policies) is refused by its name, never passed over.
 * Source: CloudFormation User Guide, "Template anatomy", "Resource attribute reference".
 */
import type { Json, JsonObject } from '../../common/index.ts';
import { checkReferences } from './references.ts';
import {
  type DeletionPolicy,
  type OutputDeclaration,
  type ParameterDeclaration,
  type ResourceDeclaration,
  type Template,
  TemplateProblem,
} from './types.ts';

const SECTIONS = [
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Parameters',
  'Mappings',
  'Conditions',
  'Resources',
  'Outputs',
  'Transform',
  'Rules',
  'Hooks',
];
const RESOURCE_ATTRIBUTES = [
  'Type',
  'Properties',
  'DependsOn',
  'Condition',
  'Metadata',
  'DeletionPolicy',
  'UpdateReplacePolicy',
];
const UNSUPPORTED_ATTRIBUTES = ['CreationPolicy', 'UpdatePolicy'];
const PARAMETER_MEMBERS = [
  'Type',
  'Default',
  'Description',
  'NoEcho',
  'AllowedValues',
  'AllowedPattern',
  'ConstraintDescription',
  'MinLength',
  'MaxLength',
  'MinValue',
  'MaxValue',
];

/** Limits of a template. Source: User Guide, "CloudFormation quotas". */
const MOST_RESOURCES = 500;
const MOST_PARAMETERS = 200;
const MOST_OUTPUTS = 200;

/** Throws `TemplateProblem`. `known` says whether a resource type is implemented. */
export function readTemplate(document: Json, known: (type: string) => boolean): Template {
  if (!isObject(document)) throw format('unsupported structure.');
  const unknown = Object.keys(document).filter((key) => !SECTIONS.includes(key));
  if (unknown.length > 0) throw new TemplateProblem(`Invalid template property or properties [${unknown.join(', ')}]`);
  refuseTransforms(document['Transform']);
  for (const section of ['Rules', 'Hooks']) {
    if (document[section] !== undefined)
      throw new TemplateProblem(`The template section ${section} is not implemented by Sluice.`);
  }
  const version = document['AWSTemplateFormatVersion'];
  if (version !== undefined && version !== '2010-09-09')
    throw format(`Template format version not supported: '${textOf(version)}'`);
  const description = document['Description'];
  if (description !== undefined && typeof description !== 'string')
    throw format(`every Description object must be of type String.`);
  const metadata = document['Metadata'];
  if (metadata !== undefined && !isObject(metadata)) throw format('Metadata must be a map');
  const template: Template = {
    ...(description !== undefined && { description }),
    ...(metadata !== undefined && { metadata }),
    ...(version !== undefined && { version }),
    parameters: mapOf(section(document, 'Parameters'), readParameter),
    mappings: mapOf(section(document, 'Mappings'), readMapping),
    conditions: section(document, 'Conditions') as Record<string, Json>,
    resources: readResources(document),
    outputs: mapOf(section(document, 'Outputs'), readOutput),
  };
  limit('Parameters', Object.keys(template.parameters).length, MOST_PARAMETERS);
  limit('Resources', Object.keys(template.resources).length, MOST_RESOURCES);
  limit('Outputs', Object.keys(template.outputs).length, MOST_OUTPUTS);
  const strange = [...new Set(Object.values(template.resources).map(({ type }) => type))].filter(
    (each) => !known(each),
  );
  if (strange.length > 0) throw format(`Unrecognized resource types: [${strange.join(', ')}]`);
  checkReferences(template);
  return template;
}

function refuseTransforms(transform: Json | undefined): void {
  if (transform === undefined) return;
  const names = (Array.isArray(transform) ? transform : [transform]).map((each: Json) =>
    isObject(each) ? textOf(each['Name']) : textOf(each),
  );
  throw new TemplateProblem(
    `The transform ${names.join(', ')} is not implemented by Sluice: transforms and macros are not expanded.`,
  );
}

function readResources(document: JsonObject): Record<string, ResourceDeclaration> {
  const resources = section(document, 'Resources');
  if (Object.keys(resources).length === 0) throw format('At least one Resources member must be defined.');
  return mapOf(resources, readResource);
}

function readResource(id: string, declaration: Json): ResourceDeclaration {
  if (!/^[A-Za-z0-9]+$/.test(id)) {
    throw format(`Resource name ${id} is non alphanumeric.`);
  }
  if (id.startsWith('Fn::')) throw new TemplateProblem(`The function ${id} is not implemented by Sluice.`);
  if (!isObject(declaration)) throw format(`[/Resources/${id}] resource definition is malformed`);
  for (const key of Object.keys(declaration)) {
    if (RESOURCE_ATTRIBUTES.includes(key)) continue;
    if (UNSUPPORTED_ATTRIBUTES.includes(key))
      throw new TemplateProblem(`The attribute ${key} of resource ${id} is not implemented by Sluice.`);
    throw new TemplateProblem(`Invalid template resource property '${key}'`);
  }
  const type = declaration['Type'];
  if (typeof type !== 'string') throw format(`[/Resources/${id}] Every Resources object must contain a Type member.`);
  if (type.endsWith('::MODULE')) throw new TemplateProblem(`The module ${type} is not implemented by Sluice.`);
  const properties = declaration['Properties'] ?? {};
  if (!isObject(properties)) throw format(`[/Resources/${id}/Properties] 'null' values are not allowed in templates`);
  const depends = declaration['DependsOn'] ?? [];
  const dependsOn = Array.isArray(depends) ? depends : [depends];
  if (dependsOn.some((each) => typeof each !== 'string'))
    throw format(`DependsOn of ${id} must be a string or a list of strings.`);
  const condition = declaration['Condition'];
  if (condition !== undefined && typeof condition !== 'string') throw format(`Condition of ${id} must be a string.`);
  refuseNulls(properties, `/Resources/${id}/Properties`);
  return {
    type,
    properties,
    dependsOn: dependsOn as string[],
    ...(condition !== undefined && { condition }),
    ...(declaration['Metadata'] !== undefined && { metadata: declaration['Metadata'] }),
    deletionPolicy: policyOf(id, 'DeletionPolicy', declaration['DeletionPolicy'], [
      'Delete',
      'Retain',
      'RetainExceptOnCreate',
    ]),
    updateReplacePolicy: policyOf(id, 'UpdateReplacePolicy', declaration['UpdateReplacePolicy'], [
      'Delete',
      'Retain',
    ]) as 'Delete' | 'Retain',
  };
}

function policyOf(id: string, name: string, value: Json | undefined, allowed: readonly string[]): DeletionPolicy {
  if (value === undefined) return 'Delete';
  if (value === 'Snapshot')
    throw new TemplateProblem(`${name} Snapshot of resource ${id} is not implemented by Sluice.`);
  if (typeof value !== 'string' || !allowed.includes(value))
    throw format(`Unrecognized ${name} ${textOf(value)} for resource ${id}`);
  return value as DeletionPolicy;
}

function refuseNulls(value: Json | undefined, path: string): void {
  if (value === null) throw format(`[${path}] 'null' values are not allowed in templates`);
  if (Array.isArray(value)) value.forEach((each: Json, index) => refuseNulls(each, `${path}/${index}`));
  else if (isObject(value)) for (const [key, each] of Object.entries(value)) refuseNulls(each, `${path}/${key}`);
}

const PARAMETER_TYPES =
  /^(String|Number|CommaDelimitedList|List<(Number|String|AWS::[A-Za-z0-9:]+)>|AWS::[A-Za-z0-9:]+)$/;

function readParameter(name: string, declaration: Json): ParameterDeclaration {
  if (!/^[A-Za-z0-9]+$/.test(name)) throw format(`Parameter name ${name} is non alphanumeric.`);
  if (!isObject(declaration)) throw format(`Every Parameters object must contain a Type member.`);
  const unknown = Object.keys(declaration).filter((key) => !PARAMETER_MEMBERS.includes(key));
  if (unknown.length > 0) throw new TemplateProblem(`Invalid template parameter property '${unknown[0]}'`);
  const type = declaration['Type'];
  if (typeof type !== 'string') throw format('Every Parameters object must contain a Type member.');
  if (!PARAMETER_TYPES.test(type) && type !== SSM_STRING) throw format(`Unrecognized parameter type: ${type}`);
  if (type.startsWith('AWS::SSM::Parameter::Value<') && type !== SSM_STRING)
    throw new TemplateProblem(`The parameter type ${type} is not implemented by Sluice.`);
  const number = (key: string): number | undefined => {
    const given = declaration[key];
    if (given === undefined) return undefined;
    const found = Number(given);
    if (!Number.isFinite(found)) throw format(`${key} of parameter ${name} must be a number.`);
    return found;
  };
  const text = (key: string): string | undefined => {
    const given = declaration[key];
    if (given === undefined) return undefined;
    if (isObject(given) || Array.isArray(given) || given === null)
      throw format(`Every ${key} member must be a string.`);
    return String(given);
  };
  const allowed = declaration['AllowedValues'];
  if (allowed !== undefined && !Array.isArray(allowed))
    throw format(`AllowedValues of parameter ${name} must be a list.`);
  const noEcho = declaration['NoEcho'];
  const read = {
    type,
    default: text('Default'),
    description: text('Description'),
    noEcho: noEcho === true || noEcho === 'true',
    allowedValues: (allowed as readonly Json[] | undefined)?.map((each) => String(each)),
    allowedPattern: text('AllowedPattern'),
    constraintDescription: text('ConstraintDescription'),
    minLength: number('MinLength'),
    maxLength: number('MaxLength'),
    minValue: number('MinValue'),
    maxValue: number('MaxValue'),
  };
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined)) as ParameterDeclaration;
}

export const SSM_STRING = 'AWS::SSM::Parameter::Value<String>';

function readMapping(name: string, declaration: Json): JsonObject {
  if (!isObject(declaration)) throw format(`Every Mappings member ${name} must be a map`);
  for (const [key, value] of Object.entries(declaration)) {
    if (!isObject(value)) throw format(`Every Mappings attribute must be a map: ${name}.${key}`);
  }
  return declaration;
}

function readOutput(name: string, declaration: Json): OutputDeclaration {
  if (!isObject(declaration)) throw format(`Output ${name} is malformed.`);
  const unknown = Object.keys(declaration).filter(
    (key) => !['Value', 'Description', 'Export', 'Condition'].includes(key),
  );
  if (unknown.length > 0) throw new TemplateProblem(`Invalid template output property '${unknown[0]}'`);
  const value = declaration['Value'];
  if (value === undefined || value === null) throw format(`Output ${name} must have a Value.`);
  const { Description: description, Export: exported, Condition: condition } = declaration;
  if (exported !== undefined && (!isObject(exported) || exported['Name'] === undefined))
    throw format(`Output ${name} is malformed. The Name field of every Export member must be specified.`);
  return {
    value,
    ...(typeof description === 'string' && { description }),
    ...(exported !== undefined && { exportName: exported['Name'] as Json }),
    ...(typeof condition === 'string' && { condition }),
  };
}

function section(document: JsonObject, name: string): JsonObject {
  const found = document[name];
  if (found === undefined) return {};
  if (!isObject(found)) throw format(`${name} must be a map.`);
  return found;
}

function mapOf<T>(object: JsonObject, read: (name: string, value: Json) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, read(name, value ?? null)]));
}

function limit(what: string, count: number, most: number): void {
  if (count > most) throw format(`Number of ${what.toLowerCase()}, ${count}, is greater than maximum allowed, ${most}`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function format(message: string): TemplateProblem {
  return new TemplateProblem(`Template format error: ${message}`);
}
