/**
 * Key material at rest. Each is wrapped with AES-256-GCM under one master secret, 32 random bytes in a file of mode 0600
 * in the state folder (which lives no longer than the server when the server keeps nothing). A stolen database alone
 * therefore decrypts nothing. Neither the secret nor an unwrapped material is ever logged or stored in clear.
 *
 * Differs from AWS: AWS keeps key material in hardware modules; this is one machine's file.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { join } from 'node:path';
import { openSecretFile } from '../../store/index.ts';
import type { House } from '../service.ts';
import type { KeyMaterial } from './records.ts';

const FILE = 'kms-master-secret';
const secrets = new WeakMap<House, Promise<Buffer>>();

/** Makes the material of version `version`, wrapped for the key `keyArn`. */
export async function newMaterial(house: House, keyArn: string, version: number): Promise<KeyMaterial> {
  const iv = house.ids.bytes(12);
  const cipher = createCipheriv('aes-256-gcm', await masterSecret(house), iv);
  cipher.setAAD(label(keyArn, version));
  const sealed = Buffer.concat([cipher.update(house.ids.bytes(32)), cipher.final()]);
  return {
    version,
    id: Buffer.from(house.ids.bytes(32)).toString('hex'),
    wrapped: Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64'),
  };
}

/** The 32 bytes. Throws when the master secret is not the one that wrapped them. */
export async function unwrap(house: House, keyArn: string, material: KeyMaterial): Promise<Buffer> {
  const raw = Buffer.from(material.wrapped, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', await masterSecret(house), raw.subarray(0, 12));
  decipher.setAAD(label(keyArn, material.version));
  decipher.setAuthTag(raw.subarray(12, 28));
  try {
    return Buffer.concat([decipher.update(raw.subarray(28)), decipher.final()]);
  } catch (cause) {
    throw new Error(
      `key material ${material.version} of ${keyArn} was wrapped under another master secret than ${FILE} holds`,
      { cause },
    );
  }
}

function label(keyArn: string, version: number): Buffer {
  return Buffer.from(`${keyArn}#${version}`);
}

function masterSecret(house: House): Promise<Buffer> {
  let secret = secrets.get(house);
  if (secret === undefined) {
    const source = { random: (bytes: number) => house.ids.bytes(bytes), name: () => house.ids.uuid() };
    secret = openSecretFile(join(house.config.stateDir, FILE), source);
    secrets.set(house, secret);
    secret.catch(() => secrets.delete(house));
  }
  return secret;
}
