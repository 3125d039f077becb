/**
 * A definition in the form in which it is kept and given back, its secrets hidden and found again, and what of it the
 * decider needs.
 */
import { MINUTE_MS } from '../../common/index.ts';
import type { ActionDeclaration, ActionTypeDefinition, PipelineDeclaration } from './types.ts';
import { findActionType } from './validate.ts';

/** What a secret value looks like in an answer. Source: API reference, "ActionDeclaration": "The system masks it with four asterisks". */
export const MASK = '****';

/** Fills in what AWS fills in. */
export function normalisePipeline(pipeline: PipelineDeclaration, version: number): PipelineDeclaration {
  return {
    ...pipeline,
    stages: pipeline.stages.map((stage) => ({
      ...stage,
      blockers: undefined,
      actions: stage.actions.map((action) => ({
        ...action,
        runOrder: action.runOrder ?? 1,
        configuration: action.configuration ?? {},
        inputArtifacts: action.inputArtifacts ?? [],
        outputArtifacts: action.outputArtifacts ?? [],
      })),
    })),
    version,
    executionMode: pipeline.executionMode ?? 'SUPERSEDED',
    pipelineType: pipeline.pipelineType ?? 'V1',
  };
}

/** `stage/action` to the configuration values that must not be shown. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** `stage/action`: what an action is called among the secrets of its pipeline. */
export function actionPath(stageName: string, actionName: string): string {
  return `${stageName}/${actionName}`;
}

/** Takes the secrets out of a definition and leaves the mask in their place. */
export function splitSecrets(
  pipeline: PipelineDeclaration,
  customActionTypes: readonly ActionTypeDefinition[],
): Readonly<{ masked: PipelineDeclaration; secrets: Secrets }> {
  const secrets: Record<string, Readonly<Record<string, string>>> = {};
  const masked = mapConfigurations(pipeline, (action, stageName) => {
    const keys = secretKeys(action, customActionTypes);
    const entries = Object.entries(action.configuration ?? {});
    const hidden = entries.filter(([key]) => keys.has(key));
    if (hidden.length > 0) secrets[actionPath(stageName, action.name)] = Object.fromEntries(hidden);
    return Object.fromEntries(entries.map(([key, value]) => [key, keys.has(key) ? MASK : value]));
  });
  return { masked, secrets };
}

/**
 * Puts back the stored secret where the mask came in unchanged. A mask in a stage or action that had no such secret
 * counts as missing, as in AWS after a stage is renamed. Source: User Guide, "Pipeline structure reference".
 */
export function joinSecrets(
  pipeline: PipelineDeclaration,
  stored: Secrets,
  customActionTypes: readonly ActionTypeDefinition[],
): PipelineDeclaration {
  return mapConfigurations(pipeline, (action, stageName) => {
    const keys = secretKeys(action, customActionTypes);
    const before = stored[actionPath(stageName, action.name)];
    return Object.fromEntries(
      Object.entries(action.configuration ?? {}).flatMap(([key, value]) => {
        if (value !== MASK || !keys.has(key)) return [[key, value]];
        const kept = before?.[key];
        return kept === undefined ? [] : [[key, kept]];
      }),
    );
  });
}

function secretKeys(
  action: ActionDeclaration,
  customActionTypes: readonly ActionTypeDefinition[],
): ReadonlySet<string> {
  const type = findActionType(action.actionTypeId, customActionTypes);
  return new Set(type?.properties.flatMap((property) => (property.secret ? property.name : [])));
}

function mapConfigurations(
  pipeline: PipelineDeclaration,
  change: (action: ActionDeclaration, stageName: string) => Readonly<Record<string, string>>,
): PipelineDeclaration {
  return {
    ...pipeline,
    stages: pipeline.stages.map((stage) => ({
      ...stage,
      actions: stage.actions.map((action) =>
        action.configuration === undefined ? action : { ...action, configuration: change(action, stage.name) },
      ),
    })),
  };
}

/** How long an action may take before it counts as failed. Source: CodePipeline User Guide, "Quotas". */
export function actionTimeoutMs(action: ActionDeclaration, type: ActionTypeDefinition): number {
  return action.timeoutInMinutes === undefined ? type.timeoutMs : action.timeoutInMinutes * MINUTE_MS;
}
