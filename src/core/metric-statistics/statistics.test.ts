import { expect, test } from 'vitest';
import { parseStatistic, type Sample, statisticOf } from './statistics.ts';

function sampleOf(...values: number[]): Sample {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return {
    samples: values.length,
    sum: values.reduce((a, b) => a + b, 0),
    minimum: Math.min(...values),
    maximum: Math.max(...values),
    distribution: [...counts].sort(([a], [b]) => a - b),
  };
}

const hundred = sampleOf(...Array.from({ length: 100 }, (_, index) => index + 1));

test.each([
  ['SampleCount', 100],
  ['Sum', 5050],
  ['Average', 50.5],
  ['Minimum', 1],
  ['Maximum', 100],
  ['p0', 1],
  ['p50', 50],
  ['p99', 99],
  ['p99.5', 100],
  ['p100', 100],
  ['tm90', 45.5],
  ['TM(:90%)', 45.5],
  ['TM(10%:90%)', 50.5],
  ['IQM', 50.5],
  ['tc90', 90],
  ['TC(80:)', 20],
  ['TS(98:)', 199],
  ['PR(10:20)', 10],
  ['wm50', (1275 + 50 * 50) / 100],
])('statisticOf() computes %s', (name, expected) => {
  const statistic = parseStatistic(name);
  expect(statistic).toBeDefined();
  expect(statisticOf(statistic!, hundred)).toBeCloseTo(expected, 9);
});

test.each([
  '',
  'p',
  'p101',
  'P99',
  'tm(1:2)',
  'TM()',
  'TM(:)',
  'TM(90%:10%)',
  'TM(10:90%)',
  'PR(1%:2%)',
  'Median',
  'p99.12345678901',
])('parseStatistic() refuses %j', (name) => expect(parseStatistic(name)).toBeUndefined());

test('statisticOf() knows no percentile of a statistic set, unless all its values are the same', () => {
  const p99 = parseStatistic('p99')!;
  const { distribution: _, ...set } = sampleOf(1, 2, 3);
  expect(statisticOf(p99, set)).toBeUndefined();
  expect(statisticOf(p99, { samples: 3, sum: 6, minimum: 2, maximum: 2 })).toBe(2);
});

test('statisticOf() knows no percentile of negative values', () => {
  expect(statisticOf(parseStatistic('p50')!, sampleOf(-1, 2))).toBeUndefined();
});
