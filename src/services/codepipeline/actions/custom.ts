/** Actions of the account's own types: a job is queued, and a worker that polls for it reports back. */
import { createJob } from '../job-queue.ts';
import type { ActionProvider } from './action.ts';

export const customAction: ActionProvider = {
  async start(run) {
    await createJob(run, { number: 1, status: 'Queued' });
    return { type: 'Running' };
  },

  async *foresee({ run }) {
    yield { unknown: `what the worker does that takes the jobs of ${run.declaration.actionTypeId.provider}` };
  },
};
