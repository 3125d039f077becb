/**
 * What S3 keeps. Buckets and multipart uploads are documents; object versions have a table of their own
 * (`store/objects.ts`), because their listing is an order of its own.
 *
 * Glossary: an object's bytes are a row of segments, one for an object put whole, one per part for a multipart object.
 * A segment is an encrypted blob that belongs to this object alone.
 */
import { collection, Objects } from '../../store/index.ts';
import type { PolicyPrincipals } from '../bound-policies.ts';
import type { ChecksumAlgorithm } from './checksums.ts';

export type VersioningStatus = 'Enabled' | 'Suspended';

export type PublicAccessBlock = Readonly<{
  blockPublicAcls: boolean;
  ignorePublicAcls: boolean;
  blockPublicPolicy: boolean;
  restrictPublicBuckets: boolean;
}>;

export type BucketEncryption = Readonly<{
  algorithm: 'AES256' | 'aws:kms';
  /** As the caller wrote it; absent: the AWS managed key. */
  kmsKeyId?: string;
  bucketKeyEnabled: boolean;
}>;

export type Ownership = 'BucketOwnerEnforced' | 'BucketOwnerPreferred' | 'ObjectWriter';

export type Destination = Readonly<{
  id: string;
  type: 'Queue' | 'Topic' | 'LambdaFunction';
  arn: string;
  events: readonly string[];
  prefix?: string;
  suffix?: string;
}>;

export type Bucket = Readonly<{
  name: string;
  account: string;
  region: string;
  createdAt: number;
  versioning?: VersioningStatus;
  /** Bound to the users and roles that it names, as `policyPrincipals` tells; see `bound-policies.ts`. */
  policy?: string;
  policyPrincipals?: PolicyPrincipals | undefined;
  encryption: BucketEncryption;
  publicAccessBlock?: PublicAccessBlock;
  ownership?: Ownership;
  tags?: Readonly<Record<string, string>>;
  notifications: Readonly<{ eventBridge: boolean; destinations: readonly Destination[] }>;
}>;

export type ObjectChecksum = Readonly<{
  algorithm: ChecksumAlgorithm;
  /** Base64, with `-N` behind it for a composite. */
  value: string;
  type: 'FULL_OBJECT' | 'COMPOSITE';
}>;

/** How the data key of an object is kept. */
export type Encryption =
  | Readonly<{ algorithm: 'AES256'; /** Base64, under the house's own secret. */ wrappedKey: string }>
  | Readonly<{
      algorithm: 'aws:kms';
      keyArn: string;
      /** Base64: what KMS gave, and decrypts. */
      wrappedKey: string;
      context: Readonly<Record<string, string>>;
      bucketKeyEnabled: boolean;
    }>;

/** The headers that an object keeps and gives back. */
export type ContentHeaders = Readonly<{
  contentType?: string;
  cacheControl?: string;
  contentDisposition?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  expiresAt?: number;
  websiteRedirectLocation?: string;
}>;

export type ObjectFacts = Readonly<{
  headers: ContentHeaders;
  metadata: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
  /** Absent only for a delete marker. */
  encryption?: Encryption;
  checksum?: ObjectChecksum;
  /** How many parts a multipart object came in. */
  partsCount?: number;
}>;

export type Segment = Readonly<{
  /** Of the blob. */
  digest: string;
  /** Of the plaintext. */
  bytes: number;
  /** Base64; with the data key it gives the segment's key. */
  salt: string;
  partNumber?: number;
  /** Base64 checksum of the part, by the object's algorithm. */
  checksum?: string;
}>;

export type Upload = Readonly<{
  uploadId: string;
  bucket: string;
  key: string;
  initiatedAt: number;
  initiator: Readonly<{ id: string; displayName: string }>;
  facts: ObjectFacts & Readonly<{ encryption: Encryption }>;
  checksumAlgorithm: ChecksumAlgorithm;
  checksumType: 'FULL_OBJECT' | 'COMPOSITE';
  /** True when the caller chose the algorithm, and so must give it back with each part. */
  checksumChosen: boolean;
}>;

export type Part = Readonly<{
  partNumber: number;
  etag: string;
  modifiedAt: number;
  segment: Segment;
}>;

export const buckets = collection<Bucket>('s3.bucket');
/** By upload id; under the bucket, by key. */
export const uploads = collection<Upload>('s3.upload');
/** By upload id and part number; under the upload, by number. */
export const parts = collection<Part>('s3.part');
export const objects = new Objects<ObjectFacts, Segment>();

/** Bucket names are unique in the partition: neither account nor Region is part of the key. */
export const GLOBAL = { account: '', region: '' } as const;

export function bucketKey(name: string) {
  return { ...GLOBAL, id: name };
}

export function bucketArn(name: string): string {
  return `arn:aws:s3:::${name}`;
}

export function objectArn(bucket: string, key: string): string {
  return `arn:aws:s3:::${bucket}/${key}`;
}

export const NULL_VERSION = 'null';
