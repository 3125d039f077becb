/** What a stack of a template with its parameters is to have. */
import { evaluate, hasSecret, type Names, NO_ECHO, resourcesIn } from './evaluate.ts';
import { isList, members } from './parameters.ts';
import { type Attempt, attempt, type DeletionPolicy, type Template, TemplateFault } from './template.ts';
import { isObject, type Json, type JsonObject } from './values.ts';

export type PlannedResource = Readonly<{
  type: string;
  /** References to resources and NoEcho parameters are open. */
  properties: JsonObject;
  /** Logical ids: what must be there before it. */
  dependsOn: readonly string[];
  deletionPolicy: DeletionPolicy;
  updateReplacePolicy: 'Delete' | 'Retain';
}>;

export type PlannedOutput = Readonly<{ value: Json; description?: string }>;

export type Plan = Readonly<{
  resources: Readonly<Record<string, PlannedResource>>;
  outputs: Readonly<Record<string, PlannedOutput>>;
}>;

export type PlanInput = Readonly<{
  values: Readonly<Record<string, string>>;
  /** By name of a NoEcho parameter: what stands for its value in the plan; another one when the value is another. */
  secrets: Readonly<Record<string, string>>;
  pseudo: Readonly<{ account: string; region: string; stackId: string; stackName: string }>;
}>;

export function makePlan(template: Template, { values, secrets, pseudo }: PlanInput): Attempt<Plan> {
  return attempt(() => {
    const known = pseudoParameters(pseudo);
    const parameter = (name: string, hideSecrets: boolean): Json | undefined => {
      if (Object.hasOwn(known, name)) return known[name];
      const declared = Object.hasOwn(template.parameters, name) ? template.parameters[name] : undefined;
      const value = values[name];
      if (declared === undefined || value === undefined) return undefined;
      if (declared.noEcho && hideSecrets) return { [NO_ECHO]: secrets[name] ?? name };
      return isList(declared) ? members(value) : value;
    };
    const condition = conditionsOf(template, (name) => parameter(name, false));
    const names: Names = { ref: (name) => parameter(name, true), condition, mappings: template.mappings };
    const active = Object.entries(template.resources).filter(
      ([, declared]) => declared.condition === undefined || condition(declared.condition),
    );
    const ids = new Set(active.map(([id]) => id));
    const isResource = (name: string): boolean => Object.hasOwn(template.resources, name);
    const referred = (value: Json, block: string): string[] => {
      const found = resourcesIn(value, isResource);
      const absent = found.filter((id) => !ids.has(id));
      if (absent.length === 0) return found;
      throw new TemplateFault(
        `Template format error: Unresolved resource dependencies [${absent.join(', ')}] in the ${block} block of the template`,
      );
    };
    const resources = Object.fromEntries(
      active.map(([id, { type, deletionPolicy, updateReplacePolicy, ...declared }]) => {
        const properties = evaluate(declared.properties, names) ?? {};
        if (!isObject(properties)) throw new TemplateFault(`Template error: the Properties of ${id} are no object`);
        const named = declared.dependsOn.filter((each) => ids.has(each));
        const dependsOn = [...new Set([...referred(properties, 'Resources'), ...named])];
        return [id, { type, properties, dependsOn, deletionPolicy, updateReplacePolicy }];
      }),
    );
    const circle = circleIn(resources);
    if (circle.length > 0) throw new TemplateFault(`Circular dependency between resources: [${circle.join(', ')}]`);
    const outputs = Object.fromEntries(
      Object.entries(template.outputs)
        .filter(([, declared]) => declared.condition === undefined || condition(declared.condition))
        .map(([id, { value, description }]) => {
          const found = evaluate(value, names) ?? '';
          referred(found, 'Outputs');
          if (hasSecret(found))
            throw new TemplateFault(`Output ${id} would show a NoEcho parameter, which is not implemented by Sluice`);
          return [id, { value: found, ...(description === undefined ? {} : { description }) }];
        }),
    );
    return { resources, outputs };
  });
}

function pseudoParameters({
  account,
  region,
  stackId,
  stackName,
}: PlanInput['pseudo']): Readonly<Record<string, Json>> {
  return {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::StackId': stackId,
    'AWS::StackName': stackName,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::NotificationARNs': [],
  };
}

function conditionsOf(template: Template, ref: (name: string) => Json | undefined): (name: string) => boolean {
  const known = new Map<string, boolean>();
  const underway = new Set<string>();
  const condition = (name: string): boolean => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const written = Object.hasOwn(template.conditions, name) ? template.conditions[name] : undefined;
    if (written === undefined) throw format(`Unresolved condition dependency ${name}`);
    if (underway.has(name)) throw format(`Circular dependencies for conditions: [${[...underway].join(', ')}]`);
    underway.add(name);
    const value = evaluate(written, { ref, condition, mappings: template.mappings });
    underway.delete(name);
    if (typeof value !== 'boolean') throw format(`Condition ${name} must be a boolean condition`);
    known.set(name, value);
    return value;
  };
  return condition;
}

/** The resources that wait for each other, without those that can be put in order; empty: none. */
function circleIn(resources: Plan['resources']): string[] {
  const left = new Map(Object.entries(resources).map(([id, { dependsOn }]) => [id, dependsOn]));
  for (;;) {
    const ready = [...left].filter(([, dependsOn]) => dependsOn.every((each) => !left.has(each))).map(([id]) => id);
    if (ready.length === 0) return [...left.keys()].toSorted();
    for (const id of ready) left.delete(id);
  }
}

const NAMES_OF_IDENTITIES = ['RoleName', 'UserName', 'GroupName', 'ManagedPolicyName', 'InstanceProfileName'];

/** What the template needs the caller to acknowledge, by the types and properties of its resources. */
export function capabilitiesNeeded(template: Template): readonly ('CAPABILITY_IAM' | 'CAPABILITY_NAMED_IAM')[] {
  const identities = Object.values(template.resources).filter(({ type }) => type.startsWith('AWS::IAM::'));
  if (identities.length === 0) return [];
  const named = identities.some(({ properties }) => NAMES_OF_IDENTITIES.some((key) => Object.hasOwn(properties, key)));
  return [named ? 'CAPABILITY_NAMED_IAM' : 'CAPABILITY_IAM'];
}

function format(message: string): TemplateFault {
  return new TemplateFault(`Template format error: ${message}`);
}
