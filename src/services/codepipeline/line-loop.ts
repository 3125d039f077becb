/** The loop of a pipeline's line: performs what `core/pipeline-execution` decides. */
import {
  decide,
  isOver,
  type LineEffect,
  type LineEvent,
  type PipelineLine,
} from '../../core/pipeline-execution/index.ts';
import { defineLoop, type EffectContext, type LoopDefinition } from '../../engine/index.ts';
import type { House } from '../service.ts';
import { ActionFailure, notifyApproval, providerOf } from './actions/index.ts';
import { announce } from './announcements.ts';
import { executionKey, executions, jobs, jobsOf, LINE, lines } from './records.ts';
import { eventOf, loadRun } from './run.ts';

const openedAt = new WeakMap<House, number>();

export function lineLoop(house: House): LoopDefinition<PipelineLine, LineEvent, LineEffect> {
  openedAt.set(house, house.clock.now());
  return defineLoop<PipelineLine, LineEvent, LineEffect>({
    kind: LINE,
    decide,
    isFinal: () => false,
    perform: (effect, context) => perform(house, effect, context),
    onGivenUp: (effect, error) => {
      if (!('actionExecutionId' in effect)) return { type: 'ExecutionsArchived', executionIds: [] };
      return {
        type: 'ActionFailed',
        actionExecutionId: effect.actionExecutionId,
        error: { code: 'InternalError', message: error.message },
      };
    },
  });
}

async function perform(house: House, effect: LineEffect, context: EffectContext): Promise<LineEvent | void> {
  const { key } = context;
  if (effect.type === 'Announce') return announce(house, key, key.id, effect.changes);
  if (effect.type === 'ArchiveExecutions') return archiveExecutions(house, context);
  const run = await loadRun(house, key, effect.actionExecutionId, {
    fresh: effect.type === 'StartAction',
    attempt: context.attempt,
    resumed: context.resumed === true,
    openedAt: openedAt.get(house),
  });
  if (run === undefined) return;
  const provider = providerOf(run.declaration.actionTypeId);
  return eventOf(run, async () => {
    switch (effect.type) {
      case 'StartAction':
        if (provider === undefined) throw new ActionFailure('ConfigurationError', 'No provider runs this action.');
        return provider.start(run);
      case 'PollAction':
        return provider?.poll?.(run);
      case 'NotifyApproval':
        return notifyApproval(run);
      case 'CollectOutputs':
        return { type: 'Succeeded', outputs: await run.artifacts.collectOutputs(), ...effect.result };
    }
  });
}

/** Writes out every execution that is over. They never change again, so writing one twice writes the same. */
async function archiveExecutions(house: House, { key }: EffectContext): Promise<LineEvent | void> {
  const line = (await lines.get(house.store, key))?.document;
  if (line === undefined) return;
  const over = line.executions.filter((execution) => isOver(line, execution));
  await executions.putMany(
    house.store,
    over.map((execution) => ({
      key: executionKey(key, key.id, execution.id),
      document: execution,
      placement: { parent: key.id, sort: ordinalSort(execution.ordinal) },
    })),
  );
  for (const execution of over) {
    if (execution.actions.length > 0) await jobs.deleteUnder(house.store, key, jobsOf(execution.id));
  }
  return { type: 'ExecutionsArchived', executionIds: over.map((execution) => execution.id) };
}

/** Byte order is the order of starting. */
export function ordinalSort(ordinal: number): string {
  return String(ordinal).padStart(12, '0');
}
