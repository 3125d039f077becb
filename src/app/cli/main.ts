/** The `sluice` command. Every command but `start` speaks to a running server by `--endpoint`. */
import { Command } from 'commander';
import { addAccountCommand } from './account.ts';
import { addClockCommand } from './clock.ts';
import { addDemoCommand } from './demo.ts';
import { addDoctorCommand } from './doctor.ts';
import { addFitnessCommand } from './fitness.ts';
import { addMasterSecretCommand } from './master-secret.ts';
import { addPreflightCommand } from './preflight.ts';
import { addRehearseCommand } from './rehearse.ts';
import { addReplayCommand } from './replay.ts';
import { addStartCommand } from './start.ts';
import { addStatusCommand } from './status.ts';
import { addWhyCommand } from './why.ts';
import { packageVersion } from '../config.ts';

const program = new Command('sluice')
  .description('A continuous-delivery system that speaks AWS.')
  .version(packageVersion())
  .showHelpAfterError('(sluice --help lists the commands)');
addStartCommand(program);
addDemoCommand(program);
addClockCommand(program);
addAccountCommand(program);
addStatusCommand(program);
addPreflightCommand(program);
addWhyCommand(program);
addFitnessCommand(program);
addRehearseCommand(program);
addReplayCommand(program);
addMasterSecretCommand(program);
addDoctorCommand(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
