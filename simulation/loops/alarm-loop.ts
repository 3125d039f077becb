/** Alarms, as src/services/cloudwatch/alarm-loop.ts performs them; the metric is what the alias's requests come to. */
import { type AlarmEffect, type AlarmEvent, decide } from '../../src/core/alarm/index.ts';
import type { LoopDefinition } from '../../src/engine/index.ts';
import type { Process } from './process.ts';
import { ALARM, alarms, type SimulatedAlarm, type SimulatedAlarmDefinition } from './records.ts';

type Effect = AlarmEffect<SimulatedAlarmDefinition>;

export function alarmLoop(
  process: Process,
): LoopDefinition<SimulatedAlarm, AlarmEvent<SimulatedAlarmDefinition>, Effect> {
  const { world } = process;
  return {
    kind: ALARM,
    decide,
    isFinal: () => false,
    async perform(effect, { key }) {
      if (effect.type === 'ReadDatapoints') {
        const { group, rule } = effect.definition;
        // The metrics lie in the same database.
        await alarms.get(process.store, key);
        const points = world.outside.datapoints(group, effect.window, rule.period * 1000);
        return { type: 'DatapointsRead', revision: effect.revision, points };
      }
      if (effect.type === 'RunAction') await process.call('alarm action', () => {});
      return undefined;
    },
  };
}
