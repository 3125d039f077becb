/**
 * What a history keeps of the effects of a decision: enough to tell whether a decision taken anew has the same, and to say
 * what there was when it has not.
 */
import { fingerprint } from './fingerprint.ts';

export type EffectRecord = Readonly<{
  /** Types in order, a timer's with its name up to a colon: `SetWeight WakeAt:shift`. Empty: there was nothing to be done. */
  names: string;
  /** Of the list with all its members. */
  fingerprint: number;
}>;

export function effectRecord(effects: readonly Readonly<{ type: string }>[]): EffectRecord {
  return effects.length === 0 ? NOTHING : { names: effects.map(nameOf).join(' '), fingerprint: fingerprint(effects) };
}

/** Most turns of a long loop do nothing but change its state. */
const NOTHING: EffectRecord = { names: '', fingerprint: fingerprint([]) };

/** The id in a timer's name is as long as the rest of the record; the fingerprint knows it. */
function nameOf(effect: Readonly<{ type: string; timer?: unknown }>): string {
  return typeof effect.timer === 'string' ? `${effect.type}:${effect.timer.split(':', 1)[0]}` : effect.type;
}
