/** Files, folders and blobs as they are read. */
import type {
  GetBlobInput,
  GetBlobOutput,
  GetFileInput,
  GetFileOutput,
  GetFolderInput,
  GetFolderOutput,
} from '@aws-sdk/client-codecommit';
import { operation } from '../service.ts';
import { resolveCommit } from './commits.ts';
import { codeCommitError } from './errors.ts';
import { type BareRepository, parseTree, type TreeEntry } from './git.ts';
import { checkFolderPath, checkPath, isCommitId } from './names.ts';
import { onRepository, openRepository } from './repository.ts';

/** Quotas in CodeCommit: 6 MB for GetFile, 20 MB for GetBlob (1 GB by git). */
const FILE_LIMIT = 6 * 1024 * 1024;
const BLOB_LIMIT = 20 * 1024 * 1024;

export type FileMode = 'NORMAL' | 'EXECUTABLE' | 'SYMLINK';

export function fileModeOf(mode: string): FileMode {
  return mode === '120000' ? 'SYMLINK' : mode === '100755' ? 'EXECUTABLE' : 'NORMAL';
}

export const gitModes: Readonly<Record<FileMode, string>> = {
  NORMAL: '100644',
  EXECUTABLE: '100755',
  SYMLINK: '120000',
};

/** The entry at `path` of a tree; undefined if there is none. */
export async function entryAt(git: BareRepository, treeId: string, path: string): Promise<TreeEntry | undefined> {
  const slash = path.lastIndexOf('/');
  const folder = await git.read(slash < 0 ? treeId : `${treeId}:${path.slice(0, slash)}`);
  if (folder?.type !== 'tree') return undefined;
  return parseTree(folder).find((entry) => entry.name === path.slice(slash + 1));
}

export const getFile = operation<GetFileInput, GetFileOutput>({
  authorize: onRepository('GetFile'),
  async handle(input, call) {
    const { git } = await openRepository(call, input.repositoryName);
    const filePath = checkPath(input.filePath);
    const commit = await resolveCommit(git, input.commitSpecifier || 'HEAD');
    const entry = await entryAt(git, commit.tree, filePath);
    const blob = entry === undefined || entry.mode === '160000' ? undefined : await git.read(entry.id);
    if (entry === undefined || blob?.type !== 'blob') throw codeCommitError('FileDoesNotExistException');
    if (blob.content.length > FILE_LIMIT) throw codeCommitError('FileTooLargeException');
    return {
      commitId: commit.id,
      blobId: blob.id,
      filePath,
      fileMode: fileModeOf(entry.mode),
      fileSize: blob.content.length,
      fileContent: blob.content,
    };
  },
});

export const getFolder = operation<GetFolderInput, GetFolderOutput>({
  authorize: onRepository('GetFolder'),
  async handle(input, call) {
    const { git } = await openRepository(call, input.repositoryName);
    const folderPath = checkFolderPath(input.folderPath);
    const commit = await resolveCommit(git, input.commitSpecifier || 'HEAD');
    const tree = await git.read(folderPath === '' ? commit.tree : `${commit.tree}:${folderPath}`);
    if (tree?.type !== 'tree') throw codeCommitError('FolderDoesNotExistException');
    const output: Required<Pick<GetFolderOutput, 'subFolders' | 'files' | 'symbolicLinks' | 'subModules'>> = {
      subFolders: [],
      files: [],
      symbolicLinks: [],
      subModules: [],
    };
    for (const entry of parseTree(tree)) {
      const at = {
        absolutePath: folderPath === '' ? entry.name : `${folderPath}/${entry.name}`,
        relativePath: entry.name,
      };
      if (entry.mode === '40000') output.subFolders.push({ treeId: entry.id, ...at });
      else if (entry.mode === '160000') output.subModules.push({ commitId: entry.id, ...at });
      else {
        const file = { blobId: entry.id, ...at, fileMode: fileModeOf(entry.mode) };
        (file.fileMode === 'SYMLINK' ? output.symbolicLinks : output.files).push(file);
      }
    }
    return { commitId: commit.id, folderPath, treeId: tree.id, ...output };
  },
});

export const getBlob = operation<GetBlobInput, GetBlobOutput>({
  authorize: onRepository('GetBlob'),
  async handle(input, call) {
    const { git } = await openRepository(call, input.repositoryName);
    if (!input.blobId) throw codeCommitError('BlobIdRequiredException');
    if (!isCommitId(input.blobId)) throw codeCommitError('InvalidBlobIdException');
    const blob = await git.read(input.blobId);
    if (blob?.type !== 'blob') throw codeCommitError('BlobIdDoesNotExistException');
    if (blob.content.length > BLOB_LIMIT) throw codeCommitError('FileTooLargeException');
    return { content: blob.content };
  },
});
