import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openModels } from './model.ts';
import { compilePattern } from './patterns.ts';

const models = openModels(fileURLToPath(new URL('../../models', import.meta.url)));

function everyPattern(): { where: string; pattern: string; max: number | undefined }[] {
  const out: { where: string; pattern: string; max: number | undefined }[] = [];
  for (const name of models.names()) {
    for (const [shapeName, shape] of Object.entries(models.service(name)?.shapes ?? {})) {
      if (shape.pattern === undefined || shape.type !== 'string') continue;
      out.push({ where: `${name} ${shapeName}`, pattern: shape.pattern, max: shape.max });
    }
  }
  return out;
}

/** The best of three where the first is slow: the machine may have been busy with another thing. */
function msOf(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && best > 100; i++) {
    const startedAt = performance.now();
    run();
    best = Math.min(best, performance.now() - startedAt);
  }
  return best;
}

describe('compilePattern()', () => {
  it.each([
    ['[\\w+=,.@-]+', 'a+b=c', 'a b'],
    ['[A-Za-z0-9.@\\-_]+', 'a-b.c@d', 'a/b'],
    ['[\\w-_]*', 'a-b_c', 'a.b'],
    ['[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*', 'é 1:/', 'a#'],
    ['\\p{Print}*', 'a ~', 'é'],
    ['[^\\p{C}\\p{IsWhitespace}]+', 'aé', 'a b'],
    ['^[0-9a-z]{3}$', 'abc', 'abcd'],
    ['a{', 'a{', 'a'],
    ['(?s).*', 'a\nb', undefined],
    ['.*', 'ab', 'a\nb'],
    ['[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+', 'aÿ\n', 'Ā'],
  ])('reads %s as Java does', (pattern, good, bad) => {
    const compiled = compilePattern(pattern);
    expect(compiled?.test(good)).toBe(true);
    if (bad !== undefined) expect(compiled?.test(bad)).toBe(false);
  });

  it('refuses what JavaScript has no words for', () => {
    for (const pattern of ['a*+b', '(?>a)', '[a-z&&[^b]]', '[a[b]]', '\\Qa\\E']) {
      expect(compilePattern(pattern), pattern).toBeUndefined();
    }
  });

  it('compiles every pattern of every model but those listed here', () => {
    const left = everyPattern()
      .filter(({ pattern }) => compilePattern(pattern) === undefined)
      .map(({ where }) => where);
    // A pattern in this list is not checked.
    expect(left).toEqual([]);
  });

  it('takes no more than a moment on text made to make it backtrack', () => {
    const pieces = [
      'a',
      'A0',
      '-',
      ' ',
      '\t ',
      '/',
      './',
      ':',
      '_',
      'a-',
      'a.',
      '*',
      'arn:aws',
      '-a:',
      '1.',
      'é',
      '$.a[',
    ];
    const slow: string[] = [];
    for (const { where, pattern, max } of everyPattern()) {
      const compiled = compilePattern(pattern);
      const length = Math.min(max ?? 4_096, 4_096);
      for (const piece of pieces) {
        for (const start of ['', 'arn:aws:iam::123456789012:role', 'https://', '/']) {
          const text = `${(start + piece.repeat(length)).slice(0, length - 1)}\u0001`;
          if (msOf(() => compiled?.test(text)) > 100) slow.push(`${where} ${pattern} ${JSON.stringify(piece)}`);
        }
      }
    }
    expect(slow).toEqual([]);
  });
});
