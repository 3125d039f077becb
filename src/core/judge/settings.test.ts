import { describe, expect, test } from 'vitest';
import { defaultJudge, readJudgeTag } from './settings.ts';

describe('readJudgeTag()', () => {
  test('reads on as the defaults, which can be written out', () => {
    expect(readJudgeTag('on')).toEqual({ settings: defaultJudge });
    expect(readJudgeTag('alpha=1 errors=0.5/2 slow=2/8 extend=PT30M undecided=go')).toEqual({ settings: defaultJudge });
  });

  test('reads off as no judge', () => {
    expect(readJudgeTag('off')).toEqual({});
  });

  test('keeps the default of what is not named', () => {
    const { slow: _slow, ...others } = defaultJudge;
    expect(readJudgeTag('slow=off undecided=stop errors=1')).toEqual({
      settings: { ...others, errors: { tolerance: 0.01, margin: 0.04 }, undecided: 'stop' },
    });
  });

  test.each([
    ['', 'expected on, off'],
    ['yes', 'yes is not a setting'],
    ['on errors=1', 'on is not a setting'],
    ['alpha=50', 'expected 0.01 to 10'],
    ['errors=2/1', 'a tolerance of 0 up to the margin'],
    ['errors=1/2/3', 'TOLERANCE/MARGIN'],
    ['errors=0.5%', 'TOLERANCE/MARGIN'],
    ['errors=1 errors=2', 'more than once'],
    ['extend=forever', 'PT0S to PT24H'],
    ['undecided=guess', 'go or stop'],
    ['errors=off slow=off', 'nothing to judge by'],
  ])('refuses %j', (value, problem) => {
    const read = readJudgeTag(value);
    expect('problem' in read ? read.problem : undefined).toContain(problem);
  });
});
