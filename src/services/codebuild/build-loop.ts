/** The loop of a build: performs what `core/build` decides. */
import { isAwsError } from '../../common/index.ts';
import { type BuildEffect, type BuildEvent, decide, isFinal } from '../../core/build/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import type { DocumentKey } from '../../store/index.ts';
import type { House } from '../service.ts';
import { countMetrics, publishPhase, publishState } from './notifications.ts';
import { activeBuilds, type Build, BUILD_LOOP, builds } from './records.ts';
import { buildRoom } from './room.ts';

export function buildLoop(house: House): LoopDefinition<Build, BuildEvent, BuildEffect> {
  return defineLoop<Build, BuildEvent, BuildEffect>({
    kind: BUILD_LOOP,
    decide: (state, event, now) => decide(state, event, now),
    isFinal,
    performedBy: ({ holder }) => holder,
    async perform(effect, { key }) {
      const room = buildRoom(house);
      switch (effect.type) {
        case 'Enqueue':
          await noteHolder(house, key);
          room.enqueue(key);
          return;
        case 'Run':
          await room.run(key, effect.run);
          return;
        case 'Kill':
          await room.kill(key);
          return { type: 'Stopped', run: effect.run };
        case 'CleanUp':
          await room.cleanUp(key);
          await activeBuilds.delete(house.store, key);
          return;
        default: {
          const build = (await builds.get(house.store, key))?.document;
          if (build === undefined) return; // deleted meanwhile
          if (effect.type === 'PublishState') await publishState(house, key, build, effect);
          else if (effect.type === 'PublishPhase') await publishPhase(house, key, build, effect);
          else if (effect.type === 'CountMetrics') {
            // A house without CloudWatch (a test that names its services) counts nothing.
            await countMetrics(house, key, build).catch((error: unknown) => {
              if (!isAwsError(error, 'NotImplemented')) throw error;
            });
          }
        }
      }
    },
  });
}

/** At start, and when other processes are gone: what they had under way is put back in line, or ended honestly. */
export async function resumeBuilds(house: House): Promise<void> {
  const { exclusive } = house.members;
  const active = await activeBuilds.list(house.store);
  const standing = exclusive ? new Set<string>() : await house.members.standing();
  for (const { key, document } of active) {
    const holder = (await builds.get(house.store, key))?.document.holder ?? document.holder;
    // Without one its `Enqueue` is still to be performed, by whoever has it.
    if (!exclusive && (holder === undefined || standing.has(holder))) continue;
    const build = await house.engine.submit<Build>(BUILD_LOOP, key, { type: 'Interrupted' });
    if (build === undefined) await activeBuilds.delete(house.store, key);
  }
  await buildRoom(house).tidy();
}

export async function startBuilds(house: House): Promise<void> {
  house.members.onGone(() => resumeBuilds(house));
  await resumeBuilds(house);
}

/** Where several processes share the work: whose room it is in. */
async function noteHolder(house: House, key: DocumentKey): Promise<void> {
  if (house.members.exclusive) return;
  await activeBuilds.update(house.store, key, { buildId: key.id, holder: house.members.self });
}
