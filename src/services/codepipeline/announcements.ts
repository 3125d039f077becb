/**
 * Tells EventBridge of every change of a pipeline, stage or action.
 * Source: CodePipeline User Guide, "Monitoring CodePipeline events".
 */
import { isoSeconds, type Json, type JsonObject } from '../../common/index.ts';
import type { ArtifactPlace, Change } from '../../core/pipeline-execution/index.ts';
import type { House, Scope } from '../service.ts';
import { pipelineArn } from './records.ts';

export async function announce(
  house: House,
  scope: Scope,
  pipeline: string,
  changes: readonly Change[],
): Promise<void> {
  await house.door.publish(
    scope,
    changes.map((change) => ({
      source: 'aws.codepipeline',
      detailType: `CodePipeline ${change.of} Execution State Change`,
      resources: [pipelineArn(scope, pipeline)],
      detail: detailOf(scope, pipeline, change),
      at: change.at,
    })),
  );
}

function detailOf(scope: Scope, pipeline: string, change: Change): JsonObject {
  return present({
    pipeline,
    'execution-id': change.executionId,
    'start-time': isoSeconds(change.startedAt),
    stage: change.stage,
    'execution-result': change.result && {
      ...present({
        'external-execution-url': change.result.externalExecutionUrl,
        'external-execution-summary': change.result.externalExecutionSummary,
        'external-execution-id': change.result.externalExecutionId,
        'error-code': change.result.errorCode,
      }),
    },
    'output-artifacts': change.outputs?.map(artifactDetail),
    'input-artifacts': change.inputs?.map(artifactDetail),
    action: change.action,
    state: change.state,
    region: change.of === 'Action' ? (change.region ?? scope.region) : undefined,
    type: change.actionType && { ...change.actionType },
    'execution-trigger':
      change.trigger &&
      present({
        'trigger-type': change.trigger.type,
        'trigger-detail': change.trigger.detail,
      }),
    'stop-execution-comments': change.stopReason,
    version: change.version,
    'pipeline-execution-attempt': change.attempt,
  });
}

function artifactDetail({ name, bucket, key }: ArtifactPlace): Json {
  return { name, s3location: { bucket, key } };
}

function present(fields: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
