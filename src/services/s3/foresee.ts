/**
 * What follows from a call of S3: what it asks of KMS as its caller (`data-keys.ts`).
 *
 * An object that is not there yet is known by the call that will write it: the fact `s3 bucket/key` says under which key,
 * and with which `versionId` where the bucket is versioned.
 */
import type { Foreseen, Foresight } from '../foreseen.ts';
import type { Call } from '../service.ts';
import { findBucket } from './access.ts';
import { type EncryptionInput, managedKey, requestedEncryption } from './data-keys.ts';
import { type Bucket, bucketArn, objectArn, objects } from './records.ts';

/** An object that will be: absent `keyId`, it lies under S3's own keys; `versionId` in a versioned bucket. */
type Written = Readonly<{ keyId?: string; context?: Readonly<Record<string, string>>; versionId?: string }>;

type ObjectInput = Readonly<{ Bucket?: string; Key?: string; VersionId?: string }>;

export const foresee = {
  CreateMultipartUpload: write,
  GetObject: read,
  PutObject: write,
};

async function write(
  input: ObjectInput & EncryptionInput,
  call: Call,
  foresight: Foresight,
): Promise<readonly Foreseen[]> {
  const bucket = await bucketOf(input, call);
  if ('fails' in bucket) return [bucket];
  const key = input.Key ?? '';
  const { encryption, context } = requestedEncryption(bucket, input);
  if (encryption.algorithm === 'AES256') {
    note(foresight, bucket, key, {});
    return [];
  }
  const keyId = encryption.kmsKeyId ?? managedKey(bucket);
  const arn = encryption.bucketKeyEnabled ? bucketArn(bucket.name) : objectArn(bucket.name, key);
  const fullContext = { ...context, 'aws:s3:arn': arn };
  note(foresight, bucket, key, { keyId: inRegion(keyId, bucket.region, call.account), context: fullContext });
  return [
    throughKms(call, bucket.region, 'GenerateDataKey', 'encrypt the object', {
      KeyId: keyId,
      KeySpec: 'AES_256',
      EncryptionContext: fullContext,
    }),
  ];
}

async function read(input: ObjectInput, call: Call, foresight: Foresight): Promise<readonly Foreseen[]> {
  const bucket = await bucketOf(input, call);
  if ('fails' in bucket) return [bucket];
  const key = input.Key ?? '';
  const written = foresight.facts.get(factOf(bucket, key)) as Written | undefined;
  const found = written ?? (await stored(call, bucket, input));
  if (found === undefined) {
    return [{ unknown: `the object ${bucket.name}/${key} is not there yet, nor known the key that it will lie under` }];
  }
  if (found.keyId === undefined) return [];
  return [
    throughKms(call, bucket.region, 'Decrypt', 'decrypt the object', {
      // A key that was named by an alias is kept by its ARN.
      KeyId: (foresight.facts.get(`kms ${found.keyId}`) as string | undefined) ?? found.keyId,
      EncryptionContext: found.context,
    }),
  ];
}

async function bucketOf({ Bucket: name = '' }: ObjectInput, call: Call): Promise<Bucket | Readonly<{ fails: string }>> {
  const bucket = await findBucket(call, name);
  if (bucket === undefined) return { fails: `the bucket ${name} does not exist` };
  if (bucket.region === call.region) return bucket;
  return { fails: `the bucket ${name} lies in ${bucket.region}, and the call goes to ${call.region}` };
}

async function stored(call: Call, bucket: Bucket, { Key: key = '', VersionId }: ObjectInput) {
  const { store } = call.house;
  const object =
    VersionId === undefined
      ? await objects.latest(store, bucket.name, key)
      : await objects.version(store, bucket.name, key, VersionId);
  const encryption = object?.facts.encryption;
  if (encryption === undefined) return undefined;
  return encryption.algorithm === 'AES256' ? {} : { keyId: encryption.keyArn, context: encryption.context };
}

function throughKms(call: Call, region: string, operation: string, purpose: string, input: object): Foreseen {
  return {
    service: 'kms',
    operation,
    input,
    scope: { account: call.account, region },
    viaService: `s3.${region}.amazonaws.com`,
    purpose,
  };
}

function note(foresight: Foresight, bucket: Bucket, key: string, written: Written): void {
  const versioned = bucket.versioning === 'Enabled';
  foresight.facts.set(factOf(bucket, key), { ...written, ...(versioned && { versionId: 'a-version-to-come' }) });
}

function factOf(bucket: Bucket, key: string): string {
  return `s3 ${bucket.name}/${key}`;
}

function inRegion(keyId: string, region: string, account: string): string {
  if (keyId.startsWith('arn:')) return keyId;
  return `arn:aws:kms:${region}:${account}:${keyId.startsWith('alias/') ? keyId : `key/${keyId}`}`;
}
