/** `sluice doctor`: whether this machine has what Sluice needs, and what to do about what is missing. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { compileOptions } from '../config.ts';
import { fileMasterSecret } from '../secrets/master-secret.ts';
import { settingWords } from '../secrets/setting.ts';
import { silentLog } from '../log.ts';
import { openStore } from '../../store/index.ts';
import { machinePath, wallNow } from '../system.ts';

const run = promisify(execFile);

type Finding = Readonly<{ subject: string; state: 'ok' | 'missing' | 'optional'; text: string }>;

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('check this machine: node, git, docker, port, state folder, database')
    .option('--port <port>', 'the port to check', '4566')
    .option('--state <folder>', 'the state folder to check', '.sluice')
    .action(async ({ port, state }: Readonly<{ port: string; state: string }>) => {
      const findings = [
        node(),
        await command('git', ['--version'], 'needed: CodeCommit serves repositories with it'),
        await command('python3', ['--version'], 'optional: Lambda functions with a Python runtime need it', true),
        await command(
          'docker',
          ['info', '--format', '{{.ServerVersion}}'],
          'optional: builds and functions run as processes without it',
          true,
        ),
        await command('openssl', ['version'], 'optional: --tls makes its certificate with it', true),
        await portFinding(Number(port)),
        stateFinding(resolve(state)),
        await masterSecretFinding(resolve(state)),
        await databaseFinding(),
      ];
      for (const { subject, state: found, text } of findings) {
        process.stdout.write(`${{ ok: '✓', missing: '✗', optional: '–' }[found]} ${subject.padEnd(10)} ${text}\n`);
      }
      if (findings.some((finding) => finding.state === 'missing')) process.exitCode = 1;
    });
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > 20 || (major === 20 && minor >= 19);
  return {
    subject: 'node',
    state: fits ? 'ok' : 'missing',
    text: `${process.versions.node}${fits ? '' : ', but 20.19 or newer is needed'}`,
  };
}

async function command(name: string, args: string[], otherwise: string, optional = false): Promise<Finding> {
  try {
    const { stdout } = await run(name, args, { timeout: 5_000 });
    return { subject: name, state: 'ok', text: stdout.trim().split('\n')[0] ?? '' };
  } catch {
    return { subject: name, state: optional ? 'optional' : 'missing', text: `not found or not running; ${otherwise}` };
  }
}

async function portFinding(port: number): Promise<Finding> {
  const server = createServer();
  const failure = await new Promise<string | undefined>((done) => {
    server.once('error', (error) => done('code' in error ? String(error.code) : error.message));
    server.listen(port, '127.0.0.1', () => done(undefined));
  });
  await new Promise<void>((done) => void server.close(() => done()));
  if (failure === undefined) return { subject: 'port', state: 'ok', text: `${port} is free` };
  const sluice = await fetch(`http://127.0.0.1:${port}/_sluice/health`).then(
    (response) => response.ok,
    () => false,
  );
  return sluice
    ? { subject: 'port', state: 'ok', text: `${port} is served by a running Sluice` }
    : {
        subject: 'port',
        state: 'missing',
        text: `${port} cannot be used (${failure}); stop what listens there, or choose another with --port`,
      };
}

function stateFinding(folder: string): Finding {
  const existing = existsSync(folder) ? folder : dirname(folder);
  try {
    accessSync(existing, constants.W_OK);
    const { bavail, bsize } = statfsSync(existing);
    const freeGiB = (bavail * bsize) / 2 ** 30;
    return freeGiB < 1
      ? { subject: 'state', state: 'missing', text: `${folder}: only ${freeGiB.toFixed(2)} GiB free on its disk` }
      : { subject: 'state', state: 'ok', text: `${folder}, ${freeGiB.toFixed(0)} GiB free` };
  } catch {
    return {
      subject: 'state',
      state: 'missing',
      text: `${existing} cannot be written; choose another folder with --state`,
    };
  }
}

/** Which master secret would be used, and whether it can be read. A KMS key is not asked: that costs a call. */
async function masterSecretFinding(stateDir: string): Promise<Finding> {
  const subject = 'secret';
  try {
    const setting = compileOptions({ port: 0 }, process.env).masterSecret;
    if (setting.kind !== 'file') return { subject, state: 'ok', text: `master secret: ${settingWords(setting)}` };
    const path = setting.path ?? join(stateDir, 'master-secret');
    if (setting.path === undefined && !existsSync(path)) {
      return { subject, state: 'ok', text: `master secret: ${path}, to be made at the first start` };
    }
    await fileMasterSecret(path);
    return { subject, state: 'ok', text: `master secret: ${path}; keep a copy of it apart from the state` };
  } catch (error) {
    return { subject, state: 'missing', text: error instanceof Error ? error.message : String(error) };
  }
}

async function databaseFinding(): Promise<Finding> {
  const config = compileOptions({ port: 0 }, process.env);
  try {
    const store = await openStore({
      kind: 'auto',
      url: config.databaseUrl,
      ephemeral: true,
      migrationsDir: resolve(config.packageDir, 'migrations'),
      searchPath: machinePath(),
      wallNow,
      log: silentLog,
    });
    const rows = await store.query<{ version: string }>('SHOW server_version');
    await store.close();
    return {
      subject: 'database',
      state: 'ok',
      text: `PostgreSQL ${Object.values(rows[0] ?? {}).join('')} (${store.kind})`,
    };
  } catch (error) {
    return { subject: 'database', state: 'missing', text: error instanceof Error ? error.message : String(error) };
  }
}
