/**
 * `sluice replay ID`: a past pipeline execution, build, deployment or alarm decided again from its history.
 * Exit code: 0 the same decisions come out, 1 others do (by the rules of now, or by what was set), 2 nothing known by that
 * id, or asked wrongly.
 */
import type { Command } from 'commander';
import type { ReplayAnswer } from '../replay/answer.ts';
import { ask, usageExit, withEndpoint } from './endpoint.ts';
import { paintFor } from './paint.ts';
import { drawnReplay } from './replay-drawing.ts';

type Options = Readonly<{
  endpoint: string;
  at?: string;
  set: string[];
  account?: string;
  region?: string;
  json?: boolean;
}>;

export function addReplayCommand(program: Command): void {
  withEndpoint(
    program
      .command('replay <id>')
      .description(
        'decide a past pipeline execution, build, deployment or alarm again from its history, as it was at an instant or as it would have been with something changed',
      )
      .option('--at <time>', 'show it as it was at an instant (ISO 8601), or so long after its beginning (PT3M)')
      .option(
        '--set <key=value>',
        'what would have been with another bake, threshold or mode; again for more',
        collected,
        [],
      )
      .option('--account <id>', 'the account of an alarm that is named')
      .option('--region <region>', 'its Region')
      .option('--json', 'for machines')
      .exitOverride(usageExit),
  ).action(async (subject: string, { endpoint, at, set, account, region, json }: Options) => {
    const query = new URLSearchParams({ subject });
    for (const [name, value] of Object.entries({ at, account, region }))
      if (value !== undefined) query.set(name, value);
    for (const pair of set) query.append('set', pair);
    const answer = await ask<ReplayAnswer>(endpoint, `replay?${query}`);
    if (answer === undefined) return;
    const paint = paintFor(process.stdout, process.env['NO_COLOR']);
    process.stdout.write(json === true ? `${JSON.stringify(answer, null, 2)}\n` : drawnReplay(answer, paint));
    process.exitCode = answer.differs ? 1 : 0;
  });
}

function collected(value: string, before: string[]): string[] {
  return [...before, value];
}
