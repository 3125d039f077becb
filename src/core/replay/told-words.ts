/** Words that every kind of loop shares. */
import { isoSeconds } from '../../common/index.ts';
import type { Tagged } from './replay.ts';

/** `StopRequested` as `stop requested`: for what has no words of its own. */
export function spaced(type: string): string {
  return type.replace(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').toLowerCase();
}

/** The effects that the engine performs itself; undefined: another one. `Wake` is nobody's business but the engine's. */
export function engineEffect(effect: Tagged): string | undefined {
  if (effect.type === 'WakeAt') return `wake at ${isoSeconds(Number(effect['at']))} (${String(effect['timer'])})`;
  if (effect.type === 'CancelTimer') return `no longer wake (${String(effect['timer'])})`;
  return undefined;
}

export function effectWords(effects: readonly Tagged[], own: (effect: Tagged) => string | undefined): string[] {
  return effects.flatMap((effect) => {
    if (effect.type === 'Wake') return [];
    return [own(effect) ?? engineEffect(effect) ?? spaced(effect.type)];
  });
}
