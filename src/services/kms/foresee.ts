/**
 * Nothing follows from a call of KMS; but a key may not be usable, whatever the policies say. The fact `kms <alias ARN>`
 * is the ARN of the key that the alias names.
 */
import { isAwsError } from '../../common/index.ts';
import type { Foreseen, Foresight } from '../foreseen.ts';
import type { Call } from '../service.ts';
import { assertEnabled, findKey, parseKeyReference } from './records.ts';

type Input = Readonly<{ KeyId?: string }>;

export const foresee = {
  Decrypt: useOfKey,
  Encrypt: useOfKey,
  GenerateDataKey: useOfKey,
};

async function useOfKey({ KeyId: keyId }: Input, call: Call, foresight: Foresight): Promise<readonly Foreseen[]> {
  if (keyId === undefined) return [];
  try {
    const reference = parseKeyReference(keyId, call);
    const key = await findKey(call.house.store, reference);
    if (key === undefined) return reference.aliasName === undefined ? [{ fails: `there is no key ${keyId}` }] : [];
    foresight.facts.set(`kms ${reference.arn}`, key.arn);
    assertEnabled(key);
    return [];
  } catch (error) {
    if (isAwsError(error)) return [{ fails: error.message }];
    throw error;
  }
}
