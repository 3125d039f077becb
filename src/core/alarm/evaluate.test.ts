import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluate } from './evaluate.ts';
import type { AlarmRule, Comparison, Datapoint, MissingData } from './rule.ts';

const AT = Date.UTC(2026, 10, 24, 6, 4);

function rule(
  n: number,
  m: number,
  treatMissingData: MissingData = 'missing',
  over: Partial<AlarmRule> = {},
): AlarmRule {
  return {
    period: 60,
    evaluationPeriods: n,
    datapointsToAlarm: m,
    threshold: 0,
    comparison: 'GreaterThanThreshold',
    treatMissingData,
    ...over,
  };
}

/** `0 - X`: not breaching, missing, breaching; oldest first. */
function points(text: string): Datapoint[] {
  const marks = text.split(' ');
  return marks.map((mark, index) => {
    const at = AT - (marks.length - 1 - index) * 60_000;
    return mark === '-' ? { at } : { at, value: mark === 'X' ? 5 : 0, samples: 1 };
  });
}

// The tables of "Configuring how CloudWatch alarms treat missing data", row by row.
test.each([
  [3, 3, '0 - X - X', 'OK', 'OK', 'OK', 'OK'],
  [3, 3, '0 - - - -', 'OK', 'OK', 'OK', 'OK'],
  [3, 3, '- - - - -', 'INSUFFICIENT_DATA', 'Keep', 'ALARM', 'OK'],
  [3, 3, '0 X X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  [3, 3, '- - X - -', 'ALARM', 'Keep', 'ALARM', 'OK'],
  [3, 2, '0 - X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  [3, 2, '0 0 X 0 X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  [3, 2, '0 - X - -', 'OK', 'OK', 'ALARM', 'OK'],
  [3, 2, '- - - - 0', 'OK', 'OK', 'ALARM', 'OK'],
  [3, 2, '- - - X -', 'ALARM', 'Keep', 'ALARM', 'OK'],
  [3, 3, '- - - - X', 'Keep', 'Keep', 'ALARM', 'OK'],
  [3, 3, '- - - X -', 'Keep', 'Keep', 'ALARM', 'OK'],
] as const)('evaluate() of N=%i M=%i, %s', (n, m, text, missing, ignore, breaching, notBreaching) => {
  const value = (treatment: MissingData) => evaluate(rule(n, m, treatment), points(text)).value;
  expect({
    missing: value('missing'),
    ignore: value('ignore'),
    breaching: value('breaching'),
    notBreaching: value('notBreaching'),
  }).toEqual({ missing, ignore, breaching, notBreaching });
});

test.each([
  ['GreaterThanThreshold', 2, false],
  ['GreaterThanThreshold', 3, true],
  ['GreaterThanOrEqualToThreshold', 2, true],
  ['LessThanThreshold', 2, false],
  ['LessThanThreshold', 1, true],
  ['LessThanOrEqualToThreshold', 2, true],
] as const)('evaluate() compares: %s 2 with %d', (comparison: Comparison, value, alarm) => {
  const verdict = evaluate(rule(1, 1, 'missing', { comparison, threshold: 2 }), [{ at: AT, value, samples: 1 }]);
  expect(verdict.value).toBe(alarm ? 'ALARM' : 'OK');
});

test('evaluate() words its reasons as AWS does', () => {
  const reason = (r: AlarmRule, text: string) => evaluate(r, points(text)).reason();
  expect(reason(rule(1, 1), '- - X')).toBe(
    'Threshold Crossed: 1 out of the last 1 datapoints [5.0 (24/11/26 06:04:00)] was greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition).',
  );
  expect(reason(rule(3, 2), '- - X 0 X')).toBe(
    'Threshold Crossed: 2 out of the last 3 datapoints [5.0 (24/11/26 06:04:00), 5.0 (24/11/26 06:02:00)] were greater than the threshold (0.0) (minimum 2 datapoints for OK -> ALARM transition).',
  );
  expect(reason(rule(1, 1), '- - 0')).toBe(
    'Threshold Crossed: 1 out of the last 1 datapoints [0.0 (24/11/26 06:04:00)] was not greater than the threshold (0.0) (minimum 1 datapoint for ALARM -> OK transition).',
  );
  expect(reason(rule(1, 1), '- - -')).toBe('Insufficient Data: 1 datapoint was unknown.');
  expect(reason(rule(1, 1, 'breaching'), '- - -')).toBe(
    'Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [Breaching].',
  );
  expect(reason(rule(3, 3, 'notBreaching'), '- - - - -')).toBe(
    'Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as [NonBreaching].',
  );
});

test('evaluate() keeps the state while a percentile has too few samples', () => {
  const percentile = rule(1, 1, 'missing', { leastSamples: 1000 });
  expect(evaluate(percentile, [{ at: AT, value: 5, samples: 999 }]).value).toBe('Keep');
  expect(evaluate(percentile, [{ at: AT, value: 5, samples: 1000 }]).value).toBe('ALARM');
});

test('evaluate() raises the alarm exactly when M of N breach, if nothing is missing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }).chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 1, max: n }))),
      fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
      fc.constantFrom<MissingData>('missing', 'ignore', 'breaching', 'notBreaching'),
      ([n, m], marks, treatment) => {
        const range = points(marks.map((mark) => (mark ? 'X' : '0')).join(' ')).slice(-(n + 2));
        const expected = marks.slice(-n).filter(Boolean).length >= m ? 'ALARM' : 'OK';
        expect(evaluate(rule(n, m, treatment), range).value).toBe(expected);
      },
    ),
  );
});
