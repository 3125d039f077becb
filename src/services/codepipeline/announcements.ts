/**
 * Tells EventBridge of every change of a pipeline, stage or action.
 * Source: CodePipeline User Guide, "Monitoring CodePipeline events".
 */
import { isoSeconds, type Json, type JsonObject } from '../../common/index.ts';
import type { ArtifactPlace, Change } from '../../core/pipeline-execution/index.ts';
import type { House, Notification, Scope } from '../service.ts';
import { pipelineArn } from './records.ts';

/** Resolves when EventBridge has them. What comes while a call is under way goes together with the next one. */
export function announce(house: House, scope: Scope, pipeline: string, changes: readonly Change[]): Promise<void> {
  let queues = queuesOf.get(house);
  if (queues === undefined) queuesOf.set(house, (queues = new Map()));
  const place = `${scope.account}/${scope.region}`;
  let queue = queues.get(place);
  if (queue === undefined) queues.set(place, (queue = { waiting: [], sending: false }));
  const notifications = changes.map((change) => ({
    source: 'aws.codepipeline',
    detailType: `CodePipeline ${change.of} Execution State Change`,
    resources: [pipelineArn(scope, pipeline)],
    detail: detailOf(scope, pipeline, change),
    at: change.at,
  }));
  const { waiting } = queue;
  const sent = new Promise<void>((resolve, reject) => waiting.push({ notifications, resolve, reject }));
  if (!queue.sending) void send(house, { account: scope.account, region: scope.region }, queue);
  return sent;
}

type Announcement = Readonly<{
  notifications: readonly Notification[];
  resolve(): void;
  reject(error: unknown): void;
}>;
type Queue = { readonly waiting: Announcement[]; sending: boolean };

const queuesOf = new WeakMap<House, Map<string, Queue>>();

async function send(house: House, scope: Scope, queue: Queue): Promise<void> {
  queue.sending = true;
  while (queue.waiting.length > 0) {
    const group = queue.waiting.splice(0);
    try {
      await house.door.publish(
        scope,
        group.flatMap(({ notifications }) => notifications),
      );
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
  queue.sending = false;
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
