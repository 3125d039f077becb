/**
 * Commits made through the API: CreateCommit, PutFile, DeleteFile. The new tree is made in an index of its own beside
 * the repository, and the branch moves only if it still is where the caller saw it; a refused commit leaves at most
 * objects that nothing names.
 */
import { Buffer } from 'node:buffer';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  CreateCommitInput,
  CreateCommitOutput,
  DeleteFileInput,
  DeleteFileOutput,
  FileMetadata,
  PutFileInput,
  PutFileOutput,
} from '@aws-sdk/client-codecommit';
import { SECOND_MS } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { codeCommitError } from './errors.ts';
import { entryAt, type FileMode, fileModeOf, gitModes } from './files.ts';
import type { BareRepository, GitCommit, TreeEntry } from './git.ts';
import { checkBranchName, checkPath, isCommitId } from './names.ts';
import { recordReferences } from './references.ts';
import { onRepository, openRepository, principalArn, principalDisplayName, type Repository } from './repository.ts';

const CONTENT_LIMIT = 6 * 1024 * 1024;
const ENTRIES_LIMIT = 100;
const MESSAGE_LIMIT = 1024 * 1024;
const AUTHOR_LIMIT = 512;

/** What a path becomes: a file, or nothing. */
type Change = Readonly<{ path: string; to: Readonly<{ mode: FileMode; blobId: string }> | undefined }>;

type Authorship = Readonly<{ name: string | undefined; email: string | undefined; message: string | undefined }>;

export const createCommit = operation<CreateCommitInput, CreateCommitOutput>({
  authorize: onRepository('CreateCommit'),
  async handle(input, call) {
    const { repository, git } = await openRepository(call, input.repositoryName);
    const branch = checkBranchName(input.branchName);
    const authorship = checkAuthorship(input.authorName, input.email, input.commitMessage);
    const parent = await findParent(git, branch, input.parentCommitId);
    const [puts, deletes, modes] = [input.putFiles ?? [], input.deleteFiles ?? [], input.setFileModes ?? []];
    const count = puts.length + deletes.length + modes.length;
    if (count === 0) throw codeCommitError('FileEntryRequiredException');
    if (count > ENTRIES_LIMIT) throw codeCommitError('MaximumFileEntriesExceededException');
    const changes = new Map<string, Change>();
    const before = new Map<string, TreeEntry | undefined>();
    const add = async (change: Change): Promise<void> => {
      if (changes.has(change.path)) throw codeCommitError('SamePathRequestException');
      before.set(change.path, await existing(git, parent, change.path));
      changes.set(change.path, change);
    };
    let contentBytes = 0;
    for (const put of puts) {
      const path = checkPath(put.filePath);
      const mode = put.fileMode === undefined ? undefined : checkMode(put.fileMode);
      if (put.sourceFile !== undefined && put.fileContent !== undefined)
        throw codeCommitError('FileContentAndSourceFileSpecifiedException');
      if (put.sourceFile !== undefined) {
        const source = checkPath(put.sourceFile.filePath);
        if (source.endsWith('.gitkeep')) throw codeCommitError('RestrictedSourceFileException');
        const entry = await existing(git, parent, source);
        if (entry === undefined || entry.mode === '40000') throw codeCommitError('FileDoesNotExistException');
        await add({ path, to: { mode: mode ?? fileModeOf(entry.mode), blobId: entry.id } });
        if (put.sourceFile.isMove === true) await add({ path: source, to: undefined });
      } else {
        if (put.fileContent === undefined) throw codeCommitError('SourceFileOrContentRequiredException');
        contentBytes += put.fileContent.length;
        if (put.fileContent.length > CONTENT_LIMIT) throw codeCommitError('FileContentSizeLimitExceededException');
        if (contentBytes > CONTENT_LIMIT) throw codeCommitError('FolderContentSizeLimitExceededException');
        await add({ path, to: { mode: mode ?? 'NORMAL', blobId: await writeBlob(git, put.fileContent) } });
      }
    }
    for (const entry of deletes) {
      const path = checkPath(entry.filePath);
      if (!isFile(await existing(git, parent, path))) throw codeCommitError('FileDoesNotExistException');
      await add({ path, to: undefined });
    }
    for (const entry of modes) {
      const path = checkPath(entry.filePath);
      if (entry.fileMode === undefined) throw codeCommitError('FileModeRequiredException');
      const mode = checkMode(entry.fileMode);
      const file = await existing(git, parent, path);
      if (file === undefined || !isFile(file)) throw codeCommitError('FileDoesNotExistException');
      await add({ path, to: { mode, blobId: file.id } });
    }
    await refuseConflicts(git, parent, changes);
    const made = await commitChanges(call, {
      repository,
      git,
      branch,
      parent,
      changes,
      keepFolders: input.keepEmptyFolders === true,
      authorship,
    });
    const files = (wanted: (path: string, change: Change) => boolean): FileMetadata[] =>
      [...changes.values()]
        .filter((change) => wanted(change.path, change))
        .map(({ path, to }) => {
          const was = before.get(path);
          return {
            absolutePath: path,
            blobId: to?.blobId ?? was?.id,
            fileMode: to?.mode ?? fileModeOf(was?.mode ?? ''),
          };
        });
    return {
      ...made,
      filesAdded: files((path, { to }) => to !== undefined && before.get(path) === undefined),
      filesUpdated: files((path, { to }) => to !== undefined && before.get(path) !== undefined),
      filesDeleted: files((_, { to }) => to === undefined),
    };
  },
});

export const putFile = operation<PutFileInput, PutFileOutput>({
  authorize: onRepository('PutFile'),
  async handle(input, call) {
    const { repository, git } = await openRepository(call, input.repositoryName);
    const branch = checkBranchName(input.branchName);
    const path = checkPath(input.filePath);
    if (input.fileContent === undefined) throw codeCommitError('FileContentRequiredException');
    if (input.fileContent.length > CONTENT_LIMIT) throw codeCommitError('FileContentSizeLimitExceededException');
    const mode = input.fileMode === undefined ? 'NORMAL' : checkMode(input.fileMode);
    const authorship = checkAuthorship(input.name, input.email, input.commitMessage);
    const parent = await findParent(git, branch, input.parentCommitId);
    const was = await existing(git, parent, path);
    const blobId = await writeBlob(git, input.fileContent);
    if (was?.id === blobId && fileModeOf(was.mode) === mode) throw codeCommitError('SameFileContentException');
    const changes = new Map([[path, { path, to: { mode, blobId } }]]);
    await refuseConflicts(git, parent, changes);
    const made = await commitChanges(call, {
      repository,
      git,
      branch,
      parent,
      changes,
      keepFolders: false,
      authorship,
    });
    return { ...made, blobId };
  },
});

export const deleteFile = operation<DeleteFileInput, DeleteFileOutput>({
  authorize: onRepository('DeleteFile'),
  async handle(input, call) {
    const { repository, git } = await openRepository(call, input.repositoryName);
    const branch = checkBranchName(input.branchName);
    const path = checkPath(input.filePath);
    const authorship = checkAuthorship(input.name, input.email, input.commitMessage);
    if (!input.parentCommitId) throw codeCommitError('ParentCommitIdRequiredException');
    const parent = await findParent(git, branch, input.parentCommitId);
    const was = await existing(git, parent, path);
    if (was === undefined || !isFile(was)) throw codeCommitError('FileDoesNotExistException');
    const changes = new Map([[path, { path, to: undefined }]]);
    const keepFolders = input.keepEmptyFolders === true;
    const made = await commitChanges(call, { repository, git, branch, parent, changes, keepFolders, authorship });
    return { ...made, blobId: was.id, filePath: path };
  },
});

function checkMode(mode: string): FileMode {
  if (mode !== 'NORMAL' && mode !== 'EXECUTABLE' && mode !== 'SYMLINK')
    throw codeCommitError('InvalidFileModeException');
  return mode;
}

function checkAuthorship(name: string | undefined, email: string | undefined, message: string | undefined): Authorship {
  if (name !== undefined && name.length > AUTHOR_LIMIT) throw codeCommitError('NameLengthExceededException');
  if (email !== undefined && (email.length > AUTHOR_LIMIT || /[<>\n\0]/.test(email)))
    throw codeCommitError('InvalidEmailException');
  if (message !== undefined && message.length > MESSAGE_LIMIT)
    throw codeCommitError('CommitMessageLengthExceededException');
  return { name, email, message };
}

/** The branch's head, which the caller must have named; undefined for the first commit of an empty repository. */
async function findParent(
  git: BareRepository,
  branch: string,
  parentId: string | undefined,
): Promise<GitCommit | undefined> {
  const head = await git.commit(`refs/heads/${branch}`);
  if (head === undefined) {
    if ((await git.read(`refs/tags/${branch}`)) !== undefined) throw codeCommitError('BranchNameIsTagNameException');
    if (Object.keys(await git.references()).length > 0) throw codeCommitError('BranchDoesNotExistException');
    if (parentId) throw codeCommitError('ParentCommitDoesNotExistException');
    return undefined;
  }
  if (!parentId) throw codeCommitError('ParentCommitIdRequiredException');
  if (!isCommitId(parentId)) throw codeCommitError('InvalidParentCommitIdException');
  if (parentId === head.id) return head;
  if ((await git.commit(parentId)) === undefined) throw codeCommitError('ParentCommitDoesNotExistException');
  throw codeCommitError('ParentCommitIdOutdatedException');
}

async function existing(
  git: BareRepository,
  parent: GitCommit | undefined,
  path: string,
): Promise<TreeEntry | undefined> {
  return parent === undefined ? undefined : entryAt(git, parent.tree, path);
}

function isFile(entry: TreeEntry | undefined): boolean {
  return entry !== undefined && entry.mode !== '40000' && entry.mode !== '160000';
}

/** A path may not be a file and a folder at once; nor may it lie in a submodule. */
async function refuseConflicts(
  git: BareRepository,
  parent: GitCommit | undefined,
  changes: ReadonlyMap<string, Change>,
): Promise<void> {
  const put = [...changes.values()].filter(({ to }) => to !== undefined);
  for (const { path } of put) {
    const at = await existing(git, parent, path);
    if (at?.mode === '40000') throw codeCommitError('FileNameConflictsWithDirectoryNameException');
    if (at?.mode === '160000') throw codeCommitError('FilePathConflictsWithSubmodulePathException');
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const folder = path.slice(0, slash);
      if (changes.get(folder)?.to !== undefined) throw codeCommitError('PutFileEntryConflictException');
      const entry = await existing(git, parent, folder);
      if (entry?.mode === '160000') throw codeCommitError('FilePathConflictsWithSubmodulePathException');
      if (entry !== undefined && isFile(entry) && !changes.has(folder))
        throw codeCommitError('DirectoryNameConflictsWithFileNameException');
    }
  }
}

async function writeBlob(git: BareRepository, content: Uint8Array): Promise<string> {
  return text(await git.git(['hash-object', '-w', '--stdin'], { input: content }));
}

async function commitChanges(
  call: Call,
  options: Readonly<{
    repository: Repository;
    git: BareRepository;
    branch: string;
    parent: GitCommit | undefined;
    changes: ReadonlyMap<string, Change>;
    keepFolders: boolean;
    authorship: Authorship;
  }>,
): Promise<{ commitId: string; treeId: string }> {
  const { git, parent, branch, authorship } = options;
  const treeId = await writeTree(call, options);
  if (treeId === parent?.tree) throw codeCommitError('NoChangeException');
  const date = `${Math.floor(call.now / SECOND_MS)} +0000`;
  const name = (authorship.name ?? principalDisplayName(call.principal)).replace(/[<>\n\0]/g, '').trim() || 'unknown';
  const email = authorship.email ?? '';
  const env = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  };
  const parents = parent === undefined ? [] : ['-p', parent.id];
  const commitId = text(
    await git.git(['commit-tree', treeId, ...parents, '-F', '-'], { input: authorship.message ?? '', env }),
  );
  if (!(await git.moveBranch(branch, commitId, parent?.id ?? '')))
    throw codeCommitError('ParentCommitIdOutdatedException');
  await recordReferences(call.house, call, options.repository, principalArn(call.principal));
  return { commitId, treeId };
}

async function writeTree(
  call: Call,
  options: Readonly<{
    git: BareRepository;
    parent: GitCommit | undefined;
    changes: ReadonlyMap<string, Change>;
    keepFolders: boolean;
  }>,
): Promise<string> {
  const { git, parent, changes } = options;
  const index = join(git.path, `index-${call.house.ids.uuid()}`);
  const env = { GIT_INDEX_FILE: index };
  const update = async (lines: readonly string[]): Promise<void> => {
    if (lines.length > 0) await git.git(['update-index', '-z', '--index-info'], { input: lines.join(''), env });
  };
  try {
    if (parent !== undefined) await git.git(['read-tree', parent.tree], { env });
    // Removals first: a file may make room for a folder of its name.
    const removed = [...changes.values()].filter(({ to }) => to === undefined);
    await update(removed.map(({ path }) => `0 ${'0'.repeat(40)}\t${path}\0`));
    await update(
      [...changes.values()].flatMap(({ path, to }) =>
        to === undefined ? [] : [`${gitModes[to.mode]} ${to.blobId}\t${path}\0`],
      ),
    );
    if (options.keepFolders) {
      const folders = new Set(
        removed.flatMap(({ path }) => (path.includes('/') ? [path.slice(0, path.lastIndexOf('/'))] : [])),
      );
      for (const folder of folders) {
        const left = await git.git(['ls-files', '-z', '--', `:(literal)${folder}`], { env });
        if (left.length === 0) await update([`100644 ${await writeBlob(git, Buffer.alloc(0))}\t${folder}/.gitkeep\0`]);
      }
    }
    return text(await git.git(['write-tree'], { env }));
  } finally {
    await rm(index, { force: true });
  }
}

function text(output: Buffer): string {
  return output.toString('utf8').trim();
}
