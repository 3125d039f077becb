import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { differencesIn, differencesPage } from '../../scripts/differences.ts';

describe('docs/reference/differences.md', () => {
  it('says what the source says (npm run differences makes it anew)', () => {
    expect(readFileSync(new URL('../../docs/reference/differences.md', import.meta.url), 'utf8')).toBe(
      differencesPage(),
    );
  });

  it('finds a difference in a comment of either kind', () => {
    expect(differencesIn('/**\n * It works. Differs from AWS: it is\n * quicker.\n *\n * More.\n */\n')).toEqual([
      'it is quicker.',
    ]);
    expect(differencesIn('  // Differs from AWS: so.\n  // And so.\n')).toEqual(['so. And so.']);
    expect(differencesIn('const x = 1;')).toEqual([]);
  });
});
