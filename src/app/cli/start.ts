/** `sluice start`: the server in the foreground, until SIGINT or SIGTERM. */
import { type Command, Option } from 'commander';
import { compileOptions, OptionError, type ServerConfig } from '../config.ts';
import { jsonLog } from '../log.ts';
import { type RunningServer, startServer } from '../server.ts';
import { formatClockMode } from '../clocks.ts';

type StartFlags = Readonly<{
  port?: string;
  host?: string;
  state?: string;
  shared?: string;
  clock?: string;
  account?: string;
  region?: string;
  ephemeral?: boolean;
  tls?: boolean;
  store?: 'auto' | 'native' | 'pglite';
  config?: string;
  verbose?: boolean;
}>;

export function addStartCommand(program: Command): void {
  program
    .command('start')
    .description('serve the AWS API on 127.0.0.1:4566, with state in .sluice/')
    .option('--port <port>', 'port to listen on (default 4566; 0: any free one)')
    .option('--host <address>', 'address to listen on (default 127.0.0.1)')
    .option('--state <folder>', 'where state is kept (default .sluice)')
    .option('--shared <folder>', 'what several processes on one database share (default: the state folder)')
    .option('--ephemeral', 'keep nothing; answers POST /_sluice/reset')
    .option('--clock <mode>', 'real, manual, auto, or x<N> for N times real speed (default real)')
    .option('--account <id>', 'the first account, twelve digits (default 000000000000)')
    .option('--region <region>', 'the default Region (default us-east-1)')
    .option('--tls', 'serve HTTPS too, one port up, with a certificate made on the spot')
    .addOption(new Option('--store <kind>', 'which database to embed').choices(['auto', 'native', 'pglite']))
    .option('--config <file>', 'the configuration file (default sluice.yaml, if there is one)')
    .option('--verbose', 'log more')
    .action(start);
}

async function start(flags: StartFlags): Promise<void> {
  const startedAt = performance.now();
  const config = compileOptions(
    {
      ...(flags.port === undefined ? {} : { port: Number(flags.port) }),
      ...(flags.host === undefined ? {} : { host: flags.host }),
      ...(flags.state === undefined ? {} : { stateDir: flags.state }),
      ...(flags.shared === undefined ? {} : { sharedDir: flags.shared }),
      ...(flags.clock === undefined ? {} : { clock: flags.clock }),
      ...(flags.account === undefined ? {} : { account: flags.account }),
      ...(flags.region === undefined ? {} : { region: flags.region }),
      ...(flags.store === undefined ? {} : { store: flags.store }),
      ...(flags.config === undefined ? {} : { configFile: flags.config }),
      ephemeral: flags.ephemeral ?? false,
      tls: flags.tls ?? false,
      log: flags.verbose === true ? 'debug' : 'info',
    },
    process.env,
  );
  const server = await startServer(config, jsonLog(config.log === 'silent' ? 'info' : config.log)).catch(
    (error: unknown) => {
      throw plainStartError(error, config);
    },
  );
  process.stdout.write(greeting(server, config, performance.now() - startedAt));
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  process.stdout.write('Stopping ...\n');
  await server.close();
}

/** What a newcomer must know next, and nothing else. */
function greeting(server: RunningServer, config: ServerConfig, tookMs: number): string {
  const state = config.ephemeral ? 'kept nowhere (--ephemeral)' : config.stateDir;
  const lines = [
    `Sluice ${config.version} is ready at ${server.url} (${Math.round(tookMs)} ms)`,
    '',
    `  state     ${state}`,
    `  database  PostgreSQL, ${server.open.house.store.kind}`,
    `  clock     ${formatClockMode(config.clock)}`,
    `  account   ${config.account}   Region ${config.region}`,
    ...(server.tls === undefined ? [] : [`  https     ${server.tls.url}   CA file ${server.tls.caFile}`]),
    '',
    'Point the AWS CLI or an SDK at it:',
    '',
    `  export AWS_ENDPOINT_URL=${server.url} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=${config.region}`,
    '  aws sts get-caller-identity',
    '',
    'Ctrl-C stops it.',
    '',
  ];
  return lines.join('\n');
}

function plainStartError(error: unknown, config: ServerConfig): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new OptionError(
      `port ${config.port} on ${config.host} is in use; stop what listens there, or choose another with --port`,
    );
  }
  if (code === 'EACCES' && config.port < 1024)
    return new OptionError(`port ${config.port} needs privileges; choose one above 1023 with --port`);
  if (code === 'EADDRNOTAVAIL') return new OptionError(`${config.host} is not an address of this machine (--host)`);
  return error instanceof Error ? error : new Error(String(error));
}
