/**
 * A repository: its document, its bare git repository under `<state>/git/<repositoryId>.git` (so that a rename moves
 * nothing), and the loop that announces its reference changes.
 */
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type AccessRequest, formatArn, type Principal } from '../../common/index.ts';
import { collection, type DocumentKey, type Queryable, type Stored } from '../../store/index.ts';
import type { Call, House, Scope } from '../service.ts';
import { codeCommitError } from './errors.ts';
import { BareRepository, gitEnvironment, runGit } from './git.ts';
import { checkRepositoryName } from './names.ts';

export type Repository = Readonly<{
  repositoryId: string;
  repositoryName: string;
  repositoryDescription?: string;
  /** Without `refs/heads/`; absent until the first branch exists. */
  defaultBranch?: string;
  createdAt: number;
  lastModifiedAt: number;
  tags: Readonly<Record<string, string>>;
}>;

export const repositories = collection<Repository>('codecommit.repository');
export const REFERENCES_LOOP = 'codecommit.references';

/** What a house holds open for CodeCommit; made at first use, closed at stop. */
export class GitFolder {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #open = new Map<string, BareRepository>();

  constructor(house: House) {
    this.path = join(house.config.sharedDir, 'git');
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    this.env = gitEnvironment(house.config.searchPath, this.path);
  }

  repository(repositoryId: string): BareRepository {
    let repository = this.#open.get(repositoryId);
    if (repository === undefined) {
      repository = new BareRepository(this.#folder(repositoryId), this.env);
      this.#open.set(repositoryId, repository);
    }
    return repository;
  }

  /** Complete or absent: made aside and renamed. */
  async create(repositoryId: string): Promise<void> {
    const draft = join(this.path, `${repositoryId}.draft`);
    const result = await runGit(['init', '--quiet', '--bare', '--template=', '--initial-branch=main', draft], {
      env: this.env,
    });
    if (result.exitCode !== 0) throw new Error(`git init failed: ${result.stderr}`);
    await writeFile(join(draft, 'config'), CONFIG);
    await rename(draft, this.#folder(repositoryId));
  }

  async remove(repositoryId: string): Promise<void> {
    this.#open.get(repositoryId)?.close();
    this.#open.delete(repositoryId);
    await rm(this.#folder(repositoryId), { recursive: true, force: true, maxRetries: 3 });
  }

  /** After a crash: folders that no document names, half-received packs and locks that nobody holds any more. */
  async tidy(known: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.path)) {
      const id = /^([0-9a-f-]{36})\.git$/.exec(name)?.[1];
      if (id === undefined || !known.has(id)) {
        if (name.endsWith('.git') || name.endsWith('.draft'))
          await rm(join(this.path, name), { recursive: true, force: true });
        continue;
      }
      const folder = join(this.path, name);
      for (const entry of await readdir(folder)) {
        if (entry.endsWith('.lock') || entry.startsWith('index-')) await rm(join(folder, entry), { force: true });
      }
      for (const entry of await readdir(join(folder, 'objects'))) {
        if (entry.startsWith('tmp_objdir')) await rm(join(folder, 'objects', entry), { recursive: true, force: true });
      }
      for (const entry of await readdir(join(folder, 'refs'), { recursive: true })) {
        if (entry.endsWith('.lock')) await rm(join(folder, 'refs', entry), { force: true });
      }
    }
  }

  close(): void {
    for (const repository of this.#open.values()) repository.close();
    this.#open.clear();
  }

  #folder(repositoryId: string): string {
    return join(this.path, `${repositoryId}.git`);
  }
}

/**
 * No background maintenance (nothing may run on after a request), wants by commit id (shallow builds fetch one), the
 * default branch cannot be deleted, and objects and references reach the disk before a push is acknowledged.
 */
const CONFIG = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	logallrefupdates = false
	fsync = committed,loose-object,reference
[gc]
	auto = 0
[maintenance]
	auto = false
[receive]
	autogc = false
	denyDeleteCurrent = refuse
	advertisePushOptions = false
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
`;

const folders = new WeakMap<House, GitFolder>();

export function gitFolder(house: House): GitFolder {
  let folder = folders.get(house);
  if (folder === undefined) {
    folder = new GitFolder(house);
    folders.set(house, folder);
  }
  return folder;
}

export function closeGitFolder(house: House): void {
  folders.get(house)?.close();
  folders.delete(house);
}

export function gitOf(house: House, repository: Repository): BareRepository {
  return gitFolder(house).repository(repository.repositoryId);
}

export function repositoryKey(scope: Scope, name: string): DocumentKey {
  return { account: scope.account, region: scope.region, id: name };
}

export function repositoryArn(scope: Scope, name: string): string {
  return formatArn('codecommit', scope.region, scope.account, name);
}

export async function findRepository(q: Queryable, scope: Scope, name: unknown): Promise<Stored<Repository>> {
  const checked = checkRepositoryName(name);
  const found = await repositories.get(q, repositoryKey(scope, checked));
  if (found === undefined) throw codeCommitError('RepositoryDoesNotExistException', `${checked} does not exist`);
  return found;
}

/** For handlers that read or write git: the document and the bare repository. */
export async function openRepository(
  call: Call,
  name: unknown,
): Promise<{ repository: Repository; git: BareRepository }> {
  const { document } = await findRepository(call.house.store, call, name);
  return { repository: document, git: gitOf(call.house, document) };
}

/** The action on the named repository (member `repositoryName`); `*` while the name is missing, which validation refuses. */
export function onRepository(action: string, member = 'repositoryName') {
  return (input: Readonly<Record<string, any>>, call: Call): readonly AccessRequest[] => {
    const name: unknown = input[member];
    const resource = typeof name === 'string' && name !== '' ? repositoryArn(call, name) : '*';
    return [{ action: `codecommit:${action}`, resource }];
  };
}

export function principalArn(principal: Principal): string {
  if (principal.type === 'Service') return principal.service;
  return principal.type === 'Anonymous' ? '' : principal.arn;
}

/** The part after the last slash, as IAM names the caller in commits. */
export function principalDisplayName(principal: Principal): string {
  switch (principal.type) {
    case 'User':
      return principal.userName;
    case 'AssumedRole':
      return principal.sessionName;
    case 'Root':
      return 'root';
    case 'Service':
      return principal.service;
    default:
      return 'anonymous';
  }
}
