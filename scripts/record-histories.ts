/**
 * Records histories of real runs in `test/simulation/histories/`: two releases of a pipeline on a stepped clock (one goes well,
 * one is rolled back by its alarm), and two builds. Every later version of Sluice must come to the same states
 * (`src/core/replay/recorded.test.ts`).
 *
 *   npm run record-histories -- NAME      writes NAME-*.json beside those of earlier versions
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSluice, type TestSluice } from '../src/app/testing.ts';
import type { Client } from '../src/services/index.ts';
import { collection, readLoopHistory } from '../src/store/index.ts';
import { makeTwoReleases, TWO_RELEASES_SERVICES } from '../test/support/two-releases.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', 'simulation', 'histories');

const KINDS = {
  deployment: 'codedeploy.deployment',
  build: 'codebuild.build',
  line: 'codepipeline.pipeline-line',
  alarm: 'cloudwatch.alarm',
} as const;

const [name] = process.argv.slice(2);
if (name === undefined || !/^[a-z0-9.-]+$/.test(name))
  throw new Error('name the recording, as: npm run record-histories -- 0.2');
const sluice = await startSluice({ services: TWO_RELEASES_SERVICES, seed: 4 });
try {
  const { root, good, bad } = await makeTwoReleases(sluice);
  await save(sluice, `${name}-deployment-succeeded`, 'deployment', good.deploymentId);
  await save(sluice, `${name}-deployment-rolled-back`, 'deployment', bad.deploymentId);
  const { deploymentInfo } = await root.call<{ deploymentInfo: { rollbackInfo?: { rollbackDeploymentId?: string } } }>(
    'codedeploy',
    'GetDeployment',
    { deploymentId: bad.deploymentId },
  );
  const rollbackId = deploymentInfo.rollbackInfo?.rollbackDeploymentId ?? '';
  await save(sluice, `${name}-deployment-rollback`, 'deployment', rollbackId);
  await save(sluice, `${name}-line`, 'line', 'delivery');
  await save(sluice, `${name}-alarm`, 'alarm', 'greeter-errors');
  await save(sluice, `${name}-build-succeeded`, 'build', await built(sluice, root, 'echo well'));
  await save(sluice, `${name}-build-failed`, 'build', await built(sluice, root, 'exit 3'));
} finally {
  await sluice.close();
}

async function built({ house }: TestSluice, root: Client, command: string): Promise<string> {
  const projectName = `project-${command.replace(/\W/g, '-')}`;
  await root.call('codebuild', 'CreateProject', {
    name: projectName,
    serviceRole: `arn:aws:iam::${house.config.defaultAccount}:role/builder`,
    source: {
      type: 'NO_SOURCE',
      buildspec: JSON.stringify({ version: 0.2, phases: { build: { commands: [command] } } }),
    },
    artifacts: { type: 'NO_ARTIFACTS' },
    environment: { type: 'LINUX_CONTAINER', image: 'aws/codebuild/standard:7.0', computeType: 'BUILD_GENERAL1_SMALL' },
  });
  const { build } = await root.call<{ build: { id: string } }>('codebuild', 'StartBuild', { projectName });
  for (;;) {
    const { builds } = await root.call<{ builds: { buildComplete?: boolean }[] }>('codebuild', 'BatchGetBuilds', {
      ids: [build.id],
    });
    if (builds[0]?.buildComplete === true) return build.id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function save(
  { house, account, region }: TestSluice,
  file: string,
  subject: keyof typeof KINDS,
  id: string,
): Promise<void> {
  const kind = KINDS[subject];
  const key = { account, region, id };
  const stored = (await collection(kind).get(house.store, key))?.document;
  const rows = await readLoopHistory(house.store, kind, key);
  if (stored === undefined || rows.length < 2) throw new Error(`${file}: nothing was recorded of ${id}`);
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
  const text = `{\n  "subject": ${JSON.stringify(subject)},\n  "rows": [\n${lines}\n  ],\n  "stored": ${JSON.stringify(stored)}\n}\n`;
  writeFileSync(join(folder, `${file}.json`), text);
  process.stdout.write(`wrote ${file}.json: ${rows.length} turns\n`);
}
