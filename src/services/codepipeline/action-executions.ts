/** ListActionExecutions: every try at every action, with what went in and what came out. */
import type {
  ActionExecutionDetail,
  ActionExecutionInput,
  ListActionExecutionsInput,
  ListActionExecutionsOutput,
} from '@aws-sdk/client-codepipeline';
import { AwsError } from '../../common/index.ts';
import type { ActionExecution, Artifact, Execution } from '../../core/pipeline-execution/index.ts';
import { decodeToken, encodeToken } from '../pages.ts';
import { type Call, operation } from '../service.ts';
import { access } from './access.ts';
import { definitionOf, findAction } from './definitions.ts';
import { findExecution, newestFirst } from './history.ts';
import { invalidNextToken, requirePipeline } from './records.ts';

export const listActionExecutions = operation<ListActionExecutionsInput, ListActionExecutionsOutput>({
  authorize: ({ pipelineName }, call) => access('ListActionExecutions', call, [pipelineName]),
  async handle({ pipelineName = '', filter, maxResults = 100, nextToken }, call) {
    const { pipelineId } = await requirePipeline(call.house.store, call, pipelineName);
    const from = nextToken === undefined ? undefined : decodePlace(nextToken);
    const details: ActionExecutionDetail[] = [];
    for await (const execution of wanted(call, pipelineName, filter, from, maxResults)) {
      const runs = runsOf(execution, filter);
      for (const [index, run] of runs.entries()) {
        if (from !== undefined && execution.ordinal === from.ordinal && index < from.index) continue;
        if (details.length === maxResults) {
          return { actionExecutionDetails: details, nextToken: encodeToken({ ordinal: execution.ordinal, index }) };
        }
        details.push(await detailOf(call, pipelineName, pipelineId, execution, run));
      }
    }
    return { actionExecutionDetails: details };
  },
});

type Filter = ListActionExecutionsInput['filter'];
type Place = Readonly<{ ordinal: number; index: number }>;

async function* wanted(
  call: Call,
  pipelineName: string,
  filter: Filter,
  from: Place | undefined,
  pageSize: number,
): AsyncGenerator<Execution> {
  const id = filter?.pipelineExecutionId ?? filter?.latestInPipelineExecution?.pipelineExecutionId;
  if (id === undefined) {
    const before = from === undefined ? Number.POSITIVE_INFINITY : from.ordinal + 1;
    yield* newestFirst(call.house, call, pipelineName, before, Math.min(100, pageSize));
    return;
  }
  const found = await findExecution(call.house, call, pipelineName, id);
  if (found === undefined) {
    throw new AwsError(
      'PipelineExecutionNotFoundException',
      `Pipeline execution '${id}' of pipeline '${pipelineName}' in account '${call.account}' does not exist`,
    );
  }
  yield found.execution;
}

/** Newest first. */
function runsOf(execution: Execution, filter: Filter): readonly ActionExecution[] {
  const runs = execution.actions.toReversed();
  if (filter?.latestInPipelineExecution?.startTimeRange !== 'Latest') return runs;
  const seen = new Set<string>();
  return runs.filter((run) => {
    const path = `${run.stage}/${run.action}`;
    if (seen.has(path)) return false;
    seen.add(path);
    return true;
  });
}

async function detailOf(
  call: Call,
  pipelineName: string,
  pipelineId: string,
  execution: Execution,
  run: ActionExecution,
): Promise<ActionExecutionDetail> {
  const definition = await definitionOf(call.house, call, pipelineName, pipelineId, execution.version);
  const declaration = definition && findAction(definition.declaration, run.stage, run.action);
  const configuration = { ...declaration?.configuration };
  return {
    pipelineExecutionId: execution.id,
    actionExecutionId: run.id,
    pipelineVersion: execution.version,
    stageName: run.stage,
    actionName: run.action,
    startTime: new Date(run.startedAt),
    lastUpdateTime: new Date(run.updatedAt),
    ...(run.updatedBy === undefined ? {} : { updatedBy: run.updatedBy }),
    status: run.status,
    input: {
      actionTypeId: declaration?.actionTypeId as ActionExecutionInput['actionTypeId'],
      configuration,
      resolvedConfiguration: { ...configuration, ...run.resolvedConfiguration },
      ...(declaration?.roleArn === undefined ? {} : { roleArn: declaration.roleArn }),
      region: declaration?.region ?? call.region,
      inputArtifacts: run.inputs.map(artifactDetail),
      ...(declaration?.namespace === undefined ? {} : { namespace: declaration.namespace }),
    },
    output: {
      outputArtifacts: run.outputs.map(artifactDetail),
      executionResult: {
        ...(run.externalExecutionId === undefined ? {} : { externalExecutionId: run.externalExecutionId }),
        ...(run.externalExecutionSummary === undefined
          ? {}
          : { externalExecutionSummary: run.externalExecutionSummary }),
        ...(run.externalExecutionUrl === undefined ? {} : { externalExecutionUrl: run.externalExecutionUrl }),
        ...(run.error === undefined ? {} : { errorDetails: run.error }),
        ...(run.logStreamArn === undefined ? {} : { logStreamARN: run.logStreamArn }),
      },
      outputVariables: { ...run.variables },
    },
  };
}

function artifactDetail({ name, bucket, key }: Artifact): {
  name: string;
  s3location: { bucket: string; key: string };
} {
  return { name, s3location: { bucket, key } };
}

function decodePlace(token: string): Place {
  const { ordinal, index } = decodeToken(token, invalidNextToken);
  if (!Number.isInteger(ordinal) || !Number.isInteger(index)) throw invalidNextToken();
  return { ordinal: ordinal as number, index: index as number };
}
