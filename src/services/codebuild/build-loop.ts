/** The loop of a build: performs what `core/build` decides. */
import { isAwsError } from '../../common/index.ts';
import { type BuildEffect, type BuildEvent, decide, isFinal } from '../../core/build/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import type { House } from '../service.ts';
import { countMetrics, publishPhase, publishState } from './notifications.ts';
import { activeBuilds, type Build, BUILD_LOOP, builds } from './records.ts';
import { buildRoom } from './room.ts';

export function buildLoop(house: House): LoopDefinition<Build, BuildEvent, BuildEffect> {
  return defineLoop<Build, BuildEvent, BuildEffect>({
    kind: BUILD_LOOP,
    decide: (state, event, now) => decide(state, event, now),
    isFinal,
    async perform(effect, { key }) {
      const room = buildRoom(house);
      switch (effect.type) {
        case 'Enqueue':
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

/** At start: every build that was under way is put back in line, or ended honestly. */
export async function resumeBuilds(house: House): Promise<void> {
  for (const { key } of await activeBuilds.list(house.store)) {
    const build = await house.engine.submit<Build>(BUILD_LOOP, key, { type: 'Interrupted' });
    if (build === undefined) await activeBuilds.delete(house.store, key);
  }
  await buildRoom(house).tidy();
}
