/**
 * Key material at rest. Each is wrapped with AES-256-GCM under one master secret, 32 random bytes in a file of mode 0600
 * in the state folder (which lives no longer than the server when the server keeps nothing). A stolen database alone
 * therefore decrypts nothing. Neither the secret nor an unwrapped material is ever logged or stored in clear.
 *
 * Differs from AWS: AWS keeps key material in hardware modules; this is one machine's file.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
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
    secret = loadOrMake(house);
    secrets.set(house, secret);
    secret.catch(() => secrets.delete(house));
  }
  return secret;
}

async function loadOrMake(house: House): Promise<Buffer> {
  const { stateDir } = house.config;
  const path = join(stateDir, FILE);
  const found = await readSecret(path);
  if (found !== undefined) return found;
  // Written whole under another name and linked into place, so that no reader ever sees half a secret.
  await mkdir(stateDir, { recursive: true });
  const draft = `${path}.${house.ids.uuid()}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(house.ids.bytes(32));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
  const folder = await open(stateDir, 'r');
  await folder.sync().finally(() => folder.close());
  const made = await readSecret(path);
  if (made === undefined) throw new Error(`${path} vanished while it was made`);
  return made;
}

async function readSecret(path: string): Promise<Buffer | undefined> {
  try {
    const secret = await readFile(path);
    if (secret.length !== 32) throw new Error(`${path} holds ${secret.length} bytes, not 32`);
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
