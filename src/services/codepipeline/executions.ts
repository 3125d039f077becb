/** Pipeline executions: started, stopped, retried, read and listed. */
import type {
  GetPipelineExecutionInput,
  GetPipelineExecutionOutput,
  ListPipelineExecutionsInput,
  ListPipelineExecutionsOutput,
  PipelineExecution,
  PipelineExecutionSummary,
  RetryStageExecutionInput,
  RetryStageExecutionOutput,
  SourceRevisionOverride,
  StartPipelineExecutionInput,
  StartPipelineExecutionOutput,
  StopPipelineExecutionInput,
  StopPipelineExecutionOutput,
} from '@aws-sdk/client-codepipeline';
import { AwsError } from '../../common/index.ts';
import type { PipelineDeclaration } from '../../core/pipeline-definition/index.ts';
import {
  type Execution,
  type PipelineLine,
  type RetryRefusal,
  retryRefusal,
  startRefusal,
  stopRefusal,
} from '../../core/pipeline-execution/index.ts';
import { type Call, operation } from '../service.ts';
import { access } from './access.ts';
import { triggerOf } from './callers.ts';
import { findStage } from './definitions.ts';
import { findExecution, listExecutions } from './history.ts';
import { uuidFrom } from './ids.ts';
import {
  executionKey,
  executions,
  LINE,
  lines,
  pipelineKey,
  pipelineNotFound,
  type PipelineRecord,
  requirePipeline,
} from './records.ts';
import { startVariables } from './start-variables.ts';

export const startPipelineExecution = operation<StartPipelineExecutionInput, StartPipelineExecutionOutput>({
  authorize: ({ name }, call) => access('StartPipelineExecution', call, [name]),
  async handle(input, call) {
    const { house } = call;
    const name = input.name ?? '';
    const record = await requirePipeline(house.store, call, name);
    const overrides = checkOverrides(record.declaration, input.sourceRevisions ?? []);
    const variables = checkVariables(record.declaration, input);
    // The same token names the same execution, for as long as the pipeline lives: AWS's window is not documented.
    const token = input.clientRequestToken;
    const executionId = token === undefined ? house.ids.uuid() : uuidFrom(`start/${record.pipelineId}/${token}`);
    if (token !== undefined && (await isArchived(call, name, executionId))) return { pipelineExecutionId: executionId };
    await start(call, record, { executionId, trigger: triggerOf(call), variables, sourceRevisions: overrides });
    return { pipelineExecutionId: executionId };
  },
});

type Start = Readonly<{
  executionId: string;
  trigger: Execution['trigger'];
  variables: Execution['variables'];
  sourceRevisions: Execution['sourceRevisions'];
}>;

/** Starts an execution; throws when the pipeline has as many as it may. */
export async function start(call: Call, record: PipelineRecord, request: Start): Promise<void> {
  const { name } = record.declaration;
  const event = { type: 'ExecutionStarted', ...request };
  const line = await call.house.engine.submit<PipelineLine>(LINE, pipelineKey(call, name), event);
  if (line === undefined) throw pipelineNotFound(call, name);
  if (line.executions.some((execution) => execution.id === request.executionId)) return;
  if (startRefusal(line, request.executionId) === 'ConcurrentPipelineExecutionsLimitExceeded')
    throw tooManyExecutions(name);
}

export const stopPipelineExecution = operation<StopPipelineExecutionInput, StopPipelineExecutionOutput>({
  authorize: ({ pipelineName }, call) => access('StopPipelineExecution', call, [pipelineName]),
  async handle({ pipelineName = '', pipelineExecutionId = '', abandon = false, reason }, call) {
    await onLine(call, pipelineName, async (line) => {
      const request = { executionId: pipelineExecutionId, abandon };
      const refused = stopRefusal(line, request);
      if (refused === 'DuplicatedStopRequest') {
        throw new AwsError(
          'DuplicatedStopRequestException',
          `The pipeline execution '${pipelineExecutionId}' of pipeline '${pipelineName}' is already being stopped`,
        );
      }
      if (refused !== undefined) {
        throw new AwsError(
          'PipelineExecutionNotStoppableException',
          `Unable to stop pipeline execution '${pipelineExecutionId}' of pipeline '${pipelineName}': it is not in progress`,
        );
      }
      return { type: 'StopRequested', ...request, ...(reason === undefined ? {} : { reason }) };
    });
    return { pipelineExecutionId };
  },
});

export const retryStageExecution = operation<RetryStageExecutionInput, RetryStageExecutionOutput>({
  authorize: ({ pipelineName, stageName }, call) => access('RetryStageExecution', call, [pipelineName, stageName]),
  async handle({ pipelineName = '', stageName = '', pipelineExecutionId = '', retryMode = 'FAILED_ACTIONS' }, call) {
    const { declaration } = await requirePipeline(call.house.store, call, pipelineName);
    if (findStage(declaration, stageName) === undefined) throw stageNotFound(pipelineName, stageName);
    await onLine(call, pipelineName, async (line) => {
      const request = { executionId: pipelineExecutionId, stage: stageName, mode: retryMode };
      const refused = retryRefusal(line, request);
      if (refused !== undefined) throw retryError(refused, pipelineName, stageName, pipelineExecutionId);
      return { type: 'StageRetryRequested', ...request };
    });
    return { pipelineExecutionId };
  },
});

export const getPipelineExecution = operation<GetPipelineExecutionInput, GetPipelineExecutionOutput>({
  authorize: ({ pipelineName }, call) => access('GetPipelineExecution', call, [pipelineName]),
  async handle({ pipelineName = '', pipelineExecutionId = '' }, call) {
    const found = await findExecution(call.house, call, pipelineName, pipelineExecutionId);
    if (found === undefined) {
      throw new AwsError(
        'PipelineExecutionNotFoundException',
        `Pipeline execution '${pipelineExecutionId}' of pipeline '${pipelineName}' in account '${call.account}' does not exist`,
      );
    }
    const { execution, mode } = found;
    return {
      pipelineExecution: {
        pipelineName,
        pipelineVersion: execution.version,
        pipelineExecutionId: execution.id,
        status: execution.status,
        ...statusSummary(execution),
        artifactRevisions: artifactRevisions(execution),
        ...(Object.keys(execution.variables).length === 0
          ? {}
          : {
              variables: Object.entries(execution.variables).map(([name, resolvedValue]) => ({ name, resolvedValue })),
            }),
        trigger: triggerShape(execution),
        executionMode: mode,
        executionType: 'STANDARD',
      },
    };
  },
});

export const listPipelineExecutions = operation<ListPipelineExecutionsInput, ListPipelineExecutionsOutput>({
  authorize: ({ pipelineName }, call) => access('ListPipelineExecutions', call, [pipelineName]),
  async handle({ pipelineName = '', maxResults = 100, nextToken, filter }, call) {
    const { declaration } = await requirePipeline(call.house.store, call, pipelineName);
    const stageName = filter?.succeededInStage?.stageName;
    const matches = (execution: Execution): boolean =>
      stageName === undefined ||
      (execution.version === declaration.version && execution.stages[stageName]?.status === 'Succeeded');
    const page = await listExecutions(call.house, call, pipelineName, { limit: maxResults, nextToken, matches });
    return {
      pipelineExecutionSummaries: page.executions.map((execution) => ({
        pipelineExecutionId: execution.id,
        status: execution.status,
        ...statusSummary(execution),
        startTime: new Date(execution.startedAt),
        lastUpdateTime: new Date(execution.updatedAt),
        sourceRevisions: sourceRevisions(execution),
        trigger: triggerShape(execution),
        ...(execution.stop === undefined ? {} : { stopTrigger: { reason: execution.stop.reason } }),
        executionMode: declaration.executionMode as PipelineExecutionSummary['executionMode'],
        executionType: 'STANDARD',
      })),
      ...(page.nextToken === undefined ? {} : { nextToken: page.nextToken }),
    };
  },
});

/** Decides on the pipeline's line as it is now: `make` sees it, and throws or gives the event. */
export async function onLine(
  call: Call,
  pipelineName: string,
  make: (line: PipelineLine) => Promise<Readonly<{ type: string }>>,
): Promise<void> {
  const { store, engine } = call.house;
  const key = pipelineKey(call, pipelineName);
  await store.transaction(async (tx) => {
    const stored = await lines.getForUpdate(tx, key);
    if (stored === undefined) throw pipelineNotFound(call, pipelineName);
    await engine.submitIn(tx, LINE, key, await make(stored.document));
  });
}

export function stageNotFound(pipelineName: string, stageName: string): AwsError {
  return new AwsError(
    'StageNotFoundException',
    `Pipeline '${pipelineName}' does not have a stage with name '${stageName}'`,
  );
}

async function isArchived(call: Call, name: string, executionId: string): Promise<boolean> {
  return (await executions.get(call.house.store, executionKey(call, name, executionId))) !== undefined;
}

function checkVariables(declaration: PipelineDeclaration, input: StartPipelineExecutionInput): Record<string, string> {
  const result = startVariables(declaration, input.variables ?? []);
  if ('values' in result) return { ...result.values };
  throw new AwsError(
    'ValidationException',
    'unknown' in result
      ? `The pipeline '${declaration.name}' does not declare a variable with the name '${result.unknown}'`
      : `The pipeline variable '${result.missing}' has no default value, and no value was given for it`,
  );
}

/** Provider to the types of override it takes. Source: User Guide, "Start a pipeline with a source revision override". */
const OVERRIDES: Readonly<Record<string, readonly string[]>> = {
  CodeCommit: ['COMMIT_ID'],
  S3: ['S3_OBJECT_VERSION_ID', 'S3_OBJECT_KEY'],
};

function checkOverrides(
  declaration: PipelineDeclaration,
  given: readonly SourceRevisionOverride[],
): Execution['sourceRevisions'] {
  if (given.length > 0 && declaration.pipelineType !== 'V2') {
    throw new AwsError('ValidationException', 'Source revision overrides can only be used with V2 pipelines');
  }
  return given.map(({ actionName = '', revisionType = '', revisionValue = '' }) => {
    const action = declaration.stages[0]?.actions.find((candidate) => candidate.name === actionName);
    if (action === undefined) {
      throw new AwsError('ValidationException', `The pipeline does not have a source action with name '${actionName}'`);
    }
    const { provider } = action.actionTypeId;
    if (OVERRIDES[provider]?.includes(revisionType) !== true) {
      throw new AwsError(
        'ValidationException',
        `The revision type ${revisionType} cannot be used with the ${provider} source action '${actionName}'`,
      );
    }
    if (revisionType === 'S3_OBJECT_KEY' && action.configuration?.['AllowOverrideForS3ObjectKey'] !== 'true') {
      throw new AwsError(
        'ValidationException',
        `The source action '${actionName}' does not allow its object key to be overridden: AllowOverrideForS3ObjectKey is not true`,
      );
    }
    return { actionName, revisionType, revisionValue };
  });
}

function retryError(refused: RetryRefusal, pipeline: string, stage: string, executionId: string): AwsError {
  switch (refused.refused) {
    case 'NotLatestPipelineExecution':
      return new AwsError(
        'NotLatestPipelineExecutionException',
        `Pipeline execution '${executionId}' is not the latest execution in stage '${stage}' of pipeline '${pipeline}'`,
      );
    case 'Conflict':
      return new AwsError('ConflictException', `Stage '${stage}' cannot be retried: ${refused.because}`);
    default:
      return new AwsError(
        'StageNotRetryableException',
        `Stage '${stage}' of pipeline execution '${executionId}' cannot be retried: ${refused.because}`,
      );
  }
}

function tooManyExecutions(name: string): AwsError {
  return new AwsError(
    'ConcurrentPipelineExecutionsLimitExceededException',
    `The pipeline '${name}' has reached the limit of concurrent pipeline executions`,
  );
}

function triggerShape(execution: Execution): NonNullable<PipelineExecution['trigger']> {
  const { type, detail } = execution.trigger;
  return {
    triggerType: type as NonNullable<PipelineExecution['trigger']>['triggerType'],
    ...(detail === undefined ? {} : { triggerDetail: detail }),
  };
}

function statusSummary(execution: Execution): { statusSummary?: string } {
  return execution.stop?.reason === undefined ? {} : { statusSummary: execution.stop.reason };
}

/** Of every source action that has run: the latest run of each. */
function artifactRevisions(execution: Execution): PipelineExecution['artifactRevisions'] {
  return latestWithRevision(execution).flatMap(({ outputs, revision }) =>
    outputs.map(({ name }) => ({
      name,
      revisionId: revision?.id,
      revisionSummary: revision?.summary,
      revisionUrl: revision?.url,
      ...(revision?.createdAt === undefined ? {} : { created: new Date(revision.createdAt) }),
    })),
  );
}

function sourceRevisions(execution: Execution): PipelineExecutionSummary['sourceRevisions'] {
  return latestWithRevision(execution).map(({ action, revision }) => ({
    actionName: action,
    revisionId: revision?.id,
    revisionSummary: revision?.summary,
    revisionUrl: revision?.url,
  }));
}

function latestWithRevision(execution: Execution): Execution['actions'] {
  const latest = new Map(
    execution.actions.filter((action) => action.revision !== undefined).map((action) => [action.action, action]),
  );
  return [...latest.values()];
}
