/**
 * What kinds of key there are, what each is for and by which algorithms. Source: KMS Developer Guide, "Key spec reference".
 * Not here: SM2 (China Regions) and ML-DSA (Node.js 20 has none); ED25519_PH_SHA_512 neither, so an Ed25519 key lists one algorithm.
 */
import type { KeySpec as AnySpec, KeyUsageType } from '@aws-sdk/client-kms';
import { AwsError } from '../../common/index.ts';
import type { Key } from './records.ts';

export type KeySpec = keyof typeof SPECS;

type Kind =
  | Readonly<{ kind: 'symmetric'; usages: readonly KeyUsageType[] }>
  | Readonly<{ kind: 'rsa'; bits: number; usages: readonly KeyUsageType[] }>
  | Readonly<{ kind: 'ec'; curve: string; signing: string; usages: readonly KeyUsageType[] }>
  | Readonly<{ kind: 'ed25519'; usages: readonly KeyUsageType[] }>
  | Readonly<{ kind: 'hmac'; bytes: number; algorithm: string; usages: readonly KeyUsageType[] }>;

const RSA: readonly KeyUsageType[] = ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'];
const NIST: readonly KeyUsageType[] = ['SIGN_VERIFY', 'KEY_AGREEMENT'];
const MAC: readonly KeyUsageType[] = ['GENERATE_VERIFY_MAC'];

export const SPECS = {
  SYMMETRIC_DEFAULT: { kind: 'symmetric', usages: ['ENCRYPT_DECRYPT'] },
  RSA_2048: { kind: 'rsa', bits: 2048, usages: RSA },
  RSA_3072: { kind: 'rsa', bits: 3072, usages: RSA },
  RSA_4096: { kind: 'rsa', bits: 4096, usages: RSA },
  ECC_NIST_P256: { kind: 'ec', curve: 'prime256v1', signing: 'ECDSA_SHA_256', usages: NIST },
  ECC_NIST_P384: { kind: 'ec', curve: 'secp384r1', signing: 'ECDSA_SHA_384', usages: NIST },
  ECC_NIST_P521: { kind: 'ec', curve: 'secp521r1', signing: 'ECDSA_SHA_512', usages: NIST },
  ECC_SECG_P256K1: { kind: 'ec', curve: 'secp256k1', signing: 'ECDSA_SHA_256', usages: ['SIGN_VERIFY'] },
  ECC_NIST_EDWARDS25519: { kind: 'ed25519', usages: ['SIGN_VERIFY'] },
  HMAC_224: { kind: 'hmac', bytes: 28, algorithm: 'HMAC_SHA_224', usages: MAC },
  HMAC_256: { kind: 'hmac', bytes: 32, algorithm: 'HMAC_SHA_256', usages: MAC },
  HMAC_384: { kind: 'hmac', bytes: 48, algorithm: 'HMAC_SHA_384', usages: MAC },
  HMAC_512: { kind: 'hmac', bytes: 64, algorithm: 'HMAC_SHA_512', usages: MAC },
} as const satisfies Partial<Record<AnySpec, Kind>>;

const RSA_SIGNING = [
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
];
const RSA_ENCRYPTION = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'];

export function kindOf(spec: KeySpec): Kind {
  return SPECS[spec];
}

export function isKeySpec(spec: string): spec is KeySpec {
  return Object.hasOwn(SPECS, spec);
}

/** Keys made before there were others say nothing. */
export function specOf(key: Pick<Key, 'spec'>): KeySpec {
  return key.spec ?? 'SYMMETRIC_DEFAULT';
}

export function usageOf(key: Pick<Key, 'usage'>): KeyUsageType {
  return key.usage ?? 'ENCRYPT_DECRYPT';
}

export function isSymmetric(key: Pick<Key, 'spec'>): boolean {
  return specOf(key) === 'SYMMETRIC_DEFAULT';
}

export type Algorithms = Readonly<{
  encryption: readonly string[];
  signing: readonly string[];
  mac: readonly string[];
  agreement: readonly string[];
}>;

const NONE: Algorithms = { encryption: [], signing: [], mac: [], agreement: [] };

/** What a key of this spec does under this usage. */
export function algorithmsOf(spec: KeySpec, usage: KeyUsageType): Algorithms {
  const kind = kindOf(spec);
  switch (kind.kind) {
    case 'symmetric':
      return { ...NONE, encryption: ['SYMMETRIC_DEFAULT'] };
    case 'rsa':
      return usage === 'SIGN_VERIFY' ? { ...NONE, signing: RSA_SIGNING } : { ...NONE, encryption: RSA_ENCRYPTION };
    case 'ec':
      return usage === 'SIGN_VERIFY' ? { ...NONE, signing: [kind.signing] } : { ...NONE, agreement: ['ECDH'] };
    case 'ed25519':
      return { ...NONE, signing: ['ED25519_SHA_512'] };
    case 'hmac':
      return { ...NONE, mac: [kind.algorithm] };
    default: {
      const never: never = kind;
      return never;
    }
  }
}

/** Throws `InvalidKeyUsageException` for a key that is for something else. `operationName` as AWS spells it. */
export function assertUsage(key: Key, usage: KeyUsageType, operationName: string): void {
  if (usageOf(key) === usage) return;
  throw new AwsError(
    'InvalidKeyUsageException',
    `${key.arn} key usage is ${usageOf(key)} which is not valid for ${operationName}.`,
  );
}

/** Throws `InvalidKeyUsageException` for an algorithm that keys of this spec have not. */
export function assertAlgorithm(key: Key, algorithm: string, known: readonly string[]): void {
  if (known.includes(algorithm)) return;
  throw new AwsError(
    'InvalidKeyUsageException',
    `Algorithm ${algorithm} and key spec ${specOf(key)} are incompatible.`,
  );
}

/** Operations that a grant on a key of this kind may name. Source: KMS Developer Guide, "Grant operations". */
export function grantableOn(key: Key): ReadonlySet<string> {
  return new Set([
    ...GRANTABLE_ON_ALL,
    ...(isSymmetric(key) ? [] : publicGrants(key)),
    ...(GRANTABLE_BY_USAGE[kindFor(key)] ?? []),
  ]);
}

function publicGrants(key: Key): readonly string[] {
  return kindOf(specOf(key)).kind === 'hmac' ? [] : ['GetPublicKey'];
}

function kindFor(key: Key): 'SYMMETRIC' | KeyUsageType {
  return isSymmetric(key) ? 'SYMMETRIC' : usageOf(key);
}

const GRANTABLE_ON_ALL = ['CreateGrant', 'DescribeKey', 'RetireGrant'];
const GRANTABLE_BY_USAGE: Readonly<Partial<Record<'SYMMETRIC' | KeyUsageType, readonly string[]>>> = {
  SYMMETRIC: [
    'Decrypt',
    'Encrypt',
    'GenerateDataKey',
    'GenerateDataKeyPair',
    'GenerateDataKeyPairWithoutPlaintext',
    'GenerateDataKeyWithoutPlaintext',
    'ReEncryptFrom',
    'ReEncryptTo',
  ],
  ENCRYPT_DECRYPT: ['Decrypt', 'Encrypt', 'ReEncryptFrom', 'ReEncryptTo'],
  SIGN_VERIFY: ['Sign', 'Verify'],
  GENERATE_VERIFY_MAC: ['GenerateMac', 'VerifyMac'],
  KEY_AGREEMENT: ['DeriveSharedSecret'],
};
