/**
 * The demo's deliveries with the server killed by SIGKILL at seeded moments: they end as they would have ended. What runs
 * is the build (dist/), as a user's does.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BatchGetBuildsCommand, CodeBuildClient, ListBuildsCommand } from '@aws-sdk/client-codebuild';
import { CodePipelineClient, ListPipelineExecutionsCommand } from '@aws-sdk/client-codepipeline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliver, type DeliveryTools } from '../../demo/delivery.ts';
import { Repository } from '../../demo/repository.ts';
import { SluiceProcess } from '../../demo/sluice-process.ts';
import { Timeline } from '../../demo/timeline.ts';
import { Traffic } from '../../demo/traffic.ts';
import { makeWorld, PIPELINE } from '../../demo/world.ts';
import { seededIds } from '../../src/common/index.ts';

const SEED = Number(process.env['SLUICE_KILL_SEED'] ?? 20261124);

let folder: string;
let sluice: SluiceProcess;
let tools: DeliveryTools;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-kill-'));
  sluice = new SluiceProcess({ stateDir: join(folder, 'state') });
  await sluice.start();
  const nodePath = fileURLToPath(new URL('../../node_modules', import.meta.url));
  const world = await makeWorld({ endpoint: sluice.endpoint, nodePath, report: () => {} });
  const repository = new Repository(join(folder, 'greeter'), world.gitUrl);
  await repository.clone();
  tools = {
    sluice,
    world,
    repository,
    timeline: new Timeline(() => {}, false),
    traffic: new Traffic(world.production.config),
  };
}, 120_000);

afterAll(async () => {
  await sluice.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** Kills and starts again when the bake first passes each of the given seconds. */
function killing(points: readonly number[]): NonNullable<DeliveryTools['duringBake']> {
  const left = [...points].sort((a, b) => a - b);
  return async (seconds) => {
    if (left[0] === undefined || seconds < left[0]) return;
    left.shift();
    await sluice.kill();
    await sluice.start();
  };
}

describe(`killed with SIGKILL (seed ${SEED})`, () => {
  const ids = seededIds(SEED);
  const point = (below: number): number => Math.floor(ids.random() * below);

  it('accounts for a build that was running: never succeeded, no process left', { timeout: 120_000 }, async () => {
    const builds = new CodeBuildClient(tools.world.tools.config);
    await tools.repository.push('v1');
    const id = await until('the build begins', async () => (await builds.send(new ListBuildsCommand({}))).ids?.[0]);
    await until('its commands run', async () => {
      const { builds: found } = await builds.send(new BatchGetBuildsCommand({ ids: [id] }));
      return found?.[0]?.currentPhase === 'BUILD' ? true : undefined;
    });
    await sluice.kill();
    await sluice.start();
    const build = await until('the build is final', async () => {
      const { builds: found } = await builds.send(new BatchGetBuildsCommand({ ids: [id] }));
      return found?.[0]?.buildComplete === true ? found[0] : undefined;
    });
    expect(build.buildStatus).toMatch(/FAILED|FAULT/);
    expect(processesOf(folder)).toEqual([]);
    const codepipeline = new CodePipelineClient(tools.world.tools.config);
    const execution = await until('the execution is final', async () => {
      const { pipelineExecutionSummaries } = await codepipeline.send(
        new ListPipelineExecutionsCommand({ pipelineName: PIPELINE }),
      );
      const status = pipelineExecutionSummaries?.[0]?.status;
      if (status !== 'InProgress') return status;
      await sluice.advance(5);
      return undefined;
    });
    expect(execution).toBe('Failed');
  });

  it('carries a canary on to its end, and ends the same', { timeout: 180_000 }, async () => {
    const delivered = await deliver(
      { ...tools, duringBake: killing([point(60), 60 + point(120), 180 + point(110)]) },
      'v2',
    );
    expect(delivered).toMatchObject({
      executionStatus: 'Succeeded',
      deploymentStatus: 'Succeeded',
      aliasWeights: 0,
      hurt: 0,
    });
    expect(delivered.aliasVersion).toBe(delivered.newVersion);
    expect(delivered.canary.simulatedSeconds).toBeGreaterThanOrEqual(290);
  });

  it('still sees the alarm, and rolls back', { timeout: 180_000 }, async () => {
    const delivered = await deliver({ ...tools, duringBake: killing([point(20), 25 + point(30)]) }, 'v3');
    expect(delivered).toMatchObject({
      executionStatus: 'Failed',
      deploymentStatus: 'Stopped',
      deploymentErrorCode: 'ALARM_ACTIVE',
      rollback: { status: 'Succeeded', creator: 'codeDeployRollback' },
      aliasWeights: 0,
    });
    expect(delivered.aliasVersion).toBe(delivered.oldVersion);
  });
});

/** Command lines of processes that work below the folder, Sluice and its database aside. */
function processesOf(dir: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return environment.includes(`CODEBUILD_SRC_DIR=${dir}`) ? [command] : [];
      } catch {
        return [];
      }
    });
}

async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
