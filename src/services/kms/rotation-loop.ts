/**
 * What rotates keys: the loop on the clock (`core/key-rotation`), and how a key gets new material. Old materials stay, and
 * decrypt what they encrypted.
 */
import { DAY_MS } from '../../common/index.ts';
import {
  decide,
  type KeyRotationEffect,
  type KeyRotationEvent,
  type KeyRotationState,
  startKeyRotation,
} from '../../core/key-rotation/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import type { Tx } from '../../store/index.ts';
import type { House } from '../service.ts';
import { newMaterial } from './key-material.ts';
import { isReplica, type Key, type KeyMaterial, keys } from './records.ts';
import { lockRelatedKeys, updateShared } from './related-keys.ts';

const KIND = 'kms.keyRotation';
/** Of AWS managed keys, which nobody can switch off. */
export const MANAGED_PERIOD_DAYS = 365;

/** The material that encrypts. */
export function currentMaterial(key: Key): KeyMaterial {
  const newest = key.materials.at(-1);
  if (newest === undefined) throw new Error(`key ${key.arn} has no material`);
  return newest;
}

/** Starts the loop that rotates the key, in place of one that may be running. */
export async function scheduleRotation(house: House, tx: Tx, key: Key, nextAt: number, periodInDays: number) {
  const where = { account: key.account, region: key.region, id: key.keyId };
  await house.engine.remove(tx, KIND, where);
  const { state, effects } = startKeyRotation(nextAt, periodInDays * DAY_MS);
  await house.engine.create(tx, KIND, where, state, effects);
}

export async function unscheduleRotation(house: House, tx: Tx, key: Key): Promise<void> {
  await house.engine.remove(tx, KIND, { account: key.account, region: key.region, id: key.keyId });
}

export function keyRotationLoop(house: House): LoopDefinition<KeyRotationState, KeyRotationEvent, KeyRotationEffect> {
  return defineLoop<KeyRotationState, KeyRotationEvent, KeyRotationEffect>({
    kind: KIND,
    decide,
    isFinal: () => false,
    async perform(effect, { key: where }) {
      if (effect.type !== 'RotateKey') return;
      const found = (await keys.get(house.store, where))?.document;
      if (found !== undefined) {
        await house.store.transaction(async (tx) => {
          const related = await lockRelatedKeys(tx, found);
          const key = related.find(({ region }) => region === found.region);
          // Switched off or moved meanwhile, or rotated by the first try of this effect.
          if (key?.rotation?.nextAt !== effect.dueAt) return;
          const rotation = { ...key.rotation, nextAt: effect.followingAt };
          await updateShared(
            tx,
            related,
            key.state === 'Enabled'
              ? { rotation, materials: rotatedMaterials(house, key, effect.dueAt, 'AUTOMATIC') }
              : { rotation: { ...rotation, overdue: true }, materials: key.materials },
          );
        });
      }
      return { type: 'KeyRotated' };
    },
  });
}

/** The key's materials with a new one. Keys that rotate are symmetric: their secrets are random bytes. */
export function rotatedMaterials(
  house: House,
  key: Key,
  at: number,
  type: 'AUTOMATIC' | 'ON_DEMAND',
): readonly KeyMaterial[] {
  const made = newMaterial(house, key.arn, currentMaterial(key).version + 1, house.ids.bytes(32));
  return [...key.materials, { ...made, rotated: { at, type } }];
}

/** A key that is enabled again makes up for a date that came meanwhile. */
export async function makeUpRotation(house: House, tx: Tx, enabled: Key, now: number): Promise<Key> {
  if (enabled.rotation?.overdue !== true || isReplica(enabled)) return enabled;
  const { overdue: _made, ...rotation } = enabled.rotation;
  const materials = rotatedMaterials(house, enabled, now, 'AUTOMATIC');
  const related = (await lockRelatedKeys(tx, enabled)).filter(({ region }) => region !== enabled.region);
  await updateShared(tx, related, { rotation, materials });
  return { ...enabled, rotation, materials };
}
