/**
 * Approval / Manual: waits for an answer that names its token. The token is saved before anybody is told of it: the
 * notification is an effect of its own, which follows.
 * Source: User Guide, "Manage approval actions in pipelines", "JSON data format for manual approval notifications".
 */
import { isoSeconds } from '../../../common/index.ts';
import type { ActionOutcome, ActionProvider, ActionRun } from './action.ts';

export const manualApproval: ActionProvider = {
  async start(run) {
    const token = run.house.ids.uuid();
    const mode = run.definition.declaration.executionMode;
    return {
      type: 'Running',
      token,
      notify: run.configuration['NotificationArn'] !== undefined,
      // In PARALLEL mode there is no pipeline state to read the token from.
      ...(mode === 'PARALLEL' ? { report: { externalExecutionId: token } } : {}),
    };
  },

  async *foresee({ run, call }) {
    const topicArn = run.configuration['NotificationArn'];
    if (topicArn === undefined) return;
    yield call('sns', 'Publish', { TopicArn: topicArn, Message: '' }, 'tell the topic that approval is needed');
  },
};

/** Tells the topic of the approval; the action fails if it cannot. */
export async function notifyApproval(run: ActionRun): Promise<ActionOutcome | undefined> {
  const topicArn = run.configuration['NotificationArn'];
  if (topicArn === undefined) return undefined;
  const { scope, pipelineName, actionExecution, declaration } = run;
  const stage = actionExecution.stage;
  const consoleLink = `https://console.aws.amazon.com/codepipeline/home?region=${scope.region}#/view/${pipelineName}`;
  const client = await run.client();
  await client.call('sns', 'Publish', {
    TopicArn: topicArn,
    Subject: `APPROVAL NEEDED: AWS CodePipeline ${pipelineName} for action ${declaration.name}`.slice(0, 100),
    Message: JSON.stringify({
      region: scope.region,
      consoleLink,
      approval: {
        pipelineName,
        stageName: stage,
        actionName: declaration.name,
        token: actionExecution.token,
        expires: isoSeconds(actionExecution.deadlineAt).replace(/:\d\dZ$/, 'Z'),
        externalEntityLink: run.configuration['ExternalEntityLink'] ?? null,
        approvalReviewLink: `${consoleLink}/${stage}/${declaration.name}/approve/${actionExecution.token}`,
        customData: run.configuration['CustomData'] ?? null,
      },
    }),
  });
  return undefined;
}
