/** What of a definition decides the order of things. */
import { assert } from '../../common/index.ts';
import type { ExecutionMode, Plan } from '../pipeline-execution/index.ts';
import { actionTimeoutMs } from './normalise.ts';
import type { ActionTypeDefinition, PipelineDeclaration } from './types.ts';
import { findActionType } from './validate.ts';

export function planOf(declaration: PipelineDeclaration, customTypes: readonly ActionTypeDefinition[]): Plan {
  return {
    version: declaration.version ?? 1,
    mode: (declaration.executionMode ?? 'SUPERSEDED') as ExecutionMode,
    stages: declaration.stages.map((stage) => ({
      name: stage.name,
      actions: stage.actions.map((action) => {
        const type = findActionType(action.actionTypeId, customTypes);
        assert(type !== undefined, `the type of action ${action.name} is known`);
        return {
          name: action.name,
          runOrder: action.runOrder ?? 1,
          type: action.actionTypeId,
          inputs: (action.inputArtifacts ?? []).map((artifact) => artifact.name),
          outputs: (action.outputArtifacts ?? []).map((artifact) => artifact.name),
          ...(action.namespace === undefined ? {} : { namespace: action.namespace }),
          ...(action.region === undefined ? {} : { region: action.region }),
          timeoutMs: actionTimeoutMs(action, type),
        };
      }),
    })),
  };
}
