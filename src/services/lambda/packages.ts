/** Deployment packages: from the request itself, or from S3 as the caller; kept as blobs, and unpacked before the answer. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { invalid, refuse } from './errors.ts';
import type { FunctionCode, GetObjectResult } from './sdk-types.ts';
import { AwsError, isAwsError } from '../../common/index.ts';
import type { Call } from '../service.ts';
import { prepareCode } from './environments.ts';

export type Package = Readonly<{ digest: string; bytes: number }>;

/** Source: Lambda Developer Guide, "Lambda quotas": 50 MB zipped, for direct upload. */
const MAX_DIRECT_BYTES = 52_428_800;
const MAX_S3_BYTES = 262_144_000;

/**
 * Fetches the package, checks it by unpacking it, and keeps it unless `keep` is false. Throws
 * `InvalidParameterValueException` for what is no package, S3's refusal in Lambda's words.
 */
export async function fetchPackage(call: Call, code: FunctionCode, keep = true): Promise<Package> {
  if (code.ImageUri !== undefined) throw refuse('Code.ImageUri');
  if (code.SourceKMSKeyArn !== undefined && code.SourceKMSKeyArn !== '') throw refuse('SourceKMSKeyArn');
  const fromS3 = code.S3Bucket !== undefined || code.S3Key !== undefined || code.S3ObjectVersion !== undefined;
  if (code.ZipFile !== undefined && fromS3) {
    throw invalid('Please do not provide other FunctionCode parameters when providing a ZipFile.');
  }
  if (code.ZipFile === undefined && !fromS3) throw invalid('Please provide a source for function code.');
  const zip = code.ZipFile === undefined ? await readObject(call, code) : code.ZipFile;
  if (zip.byteLength === 0) throw invalid('Uploaded file must be a non-empty zip');
  if (code.ZipFile !== undefined && zip.byteLength > MAX_DIRECT_BYTES) {
    throw new AwsError(
      'RequestEntityTooLargeException',
      `Zipped size must be smaller than ${MAX_DIRECT_BYTES} bytes; upload larger packages by way of S3.`,
      { statusCode: 413 },
    );
  }
  const { house } = call;
  const digest = createHash('sha256').update(zip).digest('hex');
  await prepareCode(house, digest, zip);
  // Only now, and never taken back: others may keep the same bytes at the same time, and they are one blob.
  if (keep) await house.blobs.put(zip);
  return { digest, bytes: zip.byteLength };
}

async function readObject(call: Call, { S3Bucket, S3Key, S3ObjectVersion }: FunctionCode): Promise<Uint8Array> {
  if (S3Bucket === undefined || S3Key === undefined) throw invalid('Please provide a source for function code.');
  let body: Readable | Uint8Array;
  try {
    const input = {
      Bucket: S3Bucket,
      Key: S3Key,
      ...(S3ObjectVersion === undefined ? {} : { VersionId: S3ObjectVersion }),
    };
    const answer = await call
      .forward(`lambda.${call.region}.amazonaws.com`)
      .call<GetObjectResult>('s3', 'GetObject', input);
    body = answer.Body;
    return body instanceof Uint8Array ? body : await readAll(body);
  } catch (error) {
    if (!isAwsError(error) || error.code === 'InvalidParameterValueException') throw error;
    // As S3 itself calls it.
    const code = error.code === 'AccessDeniedException' ? 'AccessDenied' : error.code;
    const told = `S3 Error Code: ${code}. S3 Error Message: ${error.message}`;
    if (/AccessDenied/.test(error.code)) {
      throw new AwsError(
        'AccessDeniedException',
        `Your access has been denied by S3, please make sure your request credentials have permission to GetObject for ${S3Bucket}/${S3Key}. ${told}`,
        { statusCode: 403, cause: error },
      );
    }
    throw invalid(`Error occurred while GetObject. ${told}`, error);
  }
}

async function readAll(body: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_S3_BYTES) throw invalid(`Zipped size must be smaller than ${MAX_S3_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
