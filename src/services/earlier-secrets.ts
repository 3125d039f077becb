/**
 * What was sealed before the house had one sealer (`House.secrets`): nonce, tag and text of AES-256-GCM under a secret of the
 * service's own, in a file in the state folder. Read only, so that a state folder of those days keeps opening.
 */
import { createDecipheriv } from 'node:crypto';
import { join } from 'node:path';
import { readSecretFile } from '../store/index.ts';
import type { House } from './service.ts';

/** Undefined where there is no such file, or it does not open this. */
export async function openEarlier(
  house: House,
  file: string,
  sealed: Uint8Array,
  label?: string,
): Promise<Buffer | undefined> {
  const secret = await readSecretFile(join(house.config.stateDir, file));
  if (secret === undefined || sealed.length < 28) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, 12));
  if (label !== undefined) decipher.setAAD(Buffer.from(label));
  decipher.setAuthTag(sealed.subarray(12, 28));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
  } catch {
    return undefined;
  }
}
