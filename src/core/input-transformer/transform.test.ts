import { describe, expect, it } from 'vitest';
import { inputFor, isTemplate, parsePath } from './transform.ts';

const event = {
  id: 'e',
  source: 's',
  resources: ['r0', 'r1'],
  detail: { branch: 'main', count: 3, nested: { 'a-b': true } },
};
const reserved = { ruleArn: 'arn:rule', ruleName: 'rule', ingestionTime: '2026-11-24T00:00:00Z' };

describe('inputFor()', () => {
  it('sends the whole event unless told otherwise', () => {
    expect(inputFor({}, event, reserved)).toBe(JSON.stringify(event));
    expect(inputFor({ input: '{"x":1}' }, event, reserved)).toBe('{"x":1}');
    expect(inputFor({ inputPath: '$.detail' }, event, reserved)).toBe(JSON.stringify(event.detail));
    expect(inputFor({ inputPath: '$.resources[1]' }, event, reserved)).toBe('"r1"');
  });

  it('fills a template: JSON outside strings, raw text inside', () => {
    const transformer = {
      paths: {
        branch: '$.detail.branch',
        count: '$.detail.count',
        gone: '$.detail.gone',
        ab: "$.detail.nested['a-b']",
      },
      template: '{"b": <branch>, "n": <count>, "t": "on <branch> by <aws.events.rule-name> <gone>", "ab": <ab>}',
    };
    expect(JSON.parse(inputFor({ transformer }, event, reserved))).toEqual({
      b: 'main',
      n: 3,
      t: 'on main by rule ',
      ab: true,
    });
  });
});

describe('parsePath()', () => {
  it.each(['detail', '$.', '$..a', '$[x]', '$.a['])('refuses %s', (path) => expect(parsePath(path)).toBeUndefined());
});

describe('isTemplate()', () => {
  it.each([
    ['{"a": <x>, "b": "on <x>", "c": <aws.events.event.json>}', true],
    ['"a sentence with <x>"', true],
    ['"one line"\n"another with <x>"', true],
    ['<x>', true],
    ['a sentence with <x>', false],
    ['{"a": <unknown>}', false],
    ['{"a": "<x>}', false],
  ])('of %s is %s', (template, expected) => expect(isTemplate(template, ['x'])).toBe(expected));
});

it('inputFor() inserts no character that a text cannot hold, nor what every object has', () => {
  const transformer = { paths: { x: '$.x' }, template: '"<x> <constructor>"' };
  expect(inputFor({ transformer }, { x: 'a\u0000b\ud800' }, reserved)).toBe('"a\uFFFDb\uFFFD <constructor>"');
});
