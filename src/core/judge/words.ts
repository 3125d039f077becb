/** What the judge has seen, for people. */
import { longestMs } from './evidence.ts';
import { type Aspect, aspects, type JudgeState, strength } from './judge.ts';

export type VersionNames = Readonly<{ fresh: string; old: string }>;

/** `12 of 93 requests of version 8 failed, and 1 of 840 of version 7`. */
export function seenWords(state: JudgeState, aspect: Aspect, { fresh, old }: VersionNames): string {
  const { seen } = state[aspect] ?? { seen: { fresh: 0, freshTrue: 0, old: 0, oldTrue: 0 } };
  if (seen.fresh + seen.old === 0) return aspect === 'errors' ? 'no requests' : 'too few to know what is slow';
  const what = aspect === 'errors' ? 'failed' : `took longer than ${milliseconds(state.slowAbove ?? 0)}`;
  return `${seen.freshTrue} of ${seen.fresh} requests of version ${fresh} ${what}, and ${seen.oldTrue} of ${seen.old} of version ${old}`;
}

/** All that it judges by. */
export function allSeenWords(state: JudgeState, names: VersionNames): string {
  return aspects(state)
    .map((aspect) => seenWords(state, aspect, names))
    .join('; ');
}

/** `odds of 850 to 1, where 200 to 1 are asked for`. */
export function oddsWords(state: JudgeState, aspect: Aspect): string {
  const { worse, needed } = strength(state, aspect);
  return `odds of ${odds(worse)}, where ${odds(needed)} are asked for`;
}

function odds(log: number): string {
  if (log > Math.log(1e6)) return 'more than a million to 1';
  return `${Math.round(Math.exp(log))} to 1`;
}

function milliseconds(slot: number): string {
  const ms = longestMs(slot);
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
