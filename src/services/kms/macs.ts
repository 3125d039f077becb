/** GenerateMac and VerifyMac. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { GenerateMacRequest, GenerateMacResponse, VerifyMacRequest, VerifyMacResponse } from '@aws-sdk/client-kms';
import { AwsError } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { keyAccess, type KeyUse } from './access.ts';
import { usableKey } from './cryptographic-operations.ts';
import { checkGrantTokens, refuseDryRun } from './grants.ts';
import { unwrap } from './key-material.ts';
import { algorithmsOf, assertAlgorithm, assertUsage, specOf, usageOf } from './key-specs.ts';
import { currentMaterial } from './rotation-loop.ts';

function use(action: string, algorithm: unknown): KeyUse {
  return {
    action,
    crossAccount: true,
    ...(typeof algorithm === 'string' && { context: { 'kms:MacAlgorithm': algorithm } }),
  };
}

export const generateMac = operation<GenerateMacRequest, GenerateMacResponse>({
  authorize: async (input, call) => [await keyAccess(call, input.KeyId, use('GenerateMac', input.MacAlgorithm))],
  async handle(input, call) {
    const { arn, mac } = await macOf(call, input, 'GenerateMac');
    return { KeyId: arn, Mac: mac, MacAlgorithm: input.MacAlgorithm };
  },
});

export const verifyMac = operation<VerifyMacRequest, VerifyMacResponse>({
  authorize: async (input, call) => [await keyAccess(call, input.KeyId, use('VerifyMac', input.MacAlgorithm))],
  async handle(input, call) {
    const { arn, mac } = await macOf(call, input, 'VerifyMac');
    const given = Buffer.from(input.Mac ?? []);
    if (given.length !== mac.length || !timingSafeEqual(given, mac)) throw new AwsError('KMSInvalidMacException', '');
    return { KeyId: arn, MacValid: true, MacAlgorithm: input.MacAlgorithm };
  },
});

async function macOf(
  call: Call,
  input: GenerateMacRequest,
  operationName: string,
): Promise<{ arn: string; mac: Buffer }> {
  checkGrantTokens(input.GrantTokens);
  const key = await usableKey(call, input.KeyId);
  const algorithm = input.MacAlgorithm ?? '';
  assertUsage(key, 'GENERATE_VERIFY_MAC', operationName);
  assertAlgorithm(key, algorithm, algorithmsOf(specOf(key), usageOf(key)).mac);
  refuseDryRun(input.DryRun);
  const secret = await unwrap(call.house, key.arn, currentMaterial(key));
  const hash = algorithm.replace('HMAC_SHA_', 'sha');
  return {
    arn: key.arn,
    mac: createHmac(hash, secret)
      .update(input.Message ?? '')
      .digest(),
  };
}
