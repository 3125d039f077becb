/** UPLOAD_ARTIFACTS: packs what the buildspec names and puts it into S3 as the service role. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BuildArtifacts } from '@aws-sdk/client-codebuild';
import { ZipFile } from 'yazl';
import { isAwsError } from '../../../common/index.ts';
import type { ArtifactFiles } from '../../../core/buildspec/index.ts';
import type { Client, Scope } from '../../service.ts';
import { artifactKey } from '../build-shape.ts';
import type { Build, BuildDefinition } from '../records.ts';
import { type ArtifactFile, selectFiles } from './artifact-files.ts';
import { PhaseFailure } from './phase-failure.ts';

export type ArtifactTools = Readonly<{
  scope: Scope;
  build: Build;
  client: () => Promise<Client>;
  sourceDir: string;
  scratchDir: string;
  log(line: string): void;
  /** Expands variables and `$(...)` as the build's shell would. */
  expand(text: string): Promise<string>;
}>;

type Definition = BuildDefinition['artifacts'];

/** Throws `PhaseFailure`. */
export async function uploadArtifacts(
  given: ArtifactFiles,
  definition: Definition,
  tools: ArtifactTools,
): Promise<BuildArtifacts> {
  const spec = await expanded(given, tools);
  const files = (await selectFiles(tools.sourceDir, spec, tools.log)).filter(Boolean);
  if (files.length === 0) throw new PhaseFailure('CLIENT_ERROR', 'no matching artifact paths found');
  const named = definition.overrideArtifactName === true && spec.name !== undefined ? spec.name : definition.name;
  const place = artifactKey(tools.build, prefixed(definition, spec.s3Prefix), named === '/' ? '' : named);
  const slash = place.indexOf('/');
  const bucket = slash < 0 ? place : place.slice(0, slash);
  const key = slash < 0 ? '' : place.slice(slash + 1);
  try {
    const sums =
      definition.packaging === 'ZIP'
        ? await uploadZip(files, spec, bucket, key === '' ? tools.build.definition.projectName : key, definition, tools)
        : await uploadFolder(files, bucket, key, definition, tools);
    return {
      location: `arn:aws:s3:::${place}`,
      ...sums,
      overrideArtifactName: definition.overrideArtifactName ?? false,
      encryptionDisabled: definition.encryptionDisabled ?? false,
      ...(definition.artifactIdentifier === undefined ? {} : { artifactIdentifier: definition.artifactIdentifier }),
    };
  } catch (error) {
    if (isAwsError(error))
      throw new PhaseFailure('CLIENT_ERROR', `Failed to upload artifacts: ${error.code}: ${error.message}`);
    throw error;
  }
}

async function expanded(spec: ArtifactFiles, tools: ArtifactTools): Promise<ArtifactFiles> {
  const all = (texts: readonly string[]): Promise<string[]> => Promise.all(texts.map((text) => tools.expand(text)));
  // One after the other: the shell answers one question at a time.
  const files: string[] = [];
  for (const file of spec.files) files.push(...(await all([file])));
  return {
    ...spec,
    files,
    ...(spec.baseDirectory === undefined ? {} : { baseDirectory: await tools.expand(spec.baseDirectory) }),
    ...(spec.name === undefined ? {} : { name: await tools.expand(spec.name) }),
    ...(spec.s3Prefix === undefined ? {} : { s3Prefix: await tools.expand(spec.s3Prefix) }),
  };
}

/** `s3-prefix` goes before the namespace: `<s3-prefix>/<build-id>/<name>`. */
function prefixed(definition: Definition, s3Prefix: string | undefined): Definition {
  if (s3Prefix === undefined || s3Prefix === '') return definition;
  return { ...definition, path: definition.path ? `${definition.path}/${s3Prefix}` : s3Prefix };
}

async function uploadZip(
  files: readonly ArtifactFile[],
  spec: ArtifactFiles,
  bucket: string,
  key: string,
  definition: Definition,
  tools: ArtifactTools,
): Promise<{ sha256sum: string; md5sum: string }> {
  const archive = join(tools.scratchDir, 'artifacts.zip');
  const sums = await pack(files, spec.enableSymlinks, archive);
  await putFile(archive, bucket, key, definition, tools);
  await rm(archive, { force: true });
  return sums;
}

async function pack(
  files: readonly ArtifactFile[],
  keepLinks: boolean,
  archive: string,
): Promise<{ sha256sum: string; md5sum: string }> {
  const zip = new ZipFile();
  const [sha256, md5] = [createHash('sha256'), createHash('md5')];
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sha256.update(chunk);
      md5.update(chunk);
      done(null, chunk);
    },
  });
  const failed = new Promise<never>((_, reject) => zip.once('error', reject));
  for (const file of files) {
    if (file.isLink && keepLinks) {
      zip.addBuffer(Buffer.from(await readlink(file.path)), file.name, { mode: 0o120777 });
      continue;
    }
    const found = await stat(file.path).catch(() => undefined);
    // A link to nothing, or to a folder, is no file.
    if (found?.isFile() === true) zip.addFile(file.path, file.name, { mtime: found.mtime, mode: found.mode });
  }
  zip.end();
  await Promise.race([failed, pipeline(zip.outputStream, hashing, createWriteStream(archive))]);
  return { sha256sum: sha256.digest('hex'), md5sum: md5.digest('hex') };
}

async function uploadFolder(
  files: readonly ArtifactFile[],
  bucket: string,
  key: string,
  definition: Definition,
  tools: ArtifactTools,
): Promise<Record<string, never>> {
  for (const file of files) {
    if ((await stat(file.path).catch(() => undefined))?.isFile() !== true) continue;
    await putFile(file.path, bucket, key === '' ? file.name : `${key}/${file.name}`, definition, tools);
  }
  return {};
}

async function putFile(
  path: string,
  bucket: string,
  key: string,
  definition: Definition,
  tools: ArtifactTools,
): Promise<void> {
  const { size } = await stat(path);
  const client = await tools.client();
  await client.call('s3', 'PutObject', {
    Bucket: bucket,
    Key: key,
    Body: createReadStream(path),
    ContentLength: size,
    Metadata: { 'codebuild-buildarn': tools.build.arn },
    ...encryption(definition, tools.build.definition.encryptionKey, tools.scope),
    ...(definition.bucketOwnerAccess === 'FULL' ? { ACL: 'bucket-owner-full-control' } : {}),
    ...(definition.bucketOwnerAccess === 'READ_ONLY' ? { ACL: 'bucket-owner-read' } : {}),
  });
}

export function encryption(definition: Definition, encryptionKey: string, scope: Scope): object {
  if (definition.encryptionDisabled === true) return {};
  return { ServerSideEncryption: 'aws:kms', ...keyId(encryptionKey, scope) };
}

/** The default, the AWS managed key of S3, is what S3 takes when none is named. */
export function keyId(encryptionKey: string, scope: Scope): { SSEKMSKeyId?: string } {
  if (/(?:^|:)alias\/aws\/s3$/.test(encryptionKey)) return {};
  if (encryptionKey.startsWith('alias/'))
    return { SSEKMSKeyId: `arn:aws:kms:${scope.region}:${scope.account}:${encryptionKey}` };
  return { SSEKMSKeyId: encryptionKey };
}
