/**
 * `npm run example:cross-account`: one pipeline over four accounts and two Regions, made and watched by the AWS API alone.
 *
 *   --break GRANT   takes one grant away and shows how the delivery fails, why, and what mends it   --grants   lists them
 *   --keep          leaves the server running
 *
 * Exits 0 only if what it tells was observed.
 */
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SluiceProcess } from '../../demo/sluice-process.ts';
import { Delivery } from './delivery.ts';
import { ACCOUNT_NAMES, grantsOf, TARGETS } from './grants.ts';
import { type Layout, makeLayout, PIPELINE } from './layout.ts';

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : (process.argv[at + 1] ?? '');
};
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const toBreak = option('break');
const known = grantsOf({
  accounts: Object.fromEntries(ACCOUNT_NAMES.map((name) => [name, name])) as Parameters<typeof grantsOf>[0]['accounts'],
  keys: {},
  artifactBuckets: {},
  sites: {},
});
if (process.argv.includes('--grants')) {
  for (const { name, lets } of known) say(`${name.padEnd(34)} lets ${lets}`);
  process.exit(0);
}
if (toBreak !== undefined && !known.some(({ name }) => name === toBreak)) {
  process.stderr.write(`There is no grant ${toBreak}; --grants lists them.\n`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-cross-account-'));
const sluice = new SluiceProcess({ stateDir: join(folder, 'state') });
try {
  await sluice.start();
  say('The layout, made by the public API alone');
  const layout = await makeLayout(sluice.endpoint, (line) => say(`  ${line}`));
  const delivery = new Delivery(sluice, layout);
  if (toBreak === undefined) await deliverAll(layout, delivery);
  else await deliverBroken(layout, delivery, toBreak);
} catch (error) {
  process.stderr.write(
    `\nThe example did not see what it should: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}
if (process.argv.includes('--keep') && process.exitCode === undefined) {
  sluice.release();
  say(
    `\nThe server keeps running at ${sluice.endpoint}: process ${sluice.pid}, state in ${folder}. Stop it with: kill ${sluice.pid}`,
  );
  process.exit(0);
}
await sluice.stop();
rmSync(folder, { recursive: true, force: true, maxRetries: 3 });

async function deliverAll(layout: Layout, delivery: Delivery): Promise<void> {
  say('\nThe first delivery');
  await release(layout, delivery, await delivery.first(), 'first', undefined);
  say('\nA new page is pushed');
  await layout.pushPage('second');
  await release(layout, delivery, await delivery.start(), 'second', 'first');
}

async function release(
  layout: Layout,
  delivery: Delivery,
  id: string,
  page: string,
  before: string | undefined,
): Promise<void> {
  await delivery.untilApproval(id);
  expectPages(await pages(layout), [page, before, before, before], 'before the approval');
  say('  dev has it by itself; staging waits for approval');
  await delivery.approve();
  await delivery.untilSucceeded(id);
  const found = await pages(layout);
  expectPages(found, [page, page, page, page], 'after it');
  say('  approved: staging has it, then production in both Regions');
  for (const [index, { name, account, region }] of TARGETS.entries())
    say(`    ${name.padEnd(14)} ${layout.ids.accounts[account]} ${region.padEnd(10)} ${found[index]}`);
}

async function deliverBroken(layout: Layout, delivery: Delivery, grant: string): Promise<void> {
  await release(layout, delivery, await delivery.first(), 'first', undefined);
  await layout.breakGrants([grant]);
  say(`\nWithout the grant ${grant}, which lets ${layout.grants.find(({ name }) => name === grant)?.lets}`);
  // The pipeline uses a session for up to a minute.
  await sluice.advance(120);
  say(`\n$ sluice preflight ${PIPELINE}`);
  say(cli('preflight', PIPELINE, '--account', layout.ids.accounts.tools));
  await layout.pushPage('second');
  const id = await delivery.start();
  const failed = await delivery.failure(id);
  const { code, message } = failed.output?.executionResult?.errorDetails ?? {};
  say(`And so it is: ${failed.stageName}/${failed.actionName} fails, ${code}:\n  ${message}`);
  say(`\n$ sluice why ${id}`);
  say(cli('why', id));
}

function cli(...words: string[]): string {
  const entry = fileURLToPath(new URL('cli.js', import.meta.url));
  try {
    return execFileSync(process.execPath, [entry, ...words, '--endpoint', sluice.endpoint], { encoding: 'utf8' });
  } catch (error) {
    // Exit code 1 says that something is denied.
    const { status, stdout } = error as { status?: number; stdout?: string };
    if (status === 1 && stdout !== undefined) return stdout;
    throw error;
  }
}

/** What each target's site shows; undefined: nothing yet. */
async function pages(layout: Layout): Promise<readonly (string | undefined)[]> {
  return Promise.all(
    TARGETS.map(async ({ name, account, region }) => {
      const s3 = new S3Client({ ...layout.config(account, region), forcePathStyle: true });
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: layout.ids.sites[name], Key: 'index.html' }));
        return /<h1>(.*)<\/h1>/.exec((await Body?.transformToString()) ?? '')?.[1];
      } catch {
        return undefined;
      }
    }),
  );
}

function expectPages(
  found: readonly (string | undefined)[],
  wanted: readonly (string | undefined)[],
  when: string,
): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`the sites show ${JSON.stringify(found)} ${when}, not ${JSON.stringify(wanted)}`);
}
