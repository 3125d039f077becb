/** `sluice demo`: the demo of a checkout (it needs the SDK clients, which an installed package does not carry). */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { OptionError } from '../config.ts';

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('watch a push go through a pipeline, a canary succeed, and a bad one roll itself back')
    .option('--keep', 'leave the server running')
    .option('--kill', 'kill the server in mid-canary and start it again')
    .action(async (flags: Readonly<{ keep?: boolean; kill?: boolean }>) => {
      const file = fileURLToPath(new URL('./demo.js', import.meta.url));
      if (!existsSync(file)) throw new OptionError('the demo runs from a clone of the repository: npm run demo');
      const args = [...(flags.keep === true ? ['--keep'] : []), ...(flags.kill === true ? ['--kill'] : [])];
      const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' });
      process.exitCode = await new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
    });
}
