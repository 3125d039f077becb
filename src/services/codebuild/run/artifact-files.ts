/**
 * Which files an `artifacts` block takes, and by which names. Patterns are judged from the base folder; `*` stays in one
 * folder, `**` does not; dot files count.
 * Source: CodeBuild User Guide, "Build specification reference", `artifacts`.
 */
import { lstat, readdir } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import picomatch from 'picomatch';
import type { ArtifactFiles } from '../../../core/buildspec/index.ts';

export type ArtifactFile = Readonly<{ path: string; name: string; isLink: boolean }>;

/** `spec` has its variables expanded. `log` gets the lines that AWS's own log has. In the order of the names; of equal names the last wins. */
export async function selectFiles(
  sourceDir: string,
  spec: ArtifactFiles,
  log: (line: string) => void,
): Promise<ArtifactFile[]> {
  log('Expanding base directory path: ' + (spec.baseDirectory ?? '.'));
  const bases = await baseFolders(sourceDir, spec.baseDirectory);
  log('Assembling file list');
  const excluded =
    spec.excludePaths.length === 0 ? () => false : picomatch(spec.excludePaths.map(tidied), { dot: true });
  const chosen = new Map<string, ArtifactFile>();
  let walked: { base: string; files: string[] }[] | undefined;
  for (const given of spec.files) {
    log(`Expanding ${given}`);
    const pattern = tidied(given);
    let matched = 0;
    const take = async (base: string, file: string): Promise<void> => {
      matched += 1;
      if (excluded(file)) return;
      const path = join(base, file);
      const name = spec.discardPaths ? basename(file) : file;
      chosen.set(name, { path, name, isLink: (await lstat(path)).isSymbolicLink() });
    };
    if (isPattern(pattern)) {
      const matches = picomatch(pattern, { dot: true });
      walked ??= await Promise.all(bases.map(async (base) => ({ base, files: await filesBelow(base) })));
      for (const { base, files } of walked) for (const file of files) if (matches(file)) await take(base, file);
    } else {
      for (const base of bases) {
        const file = relative(base, resolve(base, pattern));
        if (file !== '' && !file.startsWith('..') && !isAbsolute(file) && (await isFile(join(base, file))))
          await take(base, file);
      }
    }
    if (matched === 0) log(`Skipping invalid file path ${given}`);
    else log(`Found ${matched} file(s)`);
  }
  return [...chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function baseFolders(sourceDir: string, given: string | undefined): Promise<string[]> {
  if (given === undefined || given === '' || given === '.') return [sourceDir];
  const pattern = tidied(given);
  if (isAbsolute(given) || !isPattern(pattern)) {
    const folder = resolve(sourceDir, given);
    return (await isFolder(folder)) ? [folder] : [];
  }
  const matches = picomatch(pattern, { dot: true });
  const depth = pattern.split('/').length;
  const folders = await foldersBelow(sourceDir, pattern.includes('**') ? 32 : depth);
  return folders.filter((folder) => matches(folder)).map((folder) => join(sourceDir, folder));
}

/** Without `./` in front and slashes at the end. */
function tidied(pattern: string): string {
  return pattern.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
}

function isPattern(text: string): boolean {
  return /[*?[\]{}!]/.test(text);
}

async function isFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isFile() || found.isSymbolicLink(),
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Relative paths of files and links, folders that are links not entered. */
async function filesBelow(base: string): Promise<string[]> {
  const files: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(base, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile() || entry.isSymbolicLink()) files.push(path);
    }
  };
  await walk('');
  return files.sort();
}

async function foldersBelow(base: string, depth: number, folder = ''): Promise<string[]> {
  if (depth === 0) return [];
  const folders: string[] = [];
  for (const entry of await readdir(join(base, folder), { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    folders.push(path, ...(await foldersBelow(base, depth - 1, path)));
  }
  return folders.sort();
}
