/** What the judge says of a deployment. */
import { MINUTE_MS } from '../../common/index.ts';
import {
  allSeenWords,
  type Aspect,
  type JudgeSettings,
  type JudgeState,
  oddsWords,
  seenWords,
} from '../judge/index.ts';

/** The function, and its two versions. */
export type Judged = Readonly<{ functionName: string; fresh: string; old: string }>;

export function badMessage(judge: JudgeState, aspect: Aspect, judged: Judged): string {
  const { functionName, fresh, old } = judged;
  const what = aspect === 'errors' ? 'fails more than' : 'is slower than';
  return (
    `The judge finds that version ${fresh} of ${functionName} ${what} version ${old}: of requests at the same time, ` +
    `${seenWords(judge, aspect, judged)} (${oddsWords(judge, aspect)}).`
  );
}

export function safeMessage(judge: JudgeState, weightPercent: number, judged: Judged): string {
  return `At ${weightPercent} % the judge finds version ${judged.fresh} safe: ${allSeenWords(judge, judged)}.`;
}

/** The same for the whole step, so that it is said once. */
export function extendedMessage({ extendMs }: JudgeSettings, weightPercent: number): string {
  return (
    `At ${weightPercent} % the judge has not enough evidence yet, so the bake is extended; ` +
    `by at most ${minutes(extendMs)} over the whole deployment.`
  );
}

export function undecidedMessage(judge: JudgeState, weightPercent: number, judged: Judged): string {
  const { extendMs, undecided } = judge.settings;
  const end = undecided === 'go' ? 'The deployment goes on' : 'The deployment is stopped';
  return (
    `At ${weightPercent} % the judge has come to no answer, and ${extendMs === 0 ? 'may not extend the bake' : `has extended bakes by ${minutes(extendMs)}`}: ` +
    `${allSeenWords(judge, judged)}. ${end} (undecided=${undecided}).`
  );
}

export function nothingToJudgeMessage(): string {
  return 'The judge has nothing to go by: all traffic moves at once, so the versions get no requests at the same time.';
}

function minutes(ms: number): string {
  return ms % MINUTE_MS === 0 ? `${ms / MINUTE_MS} min` : `${ms / 1000} s`;
}
