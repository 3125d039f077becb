/**
 * The judge's place in a deployment: it hears the requests that both versions get while the traffic is split, every ten
 * seconds and when a bake is over.
 *
 *   Baking ── its time is over ─▶ Judging ── Safe ──────────────▶ the next step
 *     ▲                              ├────── Bad ───────────────▶ Stopped, as by an alarm
 *     └── ten seconds more ── NotEnough ──── no time is left ───▶ the next step, or Stopped
 *
 * What always holds:
 * - A bake is never shortened, and all bakes together are extended by no more than the settings allow.
 * - Evidence is heard once: each look begins where the last one that was heard ended, else it is not heard.
 * - `Bad` stops the deployment whenever it is found, not only at the end of a bake.
 */
import { type EpochMs, SECOND_MS } from '../../common/index.ts';
import { type Evidence, hear, type JudgeSettings, type JudgeState, startJudge, verdict } from '../judge/index.ts';
import { badMessage, extendedMessage, type Judged, safeMessage, undecidedMessage } from './judge-messages.ts';
import type { DeploymentError } from './types.ts';

export type JudgeWatch = Readonly<{
  judge: JudgeState;
  /** What was drawn up to here has been heard, or was before this deployment. */
  heardUntil: EpochMs;
  /** Counts the looks that a bake waits for. */
  look: number;
  /** By so much have bakes been extended. */
  extendedMs: number;
}>;

export const JUDGE_POLL_MS = 10 * SECOND_MS;
/** A bake is extended by so much at a time. */
const EXTENSION_MS = 10 * SECOND_MS;

export function newJudgeWatch(settings: JudgeSettings, now: EpochMs): JudgeWatch {
  return { judge: startJudge(settings), heardUntil: now, look: 0, extendedMs: 0 };
}

/** Whether both versions get requests: else there is nothing to compare. */
export function isSplit(weightPercent: number): boolean {
  return weightPercent > 0 && weightPercent < 100;
}

export type EvidenceRead = Readonly<{
  type: 'EvidenceRead';
  /** The look that waits for it, if one does. */
  look?: number;
  /** It was read from here, */
  since: EpochMs;
  /** up to here: nothing that was drawn before is still to come. */
  until: EpochMs;
  evidence: readonly Evidence[];
}>;

/** The same when it has been heard already. */
export function heard(watch: JudgeWatch, { since, until, evidence }: EvidenceRead): JudgeWatch {
  if (since !== watch.heardUntil) return watch;
  return { ...watch, judge: hear(watch.judge, evidence), heardUntil: until };
}

/** Why the deployment is to end, if the new version is found worse. */
export function badProblem({ judge }: JudgeWatch, judged: Judged): DeploymentError | undefined {
  if (judge.bad === undefined) return undefined;
  return { code: 'CUSTOMER_APPLICATION_UNHEALTHY', message: badMessage(judge, judge.bad, judged) };
}

/** What follows when the time of a bake is over. */
export type BakeEnd = Readonly<
  | { type: 'GoOn'; message: string }
  | { type: 'Extend'; watch: JudgeWatch; byMs: number; message: string }
  | { type: 'Stop'; problem: DeploymentError }
>;

export function endBake(watch: JudgeWatch, weightPercent: number, judged: Judged): BakeEnd {
  const { judge, extendedMs } = watch;
  const { settings } = judge;
  if (verdict(judge, weightPercent / 100).outcome === 'Safe')
    return { type: 'GoOn', message: safeMessage(judge, weightPercent, judged) };
  const byMs = Math.min(EXTENSION_MS, settings.extendMs - extendedMs);
  if (byMs > 0) {
    const message = extendedMessage(settings, weightPercent);
    return { type: 'Extend', byMs, message, watch: { ...watch, extendedMs: extendedMs + byMs } };
  }
  const message = undecidedMessage(judge, weightPercent, judged);
  if (settings.undecided === 'go') return { type: 'GoOn', message };
  return { type: 'Stop', problem: { code: 'CUSTOMER_APPLICATION_UNHEALTHY', message } };
}
