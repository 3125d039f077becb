/** Builds, as src/services/codebuild performs them (build-loop.ts, builds.ts). */
import { HOUR_MS, MINUTE_MS } from '../../src/common/index.ts';
import { type BuildEffect, type BuildEvent, decide, isFinal, submitBuild } from '../../src/core/build/index.ts';
import type { LoopDefinition } from '../../src/engine/index.ts';
import { collection } from '../../src/store/documents.ts';
import type { Process } from './process.ts';
import { activeBuilds, BUILD, type Build, buildArn, type BuildDefinition, builds, keyOf, projects } from './records.ts';

/** Which build a token started, and when. */
const startTokens = collection<Readonly<{ buildId: string; at: number }>>('codebuild.start-token');
const TOKEN_LIFE_MS = 5 * MINUTE_MS;

export function buildLoop(process: Process): LoopDefinition<Build, BuildEvent, BuildEffect> {
  return {
    kind: BUILD,
    decide: (state, event, now) => decide(state, event, now),
    isFinal,
    performedBy: ({ holder }) => holder,
    async perform(effect, { key }) {
      switch (effect.type) {
        case 'Enqueue':
          if (process.members !== undefined) await activeBuilds.update(process.store, key, { holder: process.name });
          process.room.enqueue(key);
          return;
        case 'Run':
          await process.room.run(key, effect.run);
          return;
        case 'Kill':
          await process.room.kill(key);
          return { type: 'Stopped', run: effect.run };
        case 'CleanUp':
          process.room.cleanUp(key);
          await activeBuilds.delete(process.store, key);
          return;
        default:
          await process.call('publish', () => {});
      }
    },
  };
}

/** As StartBuild: the same token within five minutes names the same build. */
export async function startBuild(process: Process, token: string, definition: BuildDefinition): Promise<Build> {
  return process.store.transaction(async (tx) => {
    await projects.getForUpdate(tx, keyOf('project'));
    const now = process.clock.now();
    const known = (await startTokens.getForUpdate(tx, keyOf(token)))?.document;
    if (known !== undefined && now - known.at < TOKEN_LIFE_MS) {
      const build = (await builds.get(tx, keyOf(known.buildId)))?.document;
      if (build !== undefined) return build;
    }
    const id = `build:${process.ids.uuid()}`;
    const { state, effects } = submitBuild<BuildDefinition>(
      { id, arn: buildArn(id), definition, queuedTimeoutMs: HOUR_MS },
      now,
    );
    await process.engine.create(tx, BUILD, keyOf(id), state, effects);
    await activeBuilds.insert(tx, keyOf(id), {});
    await startTokens.put(tx, keyOf(token), { buildId: id, at: now });
    return state;
  });
}

/** At start, and when other processes are gone: what they had under way is put back in line, or ended honestly. */
export async function startBuilds(process: Process): Promise<void> {
  process.members?.onGone(() => resumeBuilds(process));
  await resumeBuilds(process);
}

async function resumeBuilds(process: Process): Promise<void> {
  const { members } = process;
  const active = await activeBuilds.list(process.store);
  const standing = await members?.standing();
  for (const { key, document } of active) {
    const holder = (await builds.get(process.store, key))?.document.holder ?? document.holder;
    if (standing !== undefined && (holder === undefined || standing.has(holder))) continue;
    const build = await process.engine.submit<Build>(BUILD, key, { type: 'Interrupted' });
    if (build === undefined) await activeBuilds.delete(process.store, key);
  }
}
