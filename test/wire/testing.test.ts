/** `sluice/testing` as a user's test has it: free port, own clock, closed cleanly, nothing left behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { startSluice } from '../../src/app/testing.ts';
import { zipOf } from '../support/functions.ts';

describe('startSluice()', () => {
  it('moves its clock by seconds or a duration', async () => {
    const sluice = await startSluice({ services: ['sqs'] });
    const sqs = new SQSClient(sluice.clientConfig());
    const { QueueUrl } = await sqs.send(
      new CreateQueueCommand({ QueueName: 'q', Attributes: { DelaySeconds: '300' } }),
    );
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'later' }));
    const startedAt = sluice.clock.now();
    await sluice.clock.advance(299);
    expect((await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toBeUndefined();
    await sluice.clock.advance('PT1S');
    expect(sluice.clock.now() - startedAt).toBe(300_000);
    expect((await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages?.[0]?.Body).toBe('later');
    await expect(sluice.clock.advance('soon')).rejects.toThrow('ISO 8601');
    sqs.destroy();
    await sluice.close();
  });

  it('leaves no port, process or folder behind', async () => {
    const folders = sluiceFolders();
    const processes = descendants(process.pid);
    const sluice = await startSluice({ services: ['lambda', 'logs', 'cloudwatch'] });
    const trust = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    });
    const iam = new IAMClient(sluice.clientConfig());
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'f', AssumeRolePolicyDocument: trust }));
    const lambda = new LambdaClient(sluice.clientConfig());
    const ZipFile = await zipOf({ 'index.mjs': 'export async function handler() { return 1; }' });
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName: 'f',
        Runtime: 'nodejs20.x',
        Handler: 'index.handler',
        Role: Role?.Arn,
        Code: { ZipFile },
      }),
    );
    await lambda.send(new InvokeCommand({ FunctionName: 'f' }));
    if (process.platform === 'linux') expect(descendants(process.pid).length).toBeGreaterThan(processes.length);
    iam.destroy();
    lambda.destroy();
    await sluice.close();
    await expect(fetch(`${sluice.url}/_sluice/health`)).rejects.toThrow();
    // A process that has ended is still listed until its end is collected.
    await expect
      .poll(() => descendants(process.pid).filter((pid) => !processes.includes(pid)), { timeout: 5_000 })
      .toEqual([]);
    expect(
      sluiceFolders().filter((name) => !folders.includes(name) && sluice.house.config.stateDir.includes(name)),
    ).toEqual([]);
  });

  it('serves two beside each other, each with its own state and time', async () => {
    const [one, two] = await Promise.all([startSluice({ services: ['sqs'] }), startSluice({ services: ['sqs'] })]);
    await new SQSClient(one.clientConfig()).send(new CreateQueueCommand({ QueueName: 'only-here' }));
    await one.clock.advance('PT1H');
    const queues = await fetch(`${two.url}/_sluice/clock`);
    expect(queues.ok).toBe(true);
    expect(one.clock.now() - two.clock.now()).toBeGreaterThan(3_500_000);
    await Promise.all([one.close(), two.close()]);
  });
});

function sluiceFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('sluice-'));
}

/** Process ids of all descendants; empty where /proc does not tell. */
function descendants(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
      const text = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim();
      const children = text === '' ? [] : text.split(/\s+/).map(Number);
      return children.flatMap((child) => [child, ...descendants(child)]);
    });
  } catch {
    return [];
  }
}
