import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../common/index.ts';
import { compilePattern } from './pattern.ts';

function matches(pattern: object, event: Json): boolean {
  const compiled = compilePattern(JSON.stringify(pattern));
  if ('invalid' in compiled) throw new Error(compiled.invalid);
  return compiled.matches(event);
}

describe('compilePattern()', () => {
  it.each<[object, Json, boolean]>([
    [{ source: ['aws.s3'] }, { source: 'aws.s3' }, true],
    [{ source: ['aws.s3'] }, { source: 'aws.sqs' }, false],
    [{ source: ['a'], detail: { x: [1, 2] } }, { source: 'a', detail: { x: 2 } }, true],
    [{ a: ['x'] }, { a: ['y', 'x'] }, true],
    [
      { a: { b: ['1'], c: ['2'] } },
      {
        a: [
          { b: '1', c: '3' },
          { b: '4', c: '2' },
        ],
      },
      false,
    ],
    [{ a: { b: ['1'], c: ['2'] } }, { a: [{ b: '1', c: '2' }] }, true],
    [{ a: [{ prefix: 'ab' }] }, { a: 'abc' }, true],
    [{ a: [{ suffix: { 'equals-ignore-case': '.PNG' } }] }, { a: 'x.png' }, true],
    [{ a: [{ 'equals-ignore-case': 'Main' }] }, { a: 'mAIN' }, true],
    [{ a: [{ wildcard: 'release/*/x' }] }, { a: 'release/1.2/x' }, true],
    [{ a: [{ wildcard: 'a\\*b' }] }, { a: 'a*b' }, true],
    [{ a: [{ wildcard: 'a\\*b' }] }, { a: 'axb' }, false],
    [{ a: [{ 'anything-but': ['x', 'y'] }] }, { a: 'z' }, true],
    [{ a: [{ 'anything-but': ['x', 'y'] }] }, { a: 'x' }, false],
    [{ a: [{ 'anything-but': 'x' }] }, {}, false],
    [{ a: [{ 'anything-but': { prefix: 'x' } }] }, { a: 'xy' }, false],
    [{ a: [{ numeric: ['>', 0, '<=', 5] }] }, { a: 5 }, true],
    [{ a: [{ numeric: ['>', 0, '<=', 5] }] }, { a: 6 }, false],
    [{ a: [{ numeric: ['=', 3] }] }, { a: '3' }, false],
    [{ a: [{ cidr: '10.0.0.0/24' }] }, { a: '10.0.0.7' }, true],
    [{ a: [{ cidr: '10.0.0.0/24' }] }, { a: '10.0.1.7' }, false],
    [{ a: [{ cidr: '2001:db8::/32' }] }, { a: '2001:db8:1::5' }, true],
    [{ a: [{ exists: true }] }, { a: null }, true],
    [{ a: [{ exists: false }] }, { b: 1 }, true],
    [{ a: [{ exists: true }] }, { a: { b: 1 } }, false],
    [{ a: { b: [{ exists: false }] } }, {}, true],
    [{ a: [null] }, { a: null }, true],
    [{ a: [''] }, { a: null }, false],
    [{ $or: [{ a: [1] }, { b: [2] }] }, { b: 2 }, true],
    [{ c: [1], $or: [{ a: [1] }, { b: [2] }] }, { b: 2 }, false],
    [{ 'detail-type': ['x'], a: [300] }, { 'detail-type': 'x', a: 300.0 }, true],
  ])('%j on %j is %s', (pattern, event, expected) => {
    expect(matches(pattern, event)).toBe(expected);
  });

  it.each([
    '',
    '[]',
    '{}',
    '{"a":"x"}',
    '{"a":[]}',
    '{"a":[{"nope":1}]}',
    '{"a":[{"wildcard":"**"}]}',
    '{"a":[{"numeric":[">"]}]}',
    '{"a":[["x"]]}',
    '{"a":{}}',
  ])('refuses %s', (text) => {
    expect(compilePattern(text)).toHaveProperty('invalid');
  });

  it('never throws, and a literal pattern of an event matches that event', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((key) => !key.startsWith('$') && key !== '__proto__'),
          fc.oneof(fc.string(), fc.boolean(), fc.integer()),
          { minKeys: 1 },
        ),
        (event) => {
          const pattern = Object.fromEntries(Object.entries(event).map(([key, value]) => [key, [value]]));
          expect(matches(pattern, event)).toBe(true);
        },
      ),
    );
    fc.assert(fc.property(fc.json(), (text) => void compilePattern(text)));
  });
});
