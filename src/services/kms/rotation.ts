/**
 * Rotation, on a period by the clock or on demand. Related multi-Region keys rotate together, by their primary.
 * Source: KMS Developer Guide, "Rotating AWS KMS keys".
 */
import type {
  DisableKeyRotationRequest,
  EnableKeyRotationRequest,
  GetKeyRotationStatusRequest,
  GetKeyRotationStatusResponse,
  ListKeyRotationsRequest,
  ListKeyRotationsResponse,
  RotateKeyOnDemandRequest,
  RotateKeyOnDemandResponse,
  RotationsListEntry,
} from '@aws-sdk/client-kms';
import { AwsError, DAY_MS } from '../../common/index.ts';
import { operation } from '../service.ts';
import { keyAccess, onKey, requireKey } from './access.ts';
import { changeRelatedKeys } from './change-key.ts';
import { isSymmetric, specOf } from './key-specs.ts';
import { readMarker } from './pages.ts';
import { assertCustomerManaged, assertEnabled, isReplica, type Key, type KeyMaterial } from './records.ts';
import { currentMaterial, rotatedMaterials, scheduleRotation, unscheduleRotation } from './rotation-loop.ts';

const MOST_ON_DEMAND = 25;

export const getKeyRotationStatus = operation<GetKeyRotationStatusRequest, GetKeyRotationStatusResponse>({
  authorize: onKey({ action: 'GetKeyRotationStatus', crossAccount: true }),
  async handle(input, call) {
    const key = await requireKey(call, input.KeyId ?? '');
    const rotation = key.state === 'Enabled' || key.state === 'Disabled' ? key.rotation : undefined;
    return {
      KeyId: key.arn,
      KeyRotationEnabled: rotation !== undefined,
      ...(rotation !== undefined && {
        RotationPeriodInDays: rotation.periodInDays,
        NextRotationDate: new Date(rotation.nextAt),
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
    await changeRelatedKeys(call, input.KeyId, 'EnableKeyRotation', async (key, tx) => {
      assertRotatable(key);
      if (key.rotation?.periodInDays === periodInDays) return key;
      const rotation = { periodInDays, nextAt: call.now + periodInDays * DAY_MS };
      await scheduleRotation(call.house, tx, key, rotation.nextAt, periodInDays);
      return { materials: key.materials, rotation };
    });
  },
});

export const disableKeyRotation = operation<DisableKeyRotationRequest, void>({
  authorize: onKey({ action: 'DisableKeyRotation' }),
  handle: (input, call) =>
    changeRelatedKeys(call, input.KeyId, 'DisableKeyRotation', async (key, tx) => {
      assertRotatable(key);
      await unscheduleRotation(call.house, tx, key);
      return { materials: key.materials };
    }),
});

/** AWS rotates in the background; here it is done when the call returns. */
export const rotateKeyOnDemand = operation<RotateKeyOnDemandRequest, RotateKeyOnDemandResponse>({
  authorize: onKey({ action: 'RotateKeyOnDemand' }),
  async handle(input, call) {
    let arn = '';
    await changeRelatedKeys(call, input.KeyId, 'RotateKeyOnDemand', (key) => {
      assertRotatable(key);
      if (key.materials.filter(({ rotated }) => rotated?.type === 'ON_DEMAND').length >= MOST_ON_DEMAND) {
        throw new AwsError(
          'LimitExceededException',
          `The key ${key.arn} has been rotated on demand ${MOST_ON_DEMAND} times, which is the most.`,
        );
      }
      arn = key.arn;
      return { ...key, materials: rotatedMaterials(call.house, key, call.now, 'ON_DEMAND') };
    });
    return { KeyId: arn };
  },
});

export const listKeyRotations = operation<ListKeyRotationsRequest, ListKeyRotationsResponse>({
  authorize: onKey({ action: 'ListKeyRotations' }),
  async handle(input, call) {
    const limit = input.Limit ?? 100;
    const after = readMarker(input.Marker);
    const key = await requireKey(call, input.KeyId ?? '');
    if (!isSymmetric(key)) throw unsupported(key);
    const all = input.IncludeKeyMaterial === 'ALL_KEY_MATERIAL';
    const rest = key.materials.filter(
      ({ version, rotated }) => (all || rotated !== undefined) && (after === undefined || version > Number(after.id)),
    );
    const shown = rest.slice(0, limit);
    const last = shown.at(-1);
    const more = rest.length > shown.length && last !== undefined;
    const marker = { sort: '', id: String(last?.version ?? '') };
    return {
      Rotations: shown.map((material) => entry(key, material, all)),
      Truncated: more,
      ...(more && { NextMarker: Buffer.from(JSON.stringify(marker)).toString('base64url') }),
    };
  },
});

function entry(key: Key, { id, version, rotated }: KeyMaterial, all: boolean): RotationsListEntry {
  return {
    KeyId: key.arn,
    KeyMaterialId: id,
    ...(all && { KeyMaterialState: version === currentMaterial(key).version ? 'CURRENT' : 'NON_CURRENT' }),
    ...(rotated && { RotationDate: new Date(rotated.at), RotationType: rotated.type }),
  };
}

function assertRotatable(key: Key): void {
  assertCustomerManaged(key, 'Rotation');
  if (!isSymmetric(key) || isReplica(key)) throw unsupported(key);
  assertEnabled(key);
}

function unsupported(key: Key): AwsError {
  return new AwsError(
    'UnsupportedOperationException',
    isReplica(key)
      ? `You cannot rotate the replica key ${key.arn}: rotate its primary key, and it rotates with it.`
      : `Rotation is not supported for ${key.arn}, a key of spec ${specOf(key)}.`,
  );
}
