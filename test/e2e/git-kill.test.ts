/**
 * Pushes with the server killed by SIGKILL in the middle: the repository stays sound, a push that was acknowledged is
 * there, one that was not can be made again, and every change is announced. What runs is the build (dist/).
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CodeCommitClient, CreateRepositoryCommand, GetBranchCommand } from '@aws-sdk/client-codecommit';
import {
  CreateServiceSpecificCredentialCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SluiceProcess } from '../../demo/sluice-process.ts';
import { seededIds } from '../../src/common/index.ts';

const SEED = Number(process.env['SLUICE_KILL_SEED'] ?? 20261124);
const KILLS = 4;

let folder: string;
let sluice: SluiceProcess;
let config: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-git-kill-'));
  sluice = new SluiceProcess({ stateDir: join(folder, 'state') });
  await sluice.start();
  config = {
    endpoint: sluice.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
}, 120_000);
afterAll(async () => {
  await sluice.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
});

function git(cwd: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  return new Promise((resolve) =>
    execFile('git', args, { cwd, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, output: (stdout + stderr).trim() }),
    ),
  );
}

describe(`git, killed with SIGKILL (seed ${SEED})`, () => {
  it('keeps what it acknowledged and stays sound', { timeout: 180_000 }, async () => {
    const ids = seededIds(SEED);
    const commits = new CodeCommitClient(config);
    const iam = new IAMClient(config);
    await commits.send(new CreateRepositoryCommand({ repositoryName: 'shop' }));
    await iam.send(new CreateUserCommand({ UserName: 'ada' }));
    const Statement = [{ Effect: 'Allow', Action: 'codecommit:*', Resource: '*' }];
    await iam.send(
      new PutUserPolicyCommand({
        UserName: 'ada',
        PolicyName: 'git',
        PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
      }),
    );
    const { ServiceSpecificCredential: credential } = await iam.send(
      new CreateServiceSpecificCredentialCommand({ UserName: 'ada', ServiceName: 'codecommit.amazonaws.com' }),
    );
    const userInfo = [credential?.ServiceUserName, credential?.ServicePassword]
      .map((each) => encodeURIComponent(each ?? ''))
      .join(':');
    const url = `${sluice.endpoint.replace('//', `//${userInfo}@`)}/v1/repos/shop`;
    const work = join(folder, 'work');
    await git(folder, 'init', '-q', '-b', 'main', work);
    const [bareName = ''] = await readdir(join(folder, 'state', 'git'));
    const bare = join(folder, 'state', 'git', bareName);

    let acknowledged = '';
    for (let kill = 0; kill < KILLS; kill++) {
      await writeFile(join(work, `file-${kill}`), randomBytes(4 * 1024 * 1024));
      await git(work, 'add', '-A');
      await git(work, 'commit', '-q', '-m', `${kill}`);
      const commit = (await git(work, 'rev-parse', 'HEAD')).output;
      const pushing = git(work, 'push', '-q', url, 'main');
      await delay(ids.random() * 600);
      await sluice.kill();
      if ((await pushing).code === 0) acknowledged = commit;
      await sluice.start();
      expect(await git(bare, 'fsck', '--no-dangling'), `kill ${kill}`).toMatchObject({ code: 0 });
      const there = (await git(bare, 'rev-parse', '--verify', '-q', 'refs/heads/main')).output;
      if (acknowledged === commit) expect(there).toBe(commit);
      expect(await git(work, 'push', '-q', url, 'main')).toEqual({ code: 0, output: '' });
      acknowledged = commit;
      const { branch } = await commits.send(new GetBranchCommand({ repositoryName: 'shop', branchName: 'main' }));
      expect(branch?.commitId).toBe(commit);
      expect((await readdir(join(bare, 'objects'))).filter((name) => name.startsWith('tmp_objdir'))).toEqual([]);
    }
  });
});
