/**
 * Deletion of a key after its waiting period: the operations, and the loop that deletes (`core/key-deletion`). The waiting
 * period of a multi-Region primary begins when its last replica is gone.
 * Source: KMS Developer Guide, "Deleting AWS KMS keys", "Deleting multi-Region keys".
 */
import type {
  CancelKeyDeletionRequest,
  CancelKeyDeletionResponse,
  ScheduleKeyDeletionRequest,
  ScheduleKeyDeletionResponse,
} from '@aws-sdk/client-kms';
import { AwsError, DAY_MS } from '../../common/index.ts';
import {
  decide,
  isFinal,
  type KeyDeletionEffect,
  type KeyDeletionEvent,
  type KeyDeletionState,
  startKeyDeletion,
} from '../../core/key-deletion/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import type { Tx } from '../../store/index.ts';
import { type House, operation } from '../service.ts';
import { keyAccess, requireKey } from './access.ts';
import {
  aliases,
  assertCustomerManaged,
  assertNotPending,
  grants,
  isReplica,
  type Key,
  keys,
  notFound,
} from './records.ts';
import { lockRelatedKeys } from './related-keys.ts';
import { unscheduleRotation } from './rotation-loop.ts';

const KIND = 'kms.keyDeletion';

export const scheduleKeyDeletion = operation<ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, {
      action: 'ScheduleKeyDeletion',
      context: { 'kms:ScheduleKeyDeletionPendingWindowInDays': String(input.PendingWindowInDays ?? 30) },
    }),
  ],
  async handle(input, call) {
    const windowInDays = input.PendingWindowInDays ?? 30;
    if (windowInDays < 7 || windowInDays > 30) {
      throw new AwsError(
        'ValidationException',
        `PendingWindowInDays must be between 7 and 30 days (inclusive), but was ${windowInDays}`,
      );
    }
    const { keyId, arn } = await requireKey(call, input.KeyId ?? '');
    const where = { account: call.account, region: call.region, id: keyId };
    return call.house.store.transaction(async (tx): Promise<ScheduleKeyDeletionResponse> => {
      const key = (await keys.getForUpdate(tx, where))?.document;
      if (key === undefined) throw notFound({ ...where, arn });
      assertCustomerManaged(key, 'ScheduleKeyDeletion');
      assertNotPending(key);
      if (!isReplica(key) && (key.multiRegion?.replicaRegions.length ?? 0) > 0) {
        await keys.update(tx, where, { ...key, state: 'PendingReplicaDeletion', deletion: { windowInDays } });
        return { KeyId: arn, KeyState: 'PendingReplicaDeletion', PendingWindowInDays: windowInDays };
      }
      const at = await startWaiting(call.house, tx, key, windowInDays, call.now);
      return {
        KeyId: arn,
        DeletionDate: new Date(at),
        KeyState: 'PendingDeletion',
        PendingWindowInDays: windowInDays,
      };
    });
  },
});

/** Returns when the key will be deleted. */
async function startWaiting(house: House, tx: Tx, key: Key, windowInDays: number, now: number): Promise<number> {
  const where = { account: key.account, region: key.region, id: key.keyId };
  const deletion = { at: now + windowInDays * DAY_MS, windowInDays };
  await keys.update(tx, where, { ...key, state: 'PendingDeletion', deletion });
  const { state, effects } = startKeyDeletion(deletion.at);
  await house.engine.create(tx, KIND, where, state, effects);
  return deletion.at;
}

export const cancelKeyDeletion = operation<CancelKeyDeletionRequest, CancelKeyDeletionResponse>({
  authorize: async (input, call) => [await keyAccess(call, input.KeyId, { action: 'CancelKeyDeletion' })],
  async handle(input, call) {
    const { keyId, arn } = await requireKey(call, input.KeyId ?? '');
    const where = { account: call.account, region: call.region, id: keyId };
    await call.house.store.transaction(async (tx) => {
      const key = (await keys.getForUpdate(tx, where))?.document;
      if (key === undefined) throw notFound({ ...where, arn });
      if (key.state !== 'PendingDeletion' && key.state !== 'PendingReplicaDeletion') {
        throw new AwsError('KMSInvalidStateException', `${key.arn} is not pending deletion.`);
      }
      const { deletion: _over, ...rest } = key;
      await keys.update(tx, where, { ...rest, state: 'Disabled' });
      await call.house.engine.remove(tx, KIND, where);
    });
    return { KeyId: arn };
  },
});

export function keyDeletionLoop(house: House): LoopDefinition<KeyDeletionState, KeyDeletionEvent, KeyDeletionEffect> {
  return defineLoop<KeyDeletionState, KeyDeletionEvent, KeyDeletionEffect>({
    kind: KIND,
    decide,
    isFinal,
    async perform(effect, { key: where, now }) {
      if (effect.type !== 'DeleteKey') return;
      const found = (await keys.get(house.store, where))?.document;
      if (found !== undefined) {
        await house.store.transaction(async (tx) => {
          const related = await lockRelatedKeys(tx, found);
          const key = related.find(({ region }) => region === where.region);
          // Cancelled meanwhile, or deleted by the first try of this effect.
          if (key?.state !== 'PendingDeletion' || key.deletion?.at !== effect.deleteAt) return;
          await aliases.deleteUnder(tx, where, key.keyId);
          await grants.deleteUnder(tx, where, key.keyId);
          await unscheduleRotation(house, tx, key);
          await keys.delete(tx, where);
          await leaveRelated(house, tx, key, related, now);
        });
      }
      return { type: 'KeyDeleted' };
    },
  });
}

/** The keys that are left know no more of this one, and a primary that waited for it begins its own waiting period. */
async function leaveRelated(house: House, tx: Tx, gone: Key, related: readonly Key[], now: number): Promise<void> {
  if (gone.multiRegion === undefined) return;
  const replicaRegions = gone.multiRegion.replicaRegions.filter((region) => region !== gone.region);
  for (const key of related) {
    if (key.region === gone.region || key.multiRegion === undefined) continue;
    const left: Key = { ...key, multiRegion: { ...key.multiRegion, replicaRegions } };
    if (left.state === 'PendingReplicaDeletion' && replicaRegions.length === 0) {
      await startWaiting(house, tx, left, left.deletion?.windowInDays ?? 30, now);
    } else await keys.update(tx, { account: key.account, region: key.region, id: key.keyId }, left);
  }
}
