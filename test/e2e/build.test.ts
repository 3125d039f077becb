/** Real builds: shell semantics, phases that fail, sources, artifacts, secrets, logs, events, and bad input. */
import { CodeBuildClient, StopBuildCommand } from '@aws-sdk/client-codebuild';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { CodeCommitClient, CreateCommitCommand, CreateRepositoryCommand } from '@aws-sdk/client-codecommit';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import {
  awaitBuild,
  BUILD_SERVICES,
  buildRole,
  logOf,
  makeProject,
  phase,
  runBuild,
  startBuild,
  zip,
} from '../support/builds.ts';

let folder: string;
let sluice: TestSluice;
let client: CodeBuildClient;
let s3: S3Client;
let role: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-build-'));
  sluice = await startSluice({ services: BUILD_SERVICES, stateDir: join(folder, 'state') });
  client = new CodeBuildClient(sluice.clientConfig());
  s3 = new S3Client({ ...sluice.clientConfig(), forcePathStyle: true });
  role = await buildRole(sluice, 'builder', [
    'logs:*',
    's3:*',
    'kms:*',
    'codecommit:GitPull',
    'ssm:GetParameters',
    'secretsmanager:GetSecretValue',
    'sts:*',
  ]);
  await s3.send(new CreateBucketCommand({ Bucket: 'sources' }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'sources', VersioningConfiguration: { Status: 'Enabled' } }));
  await s3.send(new CreateBucketCommand({ Bucket: 'artifacts' }));
});
afterAll(async () => {
  await sluice?.close();
  await rm(folder, { recursive: true, force: true });
});

const project = (buildspec: string, more = {}): Promise<string> =>
  makeProject(client, `project-${++count}`, role, buildspec, more);

/** A buildspec of phases given as lists of commands. */
function spec(
  phases: Record<string, string[] | { commands?: string[]; finally?: string[]; 'on-failure'?: string }>,
  more: object = {},
): string {
  const shaped = Object.fromEntries(
    Object.entries(phases).map(([name, given]) => [name, Array.isArray(given) ? { commands: given } : given]),
  );
  return JSON.stringify({ version: 0.2, phases: shaped, ...more });
}

async function objectText(Bucket: string, Key: string): Promise<string> {
  return (await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()) ?? '';
}

const statuses = (build: Awaited<ReturnType<typeof runBuild>>) =>
  (build.phases ?? []).slice(3, -1).map(({ phaseType, phaseStatus }) => `${phaseType} ${phaseStatus}`);

/** A dead process that nobody has waited for does not live. */
function lives(pid: number): Promise<boolean> {
  return new Promise((resolve) =>
    execFile('ps', ['-o', 'stat=', '-p', String(pid)], (_, out) =>
      resolve(out.trim() !== '' && !out.trim().startsWith('Z')),
    ),
  );
}

describe('commands', () => {
  it('share one shell: variables, folder and functions last, an exit ends only its command', async () => {
    const name = await project(
      spec({
        install: ['export EXPORTED=one', 'PLAIN=two', 'mkdir -p deep && cd deep', 'greet() { echo "hi $1"; }'],
        build: [
          'echo "$EXPORTED $PLAIN $(basename "$PWD")"',
          'greet you',
          '(nohup sleep 200 >/dev/null 2>&1 &)',
          'exec 5>&1 >/dev/null; echo lost; exec >&5',
          'exit 0',
          'echo "after $EXPORTED $(basename "$PWD")"',
          'printf "no line end"',
          'cat',
          'for i in 1 2; do\n  echo "line $i"\ndone',
        ],
      }),
    );
    const build = await runBuild(client, name);
    expect(build.buildStatus).toBe('SUCCEEDED');
    const log = await logOf(sluice, build);
    expect(log).toMatch(/^one two deep$/m);
    expect(log).toMatch(/^hi you$/m);
    expect(log).toMatch(/^after one deep$/m);
    expect(log).toMatch(/^no line end$/m);
    expect(log).toMatch(/^line 2$/m);
    expect(log).not.toMatch(/lost$/m);
    expect(log).toMatch(/^\[Container\] \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} Entering phase INSTALL$/m);
    expect(log).toMatch(/Running command greet you\n.*hi you/);
    expect(log).toMatch(/Phase complete: BUILD State: SUCCEEDED/);
  });

  it('use bash where asked', async () => {
    const build = await runBuild(
      client,
      await project(spec({ build: ['[[ a == a ]] && arr=(1 2)', 'test "${arr[1]}" = 2'] }, { env: { shell: 'bash' } })),
    );
    expect(build.buildStatus).toBe('SUCCEEDED');
  });

  it('see the variables of CodeBuild and nothing of Sluice', async () => {
    const build = await runBuild(
      client,
      await project(spec({ build: ['env | sort', 'test -d "$HOME"', 'pwd', 'aws --version || true'] })),
    );
    const log = await logOf(sluice, build);
    expect(log).toContain(`CODEBUILD_BUILD_ID=${build.id}`);
    expect(log).toContain(`CODEBUILD_BUILD_ARN=${build.arn}`);
    expect(log).toContain(`AWS_ENDPOINT_URL=${sluice.url}`);
    expect(log).toMatch(/^AWS_REGION=us-east-1$/m);
    expect(log).toMatch(/^CODEBUILD_INITIATOR=root$/m);
    expect(log).toMatch(/^AWS_SECRET_ACCESS_KEY=\*\*\*$/m);
    expect(log).toMatch(/^AWS_ACCESS_KEY_ID=\*\*\*$/m);
    expect(log).not.toMatch(/^(VITEST|NODE_OPTIONS|npm_)/m);
  });
});

describe('phases', () => {
  it('stop at a failed PRE_BUILD', async () => {
    const build = await runBuild(
      client,
      await project(spec({ pre_build: ['echo one', 'false', 'echo never'], build: ['echo never'] })),
    );
    expect(build.buildStatus).toBe('FAILED');
    expect(statuses(build)).toEqual([
      'DOWNLOAD_SOURCE SUCCEEDED',
      'INSTALL SUCCEEDED',
      'PRE_BUILD FAILED',
      'FINALIZING SUCCEEDED',
    ]);
    expect(phase(build, 'PRE_BUILD')?.contexts).toEqual([
      { statusCode: 'COMMAND_EXECUTION_ERROR', message: 'Error while executing command: false. Reason: exit status 1' },
    ]);
    expect(await logOf(sluice, build)).not.toMatch(/^never$/m);
  });

  it('run POST_BUILD and finally after a failed BUILD, and tell them so', async () => {
    const build = await runBuild(
      client,
      await project(
        spec({
          build: { commands: ['exit 3'], finally: ['echo cleaning'] },
          post_build: ['echo "succeeding=$CODEBUILD_BUILD_SUCCEEDING"'],
        }),
      ),
    );
    expect(build.buildStatus).toBe('FAILED');
    expect(statuses(build)).toContain('POST_BUILD SUCCEEDED');
    expect(phase(build, 'BUILD')?.contexts?.[0]?.message).toMatch(/exit 3\. Reason: exit status 3/);
    const log = await logOf(sluice, build);
    expect(log).toMatch(/^cleaning$/m);
    expect(log).toMatch(/^succeeding=0$/m);
  });

  it('go on or stop as on-failure says', async () => {
    const on = await runBuild(
      client,
      await project(spec({ install: { commands: ['false'], 'on-failure': 'CONTINUE' }, build: ['echo on'] })),
    );
    expect(statuses(on)).toContain('BUILD SUCCEEDED');
    expect(on.buildStatus).toBe('FAILED');
    const off = await runBuild(
      client,
      await project(spec({ build: { commands: ['false'], 'on-failure': 'ABORT' }, post_build: ['echo no'] })),
    );
    expect(statuses(off)).not.toContain('POST_BUILD SUCCEEDED');
    expect(await logOf(sluice, off)).toMatch(/BUILD State: FAILED_WITH_ABORT/);
  });
});

describe('sources and artifacts', () => {
  it("S3 zip to S3 zip, under a key of one's own, with sums", async () => {
    const { KeyMetadata } = await new KMSClient(sluice.clientConfig()).send(new CreateKeyCommand({}));
    const buildspec = spec(
      {
        build: [
          'mkdir -p dist/sub',
          'cp in.txt dist/a.txt',
          'echo b >dist/sub/b.txt',
          'echo c >dist/.hidden',
          'echo no >dist/skip.log',
        ],
      },
      {
        artifacts: {
          files: ['**/*'],
          'base-directory': 'dist',
          'exclude-paths': ['*.log'],
          name: 'named-$(echo $CODEBUILD_BUILD_NUMBER).zip',
        },
      },
    );
    const put = await s3.send(
      new PutObjectCommand({
        Bucket: 'sources',
        Key: 'src.zip',
        Body: await zip({ 'in.txt': 'first', 'buildspec.yml': buildspec }),
      }),
    );
    await s3.send(
      new PutObjectCommand({
        Bucket: 'sources',
        Key: 'src.zip',
        Body: await zip({ 'in.txt': 'second', 'buildspec.yml': buildspec }),
      }),
    );
    const name = await project('', {
      source: { type: 'S3', location: 'sources/src.zip' },
      artifacts: { type: 'S3', location: 'artifacts', path: 'out', packaging: 'ZIP', overrideArtifactName: true },
      encryptionKey: KeyMetadata?.Arn,
    });
    const build = await runBuild(client, name, { sourceVersion: put.VersionId });
    expect(build.buildStatus, JSON.stringify(build.phases)).toBe('SUCCEEDED');
    expect(build.artifacts?.location).toBe('arn:aws:s3:::artifacts/out/named-1.zip');
    const object = await s3.send(new GetObjectCommand({ Bucket: 'artifacts', Key: 'out/named-1.zip' }));
    const bytes = Buffer.from((await object.Body?.transformToByteArray()) ?? []);
    expect(build.artifacts?.sha256sum).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(build.artifacts?.md5sum).toBe(createHash('md5').update(bytes).digest('hex'));
    expect(object.SSEKMSKeyId).toBe(KeyMetadata?.Arn);
    expect(object.Metadata).toEqual({ 'codebuild-buildarn': build.arn });
    await writeFile(join(folder, 'out.zip'), bytes);
    const listing = await new Promise<string>((resolve, reject) =>
      execFile(
        'python3',
        [
          '-c',
          'import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); print(sorted(z.namelist()), z.read("a.txt"))',
          join(folder, 'out.zip'),
        ],
        (error, out) => (error === null ? resolve(out.trim()) : reject(error)),
      ),
    );
    expect(listing).toBe("['.hidden', 'a.txt', 'sub/b.txt'] b'first'");
  });

  it('CodeCommit at a branch, with a secondary source; folder artifacts, secondary artifacts, discarded paths', async () => {
    const commits = new CodeCommitClient(sluice.clientConfig());
    await commits.send(new CreateRepositoryCommand({ repositoryName: 'code' }));
    const buildspec = spec(
      {
        build: [
          'test "$(cat "$CODEBUILD_SRC_DIR_more/m.txt")" = more',
          'test "$(git rev-parse HEAD)" = "$CODEBUILD_RESOLVED_SOURCE_VERSION"',
          'git log --oneline',
        ],
      },
      {
        artifacts: {
          files: ['src/x.txt'],
          'secondary-artifacts': {
            flat: { files: ['**/*.txt'], 'discard-paths': 'yes' },
            other: { files: ['m.txt'], 'base-directory': '$CODEBUILD_SRC_DIR_more' },
          },
        },
      },
    );
    const { commitId } = await commits.send(
      new CreateCommitCommand({
        repositoryName: 'code',
        branchName: 'main',
        putFiles: [
          { filePath: 'buildspec.yml', fileContent: Buffer.from(buildspec) },
          { filePath: 'src/x.txt', fileContent: Buffer.from('x') },
        ],
      }),
    );
    await s3.send(new PutObjectCommand({ Bucket: 'sources', Key: 'folder/m.txt', Body: 'more' }));
    const name = await project('', {
      source: { type: 'CODECOMMIT', location: `${sluice.url}/v1/repos/code` },
      secondarySources: [{ type: 'S3', location: 'sources/folder/', sourceIdentifier: 'more' }],
      artifacts: { type: 'S3', location: 'artifacts', name: 'plain', packaging: 'NONE', encryptionDisabled: true },
      secondaryArtifacts: [
        {
          type: 'S3',
          location: 'artifacts',
          name: 'flat',
          artifactIdentifier: 'flat',
          namespaceType: 'BUILD_ID',
          packaging: 'NONE',
        },
        { type: 'S3', location: 'artifacts', name: 'other.zip', artifactIdentifier: 'other', packaging: 'ZIP' },
      ],
    });
    const build = await runBuild(client, name, { sourceVersion: 'main' });
    expect(build.buildStatus, JSON.stringify(build.phases)).toBe('SUCCEEDED');
    expect(build.resolvedSourceVersion).toBe(commitId);
    expect(await objectText('artifacts', 'plain/src/x.txt')).toBe('x');
    const uuid = build.id?.split(':')[1];
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'artifacts', Prefix: `${uuid}/` }));
    expect(Contents.map(({ Key }) => Key)).toEqual([`${uuid}/flat/x.txt`]);
    expect(build.secondaryArtifacts?.map(({ artifactIdentifier }) => artifactIdentifier)).toEqual(['flat', 'other']);
    await s3.send(new HeadObjectCommand({ Bucket: 'artifacts', Key: 'other.zip' }));
    const missing = await runBuild(client, name, { sourceVersion: 'nowhere' });
    expect(phase(missing, 'DOWNLOAD_SOURCE')?.contexts?.[0]).toEqual({
      statusCode: 'CLIENT_ERROR',
      message: 'git reference not found for primary source and source version nowhere',
    });
  });

  it('git in a build clones with the credential helper of the buildspec', async () => {
    const build = ['git clone -q "$AWS_ENDPOINT_URL/v1/repos/code" again', 'test "$(cat again/src/x.txt)" = x'];
    const helped = await runBuild(client, await project(spec({ build }, { env: { 'git-credential-helper': 'yes' } })));
    expect(helped.buildStatus, await logOf(sluice, helped)).toBe('SUCCEEDED');
    expect((await runBuild(client, await project(spec({ build })))).buildStatus).toBe('FAILED');
  });

  it('need the permissions of the service role', async () => {
    const poor = await buildRole(sluice, 'poor', ['logs:*']);
    const source = { type: 'CODECOMMIT', location: `${sluice.url}/v1/repos/code` } as const;
    const clone = await runBuild(client, await project('', { serviceRole: poor, source }));
    expect(phase(clone, 'DOWNLOAD_SOURCE')?.contexts?.[0]?.message).toMatch(
      /authorization failed for primary source.*codecommit:GitPull/,
    );
    const read = await runBuild(
      client,
      await project('', { serviceRole: poor, source: { type: 'S3', location: 'sources/src.zip' } }),
    );
    expect(phase(read, 'DOWNLOAD_SOURCE')?.contexts?.[0]?.message).toMatch(/AccessDenied/);
    const none = await buildRole(sluice, 'none', []);
    const log = await runBuild(client, await project(spec({ build: ['true'] }), { serviceRole: none }));
    expect(phase(log, 'PROVISIONING')?.contexts?.[0]).toMatchObject({
      statusCode: 'ACCESS_DENIED',
      message: expect.stringMatching(
        /does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build .*logs:CreateLogStream/,
      ),
    });
  });

  it('fail when no file matches, and keep the log in S3 where asked', async () => {
    const build = await runBuild(
      client,
      await project(spec({ build: ['echo done'] }, { artifacts: { files: ['none/**/*'] } }), {
        artifacts: { type: 'S3', location: 'artifacts', packaging: 'ZIP' },
        logsConfig: {
          cloudWatchLogs: { status: 'ENABLED', groupName: 'mine', streamName: 'pre' },
          s3Logs: { status: 'ENABLED', location: 'artifacts/logs' },
        },
      }),
    );
    expect(build.buildStatus).toBe('FAILED');
    expect(phase(build, 'UPLOAD_ARTIFACTS')?.contexts).toEqual([
      { statusCode: 'CLIENT_ERROR', message: 'no matching artifact paths found' },
    ]);
    const uuid = build.id?.split(':')[1];
    expect(build.logs).toMatchObject({
      groupName: 'mine',
      streamName: `pre/${uuid}`,
      s3LogsArn: `arn:aws:s3:::artifacts/logs/${uuid}.gz`,
    });
    const object = await s3.send(new GetObjectCommand({ Bucket: 'artifacts', Key: `logs/${uuid}.gz` }));
    expect(gunzipSync(Buffer.from((await object.Body?.transformToByteArray()) ?? [])).toString()).toMatch(/^done$/m);
  });
});

describe('variables', () => {
  it('come from parameters and secrets, are hidden in the log, and are exported unless secret', async () => {
    await new SSMClient(sluice.clientConfig()).send(
      new PutParameterCommand({ Name: '/p/key', Value: 'param-s3cret', Type: 'SecureString' }),
    );
    await new SecretsManagerClient(sluice.clientConfig()).send(
      new CreateSecretCommand({ Name: 'db', SecretString: JSON.stringify({ password: 'hunter-22', user: 'ada' }) }),
    );
    const buildspec = spec(
      {
        build: [
          'test "$PARAM" = param-s3cret',
          'test "$PASSWORD" = hunter-22',
          'echo "it is $PARAM and $PASSWORD"',
          'export VERSION=1.2 COPY=$PARAM',
          'LOOSE=yes',
        ],
      },
      {
        env: {
          variables: { LITERAL: '$PATH:/x', LOW: 'buildspec' },
          'parameter-store': { PARAM: '/p/key' },
          'secrets-manager': { PASSWORD: 'db:password' },
          'exported-variables': ['VERSION', 'LITERAL', 'LOOSE', 'PARAM', 'COPY', 'UNSET', 'LOW'],
        },
      },
    );
    const build = await runBuild(client, await project(buildspec), {
      environmentVariablesOverride: [
        { name: 'LOW', value: 'start' },
        { name: 'USER_NAME', value: 'db:user', type: 'SECRETS_MANAGER' },
      ],
    });
    expect(build.buildStatus, JSON.stringify(build.phases)).toBe('SUCCEEDED');
    expect(await logOf(sluice, build)).toMatch(/^it is \*\*\* and \*\*\*$/m);
    expect(build.exportedEnvironmentVariables).toEqual([
      { name: 'VERSION', value: '1.2' },
      { name: 'LITERAL', value: '$PATH:/x' },
      { name: 'LOOSE', value: 'yes' },
      { name: 'LOW', value: 'start' },
    ]);
    const missing = await runBuild(
      client,
      await project(spec({ build: ['true'] }, { env: { 'parameter-store': { P: '/none' } } })),
    );
    expect(phase(missing, 'DOWNLOAD_SOURCE')?.contexts).toEqual([
      { statusCode: 'Decrypted Variables Error', message: 'parameter does not exist: /none' },
    ]);
  });
});

describe('events and metrics', () => {
  it('tell of each phase and of the end', async () => {
    const sqs = new SQSClient(sluice.clientConfig());
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' },
      ],
    });
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'builds', Attributes: { Policy } }));
    const events = new EventBridgeClient(sluice.clientConfig());
    await events.send(
      new PutRuleCommand({ Name: 'builds', EventPattern: JSON.stringify({ source: ['aws.codebuild'] }) }),
    );
    const Arn = `arn:aws:sqs:us-east-1:${sluice.account}:builds`;
    await events.send(new PutTargetsCommand({ Rule: 'builds', Targets: [{ Id: 'queue', Arn }] }));
    const name = await project(spec({ build: ['false'] }));
    const build = await runBuild(client, name);
    const found: Record<string, any>[] = [];
    for (let tries = 0; found.length < 12 && tries < 60; tries++) {
      await sluice.settled();
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      found.push(...Messages.map(({ Body = '' }) => JSON.parse(Body) as Record<string, any>));
    }
    const states = found.filter((event) => event['detail-type'] === 'CodeBuild Build State Change');
    expect(states.map(({ detail }) => detail['build-status']).sort()).toEqual(['FAILED', 'IN_PROGRESS']);
    const phases = found.filter((event) => event['detail-type'] === 'CodeBuild Build Phase Change');
    expect(phases.map(({ detail }) => detail['completed-phase']).sort()).toEqual(
      (build.phases ?? [])
        .map(({ phaseType }) => phaseType)
        .filter((type) => type !== 'COMPLETED')
        .sort(),
    );
    const ended = states.find(({ detail }) => detail['build-status'] === 'FAILED');
    expect(ended?.['resources']).toEqual([build.arn]);
    expect(ended?.['detail']).toMatchObject({
      'project-name': name,
      'build-id': build.arn,
      'current-phase': 'COMPLETED',
      version: '1',
      'additional-information': {
        'build-complete': true,
        initiator: 'root',
        source: { type: 'NO_SOURCE' },
        'build-number': 1,
      },
    });
    const { Datapoints = [] } = await new CloudWatchClient(sluice.clientConfig()).send(
      new GetMetricStatisticsCommand({
        Namespace: 'AWS/CodeBuild',
        MetricName: 'FailedBuilds',
        Dimensions: [{ Name: 'ProjectName', Value: name }],
        StartTime: new Date(sluice.clock.now() - 600_000),
        EndTime: new Date(sluice.clock.now() + 600_000),
        Period: 60,
        Statistics: ['Sum'],
      }),
    );
    expect(Datapoints.map(({ Sum }) => Sum)).toEqual([1]);
  });
});

describe('bad input', () => {
  it('is told as the phase that failed', async () => {
    const yaml = await runBuild(client, await project('version: 0.2\nphases:\n  build: [unclosed\n'));
    expect(phase(yaml, 'DOWNLOAD_SOURCE')?.contexts?.[0]).toMatchObject({
      statusCode: 'YAML_FILE_ERROR',
      message: expect.stringMatching(/at line \d/),
    });
    const wrong = await runBuild(
      client,
      await project('version: 0.2\nphases:\n  build:\n    commands:\n      - echo: a\n'),
    );
    expect(phase(wrong, 'DOWNLOAD_SOURCE')?.contexts?.[0]?.message).toMatch(
      /Expected Commands\[0\] to be of string type: found subkeys instead at line 5/,
    );
    await s3.send(new PutObjectCommand({ Bucket: 'sources', Key: 'bare.zip', Body: await zip({ a: 'a' }) }));
    const absent = await runBuild(client, await project('', { source: { type: 'S3', location: 'sources/bare.zip' } }));
    expect(phase(absent, 'DOWNLOAD_SOURCE')?.contexts?.[0]).toMatchObject({
      statusCode: 'YAML_FILE_ERROR',
      message: expect.stringMatching(/no such file/),
    });
    expect(statuses(absent)).toEqual(['DOWNLOAD_SOURCE FAILED', 'FINALIZING SUCCEEDED']);
  });

  it('a zip that leaves its folder, a zip bomb, no zip at all', async () => {
    const good = await zip({ 'xx/evil.txt': 'evil' });
    const evil = Buffer.from(good.toString('latin1').replaceAll('xx/evil.txt', '../evil.txt'), 'latin1');
    await s3.send(new PutObjectCommand({ Bucket: 'sources', Key: 'evil.zip', Body: evil }));
    await s3.send(
      new PutObjectCommand({
        Bucket: 'sources',
        Key: 'bomb.zip',
        Body: await zip({ bomb: Buffer.alloc(100 * 1024 * 1024) }),
      }),
    );
    await s3.send(new PutObjectCommand({ Bucket: 'sources', Key: 'text.zip', Body: 'just text' }));
    const cases: [string, RegExp][] = [
      ['evil.zip', /invalid relative path: \.\.\/evil\.txt for primary source/],
      ['bomb.zip', /refused as a zip bomb for primary source/],
      ['text.zip', /for primary source and source version arn:aws:s3:::sources\/text\.zip/],
      ['none.zip', /NoSuchKey/],
    ];
    for (const [key, message] of cases) {
      const build = await runBuild(client, await project('', { source: { type: 'S3', location: `sources/${key}` } }));
      expect(phase(build, 'DOWNLOAD_SOURCE')?.contexts?.[0]?.message).toMatch(message);
      expect(build.buildStatus).toBe('FAILED');
    }
  });

  it('a build that prints 100 MB', async () => {
    const name = await project(
      spec({
        build: ['yes "$(printf %01000d 7)" | head -c 104857600', 'echo the end'],
      }),
    );
    const build = await runBuild(client, name);
    expect(build.buildStatus).toBe('SUCCEEDED');
    const log = await logOf(sluice, build);
    expect(log.length).toBeGreaterThan(20 * 1024 * 1024);
    expect(log.length).toBeLessThan(21 * 1024 * 1024);
    expect(log).toMatch(/Sluice keeps 20 MiB of the output of a build/);
    expect(log).toMatch(/Running command echo the end/);
  });

  it('a build that forks and hangs is stopped with all it left behind', async () => {
    const mark = join(folder, 'hanging');
    const name = await project(
      spec({
        build: [
          `setsid sh -c 'echo $$ >${mark}; trap "" TERM; while :; do sleep 1; done' & sh -c 'trap "" TERM; while :; do sleep 1; done'`,
        ],
      }),
    );
    const id = await startBuild(client, name);
    await awaitBuild(client, id, (build) => build.currentPhase === 'BUILD');
    for (let tries = 0; tries < 200; tries++) {
      if ((await stat(mark).catch(() => undefined))?.size) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const pid = Number(await readFile(mark, 'utf8'));
    expect(await lives(pid)).toBe(true);
    await client.send(new StopBuildCommand({ id }));
    expect((await awaitBuild(client, id)).buildStatus).toBe('STOPPED');
    expect(await lives(pid)).toBe(false);
    await sluice.settled();
    expect(await readdir(join(folder, 'state', 'builds'))).toEqual([]);
  });
});

describe('a restart', () => {
  it('ends honestly what was running and runs what was waiting', async () => {
    const stateDir = join(folder, 'restarted');
    const services = BUILD_SERVICES;
    let house = await startSluice({ services, stateDir, concurrentBuilds: 1 });
    let builds = new CodeBuildClient(house.clientConfig());
    const builder = await buildRole(house, 'builder', ['logs:*']);
    await makeProject(builds, 'long', builder, spec({ build: ['sleep 300'] }));
    await makeProject(builds, 'short', builder, spec({ build: ['echo short'] }));
    const running = await startBuild(builds, 'long');
    await awaitBuild(builds, running, (build) => build.currentPhase === 'BUILD');
    const waiting = await startBuild(builds, 'short');
    expect((await awaitBuild(builds, waiting, () => true)).currentPhase).toBe('QUEUED');
    await house.close();
    house = await startSluice({ services, stateDir, concurrentBuilds: 1 });
    try {
      builds = new CodeBuildClient(house.clientConfig());
      const ended = await awaitBuild(builds, running);
      expect(ended.buildStatus).toBe('FAULT');
      expect(phase(ended, 'BUILD')).toMatchObject({
        phaseStatus: 'FAULT',
        contexts: [
          { statusCode: 'INTERNAL_ERROR', message: expect.stringMatching(/Sluice ended while this phase was running/) },
        ],
      });
      expect((await awaitBuild(builds, waiting)).buildStatus).toBe('SUCCEEDED');
      // One place, and it is free again: nothing holds it for the build that was lost.
      expect((await runBuild(builds, 'short')).buildStatus).toBe('SUCCEEDED');
      await house.settled();
      expect(await readdir(join(stateDir, 'builds'))).toEqual([]);
    } finally {
      await house.close();
    }
  });
});

describe('waiting', () => {
  it('ends by the clock when it lasts too long', async () => {
    const house = await startSluice({ services: BUILD_SERVICES, concurrentBuilds: 1 });
    try {
      const builds = new CodeBuildClient(house.clientConfig());
      const builder = await buildRole(house, 'builder', ['logs:*']);
      await makeProject(builds, 'long', builder, spec({ build: ['sleep 300'] }));
      const running = await startBuild(builds, 'long');
      await awaitBuild(builds, running, (build) => build.currentPhase === 'BUILD');
      const waiting = await startBuild(builds, 'long', { queuedTimeoutInMinutesOverride: 5 });
      await house.clock.advance('PT4M');
      expect((await awaitBuild(builds, waiting, () => true)).buildStatus).toBe('IN_PROGRESS');
      await house.clock.advance('PT2M');
      const ended = await awaitBuild(builds, waiting);
      expect(ended.buildStatus).toBe('TIMED_OUT');
      expect(phase(ended, 'QUEUED')?.phaseStatus).toBe('TIMED_OUT');
      await builds.send(new StopBuildCommand({ id: running }));
      await awaitBuild(builds, running);
    } finally {
      await house.close();
    }
  });
});
