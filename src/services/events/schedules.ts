/** Scheduled rules: a loop per rule with a schedule, which fires by the clock. */
import { isoSeconds } from '../../common/index.ts';
import { decide, type ScheduleEffect, type ScheduleEvent, type ScheduleState } from '../../core/schedule/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import type { DocumentKey, Tx } from '../../store/index.ts';
import type { House } from '../service.ts';
import { deliverTo } from './delivery.ts';
import { type Rule, ruleArn, rules } from './records.ts';

const KIND = 'events.schedule';

export function scheduleLoop(house: House): LoopDefinition<ScheduleState, ScheduleEvent, ScheduleEffect> {
  return defineLoop<ScheduleState, ScheduleEvent, ScheduleEffect>({
    kind: KIND,
    decide,
    isFinal: () => false,
    perform: async (effect, { key, effectId }) => {
      if (effect.type !== 'Fire') return;
      await house.store.transaction(async (tx) => {
        const rule = (await rules.get(tx, key))?.document;
        if (rule === undefined || !rule.enabled) return;
        const arn = ruleArn(key, rule.bus, rule.name);
        const event = {
          version: '0',
          id: house.ids.uuid(),
          'detail-type': 'Scheduled Event',
          source: 'aws.events',
          account: key.account,
          time: isoSeconds(effect.at),
          region: key.region,
          resources: [arn],
          detail: {},
        };
        await deliverTo(tx, house, key, rule, event, `${arn}/${effectId}`);
      });
    },
  });
}

/** Makes the loop agree with the rule, in the transaction that saves the rule. */
export async function syncSchedule(tx: Tx, house: House, key: DocumentKey, rule: Rule): Promise<void> {
  if (rule.schedule === undefined) return stopSchedule(tx, house, key);
  const wanted = { expression: rule.schedule, enabled: rule.enabled, anchorAt: rule.scheduledAt };
  await house.engine.create<ScheduleState>(tx, KIND, key, { ...wanted, nextAt: null }, []);
  await house.engine.submitIn(tx, KIND, key, { type: 'RuleSet', ...wanted });
}

export async function stopSchedule(tx: Tx, house: House, key: DocumentKey): Promise<void> {
  await house.engine.remove(tx, KIND, key);
}
