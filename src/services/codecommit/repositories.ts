/** Repositories: create, read, list, change, delete. */
import type {
  BatchGetRepositoriesInput,
  BatchGetRepositoriesOutput,
  CreateRepositoryInput,
  CreateRepositoryOutput,
  DeleteRepositoryInput,
  DeleteRepositoryOutput,
  GetRepositoryInput,
  GetRepositoryOutput,
  GetRepositoryTriggersInput,
  GetRepositoryTriggersOutput,
  ListRepositoriesInput,
  ListRepositoriesOutput,
  RepositoryMetadata,
  UpdateDefaultBranchInput,
  UpdateRepositoryDescriptionInput,
  UpdateRepositoryNameInput,
} from '@aws-sdk/client-codecommit';
import type { Call } from '../service.ts';
import { operation } from '../service.ts';
import { codeCommitError } from './errors.ts';
import { checkBranchName, checkDescription, checkRepositoryName } from './names.ts';
import { pageOf } from './paging.ts';
import { setDefaultBranch } from './references.ts';
import {
  findRepository,
  gitFolder,
  onRepository,
  openRepository,
  REFERENCES_LOOP,
  repositories,
  type Repository,
  repositoryArn,
  repositoryKey,
} from './repository.ts';
import { checkTags } from './tags.ts';

const LIST_PAGE = 1000;
const BATCH_LIMIT = 100;

export const createRepository = operation<CreateRepositoryInput, CreateRepositoryOutput>({
  authorize: onRepository('CreateRepository'),
  async handle(input, call) {
    const { house } = call;
    const repositoryName = checkRepositoryName(input.repositoryName);
    const repositoryDescription = checkDescription(input.repositoryDescription);
    const tags = input.tags === undefined ? {} : checkTags(input.tags);
    checkKey(input.kmsKeyId, call);
    const exists = () =>
      codeCommitError('RepositoryNameExistsException', `Repository named ${repositoryName} already exists`);
    const key = repositoryKey(call, repositoryName);
    if ((await repositories.get(house.store, key)) !== undefined) throw exists();
    const repository: Repository = {
      repositoryId: house.ids.uuid(),
      repositoryName,
      ...(repositoryDescription === undefined ? {} : { repositoryDescription }),
      createdAt: call.now,
      lastModifiedAt: call.now,
      tags,
    };
    const folder = gitFolder(house);
    await folder.create(repository.repositoryId);
    const created = await house.store.transaction(async (tx) => {
      if (!(await repositories.insert(tx, key, repository))) return false;
      const state = { repositoryId: repository.repositoryId, references: {} };
      return house.engine.create(tx, REFERENCES_LOOP, { ...key, id: repository.repositoryId }, state, []);
    });
    if (!created) {
      await folder.remove(repository.repositoryId);
      throw exists();
    }
    return { repositoryMetadata: metadata(call, repository) };
  },
});

export const getRepository = operation<GetRepositoryInput, GetRepositoryOutput>({
  authorize: onRepository('GetRepository'),
  async handle(input, call) {
    const { document } = await findRepository(call.house.store, call, input.repositoryName);
    return { repositoryMetadata: metadata(call, document) };
  },
});

export const batchGetRepositories = operation<BatchGetRepositoriesInput, BatchGetRepositoriesOutput>({
  authorize: (input, call) =>
    (Array.isArray(input.repositoryNames) && input.repositoryNames.length > 0 ? input.repositoryNames : ['*']).map(
      (name) => ({
        action: 'codecommit:BatchGetRepositories',
        resource: name === '*' ? '*' : repositoryArn(call, String(name)),
      }),
    ),
  async handle(input, call) {
    const names = input.repositoryNames;
    if (!Array.isArray(names) || names.length === 0) throw codeCommitError('RepositoryNamesRequiredException');
    if (names.length > BATCH_LIMIT) throw codeCommitError('MaximumRepositoryNamesExceededException');
    const wanted = [...new Set(names.map((name) => checkRepositoryName(name)))];
    const found = await repositories.getMany(call.house.store, call, wanted);
    const byName = new Map(found.map(({ document }) => [document.repositoryName, document]));
    return {
      repositories: wanted.flatMap((name) => {
        const repository = byName.get(name);
        return repository === undefined ? [] : [metadata(call, repository)];
      }),
      repositoriesNotFound: wanted.filter((name) => !byName.has(name)),
    };
  },
});

export const listRepositories = operation<ListRepositoriesInput, ListRepositoriesOutput>({
  authorize: () => [{ action: 'codecommit:ListRepositories', resource: '*' }],
  async handle(input, call) {
    const sortBy: string = input.sortBy ?? 'repositoryName';
    const order: string = input.order ?? 'ascending';
    if (sortBy !== 'repositoryName' && sortBy !== 'lastModifiedDate') throw codeCommitError('InvalidSortByException');
    if (order !== 'ascending' && order !== 'descending') throw codeCommitError('InvalidOrderException');
    const all = await repositories.list(call.house.store, { account: call.account, region: call.region });
    const rows = all.map(({ document }) => document);
    if (sortBy === 'lastModifiedDate') rows.sort((a, b) => a.lastModifiedAt - b.lastModifiedAt);
    if (order === 'descending') rows.reverse();
    const page = pageOf(rows, { size: LIST_PAGE, token: input.nextToken, shape: `${sortBy}/${order}` });
    return {
      repositories: page.items.map(({ repositoryName, repositoryId }) => ({ repositoryName, repositoryId })),
      ...page.next,
    };
  },
});

export const updateRepositoryName = operation<UpdateRepositoryNameInput, Record<string, never>>({
  authorize: onRepository('UpdateRepositoryName', 'oldName'),
  async handle(input, call) {
    const oldName = checkRepositoryName(input.oldName);
    const newName = checkRepositoryName(input.newName);
    await call.house.store.transaction(async (tx) => {
      const stored = await repositories.getForUpdate(tx, repositoryKey(call, oldName));
      if (stored === undefined) throw codeCommitError('RepositoryDoesNotExistException', `${oldName} does not exist`);
      const document = { ...stored.document, repositoryName: newName, lastModifiedAt: call.now };
      if (!(await repositories.insert(tx, repositoryKey(call, newName), document))) {
        throw codeCommitError('RepositoryNameExistsException', `Repository named ${newName} already exists`);
      }
      await repositories.delete(tx, stored.key);
    });
    return {};
  },
});

export const updateRepositoryDescription = operation<UpdateRepositoryDescriptionInput, Record<string, never>>({
  authorize: onRepository('UpdateRepositoryDescription'),
  async handle(input, call) {
    const name = checkRepositoryName(input.repositoryName);
    const repositoryDescription = checkDescription(input.repositoryDescription);
    await call.house.store.transaction(async (tx) => {
      const stored = await repositories.getForUpdate(tx, repositoryKey(call, name));
      if (stored === undefined) throw codeCommitError('RepositoryDoesNotExistException', `${name} does not exist`);
      const { repositoryDescription: _, ...rest } = stored.document;
      const description =
        repositoryDescription === undefined || repositoryDescription === '' ? {} : { repositoryDescription };
      await repositories.update(tx, stored.key, { ...rest, ...description, lastModifiedAt: call.now });
    });
    return {};
  },
});

export const updateDefaultBranch = operation<UpdateDefaultBranchInput, Record<string, never>>({
  authorize: onRepository('UpdateDefaultBranch'),
  async handle(input, call) {
    const { repository, git } = await openRepository(call, input.repositoryName);
    const branch = checkBranchName(input.defaultBranchName);
    if ((await git.commit(`refs/heads/${branch}`)) === undefined) throw codeCommitError('BranchDoesNotExistException');
    await setDefaultBranch(call.house, call, repository.repositoryName, branch, git);
    return {};
  },
});

export const deleteRepository = operation<DeleteRepositoryInput, DeleteRepositoryOutput>({
  authorize: onRepository('DeleteRepository'),
  async handle(input, call) {
    const { house } = call;
    const key = repositoryKey(call, checkRepositoryName(input.repositoryName));
    const removed = await house.store.transaction(async (tx) => {
      const stored = await repositories.getForUpdate(tx, key);
      if (stored === undefined) return undefined;
      await repositories.delete(tx, key);
      await house.engine.remove(tx, REFERENCES_LOOP, { ...key, id: stored.document.repositoryId });
      return stored.document;
    });
    if (removed === undefined) return {};
    // A crash here leaves a folder without a document; the next start removes it.
    await gitFolder(house).remove(removed.repositoryId);
    return { repositoryId: removed.repositoryId };
  },
});

/** No trigger can be set (PutRepositoryTriggers is not implemented), so there is none to tell. */
export const getRepositoryTriggers = operation<GetRepositoryTriggersInput, GetRepositoryTriggersOutput>({
  authorize: onRepository('GetRepositoryTriggers'),
  async handle(input, call) {
    const { document } = await findRepository(call.house.store, call, input.repositoryName);
    return { configurationId: document.repositoryId, triggers: [] };
  },
});

/**
 * Differs from AWS: the clone URL is Sluice's own address, where the clone works; and there is no SSH, so
 * `cloneUrlSsh` has AWS's form for clients that need the member but leads nowhere here.
 */
function metadata(call: Call, repository: Repository): RepositoryMetadata {
  const path = `/v1/repos/${repository.repositoryName}`;
  return {
    accountId: call.account,
    repositoryId: repository.repositoryId,
    repositoryName: repository.repositoryName,
    repositoryDescription: repository.repositoryDescription,
    defaultBranch: repository.defaultBranch,
    creationDate: new Date(repository.createdAt),
    lastModifiedDate: new Date(repository.lastModifiedAt),
    cloneUrlHttp: `${call.house.config.endpoint()}${path}`,
    cloneUrlSsh: `ssh://git-codecommit.${call.region}.amazonaws.com${path}`,
    Arn: repositoryArn(call, repository.repositoryName),
    kmsKeyId: call.arn('kms', 'alias/aws/codecommit'),
  };
}

/** Differs from AWS: repositories lie in git's own files, not under a KMS key, so only the AWS managed key is accepted. */
function checkKey(kmsKeyId: string | undefined, call: Call): void {
  const accepted = [undefined, 'alias/aws/codecommit', call.arn('kms', 'alias/aws/codecommit')];
  if (!accepted.includes(kmsKeyId)) throw codeCommitError('EncryptionKeyInvalidIdException');
}
