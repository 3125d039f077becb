/**
 * docs/guides/rehearse.md: each command that needs no server says what the guide shows. After a change that is meant:
 * `npx vitest run --project unit src/app/cli/rehearse-guide --update`.
 */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addFitnessCommand } from './fitness.ts';
import { addRehearseCommand } from './rehearse.ts';

const GUIDE = 'docs/guides/rehearse.md';
/** A command, and the block after it. */
const SHOWN = /```sh\nnpx sluice ([^`]*--from[^`]*)\n```\n\n```\n[^`]*\n```/g;

async function said(command: string): Promise<string> {
  let text = '';
  const program = new Command();
  const to = {
    out: (more: string) => void (text += more),
    amiss: (more: string) => void (text += more),
    exit: () => {},
  };
  addRehearseCommand(program, to);
  addFitnessCommand(program, to);
  await program.parseAsync(words(command), { from: 'user' });
  return text.trimEnd();
}

/** As a shell takes it apart: quotes and continued lines. */
function words(command: string): string[] {
  return [...command.replaceAll('\\\n', ' ').matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
}

test('docs/guides/rehearse.md shows what its commands say', async () => {
  const guide = readFileSync(GUIDE, 'utf8');
  const commands = [...guide.matchAll(SHOWN)];
  expect(commands).toHaveLength(4);
  let fresh = guide;
  for (const [block, command = ''] of commands) {
    const shown = `\`\`\`sh\nnpx sluice ${command}\n\`\`\`\n\n\`\`\`\n${await said(command)}\n\`\`\``;
    fresh = fresh.replace(block, () => shown);
  }
  await expect(fresh).toMatchFileSnapshot(`../../../${GUIDE}`);
});

test('sluice rehearse --json keeps its keys', async () => {
  const report = JSON.parse(await said('rehearse greeter --from examples/rehearse --seeds 1 --json')) as Record<
    string,
    object
  >;
  expect(Object.keys(report)).toEqual(['kind', 'name', 'workload', 'seeds', 'results', 'remarks', 'broken']);
  const results = report['results'] as readonly Record<string, unknown>[];
  const asleep = results.find(({ fault }) => fault === 'approver asleep');
  expect(asleep).toMatchObject({
    runs: 1,
    lost: 0,
    caught: 1,
    stopped: 0,
    caughtAfterMs: 604_800_000,
    caughtAfterMostMs: 604_800_000,
    hurt: { median: 0, most: 0 },
    goesOnPerMinute: 0,
    ends: 'Failed; push 2 Superseded; push 3 Failed',
    by: 'Timeout of Deploy/Approve',
    example: {
      status: 'Failed',
      code: 'Timeout',
      at: 'Deploy/Approve',
      executions: [{ number: 1, version: 2, status: 'Failed', waits: [] }, { number: 2 }, { number: 3 }],
      serves: { 'greeter/live': 1 },
    },
  });
});
