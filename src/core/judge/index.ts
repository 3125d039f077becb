export { addDurations, durationClass, type Durations, type Evidence, NOTHING, type Tally } from './evidence.ts';
export { type Aspect, hear, type JudgeState, SPAN_MS, startJudge, type Verdict, verdict } from './judge.ts';
export { defaultJudge, JUDGE_TAG, type JudgeSettings, type JudgeTag, readJudgeTag } from './settings.ts';
export { allSeenWords, oddsWords, seenWords } from './words.ts';
