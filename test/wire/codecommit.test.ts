/** CodeCommit's API through the official SDK: every operation, and the exception of each missing or invalid member. */
import {
  BatchGetCommitsCommand,
  BatchGetRepositoriesCommand,
  CodeCommitClient,
  CreateBranchCommand,
  CreateCommitCommand,
  CreateRepositoryCommand,
  DeleteBranchCommand,
  DeleteFileCommand,
  DeleteRepositoryCommand,
  GetBlobCommand,
  GetBranchCommand,
  GetCommitCommand,
  GetDifferencesCommand,
  GetFileCommand,
  GetFolderCommand,
  GetRepositoryCommand,
  GetRepositoryTriggersCommand,
  ListBranchesCommand,
  ListRepositoriesCommand,
  ListTagsForResourceCommand,
  PutFileCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateDefaultBranchCommand,
  UpdateRepositoryDescriptionCommand,
  UpdateRepositoryNameCommand,
} from '@aws-sdk/client-codecommit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';

let sluice: TestSluice;
let client: CodeCommitClient;
let count = 0;

beforeAll(async () => {
  sluice = await startSluice({ services: ['codecommit'] });
  client = new CodeCommitClient(sluice.clientConfig());
});
afterAll(() => sluice?.close());

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const NOWHERE = 'f'.repeat(40);

async function newRepository(): Promise<string> {
  const repositoryName = `repository-${++count}`;
  await client.send(new CreateRepositoryCommand({ repositoryName }));
  return repositoryName;
}

/** A repository with one commit on main: `a.txt`, `bin/run` (executable), `dir/b.txt`. */
async function withCommit(): Promise<{ repositoryName: string; commitId: string }> {
  const repositoryName = await newRepository();
  const { commitId = '' } = await client.send(
    new CreateCommitCommand({
      repositoryName,
      branchName: 'main',
      authorName: 'Ada',
      email: 'ada@example.com',
      commitMessage: 'first',
      putFiles: [
        { filePath: 'a.txt', fileContent: bytes('a\n') },
        { filePath: 'bin/run', fileContent: bytes('#!/bin/sh\n'), fileMode: 'EXECUTABLE' },
        { filePath: '/dir/b.txt', fileContent: bytes('b\n') },
      ],
    }),
  );
  return { repositoryName, commitId };
}

async function errorOf(sent: Promise<unknown>): Promise<string> {
  return sent.then(
    () => 'no error',
    (error: Error) => error.name,
  );
}

describe('repositories', () => {
  it('are created, read, changed and deleted', async () => {
    const created = await client.send(
      new CreateRepositoryCommand({ repositoryName: 'shop', repositoryDescription: 'A shop', tags: { team: 'blue' } }),
    );
    expect(created.repositoryMetadata).toMatchObject({
      accountId: sluice.account,
      repositoryName: 'shop',
      repositoryDescription: 'A shop',
      cloneUrlHttp: `${sluice.url}/v1/repos/shop`,
      Arn: `arn:aws:codecommit:us-east-1:${sluice.account}:shop`,
    });
    expect(created.repositoryMetadata?.defaultBranch).toBeUndefined();
    await client.send(
      new UpdateRepositoryDescriptionCommand({ repositoryName: 'shop', repositoryDescription: 'Two shops' }),
    );
    await client.send(new UpdateRepositoryNameCommand({ oldName: 'shop', newName: 'shops' }));
    const read = await client.send(new GetRepositoryCommand({ repositoryName: 'shops' }));
    expect(read.repositoryMetadata).toMatchObject({
      repositoryId: created.repositoryMetadata?.repositoryId,
      repositoryDescription: 'Two shops',
    });
    expect(await errorOf(client.send(new GetRepositoryCommand({ repositoryName: 'shop' })))).toBe(
      'RepositoryDoesNotExistException',
    );
    const batch = await client.send(new BatchGetRepositoriesCommand({ repositoryNames: ['shops', 'none'] }));
    expect(batch.repositories?.map(({ repositoryName }) => repositoryName)).toEqual(['shops']);
    expect(batch.repositoriesNotFound).toEqual(['none']);
    const arn = read.repositoryMetadata?.Arn ?? '';
    await client.send(new TagResourceCommand({ resourceArn: arn, tags: { cost: '7' } }));
    await client.send(new UntagResourceCommand({ resourceArn: arn, tagKeys: ['team'] }));
    expect((await client.send(new ListTagsForResourceCommand({ resourceArn: arn }))).tags).toEqual({ cost: '7' });
    expect((await client.send(new GetRepositoryTriggersCommand({ repositoryName: 'shops' }))).triggers).toEqual([]);
    const deleted = await client.send(new DeleteRepositoryCommand({ repositoryName: 'shops' }));
    expect(deleted.repositoryId).toBe(created.repositoryMetadata?.repositoryId);
    expect((await client.send(new DeleteRepositoryCommand({ repositoryName: 'shops' }))).repositoryId).toBeUndefined();
  });

  it('are listed in the order asked for', async () => {
    const names = [await newRepository(), await newRepository()];
    const { repositories = [] } = await client.send(
      new ListRepositoriesCommand({ sortBy: 'repositoryName', order: 'descending' }),
    );
    const listed = repositories.map(({ repositoryName }) => repositoryName ?? '');
    expect(listed.indexOf(names[1] ?? '')).toBeLessThan(listed.indexOf(names[0] ?? ''));
    expect(await errorOf(client.send(new ListRepositoriesCommand({ nextToken: 'x' })))).toBe(
      'InvalidContinuationTokenException',
    );
  });

  it('refuse each bad member with its own exception', async () => {
    const repositoryName = await newRepository();
    const cases: [Promise<string>, string][] = [
      [
        errorOf(client.send(new CreateRepositoryCommand({ repositoryName: undefined }))),
        'RepositoryNameRequiredException',
      ],
      [errorOf(client.send(new CreateRepositoryCommand({ repositoryName: 'a b' }))), 'InvalidRepositoryNameException'],
      [
        errorOf(client.send(new CreateRepositoryCommand({ repositoryName: 'x.git' }))),
        'InvalidRepositoryNameException',
      ],
      [
        errorOf(client.send(new CreateRepositoryCommand({ repositoryName: 'x'.repeat(101) }))),
        'InvalidRepositoryNameException',
      ],
      [errorOf(client.send(new CreateRepositoryCommand({ repositoryName }))), 'RepositoryNameExistsException'],
      [
        errorOf(
          client.send(new CreateRepositoryCommand({ repositoryName: 'd', repositoryDescription: 'x'.repeat(1001) })),
        ),
        'InvalidRepositoryDescriptionException',
      ],
      [
        errorOf(client.send(new CreateRepositoryCommand({ repositoryName: 'k', kmsKeyId: 'alias/mine' }))),
        'EncryptionKeyInvalidIdException',
      ],
      [
        errorOf(client.send(new CreateRepositoryCommand({ repositoryName: 't', tags: { 'aws:x': '1' } }))),
        'InvalidSystemTagUsageException',
      ],
      [
        errorOf(client.send(new BatchGetRepositoriesCommand({ repositoryNames: [] }))),
        'RepositoryNamesRequiredException',
      ],
      [
        errorOf(client.send(new UpdateDefaultBranchCommand({ repositoryName, defaultBranchName: 'none' }))),
        'BranchDoesNotExistException',
      ],
      [
        errorOf(client.send(new TagResourceCommand({ resourceArn: undefined, tags: {} }))),
        'ResourceArnRequiredException',
      ],
      [errorOf(client.send(new TagResourceCommand({ resourceArn: 'arn:x', tags: {} }))), 'InvalidResourceArnException'],
    ];
    for (const [error, name] of cases) expect(await error).toBe(name);
  });
});

describe('commits and branches', () => {
  it('are made, read and compared', async () => {
    const { repositoryName, commitId } = await withCommit();
    const { repositoryMetadata } = await client.send(new GetRepositoryCommand({ repositoryName }));
    expect(repositoryMetadata?.defaultBranch).toBe('main');
    const { commit } = await client.send(new GetCommitCommand({ repositoryName, commitId }));
    expect(commit).toMatchObject({
      commitId,
      message: 'first',
      parents: [],
      author: { name: 'Ada', email: 'ada@example.com' },
    });
    expect(commit?.author?.date).toMatch(/^\d+ \+0000$/);

    await client.send(new CreateBranchCommand({ repositoryName, branchName: 'topic', commitId }));
    const put = await client.send(
      new PutFileCommand({
        repositoryName,
        branchName: 'topic',
        filePath: 'dir/c.txt',
        fileContent: bytes('c'),
        parentCommitId: commitId,
        name: 'Grace',
      }),
    );
    expect((await client.send(new GetBranchCommand({ repositoryName, branchName: 'topic' }))).branch?.commitId).toBe(
      put.commitId,
    );
    expect((await client.send(new ListBranchesCommand({ repositoryName }))).branches).toEqual(['main', 'topic']);
    const removed = await client.send(
      new DeleteFileCommand({ repositoryName, branchName: 'topic', filePath: 'a.txt', parentCommitId: put.commitId }),
    );
    const { differences } = await client.send(
      new GetDifferencesCommand({
        repositoryName,
        beforeCommitSpecifier: 'main',
        afterCommitSpecifier: removed.commitId,
      }),
    );
    expect(
      differences?.map(({ changeType, beforeBlob, afterBlob }) => [changeType, (afterBlob ?? beforeBlob)?.path]),
    ).toEqual([
      ['D', 'a.txt'],
      ['A', 'dir/c.txt'],
    ]);
    const first = await client.send(
      new GetDifferencesCommand({ repositoryName, afterCommitSpecifier: 'main', MaxResults: 2 }),
    );
    const rest = await client.send(
      new GetDifferencesCommand({
        repositoryName,
        afterCommitSpecifier: 'main',
        MaxResults: 2,
        NextToken: first.NextToken,
      }),
    );
    expect([first.differences?.length, rest.differences?.length, rest.NextToken]).toEqual([2, 1, undefined]);
    const batch = await client.send(new BatchGetCommitsCommand({ repositoryName, commitIds: [commitId, NOWHERE] }));
    expect(batch.commits?.map((each) => each.commitId)).toEqual([commitId]);
    expect(batch.errors?.[0]).toMatchObject({ commitId: NOWHERE, errorCode: 'CommitIdDoesNotExistException' });

    await client.send(new UpdateDefaultBranchCommand({ repositoryName, defaultBranchName: 'topic' }));
    const deleted = await client.send(new DeleteBranchCommand({ repositoryName, branchName: 'main' }));
    expect(deleted.deletedBranch).toEqual({ branchName: 'main', commitId });
    expect(await errorOf(client.send(new DeleteBranchCommand({ repositoryName, branchName: 'topic' })))).toBe(
      'DefaultBranchCannotBeDeletedException',
    );
  });

  it('change, move and delete files in one commit', async () => {
    const { repositoryName, commitId } = await withCommit();
    const changed = await client.send(
      new CreateCommitCommand({
        repositoryName,
        branchName: 'main',
        parentCommitId: commitId,
        putFiles: [
          { filePath: 'a.txt', fileContent: bytes('A\n') },
          { filePath: 'moved.txt', sourceFile: { filePath: 'dir/b.txt', isMove: true } },
        ],
        setFileModes: [{ filePath: 'bin/run', fileMode: 'NORMAL' }],
        keepEmptyFolders: true,
      }),
    );
    expect(changed.filesAdded?.map(({ absolutePath }) => absolutePath)).toEqual(['moved.txt']);
    expect(changed.filesUpdated?.map(({ absolutePath }) => absolutePath)).toEqual(['a.txt', 'bin/run']);
    expect(changed.filesDeleted?.map(({ absolutePath }) => absolutePath)).toEqual(['dir/b.txt']);
    const folder = await client.send(new GetFolderCommand({ repositoryName, folderPath: 'dir' }));
    expect(folder.files?.map(({ relativePath }) => relativePath)).toEqual(['.gitkeep']);
  });

  it('refuse each bad member with its own exception', async () => {
    const { repositoryName, commitId } = await withCommit();
    const at = { repositoryName, branchName: 'main', parentCommitId: commitId };
    const put = (more: object) => errorOf(client.send(new CreateCommitCommand({ ...at, ...more })));
    const file = { filePath: 'x', fileContent: bytes('x') };
    const cases: [Promise<string>, string][] = [
      [
        errorOf(client.send(new GetBranchCommand({ repositoryName, branchName: 'none' }))),
        'BranchDoesNotExistException',
      ],
      [
        errorOf(client.send(new GetBranchCommand({ repositoryName, branchName: 'a..b' }))),
        'InvalidBranchNameException',
      ],
      [errorOf(client.send(new GetBranchCommand({ repositoryName }))), 'BranchNameRequiredException'],
      [
        errorOf(client.send(new CreateBranchCommand({ repositoryName, branchName: 'main', commitId }))),
        'BranchNameExistsException',
      ],
      [
        errorOf(client.send(new CreateBranchCommand({ repositoryName, branchName: 'b', commitId: NOWHERE }))),
        'CommitDoesNotExistException',
      ],
      [
        errorOf(client.send(new CreateBranchCommand({ repositoryName, branchName: 'b', commitId: 'main' }))),
        'InvalidCommitIdException',
      ],
      [
        errorOf(client.send(new GetCommitCommand({ repositoryName, commitId: NOWHERE }))),
        'CommitIdDoesNotExistException',
      ],
      [
        errorOf(client.send(new GetDifferencesCommand({ repositoryName, afterCommitSpecifier: 'a^' }))),
        'InvalidCommitException',
      ],
      [put({}), 'FileEntryRequiredException'],
      [put({ putFiles: [{ ...file, filePath: '../x' }] }), 'InvalidPathException'],
      [put({ putFiles: [{ ...file, filePath: '.git/config' }] }), 'InvalidPathException'],
      [put({ putFiles: [file, file] }), 'SamePathRequestException'],
      [put({ putFiles: [{ filePath: 'x' }] }), 'SourceFileOrContentRequiredException'],
      [
        put({ putFiles: [{ ...file, sourceFile: { filePath: 'a.txt' } }] }),
        'FileContentAndSourceFileSpecifiedException',
      ],
      [put({ putFiles: [{ ...file, filePath: 'dir' }] }), 'FileNameConflictsWithDirectoryNameException'],
      [put({ putFiles: [{ ...file, filePath: 'a.txt/x' }] }), 'DirectoryNameConflictsWithFileNameException'],
      [
        put({
          putFiles: [
            { ...file, filePath: 'y' },
            { ...file, filePath: 'y/z' },
          ],
        }),
        'PutFileEntryConflictException',
      ],
      [put({ deleteFiles: [{ filePath: 'none' }] }), 'FileDoesNotExistException'],
      [put({ putFiles: [{ filePath: 'a.txt', fileContent: bytes('a\n') }] }), 'NoChangeException'],
      [put({ putFiles: [file], parentCommitId: NOWHERE }), 'ParentCommitDoesNotExistException'],
      [put({ putFiles: [file], parentCommitId: undefined }), 'ParentCommitIdRequiredException'],
      [put({ putFiles: [file], branchName: 'none' }), 'BranchDoesNotExistException'],
      [
        errorOf(client.send(new PutFileCommand({ ...at, filePath: 'a.txt', fileContent: bytes('a\n') }))),
        'SameFileContentException',
      ],
      [
        errorOf(client.send(new PutFileCommand({ ...at, filePath: 'x', fileContent: bytes('x'), email: 'a<b' }))),
        'InvalidEmailException',
      ],
    ];
    for (const [error, name] of cases) expect(await error).toBe(name);
    await client.send(new PutFileCommand({ ...at, filePath: 'new', fileContent: bytes('1') }));
    expect(await errorOf(client.send(new PutFileCommand({ ...at, filePath: 'new2', fileContent: bytes('2') })))).toBe(
      'ParentCommitIdOutdatedException',
    );
  });
});

describe('files', () => {
  it('are read by branch, commit and blob', async () => {
    const { repositoryName, commitId } = await withCommit();
    const file = await client.send(new GetFileCommand({ repositoryName, filePath: 'bin/run' }));
    expect(file).toMatchObject({ commitId, filePath: 'bin/run', fileMode: 'EXECUTABLE', fileSize: 10 });
    expect(Buffer.from(file.fileContent ?? []).toString()).toBe('#!/bin/sh\n');
    const blob = await client.send(new GetBlobCommand({ repositoryName, blobId: file.blobId }));
    expect(Buffer.from(blob.content ?? []).toString()).toBe('#!/bin/sh\n');
    const root = await client.send(
      new GetFolderCommand({ repositoryName, folderPath: '/', commitSpecifier: 'refs/heads/main' }),
    );
    expect(root.files?.map(({ absolutePath }) => absolutePath)).toEqual(['a.txt']);
    expect(root.subFolders?.map(({ absolutePath }) => absolutePath)).toEqual(['bin', 'dir']);
    const cases: [Promise<string>, string][] = [
      [errorOf(client.send(new GetFileCommand({ repositoryName, filePath: 'none' }))), 'FileDoesNotExistException'],
      [errorOf(client.send(new GetFileCommand({ repositoryName, filePath: 'dir' }))), 'FileDoesNotExistException'],
      [
        errorOf(client.send(new GetFileCommand({ repositoryName, filePath: 'a.txt', commitSpecifier: 'none' }))),
        'CommitDoesNotExistException',
      ],
      [errorOf(client.send(new GetFileCommand({ repositoryName, filePath: undefined }))), 'PathRequiredException'],
      [
        errorOf(client.send(new GetFolderCommand({ repositoryName, folderPath: 'none' }))),
        'FolderDoesNotExistException',
      ],
      [errorOf(client.send(new GetBlobCommand({ repositoryName, blobId: NOWHERE }))), 'BlobIdDoesNotExistException'],
      [errorOf(client.send(new GetBlobCommand({ repositoryName, blobId: 'x' }))), 'InvalidBlobIdException'],
      [errorOf(client.send(new GetBlobCommand({ repositoryName, blobId: undefined }))), 'BlobIdRequiredException'],
    ];
    for (const [error, name] of cases) expect(await error).toBe(name);
  });
});
