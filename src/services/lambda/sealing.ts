/**
 * Environment variables and the payloads of waiting events are kept sealed by the house's sealer (docs/adr/0008), so that a
 * copy of the database alone shows none of them.
 *
 * Differs from AWS: AWS seals under a key that it manages in KMS.
 */
import { openEarlier } from '../earlier-secrets.ts';
import type { House } from '../service.ts';

/** Base64. */
export type Sealed = string;

const EARLIER_FILE = 'lambda-sealing-secret';
const CONTEXT = 'lambda';

export async function seal(house: House, content: Uint8Array): Promise<Sealed> {
  return house.secrets.seal(content, CONTEXT).toString('base64');
}

/** Throws when it was sealed by another house. */
export async function unseal(house: House, sealed: Sealed): Promise<Buffer> {
  const raw = Buffer.from(sealed, 'base64');
  const content = house.secrets.open(raw, CONTEXT) ?? (await openEarlier(house, EARLIER_FILE, raw));
  if (content === undefined) throw new Error('what Lambda kept sealed was sealed by another house');
  return content;
}

export async function sealVariables(house: House, variables: Readonly<Record<string, string>>): Promise<Sealed> {
  return seal(house, Buffer.from(JSON.stringify(variables)));
}

export async function unsealVariables(house: House, sealed: Sealed | undefined): Promise<Record<string, string>> {
  if (sealed === undefined) return {};
  return JSON.parse((await unseal(house, sealed)).toString('utf8')) as Record<string, string>;
}
