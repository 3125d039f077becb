/** Commits as they are read, and the differences between two. */
import type {
  BatchGetCommitsInput,
  BatchGetCommitsOutput,
  Commit,
  Difference,
  GetCommitInput,
  GetCommitOutput,
  GetDifferencesInput,
  GetDifferencesOutput,
} from '@aws-sdk/client-codecommit';
import { operation } from '../service.ts';
import { codeCommitError } from './errors.ts';
import type { BareRepository, GitCommit } from './git.ts';
import { checkFolderPath, isCommitId, isReferenceName } from './names.ts';
import { pageOf } from './paging.ts';
import { onRepository, openRepository } from './repository.ts';

const BATCH_LIMIT = 100;
const DIFFERENCES_PAGE = 400;

export const getCommit = operation<GetCommitInput, GetCommitOutput>({
  authorize: onRepository('GetCommit'),
  async handle(input, call) {
    const { git } = await openRepository(call, input.repositoryName);
    if (!input.commitId) throw codeCommitError('CommitIdRequiredException');
    if (!isCommitId(input.commitId)) throw codeCommitError('InvalidCommitIdException');
    const commit = await git.commit(input.commitId);
    if (commit === undefined) throw codeCommitError('CommitIdDoesNotExistException');
    return { commit: commitShape(commit) };
  },
});

export const batchGetCommits = operation<BatchGetCommitsInput, BatchGetCommitsOutput>({
  authorize: onRepository('BatchGetCommits'),
  async handle(input, call) {
    const { git } = await openRepository(call, input.repositoryName);
    const ids = input.commitIds;
    if (!Array.isArray(ids) || ids.length === 0) throw codeCommitError('CommitIdsListRequiredException');
    if (ids.length > BATCH_LIMIT) throw codeCommitError('CommitIdsLimitExceededException');
    const read = await Promise.all(
      ids.map(async (commitId) => ({
        commitId,
        commit: isCommitId(commitId) ? await git.commit(commitId) : undefined,
      })),
    );
    return {
      commits: read.flatMap(({ commit }) => (commit === undefined ? [] : [commitShape(commit)])),
      errors: read.flatMap(({ commitId, commit }) => {
        if (commit !== undefined) return [];
        const code = isCommitId(commitId) ? 'CommitIdDoesNotExistException' : 'InvalidCommitIdException';
        return [{ commitId, errorCode: code, errorMessage: codeCommitError(code).message }];
      }),
    };
  },
});

export const getDifferences = operation<GetDifferencesInput, GetDifferencesOutput>({
  authorize: onRepository('GetDifferences'),
  async handle(input, call) {
    const { git } = await openRepository(call, input.repositoryName);
    if (!input.afterCommitSpecifier) throw codeCommitError('CommitRequiredException');
    const size = input.MaxResults ?? DIFFERENCES_PAGE;
    if (!Number.isInteger(size) || size < 1) throw codeCommitError('InvalidMaxResultsException');
    const after = await resolveCommit(git, input.afterCommitSpecifier);
    const before = input.beforeCommitSpecifier ? await resolveCommit(git, input.beforeCommitSpecifier) : undefined;
    const afterPath = checkFolderPath(input.afterPath ?? '');
    const beforePath = checkFolderPath(input.beforePath ?? '');
    const all = await differences(git, { before, after, beforePath, afterPath });
    if (all.length === 0 && afterPath !== '' && (await git.read(`${after.id}:${afterPath}`)) === undefined) {
      throw codeCommitError('PathDoesNotExistException');
    }
    const shape = `${before?.id ?? ''}/${after.id}/${beforePath}/${afterPath}`;
    const page = pageOf(all, { size: Math.min(size, DIFFERENCES_PAGE), token: input.NextToken, shape });
    return { differences: [...page.items], NextToken: page.next.nextToken };
  },
});

export function commitShape(commit: GitCommit): Commit {
  return {
    commitId: commit.id,
    treeId: commit.tree,
    parents: [...commit.parents],
    message: commit.message,
    author: commit.author,
    committer: commit.committer,
    additionalData: commit.additionalData,
  };
}

/** A commit id, a branch, a tag, a full reference name or HEAD; in that order of preference. */
export async function resolveCommit(git: BareRepository, specifier: string): Promise<GitCommit> {
  if (isCommitId(specifier)) {
    const commit = await git.commit(specifier);
    if (commit === undefined) throw codeCommitError('CommitDoesNotExistException');
    return commit;
  }
  if (!isReferenceName(specifier)) throw codeCommitError('InvalidCommitException');
  const names = specifier === 'HEAD' ? ['HEAD'] : [`refs/heads/${specifier}`, `refs/tags/${specifier}`];
  if (specifier.startsWith('refs/')) names.unshift(specifier);
  for (const name of names) {
    const commit = await git.commit(name);
    if (commit !== undefined) return commit;
  }
  throw codeCommitError('CommitDoesNotExistException');
}

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

async function differences(
  git: BareRepository,
  options: Readonly<{ before: GitCommit | undefined; after: GitCommit; beforePath: string; afterPath: string }>,
): Promise<Difference[]> {
  const paths = [...new Set([options.beforePath, options.afterPath])].filter((path) => path !== '');
  const args = ['diff-tree', '-r', '-z', '--no-renames', options.before?.tree ?? EMPTY_TREE, options.after.tree];
  const pathspec = paths.map((path) => `:(literal)${path}`);
  const fields = (await git.git([...args, '--', ...pathspec])).toString('utf8').split('\0');
  const found: Difference[] = [];
  // `:<mode> <mode> <id> <id> <letter>` NUL `<path>` NUL
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [beforeMode = '', afterMode, beforeId, afterId, letter] = (fields[at] ?? '').slice(1).split(' ');
    const path = fields[at + 1] ?? '';
    const changeType = letter === 'A' || letter === 'D' ? letter : 'M';
    const beforeBlob = { blobId: beforeId, path, mode: beforeMode };
    const afterBlob = { blobId: afterId, path, mode: afterMode };
    found.push({
      changeType,
      ...(changeType === 'A' ? {} : { beforeBlob }),
      ...(changeType === 'D' ? {} : { afterBlob }),
    });
  }
  return found;
}
