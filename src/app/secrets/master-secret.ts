/**
 * The master secret: the one secret that Sluice does not keep in its database, and the key to all that it keeps there
 * sealed. Three kinds, by setting:
 *
 * - a file of mode 0600, `master-secret` in the state folder unless `SLUICE_MASTER_SECRET_FILE` names another;
 * - the environment (`SLUICE_MASTER_SECRET`), for where files are no safer than it;
 * - a key of a KMS-compatible endpoint (`SLUICE_MASTER_KMS`), asked once at each start.
 *
 * It wraps the root key (`root-key.ts`) and nothing else. It is in no log, no error and no record.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { inspect } from 'node:util';
import { readSecretFile } from '../../store/index.ts';
import { type KmsEndpoint, kmsDecrypt, kmsEncrypt } from './kms-endpoint.ts';
import { MasterSecretError } from './master-secret-error.ts';

export type MasterSecretSetting =
  /** Absent path: `master-secret` in the state folder, made at the first start. */
  | Readonly<{ kind: 'file'; path?: string }>
  | Readonly<{ kind: 'environment'; secret: Concealed }>
  | (Readonly<{ kind: 'kms' }> & KmsEndpoint);

export interface MasterSecret {
  readonly kind: MasterSecretSetting['kind'];
  /** For people: `the file /var/lib/sluice/master-secret`. */
  readonly name: string;
  wrap(rootKey: Uint8Array): Promise<Buffer>;
  /** Undefined for what another master secret wrapped. */
  unwrap(wrapped: Uint8Array): Promise<Buffer | undefined>;
}

/** A text that prints, logs and serialises as nothing. */
export class Concealed {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '(concealed)';
  }

  toJSON(): string {
    return '(concealed)';
  }

  [inspect.custom](): string {
    return '(concealed)';
  }
}

/** 32 characters of an unknown secret are more than can be guessed, if they were drawn and not thought up. */
const LEAST_BYTES = 32;

/** A secret of somebody's own making, trimmed of the line end that editors and shells leave. Throws `MasterSecretError`. */
export function localMasterSecret(kind: 'file' | 'environment', name: string, secret: Uint8Array): MasterSecret {
  if (secret.length < LEAST_BYTES) {
    throw new MasterSecretError(
      `The master secret in ${name} is ${secret.length} bytes long, ${LEAST_BYTES} at least are needed. Make one with: openssl rand -base64 32`,
    );
  }
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'sluice master secret', 32));
  return {
    kind,
    name,
    wrap: (rootKey) => Promise.resolve(encrypt(key, rootKey)),
    unwrap: (wrapped) => Promise.resolve(decrypt(key, wrapped)),
  };
}

/** Throws `MasterSecretError` and `SecretFileError`. The file must exist. */
export async function fileMasterSecret(path: string): Promise<MasterSecret> {
  const content = await readSecretFile(path);
  if (content === undefined) throw new MasterSecretError(`The master secret is missing: there is no file ${path}.`);
  return localMasterSecret('file', `the file ${path}`, trimmed(content));
}

export function environmentMasterSecret(secret: Concealed): MasterSecret {
  return localMasterSecret(
    'environment',
    'the environment (SLUICE_MASTER_SECRET)',
    trimmed(Buffer.from(secret.reveal())),
  );
}

/** `wallNow` for the signature: whoever answers lives in the machine's time. */
export function kmsMasterSecret(endpoint: KmsEndpoint, wallNow: () => number): MasterSecret {
  return {
    kind: 'kms',
    name: `the KMS key ${endpoint.keyArn}`,
    wrap: (rootKey) => kmsEncrypt(endpoint, rootKey, wallNow),
    unwrap: (wrapped) => kmsDecrypt(endpoint, wrapped, wallNow),
  };
}

/** Only a text loses its line end: random bytes may end in the same byte by chance. */
function trimmed(content: Buffer): Buffer {
  const text = content.toString('latin1');
  return /^[\x20-\x7e]+\r?\n$/.test(text) ? Buffer.from(text.trimEnd(), 'latin1') : content;
}

function encrypt(key: Buffer, plaintext: Uint8Array): Buffer {
  // The key wraps one thing, ever the same: a nonce from the thing itself needs no randomness and repeats for it alone.
  const nonce = Buffer.from(hkdfSync('sha256', plaintext, key, 'sluice root key nonce', 12));
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const text = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

function decrypt(key: Buffer, wrapped: Uint8Array): Buffer | undefined {
  if (wrapped.length < 28) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, 12));
  decipher.setAuthTag(wrapped.subarray(12, 28));
  try {
    return Buffer.concat([decipher.update(wrapped.subarray(28)), decipher.final()]);
  } catch {
    return undefined;
  }
}
