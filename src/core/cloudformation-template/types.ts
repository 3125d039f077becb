/**
 * A CloudFormation template, read. Glossary:
 * - template: parameters, mappings, conditions, resources and outputs, as JSON (YAML's short forms already written out).
 * - declaration: what the template says of one parameter or resource. - value: an expression of intrinsic functions and JSON.
 * - logical id: the name of a resource within the template. - pseudo parameter: `AWS::Region` and its like.
 * Source: CloudFormation User Guide, "Template anatomy", "Intrinsic function reference".
 */
import type { Json, JsonObject } from '../../common/index.ts';

export type Template = Readonly<{
  description?: string;
  metadata?: JsonObject;
  version?: string;
  parameters: Readonly<Record<string, ParameterDeclaration>>;
  mappings: Readonly<Record<string, JsonObject>>;
  conditions: Readonly<Record<string, Json>>;
  resources: Readonly<Record<string, ResourceDeclaration>>;
  outputs: Readonly<Record<string, OutputDeclaration>>;
}>;

export type ParameterDeclaration = Readonly<{
  type: string;
  default?: string;
  description?: string;
  noEcho: boolean;
  allowedValues?: readonly string[];
  allowedPattern?: string;
  constraintDescription?: string;
  minLength?: number;
  maxLength?: number;
  minValue?: number;
  maxValue?: number;
}>;

export type DeletionPolicy = 'Delete' | 'Retain' | 'RetainExceptOnCreate';

export type ResourceDeclaration = Readonly<{
  type: string;
  properties: JsonObject;
  dependsOn: readonly string[];
  condition?: string;
  metadata?: Json;
  deletionPolicy: DeletionPolicy;
  updateReplacePolicy: 'Delete' | 'Retain';
}>;

export type OutputDeclaration = Readonly<{ value: Json; description?: string; exportName?: Json; condition?: string }>;

/** What is wrong with a template or its parameters, in AWS's words; `services` words it as `ValidationError`. */
export class TemplateProblem extends Error {
  override readonly name = 'TemplateProblem';
}

/** Compare by name: `instanceof` fails across copies. */
export function isTemplateProblem(error: unknown): error is TemplateProblem {
  return error instanceof Error && error.name === 'TemplateProblem';
}
