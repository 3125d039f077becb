import type { AlarmEffect, AlarmEvent, AlarmState } from '../alarm/index.ts';
import { effectWords, spaced } from './told-words.ts';
import type { Told, ToldTurn } from './told.ts';

export function toldOfAlarm({ event, before, after, effects }: ToldTurn<AlarmState>): Told {
  return {
    event: eventWords(event as AlarmEvent),
    changes: changeWords(before, after),
    effects: effectWords(effects, (effect) => ownEffect(effect as AlarmEffect)),
  };
}

function eventWords(event: AlarmEvent): string {
  switch (event.type) {
    case 'DatapointsRead': {
      const values = event.points.map(({ value }) =>
        value === undefined ? '-' : String(Number(value.toPrecision(4))),
      );
      return `the datapoints were read: ${values.join(', ')}`;
    }
    case 'Configured':
      return 'the alarm was changed';
    case 'ActionsSwitched':
      return `its actions were switched ${event.enabled ? 'on' : 'off'}`;
    case 'StateSet':
      return `its state was set by hand: ${event.value}`;
    case 'Tagged':
      return 'its tags were changed';
    default:
      return spaced(event.type);
  }
}

function changeWords(before: AlarmState, after: AlarmState): string[] {
  const words: string[] = [];
  if (before.current.value !== after.current.value)
    words.push(`${before.current.value} to ${after.current.value}: ${after.current.reason}`);
  const [was, is] = [before.definition.rule, after.definition.rule];
  for (const name of Object.keys(is) as (keyof typeof is)[])
    if (was[name] !== is[name]) words.push(`${name} ${String(was[name])} to ${String(is[name])}`);
  return words;
}

function ownEffect(effect: AlarmEffect): string | undefined {
  switch (effect.type) {
    case 'ReadDatapoints':
      return 'read the datapoints';
    case 'RecordConfiguration':
    case 'RecordChange':
      return 'write its history, and announce it';
    case 'RunAction':
      return `run ${effect.action}`;
    default:
      return undefined;
  }
}
