/** Keys: made, described, listed, switched on and off. */
import type {
  CreateKeyRequest,
  CreateKeyResponse,
  DescribeKeyRequest,
  DescribeKeyResponse,
  DisableKeyRequest,
  EnableKeyRequest,
  KeyUsageType,
  ListKeysRequest,
  ListKeysResponse,
  UpdateKeyDescriptionRequest,
} from '@aws-sdk/client-kms';
import { AwsError, HEX, type RequestContext } from '../../common/index.ts';
import { operation } from '../service.ts';
import { onKey, requestContext, requireKey } from './access.ts';
import { changeKey } from './change-key.ts';
import { newMaterial, newSecret } from './key-material.ts';
import { isKeySpec, type KeySpec, kindOf } from './key-specs.ts';
import { boundKeyPolicy, checkKeyPolicy, defaultKeyPolicy } from './key-policies.ts';
import { page, readMarker } from './pages.ts';
import { assertNotPending, type Key, keyMetadata, keys } from './records.ts';
import { makeUpRotation } from './rotation-loop.ts';
import { checkedTags, tagContext } from './tags.ts';

/** Condition keys of a key that is yet to be made. */
export function newKeyContext(
  key: Readonly<{ spec: string; usage: string; origin?: string; multiRegion: boolean; bypass: boolean }>,
): RequestContext {
  return {
    'kms:KeySpec': key.spec,
    'kms:KeyUsage': key.usage,
    'kms:CustomerMasterKeySpec': key.spec,
    'kms:CustomerMasterKeyUsage': key.usage,
    'kms:KeyOrigin': key.origin ?? 'AWS_KMS',
    'kms:MultiRegion': String(key.multiRegion),
    'kms:BypassPolicyLockoutSafetyCheck': String(key.bypass),
  };
}

export const createKey = operation<CreateKeyRequest, CreateKeyResponse>({
  authorize: (input, call) => {
    const context = {
      ...requestContext(call),
      ...tagContext(input.Tags),
      ...newKeyContext({
        spec: input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT',
        usage: input.KeyUsage ?? 'ENCRYPT_DECRYPT',
        origin: input.Origin ?? 'AWS_KMS',
        multiRegion: input.MultiRegion ?? false,
        bypass: input.BypassPolicyLockoutSafetyCheck ?? false,
      }),
      ...(input.MultiRegion === true && { 'kms:MultiRegionKeyType': 'PRIMARY' }),
    };
    const actions = ['kms:CreateKey', ...((input.Tags?.length ?? 0) > 0 ? ['kms:TagResource'] : [])];
    return actions.map((action) => ({ action, resource: '*', context }));
  },
  async handle(input, call) {
    const { spec, usage } = checkedSpec(input);
    const tags = checkedTags(input.Tags);
    const keyId = input.MultiRegion === true ? `mrk-${call.house.ids.text(32, HEX)}` : call.house.ids.uuid();
    const arn = call.arn('kms', `key/${keyId}`);
    if (input.Policy !== undefined) {
      checkKeyPolicy(input.Policy, call, input.BypassPolicyLockoutSafetyCheck ?? false);
    }
    const bound = await boundKeyPolicy(input.Policy ?? defaultKeyPolicy(call.account), call);
    const { secret, publicKey } = await newSecret(call.house, spec);
    const key: Key = {
      keyId,
      arn,
      account: call.account,
      region: call.region,
      description: input.Description ?? '',
      state: 'Enabled',
      createdAt: call.now,
      manager: 'CUSTOMER',
      spec,
      usage,
      ...(publicKey && { publicKey: Buffer.from(publicKey).toString('base64') }),
      ...(input.MultiRegion === true && { multiRegion: { primaryRegion: call.region, replicaRegions: [] } }),
      ...bound,
      tags,
      materials: [newMaterial(call.house, arn, 1, secret)],
    };
    await keys.insert(call.house.store, { account: call.account, region: call.region, id: keyId }, key);
    return { KeyMetadata: keyMetadata(key) };
  },
});

function checkedSpec(input: CreateKeyRequest): { spec: KeySpec; usage: KeyUsageType } {
  const unsupported = (what: string): AwsError =>
    new AwsError('UnsupportedOperationException', `${what} is not implemented by Sluice`);
  const spec: string = input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT';
  if (input.KeySpec !== undefined && input.CustomerMasterKeySpec !== undefined) {
    throw new AwsError(
      'ValidationException',
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    );
  }
  if (!isKeySpec(spec)) throw unsupported(`KeySpec ${spec}`);
  if ((input.Origin ?? 'AWS_KMS') !== 'AWS_KMS') throw unsupported(`Origin ${input.Origin}`);
  if (input.CustomKeyStoreId !== undefined) throw unsupported('A custom key store');
  if (input.XksKeyId !== undefined) throw unsupported('An external key store');
  if (input.KeyUsage === undefined && spec !== 'SYMMETRIC_DEFAULT') {
    throw new AwsError(
      'ValidationException',
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    );
  }
  const usage = input.KeyUsage ?? 'ENCRYPT_DECRYPT';
  if (!kindOf(spec).usages.includes(usage)) {
    throw new AwsError('ValidationException', `KeyUsage ${usage} is not compatible with KeySpec ${spec}`);
  }
  return { spec, usage };
}

export const describeKey = operation<DescribeKeyRequest, DescribeKeyResponse>({
  authorize: onKey({ action: 'DescribeKey', crossAccount: true }),
  async handle(input, call) {
    return { KeyMetadata: keyMetadata(await requireKey(call, input.KeyId ?? '', { byAlias: true })) };
  },
});

export const listKeys = operation<ListKeysRequest, ListKeysResponse>({
  async handle(input, call) {
    const limit = input.Limit ?? 100;
    const after = readMarker(input.Marker);
    const scope = { account: call.account, region: call.region };
    const rows = await keys.list(call.house.store, { ...scope, limit: limit + 1, ...(after && { after }) });
    const { items, end } = page(rows, limit);
    return { Keys: items.map(({ document }) => ({ KeyId: document.keyId, KeyArn: document.arn })), ...end };
  },
});

export const enableKey = operation<EnableKeyRequest, void>({
  authorize: onKey({ action: 'EnableKey' }),
  handle: (input, call) =>
    changeKey(call, input.KeyId, 'EnableKey', (key, tx) => {
      assertNotPending(key);
      return makeUpRotation(call.house, tx, { ...key, state: 'Enabled' }, call.now);
    }),
});

export const disableKey = operation<DisableKeyRequest, void>({
  authorize: onKey({ action: 'DisableKey' }),
  handle: (input, call) =>
    changeKey(call, input.KeyId, 'DisableKey', (key) => {
      assertNotPending(key);
      return { ...key, state: 'Disabled' };
    }),
});

export const updateKeyDescription = operation<UpdateKeyDescriptionRequest, void>({
  authorize: onKey({ action: 'UpdateKeyDescription' }),
  handle: (input, call) =>
    changeKey(call, input.KeyId, 'UpdateKeyDescription', (key) => {
      assertNotPending(key);
      return { ...key, description: input.Description ?? '' };
    }),
});
