/**
 * One delivery, watched from outside: a push, the pipeline it starts, the approval, the canary under traffic. Everything is
 * read through the public API, and what is reported is what was observed.
 */
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { BatchGetBuildsCommand, CodeBuildClient } from '@aws-sdk/client-codebuild';
import { CodeDeployClient, GetDeploymentCommand } from '@aws-sdk/client-codedeploy';
import {
  type ActionExecutionDetail,
  CodePipelineClient,
  GetPipelineExecutionCommand,
  GetPipelineStateCommand,
  ListActionExecutionsCommand,
  ListPipelineExecutionsCommand,
  PutApprovalResultCommand,
} from '@aws-sdk/client-codepipeline';
import { GetAliasCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Repository } from './repository.ts';
import type { ServiceVersion } from './service.ts';
import type { SluiceProcess } from './sluice-process.ts';
import type { Timeline } from './timeline.ts';
import type { Traffic } from './traffic.ts';
import { ALARM, ALIAS, FUNCTION, PIPELINE, type World } from './world.ts';

export type Delivered = Readonly<{
  executionId: string;
  executionStatus: string;
  actions: ReadonlyMap<string, string>;
  errorMessage: string | undefined;
  deploymentId: string;
  deploymentStatus: string;
  deploymentErrorCode: string | undefined;
  rollback: Readonly<{ id: string; status: string; creator: string | undefined }> | undefined;
  /** Traffic while the alias held a weight. */
  canary: Readonly<{ requests: number; newSharePercent: number; simulatedSeconds: number }>;
  alarmStates: readonly string[];
  /** Versions of the function: before, and the one delivered. */
  oldVersion: string;
  newVersion: string;
  /** Where the alias ended. */
  aliasVersion: string;
  aliasWeights: number;
  hurt: number;
  requests: number;
}>;

export type DeliveryTools = Readonly<{
  sluice: SluiceProcess;
  world: World;
  timeline: Timeline;
  traffic: Traffic;
  repository: Repository;
  /** Called once each time traffic has been sent during the bake, with simulated seconds since it began. */
  duringBake?: (seconds: number) => Promise<void>;
}>;

const STEP_SECONDS = 5;
const REQUESTS_PER_STEP = 8;
const LONGEST_BAKE_SECONDS = 900;
const REAL_PATIENCE_MS = 60_000;

export async function deliver(tools: DeliveryTools, version: ServiceVersion): Promise<Delivered> {
  const { timeline, repository, world } = tools;
  const watch = new Watch(tools);
  const before = await watch.executionIds();
  await watch.tick();
  const commit = await repository.push(version);
  timeline.line('git', `pushed ${version} (${commit.slice(0, 8)})`);
  const executionId = await until('the push starts the pipeline', async () =>
    (await watch.executionIds()).find((id) => !before.includes(id)),
  );
  timeline.line('pipeline', `execution ${executionId.slice(0, 8)} started by the push`);
  const codepipeline = new CodePipelineClient(world.tools.config);

  await until('the pipeline asks for approval', async () => {
    await watch.actions(executionId);
    const failed = watch.failedAction();
    if (failed !== undefined)
      throw new Error(`${failed.stageName}/${failed.actionName} failed: ${await watch.reason(failed)}`);
    return watch.token();
  }).then(async (token) => {
    await codepipeline.send(
      new PutApprovalResultCommand({
        pipelineName: PIPELINE,
        stageName: 'Approve',
        actionName: 'Release',
        token,
        result: { status: 'Approved', summary: `${version} looks right` },
      }),
    );
    timeline.line('Approve', 'approved by a person', 'good');
  });

  const deploymentId = await until('the deployment begins', async () => {
    await watch.actions(executionId);
    return watch.externalId('Deploy');
  });
  return bake(tools, watch, version, executionId, deploymentId);
}

async function bake(
  tools: DeliveryTools,
  watch: Watch,
  version: ServiceVersion,
  executionId: string,
  deploymentId: string,
): Promise<Delivered> {
  const { sluice, timeline, traffic, world } = tools;
  const codedeploy = new CodeDeployClient(world.production.config);
  const oldVersion = (await watch.alias()).version;
  timeline.line('Deploy', `${deploymentId}: ${version} is to take over from version ${oldVersion} of the function`);
  const startedAt = await sluice.now();
  const alarmStates: string[] = [];
  let newVersion = '';
  let canarySeconds = 0;
  let weight = -1;
  let hurt = 0;
  let requests = 0;
  let canary = { requests: 0, newSharePercent: 0 };
  let status = '';
  let lastReportAt = 0;
  traffic.restart();
  const account = (): void => {
    const tally = traffic.tally();
    hurt += tally.failed;
    requests += tally.requests;
  };
  for (let seconds = 0; seconds < LONGEST_BAKE_SECONDS; seconds = ((await sluice.now()) - startedAt) / 1000) {
    const alias = await watch.alias();
    if (alias.weight !== weight) {
      if (weight > 0)
        canary = { requests: traffic.tally().requests, newSharePercent: traffic.sharePercent(newVersion) };
      account();
      traffic.restart();
      weight = alias.weight;
      if (alias.additionalVersion !== undefined) newVersion = alias.additionalVersion;
      timeline.line(
        'weights',
        weight > 0
          ? `version ${alias.version} ${100 - weight} %, version ${newVersion} ${weight} %`
          : `version ${alias.version} 100 %`,
      );
    }
    await traffic.send(REQUESTS_PER_STEP);
    if (weight > 0) canarySeconds = seconds;
    const alarm = await watch.alarm();
    if (alarm !== alarmStates.at(-1)) {
      alarmStates.push(alarm);
      timeline.line('alarm', `${ALARM} is ${alarm}`, alarm === 'ALARM' ? 'bad' : 'plain');
    }
    if (weight > 0 && seconds - lastReportAt >= 60) {
      lastReportAt = seconds;
      timeline.line(
        'observed',
        `${split(traffic, alias.version, newVersion)} of ${traffic.tally().requests} requests, ${traffic.tally().failed} failed`,
        'dim',
      );
    }
    await tools.duringBake?.(seconds);
    const { deploymentInfo } = await codedeploy.send(new GetDeploymentCommand({ deploymentId }));
    status = deploymentInfo?.status ?? '';
    if (isFinal(status)) break;
    await sluice.advance(STEP_SECONDS);
    await watch.tick();
  }
  account();
  timeline.line('Deploy', `${deploymentId} ${status}`, status === 'Succeeded' ? 'good' : 'bad');
  const { deploymentInfo } = await codedeploy.send(new GetDeploymentCommand({ deploymentId }));
  const rollbackId = deploymentInfo?.rollbackInfo?.rollbackDeploymentId;
  if (deploymentInfo?.errorInformation?.message !== undefined)
    timeline.line('Deploy', deploymentInfo.errorInformation.message, 'dim');
  const rollback = rollbackId === undefined ? undefined : await followRollback(tools, watch, codedeploy, rollbackId);
  const executionStatus = await until('the pipeline execution ends', async () => {
    await watch.actions(executionId);
    const found = await watch.executionStatus(executionId);
    if (found !== 'InProgress') return found;
    await sluice.advance(STEP_SECONDS);
    await watch.tick();
    return undefined;
  });
  await watch.actions(executionId);
  const alias = await watch.alias();
  if (newVersion === '' && alias.version !== oldVersion) newVersion = alias.version;
  timeline.line(
    'pipeline',
    `execution ${executionId.slice(0, 8)} ${executionStatus}`,
    executionStatus === 'Succeeded' ? 'good' : 'bad',
  );
  return {
    executionId,
    executionStatus,
    actions: watch.statuses(),
    errorMessage: watch.errorMessage('Deploy'),
    deploymentId,
    deploymentStatus: status,
    deploymentErrorCode: deploymentInfo?.errorInformation?.code,
    rollback,
    canary: { ...canary, simulatedSeconds: canarySeconds },
    alarmStates,
    oldVersion,
    newVersion,
    aliasVersion: alias.version,
    aliasWeights: alias.weight,
    hurt,
    requests,
  };
}

async function followRollback(
  tools: DeliveryTools,
  watch: Watch,
  codedeploy: CodeDeployClient,
  id: string,
): Promise<Delivered['rollback']> {
  tools.timeline.line('rollback', `${id} was started by CodeDeploy itself`);
  const info = await until('the rollback ends', async () => {
    const { deploymentInfo } = await codedeploy.send(new GetDeploymentCommand({ deploymentId: id }));
    if (isFinal(deploymentInfo?.status ?? '')) return deploymentInfo;
    await tools.sluice.advance(1);
    await watch.tick();
    return undefined;
  });
  const alias = await watch.alias();
  tools.timeline.line('weights', `version ${alias.version} ${100 - alias.weight} %`);
  tools.timeline.line('rollback', `${id} ${info.status}`, info.status === 'Succeeded' ? 'good' : 'bad');
  return { id, status: info.status ?? '', creator: info.creator };
}

/** Reads the world, and tells the timeline what is new. */
class Watch {
  readonly #tools: DeliveryTools;
  readonly #codepipeline: CodePipelineClient;
  readonly #lambda: LambdaClient;
  readonly #cloudwatch: CloudWatchClient;
  readonly #seen = new Map<string, string>();
  #actions: readonly ActionExecutionDetail[] = [];

  constructor(tools: DeliveryTools) {
    this.#tools = tools;
    this.#codepipeline = new CodePipelineClient(tools.world.tools.config);
    this.#lambda = new LambdaClient(tools.world.production.config);
    this.#cloudwatch = new CloudWatchClient(tools.world.production.config);
  }

  async tick(): Promise<void> {
    this.#tools.timeline.at(await this.#tools.sluice.now());
  }

  async executionIds(): Promise<string[]> {
    const { pipelineExecutionSummaries } = await this.#codepipeline.send(
      new ListPipelineExecutionsCommand({ pipelineName: PIPELINE }),
    );
    return (pipelineExecutionSummaries ?? []).map((summary) => summary.pipelineExecutionId ?? '');
  }

  async executionStatus(id: string): Promise<string> {
    const { pipelineExecution } = await this.#codepipeline.send(
      new GetPipelineExecutionCommand({ pipelineName: PIPELINE, pipelineExecutionId: id }),
    );
    return pipelineExecution?.status ?? '';
  }

  /** Reads the execution's actions and reports each change. */
  async actions(executionId: string): Promise<void> {
    const { actionExecutionDetails } = await this.#codepipeline.send(
      new ListActionExecutionsCommand({ pipelineName: PIPELINE, filter: { pipelineExecutionId: executionId } }),
    );
    this.#actions = [...(actionExecutionDetails ?? [])].reverse();
    await this.tick();
    for (const action of this.#actions) {
      const id = action.actionExecutionId ?? '';
      const status = action.status ?? '';
      if (this.#seen.get(id) === status) continue;
      this.#seen.set(id, status);
      this.#tools.timeline.line(
        action.stageName ?? '',
        `${action.actionName} ${status}`,
        status === 'Succeeded' ? 'good' : status === 'Failed' ? 'bad' : 'plain',
      );
    }
  }

  failedAction(): ActionExecutionDetail | undefined {
    return this.#actions.find((action) => action.status === 'Failed');
  }

  statuses(): ReadonlyMap<string, string> {
    return new Map(this.#actions.map((action) => [action.stageName ?? '', action.status ?? '']));
  }

  externalId(stage: string): string | undefined {
    return this.#actions.find((action) => action.stageName === stage)?.output?.executionResult?.externalExecutionId;
  }

  errorMessage(stage: string): string | undefined {
    const result = this.#actions.find((action) => action.stageName === stage)?.output?.executionResult;
    return result?.errorDetails?.message ?? result?.externalExecutionSummary;
  }

  /** Why an action failed, with the build's own words where there is one. */
  async reason(action: ActionExecutionDetail): Promise<string> {
    const result = action.output?.executionResult;
    const words = [
      result?.errorDetails?.code,
      result?.errorDetails?.message ?? result?.externalExecutionSummary,
    ].filter((word) => word !== undefined);
    if (action.stageName === 'Build' && result?.externalExecutionId !== undefined) {
      const { builds } = await new CodeBuildClient(this.#tools.world.tools.config).send(
        new BatchGetBuildsCommand({ ids: [result.externalExecutionId] }),
      );
      for (const phase of builds?.[0]?.phases ?? []) {
        for (const context of phase.contexts ?? [])
          if ((context.message ?? '') !== '') words.push(`${phase.phaseType}: ${context.message}`);
      }
    }
    return words.join(': ');
  }

  async token(): Promise<string | undefined> {
    const { stageStates } = await this.#codepipeline.send(new GetPipelineStateCommand({ name: PIPELINE }));
    const approve = stageStates?.find((stage) => stage.stageName === 'Approve');
    const latest = approve?.actionStates?.[0]?.latestExecution;
    return latest?.status === 'InProgress' ? latest.token : undefined;
  }

  async alias(): Promise<Readonly<{ version: string; additionalVersion: string | undefined; weight: number }>> {
    const { FunctionVersion, RoutingConfig } = await this.#lambda.send(
      new GetAliasCommand({ FunctionName: FUNCTION, Name: ALIAS }),
    );
    const [[version, weight] = [undefined, 0]] = Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {});
    return { version: FunctionVersion ?? '', additionalVersion: version, weight: Math.round(weight * 100) };
  }

  async alarm(): Promise<string> {
    const { MetricAlarms } = await this.#cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: [ALARM] }));
    return MetricAlarms?.[0]?.StateValue ?? 'gone';
  }
}

function split(traffic: Traffic, oldVersion: string, newVersion: string): string {
  return `version ${oldVersion} ${traffic.sharePercent(oldVersion).toFixed(0)} %, version ${newVersion} ${traffic.sharePercent(newVersion).toFixed(0)} %`;
}

function isFinal(status: string): boolean {
  return status === 'Succeeded' || status === 'Failed' || status === 'Stopped';
}

/** Asks again until there is an answer; real time, since builds and git take it. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + REAL_PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`waited ${REAL_PATIENCE_MS / 1000} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}
