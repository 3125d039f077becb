/** Jobs: how they are made, found and described. The operations on them are in `jobs.ts`. */
import type { JobData } from '@aws-sdk/client-codepipeline';
import { actionPath } from '../../core/pipeline-definition/index.ts';
import type { ArtifactPlace } from '../../core/pipeline-execution/index.ts';
import { timeSort, type Queryable } from '../../store/index.ts';
import type { Scope } from '../service.ts';
import type { ActionRun } from './actions/action.ts';
import { artifactFolder } from './artifacts.ts';
import { uuidFrom } from './ids.ts';
import { type Job, jobs, jobsOf, pipelineArn, queueOf } from './records.ts';
import { artifactSession } from './roles.ts';

/** The same id for the same step of the same action execution: making a job twice makes one. */
export function jobIdOf(actionExecutionId: string, number: number): string {
  return uuidFrom(`job/${actionExecutionId}/${number}`);
}

export function jobKey(scope: Scope, jobId: string): { account: string; region: string; id: string } {
  return { account: scope.account, region: scope.region, id: jobId };
}

/** Queues a job, or for a function notes it as handed over. Returns its id. */
export async function createJob(
  run: ActionRun,
  step: Readonly<{ number: number; status: 'Queued' | 'InProgress'; continuationToken?: string }>,
): Promise<string> {
  const { house, scope, actionExecution, pipelineExecution, declaration, definition } = run;
  const queryable = Object.entries(run.configuration).find(([key]) => key === queryableKey(run));
  await insertJob(house.store, scope, house.clock.now(), {
    ...step,
    nonce: house.ids.uuid(),
    actionTypeId: declaration.actionTypeId,
    ...(queryable === undefined ? {} : { queryValue: queryable[1] }),
    pipeline: run.pipelineName,
    pipelineId: definition.pipelineId,
    version: pipelineExecution.version,
    executionId: pipelineExecution.id,
    stage: actionExecution.stage,
    action: actionExecution.action,
    actionExecutionId: actionExecution.id,
    outputs: run.artifacts.outputPlaces(),
  });
  return jobIdOf(actionExecution.id, step.number);
}

export async function insertJob(q: Queryable, scope: Scope, now: number, job: Job): Promise<void> {
  const waiting = job.status === 'Queued';
  await jobs.insert(q, jobKey(scope, jobIdOf(job.actionExecutionId, job.number)), job, {
    parent: waiting ? queueOf(job.actionTypeId) : jobsOf(job.executionId),
    sort: timeSort(now),
  });
}

/** The newest job of the action execution. */
export async function latestJob(run: ActionRun): Promise<Readonly<{ jobId: string; job: Job }> | undefined> {
  const stored = await jobs.list(run.house.store, { ...run.scope, parent: jobsOf(run.pipelineExecution.id) });
  const own = stored.filter(({ document }) => document.actionExecutionId === run.actionExecution.id);
  const newest = own.toSorted((a, b) => b.document.number - a.document.number)[0];
  return newest && { jobId: newest.key.id, job: newest.document };
}

/** What a worker is told, with credentials that reach the pipeline's artifacts and nothing else. */
export async function jobData(run: ActionRun, continuationToken: string | undefined): Promise<JobData> {
  const { declaration, scope, pipelineName, pipelineExecution, actionExecution } = run;
  const { store } = run.artifacts;
  const pipeline = run.definition.declaration;
  const session = await artifactSession(
    { house: run.house, scope, pipelineName, serviceRoleArn: pipeline.roleArn, region: run.region },
    { bucket: store.location, prefix: artifactFolder(pipelineName) },
  );
  return {
    actionTypeId: declaration.actionTypeId as JobData['actionTypeId'],
    actionConfiguration: { configuration: { ...run.configuration } },
    pipelineContext: {
      pipelineName,
      pipelineArn: pipelineArn(scope, pipelineName),
      pipelineExecutionId: pipelineExecution.id,
      stage: { name: actionExecution.stage },
      action: { name: actionExecution.action, actionExecutionId: actionExecution.id },
    },
    inputArtifacts: (await run.artifacts.inputs()).map(artifactShape),
    outputArtifacts: run.artifacts.outputPlaces().map(artifactShape),
    artifactCredentials: {
      accessKeyId: session.accessKeyId,
      secretAccessKey: session.secretAccessKey,
      sessionToken: session.sessionToken,
    },
    ...(continuationToken === undefined ? {} : { continuationToken }),
    ...(store.encryptionKey === undefined ? {} : { encryptionKey: { id: store.encryptionKey.id, type: 'KMS' } }),
  };
}

type ArtifactShape = NonNullable<JobData['inputArtifacts']>[number];

function artifactShape({ name, bucket, key }: ArtifactPlace): ArtifactShape {
  return { name, location: { type: 'S3', s3Location: { bucketName: bucket, objectKey: key } } };
}

function queryableKey(run: ActionRun): string | undefined {
  return run.definition.queryables[actionPath(run.actionExecution.stage, run.actionExecution.action)];
}
