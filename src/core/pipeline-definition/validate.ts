/**
 * The rules of a pipeline definition, in the order in which a user would rather hear of them: the structure, the stages,
 * the actions, the artifacts that flow between them, the variables. The first that is broken is reported, in AWS's
 * words where they are known. Nothing is stored of a definition that breaks one.
 *
 * Field lengths and patterns are the wire's to check, from the service model.
 * Source: CodePipeline User Guide, "Pipeline structure reference"; texts as the reference notes have them.
 */
import { checkActionConfiguration } from './configuration.ts';
import { AWS_ACTION_TYPES, isSameType } from './action-types.ts';
import type {
  ActionDeclaration,
  ActionTypeDefinition,
  PipelineDeclaration,
  Problem,
  ProblemCode,
  StageDeclaration,
} from './types.ts';
import { referencesIn } from './variables.ts';

export type Surroundings = Readonly<{
  region: string;
  /** Of the account; AWS's own are known anyway. */
  customActionTypes: readonly ActionTypeDefinition[];
}>;

export const MINIMUM_STAGES = 2;
export const MAXIMUM_STAGES = 50;
export const MAXIMUM_ACTIONS_PER_STAGE = 50;
export const MAXIMUM_ACTIONS = 1_000;

export function validatePipeline(pipeline: PipelineDeclaration, around: Surroundings): Problem | undefined {
  return (
    checkType(pipeline) ??
    checkStages(pipeline) ??
    checkStores(pipeline, around.region) ??
    first(pipeline.stages, (stage) => first(stage.actions, (action) => checkAction(pipeline, stage, action, around))) ??
    checkArtifacts(pipeline) ??
    checkNamespaces(pipeline) ??
    checkVariables(pipeline)
  );
}

/** The definition of an action's type, among AWS's and the account's. */
export function findActionType(
  id: ActionDeclaration['actionTypeId'],
  customActionTypes: readonly ActionTypeDefinition[],
): ActionTypeDefinition | undefined {
  return [...customActionTypes, ...AWS_ACTION_TYPES].find((definition) => isSameType(definition.id, id));
}

// The pipeline

function checkType(pipeline: PipelineDeclaration): Problem | undefined {
  const { executionMode = 'SUPERSEDED', variables = [], triggers = [] } = pipeline;
  const conditioned = pipeline.stages.filter(
    (stage) => stage.onFailure !== undefined || stage.onSuccess !== undefined || stage.beforeEntry !== undefined,
  );
  if (pipeline.pipelineType !== 'V2') {
    if (executionMode !== 'SUPERSEDED') return structure('QUEUED or PARALLEL mode can only be used with V2 pipelines');
    if (variables.length > 0) return structure('Pipeline variable can only be used with V2 pipelines');
    if (triggers.length > 0) return structure('Triggers on tag can only be used with V2 pipelines');
    if (conditioned.length > 0) return stageProblem('Stage level conditions can only be used with V2 pipelines.');
  }
  const names = variables.map((variable) => variable.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    return structure(`Variable names must be unique. The following variable name is already in use: ${twice}`);
  }
  if (triggers.length > 0) return structure('Triggers with filters are not implemented by Sluice.');
  const [stage] = conditioned;
  if (stage === undefined) return undefined;
  if (stage.onFailure?.result !== undefined && stage.onFailure.conditions !== undefined) {
    return stageProblem(
      `The following stage cannot have a failure exit gate configured with both top level result and conditions: '${stage.name}'`,
    );
  }
  return stageProblem(
    `Stage conditions, stage rollback and automatic stage retry are not implemented by Sluice. Stage '${stage.name}' uses them.`,
  );
}

function checkStages({ stages }: PipelineDeclaration): Problem | undefined {
  if (stages.length < MINIMUM_STAGES) {
    return structure(
      `Pipeline has only ${stages.length} stage(s). There should be a minimum of ${MINIMUM_STAGES} stages in a pipeline`,
    );
  }
  if (stages.length > MAXIMUM_STAGES) {
    return structure(`Pipeline has too many stages. There can only be up to ${MAXIMUM_STAGES} stages in a pipeline`);
  }
  const names = stages.map((stage) => stage.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return stageProblem(`Stage name '${twice}' is used more than once`);
  const [head, ...rest] = stages;
  if (head === undefined || head.actions.length === 0 || !head.actions.every(isSource)) {
    return structure('Pipeline should start with a stage that only contains source actions');
  }
  if (rest.some((stage) => stage.actions.some(isSource))) {
    return structure('Source actions can only be included in the first stage of the pipeline');
  }
  if (!rest.some((stage) => stage.actions.length > 0)) {
    return structure('Pipeline should contain at least 1 action whose category is not Source');
  }
  if (stages.reduce((sum, stage) => sum + stage.actions.length, 0) > MAXIMUM_ACTIONS) {
    return structure(`Pipeline has too many actions. There can only be up to ${MAXIMUM_ACTIONS} actions in a pipeline`);
  }
  return first(stages, checkStage);
}

function checkStage(stage: StageDeclaration): Problem | undefined {
  if (stage.actions.length === 0) return stageProblem(`Stage '${stage.name}' should contain at least 1 action`);
  if (stage.actions.length > MAXIMUM_ACTIONS_PER_STAGE) {
    return stageProblem(
      `Stage '${stage.name}' has too many actions. There can only be up to ${MAXIMUM_ACTIONS_PER_STAGE} actions in a stage`,
    );
  }
  if ((stage.blockers ?? []).length > 0) {
    return problem(
      'InvalidBlockerDeclarationException',
      `Stage '${stage.name}' has blockers, which are reserved for future use`,
    );
  }
  const names = stage.actions.map((action) => action.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined
    ? undefined
    : actionProblem(`Action name '${twice}' is used more than once in stage '${stage.name}'`);
}

function checkStores(pipeline: PipelineDeclaration, homeRegion: string): Problem | undefined {
  const { artifactStore, artifactStores } = pipeline;
  if ((artifactStore === undefined) === (artifactStores === undefined)) {
    return structure(
      "You must include either 'pipeline.artifactStore' or 'pipeline.artifactStores' in your pipeline, but you cannot use both.",
    );
  }
  const actions = pipeline.stages.flatMap((stage) => stage.actions);
  const regions = new Set([homeRegion, ...actions.flatMap((action) => action.region ?? [])]);
  if (artifactStore !== undefined) {
    return regions.size === 1
      ? undefined
      : structure(
          "Your pipeline contains actions in more than one region. Use 'pipeline.artifactStores' instead of 'pipeline.artifactStore' and specify an artifact store for each region.",
        );
  }
  const missing = [...regions].find((region) => artifactStores?.[region] === undefined);
  return missing === undefined
    ? undefined
    : structure(
        `Your pipeline must have an artifact store, such as an artifact bucket, for each region where you have an action. The following region is missing in 'pipeline.artifactStores': ${missing}.`,
      );
}

// One action

function checkAction(
  pipeline: PipelineDeclaration,
  stage: StageDeclaration,
  action: ActionDeclaration,
  around: Surroundings,
): Problem | undefined {
  const { category, owner, provider, version } = action.actionTypeId;
  const type = findActionType(action.actionTypeId, around.customActionTypes);
  if (type === undefined) {
    const region = around.region.toUpperCase().replaceAll('-', '_');
    return actionProblem(
      `ActionType (Category: '${category}', Provider: '${provider}', Owner: '${owner}', Version: '${version}') in action '${action.name}' is not available in region ${region}`,
    );
  }
  if (type.v2Only === true && pipeline.pipelineType !== 'V2') {
    return actionProblem(`${provider} Action can only be used with V2 pipelines.`);
  }
  if (type.implemented !== true) {
    return actionProblem(
      `The action type ${category}/${provider} of action '${action.name}' is not implemented by Sluice.`,
    );
  }
  if (action.region !== undefined && (category === 'Source' || owner !== 'AWS')) {
    return actionProblem(
      `Action '${action.name}' in stage '${stage.name}' cannot specify a region: source, custom and third-party actions run in the region of the pipeline`,
    );
  }
  if (action.timeoutInMinutes !== undefined && category !== 'Approval') {
    return actionProblem(
      `Action '${action.name}' specifies timeoutInMinutes, which is available only to the manual approval action type`,
    );
  }
  const { commands, outputVariables, environmentVariables } = action;
  if (commands !== undefined || outputVariables !== undefined || environmentVariables !== undefined) {
    return actionProblem(
      `Action '${action.name}' specifies commands, outputVariables or environmentVariables, which belong to the Commands action type`,
    );
  }
  return checkCounts(action, type) ?? checkActionConfiguration(action, type);
}

function checkCounts(action: ActionDeclaration, type: ActionTypeDefinition): Problem | undefined {
  for (const [word, given, { minimumCount, maximumCount }] of [
    ['input', (action.inputArtifacts ?? []).length, type.inputs],
    ['output', (action.outputArtifacts ?? []).length, type.outputs],
  ] as const) {
    if (given < minimumCount) {
      return actionProblem(
        `Action '${action.name}' has ${given} ${word} artifacts which is less than the minimum of ${minimumCount}`,
      );
    }
    if (given > maximumCount) {
      return actionProblem(
        `Action '${action.name}' has ${given} ${word} artifacts which is more than the maximum of ${maximumCount}`,
      );
    }
  }
  const withFiles = (action.outputArtifacts ?? []).find((artifact) => artifact.files !== undefined);
  return withFiles === undefined
    ? undefined
    : actionProblem(`Output artifact ${withFiles.name} specifies files, which belong to the Commands action type`);
}

// What flows between actions

/** An input must come from an action that is sure to have ended: of an earlier stage, or of a lower run order. */
function checkArtifacts(pipeline: PipelineDeclaration): Problem | undefined {
  const outputs = pipeline.stages.flatMap((stage) =>
    stage.actions.flatMap((action) => (action.outputArtifacts ?? []).map((artifact) => artifact.name)),
  );
  const twice = outputs.find((name, index) => outputs.indexOf(name) !== index);
  if (twice !== undefined) {
    return actionProblem(
      `Output Artifact Bundle name must be unique within the pipeline. ${twice} has been used more than once.`,
    );
  }
  return eachAction(pipeline, (action, earlier) => {
    const available = new Set(
      earlier.flatMap((other) => (other.outputArtifacts ?? []).map((artifact) => artifact.name)),
    );
    const missing = (action.inputArtifacts ?? []).find((artifact) => !available.has(artifact.name));
    return (
      missing &&
      actionProblem(
        `Input Artifact Bundle ${missing.name} in action ${action.name} is not declared as Output Artifact Bundle in any of the preceding actions`,
      )
    );
  });
}

function checkNamespaces(pipeline: PipelineDeclaration): Problem | undefined {
  const actions = pipeline.stages.flatMap((stage) => stage.actions);
  const artifacts = new Set(
    actions.flatMap((action) => (action.outputArtifacts ?? []).map((artifact) => artifact.name)),
  );
  const seen = new Set<string>();
  for (const { name, namespace } of actions) {
    if (namespace === undefined) continue;
    if (namespace === 'codepipeline' || (namespace === 'variables' && (pipeline.variables ?? []).length > 0)) {
      return actionProblem(`The namespace '${namespace}' of action '${name}' is reserved`);
    }
    if (artifacts.has(namespace)) {
      return actionProblem(`The namespace '${namespace}' of action '${name}' is the name of an artifact`);
    }
    if (seen.has(namespace)) {
      return actionProblem(
        `Namespace must be unique within the pipeline. The namespace '${namespace}' of action '${name}' is used more than once`,
      );
    }
    seen.add(namespace);
  }
  return undefined;
}

const REFERENCE_FORM =
  'Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.).';

function checkVariables(pipeline: PipelineDeclaration): Problem | undefined {
  const declared = new Set((pipeline.variables ?? []).map((variable) => variable.name));
  return eachAction(pipeline, (action, earlier, stage) => {
    const namespaces = new Set(earlier.flatMap((other) => other.namespace ?? []));
    for (const [key, value] of Object.entries(action.configuration ?? {})) {
      for (const { text, namespace, key: variable } of referencesIn(value)) {
        const known =
          namespace === 'codepipeline'
            ? variable === 'PipelineExecutionId'
            : namespace === 'variables' && !namespaces.has(namespace)
              ? declared.has(variable) && !isSource(action)
              : namespaces.has(namespace) && variable !== '';
        if (known) continue;
        return actionProblem(
          `${REFERENCE_FORM} The following pipeline execution variables are referencing a namespace that does not exist. StageName=[${stage.name}], ActionName=[${action.name}], ActionConfigurationKey=[${key}], VariableReferenceText=[${text}]`,
        );
      }
    }
    return undefined;
  });
}

/** Calls `check` with each action, the actions sure to have ended before it starts, and its stage. */
function eachAction(
  pipeline: PipelineDeclaration,
  check: (
    action: ActionDeclaration,
    earlier: readonly ActionDeclaration[],
    stage: StageDeclaration,
  ) => Problem | undefined,
): Problem | undefined {
  const before: ActionDeclaration[] = [];
  for (const stage of pipeline.stages) {
    for (const action of stage.actions) {
      const order = action.runOrder ?? 1;
      const found = check(
        action,
        [...before, ...stage.actions.filter((other) => (other.runOrder ?? 1) < order)],
        stage,
      );
      if (found !== undefined) return found;
    }
    before.push(...stage.actions);
  }
  return undefined;
}

function isSource(action: ActionDeclaration): boolean {
  return action.actionTypeId.category === 'Source';
}

function first<T>(items: readonly T[], check: (item: T) => Problem | undefined): Problem | undefined {
  for (const item of items) {
    const found = check(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function problem(code: ProblemCode, message: string): Problem {
  return { code, message };
}

function structure(message: string): Problem {
  return problem('InvalidStructureException', message);
}

function stageProblem(message: string): Problem {
  return problem('InvalidStageDeclarationException', message);
}

function actionProblem(message: string): Problem {
  return problem('InvalidActionDeclarationException', message);
}
