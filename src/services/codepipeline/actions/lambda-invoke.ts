/**
 * Invoke / Lambda: hands the function a job, asynchronously, and waits for it to report by PutJobSuccessResult or
 * PutJobFailureResult. A function that answers "still in progress" (a continuation token) is invoked again with a new
 * job; each answer gives it another twenty minutes of silence, a day in all.
 * Source: User Guide, "Invoke an AWS Lambda function in a pipeline".
 */
import { SECOND_MS } from '../../../common/index.ts';
import { LAMBDA_SILENCE_MS, LAMBDA_TIMEOUT_MS } from '../../../core/pipeline-definition/index.ts';
import { createJob, jobData, latestJob } from '../job-queue.ts';
import type { ActionOutcome, ActionProvider, ActionRun } from './action.ts';

/** How long after "still in progress" the function is asked again. */
export const INVOKE_AGAIN_MS = 30 * SECOND_MS;

export const lambdaInvoke: ActionProvider = {
  async start(run) {
    const jobId = await createJob(run, { number: 1, status: 'InProgress' });
    await invoke(run, jobId, undefined);
    return { type: 'Running' };
  },

  async poll(run): Promise<ActionOutcome> {
    const last = await latestJob(run);
    if (last?.job.continuationToken === undefined) return { type: 'Running' };
    const { continuationToken } = last.job;
    await invoke(run, last.jobId, continuationToken);
    return { type: 'Running' };
  },

  async *foresee({ run, call, inputs, asPipeline }) {
    // The credentials in the job are the pipeline's role, assumed once more.
    const { scope } = run;
    yield {
      service: 'sts',
      operation: 'GetCallerIdentity',
      input: {},
      scope,
      as: asPipeline,
      purpose: 'give the function credentials for the artifacts',
    };
    yield* inputs();
    const input = { FunctionName: run.configuration['FunctionName'], InvocationType: 'Event' };
    yield call('lambda', 'Invoke', input, 'invoke the function');
  },
};

/** The deadline after a reply that came at `now`. */
export function lambdaDeadline(startedAt: number, now: number): number {
  return Math.min(now + LAMBDA_SILENCE_MS, startedAt + LAMBDA_TIMEOUT_MS);
}

async function invoke(run: ActionRun, jobId: string, continuationToken: string | undefined): Promise<void> {
  const { actionTypeId: _type, pipelineContext: _context, ...data } = await jobData(run, continuationToken);
  const job = { id: jobId, accountId: run.scope.account, data };
  const client = await run.client();
  await client.call('lambda', 'Invoke', {
    FunctionName: run.configuration['FunctionName'],
    InvocationType: 'Event',
    Payload: Buffer.from(JSON.stringify({ 'CodePipeline.job': job })),
  });
}
