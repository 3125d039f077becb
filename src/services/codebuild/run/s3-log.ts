/** The whole log of a build as one gzip object in S3, `<prefix>/<build uuid>.gz`. */
import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { isAwsError } from '../../../common/index.ts';
import type { Client, Scope } from '../../service.ts';
import { splitS3Location } from '../project-rules.ts';
import { keyId } from './artifacts.ts';
import { PhaseFailure } from './phase-failure.ts';

/** Returns the object's ARN. Throws `PhaseFailure`. */
export async function uploadLog(
  options: Readonly<{
    file: string;
    /** `bucket/prefix`, or its ARN form. */
    location: string;
    name: string;
    /** Absent: not encrypted with KMS. */
    encryptionKey?: string;
    client: () => Promise<Client>;
    scope: Scope;
  }>,
): Promise<string> {
  const place = splitS3Location(`${options.location.replace(/\/+$/, '')}/${options.name}.gz`);
  if (place === undefined) throw new PhaseFailure('CLIENT_ERROR', `invalid S3 logs location ${options.location}`);
  await writeFile(options.file, '', { flag: 'a' });
  const packed = `${options.file}.gz`;
  await pipeline(createReadStream(options.file), createGzip(), createWriteStream(packed));
  try {
    await (
      await options.client()
    ).call('s3', 'PutObject', {
      Bucket: place.bucket,
      Key: place.key,
      Body: createReadStream(packed),
      ContentLength: (await stat(packed)).size,
      ContentType: 'application/gzip',
      ...(options.encryptionKey === undefined
        ? {}
        : { ServerSideEncryption: 'aws:kms', ...keyId(options.encryptionKey, options.scope) }),
    });
  } catch (error) {
    if (isAwsError(error))
      throw new PhaseFailure('CLIENT_ERROR', `Failed to upload logs: ${error.code}: ${error.message}`);
    throw error;
  }
  return `arn:aws:s3:::${place.bucket}/${place.key}`;
}
