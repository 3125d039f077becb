/**
 * What KMS keeps: keys, aliases and grants, and how a `KeyId` as callers write it finds a key.
 *
 * Glossary: a key has a row of key materials, the last of which encrypts; the earlier ones stay to decrypt what they
 * encrypted (rotation). Materials are wrapped under the master secret (`key-material.ts`) and never leave this room.
 */
import type { KeyMetadata, KeyUsageType } from '@aws-sdk/client-kms';
import { AwsError, formatArn, parseArn } from '../../common/index.ts';
import { collection, type Queryable } from '../../store/index.ts';
import type { GrantConstraints } from '../../core/kms-grant/index.ts';
import type { PolicyPrincipals } from '../bound-policies.ts';
import { algorithmsOf, type KeySpec, specOf, usageOf } from './key-specs.ts';

export type KeyMaterial = Readonly<{
  /** From 1. */
  version: number;
  /** 64 hex digits, shown as `KeyMaterialId`. */
  id: string;
  /** Base64; see `wrap`. */
  wrapped: string;
  /** Absent: the first one. */
  rotated?: Readonly<{ at: number; type: 'AUTOMATIC' | 'ON_DEMAND' }>;
}>;

export type Key = Readonly<{
  keyId: string;
  arn: string;
  account: string;
  region: string;
  description: string;
  /** `PendingReplicaDeletion`: a primary key, whose own waiting period begins when its last replica is gone. */
  state: 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingReplicaDeletion';
  createdAt: number;
  deletion?: Readonly<{ at?: number; windowInDays: number }>;
  /** Absent: `SYMMETRIC_DEFAULT`. */
  spec?: KeySpec;
  /** Absent: `ENCRYPT_DECRYPT`. */
  usage?: KeyUsageType;
  /** Base64 of SPKI (DER); of pairs alone. */
  publicKey?: string;
  /** The same in all related keys. */
  multiRegion?: Readonly<{ primaryRegion: string; replicaRegions: readonly string[] }>;
  manager: 'CUSTOMER' | 'AWS';
  /** Bound to the users and roles that it names, as `policyPrincipals` tells; see `bound-policies.ts`. */
  policy: string;
  policyPrincipals?: PolicyPrincipals | undefined;
  tags: Readonly<Record<string, string>>;
  materials: readonly KeyMaterial[];
  /** `overdue`: a date came while the key was not enabled; it rotates when it is again. */
  rotation?: Readonly<{ periodInDays: number; nextAt: number; overdue?: boolean }>;
}>;

export type Alias = Readonly<{ aliasName: string; keyId: string; createdAt: number; updatedAt: number }>;

export type GrantRecord = Readonly<{
  grantId: string;
  keyId: string;
  name?: string;
  granteePrincipal: string;
  retiringPrincipal?: string;
  operations: readonly string[];
  constraints?: GrantConstraints;
  issuingAccount: string;
  createdAt: number;
}>;

/** By key id. */
export const keys = collection<Key>('kms.key');
/** By alias name, `alias/` included; under the key id. */
export const aliases = collection<Alias>('kms.alias');
/** By grant id; under the key id, in order of creation. */
export const grants = collection<GrantRecord>('kms.grant');

/** What a caller's `KeyId` names, before looking whether it exists. */
export type KeyReference = Readonly<{
  account: string;
  region: string;
  keyId?: string;
  aliasName?: string;
  /** The ARN that it stands for: of the key or of the alias. */
  arn: string;
}>;

const KEY_ID = /^(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

/**
 * Reads a key id, key ARN, alias name or alias ARN. Throws `NotFoundException` for anything else, as KMS does, and for
 * an ARN of another Region: keys are regional.
 */
export function parseKeyReference(text: string, scope: Readonly<{ account: string; region: string }>): KeyReference {
  const arn = text.startsWith('arn:') ? parseArn(text) : undefined;
  if (text.startsWith('arn:') && (arn === undefined || arn.service !== 'kms' || !/^\d{12}$/.test(arn.account))) {
    throw new AwsError('NotFoundException', `Invalid arn ${text}`);
  }
  if (arn !== undefined && arn.region !== scope.region) {
    throw new AwsError('NotFoundException', `Invalid arn ${arn.region}`);
  }
  const account = arn?.account ?? scope.account;
  const resource = arn === undefined ? text : arn.resource.replace(/^key\//, '');
  const place = { account, region: scope.region };
  if (/^alias\/[\w/:-]+$/.test(resource)) {
    return { ...place, aliasName: resource, arn: formatArn('kms', scope.region, account, resource) };
  }
  if (KEY_ID.test(resource) && (arn === undefined || arn.resource.startsWith('key/'))) {
    return { ...place, keyId: resource, arn: formatArn('kms', scope.region, account, `key/${resource}`) };
  }
  throw new AwsError('NotFoundException', `Invalid keyId '${text}'`);
}

/** The key, by way of its alias if need be; undefined when there is none. */
export async function findKey(q: Queryable, reference: KeyReference): Promise<Key | undefined> {
  const place = { account: reference.account, region: reference.region };
  const keyId = reference.keyId ?? (await aliases.get(q, { ...place, id: reference.aliasName ?? '' }))?.document.keyId;
  return keyId === undefined ? undefined : (await keys.get(q, { ...place, id: keyId }))?.document;
}

export function notFound(reference: KeyReference): AwsError {
  return reference.aliasName === undefined
    ? new AwsError('NotFoundException', `Key '${reference.arn}' does not exist`)
    : new AwsError('NotFoundException', `Alias ${reference.arn} is not found.`);
}

/** Cryptographic operations and CreateGrant work with an enabled key alone. */
export function assertEnabled(key: Key): void {
  if (key.state === 'Disabled') throw new AwsError('DisabledException', `${key.arn} is disabled.`);
  assertNotPending(key);
}

/** Throws `KMSInvalidStateException` for a key that waits for its deletion. */
export function assertNotPending(key: Key): void {
  if (key.state === 'PendingDeletion') {
    throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`);
  }
  if (key.state === 'PendingReplicaDeletion') {
    throw new AwsError('KMSInvalidStateException', `${key.arn} is pending replica deletion.`);
  }
}

/** AWS managed keys are AWS's to change. */
export function assertCustomerManaged(key: Key, operation: string): void {
  if (key.manager === 'AWS') {
    throw new AwsError(
      'UnsupportedOperationException',
      `${operation} is not supported for AWS managed key ${key.arn}.`,
    );
  }
}

/** `KeyMetadata`, as DescribeKey shows it. */
export function keyMetadata(key: Key): KeyMetadata {
  const spec = specOf(key);
  const usage = usageOf(key);
  const { encryption, signing, mac, agreement } = algorithmsOf(spec, usage);
  const { deletion } = key;
  return {
    AWSAccountId: key.account,
    KeyId: key.keyId,
    Arn: key.arn,
    CreationDate: new Date(key.createdAt),
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyUsage: usage,
    KeyState: key.state,
    ...(deletion?.at !== undefined && { DeletionDate: new Date(deletion.at) }),
    ...(deletion !== undefined && deletion.at === undefined && { PendingDeletionWindowInDays: deletion.windowInDays }),
    Origin: 'AWS_KMS',
    KeyManager: key.manager,
    CustomerMasterKeySpec: spec as KeyMetadata['CustomerMasterKeySpec'],
    KeySpec: spec,
    ...(encryption.length > 0 && { EncryptionAlgorithms: [...encryption] as KeyMetadata['EncryptionAlgorithms'] }),
    ...(signing.length > 0 && { SigningAlgorithms: [...signing] as KeyMetadata['SigningAlgorithms'] }),
    ...(mac.length > 0 && { MacAlgorithms: [...mac] as KeyMetadata['MacAlgorithms'] }),
    ...(agreement.length > 0 && { KeyAgreementAlgorithms: ['ECDH'] }),
    MultiRegion: key.multiRegion !== undefined,
    ...(key.multiRegion && { MultiRegionConfiguration: relatedKeys(key, key.multiRegion) }),
    ...(spec === 'SYMMETRIC_DEFAULT' && { CurrentKeyMaterialId: key.materials.at(-1)?.id }),
  };
}

function relatedKeys(key: Key, { primaryRegion, replicaRegions }: NonNullable<Key['multiRegion']>) {
  const inRegion = (region: string) => ({ Arn: arnIn(key, region), Region: region });
  return {
    MultiRegionKeyType: primaryRegion === key.region ? ('PRIMARY' as const) : ('REPLICA' as const),
    PrimaryKey: inRegion(primaryRegion),
    ReplicaKeys: replicaRegions.map(inRegion),
  };
}

/** The ARN of the related multi-Region key in another Region. */
export function arnIn(key: Pick<Key, 'account' | 'keyId'>, region: string): string {
  return formatArn('kms', region, key.account, `key/${key.keyId}`);
}

export function isReplica(key: Key): boolean {
  return key.multiRegion !== undefined && key.multiRegion.primaryRegion !== key.region;
}
