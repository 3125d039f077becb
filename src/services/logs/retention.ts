/** Performs retention: the daily loop that deletes expired events. */
import { DAY_MS } from '../../common/index.ts';
import {
  decide,
  type RetentionEffect,
  type RetentionEvent,
  type RetentionState,
} from '../../core/log-retention/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import { deleteLogEvents } from '../../store/index.ts';
import type { House } from '../service.ts';
import { eventsKey, groups } from './records.ts';

const KIND = 'logs.retention';
const KEY = { account: '', region: '', id: 'retention' };

export function retentionLoop(house: House): LoopDefinition<RetentionState, RetentionEvent, RetentionEffect> {
  return defineLoop<RetentionState, RetentionEvent, RetentionEffect>({
    kind: KIND,
    decide,
    isFinal: () => false,
    perform: async (_effect, { now }) => {
      for (const { key, document } of await groups.list(house.store)) {
        if (document.retentionDays === undefined) continue;
        await deleteLogEvents(house.store, eventsKey(key, document.name), {
          before: now - document.retentionDays * DAY_MS,
        });
      }
    },
  });
}

export async function startRetention(house: House): Promise<void> {
  const now = house.clock.now();
  await house.store.transaction((tx) =>
    house.engine.create<RetentionState>(tx, KIND, KEY, { lastRunAt: now }, [
      { type: 'WakeAt', timer: 'daily', at: now + DAY_MS },
    ]),
  );
}
