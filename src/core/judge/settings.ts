/**
 * What a deployment group asks of the judge, as the value of its tag `sluice:judge`:
 *
 *   on
 *   alpha=1 errors=0.5/2 slow=2/8 extend=PT30M undecided=go       the same: these are the defaults
 *   slow=off undecided=stop                                       what is not named keeps its default
 *   off
 *
 * `alpha`, and the tolerance and the margin of `errors` and `slow`, are percent: of deployments, and percent points of
 * requests. Without `/`, the margin is four times the tolerance.
 */
import { MINUTE_MS, parseDurationMs } from '../../common/index.ts';

/** Shares of requests, 0 to 1. Worse by more than `tolerance` is bad; for certain worse by less than `margin` is safe. */
export type Limits = Readonly<{ tolerance: number; margin: number }>;

export type JudgeSettings = Readonly<{
  /** The most of good releases that are stopped, and of steps with a bad one that are called safe. */
  alpha: number;
  errors?: Limits;
  slow?: Limits;
  /** The most by which the bakes of a deployment are extended, in all. */
  extendMs: number;
  /** What happens when that is used up without an answer. */
  undecided: 'go' | 'stop';
}>;

export const JUDGE_TAG = 'sluice:judge';

export const defaultJudge: JudgeSettings = {
  alpha: 0.01,
  errors: { tolerance: 0.005, margin: 0.02 },
  slow: { tolerance: 0.02, margin: 0.08 },
  extendMs: 30 * MINUTE_MS,
  undecided: 'go',
};

const MOST_EXTEND_MS = 24 * 60 * MINUTE_MS;
const KEYS = ['alpha', 'errors', 'slow', 'extend', 'undecided'];

/** No settings where the judge is off. */
export type JudgeTag = Readonly<{ settings?: JudgeSettings } | { problem: string }>;

export function readJudgeTag(value: string): JudgeTag {
  const words = value.split(' ').filter((word) => word !== '');
  if (words.length === 1 && words[0] === 'off') return {};
  if (words.length === 1 && words[0] === 'on') return { settings: defaultJudge };
  if (words.length === 0) return { problem: 'expected on, off, or settings such as errors=0.5/2 extend=PT30M' };
  let settings = defaultJudge;
  const seen = new Set<string>();
  for (const word of words) {
    const [, key = '', text = ''] = /^([a-z]+)=(.+)$/.exec(word) ?? [];
    if (!KEYS.includes(key)) return { problem: `${word} is not a setting; expected ${KEYS.join('=, ')}=` };
    if (seen.has(key)) return { problem: `${key} is given more than once` };
    seen.add(key);
    const read = readSetting(settings, key, text);
    if ('problem' in read) return { problem: `${key}=${text}: ${read.problem}` };
    settings = read;
  }
  if (settings.errors === undefined && settings.slow === undefined)
    return { problem: 'errors=off and slow=off leave nothing to judge by; say off' };
  return { settings };
}

function readSetting(
  settings: JudgeSettings,
  key: string,
  text: string,
): JudgeSettings | Readonly<{ problem: string }> {
  switch (key) {
    case 'alpha': {
      const alpha = percent(text);
      if (alpha === undefined || alpha < 0.0001 || alpha > 0.1) return { problem: 'expected 0.01 to 10, in percent' };
      return { ...settings, alpha };
    }
    case 'errors':
    case 'slow': {
      const { [key]: _before, ...others } = settings;
      if (text === 'off') return others;
      const [first = '', second, ...more] = text.split('/');
      const tolerance = percent(first);
      const margin = second === undefined ? (tolerance ?? 0) * 4 : percent(second);
      if (tolerance === undefined || margin === undefined || more.length > 0)
        return { problem: 'expected off, TOLERANCE or TOLERANCE/MARGIN, in percent' };
      if (margin < 0.001 || margin > 0.5 || tolerance > margin)
        return { problem: 'expected a margin of 0.1 to 50, and a tolerance of 0 up to the margin, in percent' };
      return { ...others, [key]: { tolerance, margin } };
    }
    case 'extend': {
      const extendMs = parseDurationMs(text);
      if (extendMs === undefined || extendMs > MOST_EXTEND_MS) return { problem: 'expected PT0S to PT24H' };
      return { ...settings, extendMs };
    }
    default:
      if (text !== 'go' && text !== 'stop') return { problem: 'expected go or stop' };
      return { ...settings, undecided: text };
  }
}

function percent(text: string): number | undefined {
  return /^\d{1,3}(\.\d{1,6})?$/.test(text) ? Number(text) / 100 : undefined;
}
