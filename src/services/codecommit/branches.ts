/** Branches. */
import type {
  CreateBranchInput,
  DeleteBranchInput,
  DeleteBranchOutput,
  GetBranchInput,
  GetBranchOutput,
  ListBranchesInput,
  ListBranchesOutput,
} from '@aws-sdk/client-codecommit';
import { operation } from '../service.ts';
import { codeCommitError } from './errors.ts';
import { checkBranchName, isCommitId } from './names.ts';
import { pageOf } from './paging.ts';
import { recordReferences } from './references.ts';
import { onRepository, openRepository, principalArn } from './repository.ts';

const LIST_PAGE = 1000;

export const createBranch = operation<CreateBranchInput, Record<string, never>>({
  authorize: onRepository('CreateBranch'),
  async handle(input, call) {
    const { repository, git } = await openRepository(call, input.repositoryName);
    const branch = checkBranchName(input.branchName);
    if (!input.commitId) throw codeCommitError('CommitIdRequiredException');
    if (!isCommitId(input.commitId)) throw codeCommitError('InvalidCommitIdException');
    if ((await git.read(`refs/heads/${branch}`)) !== undefined) throw codeCommitError('BranchNameExistsException');
    if ((await git.commit(input.commitId)) === undefined) throw codeCommitError('CommitDoesNotExistException');
    if (!(await git.moveBranch(branch, input.commitId, ''))) throw codeCommitError('BranchNameExistsException');
    await recordReferences(call.house, call, repository, principalArn(call.principal));
    return {};
  },
});

export const getBranch = operation<GetBranchInput, GetBranchOutput>({
  authorize: onRepository('GetBranch'),
  async handle(input, call) {
    const { git } = await openRepository(call, input.repositoryName);
    const branchName = checkBranchName(input.branchName);
    const commit = await git.commit(`refs/heads/${branchName}`);
    if (commit === undefined) throw codeCommitError('BranchDoesNotExistException');
    return { branch: { branchName, commitId: commit.id } };
  },
});

export const listBranches = operation<ListBranchesInput, ListBranchesOutput>({
  authorize: onRepository('ListBranches'),
  async handle(input, call) {
    const { git } = await openRepository(call, input.repositoryName);
    const names = Object.keys(await git.references('refs/heads')).map((name) => name.slice('refs/heads/'.length));
    const page = pageOf(names, { size: LIST_PAGE, token: input.nextToken, shape: 'branches' });
    return { branches: [...page.items], ...page.next };
  },
});

/** Deleting a branch that is not there succeeds and tells of no branch. */
export const deleteBranch = operation<DeleteBranchInput, DeleteBranchOutput>({
  authorize: onRepository('DeleteBranch'),
  async handle(input, call) {
    const { repository, git } = await openRepository(call, input.repositoryName);
    const branchName = checkBranchName(input.branchName);
    if (branchName === repository.defaultBranch) throw codeCommitError('DefaultBranchCannotBeDeletedException');
    const commit = await git.commit(`refs/heads/${branchName}`);
    if (commit === undefined) return {};
    if (!(await git.moveBranch(branchName, undefined, commit.id))) return {};
    await recordReferences(call.house, call, repository, principalArn(call.principal));
    return { deletedBranch: { branchName, commitId: commit.id } };
  },
});
