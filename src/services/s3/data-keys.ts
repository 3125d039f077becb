/**
 * Data keys: every object is encrypted under one of its own (`segments.ts`). With SSE-KMS it comes from
 * `kms:GenerateDataKey` and goes back to `kms:Decrypt` at each read, both as the caller, by way of S3: who may not use
 * the key cannot read the object. With SSE-S3 it is sealed by the house (docs/adr/0008).
 * Source: S3 User Guide, "Using server-side encryption with AWS KMS keys".
 */
import { isAwsError } from '../../common/index.ts';
import { openEarlier } from '../earlier-secrets.ts';
import type { Call, House } from '../service.ts';
import { accessDenied, invalidArgument, notImplemented, s3Error } from './errors.ts';
import { type Bucket, bucketArn, type BucketEncryption, type Encryption, objectArn } from './records.ts';

export type EncryptionInput = Readonly<{
  ServerSideEncryption?: string | undefined;
  SSEKMSKeyId?: string | undefined;
  SSEKMSEncryptionContext?: string | undefined;
  BucketKeyEnabled?: boolean | undefined;
  SSECustomerAlgorithm?: string | undefined;
  SSECustomerKey?: unknown;
}>;

export type DataKey = Readonly<{ encryption: Encryption; key: Uint8Array }>;

/** A new data key for an object, by what the request says and else by what the bucket says. */
export async function newDataKey(call: Call, bucket: Bucket, key: string, input: EncryptionInput): Promise<DataKey> {
  const { encryption, context } = requestedEncryption(bucket, input);
  if (encryption.algorithm === 'AES256') {
    const dataKey = call.house.ids.bytes(32);
    return { key: dataKey, encryption: { algorithm: 'AES256', wrappedKey: wrap(call.house, dataKey) } };
  }
  const arn = encryption.bucketKeyEnabled ? bucketArn(bucket.name) : objectArn(bucket.name, key);
  const fullContext = { ...context, 'aws:s3:arn': arn };
  const keyId = encryption.kmsKeyId ?? managedKey(bucket);
  const answer = await throughKms<{ CiphertextBlob: Uint8Array; Plaintext: Uint8Array; KeyId: string }>(
    call,
    bucket.region,
    'GenerateDataKey',
    { KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: fullContext },
  );
  return {
    key: answer.Plaintext,
    encryption: {
      algorithm: 'aws:kms',
      keyArn: answer.KeyId,
      wrappedKey: Buffer.from(answer.CiphertextBlob).toString('base64'),
      context: fullContext,
      bucketKeyEnabled: encryption.bucketKeyEnabled,
    },
  };
}

/** The AWS managed key is that of the bucket's account, and no other account's principal can use it. */
export function managedKey(bucket: Bucket): string {
  return `arn:aws:kms:${bucket.region}:${bucket.account}:alias/aws/s3`;
}

/** The data key of a stored object; for SSE-KMS this asks KMS as the caller. */
export async function openDataKey(call: Call, bucket: Bucket, encryption: Encryption): Promise<Uint8Array> {
  const wrapped = Buffer.from(encryption.wrappedKey, 'base64');
  if (encryption.algorithm === 'AES256') return unwrap(call.house, wrapped);
  const answer = await throughKms<{ Plaintext: Uint8Array }>(call, bucket.region, 'Decrypt', {
    CiphertextBlob: new Uint8Array(wrapped),
    EncryptionContext: encryption.context,
    KeyId: encryption.keyArn,
  });
  return answer.Plaintext;
}

/** The output members that say how an object is encrypted. */
export function encryptionOutput(encryption: Encryption | undefined) {
  if (encryption === undefined) return {};
  if (encryption.algorithm === 'AES256') return { ServerSideEncryption: 'AES256' as const };
  return {
    ServerSideEncryption: 'aws:kms' as const,
    SSEKMSKeyId: encryption.keyArn,
    ...(encryption.bucketKeyEnabled && { BucketKeyEnabled: true }),
  };
}

/** By what the request says and else by what the bucket says. Throws for what is not possible. */
export function requestedEncryption(
  bucket: Bucket,
  input: EncryptionInput,
): { encryption: BucketEncryption; context: Readonly<Record<string, string>> } {
  if (input.SSECustomerAlgorithm !== undefined || input.SSECustomerKey !== undefined) {
    throw notImplemented('Server-side encryption with customer-provided keys (SSE-C)');
  }
  const algorithm = input.ServerSideEncryption;
  if (algorithm === undefined && input.SSEKMSKeyId !== undefined) {
    throw invalidArgument(
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
      'x-amz-server-side-encryption',
      '',
    );
  }
  const context = readContext(input.SSEKMSEncryptionContext);
  if (algorithm === undefined) {
    const bucketKeyEnabled = input.BucketKeyEnabled ?? bucket.encryption.bucketKeyEnabled;
    return { encryption: { ...bucket.encryption, bucketKeyEnabled }, context };
  }
  if (algorithm === 'AES256') {
    if (input.SSEKMSKeyId !== undefined) {
      throw invalidArgument(
        'The encryption method specified is not supported with a KMS key id',
        'x-amz-server-side-encryption',
        algorithm,
      );
    }
    return { encryption: { algorithm, bucketKeyEnabled: false }, context };
  }
  if (algorithm !== 'aws:kms') {
    if (algorithm.startsWith('aws:')) throw notImplemented(`Server-side encryption ${algorithm}`);
    throw invalidArgument(
      'The encryption method specified is not supported',
      'x-amz-server-side-encryption',
      algorithm,
    );
  }
  // A request for SSE-KMS without a key uses the bucket's, if the bucket has one.
  const kmsKeyId = input.SSEKMSKeyId ?? bucket.encryption.kmsKeyId;
  return {
    encryption: {
      algorithm,
      ...(kmsKeyId !== undefined && { kmsKeyId }),
      bucketKeyEnabled: input.BucketKeyEnabled ?? bucket.encryption.bucketKeyEnabled,
    },
    context,
  };
}

function readContext(header: string | undefined): Readonly<Record<string, string>> {
  if (header === undefined) return {};
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
    if (
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every((each) => typeof each === 'string')
    ) {
      return value as Record<string, string>;
    }
  } catch {
    // Falls through: not JSON.
  }
  throw invalidArgument(
    'The header x-amz-server-side-encryption-context shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map',
    'x-amz-server-side-encryption-context',
    header,
  );
}

/** Calls KMS as the caller, by way of S3, and words its refusals as S3 does. */
async function throughKms<Output>(call: Call, region: string, operation: string, input: object): Promise<Output> {
  const viaService = `s3.${region}.amazonaws.com`;
  const kms =
    region === call.region
      ? call.forward(viaService)
      : call.house.door.as(call.principal, { account: call.account, region }, { viaService });
  try {
    return await kms.call<Output>('kms', operation, input);
  } catch (error) {
    if (!isAwsError(error)) throw error;
    if (error.code.startsWith('AccessDenied')) throw accessDenied(error.message, error);
    if (['DisabledException', 'NotFoundException', 'KMSInvalidStateException'].includes(error.code)) {
      throw s3Error(400, `KMS.${error.code}`, error.message, { cause: error });
    }
    if (error.code === 'InvalidArnException') {
      throw invalidArgument('Invalid KMS keyId', 'x-amz-server-side-encryption-aws-kms-key-id', error.message);
    }
    throw error;
  }
}

const EARLIER_FILE = 's3-master-secret';
const CONTEXT = 's3 data key';

function wrap(house: House, dataKey: Uint8Array): string {
  return house.secrets.seal(dataKey, CONTEXT).toString('base64');
}

async function unwrap(house: House, wrapped: Buffer): Promise<Uint8Array> {
  const dataKey = house.secrets.open(wrapped, CONTEXT) ?? (await openEarlier(house, EARLIER_FILE, wrapped));
  if (dataKey === undefined) throw new Error("an object's data key was sealed by another house");
  return dataKey;
}
