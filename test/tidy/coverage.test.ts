import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COVERAGE_FILE, coveragePage, pageOf } from '../../scripts/coverage-page.ts';
import { models } from '../support/wire-server.ts';

describe('docs/reference/coverage.md', () => {
  it('says what the code does (npm run coverage-page makes it anew)', async () => {
    expect(readFileSync(COVERAGE_FILE, 'utf8')).toBe(await coveragePage());
  });
});

describe('pageOf()', () => {
  it('counts what is there of what could be', () => {
    const page = pageOf(models, { appconfigdata: ['StartConfigurationSession'] });
    expect(page).toContain('| [AppConfigData](#appconfigdata) | `appconfigdata` | 1 | 2 |');
    expect(page).toContain('Not implemented: `GetLatestConfiguration`.');
  });

  it('refuses a handler that the model does not know', () => {
    expect(() => pageOf(models, { sts: ['AssumeRoll'] })).toThrow(
      'sts implements what its model does not know: AssumeRoll',
    );
  });
});
