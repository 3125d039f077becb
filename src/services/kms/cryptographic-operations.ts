/**
 * Encrypt, Decrypt, ReEncrypt, data keys and random bytes. AES-256-GCM for real; the blob's form is in `ciphertext.ts`.
 */
import type {
  DecryptRequest,
  DecryptResponse,
  EncryptRequest,
  EncryptResponse,
  GenerateDataKeyRequest,
  GenerateDataKeyResponse,
  GenerateDataKeyWithoutPlaintextRequest,
  GenerateDataKeyWithoutPlaintextResponse,
  GenerateRandomRequest,
  GenerateRandomResponse,
  ReEncryptRequest,
  ReEncryptResponse,
} from '@aws-sdk/client-kms';
import { type AccessRequest, AwsError } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { keyAccess, type KeyUse, requireKey } from './access.ts';
import { type EncryptionContext, nameOf, seal, unseal } from './ciphertext.ts';
import { checkGrantTokens, refuseDryRun } from './grants.ts';
import { unwrap } from './key-material.ts';
import { assertEnabled, findKey, type Key, parseKeyReference } from './records.ts';
import { currentMaterial } from './rotation.ts';

const ALGORITHM = 'SYMMETRIC_DEFAULT';
const USE = { byAlias: true, crossAccount: true } as const;

type Common = Readonly<{
  GrantTokens?: string[] | undefined;
  EncryptionAlgorithm?: string | undefined;
  Recipient?: object | undefined;
}>;

export const encrypt = operation<EncryptRequest, EncryptResponse>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, {
      ...use('Encrypt', input.EncryptionContext),
      context: { 'kms:EncryptionAlgorithm': ALGORITHM },
    }),
  ],
  async handle(input, call) {
    checkCommon(input);
    const key = await usableKey(call, input.KeyId);
    refuseDryRun(input.DryRun);
    const { blob } = await encryptUnder(call, key, input.Plaintext ?? new Uint8Array(), input.EncryptionContext);
    return { CiphertextBlob: blob, KeyId: key.arn, EncryptionAlgorithm: ALGORITHM };
  },
});

export const decrypt = operation<DecryptRequest, DecryptResponse>({
  authorize: (input, call) =>
    blobAccess(call, input.CiphertextBlob, input.KeyId, {
      ...use('Decrypt', input.EncryptionContext),
      context: { 'kms:EncryptionAlgorithm': ALGORITHM },
    }),
  async handle(input, call) {
    checkCommon(input);
    if ((input.DryRunModifiers?.length ?? 0) > 0) throw notImplemented('DryRunModifiers');
    const opened = await open(call, input.CiphertextBlob, input.KeyId, input.EncryptionContext);
    refuseDryRun(input.DryRun);
    return {
      KeyId: opened.key.arn,
      Plaintext: opened.plaintext,
      EncryptionAlgorithm: ALGORITHM,
      KeyMaterialId: opened.materialId,
    };
  },
});

export const reEncrypt = operation<ReEncryptRequest, ReEncryptResponse>({
  async authorize(input, call) {
    const same = { 'kms:ReEncryptOnSameKey': String(await sameKey(call, input)) };
    const context = { ...same, 'kms:EncryptionAlgorithm': ALGORITHM };
    return [
      ...(await blobAccess(call, input.CiphertextBlob, input.SourceKeyId, {
        ...use('ReEncryptFrom', input.SourceEncryptionContext),
        context,
      })),
      await keyAccess(call, input.DestinationKeyId, {
        ...use('ReEncryptTo', input.DestinationEncryptionContext),
        context,
      }),
    ];
  },
  async handle(input, call) {
    checkCommon({ ...input, EncryptionAlgorithm: input.SourceEncryptionAlgorithm });
    checkCommon({ EncryptionAlgorithm: input.DestinationEncryptionAlgorithm });
    if ((input.DryRunModifiers?.length ?? 0) > 0) throw notImplemented('DryRunModifiers');
    const opened = await open(call, input.CiphertextBlob, input.SourceKeyId, input.SourceEncryptionContext);
    const key = await usableKey(call, input.DestinationKeyId);
    refuseDryRun(input.DryRun);
    const sealed = await encryptUnder(call, key, opened.plaintext, input.DestinationEncryptionContext);
    return {
      CiphertextBlob: sealed.blob,
      SourceKeyId: opened.key.arn,
      KeyId: key.arn,
      SourceEncryptionAlgorithm: ALGORITHM,
      DestinationEncryptionAlgorithm: ALGORITHM,
      SourceKeyMaterialId: opened.materialId,
      DestinationKeyMaterialId: sealed.materialId,
    };
  },
});

export const generateDataKey = operation<GenerateDataKeyRequest, GenerateDataKeyResponse>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, use('GenerateDataKey', input.EncryptionContext)),
  ],
  handle: dataKey,
});

export const generateDataKeyWithoutPlaintext = operation<
  GenerateDataKeyWithoutPlaintextRequest,
  GenerateDataKeyWithoutPlaintextResponse
>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, use('GenerateDataKeyWithoutPlaintext', input.EncryptionContext)),
  ],
  async handle(input, call) {
    const { Plaintext: _kept, ...rest } = await dataKey(input, call);
    return rest;
  },
});

export const generateRandom = operation<GenerateRandomRequest, GenerateRandomResponse>({
  async handle(input, call) {
    if (input.Recipient !== undefined) throw notImplemented('Recipient');
    if (input.CustomKeyStoreId !== undefined) throw notImplemented('CustomKeyStoreId');
    if (input.NumberOfBytes === undefined) {
      throw new AwsError('ValidationException', 'NumberOfBytes is required.');
    }
    return { Plaintext: call.house.ids.bytes(input.NumberOfBytes) };
  },
});

async function dataKey(
  input: GenerateDataKeyRequest,
  call: Call,
): Promise<GenerateDataKeyResponse & Required<Pick<GenerateDataKeyResponse, 'Plaintext'>>> {
  checkCommon(input);
  if ((input.KeySpec === undefined) === (input.NumberOfBytes === undefined)) {
    throw new AwsError(
      'ValidationException',
      input.KeySpec === undefined
        ? 'Please specify either number of bytes or key spec.'
        : 'Please specify only one of number of bytes or key spec.',
    );
  }
  const key = await usableKey(call, input.KeyId);
  refuseDryRun(input.DryRun);
  const bytes = input.NumberOfBytes ?? (input.KeySpec === 'AES_128' ? 16 : 32);
  const plaintext = call.house.ids.bytes(bytes);
  const { blob, materialId } = await encryptUnder(call, key, plaintext, input.EncryptionContext);
  return { CiphertextBlob: blob, Plaintext: plaintext, KeyId: key.arn, KeyMaterialId: materialId };
}

function use(action: string, encryptionContext: EncryptionContext | undefined): KeyUse {
  return { ...USE, action, encryptionContext };
}

function checkCommon(input: Common): void {
  if (input.Recipient !== undefined) throw notImplemented('Recipient');
  checkGrantTokens(input.GrantTokens);
  if ((input.EncryptionAlgorithm ?? ALGORITHM) !== ALGORITHM) {
    throw new AwsError(
      'InvalidKeyUsageException',
      `You cannot use the algorithm ${input.EncryptionAlgorithm} with a key of spec SYMMETRIC_DEFAULT.`,
    );
  }
}

function notImplemented(what: string): AwsError {
  return new AwsError('UnsupportedOperationException', `${what} is not implemented by Sluice`);
}

async function usableKey(call: Call, keyId: string | undefined): Promise<Key> {
  const key = await requireKey(call, keyId ?? '', { byAlias: true });
  assertEnabled(key);
  return key;
}

async function encryptUnder(
  call: Call,
  key: Key,
  plaintext: Uint8Array,
  context: EncryptionContext | undefined,
): Promise<{ blob: Uint8Array; materialId: string }> {
  const material = await currentMaterial(call.house, key, call.now);
  const secret = await unwrap(call.house, key.arn, material);
  const name = { keyArn: key.arn, materialVersion: material.version };
  return {
    blob: seal(name, secret, call.house.ids.bytes(12), plaintext, context ?? {}),
    materialId: material.id,
  };
}

/**
 * A blob names its key, so that is what the caller needs permission for. What is no blob needs none: the handler
 * refuses it, with or without `KeyId`.
 */
async function blobAccess(
  call: Call,
  blob: unknown,
  keyId: string | undefined,
  keyUse: KeyUse,
): Promise<readonly AccessRequest[]> {
  const name = blob instanceof Uint8Array ? nameOf(blob) : undefined;
  if (name !== undefined && !name.keyArn.startsWith(`arn:aws:kms:${call.region}:`)) {
    // Keys are regional: whatever the policies say, nothing in this Region can decrypt it.
    return [
      { action: `kms:${keyUse.action}`, resource: name.keyArn, resourcePolicyMode: 'Only', resourcePolicies: [] },
    ];
  }
  if (name === undefined) return keyId === undefined ? [] : [await keyAccess(call, keyId, keyUse)];
  const named = await keyAccess(call, name.keyArn, keyUse);
  if (keyId === undefined || !keyId.includes('alias/')) return [named];
  return [{ ...named, context: { ...named.context, ...aliasContext(keyId) } }];
}

function aliasContext(keyId: string) {
  return { 'kms:RequestAlias': keyId.slice(keyId.indexOf('alias/')) };
}

async function open(
  call: Call,
  blob: Uint8Array | undefined,
  keyId: string | undefined,
  context: EncryptionContext | undefined,
): Promise<{ key: Key; plaintext: Uint8Array; materialId: string }> {
  const name = blob === undefined ? undefined : nameOf(blob);
  if (blob === undefined || name === undefined) throw invalidCiphertext();
  if (keyId !== undefined && (await requireKey(call, keyId, { byAlias: true })).arn !== name.keyArn) {
    throw new AwsError(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.',
    );
  }
  const key = await findKey(call.house.store, parseKeyReference(name.keyArn, call));
  if (key === undefined) {
    throw new AwsError(
      'AccessDeniedException',
      'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.',
    );
  }
  assertEnabled(key);
  const material = key.materials.find(({ version }) => version === name.materialVersion);
  if (material === undefined) throw invalidCiphertext();
  const plaintext = unseal(blob, await unwrap(call.house, key.arn, material), context ?? {});
  if (plaintext === undefined) throw invalidCiphertext();
  return { key, plaintext, materialId: material.id };
}

/** KMS says nothing more: the code is the message. */
function invalidCiphertext(): AwsError {
  return new AwsError('InvalidCiphertextException', '');
}

async function sameKey(call: Call, input: ReEncryptRequest): Promise<boolean> {
  const name = input.CiphertextBlob instanceof Uint8Array ? nameOf(input.CiphertextBlob) : undefined;
  if (name === undefined || typeof input.DestinationKeyId !== 'string') return false;
  const key = await findKey(call.house.store, parseKeyReference(input.DestinationKeyId, call));
  return key?.arn === name.keyArn;
}
