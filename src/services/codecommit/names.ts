/** The rules of CodeCommit's names; each breach has an exception of its own. */
import { type CodeCommitErrorCode, codeCommitError } from './errors.ts';

export function checkRepositoryName(name: unknown): string {
  if (name === undefined || name === null || name === '') throw codeCommitError('RepositoryNameRequiredException');
  if (
    typeof name !== 'string' ||
    !/^[\w.-]{1,100}$/.test(name) ||
    name.endsWith('.git') ||
    name === '.' ||
    name === '..'
  ) {
    throw codeCommitError('InvalidRepositoryNameException');
  }
  return name;
}

export function checkDescription(description: unknown): string | undefined {
  if (description === undefined || description === null) return undefined;
  if (typeof description !== 'string' || description.length > 1000 || hasControlCharacter(description)) {
    throw codeCommitError('InvalidRepositoryDescriptionException');
  }
  return description;
}

/** Other than tab and line ends. */
function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 32 && code !== 9 && code !== 10 && code !== 13) return true;
  }
  return false;
}

/** A branch name without `refs/heads/`. */
export function checkBranchName(name: unknown, missing: CodeCommitErrorCode = 'BranchNameRequiredException'): string {
  if (name === undefined || name === null || name === '') throw codeCommitError(missing);
  if (typeof name !== 'string' || name.length > 256 || !isReferenceName(name))
    throw codeCommitError('InvalidBranchNameException');
  return name;
}

/** git-check-ref-format(1), for the part after `refs/heads/`. */
export function isReferenceName(name: string): boolean {
  if (
    name === '' ||
    name === '@' ||
    name.startsWith('-') ||
    name.endsWith('.') ||
    name.endsWith('/') ||
    name.startsWith('/')
  ) {
    return false;
  }
  if (/[\0-\x20\x7f~^:?*[\\]/.test(name) || name.includes('..') || name.includes('@{') || name.includes('//'))
    return false;
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}

export function isCommitId(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** A file path inside the repository, without slashes at its ends. */
export function checkPath(path: unknown, missing: CodeCommitErrorCode = 'PathRequiredException'): string {
  if (path === undefined || path === null || path === '') throw codeCommitError(missing);
  const trimmed = typeof path === 'string' ? path.replace(/^\/+|\/+$/g, '') : '';
  if (trimmed === '' || !isSoundPath(trimmed)) throw codeCommitError('InvalidPathException');
  return trimmed;
}

/** As `checkPath`, but `/` and the empty path are the root (``). */
export function checkFolderPath(path: unknown): string {
  if (path === undefined || path === null) throw codeCommitError('PathRequiredException');
  const trimmed = typeof path === 'string' ? path.replace(/^\/+|\/+$/g, '') : '\0';
  if (trimmed !== '' && !isSoundPath(trimmed)) throw codeCommitError('InvalidPathException');
  return trimmed;
}

function isSoundPath(path: string): boolean {
  if (path.length > 4096 || /[\0\n]/.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git');
}
