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
