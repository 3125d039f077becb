import { describe, expect, it } from 'vitest';
import { compileFilter } from './filter.ts';

function matches(pattern: string, message: string): boolean {
  const compiled = compileFilter(pattern);
  if ('invalid' in compiled) throw new Error(compiled.invalid);
  return compiled.filter(message);
}

describe('compileFilter()', () => {
  it.each([
    ['', 'anything', true],
    ['ERROR', 'an ERROR here', true],
    ['ERROR', 'an error here', false],
    ['ERROR timeout', 'ERROR: timeout', true],
    ['ERROR timeout', 'ERROR: refused', false],
    ['?ERROR ?WARN', 'WARN: x', true],
    ['?ERROR ?WARN', 'INFO: x', false],
    ['ERROR -expected', 'ERROR expected', false],
    ['"task timed out"', 'the task timed out.', true],
    ['%5\\d\\d%', 'status 503', true],
    ['{ $.status = 500 }', '{"status":500}', true],
    ['{ $.status >= 500 && $.path = "/api/*" }', '{"status":503,"path":"/api/x"}', true],
    ['{ $.status >= 500 && $.path = "/api/*" }', '{"status":503,"path":"/health"}', false],
    ['{ $.a = 1 || $.b = 2 && $.c = 3 }', '{"a":1}', true],
    ['{ $.items[0].id = "x" }', '{"items":[{"id":"x"}]}', true],
    ['{ $.gone NOT EXISTS }', '{"a":1}', true],
    ['{ $.a IS NULL }', '{"a":null}', true],
    ['{ $.a = 1 }', 'not json', false],
  ])('%s on %s is %s', (pattern, message, expected) => {
    expect(matches(pattern, message)).toBe(expected);
  });

  it.each(['{ $.a }', '"open', '{ a = 1', '%(a+)+%', 'a.b', '[a, b]'])('refuses %s', (pattern) => {
    expect(compileFilter(pattern)).toHaveProperty('invalid');
  });
});
