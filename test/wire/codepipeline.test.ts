import {
  CodeDeployClient,
  CreateApplicationCommand,
  CreateDeploymentCommand,
  CreateDeploymentGroupCommand,
} from '@aws-sdk/client-codedeploy';
import {
  AcknowledgeJobCommand,
  CodePipelineClient,
  CreateCustomActionTypeCommand,
  CreatePipelineCommand,
  DeleteCustomActionTypeCommand,
  DeletePipelineCommand,
  DisableStageTransitionCommand,
  EnableStageTransitionCommand,
  GetActionTypeCommand,
  GetJobDetailsCommand,
  GetPipelineCommand,
  GetPipelineExecutionCommand,
  GetPipelineStateCommand,
  ListActionExecutionsCommand,
  ListActionTypesCommand,
  ListPipelineExecutionsCommand,
  ListPipelinesCommand,
  ListTagsForResourceCommand,
  type PipelineDeclaration,
  PollForJobsCommand,
  PutActionRevisionCommand,
  PutApprovalResultCommand,
  PutJobFailureResultCommand,
  PutJobSuccessResultCommand,
  RetryStageExecutionCommand,
  StartPipelineExecutionCommand,
  StopPipelineExecutionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdatePipelineCommand,
} from '@aws-sdk/client-codepipeline';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  LambdaClient,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';

let sluice: TestSluice;
let codepipeline: CodePipelineClient;
let s3: S3Client;
let iam: IAMClient;
let roleArn: string;

beforeAll(async () => {
  sluice = await startSluice({ services: ['kms', 's3', 'events', 'lambda', 'codedeploy', 'codepipeline'] });
  const config = { ...sluice.clientConfig(), maxAttempts: 1 };
  codepipeline = new CodePipelineClient(config);
  s3 = new S3Client({ ...config, forcePathStyle: true });
  iam = new IAMClient(config);
  roleArn = await createRole('pipeline-role', 'codepipeline.amazonaws.com', ['s3:*', 'kms:*', 'sts:AssumeRole']);
  await s3.send(new CreateBucketCommand({ Bucket: 'artifacts' }));
  await s3.send(new CreateBucketCommand({ Bucket: 'site' }));
  await s3.send(new CreateBucketCommand({ Bucket: 'source' }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'source', VersioningConfiguration: { Status: 'Enabled' } }));
  await codepipeline.send(
    new CreateCustomActionTypeCommand({
      category: 'Source',
      provider: 'NoOp',
      version: '1',
      inputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
      outputArtifactDetails: { minimumCount: 0, maximumCount: 1 },
    }),
  );
  await codepipeline.send(
    new CreateCustomActionTypeCommand({
      category: 'Build',
      provider: 'NoOp',
      version: '1',
      configurationProperties: [
        { name: 'Say', required: false, key: true, secret: false },
        { name: 'Password', required: false, key: false, secret: true },
      ],
      inputArtifactDetails: { minimumCount: 0, maximumCount: 5 },
      outputArtifactDetails: { minimumCount: 0, maximumCount: 5 },
    }),
  );
});

afterAll(() => sluice?.close());

async function createRole(name: string, service: string, actions: string[]): Promise<string> {
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
      }),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: name,
      PolicyName: 'work',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
      }),
    }),
  );
  return Role?.Arn ?? '';
}

type Stages = NonNullable<PipelineDeclaration['stages']>;
type Action = NonNullable<Stages[number]['actions']>[number];

function noOp(name: string, category: 'Source' | 'Build' = 'Build', more: Partial<Action> = {}): Action {
  return { name, actionTypeId: { category, owner: 'Custom', provider: 'NoOp', version: '1' }, ...more };
}

function pipelineOf(name: string, stages: Stages, more: Partial<PipelineDeclaration> = {}): PipelineDeclaration {
  return { name, roleArn, artifactStore: { type: 'S3', location: 'artifacts' }, stages, ...more };
}

/** Source and two builds, all done by a worker. */
function threeStages(name: string, more: Partial<PipelineDeclaration> = {}): PipelineDeclaration {
  return pipelineOf(
    name,
    [
      { name: 'Source', actions: [noOp('Fetch', 'Source')] },
      { name: 'Build', actions: [noOp('Compile')] },
      { name: 'Deploy', actions: [noOp('Ship')] },
    ],
    more,
  );
}

async function create(pipeline: PipelineDeclaration): Promise<string> {
  await codepipeline.send(new CreatePipelineCommand({ pipeline }));
  const { pipelineExecutionSummaries = [] } = await codepipeline.send(
    new ListPipelineExecutionsCommand({ pipelineName: pipeline.name }),
  );
  return pipelineExecutionSummaries[0]?.pipelineExecutionId ?? '';
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const giveUpAt = performance.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > giveUpAt) throw new Error(`gave up waiting for ${what}`);
    await sluice.settled();
  }
}

async function statusOf(pipelineName: string, pipelineExecutionId: string): Promise<string | undefined> {
  const { pipelineExecution } = await codepipeline.send(
    new GetPipelineExecutionCommand({ pipelineName, pipelineExecutionId }),
  );
  return pipelineExecution?.status;
}

function reaches(pipelineName: string, id: string, status: string): Promise<boolean> {
  return until(`${pipelineName} ${id} to be ${status}`, async () => (await statusOf(pipelineName, id)) === status);
}

type Taken = Readonly<{
  jobId: string;
  action: string;
  data: NonNullable<NonNullable<Awaited<ReturnType<typeof poll>>[number]>['data']>;
}>;

async function poll(category: 'Source' | 'Build') {
  const { jobs = [] } = await codepipeline.send(
    new PollForJobsCommand({
      actionTypeId: { category, owner: 'Custom', provider: 'NoOp', version: '1' },
      maxBatchSize: 10,
    }),
  );
  return jobs;
}

/** Takes the one job that is waiting. */
async function take(category: 'Source' | 'Build' = 'Build'): Promise<Taken> {
  const job = await until(`a ${category} job`, async () => (await poll(category))[0]);
  const acknowledged = await codepipeline.send(new AcknowledgeJobCommand({ jobId: job.id, nonce: job.nonce }));
  expect(acknowledged.status).toBe('InProgress');
  return {
    jobId: job.id ?? '',
    action: job.data?.pipelineContext?.action?.name ?? '',
    data: job.data as Taken['data'],
  };
}

async function succeed(
  category: 'Source' | 'Build' = 'Build',
  outputVariables?: Record<string, string>,
): Promise<Taken> {
  const taken = await take(category);
  await codepipeline.send(
    new PutJobSuccessResultCommand({
      jobId: taken.jobId,
      ...(outputVariables === undefined ? {} : { outputVariables }),
    }),
  );
  return taken;
}

async function fail(): Promise<void> {
  const { jobId } = await take();
  await codepipeline.send(
    new PutJobFailureResultCommand({ jobId, failureDetails: { type: 'JobFailed', message: 'red' } }),
  );
}

async function stageState(name: string, stageName: string) {
  const { stageStates = [] } = await codepipeline.send(new GetPipelineStateCommand({ name }));
  return stageStates.find((stage) => stage.stageName === stageName);
}

async function zipOf(files: Record<string, string>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [path, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), path);
  zip.end();
  const pieces: Buffer[] = [];
  for await (const piece of zip.outputStream as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('a pipeline', () => {
  it('is created, read back as it was, updated, listed and deleted', async () => {
    const pipeline = threeStages('crud');
    const created = await codepipeline.send(
      new CreatePipelineCommand({ pipeline, tags: [{ key: 'team', value: 'a' }] }),
    );
    expect(created.pipeline).toMatchObject({
      ...pipeline,
      version: 1,
      pipelineType: 'V1',
      executionMode: 'SUPERSEDED',
    });
    expect(created.tags).toEqual([{ key: 'team', value: 'a' }]);
    const read = await codepipeline.send(new GetPipelineCommand({ name: 'crud' }));
    expect(read.pipeline).toEqual(created.pipeline);
    expect(read.metadata?.pipelineArn).toBe(`arn:aws:codepipeline:${sluice.region}:${sluice.account}:crud`);
    await expect(codepipeline.send(new CreatePipelineCommand({ pipeline }))).rejects.toMatchObject({
      name: 'PipelineNameInUseException',
      message: `A pipeline with the name 'crud' already exists in account '${sluice.account}'`,
    });
    const updated = await codepipeline.send(new UpdatePipelineCommand({ pipeline: { ...pipeline, version: 77 } }));
    expect(updated.pipeline?.version).toBe(2);
    const first = await codepipeline.send(new GetPipelineCommand({ name: 'crud', version: 1 }));
    expect(first.pipeline?.version).toBe(1);
    await expect(codepipeline.send(new GetPipelineCommand({ name: 'crud', version: 3 }))).rejects.toMatchObject({
      name: 'PipelineVersionNotFoundException',
    });
    const { pipelines = [] } = await codepipeline.send(new ListPipelinesCommand({}));
    expect(pipelines.map((summary) => summary.name)).toContain('crud');
    await codepipeline.send(new DeletePipelineCommand({ name: 'crud' }));
    await codepipeline.send(new DeletePipelineCommand({ name: 'crud' }));
    await expect(codepipeline.send(new GetPipelineCommand({ name: 'crud' }))).rejects.toMatchObject({
      name: 'PipelineNotFoundException',
      message: `Account '${sluice.account}' does not have a pipeline with name 'crud'`,
    });
  });

  it('is refused when nobody produces an input artifact, and nothing is kept of it', async () => {
    const pipeline = pipelineOf('broken', [
      { name: 'Source', actions: [noOp('Fetch', 'Source')] },
      { name: 'Build', actions: [noOp('Compile', 'Build', { inputArtifacts: [{ name: 'Nothing' }] })] },
    ]);
    await expect(codepipeline.send(new CreatePipelineCommand({ pipeline }))).rejects.toMatchObject({
      name: 'InvalidActionDeclarationException',
      message:
        'Input Artifact Bundle Nothing in action Compile is not declared as Output Artifact Bundle in any of the preceding actions',
    });
    await expect(codepipeline.send(new GetPipelineCommand({ name: 'broken' }))).rejects.toMatchObject({
      name: 'PipelineNotFoundException',
    });
  });

  it('is refused when its role does not trust CodePipeline', async () => {
    const other = await createRole('other-role', 'lambda.amazonaws.com', ['s3:*']);
    await expect(
      codepipeline.send(new CreatePipelineCommand({ pipeline: threeStages('untrusted', { roleArn: other }) })),
    ).rejects.toMatchObject({
      name: 'InvalidStructureException',
      message: `CodePipeline is not authorized to perform AssumeRole on role ${other}`,
    });
  });

  it('keeps a secret that comes back masked, and shows it to the worker alone', async () => {
    const pipeline = threeStages('secret');
    const stages = structuredClone(pipeline.stages) ?? [];
    stages[1] = { name: 'Build', actions: [noOp('Compile', 'Build', { configuration: { Password: 'hunter2' } })] };
    const created = await codepipeline.send(new CreatePipelineCommand({ pipeline: { ...pipeline, stages } }));
    expect(created.pipeline?.stages?.[1]?.actions?.[0]?.configuration).toEqual({ Password: '****' });
    await codepipeline.send(new UpdatePipelineCommand({ pipeline: created.pipeline }));
    await codepipeline.send(new StartPipelineExecutionCommand({ name: 'secret' }));
    await until('the old execution to be out of the way', async () => {
      const jobs = await poll('Source');
      for (const job of jobs) {
        await codepipeline.send(new AcknowledgeJobCommand({ jobId: job.id, nonce: job.nonce }));
        await codepipeline.send(new PutJobSuccessResultCommand({ jobId: job.id }));
      }
      return (await stageState('secret', 'Build'))?.latestExecution !== undefined;
    });
    const { data } = await take();
    expect(data.actionConfiguration?.configuration).toEqual({ Password: 'hunter2' });
    for (const table of ['documents', 'history', 'outbox', 'audit']) {
      const rows = await sluice.house.store.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t`);
      expect(
        rows.filter(({ row }) => row.includes('hunter2')),
        table,
      ).toEqual([]);
    }
    await codepipeline.send(new DeletePipelineCommand({ name: 'secret' }));
  });

  it('carries tags', async () => {
    await create(threeStages('tagged'));
    const resourceArn = `arn:aws:codepipeline:${sluice.region}:${sluice.account}:tagged`;
    await codepipeline.send(
      new TagResourceCommand({
        resourceArn,
        tags: [
          { key: 'a', value: '1' },
          { key: 'b', value: '2' },
        ],
      }),
    );
    await codepipeline.send(new UntagResourceCommand({ resourceArn, tagKeys: ['a'] }));
    const { tags } = await codepipeline.send(new ListTagsForResourceCommand({ resourceArn }));
    expect(tags).toEqual([{ key: 'b', value: '2' }]);
    await codepipeline.send(new DeletePipelineCommand({ name: 'tagged' }));
  });
});

describe('an execution', () => {
  it('runs its stages one after the other, and hands variables on', async () => {
    const id = await create(
      pipelineOf(
        'run',
        [
          { name: 'Source', actions: [noOp('Fetch', 'Source', { namespace: 'Src' })] },
          {
            name: 'Build',
            actions: [
              noOp('Compile', 'Build', {
                configuration: { Say: '#{Src.Commit} of #{codepipeline.PipelineExecutionId} #{variables.Mood}' },
              }),
            ],
          },
        ],
        { pipelineType: 'V2', variables: [{ name: 'Mood', defaultValue: 'calm' }] },
      ),
    );
    await succeed('Source', { Commit: 'abc' });
    const { data } = await succeed();
    expect(data.actionConfiguration?.configuration).toEqual({ Say: `abc of ${id} calm` });
    await reaches('run', id, 'Succeeded');
    const { actionExecutionDetails = [] } = await codepipeline.send(
      new ListActionExecutionsCommand({ pipelineName: 'run', filter: { pipelineExecutionId: id } }),
    );
    expect(actionExecutionDetails.map((detail) => [detail.actionName, detail.status])).toEqual([
      ['Compile', 'Succeeded'],
      ['Fetch', 'Succeeded'],
    ]);
    expect(actionExecutionDetails[1]?.output?.outputVariables).toEqual({ Commit: 'abc' });
    const state = await stageState('run', 'Build');
    expect(state?.latestExecution).toEqual({ pipelineExecutionId: id, status: 'Succeeded', type: 'STANDARD' });
    expect(state?.actionStates?.[0]?.latestExecution?.status).toBe('Succeeded');
    expect(state?.inboundTransitionState).toEqual({ enabled: true });
  });

  it('is started once per client token, and lists newest first by pages', async () => {
    const start = { name: 'run', clientRequestToken: 'token-1', variables: [{ name: 'Mood', value: 'wild' }] };
    const first = await codepipeline.send(new StartPipelineExecutionCommand(start));
    const again = await codepipeline.send(new StartPipelineExecutionCommand(start));
    expect(again.pipelineExecutionId).toBe(first.pipelineExecutionId);
    await succeed('Source', { Commit: 'def' });
    await succeed();
    await reaches('run', first.pipelineExecutionId ?? '', 'Succeeded');
    const later = await codepipeline.send(new StartPipelineExecutionCommand(start));
    expect(later.pipelineExecutionId).toBe(first.pipelineExecutionId);
    const page = await codepipeline.send(new ListPipelineExecutionsCommand({ pipelineName: 'run', maxResults: 1 }));
    expect(page.pipelineExecutionSummaries?.[0]).toMatchObject({
      pipelineExecutionId: first.pipelineExecutionId,
      trigger: { triggerType: 'StartPipelineExecution' },
    });
    const rest = await codepipeline.send(
      new ListPipelineExecutionsCommand({ pipelineName: 'run', nextToken: page.nextToken }),
    );
    expect(rest.pipelineExecutionSummaries?.[0]?.trigger?.triggerType).toBe('CreatePipeline');
    const { pipelineExecution } = await codepipeline.send(
      new GetPipelineExecutionCommand({ pipelineName: 'run', pipelineExecutionId: first.pipelineExecutionId }),
    );
    expect(pipelineExecution?.variables).toEqual([{ name: 'Mood', resolvedValue: 'wild' }]);
    await expect(
      codepipeline.send(new ListPipelineExecutionsCommand({ pipelineName: 'run', nextToken: 'nonsense' })),
    ).rejects.toMatchObject({ name: 'InvalidNextTokenException' });
    await codepipeline.send(new DeletePipelineCommand({ name: 'run' }));
  });

  it('supersedes the one that waits, at a stage that is held', async () => {
    const first = await create(threeStages('held'));
    await codepipeline.send(
      new DisableStageTransitionCommand({
        pipelineName: 'held',
        stageName: 'Build',
        transitionType: 'Inbound',
        reason: 'freeze',
      }),
    );
    await succeed('Source');
    const { pipelineExecutionId: second = '' } = await codepipeline.send(
      new StartPipelineExecutionCommand({ name: 'held' }),
    );
    await succeed('Source');
    await reaches('held', first, 'Superseded');
    const state = await stageState('held', 'Build');
    expect(state?.inboundExecution?.pipelineExecutionId).toBe(second);
    expect(state?.inboundTransitionState).toMatchObject({ enabled: false, disabledReason: 'freeze' });
    await codepipeline.send(
      new EnableStageTransitionCommand({ pipelineName: 'held', stageName: 'Build', transitionType: 'Inbound' }),
    );
    await succeed();
    await succeed();
    await reaches('held', second, 'Succeeded');
    await expect(
      codepipeline.send(
        new EnableStageTransitionCommand({ pipelineName: 'held', stageName: 'Nowhere', transitionType: 'Inbound' }),
      ),
    ).rejects.toMatchObject({ name: 'StageNotFoundException' });
    await codepipeline.send(new DeletePipelineCommand({ name: 'held' }));
  });

  it('fails with the reason, and goes on when its stage is retried', async () => {
    const id = await create(threeStages('retried'));
    await succeed('Source');
    await fail();
    await reaches('retried', id, 'Failed');
    const failed = await stageState('retried', 'Build');
    expect(failed?.actionStates?.[0]?.latestExecution?.errorDetails).toEqual({ code: 'JobFailed', message: 'red' });
    const retry = { pipelineName: 'retried', stageName: 'Build', pipelineExecutionId: id } as const;
    await codepipeline.send(new RetryStageExecutionCommand({ ...retry, retryMode: 'FAILED_ACTIONS' }));
    await succeed();
    await succeed();
    await reaches('retried', id, 'Succeeded');
    await expect(
      codepipeline.send(new RetryStageExecutionCommand({ ...retry, retryMode: 'ALL_ACTIONS' })),
    ).rejects.toMatchObject({ name: 'StageNotRetryableException' });
    const all = await codepipeline.send(new ListActionExecutionsCommand({ pipelineName: 'retried', maxResults: 2 }));
    expect(all.actionExecutionDetails?.map((detail) => detail.actionName)).toEqual(['Ship', 'Compile']);
    const older = await codepipeline.send(
      new ListActionExecutionsCommand({ pipelineName: 'retried', nextToken: all.nextToken }),
    );
    expect(older.actionExecutionDetails?.map((detail) => [detail.actionName, detail.status])).toEqual([
      ['Compile', 'Failed'],
      ['Fetch', 'Succeeded'],
    ]);
    await codepipeline.send(new DeletePipelineCommand({ name: 'retried' }));
  });

  it('stops: waiting for its action, or abandoning it', async () => {
    const id = await create(threeStages('stopped'));
    const { jobId } = await take('Source');
    const stop = { pipelineName: 'stopped', pipelineExecutionId: id };
    await codepipeline.send(new StopPipelineExecutionCommand({ ...stop, reason: 'enough' }));
    expect(await statusOf('stopped', id)).toBe('Stopping');
    await expect(codepipeline.send(new StopPipelineExecutionCommand(stop))).rejects.toMatchObject({
      name: 'DuplicatedStopRequestException',
    });
    await codepipeline.send(new StopPipelineExecutionCommand({ ...stop, abandon: true }));
    await reaches('stopped', id, 'Stopped');
    await expect(codepipeline.send(new PutJobSuccessResultCommand({ jobId }))).rejects.toMatchObject({
      name: 'InvalidJobStateException',
    });
    await expect(codepipeline.send(new StopPipelineExecutionCommand(stop))).rejects.toMatchObject({
      name: 'PipelineExecutionNotStoppableException',
    });
    const { pipelineExecutionSummaries = [] } = await codepipeline.send(
      new ListPipelineExecutionsCommand({ pipelineName: 'stopped' }),
    );
    expect(pipelineExecutionSummaries[0]?.stopTrigger).toEqual({ reason: 'enough' });
    await codepipeline.send(new DeletePipelineCommand({ name: 'stopped' }));
  });

  it('is cancelled when the definition changes', async () => {
    const pipeline = threeStages('edited');
    const id = await create(pipeline);
    const { jobId } = await take('Source');
    await codepipeline.send(new UpdatePipelineCommand({ pipeline }));
    expect(await statusOf('edited', id)).toBe('InProgress');
    await codepipeline.send(new PutJobSuccessResultCommand({ jobId }));
    await reaches('edited', id, 'Cancelled');
    await codepipeline.send(new DeletePipelineCommand({ name: 'edited' }));
  });

  it('does not wait for an approval that the new definition no longer has', async () => {
    const ask: Action = {
      name: 'Ask',
      actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' },
    };
    const pipeline = threeStages('ungated');
    const [source = { name: '', actions: [] }, ...rest] = pipeline.stages ?? [];
    const id = await create({ ...pipeline, stages: [source, { name: 'Gate', actions: [ask] }, ...rest] });
    await succeed('Source');
    const token = await until('the approval', async () => {
      const state = await stageState('ungated', 'Gate');
      return state?.actionStates?.[0]?.latestExecution?.token;
    });
    await codepipeline.send(new UpdatePipelineCommand({ pipeline }));
    expect(await statusOf('ungated', id)).toBe('Cancelled');
    const { actionExecutionDetails = [] } = await codepipeline.send(
      new ListActionExecutionsCommand({ pipelineName: 'ungated', filter: { pipelineExecutionId: id } }),
    );
    expect(actionExecutionDetails[0]).toMatchObject({
      stageName: 'Gate',
      actionName: 'Ask',
      status: 'Abandoned',
      output: {
        executionResult: { externalExecutionSummary: 'Version 2 of the pipeline does not have this approval' },
      },
    });
    const late = { pipelineName: 'ungated', stageName: 'Gate', actionName: 'Ask', token };
    await expect(
      codepipeline.send(new PutApprovalResultCommand({ ...late, result: { status: 'Approved', summary: '' } })),
    ).rejects.toMatchObject({ name: expect.stringMatching(/^(ApprovalAlreadyCompleted|StageNotFound)Exception$/) });
    await codepipeline.send(new DeletePipelineCommand({ name: 'ungated' }));
  });

  it('fails an action that takes longer than it may', async () => {
    const id = await create(threeStages('slow'));
    await take('Source');
    await sluice.clock.advance('P1DT1M');
    await reaches('slow', id, 'Failed');
    const state = await stageState('slow', 'Source');
    expect(state?.actionStates?.[0]?.latestExecution?.errorDetails?.code).toBe('Timeout');
    await codepipeline.send(new DeletePipelineCommand({ name: 'slow' }));
  });
});

describe('jobs', () => {
  it('are handed out under a nonce that counts once, and again if nobody acknowledges', async () => {
    await create(threeStages('jobs'));
    const job = await until('a job', async () => (await poll('Source'))[0]);
    expect(job.data?.pipelineContext).toMatchObject({ pipelineName: 'jobs', stage: { name: 'Source' } });
    expect(job.data?.artifactCredentials?.sessionToken).toBeTruthy();
    expect(await poll('Source')).toEqual([]);
    await sluice.clock.advance('PT2M');
    const again = await until('the job again', async () => (await poll('Source'))[0]);
    expect(again.id).toBe(job.id);
    await expect(
      codepipeline.send(new AcknowledgeJobCommand({ jobId: job.id, nonce: job.nonce })),
    ).rejects.toMatchObject({ name: 'InvalidNonceException' });
    await codepipeline.send(new AcknowledgeJobCommand({ jobId: again.id, nonce: again.nonce }));
    const { jobDetails } = await codepipeline.send(new GetJobDetailsCommand({ jobId: job.id }));
    expect(jobDetails?.data?.actionTypeId?.provider).toBe('NoOp');
    await codepipeline.send(
      new PutJobSuccessResultCommand({
        jobId: job.id,
        continuationToken: 'half',
        executionDetails: { percentComplete: 50, summary: 'half way' },
      }),
    );
    const state = await stageState('jobs', 'Source');
    expect(state?.actionStates?.[0]?.latestExecution).toMatchObject({
      status: 'InProgress',
      percentComplete: 50,
      summary: 'half way',
    });
    const next = await take('Source');
    expect(next.jobId).not.toBe(job.id);
    expect(next.data.continuationToken).toBe('half');
    await expect(
      codepipeline.send(new GetJobDetailsCommand({ jobId: '00000000-0000-4000-8000-000000000000' })),
    ).rejects.toMatchObject({ name: 'JobNotFoundException' });
    await codepipeline.send(new DeletePipelineCommand({ name: 'jobs' }));
  });

  it('deliver output artifacts with the credentials they came with', async () => {
    const id = await create(
      pipelineOf('outputs', [
        { name: 'Source', actions: [noOp('Fetch', 'Source', { outputArtifacts: [{ name: 'Code' }] })] },
        { name: 'Build', actions: [noOp('Compile', 'Build', { inputArtifacts: [{ name: 'Code' }] })] },
      ]),
    );
    const { jobId, data } = await take('Source');
    const place = data.outputArtifacts?.[0]?.location?.s3Location;
    expect(place?.objectKey).toMatch(/^outputs\/Code\/[A-Za-z0-9]{7}$/);
    const worker = new S3Client({
      ...sluice.clientConfig({ credentials: data.artifactCredentials as never }),
      forcePathStyle: true,
    });
    await worker.send(
      new PutObjectCommand({
        Bucket: place?.bucketName,
        Key: place?.objectKey,
        Body: 'the code',
        ServerSideEncryption: 'aws:kms',
      }),
    );
    await expect(worker.send(new PutObjectCommand({ Bucket: 'site', Key: 'stolen', Body: 'x' }))).rejects.toMatchObject(
      { name: 'AccessDenied' },
    );
    await codepipeline.send(new PutJobSuccessResultCommand({ jobId }));
    const build = await take();
    expect(build.data.inputArtifacts?.[0]?.location?.s3Location).toEqual(place);
    await codepipeline.send(new PutJobSuccessResultCommand({ jobId: build.jobId }));
    await reaches('outputs', id, 'Succeeded');
    await codepipeline.send(new DeletePipelineCommand({ name: 'outputs' }));
  });
});

describe('action types', () => {
  it('are listed, described, and refused a second definition', async () => {
    const { actionTypes = [] } = await codepipeline.send(new ListActionTypesCommand({}));
    expect(actionTypes.map(({ id }) => `${id?.category}/${id?.owner}/${id?.provider}`)).toEqual(
      expect.arrayContaining(['Source/AWS/S3', 'Deploy/AWS/CodeDeploy', 'Build/Custom/NoOp']),
    );
    const { actionType } = await codepipeline.send(
      new GetActionTypeCommand({ category: 'Deploy', owner: 'AWS', provider: 'S3', version: '1' }),
    );
    expect(actionType?.properties?.find((property) => property.name === 'BucketName')?.optional).toBe(false);
    const type = {
      category: 'Test',
      provider: 'Once',
      version: '1',
      inputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
      outputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
    } as const;
    await codepipeline.send(new CreateCustomActionTypeCommand(type));
    await codepipeline.send(new DeleteCustomActionTypeCommand(type));
    const actionTypeId = { category: 'Test', owner: 'Custom', provider: 'Once', version: '1' } as const;
    await expect(codepipeline.send(new PollForJobsCommand({ actionTypeId }))).rejects.toMatchObject({
      name: 'ActionTypeNotFoundException',
    });
    const other = { ...type, inputArtifactDetails: { minimumCount: 0, maximumCount: 1 } };
    await expect(codepipeline.send(new CreateCustomActionTypeCommand(other))).rejects.toMatchObject({
      name: 'ActionTypeAlreadyExistsException',
    });
    await codepipeline.send(new CreateCustomActionTypeCommand(type));
    expect(await codepipeline.send(new PollForJobsCommand({ actionTypeId }))).toMatchObject({ jobs: [] });
  });
});

describe('from S3 by approval to S3', () => {
  const approve = async (status: 'Approved' | 'Rejected') => {
    const token = await until('the approval', async () => {
      const state = await stageState('site', 'Approve');
      return state?.actionStates?.[0]?.latestExecution?.token;
    });
    const request = { pipelineName: 'site', stageName: 'Approve', actionName: 'Ask', token };
    await codepipeline.send(new PutApprovalResultCommand({ ...request, result: { status, summary: 'seen' } }));
    return request;
  };

  it('deploys the very files of the source object, encrypted on the way', async () => {
    const body = await zipOf({ 'index.html': '<h1>hello</h1>', 'css/site.css': 'h1 {}' });
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: 'source', Key: 'site.zip', Body: body }));
    const id = await create(
      pipelineOf('site', [
        {
          name: 'Source',
          actions: [
            {
              name: 'Fetch',
              actionTypeId: { category: 'Source', owner: 'AWS', provider: 'S3', version: '1' },
              configuration: { S3Bucket: 'source', S3ObjectKey: 'site.zip' },
              outputArtifacts: [{ name: 'Site' }],
              namespace: 'Src',
            },
          ],
        },
        {
          name: 'Approve',
          actions: [
            {
              name: 'Ask',
              actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' },
              configuration: { CustomData: 'version #{Src.VersionId}' },
            },
          ],
        },
        {
          name: 'Deploy',
          actions: [
            {
              name: 'Publish',
              actionTypeId: { category: 'Deploy', owner: 'AWS', provider: 'S3', version: '1' },
              configuration: { BucketName: 'site', Extract: 'true', ObjectKey: 'www' },
              inputArtifacts: [{ name: 'Site' }],
            },
          ],
        },
      ]),
    );
    const request = await approve('Approved');
    await reaches('site', id, 'Succeeded');
    await expect(
      codepipeline.send(new PutApprovalResultCommand({ ...request, result: { status: 'Approved', summary: '' } })),
    ).rejects.toMatchObject({ name: 'ApprovalAlreadyCompletedException' });
    const page = await s3.send(new GetObjectCommand({ Bucket: 'site', Key: 'www/index.html' }));
    expect(await page.Body?.transformToString()).toBe('<h1>hello</h1>');
    expect(page.ContentType).toBe('text/html');
    const { pipelineExecution } = await codepipeline.send(
      new GetPipelineExecutionCommand({ pipelineName: 'site', pipelineExecutionId: id }),
    );
    expect(pipelineExecution?.artifactRevisions?.[0]).toMatchObject({
      name: 'Site',
      revisionId: VersionId,
      revisionSummary: `Amazon S3 version id: ${VersionId}`,
    });
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'artifacts', Prefix: 'site/Site/' }));
    expect(Contents).toHaveLength(1);
    const head = await s3.send(new HeadObjectCommand({ Bucket: 'artifacts', Key: Contents[0]?.Key }));
    expect(head.ServerSideEncryption).toBe('aws:kms');
    const state = await stageState('site', 'Approve');
    expect(state?.actionStates?.[0]?.latestExecution).toMatchObject({ status: 'Succeeded', summary: 'seen' });
    expect(state?.actionStates?.[0]?.latestExecution?.token).toBeUndefined();
  });

  it('starts by itself when a polled source changes, and a rejection fails it', async () => {
    await s3.send(new PutObjectCommand({ Bucket: 'source', Key: 'site.zip', Body: await zipOf({ a: '1' }) }));
    await sluice.clock.advance('PT61S');
    const id = await until('an execution by poll', async () => {
      const { pipelineExecutionSummaries = [] } = await codepipeline.send(
        new ListPipelineExecutionsCommand({ pipelineName: 'site' }),
      );
      const [newest] = pipelineExecutionSummaries;
      return newest?.trigger?.triggerType === 'PollForSourceChanges' && newest.pipelineExecutionId;
    });
    await approve('Rejected');
    await reaches('site', id, 'Failed');
    await expect(
      codepipeline.send(
        new PutApprovalResultCommand({
          pipelineName: 'site',
          stageName: 'Approve',
          actionName: 'Ask',
          token: '00000000-0000-4000-8000-000000000000',
          result: { status: 'Approved', summary: '' },
        }),
      ),
    ).rejects.toMatchObject({ name: 'InvalidApprovalTokenException' });
  });

  it('refuses an artifact that is not what its producer made', async () => {
    const { pipelineExecutionId: id = '' } = await codepipeline.send(
      new StartPipelineExecutionCommand({ name: 'site' }),
    );
    await until('the approval', async () => {
      const state = await stageState('site', 'Approve');
      return state?.latestExecution?.pipelineExecutionId === id && state.latestExecution.status === 'InProgress';
    });
    const { actionExecutionDetails = [] } = await codepipeline.send(
      new ListActionExecutionsCommand({ pipelineName: 'site', filter: { pipelineExecutionId: id } }),
    );
    const place = actionExecutionDetails.at(-1)?.output?.outputArtifacts?.[0]?.s3location;
    await s3.send(new PutObjectCommand({ Bucket: place?.bucket, Key: place?.key, Body: await zipOf({ evil: '1' }) }));
    await approve('Approved');
    await reaches('site', id, 'Failed');
    const state = await stageState('site', 'Deploy');
    expect(state?.actionStates?.[0]?.latestExecution?.errorDetails?.message).toContain('is not what its producer made');
  });

  it('says which grant is missing when the role lacks one', async () => {
    const poor = await createRole('poor-role', 'codepipeline.amazonaws.com', ['s3:GetObject*']);
    const { pipeline } = await codepipeline.send(new GetPipelineCommand({ name: 'site' }));
    await codepipeline.send(
      new UpdatePipelineCommand({ pipeline: { ...(pipeline as PipelineDeclaration), roleArn: poor } }),
    );
    const { pipelineExecutionId: id = '' } = await codepipeline.send(
      new StartPipelineExecutionCommand({ name: 'site' }),
    );
    await reaches('site', id, 'Failed');
    const state = await stageState('site', 'Source');
    const error = state?.actionStates?.[0]?.latestExecution?.errorDetails;
    expect(error?.code).toBe('PermissionError');
    expect(error?.message).toContain('s3:GetBucketVersioning');
    await codepipeline.send(new DeletePipelineCommand({ name: 'site' }));
  });
});

describe('a deploy action', () => {
  it('fails at once, with the words of the refusal, while another deployment of its group is under way', async () => {
    const config = { ...sluice.clientConfig(), maxAttempts: 1 };
    const codedeploy = new CodeDeployClient(config);
    const lambda = new LambdaClient(config);
    const mayAll = ['lambda:*', 's3:*', 'kms:*', 'codedeploy:*'];
    const Role = await createRole('function-role', 'lambda.amazonaws.com', ['logs:*']);
    const serviceRoleArn = await createRole('deployer-role', 'codedeploy.amazonaws.com', mayAll);
    const deployAsIs = await createRole('delivery-role', 'codepipeline.amazonaws.com', mayAll);
    const FunctionName = 'shop';
    const code = (version: number) => zipOf({ 'index.mjs': `export const handler = async () => ${version};` });
    const Code = { ZipFile: await code(1) };
    await lambda.send(
      new CreateFunctionCommand({ FunctionName, Role, Runtime: 'nodejs20.x', Handler: 'index.handler', Code }),
    );
    await lambda.send(new PublishVersionCommand({ FunctionName }));
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: await code(2), Publish: true }));
    await lambda.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    const group = { applicationName: 'shop', deploymentGroupName: 'live' };
    await codedeploy.send(new CreateApplicationCommand({ applicationName: 'shop', computePlatform: 'Lambda' }));
    await codedeploy.send(new CreateDeploymentGroupCommand({ ...group, serviceRoleArn }));
    const appspec =
      '{"version":0.0,"Resources":[{"shop":{"Type":"AWS::Lambda::Function",' +
      '"Properties":{"Name":"shop","Alias":"live","CurrentVersion":"1","TargetVersion":"2"}}}]}';
    const { deploymentId } = await codedeploy.send(
      new CreateDeploymentCommand({
        ...group,
        deploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
        revision: { revisionType: 'AppSpecContent', appSpecContent: { content: appspec } },
      }),
    );
    await s3.send(
      new PutObjectCommand({ Bucket: 'source', Key: 'shop.zip', Body: await zipOf({ 'appspec.json': appspec }) }),
    );
    const aws = (category: 'Source' | 'Deploy', provider: string) =>
      ({ category, owner: 'AWS', provider, version: '1' }) as const;
    const release = { name: 'Release' };
    const fetch = {
      name: 'Fetch',
      actionTypeId: aws('Source', 'S3'),
      configuration: { S3Bucket: 'source', S3ObjectKey: 'shop.zip', PollForSourceChanges: 'false' },
      outputArtifacts: [release],
    };
    const shift = {
      name: 'Shift',
      actionTypeId: aws('Deploy', 'CodeDeploy'),
      configuration: { ApplicationName: 'shop', DeploymentGroupName: 'live' },
      inputArtifacts: [release],
    };
    const stages = [
      { name: 'Source', actions: [fetch] },
      { name: 'Deploy', actions: [shift] },
    ];
    const id = await create(pipelineOf('shop', stages, { roleArn: deployAsIs }));
    // No time passes: nothing is tried a second time.
    await reaches('shop', id, 'Failed');
    const state = await stageState('shop', 'Deploy');
    expect(state?.actionStates?.[0]?.latestExecution?.errorDetails).toEqual({
      code: 'JobFailed',
      message: `The Deployment Group 'live' already has an active Deployment '${deploymentId}'`,
    });
    await codepipeline.send(new DeletePipelineCommand({ name: 'shop' }));
    for (const client of [codedeploy, lambda]) client.destroy();
  });
});

describe('PutActionRevision', () => {
  it('starts the pipeline for a revision it has not seen', async () => {
    await create(threeStages('pushed'));
    const push = {
      pipelineName: 'pushed',
      stageName: 'Source',
      actionName: 'Fetch',
      actionRevision: { revisionId: 'r1', revisionChangeId: 'c1', created: new Date(0) },
    };
    const first = await codepipeline.send(new PutActionRevisionCommand(push));
    expect(first.newRevision).toBe(true);
    expect(await codepipeline.send(new PutActionRevisionCommand(push))).toMatchObject({
      newRevision: false,
      pipelineExecutionId: first.pipelineExecutionId,
    });
    await codepipeline.send(new DeletePipelineCommand({ name: 'pushed' }));
  });
});
