/** Real git against Sluice: clone and push with both kinds of credentials, permissions, events, and a crash in between. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CodeCommitClient,
  CreateRepositoryCommand,
  GetBranchCommand,
  GetRepositoryCommand,
} from '@aws-sdk/client-codecommit';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateAccessKeyCommand,
  CreateServiceSpecificCredentialCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';

const SERVICES = ['codecommit', 'events', 'sqs'];
let folder: string;
let sluice: TestSluice;
let commits: CodeCommitClient;
let queueUrl: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-git-'));
  await start();
  const { QueueUrl = '' } = await new SQSClient(sluice.clientConfig()).send(
    new CreateQueueCommand({
      QueueName: 'changes',
      Attributes: {
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { Service: 'events.amazonaws.com' },
              Action: 'sqs:SendMessage',
              Resource: '*',
            },
          ],
        }),
      },
    }),
  );
  queueUrl = QueueUrl;
  const events = new EventBridgeClient(sluice.clientConfig());
  await events.send(
    new PutRuleCommand({ Name: 'changes', EventPattern: JSON.stringify({ source: ['aws.codecommit'] }) }),
  );
  const Arn = `arn:aws:sqs:us-east-1:${sluice.account}:changes`;
  await events.send(new PutTargetsCommand({ Rule: 'changes', Targets: [{ Id: 'queue', Arn }] }));
});
afterAll(async () => {
  await sluice?.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  sluice = await startSluice({ services: SERVICES, stateDir: join(folder, 'state') });
  commits = new CodeCommitClient(sluice.clientConfig());
}

type Run = { code: number; output: string };

function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Run> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
    ...options.env,
  };
  return new Promise((resolve) =>
    execFile(program, [...args], { cwd: options.cwd ?? folder, env, maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    ),
  );
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const { code, output } = await run('git', args, { cwd });
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${output}`);
  return output.trim();
}

/** A user with a policy on one repository, and their service-specific credentials. */
async function user(
  name: string,
  statements: object[],
): Promise<{ userInfo: string; key: { id: string; secret: string } }> {
  const iam = new IAMClient(sluice.clientConfig());
  await iam.send(new CreateUserCommand({ UserName: name }));
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  await iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: 'git', PolicyDocument }));
  const { ServiceSpecificCredential: credential } = await iam.send(
    new CreateServiceSpecificCredentialCommand({ UserName: name, ServiceName: 'codecommit.amazonaws.com' }),
  );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
  const userInfo = `${encodeURIComponent(credential?.ServiceUserName ?? '')}:${encodeURIComponent(credential?.ServicePassword ?? '')}`;
  return { userInfo, key: { id: AccessKey?.AccessKeyId ?? '', secret: AccessKey?.SecretAccessKey ?? '' } };
}

const allow = (action: string | string[], repositoryName: string) => ({
  Effect: 'Allow',
  Action: action,
  Resource: `arn:aws:codecommit:us-east-1:${sluice.account}:${repositoryName}`,
});

const url = (userInfo: string, repositoryName: string): string =>
  `${sluice.url.replace('//', `//${userInfo}@`)}/v1/repos/${repositoryName}`;

async function commitFile(cwd: string, name: string, content: string | Buffer): Promise<string> {
  await writeFile(join(cwd, name), content);
  await git(cwd, 'add', '-A');
  await git(cwd, 'commit', '-q', '-m', name);
  return git(cwd, 'rev-parse', 'HEAD');
}

async function nextEvents(count: number): Promise<Record<string, any>[]> {
  const sqs = new SQSClient(sluice.clientConfig());
  const found: Record<string, any>[] = [];
  for (let tries = 0; found.length < count && tries < 100; tries++) {
    await sluice.settled();
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 }),
    );
    for (const { Body = '', ReceiptHandle } of Messages) {
      found.push(JSON.parse(Body) as Record<string, any>);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
    }
  }
  return found;
}

describe('git', () => {
  it('clones and pushes with service-specific credentials, and the changes are announced', async () => {
    await commits.send(new CreateRepositoryCommand({ repositoryName: 'shop' }));
    const { userInfo } = await user('ada', [allow(['codecommit:GitPull', 'codecommit:GitPush'], 'shop')]);
    const work = join(folder, 'shop');
    expect((await run('git', ['clone', '-q', url(userInfo, 'shop'), work])).output).toMatch(/empty repository/);
    await git(work, 'checkout', '-q', '-b', 'main');
    const first = await commitFile(work, 'a.txt', 'one');
    await git(work, 'push', '-q', 'origin', 'main');
    const { branch } = await commits.send(new GetBranchCommand({ repositoryName: 'shop', branchName: 'main' }));
    expect(branch?.commitId).toBe(first);
    expect(
      (await commits.send(new GetRepositoryCommand({ repositoryName: 'shop' }))).repositoryMetadata?.defaultBranch,
    ).toBe('main');
    const [created] = await nextEvents(1);
    expect(created).toMatchObject({
      source: 'aws.codecommit',
      'detail-type': 'CodeCommit Repository State Change',
      resources: [`arn:aws:codecommit:us-east-1:${sluice.account}:shop`],
      detail: {
        event: 'referenceCreated',
        repositoryName: 'shop',
        referenceType: 'branch',
        referenceName: 'main',
        referenceFullName: 'refs/heads/main',
        commitId: first,
        callerUserArn: `arn:aws:iam::${sluice.account}:user/ada`,
      },
    });

    const second = await commitFile(work, 'b.txt', 'two');
    await git(work, 'tag', '-a', 'v1', '-m', 'v1');
    await git(work, 'push', '-q', 'origin', 'main', 'v1', 'main:topic');
    await git(work, 'push', '-q', 'origin', ':topic');
    const events = (await nextEvents(4)).map(({ detail }) => [
      detail.event,
      detail.referenceFullName,
      detail.commitId,
      detail.oldCommitId,
    ]);
    expect(events).toEqual(
      expect.arrayContaining([
        ['referenceUpdated', 'refs/heads/main', second, first],
        ['referenceCreated', 'refs/tags/v1', second, undefined],
        ['referenceCreated', 'refs/heads/topic', second, undefined],
        ['referenceDeleted', 'refs/heads/topic', undefined, second],
      ]),
    );
  });

  it('carries a large push, a shallow clone and a gzip request', async () => {
    await commits.send(new CreateRepositoryCommand({ repositoryName: 'large' }));
    const { userInfo } = await user('grace', [allow('codecommit:*', 'large')]);
    const work = join(folder, 'large');
    await git(folder, 'init', '-q', '-b', 'main', work);
    await commitFile(work, 'big', randomBytes(4 * 1024 * 1024));
    for (let index = 0; index < 40; index++) await git(work, 'commit', '-q', '--allow-empty', '-m', `${index}`);
    await git(
      work,
      'push',
      '-q',
      url(userInfo, 'large'),
      'main',
      ...Array.from({ length: 30 }, (_, index) => `main~${index}:refs/heads/b${index}`),
    );
    await git(folder, 'clone', '-q', '--depth', '1', url(userInfo, 'large'), 'shallow');
    expect((await readFile(join(folder, 'shallow', 'big'))).length).toBe(4 * 1024 * 1024);
    expect(await git(join(folder, 'shallow'), 'rev-list', '--count', 'HEAD')).toBe('1');
    // Many wants and haves: git compresses the request.
    await git(join(folder, 'shallow'), 'fetch', '-q', '--unshallow', 'origin', '+refs/heads/*:refs/remotes/origin/*');
    expect(await git(join(folder, 'shallow'), 'rev-list', '--count', 'HEAD')).toBe('41');
  });

  it('enforces GitPull and GitPush, and says why', async () => {
    const reader = await user('reader', [allow('codecommit:GitPull', 'shop')]);
    const careful = await user('careful', [
      allow(['codecommit:GitPull', 'codecommit:GitPush'], 'shop'),
      {
        Effect: 'Deny',
        Action: 'codecommit:GitPush',
        Resource: '*',
        Condition: {
          StringEqualsIfExists: { 'codecommit:References': ['refs/heads/main'] },
          Null: { 'codecommit:References': 'false' },
        },
      },
    ]);
    const work = join(folder, 'reader');
    await git(folder, 'clone', '-q', url(reader.userInfo, 'shop'), work);
    await commitFile(work, 'c.txt', 'three');
    const denied = await run('git', ['push', 'origin', 'main'], { cwd: work });
    expect(denied.code).not.toBe(0);
    expect(denied.output).toMatch(/remote: User: .*user\/reader is not authorized to perform: codecommit:GitPush/);
    expect((await run('git', ['push', url(careful.userInfo, 'shop'), 'main'], { cwd: work })).output).toMatch(/403/);
    expect((await run('git', ['push', url(careful.userInfo, 'shop'), 'main:side'], { cwd: work })).code).toBe(0);
    const unknown = await run('git', ['ls-remote', url(reader.userInfo, 'nowhere')]);
    expect(unknown.output).toMatch(/not authorized to perform: codecommit:GitPull/);
    const wrong = await run('git', ['ls-remote', url('ada-at-1:wrong', 'shop')]);
    expect(wrong.output).toMatch(/user name or the password is not valid/);
    const none = await run('git', ['ls-remote', `${sluice.url}/v1/repos/shop`]);
    expect(none.output).toMatch(/could not read Username/);
  });

  it("works with the AWS CLI's credential helper", async ({ skip }) => {
    if ((await run('aws', ['--version'])).code !== 0) skip('the AWS CLI is not installed');
    const { key } = await user('cli', [allow(['codecommit:GitPull', 'codecommit:GitPush'], 'shop')]);
    const helper = [
      '-c',
      'credential.helper=!f() { test "$1" = get && aws codecommit credential-helper get --ignore-host-check; }; f',
      '-c',
      'credential.UseHttpPath=true',
    ];
    const env = { AWS_ACCESS_KEY_ID: key.id, AWS_SECRET_ACCESS_KEY: key.secret, AWS_DEFAULT_REGION: 'us-east-1' };
    const clone = await run('git', [...helper, 'clone', '-q', `${sluice.url}/v1/repos/shop`, 'by-cli'], { env });
    expect(clone).toEqual({ code: 0, output: '' });
    expect(await readdir(join(folder, 'by-cli'))).toContain('a.txt');
    const wrongRegion = await run('git', [...helper, 'ls-remote', `${sluice.url}/v1/repos/shop`], {
      env: { ...env, AWS_DEFAULT_REGION: 'eu-west-1' },
    });
    expect(wrongRegion.output).toMatch(/signature in the password does not match/);
    const wrongKey = await run('git', [...helper, 'ls-remote', `${sluice.url}/v1/repos/shop`], {
      env: { ...env, AWS_SECRET_ACCESS_KEY: 'wrong' },
    });
    expect(wrongKey.output).toMatch(/signature in the password does not match/);
  });

  it('announces after a restart what a crash kept from being announced', async () => {
    const { repositoryMetadata } = await commits.send(new CreateRepositoryCommand({ repositoryName: 'crashed' }));
    const bare = join(folder, 'state', 'git', `${repositoryMetadata?.repositoryId}.git`);
    const work = join(folder, 'crashed');
    await git(folder, 'init', '-q', '-b', 'main', work);
    const commitId = await commitFile(work, 'x', 'x');
    await nextEvents(40);
    await sluice.close();
    // What a push leaves when Sluice dies between git's update and its own record of it; and a lock nobody holds.
    await git(work, 'push', '-q', bare, 'main');
    await writeFile(join(bare, 'refs', 'heads', 'main.lock'), '');
    await start();
    const [event] = await nextEvents(1);
    expect(event?.['detail']).toMatchObject({ event: 'referenceCreated', repositoryName: 'crashed', commitId });
    const { userInfo } = await user('after', [allow('codecommit:*', 'crashed')]);
    await commitFile(work, 'y', 'y');
    await git(work, 'push', '-q', url(userInfo, 'crashed'), 'main');
  });
});
