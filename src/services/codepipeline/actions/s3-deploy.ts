/**
 * Deploy / S3: copies the artifact to a bucket, as it is or unpacked. It never deletes what was there before.
 * `{datetime}` and `{uuid}` in the key come from the action execution, so that a second try writes the same keys.
 * Source: User Guide, "Amazon S3 deploy action reference".
 */
import type { Readable } from 'node:stream';
import { isoSeconds } from '../../../common/index.ts';
import { openZip, UnsafeZipError } from '../artifact-zip.ts';
import { ActionFailure, type ActionProvider, type ActionRun } from './action.ts';

export const s3Deploy: ActionProvider = {
  async start(run) {
    const artifact = await run.artifacts.input();
    const key = expand(run.configuration['ObjectKey'] ?? '', run);
    const fetched = await run.artifacts.fetch(artifact);
    try {
      if (run.configuration['Extract'] === 'true') await unpack(run, fetched.path, key);
      else await putObject(run, key, fetched.open(), fetched.bytes);
    } finally {
      await fetched.dispose();
    }
    return { type: 'Succeeded', outputs: [], variables: {}, report: { summary: 'Deployment Succeeded' } };
  },

  async *foresee({ run, call, inputs, read }) {
    const [artifact] = yield* inputs();
    if (artifact === undefined) return;
    yield read(artifact);
    const given = run.configuration['ObjectKey'] ?? '';
    const folder = given === '' || given.endsWith('/') ? given : `${given}/`;
    const extracts = run.configuration['Extract'] === 'true';
    const key = extracts ? `${folder}*` : given.replaceAll('{datetime}', '*').replaceAll('{uuid}', '*');
    yield call('s3', 'PutObject', writeInput(run, key), extracts ? 'write the files' : 'write the object');
  },
};

function writeInput(run: ActionRun, key: string) {
  const { BucketName, KMSEncryptionKeyARN } = run.configuration;
  return {
    Bucket: BucketName,
    Key: key,
    ...(KMSEncryptionKeyARN === undefined ? {} : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KMSEncryptionKeyARN }),
  };
}

async function unpack(run: ActionRun, path: string, prefix: string): Promise<void> {
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  try {
    const zip = await openZip(path);
    try {
      for (const entry of zip.entries) await putObject(run, folder + entry.path, await entry.open(), entry.bytes);
    } finally {
      zip.close();
    }
  } catch (error) {
    if (!(error instanceof UnsafeZipError)) throw error;
    throw new ActionFailure('ConfigurationError', `The artifact cannot be extracted: ${error.message}`);
  }
}

async function putObject(run: ActionRun, key: string, body: Readable, bytes: number): Promise<void> {
  const { CacheControl } = run.configuration;
  try {
    await (
      await run.client()
    ).call('s3', 'PutObject', {
      ...writeInput(run, key),
      Body: body,
      ContentLength: bytes,
      ContentType: contentType(key),
      ...(CacheControl === undefined ? {} : { CacheControl }),
    });
  } finally {
    body.destroy();
  }
}

function expand(key: string, run: ActionRun): string {
  const datetime = isoSeconds(run.actionExecution.startedAt).replace('T', '_').replaceAll(':', '-').replace('Z', '');
  return key.replaceAll('{datetime}', datetime).replaceAll('{uuid}', run.actionExecution.id);
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: 'text/css',
  gif: 'image/gif',
  htm: 'text/html',
  html: 'text/html',
  ico: 'image/x-icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'application/javascript',
  json: 'application/json',
  map: 'application/json',
  md: 'text/markdown',
  mjs: 'application/javascript',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain',
  wasm: 'application/wasm',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xml: 'application/xml',
  zip: 'application/zip',
};

function contentType(key: string): string {
  const extension = /\.([A-Za-z0-9]+)$/.exec(key)?.[1]?.toLowerCase() ?? '';
  return CONTENT_TYPES[extension] ?? 'application/octet-stream';
}
