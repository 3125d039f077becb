/**
 * What CodePipeline keeps. A pipeline by name; every version of its definition under `name:version`; its line (the loop
 * state, with every execution under way) under the name; finished executions under `name:execution id`, listed by their
 * order of starting.
 */
import { AwsError } from '../../common/index.ts';
import type {
  ActionTypeDefinition,
  ActionTypeId,
  PipelineDeclaration,
  Secrets,
} from '../../core/pipeline-definition/index.ts';
import type { Execution, PipelineLine } from '../../core/pipeline-execution/index.ts';
import type { SourcePoll } from '../../core/source-poll/index.ts';
import { collection, type DocumentKey, type Queryable } from '../../store/index.ts';
import type { Scope } from '../service.ts';

export type Tags = Readonly<Record<string, string>>;

export type PipelineRecord = Readonly<{
  /** Tells this pipeline from an earlier one of the same name. */
  pipelineId: string;
  /** The current version, normalised, its secrets masked. */
  declaration: PipelineDeclaration;
  createdAt: number;
  updatedAt: number;
  tags: Tags;
}>;

export type VersionRecord = Readonly<{
  pipelineId: string;
  declaration: PipelineDeclaration;
  updatedAt: number;
  /** What the mask stands for (`sealed-secrets.ts`). Never leaves this record but to the action that needs it. */
  sealedSecrets?: string | undefined;
  /** In clear, as written before they were sealed. */
  secrets?: Secrets;
  /** `stage/action` to the name of the queryable configuration property of its custom type. */
  queryables: Readonly<Record<string, string>>;
}>;

export type CustomActionType = Readonly<{
  definition: ActionTypeDefinition;
  settings?: Readonly<Record<string, string | undefined>>;
  tags: Tags;
  /** Set when deleted: polling fails, and the version can only come back with the same definition. */
  deletedAt?: number;
}>;

export type JobStatus = 'Queued' | 'Dispatched' | 'InProgress' | 'Succeeded' | 'Failed';

/** A piece of work for a job worker or a function: one try at an action, or one step of it where it continues. */
export type Job = Readonly<{
  status: JobStatus;
  /** Known to who was given the job last; acknowledging takes it. */
  nonce: string;
  dispatchedAt?: number;
  /** 1, plus one at each continuation of the same action execution. */
  number: number;
  continuationToken?: string;
  actionTypeId: ActionTypeId;
  /** The value of the queryable property, where the type has one. */
  queryValue?: string;
  pipeline: string;
  pipelineId: string;
  version: number;
  executionId: string;
  stage: string;
  action: string;
  actionExecutionId: string;
  outputs: readonly Readonly<{ name: string; bucket: string; key: string }>[];
}>;

export const LINE = 'codepipeline.pipeline-line';
export const SOURCE_POLL = 'codepipeline.source-poll';

export const pipelines = collection<PipelineRecord>('codepipeline.pipeline');
export const versions = collection<VersionRecord>('codepipeline.pipeline-version');
export const lines = collection<PipelineLine>(LINE);
export const sourcePolls = collection<SourcePoll>(SOURCE_POLL);
export const executions = collection<Execution>('codepipeline.execution');
export const customActionTypes = collection<CustomActionType>('codepipeline.action-type');
export const jobs = collection<Job>('codepipeline.job');

export function pipelineKey(scope: Scope, name: string): DocumentKey {
  return { account: scope.account, region: scope.region, id: name };
}

export function versionKey(scope: Scope, name: string, version: number): DocumentKey {
  return { account: scope.account, region: scope.region, id: `${name}:${version}` };
}

export function executionKey(scope: Scope, name: string, executionId: string): DocumentKey {
  return { account: scope.account, region: scope.region, id: `${name}:${executionId}` };
}

export function pipelineArn(scope: Scope, name: string): string {
  return `arn:aws:codepipeline:${scope.region}:${scope.account}:${name}`;
}

/** The queue of a custom action type's waiting jobs. */
export function queueOf(typeId: ActionTypeId): string {
  return `queue:${typeId.category}/${typeId.owner}/${typeId.provider}/${typeId.version}`;
}

/** Where jobs lie that wait for nobody any more, until their execution is archived. */
export function jobsOf(executionId: string): string {
  return `execution:${executionId}`;
}

export async function requirePipeline(q: Queryable, scope: Scope, name: string): Promise<PipelineRecord> {
  const stored = await pipelines.get(q, pipelineKey(scope, name));
  if (stored === undefined) throw pipelineNotFound(scope, name);
  return stored.document;
}

export async function requireLine(q: Queryable, scope: Scope, name: string): Promise<PipelineLine> {
  const stored = await lines.get(q, pipelineKey(scope, name));
  if (stored === undefined) throw pipelineNotFound(scope, name);
  return stored.document;
}

export function pipelineNotFound(scope: Scope, name: string): AwsError {
  return new AwsError(
    'PipelineNotFoundException',
    `Account '${scope.account}' does not have a pipeline with name '${name}'`,
  );
}

export function invalidNextToken(): AwsError {
  return new AwsError('InvalidNextTokenException', 'The next token is invalid.');
}
