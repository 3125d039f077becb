/**
 * Encrypt, Decrypt, ReEncrypt, data keys and random bytes. AES-256-GCM for real, in a blob of the form of `ciphertext.ts`; RSA
 * keys encrypt with OAEP, and their ciphertext names no key.
 */
import type {
  DecryptRequest,
  DecryptResponse,
  EncryptionAlgorithmSpec,
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
import { type AccessRequest, AwsError, isAwsError, parseArn } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { keyAccess, type KeyUse, requireKey } from './access.ts';
import { type CiphertextName, type EncryptionContext, nameOf, seal, unseal } from './ciphertext.ts';
import { checkGrantTokens, refuseDryRun } from './grants.ts';
import { unwrap } from './key-material.ts';
import { algorithmsOf, assertAlgorithm, assertUsage, isSymmetric, specOf, usageOf } from './key-specs.ts';
import { rsaDecrypt, rsaEncrypt } from './oaep.ts';
import { assertEnabled, findKey, type Key, parseKeyReference } from './records.ts';
import { currentMaterial } from './rotation-loop.ts';

const DEFAULT_ALGORITHM = 'SYMMETRIC_DEFAULT';

export const encrypt = operation<EncryptRequest, EncryptResponse>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, use('Encrypt', input.EncryptionContext, input.EncryptionAlgorithm)),
  ],
  async handle(input, call) {
    checkGrantTokens(input.GrantTokens);
    const key = await usableKey(call, input.KeyId);
    const way = encryptionWay(key, 'Encrypt', input.EncryptionAlgorithm, input.EncryptionContext);
    refuseDryRun(input.DryRun);
    const { blob } = await encryptUnder(call, key, input.Plaintext ?? new Uint8Array(), way);
    return { CiphertextBlob: blob, KeyId: key.arn, EncryptionAlgorithm: way.algorithm };
  },
});

export const decrypt = operation<DecryptRequest, DecryptResponse>({
  authorize: (input, call) =>
    blobAccess(
      call,
      input.CiphertextBlob,
      input.KeyId,
      use('Decrypt', input.EncryptionContext, input.EncryptionAlgorithm),
    ),
  async handle(input, call) {
    refuseRecipient(input);
    checkGrantTokens(input.GrantTokens);
    if ((input.DryRunModifiers?.length ?? 0) > 0) throw notImplemented('DryRunModifiers');
    const opened = await open(call, 'Decrypt', {
      blob: input.CiphertextBlob,
      keyId: input.KeyId,
      context: input.EncryptionContext,
      algorithm: input.EncryptionAlgorithm,
    });
    refuseDryRun(input.DryRun);
    return {
      KeyId: opened.key.arn,
      Plaintext: opened.plaintext,
      EncryptionAlgorithm: opened.algorithm,
      ...(opened.materialId !== undefined && { KeyMaterialId: opened.materialId }),
    };
  },
});

export const reEncrypt = operation<ReEncryptRequest, ReEncryptResponse>({
  async authorize(input, call) {
    const same = { 'kms:ReEncryptOnSameKey': String(await sameKey(call, input)) };
    const from = use('ReEncryptFrom', input.SourceEncryptionContext, input.SourceEncryptionAlgorithm);
    const to = use('ReEncryptTo', input.DestinationEncryptionContext, input.DestinationEncryptionAlgorithm);
    return [
      ...(await blobAccess(call, input.CiphertextBlob, input.SourceKeyId, {
        ...from,
        context: { ...from.context, ...same },
      })),
      await keyAccess(call, input.DestinationKeyId, { ...to, context: { ...to.context, ...same } }),
    ];
  },
  async handle(input, call) {
    checkGrantTokens(input.GrantTokens);
    if ((input.DryRunModifiers?.length ?? 0) > 0) throw notImplemented('DryRunModifiers');
    const opened = await open(call, 'ReEncrypt', {
      blob: input.CiphertextBlob,
      keyId: input.SourceKeyId,
      context: input.SourceEncryptionContext,
      algorithm: input.SourceEncryptionAlgorithm,
    });
    const key = await usableKey(call, input.DestinationKeyId);
    const way = encryptionWay(
      key,
      'ReEncrypt',
      input.DestinationEncryptionAlgorithm,
      input.DestinationEncryptionContext,
    );
    refuseDryRun(input.DryRun);
    const sealed = await encryptUnder(call, key, opened.plaintext, way);
    return {
      CiphertextBlob: sealed.blob,
      SourceKeyId: opened.key.arn,
      KeyId: key.arn,
      SourceEncryptionAlgorithm: opened.algorithm,
      DestinationEncryptionAlgorithm: way.algorithm,
      ...(opened.materialId !== undefined && { SourceKeyMaterialId: opened.materialId }),
      ...(sealed.materialId !== undefined && { DestinationKeyMaterialId: sealed.materialId }),
    };
  },
});

export const generateDataKey = operation<GenerateDataKeyRequest, GenerateDataKeyResponse>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, use('GenerateDataKey', input.EncryptionContext)),
  ],
  handle: (input, call) => dataKey(input, call, 'GenerateDataKey'),
});

export const generateDataKeyWithoutPlaintext = operation<
  GenerateDataKeyWithoutPlaintextRequest,
  GenerateDataKeyWithoutPlaintextResponse
>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, use('GenerateDataKeyWithoutPlaintext', input.EncryptionContext)),
  ],
  async handle(input, call) {
    const { Plaintext: _kept, ...rest } = await dataKey(input, call, 'GenerateDataKeyWithoutPlaintext');
    return rest;
  },
});

export const generateRandom = operation<GenerateRandomRequest, GenerateRandomResponse>({
  async handle(input, call) {
    refuseRecipient(input);
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
  operationName: string,
): Promise<GenerateDataKeyResponse & Required<Pick<GenerateDataKeyResponse, 'Plaintext'>>> {
  refuseRecipient(input);
  checkGrantTokens(input.GrantTokens);
  if ((input.KeySpec === undefined) === (input.NumberOfBytes === undefined)) {
    throw new AwsError(
      'ValidationException',
      input.KeySpec === undefined
        ? 'Please specify either number of bytes or key spec.'
        : 'Please specify only one of number of bytes or key spec.',
    );
  }
  const key = await usableKey(call, input.KeyId);
  assertSymmetric(key, operationName);
  refuseDryRun(input.DryRun);
  const bytes = input.NumberOfBytes ?? (input.KeySpec === 'AES_128' ? 16 : 32);
  const plaintext = call.house.ids.bytes(bytes);
  const { blob, materialId } = await encryptUnder(call, key, plaintext, { context: input.EncryptionContext ?? {} });
  return {
    CiphertextBlob: blob,
    Plaintext: plaintext,
    KeyId: key.arn,
    ...(materialId !== undefined && { KeyMaterialId: materialId }),
  };
}

/** Data keys and pairs of data keys are for symmetric keys alone. */
export function assertSymmetric(key: Key, operationName: string): void {
  if (isSymmetric(key)) return;
  assertUsage(key, 'ENCRYPT_DECRYPT', operationName);
  throw new AwsError(
    'InvalidKeyUsageException',
    `${key.arn} key spec ${specOf(key)} is not valid for ${operationName}.`,
  );
}

export function use(
  action: string,
  encryptionContext: EncryptionContext | undefined,
  algorithm: string = DEFAULT_ALGORITHM,
): KeyUse {
  return { crossAccount: true, action, encryptionContext, context: { 'kms:EncryptionAlgorithm': algorithm } };
}

export function refuseRecipient(input: Readonly<{ Recipient?: object | undefined }>): void {
  if (input.Recipient !== undefined) throw notImplemented('Recipient');
}

function notImplemented(what: string): AwsError {
  return new AwsError('UnsupportedOperationException', `${what} is not implemented by Sluice`);
}

export async function usableKey(call: Call, keyId: string | undefined): Promise<Key> {
  const key = await requireKey(call, keyId ?? '', { byAlias: true });
  assertEnabled(key);
  return key;
}

type Way = Readonly<{ algorithm?: EncryptionAlgorithmSpec; context: EncryptionContext }>;

/** How a key encrypts, of those ways that are given. Throws `InvalidKeyUsageException` and `ValidationException`. */
function encryptionWay(
  key: Key,
  operationName: string,
  algorithm: string = DEFAULT_ALGORITHM,
  context: EncryptionContext = {},
): Required<Way> {
  assertUsage(key, 'ENCRYPT_DECRYPT', operationName);
  assertAlgorithm(key, algorithm, algorithmsOf(specOf(key), usageOf(key)).encryption);
  if (!isSymmetric(key) && Object.keys(context).length > 0) {
    throw new AwsError(
      'ValidationException',
      'You cannot specify an encryption context with an asymmetric KMS key: its ciphertext has none.',
    );
  }
  return { algorithm: algorithm as EncryptionAlgorithmSpec, context };
}

export async function encryptUnder(
  call: Call,
  key: Key,
  plaintext: Uint8Array,
  { algorithm = DEFAULT_ALGORITHM, context }: Way,
): Promise<{ blob: Uint8Array; materialId?: string }> {
  if (!isSymmetric(key)) {
    return { blob: rsaEncrypt(Buffer.from(key.publicKey ?? '', 'base64'), algorithm, plaintext) };
  }
  const material = currentMaterial(key);
  const secret = await unwrap(call.house, key.arn, material);
  const name = { keyArn: key.arn, materialVersion: material.version };
  return {
    blob: seal(name, secret, call.house.ids.bytes(12), plaintext, context),
    materialId: material.id,
  };
}

/**
 * With a `KeyId`, that key is what the caller needs permission for, and the one that the handler uses. Without, a blob names
 * its key. What is no blob of a key needs none: the handler refuses it.
 */
async function blobAccess(
  call: Call,
  blob: unknown,
  keyId: string | undefined,
  keyUse: KeyUse,
): Promise<readonly AccessRequest[]> {
  if (keyId !== undefined) return [await keyAccess(call, keyId, keyUse)];
  const name = blob instanceof Uint8Array ? nameOf(blob) : undefined;
  if (name === undefined) return [];
  const here = arnHere(name, call.region);
  if (here === undefined) {
    // Keys are regional: whatever the policies say, nothing in this Region can decrypt it.
    return [
      { action: `kms:${keyUse.action}`, resource: name.keyArn, resourcePolicyMode: 'Only', resourcePolicies: [] },
    ];
  }
  return [await keyAccess(call, here, keyUse)];
}

/** The key of this Region that opens what `name` was encrypted by: itself, or the one of the same multi-Region id. */
function arnHere({ keyArn }: CiphertextName, region: string): string | undefined {
  const arn = parseArn(keyArn);
  if (arn === undefined) return undefined;
  if (arn.region === region) return keyArn;
  return arn.resource.startsWith('key/mrk-') ? `arn:aws:kms:${region}:${arn.account}:${arn.resource}` : undefined;
}

type Opened = Readonly<{
  key: Key;
  plaintext: Uint8Array;
  algorithm: EncryptionAlgorithmSpec;
  materialId?: string;
}>;

async function open(
  call: Call,
  operationName: string,
  given: Readonly<{
    blob: Uint8Array | undefined;
    keyId: string | undefined;
    context: EncryptionContext | undefined;
    algorithm: string | undefined;
  }>,
): Promise<Opened> {
  const { blob, keyId } = given;
  const name = blob === undefined ? undefined : nameOf(blob);
  const chosen = keyId === undefined ? undefined : await requireKey(call, keyId, { byAlias: true });
  if (blob !== undefined && chosen !== undefined && !isSymmetric(chosen)) {
    assertEnabled(chosen);
    return openAsymmetric(call, chosen, blob, encryptionWay(chosen, operationName, given.algorithm, given.context));
  }
  if (blob === undefined || name === undefined) throw invalidCiphertext();
  const here = arnHere(name, call.region);
  if (chosen !== undefined && chosen.arn !== here) {
    throw new AwsError(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.',
    );
  }
  const key =
    chosen ?? (here === undefined ? undefined : await findKey(call.house.store, parseKeyReference(here, call)));
  if (key === undefined) {
    throw new AwsError(
      'AccessDeniedException',
      'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.',
    );
  }
  assertEnabled(key);
  const { algorithm, context } = encryptionWay(key, operationName, given.algorithm, given.context);
  const material = key.materials.find(({ version }) => version === name.materialVersion);
  if (material === undefined || !isSymmetric(key)) throw invalidCiphertext();
  const plaintext = unseal(blob, await unwrap(call.house, key.arn, material), context);
  if (plaintext === undefined) throw invalidCiphertext();
  return { key, plaintext, algorithm, materialId: material.id };
}

async function openAsymmetric(call: Call, key: Key, blob: Uint8Array, { algorithm }: Required<Way>): Promise<Opened> {
  const privateKey = await unwrap(call.house, key.arn, currentMaterial(key));
  const plaintext = rsaDecrypt(privateKey, algorithm, blob);
  if (plaintext === undefined) throw invalidCiphertext();
  return { key, plaintext, algorithm };
}

/** KMS says nothing more: the code is the message. */
function invalidCiphertext(): AwsError {
  return new AwsError('InvalidCiphertextException', '');
}

async function sameKey(call: Call, input: ReEncryptRequest): Promise<boolean> {
  const name = input.CiphertextBlob instanceof Uint8Array ? nameOf(input.CiphertextBlob) : undefined;
  const source = input.SourceKeyId ?? (name === undefined ? undefined : arnHere(name, call.region));
  if (source === undefined || typeof input.DestinationKeyId !== 'string') return false;
  try {
    const from = await findKey(call.house.store, parseKeyReference(source, call));
    const to = await findKey(call.house.store, parseKeyReference(input.DestinationKeyId, call));
    return from !== undefined && from.arn === to?.arn;
  } catch (error) {
    if (isAwsError(error)) return false; // What names no key: `keyAccess` says so.
    throw error;
  }
}
