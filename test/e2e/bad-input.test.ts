/**
 * What a machine can do to a server: a full disk, a disk that may not be written, a port or a folder that is taken.
 * A plain message, exit code 1, and nothing lost. What runs is the build (dist/), as a user's does.
 *
 * Elsewhere: bad buildspecs, zips and builds that flood or hang (build.test.ts), bad functions (test/wire/lambda.test.ts),
 * bad AppSpecs (test/wire/codedeploy.test.ts), artifacts that nobody produces (test/wire/codepipeline.test.ts), requests
 * that are none (test/wire/malformed-requests.test.ts).
 */
import { randomBytes } from 'node:crypto';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { get as httpsGet } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  GetLogEventsCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateRoleCommand, GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SluiceProcess } from '../../demo/sluice-process.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'codebuild.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});

let folder: string;
let cleanups: (() => Promise<void> | void)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-bad-'));
  cleanups = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })];
});
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

type Ended = Readonly<{ code: number | null; output: string }>;

/** Runs `sluice start` that is expected to end by itself. */
function failedStart(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, 'start', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const timer = setTimeout(() => {
      output += '\n(still running after 40 s)';
      child.kill('SIGKILL');
    }, 40_000);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}

async function started(stateDir: string, ...extra: string[]): Promise<SluiceProcess> {
  const sluice = new SluiceProcess({ stateDir, extra });
  cleanups.push(() => sluice.kill());
  await sluice.start();
  return sluice;
}

const config = (sluice: SluiceProcess) => ({
  endpoint: sluice.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
});

/** One line for a person; no stack. */
function expectPlain({ code, output }: Ended, message: RegExp): void {
  expect(output).toMatch(message);
  expect(output).not.toMatch(/^\s+at /m);
  expect(code).toBe(1);
}

describe('a start that cannot be', () => {
  it('names the port that is taken', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) =>
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
    );
    cleanups.push(() => new Promise((resolve) => other.close(() => resolve())));
    const ended = await failedStart('--port', String(port), '--state', join(folder, 'state'));
    expectPlain(ended, new RegExp(`port ${port} on 127.0.0.1 is in use`));
  });

  it('names the process that has the state folder, which goes on', async () => {
    const sluice = await started(join(folder, 'state'));
    const ended = await failedStart('--port', '0', '--state', join(folder, 'state'));
    expectPlain(ended, new RegExp(`in use by process ${sluice.pid}`));
    await new IAMClient(config(sluice)).send(
      new CreateRoleCommand({ RoleName: 'demo', AssumeRolePolicyDocument: TRUST }),
    );
  });

  it.each([
    [['--port', 'many'], /--port NaN|--port many/],
    [['--port', '70000'], /--port 70000/],
    [['--clock', 'sometimes'], /--clock sometimes/],
    [['--account', '1'], /--account 1/],
    [['--region', 'nowhere'], /--region nowhere/],
    [['--store', 'none'], /--store/],
    [['--nothing'], /unknown option/],
  ])('names the option that is wrong: %j', async (args, message) => {
    expectPlain(await failedStart('--state', join(folder, 'state'), ...args), message);
  });
});

describe('a running server', () => {
  it('forgets all when it is reset, and only one that is ephemeral', async () => {
    const kept = await started(join(folder, 'state'));
    await expect(kept.control('POST', 'reset')).rejects.toThrow(/Only a server started with --ephemeral/);
    await kept.stop();
    const sluice = await started(join(folder, 'unused'), '--ephemeral');
    const iam = new IAMClient(config(sluice));
    await iam.send(new CreateRoleCommand({ RoleName: 'demo', AssumeRolePolicyDocument: TRUST }));
    await sluice.control('POST', 'reset');
    await expect(iam.send(new GetRoleCommand({ RoleName: 'demo' }))).rejects.toThrow(/cannot be found/);
  });

  it('serves HTTPS to who trusts the CA that it names', async ({ skip }) => {
    if (!hasCommand('openssl')) skip('openssl makes the certificate');
    const lines: string[] = [];
    const sluice = new SluiceProcess({
      stateDir: join(folder, 'state'),
      extra: ['--tls'],
      log: (line) => lines.push(line),
    });
    cleanups.push(() => sluice.kill());
    await sluice.start();
    const named = await until(
      'the greeting',
      () => /(https:\/\/localhost:\d+)\s+CA file (\S+)/.exec(lines.join('')) ?? undefined,
    );
    const [, url = '', caFile = ''] = named;
    const answer = (ca: Buffer | undefined): Promise<number | string> =>
      new Promise((resolve) => {
        httpsGet(`${url}/_sluice/health`, ca === undefined ? {} : { ca }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        }).on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
      });
    expect(await answer(readFileSync(caFile))).toBe(200);
    expect(await answer(undefined)).toMatch(/SELF_SIGNED|UNABLE_TO/);
  });
});

describe('a disk', () => {
  it(
    'that is full: what was acknowledged stays, the rest is refused, and all goes on once there is room',
    { timeout: 180_000 },
    async ({ skip }) => {
      const disk = mounted(160) ?? skip('only root can mount a small disk');
      const stateDir = join(disk, 'state');
      const sluice = await started(stateDir);
      const s3 = new S3Client({ ...config(sluice), forcePathStyle: true });
      const iam = new IAMClient(config(sluice));
      await s3.send(new CreateBucketCommand({ Bucket: 'kept' }));
      await s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'before', Body: 'before' }));
      const now = await sluice.now();
      await new CloudWatchLogsClient(config(sluice)).send(new CreateLogGroupCommand({ logGroupName: 'kept' }));
      await new CloudWatchLogsClient(config(sluice)).send(
        new CreateLogStreamCommand({ logGroupName: 'kept', logStreamName: 'kept' }),
      );
      fill(join(disk, 'filler'));

      const outcome = await s3
        .send(new PutObjectCommand({ Bucket: 'kept', Key: 'large', Body: Buffer.alloc(4_000_000) }))
        .catch((error: unknown) => error);
      expect(outcome).toMatchObject({ $metadata: { httpStatusCode: 503 } });
      const logs = new CloudWatchLogsClient(config(sluice));
      const stream = { logGroupName: 'kept', logStreamName: 'kept' };
      const acknowledged: string[] = [];
      const refused: unknown[] = [];
      // More than the database has set aside for its log: it must come to its own full disk too.
      for (let i = 0; i < 120 && refused.length < 3; i++) {
        const message = `${i} ${randomBytes(100_000).toString('base64')}`;
        const logEvents = [0, 1, 2].map(() => ({ timestamp: now, message }));
        await logs.send(new PutLogEventsCommand({ ...stream, logEvents })).then(
          () => acknowledged.push(String(i)),
          (error: unknown) => refused.push(error),
        );
      }
      expect(refused.length).toBe(3);
      for (const error of refused) expect(error).toMatchObject({ $metadata: { httpStatusCode: 503 } });

      rmSync(join(disk, 'filler'));
      await until('it writes again', () =>
        iam.send(new CreateRoleCommand({ RoleName: 'after', AssumeRolePolicyDocument: TRUST })).then(
          () => true,
          (error: Error) => (error.name === 'EntityAlreadyExistsException' ? true : undefined),
        ),
      );
      await sluice.kill();
      await sluice.start();
      const kept = await s3.send(new GetObjectCommand({ Bucket: 'kept', Key: 'before' }));
      expect(await kept.Body?.transformToString()).toBe('before');
      await expect(s3.send(new GetObjectCommand({ Bucket: 'kept', Key: 'large' }))).rejects.toThrow(/does not exist/);
      const found = new Set<string>();
      let nextToken: string | undefined;
      for (;;) {
        const page = await logs.send(
          new GetLogEventsCommand({
            ...stream,
            startFromHead: true,
            ...(nextToken === undefined ? {} : { nextToken }),
          }),
        );
        for (const { message } of page.events ?? []) found.add(String(message).split(' ')[0] ?? '');
        if (page.nextForwardToken === nextToken) break;
        nextToken = page.nextForwardToken;
      }
      expect([...found].sort()).toEqual(acknowledged.sort());
      expect((await iam.send(new GetRoleCommand({ RoleName: 'after' }))).Role?.RoleName).toBe('after');
    },
  );

  it('that is full from the start is named', { timeout: 60_000 }, async ({ skip }) => {
    const disk = mounted(4) ?? skip('only root can mount a small disk');
    fill(join(disk, 'filler'));
    expectPlain(await failedStart('--port', '0', '--state', join(disk, 'state')), /the disk .*is full/);
  });

  it('that may only be read is named, and the state is as it was', { timeout: 120_000 }, async ({ skip }) => {
    const disk = mounted(160) ?? skip('only root can mount a small disk');
    const stateDir = join(disk, 'state');
    const sluice = await started(stateDir);
    const s3 = new S3Client({ ...config(sluice), forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: 'kept' }));
    await sluice.stop();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    expectPlain(await failedStart('--port', '0', '--state', stateDir), /cannot write to .*read-only/);
    expectPlain(await failedStart('--port', '0', '--state', join(disk, 'other')), /cannot write to .*read-only/);
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    await sluice.start();
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['kept']);
  });
});

/** A disk of its own; undefined where this user may not mount one. */
function mounted(megabytes: number): string | undefined {
  const path = join(folder, 'disk');
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  cleanups.push(() => void execFileSync('umount', ['-l', path]));
  return path;
}

/** Writes until nothing more fits. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  for (let bytes = 1 << 20; bytes >= 1; bytes = bytes >> 1) {
    try {
      for (;;) if (writeSync(file, Buffer.alloc(bytes)) < bytes) break;
    } catch {
      // Smaller pieces may still fit.
    }
  }
  closeSync(file);
}

function hasCommand(name: string): boolean {
  try {
    execFileSync(name, ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 60_000,
): Promise<T> {
  const begun = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() - begun > deadlineMs) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
