/** Writes docs/reference/differences.md: every `Differs from AWS:` of the source, by file. `--check` prints instead. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

export function differencesPage(): string {
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
  const sections = new Map<string, string[]>();
  for (const file of files) {
    for (const text of differencesIn(readFileSync(join(root, file), 'utf8'))) {
      const room = file.split('/').slice(1, 3).join('/').replace(/\.ts$/, '');
      const lines = sections.get(room) ?? [];
      lines.push(`- ${text} (\`${file}\`)`);
      sections.set(room, lines);
    }
  }
  const body = [...sections].map(([room, lines]) => `## ${room}\n\n${lines.join('\n')}\n`).join('\n');
  return `# Where Sluice differs from AWS on purpose\n\nMade from the source by \`npm run differences\`; never edited by hand.\n\n${body}`;
}

/** The sentences that follow each `Differs from AWS:`, up to the end of its paragraph or comment. */
export function differencesIn(source: string): string[] {
  const found: string[] = [];
  for (const comment of source.matchAll(/\/\*\*?[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n)+/gm)) {
    const text = comment[0]
      .replace(/^\/\*\*?|\*\/$/g, '')
      .split('\n')
      .map((line) => line.replace(/^\s*(\*|\/\/)\s?/, '').trim())
      .join('\n');
    for (const paragraph of text.split('\n\n')) {
      const at = paragraph.indexOf('Differs from AWS:');
      if (at >= 0)
        found.push(
          paragraph
            .slice(at + 'Differs from AWS:'.length)
            .replaceAll('\n', ' ')
            .replaceAll(/\s+/g, ' ')
            .trim(),
        );
    }
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) process.stdout.write(differencesPage());
  else writeFileSync(join(root, 'docs', 'reference', 'differences.md'), differencesPage());
}
