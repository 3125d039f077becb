/** `sluice replay`, by running it: a release that went well and one that was rolled back, by every id that there is. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ReplayAnswer } from '../../src/app/replay/answer.ts';
import { recordOf } from '../../src/app/replay/record.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { makeTwoReleases, TWO_RELEASES_SERVICES, type TwoReleases } from '../support/two-releases.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let sluice: TestSluice;
let world: TwoReleases;
let folder: string;

beforeAll(async () => {
  // The command as it is shipped: one file, beside the packages.
  const cache = join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'sluice-replay-'));
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
  sluice = await startSluice({ services: TWO_RELEASES_SERVICES, seed: 21 });
  world = await makeTwoReleases(sluice);
});

afterAll(async () => {
  await sluice?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Ran = Readonly<{ code: number; out: string; err: string }>;

function run(...args: readonly string[]): Promise<Ran> {
  const env = { PATH: process.env['PATH'], AWS_ENDPOINT_URL: sluice.url };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(folder, 'cli.mjs'), 'replay', ...args], { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

/** The same question without the command. */
async function ask(subject: string, more: Readonly<Record<string, string>> = {}): Promise<ReplayAnswer> {
  const response = await fetch(`${sluice.url}/_sluice/replay?${new URLSearchParams({ subject, ...more })}`);
  const answer = (await response.json()) as ReplayAnswer & { message?: string };
  expect(answer.message ?? '').toBe('');
  return answer;
}

it('tells a rolled-back deployment again, and why it was not stopped earlier', async () => {
  const { code, out } = await run(world.bad.deploymentId);
  expect(out).toContain(`deployment shop/live  ${world.bad.deploymentId}`);
  expect(out).toContain('the alarms were read: greeter-errors in ALARM');
  expect(out).toMatch(
    /✓ The same decisions come out: \d+ states, and what was to be done after each, are as recorded\./,
  );
  expect(out).toContain('Why not earlier?');
  expect(out).toMatch(/\+ 1 min +M of N: 2 of 2 datapoints/);
  expect(out).toMatch(/1 min lay between the first moment and the deed/);
  expect(code).toBe(0);
});

it('shows what would have been with another alarm, and says what it had to assume', async () => {
  const quicker = await ask(world.bad.deploymentId, { set: 'evaluationPeriods=1' });
  expect(quicker.changed?.outcome.would).toMatch(/^Stopped: ALARM_ACTIVE, rolled back at /);
  expect(quicker.differs).toBe(true);

  const { changed } = await ask(world.bad.deploymentId, { set: 'threshold=50' });
  expect(changed).toMatchObject({ same: false, outcome: { would: expect.stringMatching(/^Succeeded/) as string } });
  expect(changed?.assumed.join()).toContain('what the new version would have done after it is not recorded');

  const { changed: same, differs } = await ask(world.bad.deploymentId, { set: 'threshold=6' });
  expect([same?.same, differs, same?.assumed]).toEqual([true, false, []]);

  const { changed: longer } = await ask(world.good.deploymentId, { set: 'bake=PT10M' });
  expect(longer?.rows[0]).toMatchObject({
    would: expect.arrayContaining([expect.stringContaining('wake at')]) as unknown,
  });
});

it('tells a pipeline execution with the deployment that it started, at any instant', async () => {
  const { executionId, deploymentId } = world.bad;
  const answer = await ask(executionId);
  expect(answer).toMatchObject({
    kind: 'pipeline execution',
    name: 'delivery',
    status: 'Failed',
    whole: true,
    same: true,
    parts: [{ kind: 'deployment', id: deploymentId, same: true, status: 'Stopped' }],
    differs: false,
  });
  expect(answer.turns.flatMap(({ changes }) => changes)).toEqual(
    expect.arrayContaining([
      'the execution STARTED',
      'Source/Fetch SUCCEEDED',
      'Deploy/Canary STARTED',
      'Deploy FAILED',
    ]),
  );
  const then = await ask(executionId, { at: 'PT1M' });
  expect(then.instant?.is).toMatchObject([
    'InProgress, in Deploy',
    expect.stringContaining('Source/Fetch Succeeded'),
    `Deploy/Canary InProgress ${deploymentId}`,
  ]);
  expect(then.parts).toMatchObject([
    { instant: { is: expect.arrayContaining(['10 % of the traffic on version 3, 90 % on 2']) as unknown } },
  ]);

  const { changed } = await ask(executionId, { set: 'Deploy/Canary.timeout=PT1M' });
  expect(changed).toMatchObject({ same: false, outcome: { would: expect.stringMatching(/^Failed/) as string } });
});

it('tells an alarm again, and judges it by another rule', async () => {
  const answer = await ask('greeter-errors', { set: 'threshold=100' });
  expect(answer).toMatchObject({
    kind: 'alarm',
    same: true,
    changed: {
      outcome: {
        was: expect.stringMatching(/^once in ALARM/) as string,
        would: expect.stringMatching(/^never in ALARM/) as string,
      },
    },
  });
});

it('comes to the same states in every loop of the house, of whatever service', async () => {
  const { store } = sluice.house;
  const loops = await store.query<{ kind: string; account: string; region: string; id: string }>(
    'SELECT DISTINCT kind, account, region, document_id AS id FROM history ORDER BY kind',
  );
  for (const { kind, ...key } of loops) {
    const record = await recordOf({ house: sluice.house, engine: sluice.open.engine }, kind, key);
    expect([kind, key.id, record?.replay.difference]).toEqual([kind, key.id, undefined]);
    expect([kind, key.id, record?.replay.effectsChecked]).toEqual([kind, key.id, record?.history.turns.length]);
  }
  expect(new Set(loops.map(({ kind }) => kind)).size).toBeGreaterThan(4);
});

it('is told by the record when something else was to be done, though the state is the same', async () => {
  const id = world.bad.deploymentId;
  const { store } = sluice.house;
  const where = "document_id = $1 AND event->>'type' = 'TrafficSet'";
  const [kept] = await store.query<{ effects: string; fingerprint: string }>(
    `SELECT effects, effects_fingerprint::text AS fingerprint FROM history WHERE ${where}`,
    [id],
  );
  const write = (effects: string | null, fingerprint: string | null) =>
    store.query(`UPDATE history SET effects = $2, effects_fingerprint = $3::bigint WHERE ${where}`, [
      id,
      effects,
      fingerprint,
    ]);
  await write('WakeAt:shift SetTraffic', '1');
  const { code, out } = await run(id);
  expect(out).toMatch(
    /✗ The rules of now decide otherwise, from turn \d+ on .*\n {2}The state is the same, but what was to be done then was WakeAt:shift SetTraffic, and now is WakeAt:shift/,
  );
  expect(code).toBe(1);
  // As a Sluice before this wrote it.
  await write(null, null);
  const older = await run(id);
  expect(older.out).toMatch(
    /✓ .* states are as recorded; what was to be done is on record for \d+ of them, and the same\./,
  );
  expect(older.code).toBe(0);
  await write(kept?.effects ?? null, kept?.fingerprint ?? null);
});

it('shows no secret, and says what it does not know with exit code 2', async () => {
  const { instant } = await ask(world.bad.deploymentId, { at: 'PT1M' });
  expect(JSON.stringify(instant)).not.toContain('hookExecutionIds');
  expect(await run(world.bad.deploymentId, '--set', 'colour=red')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--set colour: a deployment knows config'),
  });
  await sluice.house.store.query('UPDATE history SET state = NULL WHERE document_id = $1', [world.good.deploymentId]);
  const refusal = async (subject: string): Promise<unknown> =>
    (await fetch(`${sluice.url}/_sluice/replay?subject=${subject}`)).json();
  expect(await refusal('d-AAAAAAAAA')).toMatchObject({ code: 'ResourceNotFoundException' });
  expect(await refusal(world.good.deploymentId)).toMatchObject({
    message: expect.stringContaining('was not recorded') as string,
  });
  expect((await ask(world.good.executionId)).parts).toEqual([
    { id: world.good.deploymentId, unknown: expect.stringContaining('was not recorded') as string },
  ]);
});
