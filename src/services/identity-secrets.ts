/**
 * The secret keys of IAM users and of sessions at rest. A signature is verified with the secret itself, so it cannot be kept
 * as a hash; it is kept sealed by the house and bound to its access key id. A stolen database alone therefore signs nothing.
 *
 * IAM and STS both write such secrets and IAM reads them at every first use of a key, hence the file lies between them.
 * What is opened is remembered with the credentials (`iam/identity-cache.ts`): a call costs no decryption.
 */
import type { House } from './service.ts';

/** A record of a secret: sealed, or in clear as written before secrets were sealed. */
export type KeptSecret = Readonly<{ sealedSecret?: string; secretAccessKey?: string }>;

/** The member of a record in which the secret of `accessKeyId` is kept. */
export function keepSecret(house: House, accessKeyId: string, secretAccessKey: string): { sealedSecret: string } {
  const sealed = house.secrets.seal(Buffer.from(secretAccessKey), contextOf(accessKeyId));
  return { sealedSecret: sealed.toString('base64') };
}

/** Throws for a secret that another house sealed, or for another key. */
export function keptSecret(house: House, accessKeyId: string, kept: KeptSecret): string {
  if (kept.sealedSecret === undefined) return kept.secretAccessKey ?? '';
  const opened = house.secrets.open(Buffer.from(kept.sealedSecret, 'base64'), contextOf(accessKeyId));
  if (opened === undefined) throw new Error(`the secret of ${accessKeyId} was not sealed by this house for this key`);
  return opened.toString('utf8');
}

function contextOf(accessKeyId: string): string {
  return `iam access key ${accessKeyId}`;
}
