/**
 * `npm run demo`: from `git push` to a canary that rolls itself back, watched live.
 *
 *   --keep   leaves the server running   --kill   kills the server with SIGKILL in mid-canary and starts it again
 *
 * Exits 0 only if each thing that it tells was observed.
 */
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Delivered, deliver, type DeliveryTools } from './delivery.ts';
import { Repository } from './repository.ts';
import { SluiceProcess } from './sluice-process.ts';
import { Timeline } from './timeline.ts';
import { Traffic } from './traffic.ts';
import { ALIAS, FUNCTION, GROUP, makeWorld, PIPELINE, REGION, type World } from './world.ts';

const keep = process.argv.includes('--keep');
const kill = process.argv.includes('--kill');
const timeline = new Timeline((text) => process.stdout.write(text), process.stdout.isTTY === true);
const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-'));
const sluice = new SluiceProcess({ stateDir: join(folder, 'state') });

const interrupted = (): void => {
  void sluice.kill().finally(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    process.exit(130);
  });
};
process.once('SIGINT', interrupted);
process.once('SIGTERM', interrupted);

let world: World | undefined;
try {
  world = await run();
} catch (error) {
  process.stderr.write(
    `\nThe demo did not see what it should: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.stderr.write(`\nThe server's last lines:\n${sluice.tail()}\n`);
  process.exitCode = 1;
}
if (keep && world !== undefined) {
  sluice.release();
  process.stdout.write(
    `\nThe server keeps running: process ${sluice.pid}, state in ${folder}. Stop it with: kill ${sluice.pid}\n`,
  );
  process.exit();
} else {
  await sluice.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

async function run(): Promise<World> {
  timeline.plain('Sluice: from git push to a canary that rolls itself back.');
  timeline.plain('Time runs by hand: minutes:seconds of simulated time, then real seconds.');
  timeline.heading('The world, made by the public API alone');
  const startMs = await sluice.start();
  timeline.at(await sluice.now());
  timeline.line('sluice', `answers at ${sluice.endpoint} after ${Math.round(startMs)} ms`);
  const made = await makeWorld({
    endpoint: sluice.endpoint,
    nodePath: nodeModules(),
    report: (line) => timeline.line('', line, 'dim'),
  });
  const repository = new Repository(join(folder, 'greeter'), made.gitUrl);
  await repository.clone();
  const tools: DeliveryTools = {
    sluice,
    world: made,
    timeline,
    traffic: new Traffic(made.production.config),
    repository,
  };

  timeline.heading('v1: the first delivery');
  expectRelease('v1', await deliver(tools, 'v1'));

  timeline.heading('v2: a canary that succeeds');
  const v2 = await deliver(kill ? { ...tools, duringBake: killAt(120) } : tools, 'v2');
  expectRelease('v2', v2);

  timeline.heading('v3: its test passes, but it fails one request in three');
  const v3 = await deliver(tools, 'v3');
  expectRollback(v2, v3);

  const seconds = timeline.realSeconds();
  timeline.heading('Observed');
  timeline.plain(
    `  v2   ${v2.canary.newSharePercent.toFixed(1)} % of ${v2.canary.requests} requests on the canary for ${v2.canary.simulatedSeconds} s, then 100 %; ${v2.hurt} requests hurt`,
  );
  timeline.plain(
    `  v3   ${v3.canary.newSharePercent.toFixed(1)} % of ${v3.canary.requests} requests on the canary, alarm ${v3.alarmStates.join(' → ')}, rolled back after ${v3.canary.simulatedSeconds} s`,
  );
  timeline.plain(
    `       ${v3.hurt} of ${v3.requests} requests were hurt; without the canary it would have been one in three, until somebody noticed`,
  );
  timeline.plain(`  in   ${seconds.toFixed(1)} real seconds`);
  timeline.heading('Look around');
  timeline.plain(lookAround(made));
  return made;
}

function expectRelease(version: string, seen: Delivered): void {
  expect(
    seen.executionStatus === 'Succeeded',
    `the execution of ${version} ended ${seen.executionStatus}: ${seen.errorMessage ?? ''}`,
  );
  expect(seen.deploymentStatus === 'Succeeded', `the deployment of ${version} ended ${seen.deploymentStatus}`);
  expect(
    seen.canary.simulatedSeconds >= 290,
    `the canary of ${version} held its weight for ${seen.canary.simulatedSeconds} s, not five minutes`,
  );
  expectShare(version, seen);
  expect(
    seen.aliasWeights === 0 && seen.aliasVersion === seen.newVersion,
    `the alias ended at version ${seen.aliasVersion}, not ${seen.newVersion}`,
  );
  expect(seen.hurt === 0, `${seen.hurt} requests failed during the release of ${version}`);
  expect(!seen.alarmStates.includes('ALARM'), `the alarm rose during the release of ${version}`);
}

function expectRollback(v2: Delivered, v3: Delivered): void {
  expect(v3.alarmStates.includes('ALARM'), `the alarm never rose: ${v3.alarmStates.join(', ')}`);
  expect(v3.deploymentStatus === 'Stopped', `the deployment of v3 ended ${v3.deploymentStatus}, not Stopped`);
  expect(
    v3.deploymentErrorCode === 'ALARM_ACTIVE',
    `the deployment's error is ${v3.deploymentErrorCode}, not ALARM_ACTIVE`,
  );
  expect(v3.rollback?.status === 'Succeeded', `the rollback ended ${v3.rollback?.status ?? 'before it began'}`);
  expect(v3.rollback?.creator === 'codeDeployRollback', `the rollback was created by ${v3.rollback?.creator}`);
  expect(v3.canary.simulatedSeconds < 295, 'the rollback came after the bake');
  expect(
    v3.canary.requests < 100 || withinShare(v3),
    `the canary of v3 had ${v3.canary.newSharePercent.toFixed(1)} % of the requests`,
  );
  expect(
    v3.aliasVersion === v2.newVersion && v3.aliasWeights === 0,
    `the alias ended at version ${v3.aliasVersion}, not ${v2.newVersion}`,
  );
  expect(
    v3.actions.get('Deploy') === 'Failed' && v3.executionStatus === 'Failed',
    `the pipeline ended ${v3.executionStatus}, its deploy action ${v3.actions.get('Deploy')}`,
  );
  expect(v3.hurt > 0 && v3.hurt < v3.requests / 10, `${v3.hurt} of ${v3.requests} requests were hurt`);
}

function expectShare(version: string, seen: Delivered): void {
  expect(
    seen.canary.requests >= 300 && withinShare(seen),
    `the canary of ${version} had ${seen.canary.newSharePercent.toFixed(1)} % of ${seen.canary.requests} requests, not about 10 %`,
  );
}

/** Five standard deviations about 10 %. */
function withinShare({ canary }: Delivered): boolean {
  const deviation = 100 * Math.sqrt((0.1 * 0.9) / Math.max(1, canary.requests));
  return Math.abs(canary.newSharePercent - 10) <= 5 * deviation;
}

/** Kills the server once, when the bake has gone on for `seconds`, and starts it again on the same state. */
function killAt(seconds: number): (now: number) => Promise<void> {
  let done = false;
  return async (now) => {
    if (done || now < seconds) return;
    done = true;
    timeline.line('sluice', 'killed with SIGKILL', 'bad');
    await sluice.kill();
    const ms = await sluice.start();
    timeline.line('sluice', `started again: answers after ${Math.round(ms)} ms and carries on`, 'good');
  };
}

function lookAround({ tools, production }: World): string {
  const credentials = ({ config }: World['tools']): string =>
    `AWS_ACCESS_KEY_ID=${config.credentials.accessKeyId} AWS_SECRET_ACCESS_KEY=${config.credentials.secretAccessKey} AWS_SESSION_TOKEN=${config.credentials.sessionToken}`;
  if (!keep)
    return '  npm run demo -- --keep   leaves the server running and prints AWS CLI commands for both accounts';
  return [
    `  export AWS_ENDPOINT_URL=${sluice.endpoint} AWS_DEFAULT_REGION=${REGION}`,
    '  # as the tools account',
    `  export ${credentials(tools)}`,
    `  aws codepipeline get-pipeline-state --name ${PIPELINE}`,
    `  aws codepipeline list-action-executions --pipeline-name ${PIPELINE}`,
    '  aws logs tail /aws/codebuild/greeter-build',
    '  # as the production account',
    `  export ${credentials(production)}`,
    `  aws deploy list-deployments --application-name greeter --deployment-group-name ${GROUP}`,
    `  aws lambda get-alias --function-name ${FUNCTION} --name ${ALIAS}`,
    '  aws cloudwatch describe-alarm-history --alarm-name greeter-errors',
    `  npx sluice clock advance PT5M --endpoint ${sluice.endpoint}`,
  ].join('\n');
}

/** Where the build finds the SDK: ours, as the build image of AWS has its CLI. */
function nodeModules(): string {
  const found = ['../node_modules', '../../node_modules']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(join(path, '@aws-sdk')));
  if (found === undefined) throw new Error('the AWS SDK is not installed; run npm ci first');
  return found;
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
