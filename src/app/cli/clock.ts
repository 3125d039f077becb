/** `sluice clock`: reads the clock; `sluice clock advance 300` moves a manual one. */
import type { Command } from 'commander';
import { control, withEndpoint } from './endpoint.ts';

type ClockAnswer = Readonly<{ mode: string; now: string }>;

export function addClockCommand(program: Command): void {
  const clock = withEndpoint(program.command('clock').description('show the clock')).action(
    async ({ endpoint }: { endpoint: string }) => {
      print(await control<ClockAnswer>(endpoint, 'GET', 'clock'));
    },
  );
  withEndpoint(
    clock.command('advance <by>').description('move a manual clock by seconds or an ISO 8601 duration (300, PT5M)'),
  ).action(async (by: string, { endpoint }: { endpoint: string }) => {
    print(await control<ClockAnswer>(endpoint, 'POST', 'clock/advance', { by }));
  });
}

function print({ mode, now }: ClockAnswer): void {
  process.stdout.write(`${now}  (${mode})\n`);
}
