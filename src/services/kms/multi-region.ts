/**
 * Multi-Region keys: a primary and its replicas share id, material, spec, usage and rotation, so that what one encrypts each
 * decrypts. Policy, grants, aliases, tags, description and state are each key's own.
 * Source: KMS Developer Guide, "Multi-Region keys in AWS KMS".
 */
import type { ReplicateKeyRequest, ReplicateKeyResponse, UpdatePrimaryRegionRequest } from '@aws-sdk/client-kms';
import { AwsError, type RequestContext } from '../../common/index.ts';
import { operation } from '../service.ts';
import { accessTo, keyAccess, requestContext, requireKey } from './access.ts';
import { boundKeyPolicy, checkKeyPolicy, defaultKeyPolicy } from './key-policies.ts';
import { newKeyContext } from './keys.ts';
import { specOf, usageOf } from './key-specs.ts';
import {
  arnIn,
  assertEnabled,
  findKey,
  isReplica,
  type Key,
  keyMetadata,
  keys,
  notFound,
  parseKeyReference,
} from './records.ts';
import { lockRelatedKeys } from './related-keys.ts';
import { scheduleRotation, unscheduleRotation } from './rotation-loop.ts';
import { checkedTags, tagContext } from './tags.ts';

export const replicateKey = operation<ReplicateKeyRequest, ReplicateKeyResponse>({
  async authorize(input, call) {
    const request = await keyAccess(call, input.KeyId, {
      action: 'ReplicateKey',
      ...(typeof input.ReplicaRegion === 'string' && { context: { 'kms:ReplicaRegion': input.ReplicaRegion } }),
    });
    const key =
      typeof input.KeyId === 'string'
        ? await findKey(call.house.store, parseKeyReference(input.KeyId, call))
        : undefined;
    const context = {
      ...requestContext(call),
      ...tagContext(input.Tags),
      ...newKeyContext({
        spec: key === undefined ? 'SYMMETRIC_DEFAULT' : specOf(key),
        usage: key === undefined ? 'ENCRYPT_DECRYPT' : usageOf(key),
        multiRegion: true,
        bypass: input.BypassPolicyLockoutSafetyCheck ?? false,
      }),
      'kms:MultiRegionKeyType': 'REPLICA',
      ...(typeof input.ReplicaRegion === 'string' && { 'aws:RequestedRegion': input.ReplicaRegion }),
    };
    const actions = ['kms:CreateKey', ...((input.Tags?.length ?? 0) > 0 ? ['kms:TagResource'] : [])];
    return [request, ...actions.map((action) => ({ action, resource: '*', context }))];
  },
  async handle(input, call) {
    const region = input.ReplicaRegion ?? '';
    if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
      throw new AwsError('ValidationException', `ReplicaRegion ${region} is not a Region`);
    }
    const found = await requireKey(call, input.KeyId ?? '');
    assertPrimary(found, 'ReplicateKey');
    const tags = checkedTags(input.Tags);
    const bypass = input.BypassPolicyLockoutSafetyCheck ?? false;
    if (input.Policy !== undefined) checkKeyPolicy(input.Policy, call, bypass);
    const bound = await boundKeyPolicy(input.Policy ?? defaultKeyPolicy(call.account), call);
    const replica = await call.house.store.transaction(async (tx) => {
      const related = await lockRelatedKeys(tx, found);
      const primary = related.find((key) => key.region === call.region);
      if (primary?.multiRegion === undefined) throw notFound(found);
      assertPrimary(primary, 'ReplicateKey');
      assertEnabled(primary);
      const { primaryRegion, replicaRegions } = primary.multiRegion;
      if (region === primaryRegion || replicaRegions.includes(region)) {
        throw new AwsError('AlreadyExistsException', `The key ${primary.keyId} already exists in ${region}.`);
      }
      const multiRegion = { primaryRegion, replicaRegions: [...replicaRegions, region].sort() };
      const { policy: _own, policyPrincipals: _its, ...shared } = primary;
      const made: Key = {
        ...shared,
        ...bound,
        arn: arnIn(primary, region),
        region,
        description: input.Description ?? '',
        state: 'Enabled',
        createdAt: call.now,
        tags,
        multiRegion,
      };
      for (const key of related) await keys.update(tx, placeOf(key), { ...key, multiRegion });
      await keys.insert(tx, placeOf(made), made);
      return made;
    });
    return {
      ReplicaKeyMetadata: keyMetadata(replica),
      ReplicaPolicy: input.Policy ?? defaultKeyPolicy(call.account),
      ReplicaTags: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
    };
  },
});

export const updatePrimaryRegion = operation<UpdatePrimaryRegionRequest, void>({
  async authorize(input, call) {
    const context: RequestContext =
      typeof input.PrimaryRegion === 'string' ? { 'kms:PrimaryRegion': input.PrimaryRegion } : {};
    const use = { action: 'UpdatePrimaryRegion', context };
    const primary = await keyAccess(call, input.KeyId, use);
    if (typeof input.KeyId !== 'string' || typeof input.PrimaryRegion !== 'string') return [primary];
    const reference = parseKeyReference(input.KeyId, call);
    const there = { ...reference, region: input.PrimaryRegion };
    const replica = reference.keyId === undefined ? undefined : await findKey(call.house.store, there);
    return replica === undefined ? [primary] : [primary, await accessTo(call, there, replica, use)];
  },
  async handle(input, call) {
    const region = input.PrimaryRegion ?? '';
    const found = await requireKey(call, input.KeyId ?? '');
    assertPrimary(found, 'UpdatePrimaryRegion');
    if (region === call.region)
      throw new AwsError('UnsupportedOperationException', `${found.arn} is the primary key already.`);
    await call.house.store.transaction(async (tx) => {
      const related = await lockRelatedKeys(tx, found);
      const primary = related.find((key) => key.region === call.region);
      if (primary?.multiRegion === undefined) throw notFound(found);
      assertPrimary(primary, 'UpdatePrimaryRegion');
      const next = related.find((key) => key.region === region);
      if (next === undefined) throw notFound({ account: call.account, region, arn: arnIn(primary, region) });
      assertEnabled(primary);
      assertEnabled(next);
      const replicaRegions = [
        ...primary.multiRegion.replicaRegions.filter((each) => each !== region),
        call.region,
      ].sort();
      const multiRegion = { primaryRegion: region, replicaRegions };
      for (const key of related) await keys.update(tx, placeOf(key), { ...key, multiRegion });
      await unscheduleRotation(call.house, tx, primary);
      if (primary.rotation) {
        await scheduleRotation(call.house, tx, next, primary.rotation.nextAt, primary.rotation.periodInDays);
      }
    });
  },
});

function assertPrimary(key: Key, operationName: string): void {
  if (key.multiRegion !== undefined && !isReplica(key)) return;
  throw new AwsError(
    'UnsupportedOperationException',
    `${operationName} is not supported for ${key.arn}: it is not a multi-Region primary key.`,
  );
}

export function placeOf(key: Pick<Key, 'account' | 'region' | 'keyId'>) {
  return { account: key.account, region: key.region, id: key.keyId };
}
