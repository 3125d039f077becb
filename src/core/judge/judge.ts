/**
 * The judge: is the new version worse than the old one, by the requests that both get at the same time?
 *
 *   Bad         worse by more than the tolerance; wrong of at most α of the good releases, over the whole deployment
 *   Safe        worse by less than the margin, for certain; wrong of at most α of the steps with a version that is not
 *   NotEnough   neither, yet
 *
 * It judges by two things: whether a request failed, and whether it was slow, which is to take longer than 99 % of the old
 * version's requests took in the first spans. α of `Bad` is shared out evenly among those; `Safe` needs both.
 *
 * The evidence of `Bad` goes on through all steps, and an answer `Bad` stays. `Safe` is asked anew with each share of traffic,
 * and lasts only as long as the evidence says so: a version may fail under load that did well without.
 *
 * What always holds:
 * - One may look after every request or once an hour: the promises hold at whatever moments one looks.
 * - Evidence of one span of ten seconds may come in any order and any number of pieces: the state after it is the same (but
 *   for the last digits of its numbers).
 * - A failure of the new version never makes `Bad` less likely, one of the old version never makes it more likely.
 * - State is JSON, of a size that does not grow.
 */
import { SECOND_MS } from '../../common/index.ts';
import {
  betFair,
  betWorse,
  type FairBet,
  fairEvidence,
  newFairBet,
  newWorseBet,
  restart,
  type WorseBet,
  worseEvidence,
} from './bets.ts';
import { addDurations, countDurations, type Durations, type Evidence, quantileClass } from './evidence.ts';
import type { JudgeSettings, Limits } from './settings.ts';

export type Aspect = 'errors' | 'slow';

/** Requests that were counted, and of how many of them it came true. */
export type Seen = Readonly<{ fresh: number; freshTrue: number; old: number; oldTrue: number }>;

export type Guard = Readonly<{ worse: WorseBet; fair: FairBet; seen: Seen }>;

export type JudgeState = Readonly<{
  settings: JudgeSettings;
  /** The span of ten seconds that evidence last came of. */
  span?: number;
  /** The share of traffic that `Safe` is asked of. */
  share?: number;
  errors?: Guard;
  /** Absent until `slowAbove` is known. */
  slow?: Guard;
  /** A request of a higher class of duration is slow. */
  slowAbove?: number;
  /** Durations of the old version, until `slowAbove` is known. */
  baseline: Durations;
  bad?: Aspect;
}>;

export type Verdict = Readonly<
  { outcome: 'Bad'; by: Aspect } | { outcome: 'Safe' } | { outcome: 'NotEnough'; lacking: readonly Aspect[] }
>;

export const SPAN_MS = 10 * SECOND_MS;
const SLOW_QUANTILE = 0.99;
/** The p99 of fewer is the longest of all; the promises do not hang on how well it is known. */
const BASELINE_REQUESTS = 100;

const newGuard: Guard = {
  worse: newWorseBet,
  fair: newFairBet,
  seen: { fresh: 0, freshTrue: 0, old: 0, oldTrue: 0 },
};

export function startJudge(settings: JudgeSettings): JudgeState {
  return { settings, baseline: [], ...(settings.errors !== undefined && { errors: newGuard }) };
}

/** Takes evidence into account, oldest first. */
export function hear(state: JudgeState, evidence: readonly Evidence[]): JudgeState {
  return evidence.reduce(hearOne, state);
}

function hearOne(before: JudgeState, evidence: Evidence): JudgeState {
  const { share, fresh, old } = evidence;
  if (before.bad !== undefined || share <= 0 || share >= 1 || fresh.requests + old.requests === 0) return before;
  const state = ofShare(inSpan(before, Math.floor(evidence.at / SPAN_MS)), share);
  const { settings, slowAbove } = state;
  const counts = { share, fresh: fresh.requests, old: old.requests };
  const errors = bet(state.errors, settings.errors, { ...counts, freshTrue: fresh.failed, oldTrue: old.failed });
  const slow =
    slowAbove === undefined
      ? undefined
      : bet(state.slow, settings.slow, {
          ...counts,
          freshTrue: countDurations(fresh.durations, slowAbove),
          oldTrue: countDurations(old.durations, slowAbove),
        });
  const after: JudgeState = {
    ...state,
    ...(errors === undefined ? {} : { errors }),
    ...(slow === undefined ? {} : { slow }),
    ...(settings.slow !== undefined &&
      slowAbove === undefined && { baseline: addDurations(state.baseline, old.durations) }),
  };
  const bad = aspects(after).find((aspect) => isBad(after, aspect));
  return bad === undefined ? after : { ...after, bad };
}

/** The first evidence of a span: capital is put down anew, and what is slow is settled once enough is known. */
function inSpan(state: JudgeState, span: number): JudgeState {
  if (state.span === undefined) return { ...state, span };
  if (span <= state.span) return state;
  const { errors, slow, baseline, slowAbove } = state;
  const known = slowAbove === undefined && countDurations(baseline) >= BASELINE_REQUESTS;
  const above = known ? quantileClass(baseline, SLOW_QUANTILE) : undefined;
  return {
    ...state,
    span,
    ...(errors !== undefined && { errors: { ...errors, worse: restart(errors.worse) } }),
    ...(slow !== undefined && { slow: { ...slow, worse: restart(slow.worse) } }),
    ...(above !== undefined && { slowAbove: above, slow: newGuard, baseline: [] }),
  };
}

function ofShare(state: JudgeState, share: number): JudgeState {
  if (state.share === share) return state;
  const { errors, slow } = state;
  return {
    ...state,
    share,
    ...(errors !== undefined && { errors: { ...errors, fair: newFairBet } }),
    ...(slow !== undefined && { slow: { ...slow, fair: newFairBet } }),
  };
}

function bet(
  guard: Guard | undefined,
  limits: Limits | undefined,
  counts: Seen & Readonly<{ share: number }>,
): Guard | undefined {
  if (guard === undefined || limits === undefined) return undefined;
  const { seen } = guard;
  return {
    worse: betWorse(guard.worse, counts, limits.tolerance),
    fair: betFair(guard.fair, counts, limits.margin),
    seen: {
      fresh: seen.fresh + counts.fresh,
      freshTrue: seen.freshTrue + counts.freshTrue,
      old: seen.old + counts.old,
      oldTrue: seen.oldTrue + counts.oldTrue,
    },
  };
}

/** What the judge says of what it has heard. `share`: of the step that is asked about. */
export function verdict(state: JudgeState, share: number): Verdict {
  if (state.bad !== undefined) return { outcome: 'Bad', by: state.bad };
  const lacking = aspects(state).filter((aspect) => state.share !== share || !isSafe(state, aspect));
  return lacking.length === 0 ? { outcome: 'Safe' } : { outcome: 'NotEnough', lacking };
}

export function aspects({ settings }: JudgeState): readonly Aspect[] {
  return (['errors', 'slow'] as const).filter((aspect) => settings[aspect] !== undefined);
}

/** How strong the evidence is that the version is worse, and how strong it must be: odds, as natural logarithms. */
export function strength(state: JudgeState, aspect: Aspect): Readonly<{ worse: number; needed: number }> {
  const guard = state[aspect];
  return {
    worse: guard === undefined ? 0 : worseEvidence(guard.worse),
    needed: Math.log(aspects(state).length / state.settings.alpha),
  };
}

function isBad(state: JudgeState, aspect: Aspect): boolean {
  const { worse, needed } = strength(state, aspect);
  return worse >= needed;
}

function isSafe(state: JudgeState, aspect: Aspect): boolean {
  const guard = state[aspect];
  return guard !== undefined && fairEvidence(guard.fair) >= -Math.log(state.settings.alpha);
}
