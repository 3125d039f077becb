/** The developer's clone: real git, pushing to CodeCommit over HTTP. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryFiles, type ServiceVersion } from './service.ts';

const run = promisify(execFile);

export class Repository {
  readonly #folder: string;
  readonly #url: string;

  constructor(folder: string, url: string) {
    this.#folder = folder;
    this.#url = url;
  }

  async clone(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true });
    await this.#git('init', '--quiet', '--initial-branch=main');
    await this.#git('remote', 'add', 'origin', this.#url);
    await this.#git('config', 'user.name', 'Ada');
    await this.#git('config', 'user.email', 'ada@example.com');
  }

  /** Commits the version's files and pushes; returns the commit. */
  async push(version: ServiceVersion): Promise<string> {
    for (const [path, content] of Object.entries(repositoryFiles(version))) {
      const file = join(this.#folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    await this.#git('add', '--all');
    await this.#git('commit', '--quiet', '--message', `greeter ${version}`);
    await this.#git('push', '--quiet', 'origin', 'main');
    return (await this.#git('rev-parse', 'HEAD')).trim();
  }

  async #git(...args: string[]): Promise<string> {
    const { stdout } = await run('git', args, {
      cwd: this.#folder,
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    });
    return stdout;
  }
}
