/** Events of functions outlive the server: killed without notice while one runs, it runs again, and nothing is orphaned. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { zipOf } from '../support/functions.ts';

let folder: string;
const servers: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-lambda-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await ended(server, 'SIGTERM');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function start(): Promise<Readonly<{ url: string; server: ChildProcess }>> {
  const program = join(import.meta.dirname, '../support/lambda-server.ts');
  const server = spawn(process.execPath, ['--import', 'tsx', program, join(folder, 'state')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  servers.push(server);
  let text = '';
  const url = await new Promise<string>((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
    server.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const match = /url (\S+)/.exec(text);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
  });
  return { url, server };
}

async function ended(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill(signal);
  await new Promise((resolve) => server.once('exit', resolve));
}

/** A zombie, whose parent was killed and whom nobody buries, does not. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

it('an event that runs when the server is killed runs again, and its old process is ended', async () => {
  const first = await start();
  const config = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  const iam = new IAMClient({ ...config, endpoint: first.url });
  const lambda = new LambdaClient({ ...config, endpoint: first.url });
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: 'execution',
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    }),
  );
  const runs = join(folder, 'runs');
  const source = `
    const fs = require('node:fs');
    exports.handler = async (event, context) => {
      fs.appendFileSync(event.runs, process.pid + ' ' + context.awsRequestId + '\\n');
      // The first run waits for an end that does not come.
      if (fs.readFileSync(event.runs, 'utf8').trim().split('\\n').length === 1) await new Promise((r) => setTimeout(r, 600000));
      fs.appendFileSync(event.runs + '.done', context.awsRequestId + '\\n');
    };`;
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'slow',
      Role: Role?.Arn,
      Runtime: 'nodejs20.x',
      Handler: 'index.handler',
      Timeout: 900,
      Code: { ZipFile: await zipOf({ 'index.js': source }) },
    }),
  );
  const Payload = Buffer.from(JSON.stringify({ runs }));
  const { $metadata } = await lambda.send(
    new InvokeCommand({ FunctionName: 'slow', InvocationType: 'Event', Payload }),
  );
  // Whole ones: the file is there a moment before its first line.
  const lines = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []);
  await expect.poll(() => lines(runs).length, { timeout: 20_000 }).toBe(1);
  const oldPid = Number(lines(runs)[0]?.split(' ')[0]);
  await ended(first.server, 'SIGKILL');
  expect(lives(oldPid)).toBe(true);

  await start();
  await expect.poll(() => lines(`${runs}.done`), { timeout: 20_000 }).toEqual([$metadata.requestId]);
  expect(lines(runs)).toHaveLength(2);
  expect(lives(oldPid)).toBe(false);
  for (const server of servers) await ended(server, 'SIGTERM');
  expect(readdirSync(join(folder, 'state', 'processes'))).toEqual([]);
  iam.destroy();
  lambda.destroy();
});
