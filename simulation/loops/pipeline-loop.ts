/** The line of a pipeline, as src/services/codepipeline performs it (line-loop.ts, run.ts, actions/). */
import { type AwsError, isAwsError, SECOND_MS } from '../../src/common/index.ts';
import {
  type ActionExecution,
  type ActionPlan,
  type Artifact,
  currentRuns,
  decide,
  type Execution,
  isLive,
  isOver,
  type LineEffect,
  type LineEvent,
  type PipelineLine,
  planOf,
} from '../../src/core/pipeline-execution/index.ts';
import type { EffectContext, LoopDefinition } from '../../src/engine/index.ts';
import { startBuild } from './build-loop.ts';
import { createDeployment, findDeployment } from './deployment-loop.ts';
import type { Process } from './process.ts';
import { builds, deploymentArn, deployments, executionKey, executions, keyOf, LINE, lines } from './records.ts';

export type Run = Readonly<{
  process: Process;
  pipeline: string;
  execution: Execution;
  action: ActionExecution;
  plan: ActionPlan;
  /** An earlier try at this very start may have got through. */
  mayHaveStarted: boolean;
}>;

/** The action fails with it. */
class ActionFailure extends Error {
  override readonly name = 'ActionFailure';
}

export function lineLoop(process: Process): LoopDefinition<PipelineLine, LineEvent, LineEffect> {
  return {
    kind: LINE,
    decide,
    isFinal: () => false,
    perform: (effect, context) => perform(process, effect, context),
    onGivenUp: (effect, error) => {
      if (!('actionExecutionId' in effect)) return { type: 'ExecutionsArchived', executionIds: [] };
      return {
        type: 'ActionFailed',
        actionExecutionId: effect.actionExecutionId,
        error: { code: 'InternalError', message: error.message },
      };
    },
  };
}

async function perform(process: Process, effect: LineEffect, context: EffectContext): Promise<LineEvent | void> {
  if (effect.type === 'Announce') return process.call('publish', () => process.world.ledger.announced(effect.changes));
  if (effect.type === 'ArchiveExecutions') return archiveExecutions(process, context);
  const run = await loadRun(process, effect.actionExecutionId, context);
  if (run === undefined) return undefined;
  try {
    switch (effect.type) {
      case 'StartAction':
        return await start(run);
      case 'PollAction':
        return await poll(run);
      case 'NotifyApproval':
        return await process.call('publish', () => {});
      case 'CollectOutputs':
        return succeeded(run, await collectOutputs(run));
    }
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    return { type: 'ActionFailed', actionExecutionId: run.action.id, error: failure };
  }
}

async function loadRun(process: Process, actionId: string, context: EffectContext): Promise<Run | undefined> {
  const line = (await lines.get(process.store, context.key))?.document;
  if (line === undefined) return undefined;
  for (const execution of line.executions) {
    if (!isLive(execution)) continue;
    const action = currentRuns(execution).find(({ id }) => id === actionId);
    if (action?.status !== 'InProgress') continue;
    const plan = planOf(line, execution)
      .stages.find(({ name }) => name === action.stage)
      ?.actions.find(({ name }) => name === action.action);
    if (plan === undefined) return undefined;
    const mayHaveStarted = context.attempt > 1 || context.resumed === true || action.startedAt <= process.openedAt;
    return { process, pipeline: context.key.id, execution, action, plan, mayHaveStarted };
  }
  return undefined;
}

/** What an action fails with; undefined: nobody's fault, try again. */
function failureOf(error: unknown): { code: string; message: string } | undefined {
  if (error instanceof ActionFailure) return { code: 'JobFailed', message: error.message };
  if (!isAwsError(error)) return undefined;
  const { code, message } = error as AwsError;
  if (/Unavailable/.test(code)) return undefined;
  // A quota that is used up lasts as long as the other's work does.
  return { code: /LimitExceeded/.test(code) ? 'JobFailed' : 'ConfigurationError', message };
}

async function start(run: Run): Promise<LineEvent> {
  const { process, plan, action, execution } = run;
  const { world } = process;
  switch (plan.type.provider) {
    case 'S3': {
      // Each try has a place of its own.
      const key = `${outputKey(run, 'source')}/${world.outside.newPlace()}`;
      const artifact = await process.call('PutObject', () => {
        const made = world.outside.put(key, `commit ${world.head()}`);
        world.ledger.built(action.id, made.sha256);
        return made;
      });
      return succeeded(run, [{ ...artifact, name: 'source' }]);
    }
    case 'CodeBuild': {
      const input = await verified(run);
      const outputs = plan.outputs.map((name) => outputKey(run, name));
      const build = await startBuild(process, action.id, {
        actionExecutionId: action.id,
        source: input,
        outputs,
        timeoutMs: 20 * 60 * SECOND_MS,
      });
      return running(run, { externalExecutionId: build.id }, 10 * SECOND_MS, build.arn);
    }
    case 'CodeDeploy': {
      const group = groupOf(plan);
      const description = `CodePipeline ${run.pipeline}, action execution ${action.id}`;
      let id = run.mayHaveStarted ? await findDeployment(process, group, description) : undefined;
      if (id === undefined) {
        const revision = await verified(run);
        id = await createDeployment(process, { group, revision, description, clientToken: action.id });
      }
      return running(run, { externalExecutionId: id }, 15 * SECOND_MS, deploymentArn(id));
    }
    case 'Manual':
      return {
        type: 'ActionProgressed',
        actionExecutionId: action.id,
        report: {},
        token: process.ids.uuid(),
        notify: true,
      };
    case 'Lambda':
      world.users.giveJob(run.pipeline, action.id);
      return running(run, { externalExecutionId: execution.id });
    default:
      throw new ActionFailure(`no provider runs ${plan.type.provider}`);
  }
}

async function poll(run: Run): Promise<LineEvent | undefined> {
  const { process, plan, action } = run;
  const id = action.externalExecutionId ?? '';
  if (plan.type.provider === 'CodeBuild') {
    const build = (await builds.get(process.store, keyOf(id)))?.document;
    if (build === undefined) throw new ActionFailure(`the build ${id} no longer exists`);
    if (build.status === 'IN_PROGRESS') return running(run, {}, 10 * SECOND_MS, build.arn);
    if (build.status !== 'SUCCEEDED') throw new ActionFailure(`the build is ${build.status}`);
    return succeeded(run, await collectOutputs(run));
  }
  if (plan.type.provider === 'CodeDeploy') {
    const deployment = (await deployments.get(process.store, keyOf(id)))?.document;
    if (deployment === undefined) throw new ActionFailure(`the deployment ${id} no longer exists`);
    if (deployment.phase.name !== 'Ended') return running(run, {}, 15 * SECOND_MS, deploymentArn(id));
    if (deployment.phase.status !== 'Succeeded')
      throw new ActionFailure(`the deployment is ${deployment.phase.status}`);
    return succeeded(run, []);
  }
  return undefined;
}

function running(run: Run, report: object, pollAfterMs?: number, wakeKey?: string): LineEvent {
  return {
    type: 'ActionProgressed',
    actionExecutionId: run.action.id,
    report,
    ...(pollAfterMs === undefined ? {} : { pollAt: run.process.clock.now() + pollAfterMs, wakeKey }),
  };
}

function succeeded(run: Run, outputs: readonly Artifact[]): LineEvent {
  return { type: 'ActionSucceeded', actionExecutionId: run.action.id, outputs, report: {}, variables: {} };
}

/** The input, if its bytes are still those that its producer recorded. */
async function verified(run: Run): Promise<Artifact> {
  const [artifact] = run.action.inputs;
  if (artifact === undefined) throw new ActionFailure('the input artifact was never produced');
  const { outside } = run.process.world;
  const object = await run.process.call('GetObject', () => outside.get(artifact));
  if (!outside.isUnchanged(object, artifact)) throw new ActionFailure(`${artifact.key} has changed`);
  return artifact;
}

async function collectOutputs(run: Run): Promise<Artifact[]> {
  const collected: Artifact[] = [];
  for (const name of run.plan.outputs) {
    const { text: _, ...artifact } = await run.process.call('GetObject', () =>
      run.process.world.outside.get({ key: outputKey(run, name) }),
    );
    collected.push({ ...artifact, name });
  }
  return collected;
}

function outputKey({ action }: Run, name: string): string {
  return `${action.id}/${name}`;
}

/** `deploy-2-group-1` deploys to group-1. */
export function groupOf(plan: Pick<ActionPlan, 'name'>): string {
  return /^deploy-\d+-(.+)$/.exec(plan.name)?.[1] ?? '';
}

async function archiveExecutions(process: Process, { key }: EffectContext): Promise<LineEvent | void> {
  const line = (await lines.get(process.store, key))?.document;
  if (line === undefined) return undefined;
  const over = line.executions.filter((execution) => isOver(line, execution));
  await executions.putMany(
    process.store,
    over.map((execution) => ({
      key: executionKey(key.id, execution.id),
      document: execution,
      placement: { parent: key.id },
    })),
  );
  return { type: 'ExecutionsArchived', executionIds: over.map(({ id }) => id) };
}
