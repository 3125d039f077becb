/** Events for functions, as src/services/lambda/async-invocations.ts performs them. The functions are hooks of deployments. */
import {
  type AsyncInvocationEffect,
  type AsyncInvocationEvent,
  type AsyncInvocationState,
  decide,
  isFinal,
  startAsyncInvocation,
} from '../../src/core/async-invocation/index.ts';
import type { DeploymentEvent } from '../../src/core/lambda-deployment/index.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/common/index.ts';
import type { LoopDefinition } from '../../src/engine/index.ts';
import type { DocumentKey } from '../../src/store/documents.ts';
import { untilHeard } from '../../src/services/until-heard.ts';
import type { Process } from './process.ts';
import {
  type Deployment,
  DEPLOYMENT,
  deployments,
  hookEvents,
  INVOCATION,
  invocations,
  keyOf,
  type HookEvent,
} from './records.ts';

const FUNCTION_TIMEOUT_MS = 3 * MINUTE_MS;

/** On the disk when it resolves. */
export async function acceptEvent(process: Process, event: HookEvent): Promise<void> {
  const { state, effects } = startAsyncInvocation({
    receivedAt: process.clock.now(),
    maxRetries: 2,
    maxAgeMs: 6 * HOUR_MS,
  });
  const key = keyOf(process.ids.uuid());
  await process.store.transaction(async (tx) => {
    await process.engine.create(tx, INVOCATION, key, state, effects);
    await hookEvents.insert(tx, key, event);
  });
}

export function invocationLoop(
  process: Process,
): LoopDefinition<AsyncInvocationState, AsyncInvocationEvent, AsyncInvocationEffect> {
  return {
    kind: INVOCATION,
    decide,
    isFinal,
    place: (state) => ({ parent: state.phase }),
    async perform(effect, { key }) {
      if (effect.type === 'Run') return begin(process, key, effect.run);
      if (effect.type === 'Conclude') {
        await process.store.transaction(async (tx) => {
          await hookEvents.delete(tx, key);
          await process.engine.remove(tx, INVOCATION, key);
        });
      }
      return undefined;
    },
  };
}

/** What ran in a process that is gone is run again. */
export async function startEvents(process: Process): Promise<void> {
  process.members?.onGone(() => resumeEvents(process));
  await resumeEvents(process);
}

async function resumeEvents(process: Process): Promise<void> {
  const running = await invocations.list(process.store, { parent: 'Running' });
  const standing = await process.members?.standing();
  for (const { key } of running) {
    const holder = standing && (await hookEvents.get(process.store, key))?.document.holder;
    if (holder !== undefined && standing?.has(holder) === true) continue;
    await process.engine.submit(INVOCATION, key, { type: 'RunInterrupted' });
  }
}

async function begin(process: Process, key: DocumentKey, run: number): Promise<AsyncInvocationEvent> {
  const event = (await hookEvents.get(process.store, key))?.document;
  if (event === undefined) return { type: 'FunctionNotFound', run };
  if (process.members !== undefined) await hookEvents.update(process.store, key, { ...event, holder: process.name });
  void runHook(process, event)
    .then(
      (): AsyncInvocationEvent => ({ type: 'RunSucceeded', run }),
      (): AsyncInvocationEvent => ({ type: 'RunFailed', run }),
    )
    .then((result) => untilHeard(process, () => process.engine.submit(INVOCATION, key, result)))
    .catch((error: unknown) => process.world.tell(process.name, `the end of an event could not be noted: ${error}`));
  return { type: 'RunBegun', run };
}

/** The function: takes its time, then answers for its hook; or says nothing until its time is up. */
async function runHook(process: Process, event: HookEvent): Promise<void> {
  const { world } = process;
  const { mischief, scheduler, scenario } = world;
  const silent = mischief.strikes('hook silent', scenario.circumstances.hookSilent);
  const afterMs = silent ? FUNCTION_TIMEOUT_MS : (u: number) => u * 20_000;
  await scheduler.wait({ process: process.name, label: 'hook runs', afterMs });
  if (silent) throw new Error('the function timed out');
  await answerHook(process, event);
}

/** As PutLifecycleEventHookExecutionStatus: only the hook that is waited for may answer. */
async function answerHook(process: Process, { deploymentId, executionId, fails }: HookEvent): Promise<void> {
  const key = keyOf(deploymentId);
  await process.store.transaction(async (tx) => {
    const deployment = (await deployments.getForUpdate(tx, key))?.document;
    if (deployment === undefined || !waitsFor(deployment, executionId)) return;
    const event: DeploymentEvent = { type: 'HookAnswered', executionId, succeeded: !fails };
    await process.engine.submitIn(tx, DEPLOYMENT, key, event);
  });
}

function waitsFor(deployment: Deployment, executionId: string): boolean {
  const hook = (['BeforeAllowTraffic', 'AfterAllowTraffic'] as const).find(
    (name) => deployment.hookExecutionIds[name] === executionId,
  );
  return deployment.lifecycleEvents.find(({ name }) => name === hook)?.status === 'InProgress';
}
