/** KMS by the official SDK: keys of every kind, rotation by the clock, and multi-Region keys. */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  verify as verifySignature,
  diffieHellman,
} from 'node:crypto';
import {
  CancelKeyDeletionCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DecryptCommand,
  DeriveSharedSecretCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GenerateMacCommand,
  GetKeyRotationStatusCommand,
  GetPublicKeyCommand,
  KMSClient,
  ListKeyRotationsCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  ReplicateKeyCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  type SigningAlgorithmSpec,
  UpdatePrimaryRegionCommand,
  VerifyCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person, type Person } from '../support/people.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const EU = 'eu-west-1';

let sluice: TestSluice;
let kms: KMSClient;
let eu: KMSClient;
const clients: KMSClient[] = [];

function client(who?: Person, region?: string): KMSClient {
  const config = sluice.clientConfig({ ...(who && { credentials: who.credentials }), ...(region && { region }) });
  const made = new KMSClient({ ...config, maxAttempts: 1 });
  clients.push(made);
  return made;
}

async function newKey(input: CreateKeyCommandInput = {}): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand(input));
  return KeyMetadata?.Arn ?? '';
}

const idOf = (arn: string): string => arn.slice(arn.indexOf('key/') + 4);
const there = (arn: string, region = EU): string => arn.replace(`:${sluice.region}:`, `:${region}:`);

beforeAll(async () => {
  sluice = await startSluice({ services: ['kms'] });
  kms = client();
  eu = client(undefined, EU);
});
afterAll(async () => {
  for (const each of clients) each.destroy();
  await sluice?.close();
});

describe('keys that sign', () => {
  const cases: [CreateKeyCommandInput['KeySpec'], SigningAlgorithmSpec, string][] = [
    ['RSA_2048', 'RSASSA_PSS_SHA_256', 'sha256'],
    ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_512', 'sha512'],
    ['ECC_NIST_P256', 'ECDSA_SHA_256', 'sha256'],
    ['ECC_NIST_P384', 'ECDSA_SHA_384', 'sha384'],
    ['ECC_NIST_P521', 'ECDSA_SHA_512', 'sha512'],
    ['ECC_SECG_P256K1', 'ECDSA_SHA_256', 'sha256'],
  ];
  it.each(cases)('%s by %s, messages and digests alike', async (KeySpec, SigningAlgorithm, hash) => {
    const KeyId = await newKey({ KeySpec, KeyUsage: 'SIGN_VERIFY' });
    const message = text('what was released');
    const digest = createHash(hash).update(message).digest();
    const ofMessage = await kms.send(new SignCommand({ KeyId, SigningAlgorithm, Message: message }));
    const ofDigest = await kms.send(
      new SignCommand({ KeyId, SigningAlgorithm, Message: digest, MessageType: 'DIGEST' }),
    );
    for (const { Signature } of [ofMessage, ofDigest]) {
      const raw = { KeyId, SigningAlgorithm, Message: message, Signature };
      expect(await kms.send(new VerifyCommand(raw))).toMatchObject({ SignatureValid: true, KeyId, SigningAlgorithm });
      await kms.send(new VerifyCommand({ ...raw, Message: digest, MessageType: 'DIGEST' }));
      expect(await failure(kms.send(new VerifyCommand({ ...raw, Message: text('else') })))).toBe(
        'KMSInvalidSignatureException',
      );
    }
    const { PublicKey, SigningAlgorithms, KeyUsage } = await kms.send(new GetPublicKeyCommand({ KeyId }));
    expect(SigningAlgorithms).toContain(SigningAlgorithm);
    expect(KeyUsage).toBe('SIGN_VERIFY');
    if (SigningAlgorithm.startsWith('ECDSA')) {
      const key = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
      expect(verifySignature(hash, message, key, ofDigest.Signature ?? Buffer.alloc(0))).toBe(true);
    }
    const short = { KeyId, SigningAlgorithm, Message: digest.subarray(1), MessageType: 'DIGEST' as const };
    await expect(kms.send(new SignCommand(short))).rejects.toMatchObject({
      name: 'ValidationException',
      message: `Digest is invalid length for algorithm ${SigningAlgorithm}.`,
    });
  });

  it('by Ed25519, and refuse what they are not for', async () => {
    const KeyId = await newKey({ KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' });
    const signed = await kms.send(
      new SignCommand({ KeyId, SigningAlgorithm: 'ED25519_SHA_512', Message: text('one') }),
    );
    await kms.send(
      new VerifyCommand({
        KeyId,
        SigningAlgorithm: 'ED25519_SHA_512',
        Message: text('one'),
        Signature: signed.Signature,
      }),
    );
    await expect(kms.send(new EncryptCommand({ KeyId, Plaintext: text('x') }))).rejects.toMatchObject({
      name: 'InvalidKeyUsageException',
      message: `${KeyId} key usage is SIGN_VERIFY which is not valid for Encrypt.`,
    });
    const other = { KeyId, SigningAlgorithm: 'ECDSA_SHA_256' as const, Message: text('one') };
    expect(await failure(kms.send(new SignCommand(other)))).toBe('InvalidKeyUsageException');
    expect(await failure(kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' })))).toBe(
      'InvalidKeyUsageException',
    );
    expect(await failure(kms.send(new EnableKeyRotationCommand({ KeyId })))).toBe('UnsupportedOperationException');
    expect(await failure(kms.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256' })))).toBe('ValidationException');
    expect(
      await failure(kms.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'ENCRYPT_DECRYPT' }))),
    ).toBe('ValidationException');
    await kms.send(new DisableKeyCommand({ KeyId }));
    expect(await failure(kms.send(new GetPublicKeyCommand({ KeyId })))).toBe('DisabledException');
  });
});

describe('other kinds of keys', () => {
  it('RSA keys encrypt, and their ciphertext needs its key named', async () => {
    const KeyId = await newKey({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    for (const EncryptionAlgorithm of ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const) {
      const sealed = await kms.send(new EncryptCommand({ KeyId, EncryptionAlgorithm, Plaintext: text('small') }));
      const CiphertextBlob = sealed.CiphertextBlob;
      const opened = await kms.send(new DecryptCommand({ KeyId, EncryptionAlgorithm, CiphertextBlob }));
      expect(Buffer.from(opened.Plaintext ?? []).toString()).toBe('small');
      expect(await failure(kms.send(new DecryptCommand({ CiphertextBlob })))).toBe('InvalidCiphertextException');
      expect(await failure(kms.send(new DecryptCommand({ KeyId, CiphertextBlob })))).toBe('InvalidKeyUsageException');
      const symmetric = await newKey();
      const again = await kms.send(
        new ReEncryptCommand({
          CiphertextBlob,
          SourceKeyId: KeyId,
          SourceEncryptionAlgorithm: EncryptionAlgorithm,
          DestinationKeyId: symmetric,
        }),
      );
      const reopened = await kms.send(new DecryptCommand({ CiphertextBlob: again.CiphertextBlob }));
      expect(Buffer.from(reopened.Plaintext ?? []).toString()).toBe('small');
    }
    const long = { KeyId, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' as const, Plaintext: new Uint8Array(191) };
    expect(await failure(kms.send(new EncryptCommand(long)))).toBe('ValidationException');
    const contextual = { ...long, Plaintext: text('x'), EncryptionContext: { a: 'b' } };
    expect(await failure(kms.send(new EncryptCommand(contextual)))).toBe('ValidationException');
    expect(await failure(kms.send(new EncryptCommand({ KeyId, Plaintext: text('x') })))).toBe(
      'InvalidKeyUsageException',
    );
  });

  it('HMAC keys make MACs, and no others pass', async () => {
    for (const bits of ['224', '256', '384', '512'] as const) {
      const KeyId = await newKey({ KeySpec: `HMAC_${bits}`, KeyUsage: 'GENERATE_VERIFY_MAC' });
      const MacAlgorithm = `HMAC_SHA_${bits}` as const;
      const { Mac } = await kms.send(new GenerateMacCommand({ KeyId, MacAlgorithm, Message: text('m') }));
      expect(Mac).toHaveLength(Number(bits) / 8);
      const check = { KeyId, MacAlgorithm, Message: text('m'), Mac };
      expect(await kms.send(new VerifyMacCommand(check))).toMatchObject({ MacValid: true });
      expect(await failure(kms.send(new VerifyMacCommand({ ...check, Message: text('n') })))).toBe(
        'KMSInvalidMacException',
      );
      expect(await failure(kms.send(new VerifyMacCommand({ ...check, Mac: Mac?.slice(1) })))).toBe(
        'KMSInvalidMacException',
      );
      expect(await failure(kms.send(new GetPublicKeyCommand({ KeyId })))).toBe('UnsupportedOperationException');
    }
  });

  it('pairs of data keys come with their private half sealed', async () => {
    const KeyId = await newKey();
    for (const KeyPairSpec of ['RSA_2048', 'ECC_NIST_P256'] as const) {
      const made = await kms.send(
        new GenerateDataKeyPairCommand({ KeyId, KeyPairSpec, EncryptionContext: { a: '1' } }),
      );
      const opened = await kms.send(
        new DecryptCommand({ CiphertextBlob: made.PrivateKeyCiphertextBlob, EncryptionContext: { a: '1' } }),
      );
      expect(opened.Plaintext).toEqual(made.PrivateKeyPlaintext);
    }
    const bare = await kms.send(
      new GenerateDataKeyPairWithoutPlaintextCommand({ KeyId, KeyPairSpec: 'ECC_NIST_P256' }),
    );
    expect(bare).not.toHaveProperty('PrivateKeyPlaintext');
    expect(bare.PublicKey?.length).toBeGreaterThan(0);
  });

  it('keys agree with a stranger on a secret', async () => {
    const KeyId = await newKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' });
    const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const theirs = stranger.publicKey.export({ format: 'der', type: 'spki' });
    const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId }));
    const { SharedSecret } = await kms.send(
      new DeriveSharedSecretCommand({ KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: theirs }),
    );
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
    expect(Buffer.from(SharedSecret ?? [])).toEqual(diffieHellman({ privateKey: stranger.privateKey, publicKey }));
    const broken = { KeyId, KeyAgreementAlgorithm: 'ECDH' as const, PublicKey: text('no key') };
    expect(await failure(kms.send(new DeriveSharedSecretCommand(broken)))).toBe('ValidationException');
  });

  it('are used by condition: algorithm, kind, and by grants that give no more than they have', async () => {
    const KeyId = await newKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const signer = await person(sluice, 'signer', [
      {
        Action: 'kms:Sign',
        Resource: KeyId,
        Condition: {
          StringEquals: { 'kms:SigningAlgorithm': 'ECDSA_SHA_256', 'kms:MessageType': 'DIGEST' },
          'ForAnyValue:StringEquals': { 'kms:KeySpec': 'ECC_NIST_P256' },
        },
      },
    ]);
    const asSigner = client(signer);
    const digest = {
      KeyId,
      SigningAlgorithm: 'ECDSA_SHA_256',
      Message: new Uint8Array(32),
      MessageType: 'DIGEST',
    } as const;
    await asSigner.send(new SignCommand(digest));
    expect(await failure(asSigner.send(new SignCommand({ ...digest, MessageType: 'RAW' })))).toBe(
      'AccessDeniedException',
    );
    const grantee = await person(sluice, 'grantee', []);
    const other = await person(sluice, 'other', []);
    await kms.send(
      new CreateGrantCommand({ KeyId, GranteePrincipal: grantee.arn, Operations: ['Verify', 'CreateGrant'] }),
    );
    const asGrantee = client(grantee);
    const hand = (Operations: ('Verify' | 'Sign')[]) =>
      asGrantee.send(new CreateGrantCommand({ KeyId, GranteePrincipal: other.arn, Operations }));
    await hand(['Verify']);
    expect(await failure(hand(['Sign']))).toBe('AccessDeniedException');
    expect(
      await failure(kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal: other.arn, Operations: ['Encrypt'] }))),
    ).toBe('ValidationException');
    const symmetric = await newKey();
    const bound = { KeyId: symmetric, GranteePrincipal: grantee.arn, Operations: ['Decrypt', 'CreateGrant'] as const };
    await kms.send(
      new CreateGrantCommand({
        ...bound,
        Operations: [...bound.Operations],
        Constraints: { EncryptionContextSubset: { a: '1' } },
      }),
    );
    const handBound = (Constraints?: { EncryptionContextSubset: Record<string, string> }) =>
      asGrantee.send(
        new CreateGrantCommand({ KeyId: symmetric, GranteePrincipal: other.arn, Operations: ['Decrypt'], Constraints }),
      );
    expect(await failure(handBound())).toBe('AccessDeniedException');
    expect(await failure(handBound({ EncryptionContextSubset: { b: '1' } }))).toBe('AccessDeniedException');
    await handBound({ EncryptionContextSubset: { a: '1', b: '1' } });
  });
});

describe('rotation', () => {
  it('comes by the clock and on demand, and old ciphertexts still open', async () => {
    const KeyId = await newKey();
    const seal = async () => (await kms.send(new EncryptCommand({ KeyId, Plaintext: text('old') }))).CiphertextBlob;
    const first = await seal();
    await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }));
    const startedAt = sluice.clock.now();
    await sluice.clock.advance('P91D');
    await kms.send(new RotateKeyOnDemandCommand({ KeyId }));
    const second = await seal();
    const { Rotations } = await kms.send(new ListKeyRotationsCommand({ KeyId }));
    expect(Rotations?.map(({ RotationType }) => RotationType)).toEqual(['AUTOMATIC', 'ON_DEMAND']);
    expect(Rotations?.[0]?.RotationDate?.getTime()).toBe(startedAt + 90 * 86_400_000);
    const status = await kms.send(new GetKeyRotationStatusCommand({ KeyId }));
    expect(status).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 90 });
    expect(status.NextRotationDate?.getTime()).toBe(startedAt + 180 * 86_400_000);
    const opened = await Promise.all(
      [first, second].map((CiphertextBlob) => kms.send(new DecryptCommand({ CiphertextBlob }))),
    );
    expect(new Set(opened.map(({ KeyMaterialId }) => KeyMaterialId)).size).toBe(2);
    expect(opened.map(({ Plaintext }) => Buffer.from(Plaintext ?? []).toString())).toEqual(['old', 'old']);
    const page = await kms.send(
      new ListKeyRotationsCommand({ KeyId, Limit: 2, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
    );
    expect(page.Rotations?.map(({ KeyMaterialState }) => KeyMaterialState)).toEqual(['NON_CURRENT', 'NON_CURRENT']);
    const rest = await kms.send(
      new ListKeyRotationsCommand({ KeyId, Marker: page.NextMarker, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
    );
    expect(rest.Rotations?.map(({ KeyMaterialState }) => KeyMaterialState)).toEqual(['CURRENT']);

    // A date that comes while the key is disabled is made up for.
    await kms.send(new DisableKeyCommand({ KeyId }));
    await sluice.clock.advance('P90D');
    await kms.send(new EnableKeyCommand({ KeyId }));
    const after = await kms.send(new ListKeyRotationsCommand({ KeyId }));
    expect(after.Rotations?.map(({ RotationType }) => RotationType)).toEqual(['AUTOMATIC', 'ON_DEMAND', 'AUTOMATIC']);
  });
});

describe('multi-Region keys', () => {
  it('open in one Region what was sealed in the other, each under its own policy', async () => {
    const KeyId = await newKey({ MultiRegion: true });
    expect(idOf(KeyId)).toMatch(/^mrk-[0-9a-f]{32}$/);
    const before = await kms.send(new EncryptCommand({ KeyId, Plaintext: text('shared') }));
    expect(await failure(eu.send(new DecryptCommand({ CiphertextBlob: before.CiphertextBlob })))).toBe(
      'AccessDeniedException',
    );
    const { ReplicaKeyMetadata } = await kms.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: EU }));
    expect(ReplicaKeyMetadata).toMatchObject({
      Arn: there(KeyId),
      MultiRegion: true,
      MultiRegionConfiguration: {
        MultiRegionKeyType: 'REPLICA',
        PrimaryKey: { Arn: KeyId, Region: sluice.region },
        ReplicaKeys: [{ Arn: there(KeyId), Region: EU }],
      },
    });
    expect(await failure(kms.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: EU })))).toBe(
      'AlreadyExistsException',
    );
    expect(await failure(eu.send(new ReplicateKeyCommand({ KeyId: idOf(KeyId), ReplicaRegion: 'us-west-2' })))).toBe(
      'UnsupportedOperationException',
    );
    const opened = await eu.send(new DecryptCommand({ CiphertextBlob: before.CiphertextBlob }));
    expect(opened.KeyId).toBe(there(KeyId));
    await kms.send(new RotateKeyOnDemandCommand({ KeyId }));
    const sealedThere = await eu.send(new EncryptCommand({ KeyId: idOf(KeyId), Plaintext: text('back') }));
    const back = await kms.send(new DecryptCommand({ CiphertextBlob: sealedThere.CiphertextBlob }));
    expect(back.KeyId).toBe(KeyId);
    expect(Buffer.from(back.Plaintext ?? []).toString()).toBe('back');
    expect(await failure(eu.send(new EnableKeyRotationCommand({ KeyId: idOf(KeyId) })))).toBe(
      'UnsupportedOperationException',
    );
    // The replica's policy is its own.
    const nobody = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Deny', Principal: '*', Action: 'kms:Decrypt', Resource: '*' }],
    };
    const keep = {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${sluice.account}:root` },
      Action: 'kms:*',
      Resource: '*',
    };
    const Policy = JSON.stringify({ ...nobody, Statement: [...nobody.Statement, keep] });
    await eu.send(new PutKeyPolicyCommand({ KeyId: idOf(KeyId), Policy }));
    expect(await failure(eu.send(new DecryptCommand({ CiphertextBlob: before.CiphertextBlob })))).toBe(
      'AccessDeniedException',
    );
    await kms.send(new DecryptCommand({ CiphertextBlob: before.CiphertextBlob }));
  });

  it('change their primary, which goes last', async () => {
    const KeyId = await newKey({ MultiRegion: true });
    await kms.send(new EnableKeyRotationCommand({ KeyId }));
    await kms.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: EU }));
    await kms.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: EU }));
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
    expect(KeyMetadata?.MultiRegionConfiguration).toMatchObject({
      MultiRegionKeyType: 'REPLICA',
      PrimaryKey: { Region: EU },
    });
    await sluice.clock.advance('P366D');
    const { Rotations } = await kms.send(new ListKeyRotationsCommand({ KeyId }));
    expect(Rotations).toHaveLength(1);
    const primary = idOf(KeyId);
    const waiting = await eu.send(new ScheduleKeyDeletionCommand({ KeyId: primary, PendingWindowInDays: 7 }));
    expect(waiting).toMatchObject({ KeyState: 'PendingReplicaDeletion', PendingWindowInDays: 7 });
    expect(waiting.DeletionDate).toBeUndefined();
    expect(await failure(eu.send(new EncryptCommand({ KeyId: primary, Plaintext: text('x') })))).toBe(
      'KMSInvalidStateException',
    );
    await eu.send(new CancelKeyDeletionCommand({ KeyId: primary }));
    await eu.send(new ScheduleKeyDeletionCommand({ KeyId: primary, PendingWindowInDays: 7 }));
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
    await sluice.clock.advance('P8D');
    expect(await failure(kms.send(new DescribeKeyCommand({ KeyId })))).toBe('NotFoundException');
    const last = await eu.send(new DescribeKeyCommand({ KeyId: primary }));
    expect(last.KeyMetadata).toMatchObject({ KeyState: 'PendingDeletion' });
    await sluice.clock.advance('P8D');
    expect(await failure(eu.send(new DescribeKeyCommand({ KeyId: primary })))).toBe('NotFoundException');
  });
});
