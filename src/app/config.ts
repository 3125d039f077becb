/**
 * Options in, compiled options out: read once, frozen, units resolved. The only reader of the environment.
 */
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';
import { existsSync, readFileSync } from 'node:fs';
import { type FitnessMode, readFitnessMode } from '../core/alarm-fitness/index.ts';
import { type JudgeSettings, readJudgeTag } from '../core/judge/index.ts';
import { type ClockMode, parseClockMode } from './clocks.ts';
import { CRASH_POINTS, type CrashAt, parseCrashAt } from './crash-points.ts';
import type { MasterSecretSetting } from './secrets/master-secret.ts';
import { masterSecretSetting } from './secrets/setting.ts';
import { readRemotes, type RemoteSetting } from './remotes/settings.ts';
import { SettingError } from './yaml-reader.ts';

export type ServerOptions = Readonly<{
  host?: string;
  /** 4566 unless said; 0: any free port. */
  port?: number;
  /** `.sluice` in the working folder unless said. */
  stateDir?: string;
  /** What processes on one database share: blobs, repositories, the master secret's file. The state folder unless said. */
  sharedDir?: string;
  /** Keeps nothing: state goes to a temporary folder that is removed at the end. */
  ephemeral?: boolean;
  /** `real` (default), `manual`, `auto`, `x60`. */
  clock?: string;
  /** Where a stepped or scaled clock starts, epoch milliseconds, when the state says nothing. Absent: the machine's now. */
  clockStartAt?: number;
  /** Twelve digits; default 000000000000. */
  account?: string;
  region?: string;
  tls?: boolean;
  tlsPort?: number;
  databaseUrl?: string;
  store?: 'auto' | 'native' | 'pglite' | 'url';
  /** Only these services (with sts and iam). For tests. */
  services?: readonly string[];
  /** How many builds run side by side; the others wait, QUEUED. Twice the processor's cores unless said. */
  concurrentBuilds?: number;
  /** How many of its newest turns a loop that goes on for ever keeps, for `sluice replay`. */
  historyTurns?: number;
  /** Who judges deployments of groups without the tag `sluice:judge`, as that tag says it; `off` unless said. */
  judge?: string;
  /** What is done about unfit alarms of groups without the tag `sluice:alarm-fitness`: `warn` (unless said), `require`, `off`. */
  alarmFitness?: string;
  /** A seed for ids and random numbers. For tests. */
  seed?: number;
  log?: 'silent' | 'info' | 'debug';
  /** Unless said, as `SLUICE_MASTER_SECRET`, `SLUICE_MASTER_SECRET_FILE` or `SLUICE_MASTER_KMS` say; else a file in the state folder. */
  masterSecret?: MasterSecretSetting;
  /** Accounts that are at another endpoint; in place of what the configuration file says. */
  remotes?: readonly RemoteSetting[];
  /** The configuration file; `sluice.yaml` in the working folder, if there is one. */
  configFile?: string;
}>;

export type ServerConfig = Readonly<{
  host: string;
  port: number;
  stateDir: string;
  sharedDir: string | undefined;
  ephemeral: boolean;
  clock: ClockMode;
  clockStartAt: number | undefined;
  account: string;
  region: string;
  tls: boolean;
  tlsPort: number;
  databaseUrl: string | undefined;
  store: 'auto' | 'native' | 'pglite' | 'url';
  services: readonly string[] | undefined;
  concurrentBuilds: number | undefined;
  historyTurns: number;
  judge: JudgeSettings | undefined;
  alarmFitness: FitnessMode;
  seed: number | undefined;
  log: 'silent' | 'info' | 'debug';
  masterSecret: MasterSecretSetting;
  remotes: readonly RemoteSetting[];
  /** For tests alone: where the server kills itself (`SLUICE_CRASH_AT`). */
  crashAt: CrashAt | undefined;
  /** Folders that ship with Sluice. */
  packageDir: string;
  version: string;
}>;

/** An option that cannot be used; the message says which, what was found and what is expected. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

/** A pipeline of ten actions keeps over a thousand executions by it, in some 40 MB. */
const HISTORY_TURNS = 65_536;

export function compileOptions(
  options: ServerOptions,
  environment: Readonly<Record<string, string | undefined>>,
): ServerConfig {
  const clockText = options.clock ?? environment['SLUICE_CLOCK'] ?? 'real';
  const clock = parseClockMode(clockText);
  if (clock === undefined)
    throw new OptionError(`--clock ${clockText}: expected real, manual, auto or a factor such as x60`);
  const account = options.account ?? environment['SLUICE_ACCOUNT'] ?? '000000000000';
  if (!/^\d{12}$/.test(account)) throw new OptionError(`--account ${account}: expected twelve digits`);
  const port = options.port ?? Number(environment['SLUICE_PORT'] ?? 4566);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new OptionError(`--port ${port}: expected a number from 0 to 65535`);
  const region = options.region ?? environment['SLUICE_REGION'] ?? 'us-east-1';
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region))
    throw new OptionError(`--region ${region}: expected a Region such as us-east-1`);
  const buildsText = environment['SLUICE_CONCURRENT_BUILDS'];
  const concurrentBuilds = options.concurrentBuilds ?? (buildsText === undefined ? undefined : Number(buildsText));
  if (concurrentBuilds !== undefined && !(Number.isInteger(concurrentBuilds) && concurrentBuilds > 0)) {
    throw new OptionError(`SLUICE_CONCURRENT_BUILDS=${buildsText ?? concurrentBuilds}: expected a number from 1`);
  }
  const turnsText = environment['SLUICE_HISTORY_TURNS'];
  const historyTurns = options.historyTurns ?? (turnsText === undefined ? HISTORY_TURNS : Number(turnsText));
  if (!Number.isInteger(historyTurns) || historyTurns < 0)
    throw new OptionError(`SLUICE_HISTORY_TURNS=${turnsText ?? historyTurns}: expected a number from 0`);
  const sharedDir = options.sharedDir ?? environment['SLUICE_SHARED_DIR'];
  const crashText = environment['SLUICE_CRASH_AT'];
  const crashAt = crashText === undefined ? undefined : parseCrashAt(crashText);
  if (crashText !== undefined && crashAt === undefined)
    throw new OptionError(
      `SLUICE_CRASH_AT=${crashText}: expected one of ${CRASH_POINTS.join(', ')}, a colon and a number`,
    );
  const packageDir = findPackageDir();
  return Object.freeze({
    host: options.host ?? environment['SLUICE_HOST'] ?? '127.0.0.1',
    port,
    stateDir: resolve(options.stateDir ?? environment['SLUICE_STATE_DIR'] ?? '.sluice'),
    sharedDir: sharedDir === undefined ? undefined : resolve(sharedDir),
    ephemeral: options.ephemeral ?? false,
    clock,
    clockStartAt: options.clockStartAt,
    account,
    region,
    tls: options.tls ?? false,
    tlsPort: options.tlsPort ?? (port === 0 ? 0 : port + 1),
    databaseUrl: options.databaseUrl ?? environment['SLUICE_DATABASE_URL'],
    store: options.store ?? 'auto',
    services: options.services,
    concurrentBuilds,
    historyTurns,
    judge: judgeSetting(options.judge ?? environment['SLUICE_JUDGE'] ?? 'off'),
    alarmFitness: fitnessSetting(options.alarmFitness ?? environment['SLUICE_ALARM_FITNESS'] ?? 'warn'),
    seed: options.seed,
    log: options.log ?? 'info',
    masterSecret: options.masterSecret ?? masterSecretSetting(environment, (message) => new OptionError(message)),
    remotes: options.remotes ?? remotesOf(options.configFile ?? environment['SLUICE_CONFIG'], environment),
    crashAt,
    packageDir,
    version: packageVersion(),
  });
}

function judgeSetting(text: string): JudgeSettings | undefined {
  const read = readJudgeTag(text);
  if ('problem' in read) throw new OptionError(`SLUICE_JUDGE=${text}: ${read.problem}`);
  return read.settings;
}

function fitnessSetting(text: string): FitnessMode {
  const mode = readFitnessMode(text);
  if (mode === undefined) throw new OptionError(`SLUICE_ALARM_FITNESS=${text}: expected warn, require or off`);
  return mode;
}

/** A file that is named must be there; the usual one may be missing. */
function remotesOf(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): readonly RemoteSetting[] {
  const path = resolve(file ?? 'sluice.yaml');
  if (file === undefined && !existsSync(path)) return [];
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new OptionError(`--config ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    return readRemotes(text, environment);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    throw new OptionError(`${path}: ${error.message}`);
  }
}

/** Sluice's own version. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(resolve(findPackageDir(), 'package.json'), 'utf8')) as { version: string }).version;
}

/** The nearest folder above this file with our package.json: the same from source and from the build. */
function findPackageDir(): string {
  let dir = fileURLToPath(new URL('.', import.meta.url));
  for (let up = 0; up < 6; up++) {
    if (existsSync(resolve(dir, 'package.json')) && existsSync(resolve(dir, 'migrations'))) return dir;
    dir = resolve(dir, '..');
  }
  throw new OptionError('the files that ship with Sluice (package.json, migrations) were not found beside the program');
}
