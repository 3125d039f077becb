/**
 * Requests a second of three calls, on Sluice and on another endpoint of the AWS API, turn about in one run: signed
 * requests over kept-alive connections. Sluice authenticates, authorises, validates, audits and commits; what the other
 * does is its own affair.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { Pool } from 'undici';
import {
  CodeDeployClient,
  CreateApplicationCommand,
  CreateDeploymentCommand,
  CreateDeploymentGroupCommand,
} from '@aws-sdk/client-codedeploy';
import { CodePipelineClient, CreatePipelineCommand } from '@aws-sdk/client-codepipeline';
import { PutRolePolicyCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { signRequest, type SigningCredentials } from '../src/protocol/index.ts';
import { wallNow } from '../src/app/system.ts';
import { quantile, type Row } from './measure.ts';

const ALL = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});

const REGION = 'us-east-1';
const CONNECTIONS = 8;
const SLICE_MS = 1_500;
const ROUNDS = 3;
/** Slices that are not counted: until the hot paths are compiled. */
const WARM_UP = 2;

export type Prepared = Readonly<{ name: string; target: string; service: string; body: string }>;

export async function benchApi(endpoint: string, against: string | undefined): Promise<Row[]> {
  const other = against === undefined ? await startMoto() : { url: against, stop: async () => {} };
  const calls = await prepare(endpoint);
  let otherCalls: readonly Prepared[] = [];
  if (other !== undefined)
    otherCalls = await prepare(other.url).catch((error: unknown) => {
      process.stderr.write(`bench: ${other.url} could not be prepared: ${String(error)}\n`);
      return [];
    });
  const rows: Row[] = [];
  try {
    for (const [index, call] of calls.entries()) {
      const ours: number[] = [];
      const theirs: number[] = [];
      const latencies: number[] = [];
      let refusal: string | undefined;
      for (let round = -WARM_UP; round < ROUNDS; round++) {
        const rate = await requestsPerSecond(endpoint, call, round < 0 ? [] : latencies);
        if (round >= 0) ours.push(rate);
        const rival = otherCalls[index];
        if (other === undefined || rival === undefined || refusal !== undefined) continue;
        try {
          const theirRate = await requestsPerSecond(other.url, rival, []);
          if (round >= 0) theirs.push(theirRate);
        } catch (error) {
          refusal = `the other cannot: ${String(error).split('\n')[0]?.slice(7, 60)}`;
        }
      }
      const mine = quantile(ours, 0.5);
      const his = theirs.length === 0 ? undefined : quantile(theirs, 0.5);
      rows.push({
        name: call.name,
        unit: 'requests/s',
        value: mine,
        target: '≥ 3 × moto',
        ...(his === undefined
          ? { note: refusal ?? 'nothing to compare with' }
          : { note: `${(mine / his).toFixed(1)} × the other's ${his.toFixed(0)}` }),
      });
      rows.push({
        name: `  latency, ${CONNECTIONS} connections`,
        unit: 'ms',
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
      });
    }
  } finally {
    await other?.stop();
  }
  return rows;
}

export async function prepare(endpoint: string): Promise<readonly Prepared[]> {
  const config = { endpoint, region: REGION, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  const iam = new IAMClient(config);
  const role = async (name: string, service: string): Promise<string> => {
    const trust = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
    });
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: trust }));
    await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: 'all', PolicyDocument: ALL }));
    return Role?.Arn ?? '';
  };
  const pipelineRole = await role('bench-pipeline', 'codepipeline.amazonaws.com');
  const deployRole = await role('bench-deploy', 'codedeploy.amazonaws.com');
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'bench-source' }));
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: 'bench-source', VersioningConfiguration: { Status: 'Enabled' } }),
  );
  await new CodePipelineClient(config).send(
    new CreatePipelineCommand({
      pipeline: {
        name: 'bench',
        roleArn: pipelineRole,
        artifactStore: { type: 'S3', location: 'bench-source' },
        stages: [
          {
            name: 'Source',
            actions: [
              {
                name: 'Object',
                actionTypeId: { category: 'Source', owner: 'AWS', provider: 'S3', version: '1' },
                configuration: { S3Bucket: 'bench-source', S3ObjectKey: 'nothing.zip', PollForSourceChanges: 'false' },
                outputArtifacts: [{ name: 'source' }],
              },
            ],
          },
          {
            name: 'Approve',
            actions: [
              {
                name: 'Person',
                actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' },
              },
            ],
          },
        ],
      },
    }),
  );
  const codedeploy = new CodeDeployClient(config);
  await codedeploy.send(new CreateApplicationCommand({ applicationName: 'bench', computePlatform: 'Lambda' }));
  await codedeploy.send(
    new CreateDeploymentGroupCommand({
      applicationName: 'bench',
      deploymentGroupName: 'bench',
      serviceRoleArn: deployRole,
      deploymentConfigName: 'CodeDeployDefault.LambdaAllAtOnce',
      deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
    }),
  );
  const appSpec = JSON.stringify({
    version: 0.0,
    Resources: [
      {
        f: {
          Type: 'AWS::Lambda::Function',
          Properties: { Name: 'nobody', Alias: 'live', CurrentVersion: '1', TargetVersion: '2' },
        },
      },
    ],
  });
  const { deploymentId } = await codedeploy.send(
    new CreateDeploymentCommand({
      applicationName: 'bench',
      deploymentGroupName: 'bench',
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content: appSpec } },
    }),
  );
  return [
    {
      name: 'GetPipeline',
      service: 'codepipeline',
      target: 'CodePipeline_20150709.GetPipeline',
      body: JSON.stringify({ name: 'bench' }),
    },
    {
      name: 'GetDeployment',
      service: 'codedeploy',
      target: 'CodeDeploy_20141006.GetDeployment',
      body: JSON.stringify({ deploymentId }),
    },
    {
      name: 'StartPipelineExecution',
      service: 'codepipeline',
      target: 'CodePipeline_20150709.StartPipelineExecution',
      body: JSON.stringify({ name: 'bench' }),
    },
  ];
}

export async function requestsPerSecond(
  endpoint: string,
  call: Prepared,
  latencies: number[],
  credentials: SigningCredentials = { accessKeyId: 'test', secretAccessKey: 'test' },
): Promise<number> {
  const pool = new Pool(endpoint, { connections: CONNECTIONS, pipelining: 1 });
  const { host } = new URL(endpoint);
  const headers = signRequest(
    {
      method: 'POST',
      url: '/',
      headers: { host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': call.target },
      body: call.body,
    },
    {
      credentials,
      region: REGION,
      service: call.service,
      nowMs: wallNow(),
    },
  );
  const startedAt = performance.now();
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - startedAt < SLICE_MS) {
      const sentAt = performance.now();
      const response = await pool.request({ method: 'POST', path: '/', headers, body: call.body });
      const text = await response.body.text();
      if (response.statusCode !== 200)
        throw new Error(`${call.name} answered ${response.statusCode}: ${text.slice(0, 300)}`);
      latencies.push(performance.now() - sentAt);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  await pool.close();
  return done / seconds;
}

/** moto's server, where this machine has it. */
async function startMoto(): Promise<Readonly<{ url: string; stop(): Promise<void> }> | undefined> {
  const port = await freePort();
  const child: ChildProcess = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const failed = new Promise<true>((resolve) => child.once('error', () => resolve(true)));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 200; tries++) {
    const up = await Promise.race([
      failed.then(() => 'failed' as const),
      fetch(`${url}/moto-api/`).then(
        () => 'up' as const,
        () => 'down' as const,
      ),
    ]);
    if (up === 'up') return { url, stop: async () => void (child.kill('SIGTERM'), await exited) };
    if (up === 'failed') return undefined;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill('SIGKILL');
  return undefined;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}
