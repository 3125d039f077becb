/** A warm, weighted Invoke through the front door, against the same function called through its process alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { ZipFile } from 'yazl';
import { Pool } from 'undici';
import { SluiceProcess } from '../demo/sluice-process.ts';
import { signRequest } from '../src/protocol/index.ts';
import { wallNow } from '../src/app/system.ts';
import { quantile, type Row, spread } from './measure.ts';
import { directFunction } from './direct-function.ts';

const CALLS = 600;

export async function benchInvoke(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const sluice = new SluiceProcess({ stateDir: join(folder, 'state'), clock: 'real' });
  const direct = await directFunction();
  try {
    await sluice.start();
    await makeFunction(sluice.endpoint);
    const ours: number[] = [];
    const theirs: number[] = [];
    const pool = new Pool(sluice.endpoint, { connections: 1 });
    for (let i = 0; i < CALLS; i++) await invoke(pool, sluice.endpoint);
    for (let slice = 0; slice < 6; slice++) {
      for (let i = 0; i < CALLS / 6; i++) ours.push(await timed(() => invoke(pool, sluice.endpoint)));
      for (let i = 0; i < CALLS / 6; i++) theirs.push(await timed(() => direct.call('{"name":"Ada"}')));
    }
    await pool.close();
    return [
      { name: 'weighted Invoke through the front door', unit: 'ms', ...spread(ours) },
      { name: 'the same handler, called over its process alone', unit: 'ms', ...spread(theirs) },
      {
        name: 'overhead of a weighted Invoke',
        unit: 'ms',
        value: quantile(ours, 0.5) - quantile(theirs, 0.5),
        target: '≤ 3 at p50',
      },
    ];
  } finally {
    direct.stop();
    await sluice.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await call();
  return performance.now() - startedAt;
}

async function invoke(pool: Pool, endpoint: string): Promise<void> {
  const url = '/2015-03-31/functions/bench/invocations?Qualifier=live';
  const body = '{"name":"Ada"}';
  const headers = signRequest(
    { method: 'POST', url, headers: { host: new URL(endpoint).host }, body },
    {
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      region: 'us-east-1',
      service: 'lambda',
      nowMs: wallNow(),
    },
  );
  const response = await pool.request({ method: 'POST', path: url, headers, body });
  const text = await response.body.text();
  if (response.statusCode !== 200 || response.headers['x-amz-function-error'] !== undefined)
    throw new Error(`Invoke answered ${response.statusCode}: ${text}`);
}

async function makeFunction(endpoint: string): Promise<void> {
  const config = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  const trust = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  });
  const { Role } = await new IAMClient(config).send(
    new CreateRoleCommand({ RoleName: 'bench-function', AssumeRolePolicyDocument: trust }),
  );
  const lambda = new LambdaClient(config);
  const zip = async (version: number): Promise<Buffer> => {
    const file = new ZipFile();
    file.addBuffer(
      Buffer.from(
        `export async function handler(event) { return { version: ${version}, message: 'Hello, ' + event.name }; }\n`,
      ),
      'index.mjs',
    );
    file.end();
    const chunks: Buffer[] = [];
    for await (const chunk of file.outputStream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'bench',
      Runtime: 'nodejs20.x',
      Handler: 'index.handler',
      Role: Role?.Arn,
      Code: { ZipFile: await zip(1) },
    }),
  );
  await lambda.send(new PublishVersionCommand({ FunctionName: 'bench' }));
  await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: 'bench', ZipFile: await zip(2), Publish: true }));
  await lambda.send(
    new CreateAliasCommand({
      FunctionName: 'bench',
      Name: 'live',
      FunctionVersion: '1',
      RoutingConfig: { AdditionalVersionWeights: { '2': 0.5 } },
    }),
  );
  for (let i = 0; i < 40; i++)
    await lambda.send(new InvokeCommand({ FunctionName: 'bench', Qualifier: 'live', Payload: '{"name":"Ada"}' }));
}
