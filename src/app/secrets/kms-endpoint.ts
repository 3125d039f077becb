/** A KMS-compatible endpoint as the keeper of the master secret: `kms:Encrypt` at the first start, `kms:Decrypt` at each. */
import { signRequest, type SigningCredentials } from '../../protocol/index.ts';
import { MasterSecretError } from './master-secret-error.ts';

export type KmsEndpoint = Readonly<{
  keyArn: string;
  /** `https://kms.eu-west-1.amazonaws.com` unless said. */
  url: string;
  region: string;
  /** Given when asked, so that no settings object holds them in clear. */
  credentials: () => SigningCredentials;
}>;

/** Bound to the wrapped root key: a policy on the key can hold Sluice to it (`kms:EncryptionContext:purpose`). */
const CONTEXT = { purpose: 'sluice-root-key' };
const DEADLINE_MS = 20_000;

export async function kmsEncrypt(endpoint: KmsEndpoint, plaintext: Uint8Array, wallNow: () => number): Promise<Buffer> {
  const answer = await ask(endpoint, 'Encrypt', { Plaintext: Buffer.from(plaintext).toString('base64') }, wallNow);
  if (answer.failure !== undefined) throw refused(endpoint, 'Encrypt', answer.failure);
  return Buffer.from(answer.CiphertextBlob ?? '', 'base64');
}

/** Undefined where the endpoint says that this is no ciphertext of its key. */
export async function kmsDecrypt(
  endpoint: KmsEndpoint,
  wrapped: Uint8Array,
  wallNow: () => number,
): Promise<Buffer | undefined> {
  const answer = await ask(endpoint, 'Decrypt', { CiphertextBlob: Buffer.from(wrapped).toString('base64') }, wallNow);
  if (answer.failure !== undefined) {
    if (/InvalidCiphertext|IncorrectKey/.test(answer.failure)) return undefined;
    throw refused(endpoint, 'Decrypt', answer.failure);
  }
  return Buffer.from(answer.Plaintext ?? '', 'base64');
}

type Answer = Readonly<{ failure?: string; CiphertextBlob?: string; Plaintext?: string }>;

async function ask(endpoint: KmsEndpoint, operation: string, input: object, wallNow: () => number): Promise<Answer> {
  const url = new URL(endpoint.url);
  const body = JSON.stringify({ ...input, KeyId: endpoint.keyArn, EncryptionContext: CONTEXT });
  const headers = {
    host: url.host,
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `TrentService.${operation}`,
  };
  const { host: _set, ...signed } = signRequest(
    { method: 'POST', url: '/', headers, body },
    { credentials: endpoint.credentials(), region: endpoint.region, service: 'kms', nowMs: wallNow() },
  );
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: signed,
      body,
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const answer = (await response.json()) as Answer & Record<string, unknown>;
    if (response.ok) return answer;
    // The code and the message of an error name principals and keys, never what was sent.
    return { failure: `${String(answer['__type'])}: ${String(answer['message'] ?? answer['Message'] ?? '')}` };
  } catch (error) {
    throw refused(endpoint, operation, error instanceof Error ? error.message : String(error));
  }
}

function refused(endpoint: KmsEndpoint, operation: string, why: string): MasterSecretError {
  return new MasterSecretError(
    `The master secret is the KMS key ${endpoint.keyArn} at ${endpoint.url}, and kms:${operation} there failed: ${why}. Nothing was changed.`,
  );
}
