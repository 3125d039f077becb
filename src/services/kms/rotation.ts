/**
 * Automatic rotation: after each period the key gets new material, which encrypts from then on; the old materials keep
 * decrypting what they encrypted. The new material is made when it is first needed, which nobody can tell from its being
 * made on the day.
 */
import type {
  DisableKeyRotationRequest,
  EnableKeyRotationRequest,
  GetKeyRotationStatusRequest,
  GetKeyRotationStatusResponse,
} from '@aws-sdk/client-kms';
import { AwsError, DAY_MS } from '../../common/index.ts';
import { type House, operation } from '../service.ts';
import { keyAccess, onKey, requireKey } from './access.ts';
import { newMaterial } from './key-material.ts';
import { changeKey } from './change-key.ts';
import { assertEnabled, type Key, type KeyMaterial, keys } from './records.ts';

/** The material that encrypts at `now`, after a rotation that is due. */
export async function currentMaterial(house: House, key: Key, now: number): Promise<KeyMaterial> {
  const newest = key.materials.at(-1);
  if (newest === undefined) throw new Error(`key ${key.arn} has no material`);
  if (key.rotation === undefined || now < key.rotation.nextAt) return newest;
  const made = newMaterial(house, key.arn, newest.version + 1, house.ids.bytes(32));
  const where = { account: key.account, region: key.region, id: key.keyId };
  return house.store.transaction(async (tx) => {
    const fresh = (await keys.getForUpdate(tx, where))?.document;
    const last = fresh?.materials.at(-1);
    if (fresh === undefined || last === undefined) throw new Error(`key ${key.arn} vanished while it rotated`);
    if (fresh.rotation === undefined || now < fresh.rotation.nextAt) return last;
    const { periodInDays, nextAt } = fresh.rotation;
    const rotation = { periodInDays, nextAt: following(nextAt, periodInDays, now) };
    await keys.update(tx, where, { ...fresh, rotation, materials: [...fresh.materials, made] });
    return made;
  });
}

/** The first rotation after `now` in the row that `nextAt` belongs to. */
function following(nextAt: number, periodInDays: number, now: number): number {
  const period = periodInDays * DAY_MS;
  return now < nextAt ? nextAt : nextAt + (Math.floor((now - nextAt) / period) + 1) * period;
}

export const getKeyRotationStatus = operation<GetKeyRotationStatusRequest, GetKeyRotationStatusResponse>({
  authorize: onKey({ action: 'GetKeyRotationStatus', crossAccount: true }),
  async handle(input, call) {
    const key = await requireKey(call, input.KeyId ?? '');
    // AWS managed keys rotate every year, and say so.
    const rotation = key.manager === 'AWS' ? { periodInDays: 365, nextAt: key.createdAt + 365 * DAY_MS } : key.rotation;
    const pending = key.state === 'PendingDeletion';
    return {
      KeyId: key.arn,
      KeyRotationEnabled: rotation !== undefined && !pending,
      ...(rotation !== undefined &&
        !pending && {
          RotationPeriodInDays: rotation.periodInDays,
          NextRotationDate: new Date(following(rotation.nextAt, rotation.periodInDays, call.now)),
        }),
    };
  },
});

export const enableKeyRotation = operation<EnableKeyRotationRequest, void>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, {
      action: 'EnableKeyRotation',
      context: { 'kms:RotationPeriodInDays': String(input.RotationPeriodInDays ?? 365) },
    }),
  ],
  async handle(input, call) {
    const periodInDays = input.RotationPeriodInDays ?? 365;
    if (periodInDays < 90 || periodInDays > 2560) {
      throw new AwsError('ValidationException', 'RotationPeriodInDays must be between 90 and 2560 days (inclusive).');
    }
    await changeKey(call, input.KeyId, 'EnableKeyRotation', (key) => {
      assertEnabled(key);
      if (key.rotation?.periodInDays === periodInDays) return key;
      return { ...key, rotation: { periodInDays, nextAt: call.now + periodInDays * DAY_MS } };
    });
  },
});

export const disableKeyRotation = operation<DisableKeyRotationRequest, void>({
  authorize: onKey({ action: 'DisableKeyRotation' }),
  handle: (input, call) =>
    changeKey(call, input.KeyId, 'DisableKeyRotation', (key) => {
      assertEnabled(key);
      const { rotation: _off, ...rest } = key;
      return rest;
    }),
});
