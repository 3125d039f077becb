/**
 * The AppSpec of a Lambda revision: inline, a bare object in Amazon S3, or one file in a zip or a compressed tar there.
 * The object is read in the service role.
 */
import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import type { RevisionLocation } from '@aws-sdk/client-codedeploy';
import { parse } from 'yaml';
import { fromBuffer, type ZipFile } from 'yauzl';
import { isAwsError } from '../../common/index.ts';
import { type LambdaAppSpec, readLambdaAppSpec } from '../../core/appspec/index.ts';
import type { DeploymentError } from '../../core/lambda-deployment/index.ts';
import type { Client } from '../service.ts';
import { isDenied, isPassing, roleError } from './role-sessions.ts';

const MOST_APPSPEC_BYTES = 1024 * 1024;
const MOST_BUNDLE_BYTES = 256 * 1024 * 1024;

/** An expected failure; what is worth another try is thrown as it came. */
class Refusal extends Error {
  readonly error: DeploymentError;

  constructor(code: string, message: string) {
    super(message);
    this.error = { code, message };
  }
}

type Read = Readonly<{ appSpec: LambdaAppSpec } | { error: DeploymentError }>;

/** Undefined where the AppSpec is not in the revision's own text. */
export function inlineAppSpec(revision: RevisionLocation): Read | undefined {
  const text = inlineText(revision);
  if (text === undefined) return undefined;
  try {
    return readText(text);
  } catch (error) {
    if (error instanceof Refusal) return { error: error.error };
    throw error;
  }
}

function inlineText(revision: RevisionLocation): string | undefined {
  return revision.appSpecContent?.content ?? revision.string?.content;
}

function readText(text: string): Read {
  const read = readLambdaAppSpec(parsed(text));
  return 'appSpec' in read ? read : { error: { code: 'INVALID_REVISION', message: read.problem } };
}

export async function readAppSpec(client: Client, roleArn: string, revision: RevisionLocation): Promise<Read> {
  try {
    return readText(await appSpecText(client, roleArn, revision));
  } catch (error) {
    if (error instanceof Refusal) return { error: error.error };
    throw error;
  }
}

async function appSpecText(client: Client, roleArn: string, revision: RevisionLocation): Promise<string> {
  const inline = inlineText(revision);
  if (inline !== undefined) return inline;
  const { s3Location } = revision;
  if (s3Location === undefined) throw new Refusal('REVISION_MISSING', 'The revision holds no AppSpec.');
  const bytes = await objectBytes(client, roleArn, s3Location);
  if (s3Location.bundleType === 'zip') return (await onlyAppSpec(await filesOfZip(bytes))).toString('utf8');
  if (s3Location.bundleType === 'tgz') return (await onlyAppSpec(await filesOfTar(bytes))).toString('utf8');
  if (bytes.length > MOST_APPSPEC_BYTES) throw tooLarge();
  return bytes.toString('utf8');
}

/** JSON is YAML. Aliases are limited by the parser, so that a short file cannot grow without bound. */
function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new Refusal('INVALID_REVISION', `The AppSpec file is neither valid YAML nor valid JSON: ${message}`);
  }
}

async function objectBytes(
  client: Client,
  roleArn: string,
  location: NonNullable<RevisionLocation['s3Location']>,
): Promise<Buffer> {
  const { bucket = '', key = '', version, eTag } = location;
  const where = `s3://${bucket}/${key}${version === undefined ? '' : ` (version ${version})`}`;
  try {
    const object = await client.call<{ Body?: unknown; ETag?: string }>('s3', 'GetObject', {
      Bucket: bucket,
      Key: key,
      ...(version !== undefined && { VersionId: version }),
    });
    const bytes = await bodyBytes(object.Body);
    if (eTag !== undefined && object.ETag?.replaceAll('"', '') !== eTag.replaceAll('"', '')) {
      throw new Refusal('INVALID_REVISION', `The ETag of ${where} is ${object.ETag ?? 'absent'}, not ${eTag}.`);
    }
    return bytes;
  } catch (error) {
    if (error instanceof Refusal || isPassing(error) || !isAwsError(error)) throw error;
    if (isDenied(error)) {
      const denied = roleError(roleArn, 'AmazonS3', error);
      throw new Refusal(denied.code, denied.message);
    }
    throw new Refusal('REVISION_MISSING', `The revision ${where} cannot be read: ${error.message}`);
  }
}

async function bodyBytes(body: unknown): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  if (!(body instanceof Readable)) return Buffer.alloc(0);
  return collect(body, MOST_BUNDLE_BYTES);
}

/** Stops reading past `most`. */
async function collect(stream: Readable, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > most) {
      stream.destroy();
      throw tooLarge();
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

type BundledFile = Readonly<{ path: string; read: () => Promise<Buffer> }>;

/** The one file, or among several the one named appspec at the top. */
async function onlyAppSpec(files: readonly BundledFile[]): Promise<Buffer> {
  const named = files.filter(({ path }) => /^(\.\/)?appspec\.(ya?ml|json)$/i.test(path));
  const file = files.length === 1 ? files[0] : named.length === 1 ? named[0] : undefined;
  if (file === undefined) {
    throw new Refusal(
      'INVALID_REVISION',
      named.length === 0
        ? `The bundle holds ${files.length} files and no appspec.yaml, appspec.yml or appspec.json at its top.`
        : `The bundle holds more than one AppSpec file: ${named.map(({ path }) => path).join(', ')}.`,
    );
  }
  return file.read();
}

async function filesOfZip(bytes: Buffer): Promise<BundledFile[]> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true, autoClose: false }, (error, opened) => {
      if (error) reject(new Refusal('INVALID_REVISION', `The bundle is not a zip archive: ${error.message}`));
      else resolve(opened);
    });
  });
  return new Promise((resolve, reject) => {
    const files: BundledFile[] = [];
    zip.on('entry', (entry) => {
      if (!entry.fileName.endsWith('/')) {
        files.push({
          path: entry.fileName,
          read: async () => {
            if (entry.uncompressedSize > MOST_APPSPEC_BYTES) throw tooLarge();
            const stream = await new Promise<Readable>((open, fail) => {
              zip.openReadStream(entry, (error, opened) => (error ? fail(error) : open(opened)));
            });
            return collect(stream, MOST_APPSPEC_BYTES);
          },
        });
      }
      zip.readEntry();
    });
    zip.on('end', () => resolve(files));
    zip.on('error', (error: Error) =>
      reject(new Refusal('INVALID_REVISION', `The bundle is not a sound zip archive: ${error.message}`)),
    );
    zip.readEntry();
  });
}

const TAR_BLOCK = 512;

/** Regular files of a compressed tar. Source: POSIX.1-1988, ustar interchange format. */
async function filesOfTar(bytes: Buffer): Promise<BundledFile[]> {
  const tar = await collect(Readable.from([bytes]).pipe(createGunzip()), MOST_BUNDLE_BYTES).catch((error: unknown) => {
    if (error instanceof Refusal) throw error;
    throw new Refusal('INVALID_REVISION', 'The bundle is not a compressed tar archive.');
  });
  const files: BundledFile[] = [];
  for (let offset = 0; offset + TAR_BLOCK <= tar.length;) {
    const header = tar.subarray(offset, offset + TAR_BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const field = (from: number, length: number) =>
      header
        .toString('utf8', from, from + length)
        .replace(/\0.*$/s, '')
        .trim();
    const size = Number.parseInt(field(124, 12) || '0', 8);
    if (!Number.isSafeInteger(size) || size < 0)
      throw new Refusal('INVALID_REVISION', 'The bundle is not a sound tar archive.');
    const start = offset + TAR_BLOCK;
    const type = field(156, 1);
    if (type === '' || type === '0') {
      const prefix = field(345, 155);
      const content = tar.subarray(start, start + size);
      files.push({
        path: prefix === '' ? field(0, 100) : `${prefix}/${field(0, 100)}`,
        read: async () => {
          if (content.length > MOST_APPSPEC_BYTES) throw tooLarge();
          return content;
        },
      });
    }
    offset = start + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  return files;
}

function tooLarge(): Refusal {
  return new Refusal('INVALID_REVISION', 'The AppSpec file or its bundle is too large.');
}
