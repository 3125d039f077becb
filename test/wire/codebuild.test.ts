/** CodeBuild's API through the official SDK: projects and their rules, starting, listing, stopping and deleting builds. */
import {
  BatchDeleteBuildsCommand,
  BatchGetBuildsCommand,
  BatchGetProjectsCommand,
  CodeBuildClient,
  CreateProjectCommand,
  type CreateProjectCommandInput,
  DeleteProjectCommand,
  InvalidateProjectCacheCommand,
  ListBuildsCommand,
  ListBuildsForProjectCommand,
  ListCuratedEnvironmentImagesCommand,
  ListProjectsCommand,
  RetryBuildCommand,
  StartBuildCommand,
  type StartBuildCommandInput,
  StopBuildCommand,
  UpdateProjectCommand,
} from '@aws-sdk/client-codebuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import {
  awaitBuild,
  BUILD_SERVICES,
  buildRole,
  ENVIRONMENT,
  makeProject,
  phase,
  runBuild,
  startBuild,
} from '../support/builds.ts';
import { person } from '../support/people.ts';

let sluice: TestSluice;
let client: CodeBuildClient;
let role: string;

beforeAll(async () => {
  sluice = await startSluice({ services: BUILD_SERVICES });
  client = new CodeBuildClient(sluice.clientConfig());
  role = await buildRole(sluice, 'builder', ['logs:*', 's3:*', 'kms:*']);
});
afterAll(() => sluice?.close());

const HELLO = 'version: 0.2\nphases:\n  build:\n    commands:\n      - echo hello\n';
const SLEEP = 'version: 0.2\nphases:\n  build:\n    commands:\n      - sleep 300\n';

const sound = (name: string): CreateProjectCommandInput => ({
  name,
  serviceRole: role,
  source: { type: 'NO_SOURCE', buildspec: HELLO },
  artifacts: { type: 'NO_ARTIFACTS' },
  environment: ENVIRONMENT,
});

async function refusal(sent: Promise<unknown>): Promise<string> {
  return sent.then(
    () => 'no error',
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

describe('projects', () => {
  it('are created with defaults, changed, listed and deleted', async () => {
    const { project } = await client.send(
      new CreateProjectCommand({
        ...sound('first'),
        description: 'one',
        artifacts: { type: 'S3', location: 'bucket-one', packaging: 'ZIP' },
        environment: { ...ENVIRONMENT, environmentVariables: [{ name: 'A', value: '1' }] },
        tags: [{ key: 'team', value: 'blue' }],
      }),
    );
    expect(project).toMatchObject({
      arn: `arn:aws:codebuild:us-east-1:${sluice.account}:project/first`,
      artifacts: {
        type: 'S3',
        location: 'bucket-one',
        name: 'first',
        namespaceType: 'NONE',
        packaging: 'ZIP',
        encryptionDisabled: false,
      },
      cache: { type: 'NO_CACHE' },
      encryptionKey: `arn:aws:kms:us-east-1:${sluice.account}:alias/aws/s3`,
      environment: {
        privilegedMode: false,
        imagePullCredentialsType: 'CODEBUILD',
        environmentVariables: [{ name: 'A', value: '1', type: 'PLAINTEXT' }],
      },
      timeoutInMinutes: 60,
      queuedTimeoutInMinutes: 480,
      tags: [{ key: 'team', value: 'blue' }],
      badge: { badgeEnabled: false },
    });
    const updated = await client.send(new UpdateProjectCommand({ name: 'first', timeoutInMinutes: 5, tags: [] }));
    expect(updated.project).toMatchObject({ description: 'one', timeoutInMinutes: 5, tags: [] });
    await client.send(new CreateProjectCommand(sound('second')));
    expect((await client.send(new ListProjectsCommand({ sortOrder: 'DESCENDING' }))).projects).toEqual([
      'second',
      'first',
    ]);
    const got = await client.send(new BatchGetProjectsCommand({ names: ['second', 'none', project?.arn ?? ''] }));
    expect(got.projects?.map(({ name }) => name)).toEqual(['second', 'first']);
    expect(got.projectsNotFound).toEqual(['none']);
    await client.send(new InvalidateProjectCacheCommand({ projectName: 'first' }));
    await client.send(new DeleteProjectCommand({ name: 'second' }));
    await client.send(new DeleteProjectCommand({ name: 'second' }));
    expect((await client.send(new ListProjectsCommand({}))).projects).toEqual(['first']);
    expect((await client.send(new ListCuratedEnvironmentImagesCommand({}))).platforms?.length).toBe(2);
  });

  it('refuse what breaks a rule, and what Sluice does not do', async () => {
    const create = (more: Partial<CreateProjectCommandInput>) =>
      refusal(client.send(new CreateProjectCommand({ ...sound('bad'), ...more })));
    const cases: [Promise<string>, RegExp][] = [
      [create({ name: 'x' }), /InvalidInputException|ValidationException/],
      [create({ artifacts: { type: 'S3' } }), /Invalid artifacts: location is required/],
      [create({ artifacts: { type: 'NO_ARTIFACTS', location: 'b' } }), /should have null location/],
      [create({ artifacts: { type: 'CODEPIPELINE' } }), /must be used together/],
      [create({ source: { type: 'S3' } }), /Project source location is required/],
      [
        create({ source: { type: 'NO_SOURCE', location: 'x', buildspec: HELLO } }),
        /must be empty for source type NO_SOURCE/,
      ],
      [create({ source: { type: 'NO_SOURCE' } }), /inline buildspec is required/],
      [create({ source: { type: 'GITHUB', location: 'https://github.com/a/b' } }), /not implemented by Sluice/],
      [create({ secondarySources: [{ type: 'NO_SOURCE' }] }), /sourceIdentifier is required/],
      [
        create({ secondarySourceVersions: [{ sourceIdentifier: 'x', sourceVersion: '1' }] }),
        /identifier does not exist/,
      ],
      [create({ environment: { ...ENVIRONMENT, privilegedMode: true } }), /privilegedMode is not implemented/],
      [
        create({ environment: { ...ENVIRONMENT, type: 'WINDOWS_SERVER_2022_CONTAINER' } }),
        /WINDOWS_SERVER_2022_CONTAINER is not implemented/,
      ],
      [
        create({ environment: { ...ENVIRONMENT, environmentVariables: [{ name: 'CODEBUILD_X', value: '1' }] } }),
        /cannot start with CODEBUILD_/,
      ],
      [create({ cache: { type: 'S3' } }), /Invalid cache: location/],
      [create({ cache: { type: 'S3', location: 'b/p' } }), /cache type S3 is not implemented/],
      [create({ vpcConfig: { vpcId: 'vpc-1' } }), /vpcConfig is not implemented/],
      [create({ badgeEnabled: true }), /badgeEnabled is not implemented/],
      [create({ serviceRole: 'arn:aws:iam::999999999999:role/x' }), /does not match caller's account/],
      [
        create({ serviceRole: `arn:aws:iam::${sluice.account}:role/none` }),
        /CodeBuild is not authorized to perform: sts:AssumeRole on arn/,
      ],
    ];
    for (const [error, pattern] of cases) expect(await error).toMatch(pattern);
    await client.send(new CreateProjectCommand(sound('twice')));
    expect(await refusal(client.send(new CreateProjectCommand(sound('twice'))))).toMatch(
      /^ResourceAlreadyExistsException/,
    );
    expect(await refusal(client.send(new UpdateProjectCommand({ name: 'none' })))).toMatch(
      /^ResourceNotFoundException/,
    );
    expect(await refusal(client.send(new ListProjectsCommand({ nextToken: 'x' })))).toMatch(/^InvalidInputException/);
  });

  it('need iam:PassRole for the service role', async () => {
    const { credentials } = await person(sluice, 'maker', [{ Action: 'codebuild:*', Resource: '*' }]);
    const maker = new CodeBuildClient(sluice.clientConfig({ credentials }));
    expect(await refusal(maker.send(new CreateProjectCommand(sound('passed'))))).toMatch(/iam:PassRole/);
  });
});

describe('builds', () => {
  it('run, and are read and listed newest first', async () => {
    await makeProject(client, 'listed', role, HELLO);
    const first = await runBuild(client, 'listed');
    expect(first).toMatchObject({
      buildNumber: 1,
      buildStatus: 'SUCCEEDED',
      currentPhase: 'COMPLETED',
      buildComplete: true,
      projectName: 'listed',
      initiator: 'root',
    });
    expect(first.phases?.map(({ phaseType }) => phaseType)).toEqual([
      'SUBMITTED',
      'QUEUED',
      'PROVISIONING',
      'DOWNLOAD_SOURCE',
      'INSTALL',
      'PRE_BUILD',
      'BUILD',
      'POST_BUILD',
      'UPLOAD_ARTIFACTS',
      'FINALIZING',
      'COMPLETED',
    ]);
    const second = await runBuild(client, 'listed');
    const retried = await client.send(new RetryBuildCommand({ id: second.id }));
    await awaitBuild(client, retried.build?.id ?? '');
    const ids = [retried.build?.id, second.id, first.id];
    expect((await client.send(new ListBuildsForProjectCommand({ projectName: 'listed' }))).ids).toEqual(ids);
    expect((await client.send(new ListBuildsCommand({}))).ids?.slice(0, 3)).toEqual(ids);
    expect(
      (await client.send(new ListBuildsForProjectCommand({ projectName: 'listed', sortOrder: 'ASCENDING' }))).ids,
    ).toEqual(ids.toReversed());
    const got = await client.send(new BatchGetBuildsCommand({ ids: [first.arn ?? '', 'listed:none'] }));
    expect([got.builds?.length, got.buildsNotFound]).toEqual([1, ['listed:none']]);
    const deleted = await client.send(new BatchDeleteBuildsCommand({ ids: [first.id ?? '', 'listed:none'] }));
    expect(deleted.buildsDeleted).toEqual([first.id]);
    expect(deleted.buildsNotDeleted?.map(({ id }) => id)).toEqual(['listed:none']);
  });

  it('honour overrides or refuse them', async () => {
    await makeProject(client, 'overridden', role, SLEEP, {
      environment: {
        ...ENVIRONMENT,
        environmentVariables: [
          { name: 'A', value: 'project' },
          { name: 'B', value: 'project' },
        ],
      },
    });
    const build = await runBuild(client, 'overridden', {
      buildspecOverride: 'version: 0.2\nphases:\n  build:\n    commands:\n      - test "$A$B" = startproject\n',
      environmentVariablesOverride: [{ name: 'A', value: 'start' }],
      imageOverride: 'mine:1',
      timeoutInMinutesOverride: 7,
    });
    expect(build).toMatchObject({ buildStatus: 'SUCCEEDED', timeoutInMinutes: 7, environment: { image: 'mine:1' } });
    const start = (more: Partial<StartBuildCommandInput>) =>
      refusal(client.send(new StartBuildCommand({ projectName: 'overridden', ...more })));
    expect(await start({ privilegedModeOverride: true })).toMatch(/not implemented/);
    expect(await start({ debugSessionEnabled: true })).toMatch(/not implemented/);
    expect(await start({ sourceTypeOverride: 'S3' })).toMatch(/location is required/);
    expect(await start({ projectName: 'none' })).toMatch(/^ResourceNotFoundException/);
    expect(await refusal(client.send(new StopBuildCommand({ id: 'nonsense' })))).toMatch(/Invalid build ID provided/);
    expect(await refusal(client.send(new StopBuildCommand({ id: 'a:b' })))).toMatch(/^ResourceNotFoundException/);
  });

  it('of a CODEPIPELINE project start only with source and artifacts given', async () => {
    await makeProject(client, 'piped', role, '', {
      source: { type: 'CODEPIPELINE', buildspec: HELLO },
      artifacts: { type: 'CODEPIPELINE' },
    });
    expect(await refusal(client.send(new StartBuildCommand({ projectName: 'piped' })))).toMatch(
      /^InvalidInputException/,
    );
    const build = await runBuild(client, 'piped', {
      sourceTypeOverride: 'NO_SOURCE',
      artifactsOverride: { type: 'NO_ARTIFACTS' },
    });
    expect(build.buildStatus).toBe('SUCCEEDED');
  });

  it('start once for one idempotency token', async () => {
    await makeProject(client, 'tokens', role, HELLO);
    const idempotencyToken = 'token-1';
    const first = await startBuild(client, 'tokens', { idempotencyToken });
    expect(await startBuild(client, 'tokens', { idempotencyToken })).toBe(first);
    expect(
      await refusal(
        client.send(new StartBuildCommand({ projectName: 'tokens', idempotencyToken, imageOverride: 'x' })),
      ),
    ).toMatch(/idempotency/);
    await awaitBuild(client, first);
    await sluice.clock.advance('PT6M');
    const later = await startBuild(client, 'tokens', { idempotencyToken });
    expect(later).not.toBe(first);
    await awaitBuild(client, later);
  });

  it('are stopped with all their processes, and count against the limit of the project', async () => {
    await makeProject(client, 'stopped', role, SLEEP, { concurrentBuildLimit: 1 });
    const id = await startBuild(client, 'stopped');
    expect(await refusal(client.send(new StartBuildCommand({ projectName: 'stopped' })))).toMatch(
      /^AccountLimitExceededException/,
    );
    await awaitBuild(client, id, (build) => build.currentPhase === 'BUILD');
    expect((await client.send(new BatchDeleteBuildsCommand({ ids: [id] }))).buildsDeleted).toEqual([]);
    await client.send(new StopBuildCommand({ id }));
    const build = await awaitBuild(client, id);
    expect(build.buildStatus).toBe('STOPPED');
    expect(phase(build, 'BUILD')?.phaseStatus).toBe('STOPPED');
    expect((await client.send(new StopBuildCommand({ id }))).build?.buildStatus).toBe('STOPPED');
  });
});
