/** `sluice master-secret`: which master secret seals the state, and to change it while Sluice is stopped. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { openStateFolder, openStore } from '../../store/index.ts';
import { compileOptions, OptionError } from '../config.ts';
import { silentLog } from '../log.ts';
import { changeMasterSecret } from '../secrets/root-key.ts';
import { masterSecretSetting, settingWords } from '../secrets/setting.ts';
import { machinePath, systemIds, wallNow } from '../system.ts';

export function addMasterSecretCommand(program: Command): void {
  const command = program
    .command('master-secret')
    .description('the secret under which keys, credentials and secrets lie sealed');
  command
    .command('show')
    .description('say which one is used, never what it is')
    .action(() => {
      const { masterSecret } = compileOptions({ port: 0 }, process.env);
      process.stdout.write(`The master secret is ${settingWords(masterSecret)}.\n`);
    });
  command
    .command('change')
    .description(
      'seal the root key under SLUICE_NEW_MASTER_SECRET, SLUICE_NEW_MASTER_SECRET_FILE or SLUICE_NEW_MASTER_KMS; stop Sluice first',
    )
    .option('--state <folder>', 'the state folder (default .sluice)')
    .action(async ({ state }: Readonly<{ state?: string }>) => {
      const config = compileOptions({ port: 0, ...(state === undefined ? {} : { stateDir: state }) }, process.env);
      const refuse = (message: string): Error => new OptionError(message);
      const to = masterSecretSetting(process.env, refuse, 'SLUICE_NEW_MASTER');
      if (to.kind === 'file' && to.path === undefined) {
        throw refuse(
          'set the new one: SLUICE_NEW_MASTER_SECRET, SLUICE_NEW_MASTER_SECRET_FILE or SLUICE_NEW_MASTER_KMS',
        );
      }
      const folder = await openStateFolder(config.stateDir);
      const store = await openStore({
        kind: config.store,
        url: config.databaseUrl,
        stateDir: folder.path,
        ephemeral: false,
        migrationsDir: join(config.packageDir, 'migrations'),
        searchPath: machinePath(),
        wallNow,
        log: silentLog,
      }).catch(async (error: unknown) => {
        await folder.release();
        throw error;
      });
      try {
        const around = { store, stateDir: folder.path, ids: systemIds(), wallNow };
        const changed = await changeMasterSecret(config.masterSecret, to, around);
        process.stdout.write(
          `The state is sealed under ${changed.to}, no longer under ${changed.from}. Set SLUICE_MASTER_... so before the next start.\n`,
        );
      } finally {
        await store.close();
        await folder.release();
      }
    });
}
