/**
 * Key material at rest: each is sealed by the house's sealer (under the master secret, docs/adr/0008), bound to its key and
 * version. A stolen database alone therefore decrypts nothing. No unwrapped material is ever logged or stored.
 *
 * Replicas of a multi-Region key share their material: it is bound to the id that they share, without the Region.
 *
 * Differs from AWS: AWS keeps key material in hardware modules; this is one machine's memory.
 */
import { parseArn } from '../../common/index.ts';
import { openEarlier } from '../earlier-secrets.ts';
import type { House } from '../service.ts';
import type { KeyMaterial } from './records.ts';

const EARLIER_FILE = 'kms-master-secret';

/** `secret` as version `version` of the key, sealed. */
export function newMaterial(house: House, keyArn: string, version: number, secret: Uint8Array): KeyMaterial {
  return {
    version,
    id: Buffer.from(house.ids.bytes(32)).toString('hex'),
    wrapped: house.secrets.seal(secret, label(keyArn, version)).toString('base64'),
  };
}

/** Throws when the material was sealed by another house. */
export async function unwrap(house: House, keyArn: string, material: KeyMaterial): Promise<Buffer> {
  const sealed = Buffer.from(material.wrapped, 'base64');
  const secret =
    house.secrets.open(sealed, label(keyArn, material.version)) ??
    (await openEarlier(house, EARLIER_FILE, sealed, `${keyArn}#${material.version}`));
  if (secret === undefined)
    throw new Error(`key material ${material.version} of ${keyArn} was sealed by another house`);
  return secret;
}

function label(keyArn: string, version: number): string {
  const { account = '', resource = keyArn, region = '' } = parseArn(keyArn) ?? {};
  const place = resource.startsWith('key/mrk-') ? account : `${account}/${region}`;
  return `kms key material ${place}/${resource}#${version}`;
}
