/**
 * Brings the sources of a build into its folder: the primary into `src`, each secondary into `src_<identifier>`.
 * S3 objects are read and repositories cloned as the service role; a repository over git's own HTTP door, so that
 * `codecommit:GitPull` is needed.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ProjectSource } from '@aws-sdk/client-codebuild';
import { isAwsError } from '../../../common/index.ts';
import type { ProcessExit } from '../../../runtimes/index.ts';
import type { Client } from '../../service.ts';
import { splitS3Location } from '../project-rules.ts';
import { PhaseFailure } from './phase-failure.ts';
import { unzip } from './unzip.ts';

export type SourceTools = Readonly<{
  client: () => Promise<Client>;
  /** Runs git in a folder; output goes to the log and is returned. */
  git(cwd: string, args: readonly string[]): Promise<Readonly<{ exit: ProcessExit; output: string }>>;
  /** Where downloads lie until they are unpacked. */
  scratchDir: string;
  /** Sluice's own address, which repositories are cloned from. */
  endpoint: string;
  region: string;
  /** SHA-256 that objects must have, by `bucket/key`: they may have been written over since the build was asked for. */
  digests: Readonly<Record<string, string>>;
}>;

export type Fetched = Readonly<{ resolvedVersion?: string }>;

/** `what` names the source in messages: `primary source`, `secondary source x`. Throws `PhaseFailure`. */
export async function fetchSource(
  source: ProjectSource,
  version: string | undefined,
  into: string,
  what: string,
  tools: SourceTools,
): Promise<Fetched> {
  await mkdir(into, { recursive: true });
  switch (source.type) {
    case 'NO_SOURCE':
      return {};
    case 'S3':
      return fetchFromS3(source.location ?? '', version, into, what, tools);
    case 'CODECOMMIT':
      return cloneFromCodeCommit(source, version, into, what, tools);
    default:
      throw new PhaseFailure('CLIENT_ERROR', `source type ${source.type ?? ''} is not implemented by Sluice`);
  }
}

async function fetchFromS3(
  location: string,
  version: string | undefined,
  into: string,
  what: string,
  tools: SourceTools,
): Promise<Fetched> {
  const place = splitS3Location(location);
  if (place === undefined) throw new PhaseFailure('CLIENT_ERROR', `invalid S3 location ${location} for ${what}`);
  const arn = `arn:aws:s3:::${place.bucket}/${place.key}`;
  try {
    if (place.key.endsWith('/')) {
      await fetchFolder(place.bucket, place.key, into, tools);
      return {};
    }
    const archive = join(tools.scratchDir, 'source.zip');
    const sha256 = await download(
      tools,
      { Bucket: place.bucket, Key: place.key, ...(version ? { VersionId: version } : {}) },
      archive,
    );
    const expected = tools.digests[`${place.bucket}/${place.key}`] ?? sha256;
    if (sha256 !== expected)
      throw new PhaseFailure(
        'CLIENT_ERROR',
        `the object is not what its pipeline handed over: expected SHA-256 ${expected}, found ${sha256} for ${what} and source version ${arn}`,
      );
    await unzip(archive, into);
    await rm(archive, { force: true });
    return {};
  } catch (error) {
    if (isAwsError(error))
      throw new PhaseFailure('CLIENT_ERROR', `${error.code}: ${error.message} for ${what} and source version ${arn}`);
    if (error instanceof Error && error.name === 'ZipRefused') {
      throw new PhaseFailure('CLIENT_ERROR', `${error.message} for ${what} and source version ${arn}`);
    }
    throw error;
  }
}

/** Resolves to its SHA-256. */
async function download(tools: SourceTools, input: object, file: string): Promise<string> {
  const client = await tools.client();
  const { Body } = await client.call<{ Body?: Readable }>('s3', 'GetObject', input);
  if (Body === undefined) throw new PhaseFailure('CLIENT_ERROR', 'the S3 object has no content');
  await mkdir(dirname(file), { recursive: true });
  const digest = createHash('sha256');
  const measured = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      digest.update(chunk);
      yield chunk;
    }
  };
  await pipeline(Body, measured, createWriteStream(file));
  return digest.digest('hex');
}

async function fetchFolder(bucket: string, prefix: string, into: string, tools: SourceTools): Promise<void> {
  let token: string | undefined;
  let found = 0;
  do {
    const client = await tools.client();
    const page = await client.call<{ Contents?: { Key?: string }[]; NextContinuationToken?: string }>(
      's3',
      'ListObjectsV2',
      {
        Bucket: bucket,
        Prefix: prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      },
    );
    for (const { Key = '' } of page.Contents ?? []) {
      found += 1;
      const file = resolve(into, Key.slice(prefix.length));
      if (Key.endsWith('/')) continue;
      if (!file.startsWith(into + sep))
        throw new PhaseFailure('CLIENT_ERROR', `the S3 key ${Key} leaves the source folder`);
      await download(tools, { Bucket: bucket, Key }, file);
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
  if (found === 0)
    throw new PhaseFailure('CLIENT_ERROR', `NoSuchKey: no object lies under arn:aws:s3:::${bucket}/${prefix}`);
}

async function cloneFromCodeCommit(
  source: ProjectSource,
  version: string | undefined,
  into: string,
  what: string,
  tools: SourceTools,
): Promise<Fetched> {
  const name = /\/v1\/repos\/([\w.-]+)\/?$/.exec(source.location ?? '')?.[1] ?? '';
  const url = `${tools.endpoint}/v1/repos/${name}`;
  const depth = source.gitCloneDepth ?? 0;
  const run = async (args: readonly string[]): Promise<string> => {
    const { exit, output } = await tools.git(into, args);
    if (exit.exitCode !== 0) throw cloneFailure(output, what, version);
    return output.trim();
  };
  await run(['init', '--quiet', '.']);
  await run(['remote', 'add', 'origin', url]);
  const shallow = depth > 0 ? [`--depth=${depth}`] : [];
  if (version !== undefined && /^[0-9a-f]{40}$/.test(version) && depth > 0) {
    await run(['fetch', '--quiet', ...shallow, 'origin', version]);
    await run(['checkout', '--quiet', '--detach', 'FETCH_HEAD']);
  } else {
    await run(['fetch', '--quiet', '--tags', ...shallow, 'origin', '+refs/heads/*:refs/remotes/origin/*']);
    await run(['checkout', '--quiet', '--detach', await target(version, run, tools, into, what)]);
  }
  if (source.gitSubmodulesConfig?.fetchSubmodules === true)
    await run(['submodule', 'update', '--quiet', '--init', '--recursive']);
  return { resolvedVersion: await run(['rev-parse', 'HEAD']) };
}

/** What to check out: the commit, the branch, the tag or the reference that the version names; by default the remote's HEAD. */
async function target(
  version: string | undefined,
  run: (args: readonly string[]) => Promise<string>,
  tools: SourceTools,
  cwd: string,
  what: string,
): Promise<string> {
  if (version === undefined) {
    await run(['remote', 'set-head', 'origin', '--auto']);
    return 'refs/remotes/origin/HEAD';
  }
  const branch = version.replace(/^refs\/heads\//, '');
  for (const name of [`refs/remotes/origin/${branch}`, `refs/tags/${version.replace(/^refs\/tags\//, '')}`, version]) {
    if (name.startsWith('-')) continue;
    const { exit } = await tools.git(cwd, ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
    if (exit.exitCode === 0) return name;
  }
  throw new PhaseFailure('CLIENT_ERROR', `git reference not found for ${what} and source version ${version}`);
}

function cloneFailure(output: string, what: string, version: string | undefined): PhaseFailure {
  const place = `for ${what} and source version ${version ?? ''}`;
  const told = /^remote: (.*)$/m.exec(output)?.[1];
  if (/error: 403|not authorized/.test(output))
    return new PhaseFailure('CLIENT_ERROR', `authorization failed ${place}: ${told ?? ''}`);
  if (/error: 401|Authentication failed|could not read Username/.test(output)) {
    return new PhaseFailure('CLIENT_ERROR', `authentication required ${place}`);
  }
  if (/not found/.test(output)) return new PhaseFailure('CLIENT_ERROR', `repository not found ${place}`);
  if (/couldn't find remote ref|pathspec|not our ref|unable to set/i.test(output)) {
    return new PhaseFailure('CLIENT_ERROR', `git reference not found ${place}`);
  }
  const last = output.trim().split('\n').at(-1) ?? '';
  return new PhaseFailure('CLIENT_ERROR', `git failed ${place}: ${last}`);
}
