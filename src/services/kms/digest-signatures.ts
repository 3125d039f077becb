/**
 * Signatures over a message, or over the digest of one that the caller made (`MessageType` DIGEST). Node.js signs messages;
 * digests are signed here, on OpenSSL's RSA and the scalar multiplication of its ECDH.
 * Source: RFC 8017 (8.2, 9.1), FIPS 186-5 (6.4). ECDSA signatures are DER, as KMS has them.
 *
 * Differs from AWS: the one product of an ECDSA signature over a digest that touches the private key is computed with
 * numbers whose timing depends on them.
 */
import {
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  privateEncrypt,
  publicDecrypt,
  sign,
  verify,
} from 'node:crypto';
import {
  type CurveName,
  CURVES,
  decodeSignature,
  encodeSignature,
  inverse,
  leftmostBits,
  toBytes,
  toNumber,
  verifies,
} from './curves.ts';

type Scheme = Readonly<{ family: 'pkcs1' | 'pss' | 'ecdsa' | 'ed25519'; hash: 'sha256' | 'sha384' | 'sha512' }>;

/** `RSASSA_PSS_SHA_256` and its like. */
export function schemeOf(algorithm: string): Scheme {
  const hash = `sha${/\d+$/.exec(algorithm)?.[0] ?? '256'}` as Scheme['hash'];
  if (algorithm.startsWith('RSASSA_PSS')) return { family: 'pss', hash };
  if (algorithm.startsWith('RSASSA_PKCS1')) return { family: 'pkcs1', hash };
  return { family: algorithm.startsWith('ED25519') ? 'ed25519' : 'ecdsa', hash };
}

export function digestBytes({ hash }: Scheme): number {
  return Number(hash.slice(3)) / 8;
}

/** `privateKey` in PKCS #8. */
export function signMessage(privateKey: Uint8Array, scheme: Scheme, message: Uint8Array): Buffer {
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
  return sign(scheme.family === 'ed25519' ? null : scheme.hash, message, { key, ...padding(scheme) });
}

/** `publicKey` in SPKI. Never throws for a signature that is none. */
export function verifyMessage(
  publicKey: Uint8Array,
  scheme: Scheme,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  try {
    return verify(scheme.family === 'ed25519' ? null : scheme.hash, message, { key, ...padding(scheme) }, signature);
  } catch {
    return false;
  }
}

function padding({ family }: Scheme) {
  if (family === 'pss') {
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  return family === 'pkcs1' ? { padding: constants.RSA_PKCS1_PADDING } : {};
}

/** `random` gives fresh bytes. */
export function signDigest(
  privateKey: Uint8Array,
  scheme: Scheme,
  digest: Uint8Array,
  random: (bytes: number) => Uint8Array,
): Buffer {
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
  switch (scheme.family) {
    case 'pkcs1':
      return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digestInfo(scheme, digest));
    case 'pss': {
      const encoded = encodePss(scheme, digest, modulusBits(key) - 1, random(digestBytes(scheme)));
      return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded);
    }
    case 'ecdsa':
      return signEcdsa(key, digest, random);
    case 'ed25519':
      throw new Error('Ed25519 signs messages');
    default: {
      const never: never = scheme.family;
      return never;
    }
  }
}

export function verifyDigest(
  publicKey: Uint8Array,
  scheme: Scheme,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  try {
    switch (scheme.family) {
      case 'pkcs1': {
        const found = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
        return signature.length === modulusBits(key) / 8 && found.equals(digestInfo(scheme, digest));
      }
      case 'pss': {
        if (signature.length !== modulusBits(key) / 8) return false;
        const encoded = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
        return isPssOf(scheme, digest, modulusBits(key) - 1, encoded);
      }
      case 'ecdsa': {
        const curve = curveOf(key);
        const numbers = decodeSignature(signature);
        const { x = '', y = '' } = key.export({ format: 'jwk' });
        const point = [toNumber(Buffer.from(x, 'base64url')), toNumber(Buffer.from(y, 'base64url'))] as const;
        return numbers !== undefined && verifies(CURVES[curve], point, digest, numbers);
      }
      case 'ed25519':
        return false;
      default: {
        const never: never = scheme.family;
        return never;
      }
    }
  } catch {
    return false; // OpenSSL's word for a signature that is none.
  }
}

function modulusBits(key: KeyObject): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 0;
}

const OIDS = { sha256: '01', sha384: '02', sha512: '03' } as const;

/** RFC 8017, 9.2: the DER of DigestInfo. */
function digestInfo({ hash }: Scheme, digest: Uint8Array): Buffer {
  const algorithm = Buffer.from(`300d06096086480165030402${OIDS[hash]}0500`, 'hex');
  const body = Buffer.concat([algorithm, Buffer.from([0x04, digest.length]), digest]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

/** RFC 8017, 9.1.1: EMSA-PSS-ENCODE with MGF1 of the same hash. */
function encodePss({ hash }: Scheme, digest: Uint8Array, bits: number, salt: Uint8Array): Buffer {
  const length = Math.ceil(bits / 8);
  const h = createHash(hash)
    .update(Buffer.concat([Buffer.alloc(8), digest, salt]))
    .digest();
  const block = Buffer.alloc(length - h.length - 1);
  block[block.length - salt.length - 1] = 1;
  block.set(salt, block.length - salt.length);
  const masked = xor(block, mgf1(hash, h, block.length));
  masked[0] = (masked[0] ?? 0) & (0xff >> (8 * length - bits));
  return Buffer.concat([masked, h, Buffer.from([0xbc])]);
}

/** RFC 8017, 9.1.2, with a salt as long as the digest. */
function isPssOf(scheme: Scheme, digest: Uint8Array, bits: number, encoded: Buffer): boolean {
  const size = digestBytes(scheme);
  const h = encoded.subarray(encoded.length - size - 1, -1);
  const block = xor(encoded.subarray(0, encoded.length - size - 1), mgf1(scheme.hash, h, encoded.length - size - 1));
  const salt = block.subarray(block.length - size);
  return encoded.equals(encodePss(scheme, digest, bits, salt));
}

function mgf1(hash: Scheme['hash'], seed: Uint8Array, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let counter = 0, got = 0; got < length; counter++) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(counter);
    const part = createHash(hash).update(seed).update(number).digest();
    parts.push(part);
    got += part.length;
  }
  return Buffer.concat(parts).subarray(0, length);
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));
}

function curveOf(key: KeyObject): CurveName {
  return (key.asymmetricKeyDetails?.namedCurve ?? 'prime256v1') as CurveName;
}

function signEcdsa(key: KeyObject, digest: Uint8Array, random: (bytes: number) => Uint8Array): Buffer {
  const name = curveOf(key);
  const { n, bytes } = CURVES[name];
  const d = toNumber(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'));
  const z = leftmostBits(digest, n);
  for (;;) {
    // 64 bits more than the order: the remainder is as good as uniform (FIPS 186-5, A.3.1).
    const k = (toNumber(random(bytes + 8)) % (n - 1n)) + 1n;
    const ecdh = createECDH(name);
    ecdh.setPrivateKey(toBytes(k, bytes));
    const r = toNumber(ecdh.getPublicKey().subarray(1, 1 + bytes)) % n;
    const s = (inverse(k, n) * ((z + r * d) % n)) % n;
    if (r !== 0n && s !== 0n) return encodeSignature({ r, s });
  }
}
