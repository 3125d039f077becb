/**
 * Environment variables and the payloads of waiting events are kept sealed: AES-256-GCM under a secret of 32 random
 * bytes in a file of mode 0600 in the state folder, so that a copy of the database alone shows none of them.
 *
 * Differs from AWS: AWS seals under a key that it manages in KMS.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { join } from 'node:path';
import { openSecretFile } from '../../store/index.ts';
import type { House } from '../service.ts';

/** Base64 of nonce, tag and ciphertext. */
export type Sealed = string;

const FILE = 'lambda-sealing-secret';
const secrets = new WeakMap<House, Promise<Buffer>>();

export async function seal(house: House, content: Uint8Array): Promise<Sealed> {
  const nonce = house.ids.bytes(12);
  const cipher = createCipheriv('aes-256-gcm', await secret(house), nonce);
  const body = Buffer.concat([cipher.update(content), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

/** Throws when it was sealed under another secret. */
export async function unseal(house: House, sealed: Sealed): Promise<Buffer> {
  const raw = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', await secret(house), raw.subarray(0, 12));
  decipher.setAuthTag(raw.subarray(12, 28));
  return Buffer.concat([decipher.update(raw.subarray(28)), decipher.final()]);
}

export async function sealVariables(house: House, variables: Readonly<Record<string, string>>): Promise<Sealed> {
  return seal(house, Buffer.from(JSON.stringify(variables)));
}

export async function unsealVariables(house: House, sealed: Sealed | undefined): Promise<Record<string, string>> {
  if (sealed === undefined) return {};
  return JSON.parse((await unseal(house, sealed)).toString('utf8')) as Record<string, string>;
}

function secret(house: House): Promise<Buffer> {
  let opened = secrets.get(house);
  if (opened === undefined) {
    const source = { random: (bytes: number) => house.ids.bytes(bytes), name: () => house.ids.uuid() };
    opened = openSecretFile(join(house.config.stateDir, FILE), source);
    secrets.set(house, opened);
    opened.catch(() => secrets.delete(house));
  }
  return opened;
}
