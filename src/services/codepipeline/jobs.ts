/**
 * Jobs, as workers see them: poll, acknowledge, report. A function invoked by a pipeline reports in the same way.
 *
 *   Queued ── poll ──▶ Dispatched ── acknowledge ──▶ InProgress ── result ──▶ Succeeded | Failed   (final)
 *                          └── not acknowledged in time: polled again, with a new nonce
 *
 * A success with a continuation token ends the job and makes the next one of the same action execution.
 * Source: CodePipeline User Guide, "Create and add a custom action in CodePipeline"; API reference, "PollForJobs".
 */
import type {
  AcknowledgeJobInput,
  AcknowledgeJobOutput,
  GetJobDetailsInput,
  GetJobDetailsOutput,
  Job as WireJob,
  PollForJobsInput,
  PollForJobsOutput,
  PutJobFailureResultInput,
  PutJobSuccessResultInput,
} from '@aws-sdk/client-codepipeline';
import { AwsError, MINUTE_MS } from '../../common/index.ts';
import type { ActionTypeId } from '../../core/pipeline-definition/index.ts';
import type { ActionExecution, LineEvent, ProviderReport } from '../../core/pipeline-execution/index.ts';
import type { Stored, Tx } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { typeAccess } from './access.ts';
import { actionTypeNotFound, typeKey } from './action-types.ts';
import { INVOKE_AGAIN_MS, lambdaDeadline } from './actions/index.ts';
import { insertJob, jobData, jobKey } from './job-queue.ts';
import { customActionTypes, type Job, jobs, jobsOf, LINE, lines, pipelineKey, queueOf } from './records.ts';
import { errorOf, loadRun, runningAction } from './run.ts';

/** A job that nobody acknowledged is handed out again after this long. AWS's delay is not documented. */
const DISPATCH_AGAIN_MS = MINUTE_MS;
/** Source: CodePipeline User Guide, "Quotas": the output variables of an action together. */
const OUTPUT_VARIABLES_BYTES = 122_880;

export const pollForJobs = operation<PollForJobsInput, PollForJobsOutput>({
  authorize: ({ actionTypeId }, call) => typeAccess('PollForJobs', call, actionTypeId),
  async handle({ actionTypeId, maxBatchSize = 1, queryParam = {} }, call) {
    const id = actionTypeId as ActionTypeId;
    if (id.owner !== 'Custom') throw invalid('PollForJobs can only be called for action types of the owner Custom');
    const type = (await customActionTypes.get(call.house.store, typeKey(call, id)))?.document;
    if (type === undefined || type.deletedAt !== undefined) throw actionTypeNotFound(id);
    const queryable = type.definition.properties.find((property) => property.queryable === true)?.name;
    const asked = Object.keys(queryParam);
    if (asked.some((name) => name !== queryable)) {
      throw invalid(`queryParam names ${asked.join(', ')}, which is not the queryable property of the action type`);
    }
    const value = queryable === undefined ? undefined : queryParam[queryable];
    const waiting = await jobs.list(call.house.store, {
      account: call.account,
      region: call.region,
      parent: queueOf(id),
      limit: 1_000,
    });
    const handed: WireJob[] = [];
    for (const stored of waiting) {
      if (handed.length === maxBatchSize) break;
      const { document: job } = stored;
      if (value !== undefined && job.queryValue !== value) continue;
      if (job.status === 'Dispatched' && call.now - (job.dispatchedAt ?? 0) < DISPATCH_AGAIN_MS) continue;
      const given = await dispatch(call, stored);
      if (given !== undefined) handed.push(given);
    }
    return { jobs: handed };
  },
});

export const acknowledgeJob = operation<AcknowledgeJobInput, AcknowledgeJobOutput>({
  async handle({ jobId = '', nonce = '' }, call) {
    const stored = await requireJob(call, jobId);
    const { document: job } = stored;
    const taken =
      job.status === 'Dispatched' &&
      job.nonce === nonce &&
      (await jobs.update(
        call.house.store,
        stored.key,
        { ...job, status: 'InProgress' },
        { expectedVersion: stored.version, parent: jobsOf(job.executionId) },
      ));
    if (!taken) throw new AwsError('InvalidNonceException', `The nonce for the job '${jobId}' is not valid`);
    return { status: 'InProgress' };
  },
});

export const getJobDetails = operation<GetJobDetailsInput, GetJobDetailsOutput>({
  async handle({ jobId = '' }, call) {
    const { document: job } = await requireJob(call, jobId);
    const run = await loadRun(call.house, pipelineKey(call, job.pipeline), job.actionExecutionId);
    if (run === undefined) throw jobNotFound(jobId);
    return {
      jobDetails: { id: jobId, accountId: call.account, data: await jobData(run, job.continuationToken) },
    };
  },
});

export const putJobSuccessResult = operation<PutJobSuccessResultInput, object>({
  async handle(input, call) {
    const { jobId = '', continuationToken, outputVariables = {}, currentRevision } = input;
    if (continuationToken !== undefined && Object.keys(outputVariables).length > 0) {
      throw invalid('outputVariables cannot be given together with a continuationToken');
    }
    const bytes = Buffer.byteLength(JSON.stringify(outputVariables));
    if (bytes > OUTPUT_VARIABLES_BYTES) {
      throw new AwsError(
        'OutputVariablesSizeExceededException',
        `The output variables of the action take ${bytes} bytes; the limit is ${OUTPUT_VARIABLES_BYTES}`,
      );
    }
    const report = reportOf(input.executionDetails);
    await finish(call, jobId, 'Succeeded', async (tx, job, action) => {
      const actionExecutionId = action.id;
      if (continuationToken === undefined) {
        return {
          type: 'ActionReported',
          actionExecutionId,
          report,
          variables: outputVariables,
          ...(currentRevision === undefined
            ? {}
            : {
                revision: {
                  id: currentRevision.revision ?? '',
                  summary: currentRevision.revisionSummary,
                  ...(currentRevision.created === undefined ? {} : { createdAt: Number(currentRevision.created) }),
                },
              }),
        };
      }
      const isFunction = job.actionTypeId.owner !== 'Custom';
      await insertJob(tx, call, call.now, {
        ...job,
        status: isFunction ? 'InProgress' : 'Queued',
        nonce: call.house.ids.uuid(),
        number: job.number + 1,
        continuationToken,
      });
      return {
        type: 'ActionProgressed',
        actionExecutionId,
        report,
        ...(isFunction
          ? { pollAt: call.now + INVOKE_AGAIN_MS, deadlineAt: lambdaDeadline(action.startedAt, call.now) }
          : {}),
      };
    });
    return {};
  },
});

export const putJobFailureResult = operation<PutJobFailureResultInput, object>({
  async handle({ jobId = '', failureDetails }, call) {
    await finish(call, jobId, 'Failed', async (_tx, _job, action) => ({
      type: 'ActionFailed',
      actionExecutionId: action.id,
      error: { code: failureDetails?.type ?? 'JobFailed', message: failureDetails?.message ?? '' },
      ...(failureDetails?.externalExecutionId === undefined
        ? {}
        : { report: { externalExecutionId: failureDetails.externalExecutionId } }),
    }));
    return {};
  },
});

/** Hands a job out under a new nonce; undefined when its action no longer runs or another poller was quicker. */
async function dispatch(call: Call, stored: Stored<Job>): Promise<WireJob | undefined> {
  const { document: job, key, version } = stored;
  const { store, ids } = call.house;
  const run = await loadRun(call.house, pipelineKey(call, job.pipeline), job.actionExecutionId);
  if (run === undefined) {
    const over: Job = { ...job, status: 'Failed' };
    await jobs.update(store, key, over, { expectedVersion: version, parent: jobsOf(job.executionId) });
    return undefined;
  }
  let data: WireJob['data'];
  try {
    data = await jobData(run, job.continuationToken);
  } catch (error) {
    await failForWantOfData(call, job, error);
    return undefined;
  }
  const nonce = ids.uuid();
  const dispatched: Job = { ...job, status: 'Dispatched', nonce, dispatchedAt: call.now };
  if (!(await jobs.update(store, key, dispatched, { expectedVersion: version }))) return undefined;
  return { id: key.id, nonce, accountId: call.account, data };
}

/** A job without its artifacts or credentials cannot be done: its action fails with the reason. What passes is thrown. */
async function failForWantOfData(call: Call, job: Job, error: unknown): Promise<void> {
  const known = errorOf(error);
  if (known === undefined) throw error;
  await call.house.engine.submit(LINE, pipelineKey(call, job.pipeline), {
    type: 'ActionFailed',
    actionExecutionId: job.actionExecutionId,
    error: { code: 'PermissionError', message: known.message },
  } as LineEvent);
}

/** Ends a job and tells its action, as one. */
async function finish(
  call: Call,
  jobId: string,
  status: 'Succeeded' | 'Failed',
  make: (tx: Tx, job: Job, action: ActionExecution) => Promise<LineEvent>,
): Promise<void> {
  const { store, engine } = call.house;
  await store.transaction(async (tx) => {
    const stored = await jobs.getForUpdate(tx, jobKey(call, jobId));
    if (stored === undefined) throw jobNotFound(jobId);
    const { document: job, key } = stored;
    const lineKey = pipelineKey(call, job.pipeline);
    const line = (await lines.getForUpdate(tx, lineKey))?.document;
    const running = line && runningAction(line, job.actionExecutionId);
    if (job.status !== 'InProgress' || running === undefined) {
      throw new AwsError('InvalidJobStateException', `The job '${jobId}' is not in progress`);
    }
    await jobs.update(tx, key, { ...job, status });
    await engine.submitIn(tx, LINE, lineKey, await make(tx, job, running[1]));
  });
}

async function requireJob(call: Call, jobId: string): Promise<Stored<Job>> {
  const stored = await jobs.get(call.house.store, jobKey(call, jobId));
  if (stored === undefined) throw jobNotFound(jobId);
  return stored;
}

function reportOf(details: PutJobSuccessResultInput['executionDetails']): ProviderReport {
  const { summary, externalExecutionId, percentComplete } = details ?? {};
  return {
    ...(summary === undefined ? {} : { summary, externalExecutionSummary: summary }),
    ...(externalExecutionId === undefined ? {} : { externalExecutionId }),
    ...(percentComplete === undefined ? {} : { percentComplete }),
  };
}

function jobNotFound(jobId: string): AwsError {
  return new AwsError('JobNotFoundException', `The job '${jobId}' was not found`);
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
