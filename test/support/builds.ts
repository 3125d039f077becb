/** What tests of CodeBuild need: a role, a project, a finished build, its log. */
import {
  BatchGetBuildsCommand,
  type Build,
  CodeBuildClient,
  CreateProjectCommand,
  type CreateProjectCommandInput,
  StartBuildCommand,
  type StartBuildCommandInput,
} from '@aws-sdk/client-codebuild';
import { CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { TestSluice } from '../../src/app/testing.ts';

export const BUILD_SERVICES = [
  'codebuild',
  'codecommit',
  's3',
  'kms',
  'logs',
  'events',
  'sqs',
  'cloudwatch',
  'ssm',
  'secretsmanager',
];

const DEADLINE_MS = 40_000;

/** A role that CodeBuild may assume, which may what `actions` say on everything; returns its ARN. */
export async function buildRole(sluice: TestSluice, name: string, actions: readonly string[]): Promise<string> {
  const iam = new IAMClient(sluice.clientConfig());
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'codebuild.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }),
  );
  if (actions.length > 0) {
    const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] };
    await iam.send(
      new PutRolePolicyCommand({ RoleName: name, PolicyName: 'build', PolicyDocument: JSON.stringify(policy) }),
    );
  }
  return Role?.Arn ?? '';
}

export const ENVIRONMENT = {
  type: 'LINUX_CONTAINER',
  image: 'aws/codebuild/standard:7.0',
  computeType: 'BUILD_GENERAL1_SMALL',
} as const;

/** A NO_SOURCE project whose build is `buildspec`, unless said otherwise. */
export async function makeProject(
  client: CodeBuildClient,
  name: string,
  serviceRole: string,
  buildspec: string,
  more: Partial<CreateProjectCommandInput> = {},
): Promise<string> {
  await client.send(
    new CreateProjectCommand({
      name,
      serviceRole,
      source: { type: 'NO_SOURCE', buildspec },
      artifacts: { type: 'NO_ARTIFACTS' },
      environment: ENVIRONMENT,
      ...more,
    }),
  );
  return name;
}

export async function startBuild(
  client: CodeBuildClient,
  projectName: string,
  more: Partial<StartBuildCommandInput> = {},
): Promise<string> {
  const { build } = await client.send(new StartBuildCommand({ projectName, ...more }));
  return build?.id ?? '';
}

/** Resolves with the build when `condition` holds of it: by default, when it has ended. */
export async function awaitBuild(
  client: CodeBuildClient,
  id: string,
  condition: (build: Build) => boolean = (build) => build.buildComplete === true,
): Promise<Build> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const { builds = [] } = await client.send(new BatchGetBuildsCommand({ ids: [id] }));
    const [build] = builds;
    if (build !== undefined && condition(build)) return build;
    if (Date.now() > deadline) throw new Error(`the build did not get there: ${JSON.stringify(build?.phases)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function runBuild(
  client: CodeBuildClient,
  projectName: string,
  more: Partial<StartBuildCommandInput> = {},
): Promise<Build> {
  return awaitBuild(client, await startBuild(client, projectName, more));
}

/** The whole log of a finished build. */
export async function logOf(sluice: TestSluice, build: Build): Promise<string> {
  const logs = new CloudWatchLogsClient(sluice.clientConfig());
  let text = '';
  let nextToken: string | undefined;
  for (;;) {
    const page = await logs.send(
      new GetLogEventsCommand({
        logGroupName: build.logs?.groupName,
        logStreamName: build.logs?.streamName ?? '',
        startFromHead: true,
        nextToken,
      }),
    );
    text += (page.events ?? []).map(({ message }) => message ?? '').join('');
    if (page.nextForwardToken === nextToken || (page.events ?? []).length === 0) return text;
    nextToken = page.nextForwardToken;
  }
}

export function phase(build: Build, type: string): NonNullable<Build['phases']>[number] | undefined {
  return build.phases?.find(({ phaseType }) => phaseType === type);
}

export async function zip(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const archive = new ZipFile();
  for (const [name, content] of Object.entries(files)) archive.addBuffer(Buffer.from(content), name);
  archive.end();
  return buffer(archive.outputStream as Readable);
}
