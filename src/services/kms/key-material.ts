/**
 * Key material: made, and at rest. Each is sealed by the house's sealer (under the master secret, docs/adr/0008), bound to
 * its key and version. A stolen database alone therefore decrypts nothing. No unwrapped material is ever logged or stored.
 *
 * A secret is 32 bytes for a symmetric key, 28 to 64 for HMAC, a private key in PKCS #8 (DER) for a pair.
 * Related multi-Region keys share their material: it is bound to the id that they share, without the Region.
 *
 * Differs from AWS: AWS keeps key material in hardware modules; this is one machine's memory.
 */
import { generateKeyPair } from 'node:crypto';
import { parseArn } from '../../common/index.ts';
import { openEarlier } from '../earlier-secrets.ts';
import type { House } from '../service.ts';
import { type KeySpec, kindOf } from './key-specs.ts';
import type { KeyMaterial } from './records.ts';

const EARLIER_FILE = 'kms-master-secret';
const DER = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
} as const;

export type NewSecret = Readonly<{ secret: Uint8Array; /** SPKI, DER; of pairs alone. */ publicKey?: Uint8Array }>;

/** Pairs come from the operating system's randomness, the rest from the house's. */
export async function newSecret(house: House, spec: KeySpec): Promise<NewSecret> {
  const kind = kindOf(spec);
  switch (kind.kind) {
    case 'symmetric':
      return { secret: house.ids.bytes(32) };
    case 'hmac':
      return { secret: house.ids.bytes(kind.bytes) };
    case 'rsa':
      return newPair((done) => generateKeyPair('rsa', { modulusLength: kind.bits, ...DER }, done));
    case 'ec':
      return newPair((done) => generateKeyPair('ec', { namedCurve: kind.curve, ...DER }, done));
    case 'ed25519':
      return newPair((done) => generateKeyPair('ed25519', DER, done));
    default: {
      const never: never = kind;
      return never;
    }
  }
}

type PairMade = (error: Error | null, publicKey: Buffer, privateKey: Buffer) => void;

/** Off the main thread: a large RSA key takes a second. */
function newPair(make: (done: PairMade) => void): Promise<NewSecret> {
  return new Promise((resolve, reject) =>
    make((error, publicKey, secret) => (error === null ? resolve({ secret, publicKey }) : reject(error))),
  );
}

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
