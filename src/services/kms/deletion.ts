/** Deletion of a key after its waiting period: the operations, and the loop that deletes (`core/key-deletion`). */
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
import { type House, operation } from '../service.ts';
import { keyAccess, requireKey } from './access.ts';
import { aliases, assertCustomerManaged, assertNotPending, grants, keys, notFound } from './records.ts';

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
    const deletion = { at: call.now + windowInDays * DAY_MS, windowInDays };
    await call.house.store.transaction(async (tx) => {
      const key = (await keys.getForUpdate(tx, where))?.document;
      if (key === undefined) throw notFound({ ...where, arn });
      assertCustomerManaged(key, 'ScheduleKeyDeletion');
      assertNotPending(key);
      await keys.update(tx, where, { ...key, state: 'PendingDeletion', deletion });
      const { state, effects } = startKeyDeletion(deletion.at);
      await call.house.engine.create(tx, KIND, where, state, effects);
    });
    return {
      KeyId: arn,
      DeletionDate: new Date(deletion.at),
      KeyState: 'PendingDeletion',
      PendingWindowInDays: windowInDays,
    };
  },
});

export const cancelKeyDeletion = operation<CancelKeyDeletionRequest, CancelKeyDeletionResponse>({
  authorize: async (input, call) => [await keyAccess(call, input.KeyId, { action: 'CancelKeyDeletion' })],
  async handle(input, call) {
    const { keyId, arn } = await requireKey(call, input.KeyId ?? '');
    const where = { account: call.account, region: call.region, id: keyId };
    await call.house.store.transaction(async (tx) => {
      const key = (await keys.getForUpdate(tx, where))?.document;
      if (key === undefined) throw notFound({ ...where, arn });
      if (key.state !== 'PendingDeletion') {
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
    async perform(effect, { key: where }) {
      if (effect.type !== 'DeleteKey') return;
      await house.store.transaction(async (tx) => {
        const key = (await keys.getForUpdate(tx, where))?.document;
        // Cancelled meanwhile, or deleted by the first try of this effect.
        if (key?.state !== 'PendingDeletion' || key.deletion?.at !== effect.deleteAt) return;
        await aliases.deleteUnder(tx, where, key.keyId);
        await grants.deleteUnder(tx, where, key.keyId);
        await keys.delete(tx, where);
      });
      return { type: 'KeyDeleted' };
    },
  });
}
