/**
 * `sluice why` and `sluice preflight`, by running them: a pipeline over two accounts loses a statement of its key policy,
 * preflight says so before it runs, why says so after, by every id that there is, and what both propose opens the way.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PreflightReport } from '../../src/app/preflight/preflight.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { RequestAnswer, WhyAnswer } from '../../src/app/why/ask.ts';
import { makeTwoAccounts, PRODUCTION, TWO_ACCOUNTS_SERVICES, type TwoAccounts } from '../support/two-accounts.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEPLOY_ACTION = `arn:aws:iam::${PRODUCTION}:role/deploy-action`;

let sluice: TestSluice;
let world: TwoAccounts;
let folder: string;

beforeAll(async () => {
  // The command as it is shipped: one file, which starts in a moment. Beside the packages, where it finds them.
  const cache = join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'sluice-why-'));
  await build({
    entryPoints: [join(ROOT, 'src', 'app', 'cli', 'main.ts')],
    outfile: join(folder, 'cli.mjs'),
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  });
  sluice = await startSluice({ services: TWO_ACCOUNTS_SERVICES, seed: 9 });
  world = await makeTwoAccounts(sluice);
  await ended((await executions())[0] ?? '');
});

afterAll(async () => {
  await sluice?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Ran = Readonly<{ code: number; out: string; err: string }>;

function run(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], AWS_ENDPOINT_URL: sluice.url };
    execFile(
      process.execPath,
      [join(folder, 'cli.mjs'), ...args],
      { env, maxBuffer: 16 * 1024 * 1024 },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err });
      },
    );
  });
}

/** What `--json` prints, without a process. */
async function asked<Answer>(path: 'why' | 'preflight', query: Readonly<Record<string, string>>): Promise<Answer> {
  const response = await fetch(`${sluice.url}/_sluice/${path}?${new URLSearchParams(query)}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

async function executions(): Promise<string[]> {
  const { pipelineExecutionSummaries } = await world.tools.call<{
    pipelineExecutionSummaries: readonly { pipelineExecutionId: string }[];
  }>('codepipeline', 'ListPipelineExecutions', { pipelineName: world.pipeline });
  return pipelineExecutionSummaries.map(({ pipelineExecutionId }) => pipelineExecutionId);
}

async function ended(pipelineExecutionId: string): Promise<string> {
  const giveUpAt = performance.now() + 50_000;
  for (;;) {
    await sluice.settled();
    const { pipelineExecution } = await world.tools.call<{ pipelineExecution: { status: string } }>(
      'codepipeline',
      'GetPipelineExecution',
      { pipelineName: world.pipeline, pipelineExecutionId },
    );
    if (pipelineExecution.status !== 'InProgress') return pipelineExecution.status;
    if (performance.now() > giveUpAt) throw new Error(`the execution ${pipelineExecutionId} did not end`);
    await delay(20);
  }
}

async function execute(): Promise<string> {
  await sluice.clock.advance('PT10M');
  await world.restoreAlias();
  const { pipelineExecutionId } = await world.tools.call<{ pipelineExecutionId: string }>(
    'codepipeline',
    'StartPipelineExecution',
    { name: world.pipeline },
  );
  await ended(pipelineExecutionId);
  return pipelineExecutionId;
}

it('tells a missing grant before the run and after it, and the mend opens the way', async () => {
  const [clean, unknown] = await Promise.all([run('preflight', world.pipeline), run('preflight', 'no-such-pipeline')]);
  expect(clean).toMatchObject({ code: 0, err: '' });
  expect(clean.out).toMatch(/✓ Deploy\/Shift[^]*Clean: \d+ permissions checked, none will be denied/);
  expect(clean.out).not.toContain('\u001B');
  expect(unknown).toMatchObject({ code: 2, out: '' });
  expect(unknown.err).toContain('There is no pipeline no-such-pipeline');

  await world.set(new Set(['key lets deploy-action']));
  const executionId = await execute();
  const [drawn, story, machine] = await Promise.all([
    run('preflight', world.pipeline),
    run('why', executionId),
    run('why', executionId, '--json'),
  ]);
  const before = await asked<PreflightReport>('preflight', { pipeline: world.pipeline });
  expect(before.clean).toBe(false);
  const denied = before.actions.flatMap((action) => action.denied.map((each) => [action.action, each] as const));
  expect(denied).toHaveLength(1);
  const [[action, denial] = []] = denied;
  expect(action).toBe('Shift');
  expect(denial).toMatchObject({
    principal: `arn:aws:sts::${PRODUCTION}:assumed-role/deploy-action/${world.pipeline}`,
    action: 'kms:Decrypt',
    account: PRODUCTION,
    viaService: `s3.${sluice.region}.amazonaws.com`,
    firstClosed: { gate: 'key', state: 'closed' },
    mend: {
      proven: true,
      steps: [
        { statement: { Effect: 'Allow', Principal: { AWS: DEPLOY_ACTION }, Action: 'kms:Decrypt', Resource: '*' } },
      ],
    },
  });
  expect(drawn.code).toBe(1);
  expect(drawn.out).toContain('✗ Deploy/Shift');
  expect(drawn.out).toContain('1 of');

  expect(machine).toMatchObject({ code: 1, err: '' });
  const after = JSON.parse(machine.out) as WhyAnswer;
  expect(after).toMatchObject({
    kind: 'work',
    work: { kind: 'pipeline execution', name: world.pipeline, status: 'Failed' },
    failures: [{ part: 'Deploy/Shift' }],
  });
  const failure = after.kind === 'work' ? after.failures[0] : undefined;
  expect(failure?.denials).toHaveLength(1);
  const told = failure?.denials[0] as RequestAnswer;
  expect(told).toMatchObject({
    service: 'kms',
    operation: 'Decrypt',
    decided: { action: 'kms:Decrypt', firstClosed: { gate: 'key' } },
    now: [{ allowed: false, mend: { proven: true } }],
  });
  expect(told.decided?.gates.map(({ gate, state }) => `${gate} ${state}`)).toEqual(['identity open', 'key closed']);
  expect(story.code).toBe(1);
  expect(story.out).toMatch(/✗ key +no resource-based policy allows it {2}◀ here/);
  expect(story.out).toContain('Proven');
  // The policies keep unique ids; the reader wrote ARNs.
  expect(story.out).not.toMatch(/AROA/);

  // What was proposed is written as it stands.
  const statement = denial?.mend?.steps[0]?.statement;
  await world.set(new Set(['key lets deploy-action']), [
    { name: 'the mend', in: { kind: 'key', at: 'here' }, statement: statement as Record<string, unknown> },
  ]);
  expect(await asked('preflight', { pipeline: world.pipeline })).toMatchObject({ clean: true });
  expect(await asked('why', { subject: told.requestId })).toMatchObject({
    denied: true,
    kind: 'request',
    decided: { firstClosed: { gate: 'key' } },
    now: [{ allowed: true }],
  });
});

it('follows an execution into the build that failed in it', async () => {
  const grant = world.grants.find(({ name }) => name.startsWith('build may kms:GenerateDataKey'));
  await world.set(new Set([grant?.name ?? '']));
  const executionId = await execute();
  await world.set(new Set());
  const answer = await asked<WhyAnswer>('why', { subject: executionId });
  expect(answer.denied).toBe(true);
  const failure = answer.kind === 'work' ? answer.failures[0] : undefined;
  expect(failure).toMatchObject({
    part: 'Build/Compile',
    within: {
      work: { kind: 'build', name: 'compile', status: 'FAILED' },
      failures: [
        {
          part: 'UPLOAD_ARTIFACTS',
          denials: [
            { operation: 'GenerateDataKey', decided: { firstClosed: { gate: 'identity' } }, now: [{ allowed: true }] },
          ],
        },
      ],
    },
  });
});

it('answers a question in three words, with the key that an object lies under', async () => {
  const object = 'arn:aws:s3:::two-accounts-source/source.zip';
  const pipeline = `arn:aws:iam::${sluice.account}:role/pipeline`;
  const question = (principal: string, action: string): Promise<WhyAnswer> =>
    asked('why', { subject: `${principal} ${action} ${object}` });
  expect(await question(pipeline, 's3:GetObject')).toMatchObject({
    denied: false,
    kind: 'question',
    explanation: { allowed: true },
    followedBy: [{ action: 'kms:Decrypt', allowed: true }],
  });
  expect(await question(sluice.account, 's3:GetObject')).toMatchObject({ explanation: { allowed: true } });
  expect(await question('codebuild.amazonaws.com', 's3:GetObject')).toMatchObject({ denied: true });
  const [stranger, nobody] = await Promise.all([run('why', `${DEPLOY_ACTION} s3:GetObject ${object}`), run('why')]);
  expect(stranger.code).toBe(1);
  expect(stranger.out).toMatch(/✗ identity[^]*✗ resource[^]*What opens it, 2 changes:[^]*Proven/);
  expect(nobody).toMatchObject({ code: 2, out: '' });
});
