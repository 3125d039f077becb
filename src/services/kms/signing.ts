/** Sign and Verify, over a message or over its digest (`digest-signatures.ts`). */
import type { SignRequest, SignResponse, VerifyRequest, VerifyResponse } from '@aws-sdk/client-kms';
import { AwsError } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { keyAccess, type KeyUse } from './access.ts';
import { usableKey } from './cryptographic-operations.ts';
import { digestBytes, schemeOf, signDigest, signMessage, verifyDigest, verifyMessage } from './digest-signatures.ts';
import { checkGrantTokens, refuseDryRun } from './grants.ts';
import { unwrap } from './key-material.ts';
import { algorithmsOf, assertAlgorithm, assertUsage, specOf, usageOf } from './key-specs.ts';
import type { Key } from './records.ts';
import { currentMaterial } from './rotation-loop.ts';

type Signing = Pick<SignRequest, 'KeyId' | 'Message' | 'MessageType' | 'SigningAlgorithm' | 'GrantTokens' | 'DryRun'>;

function use(action: string, input: Partial<Signing>): KeyUse {
  return {
    action,
    crossAccount: true,
    context: {
      'kms:MessageType': input.MessageType ?? 'RAW',
      ...(typeof input.SigningAlgorithm === 'string' && { 'kms:SigningAlgorithm': input.SigningAlgorithm }),
    },
  };
}

export const sign = operation<SignRequest, SignResponse>({
  authorize: async (input, call) => [await keyAccess(call, input.KeyId, use('Sign', input))],
  async handle(input, call) {
    const { key, scheme, message, isDigest } = await checked(call, input, 'Sign');
    refuseDryRun(input.DryRun);
    const privateKey = await unwrap(call.house, key.arn, currentMaterial(key));
    return {
      KeyId: key.arn,
      Signature: isDigest
        ? signDigest(privateKey, scheme, message, (bytes) => call.house.ids.bytes(bytes))
        : signMessage(privateKey, scheme, message),
      SigningAlgorithm: input.SigningAlgorithm,
    };
  },
});

export const verify = operation<VerifyRequest, VerifyResponse>({
  authorize: async (input, call) => [await keyAccess(call, input.KeyId, use('Verify', input))],
  async handle(input, call) {
    const { key, scheme, message, isDigest } = await checked(call, input, 'Verify');
    refuseDryRun(input.DryRun);
    const publicKey = Buffer.from(key.publicKey ?? '', 'base64');
    const valid = (isDigest ? verifyDigest : verifyMessage)(
      publicKey,
      scheme,
      message,
      input.Signature ?? new Uint8Array(),
    );
    if (!valid) throw new AwsError('KMSInvalidSignatureException', '');
    return { KeyId: key.arn, SignatureValid: true, SigningAlgorithm: input.SigningAlgorithm };
  },
});

async function checked(
  call: Call,
  input: Signing,
  operationName: string,
): Promise<{ key: Key; scheme: ReturnType<typeof schemeOf>; message: Uint8Array; isDigest: boolean }> {
  checkGrantTokens(input.GrantTokens);
  const key = await usableKey(call, input.KeyId);
  const algorithm = input.SigningAlgorithm ?? '';
  assertUsage(key, 'SIGN_VERIFY', operationName);
  assertAlgorithm(key, algorithm, algorithmsOf(specOf(key), usageOf(key)).signing);
  const scheme = schemeOf(algorithm);
  const message = input.Message ?? new Uint8Array();
  const type = input.MessageType ?? 'RAW';
  if (type !== 'RAW' && (type !== 'DIGEST' || scheme.family === 'ed25519')) {
    throw new AwsError('ValidationException', `MessageType ${type} is not supported with ${algorithm}.`);
  }
  if (type === 'DIGEST' && message.length !== digestBytes(scheme)) {
    throw new AwsError('ValidationException', `Digest is invalid length for algorithm ${algorithm}.`);
  }
  return { key, scheme, message, isDigest: type === 'DIGEST' };
}
