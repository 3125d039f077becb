/** What must hold of what the servers show, after each restart and at the end. Each check returns what is broken. */
import { GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  BatchGetDeploymentsCommand,
  type DeploymentInfo,
  GetDeploymentTargetCommand,
  ListDeploymentsCommand,
  ListDeploymentTargetsCommand,
} from '@aws-sdk/client-codedeploy';
import {
  type ActionExecutionDetail,
  ListActionExecutionsCommand,
  ListPipelineExecutionsCommand,
  type PipelineExecutionSummary,
} from '@aws-sdk/client-codepipeline';
import { GetAliasCommand } from '@aws-sdk/client-lambda';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Clients } from './clients.ts';
import type { Model } from './model.ts';
import { ALIAS, APPLICATION, BUCKET, type Line, NAMESPACE, type World } from './world.ts';

const FINAL_DEPLOYMENT = new Set(['Succeeded', 'Failed', 'Stopped']);

export async function checkAll(at: Clients, world: World, model: Model): Promise<string[]> {
  const found = await Promise.all([checkObjects(at, model), ...world.lines.map((line) => checkLine(at, line, model))]);
  return found.flat();
}

async function checkObjects({ s3 }: Clients, model: Model): Promise<string[]> {
  const broken: string[] = [];
  for (const [key, register] of model.objects) {
    const value = await s3
      .send(new GetObjectCommand({ Bucket: BUCKET, Key: key }))
      .then(async ({ Body }) => (await Body?.transformToString())?.replace(/\.*$/, ''))
      .catch((error: unknown) => {
        if ((error as Error).name === 'NoSuchKey') return undefined;
        throw error;
      });
    const wrong = register.see(value);
    if (wrong !== undefined) broken.push(`object ${key}: ${wrong}`);
  }
  return broken;
}

async function checkLine(at: Clients, line: Line, model: Model): Promise<string[]> {
  const broken: string[] = [];
  const say = (what: string | undefined): void => {
    if (what !== undefined) broken.push(`${line.pipeline}: ${what}`);
  };
  // In this order: what an execution that has ended names is there to be read after it.
  const executions = await executionsOf(at, line);
  const actions = await actionsOf(at, line);
  const deployments = await deploymentsOf(at, line);
  const ids = new Set(executions.map(({ pipelineExecutionId: id }) => id));
  for (const [id, pipeline] of model.executions)
    if (pipeline === line.pipeline && !ids.has(id)) say(`execution ${id} was acknowledged and is gone`);
  const known = [...model.executions.values()].filter((pipeline) => pipeline === line.pipeline).length;
  const most = known + (model.unknownStarts.get(line.pipeline) ?? 0) + 1; /* by the pipeline's creation */
  if (executions.length > most + 1 /* a start with a token that is still to be asked for again */)
    say(`${executions.length} executions, and at most ${most} were started`);
  for (const { pipelineExecutionId: id = '', status = '' } of executions)
    if (status !== 'InProgress' && status !== 'Stopping') say(model.seeFinal(id, status));
  for (const deployment of deployments)
    if (FINAL_DEPLOYMENT.has(deployment.status ?? ''))
      say(model.seeFinal(deployment.deploymentId ?? '', deployment.status ?? ''));
  checkNoneDoubled(actions, deployments).forEach(say);
  for (const { pipelineExecutionId: id = '', status } of executions) {
    if (status !== 'Succeeded') continue;
    const deploys = actions.filter((action) => action.pipelineExecutionId === id && action.stageName === 'Deploy');
    const deploymentId = deploys[0]?.output?.executionResult?.externalExecutionId;
    const deployment = deployments.find((candidate) => candidate.deploymentId === deploymentId);
    if (deploys.length !== 1) say(`execution ${id} succeeded with ${deploys.length} deploy actions`);
    if (deployment?.status !== 'Succeeded')
      say(`execution ${id} succeeded, and its deployment ${deploymentId} is ${deployment?.status ?? 'not there'}`);
  }
  for (const id of model.approved) {
    if (model.executions.get(id) !== line.pipeline) continue;
    const approval = actions.find((action) => action.pipelineExecutionId === id && action.actionName === 'Approve');
    if (approval?.status !== 'Succeeded')
      say(`the approval of ${id} was acknowledged and is ${approval?.status ?? 'gone'}`);
  }
  (await checkAlias(at, line, deployments, model)).forEach(say);
  return broken;
}

/** Every deployment that is no rollback is of one deploy action's, and every revision was deployed once. */
function checkNoneDoubled(actions: readonly ActionExecutionDetail[], deployments: readonly DeploymentInfo[]): string[] {
  const broken: string[] = [];
  const byRevision = new Map<string, string>();
  for (const { deploymentId = '', creator, revision } of deployments) {
    if (creator === 'codeDeployRollback') continue;
    const { bucket, key, version } = revision?.s3Location ?? {};
    const name = `${bucket}/${key}/${version ?? ''}`;
    const twin = byRevision.get(name);
    if (twin !== undefined) broken.push(`deployed twice: ${twin} and ${deploymentId} are both of ${name}`);
    byRevision.set(name, deploymentId);
  }
  const named = new Map<string, string>();
  for (const { actionExecutionId = '', output, stageName } of actions) {
    const id = output?.executionResult?.externalExecutionId;
    if (stageName !== 'Deploy' || id === undefined) continue;
    const twin = named.get(id);
    if (twin !== undefined) broken.push(`deployment ${id} belongs to two actions: ${twin} and ${actionExecutionId}`);
    named.set(id, actionExecutionId);
  }
  return broken;
}

async function checkAlias(
  at: Clients,
  line: Line,
  deployments: readonly DeploymentInfo[],
  model: Model,
): Promise<string[]> {
  const broken: string[] = [];
  const alias = await at.lambda.send(new GetAliasCommand({ FunctionName: line.functionName, Name: ALIAS }));
  const others = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {});
  const weight = others.reduce((sum, [, share]) => sum + share, 0);
  if (others.length > 1 || weight < 0 || weight > 1) broken.push(`the alias has the weights ${JSON.stringify(others)}`);
  const versions = model.versions.get(line.functionName) ?? new Set();
  const shown = [alias.FunctionVersion ?? '', ...others.map(([version]) => version)];
  // A version may have been published of which nobody was told; it is never deployed then.
  for (const version of shown)
    if (!versions.has(version)) broken.push(`the alias points at the unknown version ${version}`);
  if (deployments.some(({ status }) => !FINAL_DEPLOYMENT.has(status ?? ''))) return broken;
  const last = deployments.toSorted((a, b) => Number(b.createTime) - Number(a.createTime))[0];
  if (last?.status !== 'Succeeded') return broken;
  const { deploymentId } = last;
  const { targetIds = [] } = await at.codedeploy.send(new ListDeploymentTargetsCommand({ deploymentId }));
  const { deploymentTarget } = await at.codedeploy.send(
    new GetDeploymentTargetCommand({ deploymentId, targetId: targetIds[0] }),
  );
  const target = deploymentTarget?.lambdaTarget?.lambdaFunctionInfo?.targetVersion;
  if (others.length > 0 || alias.FunctionVersion !== target)
    broken.push(
      `deployment ${last.deploymentId} of version ${target} succeeded last, and the alias is at ${JSON.stringify(shown)}`,
    );
  return broken;
}

/** At the end: every queue, event and datum is accounted for. */
export async function checkEnd(at: Clients, world: World, model: Model, seenEvents: Set<string>): Promise<string[]> {
  const broken: string[] = [];
  const messages = new Set<string>();
  await drain(
    at,
    world.messagesUrl,
    messages,
    (body) => body,
    () => model.messages.missingFrom(messages).length === 0,
  );
  const lost = model.messages.missingFrom(messages);
  if (lost.length > 0)
    broken.push(`${lost.length} messages were acknowledged and are gone: ${lost.slice(0, 5).join(', ')}`);
  const strange = [...model.messages.strangersIn(messages), ...model.events.strangersIn(seenEvents)];
  if (strange.length > 0) broken.push(`messages that nobody sent: ${strange.slice(0, 5).join(', ')}`);
  const wrong = model.metric.says(await sumOfMetric(at));
  if (wrong !== undefined) broken.push(`metric data: ${wrong}`);
  const deployments = [...model.finals].filter(([id]) => id.startsWith('d-'));
  if (deployments.length > 4 && !deployments.some(([, status]) => status === 'Succeeded'))
    broken.push('no deployment ever succeeded: nothing was tried here');
  return broken;
}

/** Takes what is in the events queue; resolves when all that was acknowledged has been seen, or when time is up. */
export async function drainEvents(
  at: () => Clients | undefined,
  world: World,
  model: Model,
  seen: Set<string>,
  deadlineMs: number,
): Promise<string[]> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const missing = model.events.missingFrom(seen);
    if (missing.length === 0 || performance.now() > deadline) return missing;
    const clients = at();
    if (clients === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      continue;
    }
    await drain(clients, world.eventsUrl, seen, eventId, () => model.events.missingFrom(seen).length === 0).catch(
      () => {},
    );
  }
}

async function drain(
  { sqs }: Clients,
  QueueUrl: string,
  seen: Set<string>,
  idOf: (body: string) => string,
  enough: () => boolean,
): Promise<void> {
  for (let empty = 0; empty < 3 && !enough();) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    if (Messages.length === 0) {
      empty += 1;
      continue;
    }
    for (const { Body = '' } of Messages) seen.add(idOf(Body));
    await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
      }),
    );
  }
}

function eventId(body: string): string {
  return (JSON.parse(body) as { detail: { id: string } }).detail.id;
}

async function sumOfMetric({ cloudwatch }: Clients): Promise<number> {
  const now = await clockOf(cloudwatch);
  const { Datapoints = [] } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace: NAMESPACE,
      MetricName: 'Strokes',
      StartTime: new Date(now - 10 * 86_400_000),
      EndTime: new Date(now + 86_400_000),
      Period: 86_400,
      Statistics: ['Sum'],
    }),
  );
  return Datapoints.reduce((sum, { Sum = 0 }) => sum + Sum, 0);
}

/** The house's time, which runs ahead of ours. */
async function clockOf(cloudwatch: Clients['cloudwatch']): Promise<number> {
  const endpoint = await cloudwatch.config.endpoint?.();
  const response = await fetch(`http://${endpoint?.hostname}:${endpoint?.port}/_sluice/clock`);
  return ((await response.json()) as { epochMs: number }).epochMs;
}

async function executionsOf({ codepipeline }: Clients, { pipeline }: Line): Promise<PipelineExecutionSummary[]> {
  const all: PipelineExecutionSummary[] = [];
  let nextToken: string | undefined;
  do {
    const page = await codepipeline.send(new ListPipelineExecutionsCommand({ pipelineName: pipeline, nextToken }));
    all.push(...(page.pipelineExecutionSummaries ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return all;
}

async function actionsOf({ codepipeline }: Clients, { pipeline }: Line): Promise<ActionExecutionDetail[]> {
  const all: ActionExecutionDetail[] = [];
  let nextToken: string | undefined;
  do {
    const page = await codepipeline.send(new ListActionExecutionsCommand({ pipelineName: pipeline, nextToken }));
    all.push(...(page.actionExecutionDetails ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return all;
}

async function deploymentsOf({ codedeploy }: Clients, { group }: Line): Promise<DeploymentInfo[]> {
  const ids: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await codedeploy.send(
      new ListDeploymentsCommand({ applicationName: APPLICATION, deploymentGroupName: group, nextToken }),
    );
    ids.push(...(page.deployments ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  const all: DeploymentInfo[] = [];
  for (let at = 0; at < ids.length; at += 25) {
    const { deploymentsInfo = [] } = await codedeploy.send(
      new BatchGetDeploymentsCommand({ deploymentIds: ids.slice(at, at + 25) }),
    );
    all.push(...deploymentsInfo);
  }
  return all;
}
