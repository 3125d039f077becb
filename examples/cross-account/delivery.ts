/** Starts, watches and approves the pipeline, by the public API. The clock is moved by hand where something waits for it. */
import {
  type ActionExecutionDetail,
  CodePipelineClient,
  GetPipelineExecutionCommand,
  GetPipelineStateCommand,
  ListActionExecutionsCommand,
  ListPipelineExecutionsCommand,
  PutApprovalResultCommand,
  StartPipelineExecutionCommand,
} from '@aws-sdk/client-codepipeline';
import type { SluiceProcess } from '../../demo/sluice-process.ts';
import { type Layout, PIPELINE } from './layout.ts';

const GIVE_UP_MS = 60_000;

export class Delivery {
  readonly #sluice: SluiceProcess;
  readonly #client: CodePipelineClient;

  constructor(sluice: SluiceProcess, layout: Layout) {
    this.#sluice = sluice;
    this.#client = new CodePipelineClient(layout.config('tools'));
  }

  /** The execution that came with the pipeline. */
  async first(): Promise<string> {
    const { pipelineExecutionSummaries: [summary] = [] } = await this.#client.send(
      new ListPipelineExecutionsCommand({ pipelineName: PIPELINE }),
    );
    if (summary?.pipelineExecutionId === undefined) throw new Error('the pipeline did not start by itself');
    return summary.pipelineExecutionId;
  }

  async start(): Promise<string> {
    const { pipelineExecutionId = '' } = await this.#client.send(new StartPipelineExecutionCommand({ name: PIPELINE }));
    return pipelineExecutionId;
  }

  /** Resolves when staging waits for its approver. */
  async untilApproval(id: string): Promise<void> {
    await this.#watch(id, async () =>
      (await this.actions(id)).some(({ actionName, status }) => actionName === 'Approve' && status === 'InProgress'),
    );
  }

  async approve(): Promise<void> {
    const { stageStates = [] } = await this.#client.send(new GetPipelineStateCommand({ name: PIPELINE }));
    const action = stageStates
      .flatMap((stage) => stage.actionStates ?? [])
      .find(({ actionName }) => actionName === 'Approve');
    await this.#client.send(
      new PutApprovalResultCommand({
        pipelineName: PIPELINE,
        stageName: 'Staging',
        actionName: 'Approve',
        token: action?.latestExecution?.token ?? '',
        result: { status: 'Approved', summary: 'looks right' },
      }),
    );
  }

  async untilSucceeded(id: string): Promise<void> {
    await this.#watch(id, async () => (await this.#status(id)) === 'Succeeded');
  }

  /** The action that fails; the approval is given on the way. */
  async failure(id: string): Promise<ActionExecutionDetail> {
    let approved = false;
    let failed: ActionExecutionDetail | undefined;
    await this.#watch(
      id,
      async () => {
        const actions = await this.actions(id);
        failed = actions.find(({ status }) => status === 'Failed');
        const waits = actions.some(({ actionName, status }) => actionName === 'Approve' && status === 'InProgress');
        if (waits && !approved) {
          approved = true;
          await this.approve();
        }
        if (failed === undefined && (await this.#status(id)) === 'Succeeded')
          throw new Error('the delivery succeeded without the grant');
        return failed !== undefined && (await this.#status(id)) === 'Failed';
      },
      true,
    );
    if (failed === undefined) throw new Error('no action failed');
    return failed;
  }

  async actions(pipelineExecutionId: string): Promise<readonly ActionExecutionDetail[]> {
    const { actionExecutionDetails = [] } = await this.#client.send(
      new ListActionExecutionsCommand({ pipelineName: PIPELINE, filter: { pipelineExecutionId } }),
    );
    return actionExecutionDetails;
  }

  async #status(pipelineExecutionId: string): Promise<string> {
    const { pipelineExecution } = await this.#client.send(
      new GetPipelineExecutionCommand({ pipelineName: PIPELINE, pipelineExecutionId }),
    );
    return pipelineExecution?.status ?? '';
  }

  async #watch(id: string, seen: () => Promise<boolean>, mayFail = false): Promise<void> {
    const giveUpAt = performance.now() + GIVE_UP_MS;
    while (!(await seen())) {
      if (!mayFail && (await this.#status(id)) === 'Failed') {
        const failed = (await this.actions(id)).find(({ status }) => status === 'Failed');
        throw new Error(`${failed?.actionName} failed: ${failed?.output?.executionResult?.errorDetails?.message}`);
      }
      if (performance.now() > giveUpAt) throw new Error(`execution ${id} does not end`);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await this.#sluice.advance(5);
    }
  }
}
