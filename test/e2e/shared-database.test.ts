/** Two Sluices on one database: one folder, one clock, one mind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodeBuildClient, StopBuildCommand } from '@aws-sdk/client-codebuild';
import { CreateAccessKeyCommand, CreateUserCommand, DeleteAccessKeyCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { collection } from '../../src/store/index.ts';
import { freshDatabase, kinds } from '../contract/store-kinds.ts';
import { awaitBuild, BUILD_SERVICES, buildRole, makeProject, startBuild } from '../support/builds.ts';

const LONG = 'version: 0.2\nphases:\n  build:\n    commands:\n      - sleep 600\n';

const url = kinds.find((kind) => kind.name === 'url');
let database: Awaited<ReturnType<typeof freshDatabase>>;
let folder: string;
let first: TestSluice;
let second: TestSluice;

const options = (name: string, more: object = {}): Parameters<typeof startSluice>[0] => ({
  services: BUILD_SERVICES,
  databaseUrl: database.url,
  stateDir: join(folder, name),
  sharedDir: join(folder, 'shared'),
  clock: 'x60',
  ...more,
});

describe.skipIf(url?.skip !== undefined)(`two servers on one database${url?.skip ? ` (${url.skip})` : ''}`, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-shared-'));
    database = await freshDatabase();
    first = await startSluice(options('first'));
    second = await startSluice(options('second'));
  });

  afterAll(async () => {
    await second?.close();
    await first?.close();
    await database?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  it('share their objects', async () => {
    const [here, there] = [first, second].map(
      (sluice) => new S3Client({ ...sluice.clientConfig(), forcePathStyle: true }),
    );
    await here?.send(new CreateBucketCommand({ Bucket: 'shared' }));
    await here?.send(new PutObjectCommand({ Bucket: 'shared', Key: 'k', Body: 'the bytes' }));
    const found = await there?.send(new GetObjectCommand({ Bucket: 'shared', Key: 'k' }));
    expect(await found?.Body?.transformToString()).toBe('the bytes');
  });

  it('know at once whom the other let in, and whom it turned out', async () => {
    const iam = new IAMClient(first.clientConfig());
    await iam.send(new CreateUserCommand({ UserName: 'somebody' }));
    const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName: 'somebody' }));
    const credentials = { accessKeyId: key?.AccessKeyId ?? '', secretAccessKey: key?.SecretAccessKey ?? '' };
    const sts = new STSClient(second.clientConfig({ credentials }));
    expect((await sts.send(new GetCallerIdentityCommand({}))).Arn).toContain('somebody');
    await iam.send(new DeleteAccessKeyCommand({ UserName: 'somebody', AccessKeyId: credentials.accessKeyId }));
    await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
  });

  it('go by one scaled clock', () => {
    const [before, there, after] = [first.clock.now(), second.clock.now(), first.clock.now()];
    expect(there).toBeGreaterThanOrEqual(before);
    expect(there).toBeLessThanOrEqual(after);
  });

  it('write their clock down ahead of it, so that it does not go back over a kill', async () => {
    const records = collection<{ now: number }>('house.clock');
    const written = async (): Promise<number> =>
      (await records.get(first.house.store, { account: '', region: '', id: 'clock' }))?.document.now ?? 0;
    const before = await written();
    // However late a look is, by then it was written again.
    expect(await until('it is written', async () => (await written()) > before)).toBe(true);
    expect(await written()).toBeGreaterThan(first.clock.now());
  });

  it('stop builds that run in the other, and account for those of one that left', async () => {
    const [here, there] = [first, second].map((sluice) => new CodeBuildClient(sluice.clientConfig()));
    if (here === undefined || there === undefined) throw new Error('there are two');
    const role = await buildRole(first, 'builder', ['logs:*']);
    await makeProject(here, 'long', role, LONG);
    const stopped = await startBuild(here, 'long');
    await awaitBuild(there, stopped, (build) => build.currentPhase === 'BUILD');
    await there.send(new StopBuildCommand({ id: stopped }));
    expect((await awaitBuild(there, stopped)).buildStatus).toBe('STOPPED');
    const third = await startSluice(options('third'));
    const lost = await startBuild(new CodeBuildClient(third.clientConfig()), 'long');
    await awaitBuild(there, lost, (build) => build.currentPhase === 'BUILD');
    await third.close();
    expect((await awaitBuild(there, lost)).buildStatus).toBe('FAULT');
  });

  it.each([
    ['manual', 'with the clock x60; all of them need the same'],
    ['x30', 'with the clock x60; all of them need the same'],
  ])('refuse a third with the clock %s', async (clock, words) => {
    await expect(startSluice(options('third', { clock }))).rejects.toThrow(words);
  });

  it('refuse a third with another shared folder', async () => {
    await expect(startSluice(options('third', { sharedDir: join(folder, 'elsewhere') }))).rejects.toThrow(
      'with another shared folder than',
    );
  });

  it('refuse a third in a state folder that one of them holds', async () => {
    await expect(startSluice(options('first'))).rejects.toThrow('is in use by this very process');
  });
});

describe.skipIf(url?.skip !== undefined)('a clock that is stepped', () => {
  it('is for one process alone', async () => {
    const own = await freshDatabase();
    const dir = mkdtempSync(join(tmpdir(), 'sluice-shared-'));
    const more = { services: [], databaseUrl: own.url, sharedDir: join(dir, 'shared'), clock: 'manual' };
    const only = await startSluice({ ...more, stateDir: join(dir, 'a') });
    try {
      await expect(startSluice({ ...more, stateDir: join(dir, 'b') })).rejects.toThrow('serves one process alone');
    } finally {
      await only.close();
      await own.close();
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    }
  });
});

async function until(what: string, holds: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
