/**
 * `sluice why`: why a call was, or would be, allowed or denied, and what would open the way.
 * Exit code: 0 allowed, 1 something is denied, 2 nothing known by that id, or no question.
 */
import type { Command } from 'commander';
import type { WhyAnswer } from '../why/ask.ts';
import { ask, usageExit, withEndpoint } from './endpoint.ts';
import { paintFor } from './paint.ts';
import { drawnAnswer } from './why-drawing.ts';

type Options = Readonly<{ endpoint: string; json?: boolean; region?: string; account?: string; context: string[] }>;

export function addWhyCommand(program: Command): void {
  withEndpoint(
    program
      .command('why <subject...>')
      .description(
        'say why a call was or would be denied, and what opens the way: a request id, the id of a pipeline execution, build or deployment, or PRINCIPAL ACTION RESOURCE',
      )
      .option('--account <id>', 'where the call of a question is made (default: where its resource is)')
      .option('--region <region>', 'the Region of that call')
      .option('--context <key=value>', 'a condition key of the request, again for more', collected, [])
      .option('--json', 'for machines')
      .exitOverride(usageExit),
  ).action(async (subject: string[], { endpoint, json, region, account, context }: Options) => {
    const query = new URLSearchParams({ subject: subject.join(' ') });
    if (region !== undefined) query.set('region', region);
    if (account !== undefined) query.set('account', account);
    for (const pair of context) query.append('context', pair);
    const answer = await ask<WhyAnswer>(endpoint, `why?${query}`);
    if (answer === undefined) return;
    const paint = paintFor(process.stdout, process.env['NO_COLOR']);
    process.stdout.write(json === true ? `${JSON.stringify(answer, null, 2)}\n` : drawnAnswer(answer, paint));
    process.exitCode = answer.denied ? 1 : 0;
  });
}

function collected(value: string, before: string[]): string[] {
  return [...before, value];
}
