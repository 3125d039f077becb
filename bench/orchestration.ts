/**
 * A pipeline of five stages whose actions do nothing: an S3 source and four custom actions, each answered by a job worker that
 * polls. From the trigger to Succeeded, through the public API.
 */
import { CodePipelineClient, CreateCustomActionTypeCommand, CreatePipelineCommand } from '@aws-sdk/client-codepipeline';
import { PutRolePolicyCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { leanClient, type LeanClient } from './lean-client.ts';
import { type Row, spread } from './measure.ts';

const ALL = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});

const RUNS = 40;
const WARM_UP = 5;

type Config = Readonly<{
  endpoint: string;
  region: string;
  credentials: Readonly<{ accessKeyId: string; secretAccessKey: string }>;
}>;

export async function benchOrchestration(endpoint: string): Promise<Row[]> {
  const config = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  await makePipeline(config, new CodePipelineClient(config));
  const client = leanClient(endpoint, 4);
  let working = true;
  const worker = work(client, () => working);
  const took: number[] = [];
  try {
    for (let run = 0; run < RUNS + WARM_UP; run++) {
      const startedAt = performance.now();
      const { pipelineExecutionId } = await client.call<{ pipelineExecutionId: string }>(
        'codepipeline',
        'StartPipelineExecution',
        { name: 'noop' },
      );
      await ended(client, pipelineExecutionId);
      if (run >= WARM_UP) took.push(performance.now() - startedAt);
    }
  } finally {
    working = false;
    await worker;
    await client.close();
  }
  return [{ name: 'five stages of no-op actions, trigger to Succeeded', unit: 'ms', ...spread(took), target: '≤ 100' }];
}

async function ended(client: LeanClient, pipelineExecutionId: string): Promise<void> {
  for (;;) {
    const { pipelineExecution } = await client.call<{ pipelineExecution: { status: string } }>(
      'codepipeline',
      'GetPipelineExecution',
      { pipelineName: 'noop', pipelineExecutionId },
    );
    if (pipelineExecution.status === 'Succeeded') return;
    if (pipelineExecution.status !== 'InProgress') throw new Error(`the execution ended ${pipelineExecution.status}`);
    await pause();
  }
}

/** Answers every job at once. */
async function work(client: LeanClient, working: () => boolean): Promise<void> {
  const actionTypeId = { category: 'Test', owner: 'Custom', provider: 'Noop', version: '1' };
  while (working()) {
    const { jobs = [] } = await client.call<{ jobs?: readonly { id: string; nonce: string }[] }>(
      'codepipeline',
      'PollForJobs',
      { actionTypeId, maxBatchSize: 10 },
    );
    for (const { id, nonce } of jobs) {
      await client.call('codepipeline', 'AcknowledgeJob', { jobId: id, nonce });
      await client.call('codepipeline', 'PutJobSuccessResult', { jobId: id });
    }
    if (jobs.length === 0) await pause();
  }
}

/** Both poll every two milliseconds: often enough to measure by, seldom enough not to be the load. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}

async function makePipeline(config: Config, codepipeline: CodePipelineClient): Promise<void> {
  const iam = new IAMClient(config);
  const trust = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'codepipeline.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  });
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'noop', AssumeRolePolicyDocument: trust }));
  await iam.send(new PutRolePolicyCommand({ RoleName: 'noop', PolicyName: 'all', PolicyDocument: ALL }));
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'noop' }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'noop', VersioningConfiguration: { Status: 'Enabled' } }));
  // The smallest zip there is: an empty one.
  const emptyZip = Buffer.from([0x50, 0x4b, 5, 6, ...Array.from({ length: 18 }, () => 0)]);
  await s3.send(new PutObjectCommand({ Bucket: 'noop', Key: 'source.zip', Body: emptyZip }));
  await codepipeline.send(
    new CreateCustomActionTypeCommand({
      category: 'Test',
      provider: 'Noop',
      version: '1',
      inputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
      outputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
    }),
  );
  const noop = (name: string): object => ({
    name,
    actions: [
      {
        name: 'Noop',
        actionTypeId: { category: 'Test' as const, owner: 'Custom' as const, provider: 'Noop', version: '1' },
      },
    ],
  });
  await codepipeline.send(
    new CreatePipelineCommand({
      pipeline: {
        name: 'noop',
        roleArn: Role?.Arn ?? '',
        artifactStore: { type: 'S3', location: 'noop' },
        stages: [
          {
            name: 'Source',
            actions: [
              {
                name: 'Object',
                actionTypeId: { category: 'Source', owner: 'AWS', provider: 'S3', version: '1' },
                configuration: { S3Bucket: 'noop', S3ObjectKey: 'source.zip', PollForSourceChanges: 'false' },
                outputArtifacts: [{ name: 'source' }],
              },
            ],
          },
          ...(['Two', 'Three', 'Four', 'Five'].map(noop) as []),
        ],
      },
    }),
  );
}
