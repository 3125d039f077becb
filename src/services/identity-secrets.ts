/**
 * The secret keys of IAM users and of sessions at rest. A signature is verified with the secret itself, so it cannot be kept
 * as a hash; it is kept sealed with AES-256-GCM, bound to its access key id, under a key derived from one secret of 32 random
 * bytes in a file of mode 0600 in the state folder. A stolen database alone therefore signs nothing.
 *
 * IAM and STS both write such secrets and IAM reads them at every first use of a key, hence the file lies between them.
 * What is opened is remembered with the credentials (`iam/identity-cache.ts`): a call costs no decryption.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { join } from 'node:path';
import { openSecretFile } from '../store/index.ts';
import type { House } from './service.ts';

const FILE = 'identity-secret';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a sealed text is for: a text sealed for one purpose opens for no other. */
export type Purpose = 'access key' | 'authorization message';

/** A record of a secret: sealed, or in clear as written before secrets were sealed. */
export type KeptSecret = Readonly<{ sealedSecret?: string; secretAccessKey?: string }>;

/** Nonce, tag and ciphertext. `label` is bound to it and must be given to open it. */
export async function sealSecret(house: House, purpose: Purpose, label: string, text: string): Promise<Buffer> {
  const nonce = house.ids.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', await keyFor(house, purpose), nonce);
  cipher.setAAD(Buffer.from(label));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** Undefined for what was changed, or sealed by another house, for another purpose or with another label. */
export async function unsealSecret(
  house: House,
  purpose: Purpose,
  label: string,
  sealed: Buffer,
): Promise<string | undefined> {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', await keyFor(house, purpose), sealed.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(label));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const body = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([body, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

/** The member of a record in which the secret of `accessKeyId` is kept. */
export async function keepSecret(
  house: House,
  accessKeyId: string,
  secretAccessKey: string,
): Promise<{ sealedSecret: string }> {
  return { sealedSecret: (await sealSecret(house, 'access key', accessKeyId, secretAccessKey)).toString('base64') };
}

/** Throws when the secret was sealed under another file than there is. */
export async function keptSecret(house: House, accessKeyId: string, kept: KeptSecret): Promise<string> {
  if (kept.sealedSecret === undefined) return kept.secretAccessKey ?? '';
  const sealed = Buffer.from(kept.sealedSecret, 'base64');
  const secret = await unsealSecret(house, 'access key', accessKeyId, sealed);
  if (secret === undefined) {
    throw new Error(`the secret of ${accessKeyId} was sealed under another secret than ${FILE} holds`);
  }
  return secret;
}

const keys = new WeakMap<House, Map<Purpose, Promise<Buffer>>>();

function keyFor(house: House, purpose: Purpose): Promise<Buffer> {
  let known = keys.get(house);
  if (known === undefined) keys.set(house, (known = new Map()));
  let key = known.get(purpose);
  if (key === undefined) {
    key = derive(house, purpose);
    known.set(purpose, key);
    key.catch(() => known.delete(purpose));
  }
  return key;
}

async function derive(house: House, purpose: Purpose): Promise<Buffer> {
  const source = { random: (bytes: number) => house.ids.bytes(bytes), name: () => house.ids.uuid() };
  const secret = await openSecretFile(join(house.config.stateDir, FILE), source);
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `sluice ${purpose}`, 32));
}
