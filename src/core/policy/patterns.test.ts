import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob } from './glob.ts';
import { compileResourcePattern, splitArn } from './patterns.ts';
import { ContextView } from './request-context.ts';

const glob = (pattern: string, text: string): boolean => compileGlob(pattern)(text);

describe('compileGlob()', () => {
  it('agrees with a regular expression', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 9 }).map((l) => l.join(''));
    const texts = fc.array(fc.constantFrom('a', 'b'), { maxLength: 12 }).map((l) => l.join(''));
    fc.assert(
      fc.property(letters, texts, (pattern, text) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text);
        expect(glob(pattern, text)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with plain search for long pieces', () => {
    const piece = fc.array(fc.constantFrom('a', 'b'), { minLength: 30, maxLength: 80 }).map((l) => l.join(''));
    fc.assert(
      fc.property(piece, piece, piece, fc.nat(79), (before, middle, after, at) => {
        expect(glob(`*${middle}*`, before + middle + after)).toBe(true);
        expect(glob(`*${middle}*`, before)).toBe(before.includes(middle));
        const holed = `${middle.slice(0, at % middle.length)}?${middle.slice((at % middle.length) + 1)}`;
        expect(glob(`*${holed}*`, before + middle + after)).toBe(true);
        expect(glob(`*${holed}c*`, before + middle + after)).toBe(false);
      }),
    );
  });

  it.each(['*a'.repeat(1500), `*${'a'.repeat(3000)}b*`, `*${'a?'.repeat(1500)}b*`])(
    'is quick for a hostile pattern',
    (pattern) => {
      const matcher = compileGlob(pattern);
      const text = `${'a'.repeat(10_000)}c`;
      expect(matcher(text)).toBe(false);
    },
  );
});

describe('compileResourcePattern()', () => {
  const matches = (pattern: string, arn: string, context: Record<string, string> = {}): boolean =>
    compileResourcePattern(pattern, true)({ text: arn, fields: splitArn(arn) }, new ContextView(context));

  it.each<[string, string, boolean]>([
    ['*', 'arn:aws:s3:::b', true],
    ['*', '*', true],
    ['arn:aws:s3:::b', 'arn:aws:s3:::b', true],
    ['arn:aws:s3:::b', 'arn:aws:s3:::B', false],
    ['arn:aws:s3:::b/*', 'arn:aws:s3:::b/a/c:d', true],
    ['arn:aws:s3:::b/*', 'arn:aws:s3:::b', false],
    ['arn:aws:sqs:*:1:q', 'arn:aws:sqs:eu-west-1:1:q', true],
    ['arn:aws:sqs:*:q', 'arn:aws:sqs:eu-west-1:1:q', false],
    ['arn:aws:sqs', 'arn:aws:sqs:eu-west-1:1:q', true],
    ['arn:aws:lambda:*:*:function:f*', 'arn:aws:lambda:r:1:function:f:live', true],
    ['arn:aws:lambda:*:*:function:f', 'arn:aws:lambda:r:1:function:f:live', false],
    ['arn:aws:s3:::b', '*', false],
  ])('%s on %s is %s', (pattern, arn, expected) => {
    expect(matches(pattern, arn)).toBe(expected);
  });

  it('puts variables into the resource part only', () => {
    const context = { 'aws:username': 'ann' };
    expect(matches('arn:aws:s3:::b/${aws:username}/*', 'arn:aws:s3:::b/ann/x', context)).toBe(true);
    expect(matches('arn:aws:s3:::b/${aws:username}/*', 'arn:aws:s3:::b/bob/x', context)).toBe(false);
    expect(matches('arn:aws:s3:::b/${aws:username}/*', 'arn:aws:s3:::b//x')).toBe(false);
    expect(matches('arn:aws:iam::${aws:username}:x', 'arn:aws:iam::ann:x', context)).toBe(false);
  });
});
