/**
 * What an execution environment is made of: the program of its runtime, its code, its variables, its credentials and
 * its log stream. Source: Lambda Developer Guide, "Defined runtime environment variables", "Lambda runtimes".
 *
 * Differs from AWS: a function runs on the machine's own Node.js and Python, whichever version it names, and on the
 * machine's own architecture; `/var/task` is wherever the package was unpacked (`LAMBDA_TASK_ROOT`), and the AWS SDK is
 * not put beside it. Memory is a limit for Node.js's heap and is told to the others; ephemeral storage is not limited.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AwsError, HEX } from '../../common/index.ts';
import { ZipError } from '../../runtimes/index.ts';
import type { House } from '../service.ts';
import { FunctionLog } from './function-logs.ts';
import { type Configuration, functionArn, type Place } from './records.ts';
import { LEAST_LEFT_MS } from './role-sessions.ts';
import { unsealVariables } from './sealing.ts';
import { type FunctionRecipe, type Workshop, workshopOf } from './workshop.ts';

export const RUNTIMES: readonly string[] = [
  'nodejs18.x',
  'nodejs20.x',
  'nodejs22.x',
  'nodejs24.x',
  'python3.8',
  'python3.9',
  'python3.10',
  'python3.11',
  'python3.12',
  'python3.13',
  'python3.14',
  'provided',
  'provided.al2',
  'provided.al2023',
];

/** Invocations with the same key may share an environment; a change of code or settings makes another. */
export function environmentKey(place: Place, { version, revisionId }: Configuration): string {
  return `${keyPrefix(place)}:${version}#${revisionId}`;
}

/** Of every environment of a function, or of one of its versions. */
export function keyPrefix(place: Place, version?: string): string {
  const prefix = `${place.account}/${place.region}/${place.name}`;
  return version === undefined ? prefix : `${prefix}:${version}#`;
}

/** Ends the environments of a function that are out of date: all, or those of one version. */
export function retireEnvironments(house: House, place: Place, version?: string): void {
  const prefix = version === undefined ? `${keyPrefix(place)}:` : keyPrefix(place, version);
  workshopOf(house).pool.retire((key) => key.startsWith(prefix));
}

/** Unpacks the package unless that is done; `zip`: before it is kept. Throws `InvalidParameterValueException` in AWS's words. */
export async function prepareCode(house: House, digest: string, zip?: Uint8Array): Promise<string> {
  try {
    return await workshopOf(house).code.prepare(digest, async () => zip ?? house.blobs.readAll(digest));
  } catch (error) {
    if (!(error instanceof ZipError)) throw error;
    const message =
      error.fault === 'Empty'
        ? 'Uploaded file must be a non-empty zip'
        : error.fault === 'TooLarge'
          ? 'Unzipped size must be smaller than 262144000 bytes'
          : 'Could not unzip uploaded file. Please check your file, then try to upload again.';
    throw new AwsError('InvalidParameterValueException', message, { cause: error });
  }
}

export async function makeRecipe(house: House, place: Place, configuration: Configuration): Promise<FunctionRecipe> {
  const workshop = workshopOf(house);
  const { role, version } = configuration;
  const [session, codeDir, program, own] = await Promise.all([
    workshop.sessions.get(place, role),
    prepareCode(house, configuration.codeDigest),
    command(house, workshop, configuration),
    unsealVariables(house, configuration.environment),
  ]);
  const id = house.ids.text(32, HEX);
  const scratch = join(workshop.scratchDir, id);
  await mkdir(scratch, { recursive: true });
  const [date = ''] = new Date(house.clock.now()).toISOString().split('T');
  const stream = `${date.replaceAll('-', '/')}/[${version}]${id}`;
  const log = new FunctionLog(house, {
    scope: { account: place.account, region: place.region },
    group: configuration.logGroup,
    stream,
    principal: async () => (await workshop.sessions.get(place, role)).principal,
  });
  workshop.logs.add(log);
  const env: Record<string, string> = {
    PATH: house.config.searchPath,
    LANG: 'C.UTF-8',
    TZ: ':UTC',
    HOME: scratch,
    TMPDIR: scratch,
    AWS_ENDPOINT_URL: house.config.endpoint(),
    ...own,
    _HANDLER: configuration.handler,
    AWS_REGION: place.region,
    AWS_DEFAULT_REGION: place.region,
    AWS_ACCESS_KEY_ID: session.accessKeyId,
    AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
    AWS_SESSION_TOKEN: session.sessionToken,
    AWS_LAMBDA_FUNCTION_NAME: place.name,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: configuration.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: stream,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    LAMBDA_TASK_ROOT: codeDir,
    LAMBDA_RUNTIME_DIR: join(house.config.assetsDir, 'lambda'),
    ...(configuration.runtime.startsWith('provided')
      ? {}
      : { AWS_EXECUTION_ENV: `AWS_Lambda_${configuration.runtime}` }),
  };
  return {
    process: { command: program(codeDir), cwd: codeDir, env, label: `lambda:${functionArn(place, version)}` },
    output: (chunk) => log.output(chunk),
    fresh: () => session.expiresAt - house.clock.now() > LEAST_LEFT_MS,
    onEnded: () => {
      log.endLine();
      void log.flushed().then(() => workshop.logs.delete(log));
      void rm(scratch, { recursive: true, force: true });
    },
    log,
  };
}

type MakeCommand = (codeDir: string) => readonly [string, ...string[]];

async function command(house: House, workshop: Workshop, { runtime, memoryMb }: Configuration): Promise<MakeCommand> {
  const bootstraps = join(house.config.assetsDir, 'lambda');
  if (runtime.startsWith('nodejs')) {
    // As much of the memory for the heap as AWS gives it.
    const heapMb = Math.max(64, Math.floor(memoryMb * 0.9));
    return () => [process.execPath, `--max-old-space-size=${heapMb}`, join(bootstraps, 'node.mjs')];
  }
  if (runtime.startsWith('python')) {
    let python = workshop.programs.get(runtime);
    if (python === undefined) workshop.programs.set(runtime, (python = findPython(house, runtime)));
    const program = await python;
    // -B: nothing is written beside the code, which is shared and read-only. -u: nothing printed is held back.
    return () => [program, '-B', '-u', join(bootstraps, 'python.py')];
  }
  return (codeDir) => [join(codeDir, 'bootstrap')];
}

/** The interpreter itself rather than a wrapper on the path (pyenv's costs a tenth of a second at each start). */
async function findPython(house: House, runtime: string): Promise<string> {
  for (const name of [runtime, 'python3']) {
    let path = '';
    try {
      const probe = await house.runtime.start({
        command: [name, '-c', 'import sys; print(sys.executable)'],
        cwd: house.config.stateDir,
        env: { PATH: house.config.searchPath },
        timeoutMs: 10_000,
        label: `lambda:looking for ${name}`,
        onOutput: (stream, chunk) => {
          if (stream === 'stdout') path += Buffer.from(chunk).toString('utf8');
        },
      });
      const { exitCode } = await probe.exited;
      if (exitCode === 0 && path.trim() !== '') return path.trim();
    } catch {
      // Not on the path.
    }
  }
  return 'python3';
}
