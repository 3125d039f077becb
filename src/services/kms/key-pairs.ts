/** Public keys, pairs of data keys, and secrets shared by key agreement. */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import type {
  DeriveSharedSecretRequest,
  DeriveSharedSecretResponse,
  GenerateDataKeyPairRequest,
  GenerateDataKeyPairResponse,
  GenerateDataKeyPairWithoutPlaintextRequest,
  GenerateDataKeyPairWithoutPlaintextResponse,
  GetPublicKeyRequest,
  GetPublicKeyResponse,
} from '@aws-sdk/client-kms';
import { AwsError } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { keyAccess, type KeyUse, onKey } from './access.ts';
import { assertSymmetric, encryptUnder, refuseRecipient, usableKey, use } from './cryptographic-operations.ts';
import { checkGrantTokens, refuseDryRun } from './grants.ts';
import { newSecret, unwrap } from './key-material.ts';
import { assertUsage, isKeySpec, specOf } from './key-specs.ts';
import { keyMetadata } from './records.ts';
import { currentMaterial } from './rotation-loop.ts';

export const getPublicKey = operation<GetPublicKeyRequest, GetPublicKeyResponse>({
  authorize: onKey({ action: 'GetPublicKey', crossAccount: true }),
  async handle(input, call) {
    checkGrantTokens(input.GrantTokens);
    const key = await usableKey(call, input.KeyId);
    if (key.publicKey === undefined) {
      throw new AwsError(
        'UnsupportedOperationException',
        `GetPublicKey is not supported for ${key.arn}: a key of spec ${specOf(key)} has no public key.`,
      );
    }
    const { Arn, CustomerMasterKeySpec, KeySpec, KeyUsage, ...algorithms } = keyMetadata(key);
    return {
      KeyId: Arn,
      PublicKey: Buffer.from(key.publicKey, 'base64'),
      CustomerMasterKeySpec,
      KeySpec,
      KeyUsage,
      EncryptionAlgorithms: algorithms.EncryptionAlgorithms,
      SigningAlgorithms: algorithms.SigningAlgorithms,
      KeyAgreementAlgorithms: algorithms.KeyAgreementAlgorithms,
    };
  },
});

type PairInput = GenerateDataKeyPairRequest;

function pairUse(action: string, input: PairInput): KeyUse {
  const base = use(action, input.EncryptionContext);
  return typeof input.KeyPairSpec === 'string'
    ? { ...base, context: { ...base.context, 'kms:DataKeyPairSpec': input.KeyPairSpec } }
    : base;
}

export const generateDataKeyPair = operation<PairInput, GenerateDataKeyPairResponse>({
  authorize: async (input, call) => [await keyAccess(call, input.KeyId, pairUse('GenerateDataKeyPair', input))],
  handle: (input, call) => dataKeyPair(input, call, 'GenerateDataKeyPair'),
});

export const generateDataKeyPairWithoutPlaintext = operation<
  GenerateDataKeyPairWithoutPlaintextRequest,
  GenerateDataKeyPairWithoutPlaintextResponse
>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, pairUse('GenerateDataKeyPairWithoutPlaintext', input)),
  ],
  async handle(input, call) {
    const { PrivateKeyPlaintext: _kept, ...rest } = await dataKeyPair(
      input,
      call,
      'GenerateDataKeyPairWithoutPlaintext',
    );
    return rest;
  },
});

async function dataKeyPair(input: PairInput, call: Call, operationName: string): Promise<GenerateDataKeyPairResponse> {
  refuseRecipient(input);
  checkGrantTokens(input.GrantTokens);
  const spec: string = input.KeyPairSpec ?? '';
  const key = await usableKey(call, input.KeyId);
  assertSymmetric(key, operationName);
  if (!isKeySpec(spec)) {
    throw new AwsError('UnsupportedOperationException', `KeyPairSpec ${spec} is not implemented by Sluice`);
  }
  refuseDryRun(input.DryRun);
  const { secret, publicKey } = await newSecret(call.house, spec);
  const sealed = await encryptUnder(call, key, secret, { context: input.EncryptionContext ?? {} });
  return {
    PrivateKeyCiphertextBlob: sealed.blob,
    PrivateKeyPlaintext: secret,
    PublicKey: publicKey,
    KeyId: key.arn,
    KeyPairSpec: input.KeyPairSpec,
    ...(sealed.materialId !== undefined && { KeyMaterialId: sealed.materialId }),
  };
}

export const deriveSharedSecret = operation<DeriveSharedSecretRequest, DeriveSharedSecretResponse>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, {
      action: 'DeriveSharedSecret',
      crossAccount: true,
      ...(typeof input.KeyAgreementAlgorithm === 'string' && {
        context: { 'kms:KeyAgreementAlgorithm': input.KeyAgreementAlgorithm },
      }),
    }),
  ],
  async handle(input, call) {
    refuseRecipient(input);
    checkGrantTokens(input.GrantTokens);
    const key = await usableKey(call, input.KeyId);
    assertUsage(key, 'KEY_AGREEMENT', 'DeriveSharedSecret');
    const own = createPrivateKey({
      key: await unwrap(call.house, key.arn, currentMaterial(key)),
      format: 'der',
      type: 'pkcs8',
    });
    const theirs = readPublicKey(input.PublicKey, own);
    refuseDryRun(input.DryRun);
    return {
      KeyId: key.arn,
      SharedSecret: diffieHellman({ privateKey: own, publicKey: theirs }),
      KeyAgreementAlgorithm: 'ECDH',
      KeyOrigin: 'AWS_KMS',
    };
  },
});

/** OpenSSL takes only points on the curve. */
function readPublicKey(given: Uint8Array | undefined, own: KeyObject): KeyObject {
  try {
    const key = createPublicKey({ key: Buffer.from(given ?? []), format: 'der', type: 'spki' });
    if (key.asymmetricKeyDetails?.namedCurve === own.asymmetricKeyDetails?.namedCurve) return key;
  } catch {
    // Falls through: no public key.
  }
  throw new AwsError('ValidationException', 'PublicKey is not a public key of the curve of this KMS key, in DER.');
}
