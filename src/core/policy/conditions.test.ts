import { describe, expect, it } from 'vitest';
import { compileCondition } from './conditions.ts';
import { ContextView } from './request-context.ts';

const test = (
  operator: string,
  key: string,
  values: string | string[],
  context: Record<string, string | string[]>,
  variables = true,
) => compileCondition(operator, key, [values].flat(), variables)(new ContextView(context));

describe('compileCondition()', () => {
  it.each<[string, string, string | string[], Record<string, string | string[]>, boolean]>([
    ['StringEquals', 'k', 'a', { k: 'a' }, true],
    ['StringEquals', 'K', ['x', 'a'], { k: 'a' }, true],
    ['StringEquals', 'k', 'a', { k: 'A' }, false],
    ['StringEquals', 'k', 'a*', { k: 'ab' }, false],
    ['StringEquals', 'k', 'a', {}, false],
    ['StringEqualsIfExists', 'k', 'a', {}, true],
    ['StringEqualsIfExists', 'k', 'a', { k: 'b' }, false],
    ['StringNotEquals', 'k', 'a', { k: 'b' }, true],
    ['StringNotEquals', 'k', ['a', 'b'], { k: 'b' }, false],
    ['StringNotEquals', 'k', 'a', {}, true],
    ['StringEqualsIgnoreCase', 'k', 'AbC', { k: 'aBc' }, true],
    ['StringNotEqualsIgnoreCase', 'k', 'AbC', { k: 'aBc' }, false],
    ['StringLike', 'k', 'a*c?', { k: 'abbcd' }, true],
    ['StringLike', 'k', 'a*c?', { k: 'abbc' }, false],
    ['StringNotLike', 'k', 'a*', { k: 'abc' }, false],
    ['NumericEquals', 'k', '10', { k: '10.0' }, true],
    ['NumericLessThan', 'k', '10', { k: '9' }, true],
    ['NumericLessThan', 'k', '10', { k: 'ten' }, false],
    ['NumericGreaterThanEquals', 'k', '10', { k: '10' }, true],
    ['NumericNotEquals', 'k', '10', { k: '11' }, true],
    ['DateLessThan', 'k', '2026-01-01T00:00:00Z', { k: '2025-12-31T23:59:59Z' }, true],
    ['DateGreaterThan', 'k', '2026-01-01', { k: '1767225601' }, true],
    ['DateEquals', 'k', '2026-01-01T01:00:00+01:00', { k: '2026-01-01T00:00:00Z' }, true],
    ['Bool', 'k', 'true', { k: 'true' }, true],
    ['Bool', 'k', 'false', {}, false],
    ['BoolIfExists', 'k', 'false', {}, true],
    ['BinaryEquals', 'k', 'QmluYXJ5', { k: 'QmluYXJ5' }, true],
    ['IpAddress', 'k', '203.0.113.0/24', { k: '203.0.113.9' }, true],
    ['IpAddress', 'k', '203.0.113.0/24', { k: '203.0.114.9' }, false],
    ['IpAddress', 'k', '203.0.113.9', { k: '::ffff:203.0.113.9' }, true],
    ['IpAddress', 'k', '2001:db8::/33', { k: '2001:db8:7fff::1' }, true],
    ['IpAddress', 'k', '2001:db8::/33', { k: '2001:db8:8000::1' }, false],
    ['NotIpAddress', 'k', ['10.0.0.0/8', '127.0.0.1'], { k: '127.0.0.1' }, false],
    ['ArnLike', 'k', 'arn:aws:iam::*:role/ci/*', { k: 'arn:aws:iam::1:role/ci/x' }, true],
    ['ArnEquals', 'k', 'arn:aws:svc:*:1111:f/*', { k: 'arn:aws:svc:r:1111:f/a:b' }, true],
    ['ArnEquals', 'k', 'arn:aws:svc:*:1111:f/*', { k: 'arn:aws:svc:r:x:1111:f/a' }, false],
    ['ArnLike', 'k', 'arn:aws:s3', { k: 'arn:aws:s3:::b' }, false],
    ['ArnNotLike', 'k', 'arn:aws:s3:::*', { k: 'arn:aws:s3:::b' }, false],
    ['Null', 'k', 'true', {}, true],
    ['Null', 'k', 'true', { k: 'a' }, false],
    ['Null', 'k', 'false', { k: 'a' }, true],
    ['Null', 'k', 'true', { k: [] }, true],
    ['ForAllValues:StringEquals', 'k', ['a', 'b'], { k: ['a', 'b'] }, true],
    ['ForAllValues:StringEquals', 'k', ['a', 'b'], { k: ['a', 'c'] }, false],
    ['ForAllValues:StringEquals', 'k', 'a', {}, true],
    ['ForAnyValue:StringEquals', 'k', 'a', { k: ['c', 'a'] }, true],
    ['ForAnyValue:StringEquals', 'k', 'a', {}, false],
    ['ForAllValues:StringNotEquals', 'k', 'a', { k: ['b', 'a'] }, false],
    ['ForAnyValue:StringNotEquals', 'k', 'a', { k: ['b', 'a'] }, true],
    ['ForAnyValue:StringNotEquals', 'k', 'a', { k: ['a'] }, false],
    ['StringEquals', 'k', 'a', { k: ['b', 'a'] }, true],
    ['StringNotEquals', 'k', 'a', { k: ['b', 'a'] }, false],
    // Variables.
    ['StringEquals', 'k', '${aws:username}', { k: 'ann', 'aws:username': 'ann' }, true],
    ['StringEquals', 'k', '${aws:username}', { k: 'ann' }, false],
    ['StringNotEquals', 'k', '${aws:username}', { k: 'ann' }, true],
    ['StringLike', 'k', "home/${aws:PrincipalTag/team, 'none'}/*", { k: 'home/none/x' }, true],
    ['StringLike', 'k', '${*}a*', { k: '*abc' }, true],
    ['StringLike', 'k', '${*}a*', { k: 'xabc' }, false],
    ['StringLike', 'k', '${v}', { k: 'anything', v: '*' }, false],
    ['StringEquals', 'k', '${v}', { k: 'a', v: ['a', 'b'] }, false],
    [
      'ArnLike',
      'k',
      'arn:aws:iam::${aws:PrincipalAccount}:role/*',
      { k: 'arn:aws:iam::1:role/x', 'aws:PrincipalAccount': '1' },
      true,
    ],
    ['NumericEquals', 'k', '${v}', { k: '1', v: '1' }, false],
  ])('%s %s %j of %j is %s', (operator, key, values, context, expected) => {
    expect(test(operator, key, values, context)).toBe(expected);
  });

  it('takes variables as text in documents of 2008', () => {
    expect(test('StringEquals', 'k', '${v}', { k: '${v}', v: 'a' }, false)).toBe(true);
  });

  it('throws for an unknown operator', () => {
    expect(() => compileCondition('StringIs', 'k', ['a'], true)).toThrow('unknown condition operator');
    expect(() => compileCondition('NullIfExists', 'k', ['true'], true)).toThrow('unknown condition operator');
  });
});
