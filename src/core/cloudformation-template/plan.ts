/** The resources of a template that its conditions let be, each with those that it waits for. */
import type { Json } from '../../common/index.ts';
import { evaluate, type Values } from './evaluate.ts';
import type { ResourceDeclaration, Template } from './types.ts';

export type PlannedResource = Readonly<{
  logicalId: string;
  type: string;
  dependsOn: readonly string[];
  deletionPolicy: ResourceDeclaration['deletionPolicy'];
  updateReplacePolicy: ResourceDeclaration['updateReplacePolicy'];
}>;

/** A resource whose properties are known but for what its resources bring: those stand in it as tokens. */
export type Sketch = PlannedResource & Readonly<{ properties: Json; metadata?: Json }>;

/** What stands for a resource's value in a sketch: `Ref` of `A` as `{{A}}`, attribute `Arn` of it as `{{A.Arn}}`. */
export function token(logicalId: string, attribute?: string): string {
  return attribute === undefined ? `\u0001${logicalId}\u0002` : `\u0001${logicalId}.${attribute}\u0002`;
}

/** Throws `TemplateProblem` for what cannot be evaluated, and for a reference to a resource that a condition left out. */
export function sketch(
  template: Template,
  values: Omit<Values, 'resource' | 'attribute'>,
  isThere: (logicalId: string) => boolean,
): Sketch[] {
  return Object.entries(template.resources)
    .filter(([id]) => isThere(id))
    .map(([logicalId, declaration]) => {
      const named = new Set(declaration.dependsOn.filter(isThere));
      const properties = evaluate(declaration.properties, {
        ...values,
        resource: (id) => {
          named.add(id);
          return token(id);
        },
        attribute: (id, name) => {
          named.add(id);
          return token(id, name);
        },
      });
      const { type, deletionPolicy, updateReplacePolicy, metadata } = declaration;
      return {
        logicalId,
        type,
        dependsOn: [...named].filter((id) => id !== logicalId),
        deletionPolicy,
        updateReplacePolicy,
        properties,
        ...(metadata !== undefined && { metadata }),
      };
    });
}

export function isThere({ resources }: Template, conditions: Readonly<Record<string, boolean>>) {
  return (logicalId: string): boolean => {
    const declaration = resources[logicalId];
    if (declaration === undefined) return false;
    return declaration.condition === undefined || conditions[declaration.condition] === true;
  };
}
