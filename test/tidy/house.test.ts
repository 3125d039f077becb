/** The house itself: arrows, clocks, surfaces. Each guard is also fed a wrong line, and must refuse it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { clockReads, databaseClockReads, environmentReads, importsOf, starExports, wrongImport } from './guards.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const sources = filesUnder('src', '.ts').map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
const shipped = sources.filter(({ path }) => !path.endsWith('.test.ts') && !path.includes('/test-support/'));

describe('imports', () => {
  it('are read at all', () => {
    expect(shipped.length).toBeGreaterThan(100);
    expect(shipped.flatMap(({ path, text }) => importsOf(path, text)).length).toBeGreaterThan(300);
  });

  it('point down, by the front door of each room', () => {
    expect(shipped.flatMap(({ path, text }) => importsOf(path, text)).flatMap((one) => wrongImport(one) ?? [])).toEqual(
      [],
    );
  });

  it.each([
    ['src/core/alarm/decide.ts', '../../engine/index.ts', 'up'],
    ['src/store/open.ts', '../runtimes/index.ts', 'siblings'],
    ['src/engine/turns.ts', '../protocol/index.ts', 'wire'],
    ['src/services/s3/objects.ts', '../kms/keys.ts', 'no other service'],
    ['src/app/door.ts', '../store/documents.ts', 'index.ts'],
    ['src/common/ids.ts', '../app/index.ts', 'up'],
  ])('%s may not import %s', (path, target, why) => {
    const [found] = importsOf(path, `import { x } from '${target}';`);
    expect(found && wrongImport(found)).toContain(why);
  });
});

describe('clocks', () => {
  it('are read in app alone', () => {
    expect(shipped.flatMap(({ path, text }) => clockReads(path, text))).toEqual([]);
  });

  it.each(['const t = Date.now();', 'const t = new Date();', 'const r = Math.random();'])('refuses %s', (line) => {
    expect(clockReads('src/core/x.ts', line)).toHaveLength(1);
    expect(clockReads('src/app/x.ts', line)).toEqual([]);
  });

  it('are not read by SQL', () => {
    const sql = filesUnder('migrations', '.sql').map((path) => ({
      path,
      text: readFileSync(join(root, path), 'utf8'),
    }));
    const found = [
      ...shipped.filter(({ path }) => path.startsWith('src/store/') || path.startsWith('src/engine/')),
      ...sql,
    ].flatMap(({ path, text }) => databaseClockReads(path, text));
    expect(found.filter((line) => !/clock\.now\(\)|wallNow\(\)|\.now\(\)/.test(line))).toEqual([]);
    expect(databaseClockReads('x.sql', 'DEFAULT CURRENT_TIMESTAMP')).toHaveLength(1);
  });
});

describe('environment', () => {
  it('is read in app alone', () => {
    expect(shipped.flatMap(({ path, text }) => environmentReads(path, text))).toEqual([]);
    expect(environmentReads('src/services/x.ts', 'process.env.HOME')).toHaveLength(1);
  });
});

describe('surfaces', () => {
  it('list their exports by name', () => {
    expect(sources.flatMap(({ path, text }) => starExports(path, text))).toEqual([]);
    expect(starExports('src/core/index.ts', "export * from './x.ts';")).toHaveLength(1);
  });
});
