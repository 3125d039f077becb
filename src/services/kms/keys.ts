/** Keys: made, described, listed, switched on and off. */
import type {
  CreateKeyRequest,
  CreateKeyResponse,
  DescribeKeyRequest,
  DescribeKeyResponse,
  DisableKeyRequest,
  EnableKeyRequest,
  ListKeysRequest,
  ListKeysResponse,
  UpdateKeyDescriptionRequest,
} from '@aws-sdk/client-kms';
import { AwsError } from '../../common/index.ts';
import { operation } from '../service.ts';
import { onKey, requestContext, requireKey } from './access.ts';
import { changeKey } from './change-key.ts';
import { newMaterial } from './key-material.ts';
import { boundKeyPolicy, checkKeyPolicy, defaultKeyPolicy } from './key-policies.ts';
import { page, readMarker } from './pages.ts';
import { assertNotPending, type Key, keyMetadata, keys } from './records.ts';
import { checkedTags, tagContext } from './tags.ts';

export const createKey = operation<CreateKeyRequest, CreateKeyResponse>({
  authorize: (input, call) => {
    const context = {
      ...requestContext(call),
      ...tagContext(input.Tags),
      'kms:KeySpec': input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT',
      'kms:KeyUsage': input.KeyUsage ?? 'ENCRYPT_DECRYPT',
      'kms:KeyOrigin': input.Origin ?? 'AWS_KMS',
      'kms:MultiRegion': String(input.MultiRegion ?? false),
      'kms:BypassPolicyLockoutSafetyCheck': String(input.BypassPolicyLockoutSafetyCheck ?? false),
    };
    const actions = ['kms:CreateKey', ...((input.Tags?.length ?? 0) > 0 ? ['kms:TagResource'] : [])];
    return actions.map((action) => ({ action, resource: '*', context }));
  },
  async handle(input, call) {
    refuseUnsupported(input);
    const tags = checkedTags(input.Tags);
    const keyId = call.house.ids.uuid();
    const arn = call.arn('kms', `key/${keyId}`);
    if (input.Policy !== undefined) {
      checkKeyPolicy(input.Policy, call, input.BypassPolicyLockoutSafetyCheck ?? false);
    }
    const key: Key = {
      keyId,
      arn,
      account: call.account,
      region: call.region,
      description: input.Description ?? '',
      state: 'Enabled',
      createdAt: call.now,
      manager: 'CUSTOMER',
      ...(await boundKeyPolicy(input.Policy ?? defaultKeyPolicy(call.account), call)),
      tags,
      materials: [newMaterial(call.house, arn, 1, call.house.ids.bytes(32))],
    };
    await keys.insert(call.house.store, { account: call.account, region: call.region, id: keyId }, key);
    return { KeyMetadata: keyMetadata(key) };
  },
});

function refuseUnsupported(input: CreateKeyRequest): void {
  const unsupported = (what: string): AwsError =>
    new AwsError('UnsupportedOperationException', `${what} is not implemented by Sluice`);
  const spec = input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT';
  if (input.KeySpec !== undefined && input.CustomerMasterKeySpec !== undefined) {
    throw new AwsError(
      'ValidationException',
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    );
  }
  if (spec !== 'SYMMETRIC_DEFAULT') throw unsupported(`KeySpec ${spec}`);
  if ((input.KeyUsage ?? 'ENCRYPT_DECRYPT') !== 'ENCRYPT_DECRYPT') {
    throw new AwsError('ValidationException', `KeyUsage ${input.KeyUsage} is not compatible with KeySpec ${spec}`);
  }
  if ((input.Origin ?? 'AWS_KMS') !== 'AWS_KMS') throw unsupported(`Origin ${input.Origin}`);
  if (input.MultiRegion === true) throw unsupported('A multi-Region key');
  if (input.CustomKeyStoreId !== undefined) throw unsupported('A custom key store');
  if (input.XksKeyId !== undefined) throw unsupported('An external key store');
}

export const describeKey = operation<DescribeKeyRequest, DescribeKeyResponse>({
  authorize: onKey({ action: 'DescribeKey', crossAccount: true, byAlias: true }),
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
    changeKey(call, input.KeyId, 'EnableKey', (key) => {
      assertNotPending(key);
      return { ...key, state: 'Enabled' };
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
