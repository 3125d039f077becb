import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CURVES, decodeSignature, encodeSignature } from './curves.ts';
import { schemeOf, signDigest, signMessage, verifyDigest, verifyMessage } from './digest-signatures.ts';

const der = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
} as const;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, ...der });
const random = (bytes: number): Uint8Array => randomBytes(bytes);

const CASES = [
  ...['RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_384', 'RSASSA_PKCS1_V1_5_SHA_512'].map((name) => [name, rsa]),
  ...['RSASSA_PSS_SHA_256', 'RSASSA_PSS_SHA_384', 'RSASSA_PSS_SHA_512'].map((name) => [name, rsa]),
  ['ECDSA_SHA_256', generateKeyPairSync('ec', { namedCurve: 'prime256v1', ...der })],
  ['ECDSA_SHA_256', generateKeyPairSync('ec', { namedCurve: 'secp256k1', ...der })],
  ['ECDSA_SHA_384', generateKeyPairSync('ec', { namedCurve: 'secp384r1', ...der })],
  ['ECDSA_SHA_512', generateKeyPairSync('ec', { namedCurve: 'secp521r1', ...der })],
] as unknown as [string, { publicKey: Buffer; privateKey: Buffer }][];

describe('signDigest() and verifyDigest()', () => {
  it.each(CASES)('%s agree with OpenSSL about messages', (algorithm, { privateKey, publicKey }) => {
    const scheme = schemeOf(algorithm);
    for (let round = 0; round < 4; round++) {
      const message = randomBytes(round * 50);
      const digest = createHash(scheme.hash).update(message).digest();
      const ofDigest = signDigest(privateKey, scheme, digest, random);
      const ofMessage = signMessage(privateKey, scheme, message);
      expect(verifyMessage(publicKey, scheme, message, ofDigest)).toBe(true);
      expect(verifyDigest(publicKey, scheme, digest, ofMessage)).toBe(true);
      expect(verifyDigest(publicKey, scheme, createHash(scheme.hash).update('else').digest(), ofMessage)).toBe(false);
      for (const at of [0, 3, ofMessage.length >> 1, ofMessage.length - 1]) {
        const changed = Buffer.from(ofMessage);
        changed[at] = (changed[at] ?? 0) ^ 4;
        expect(verifyDigest(publicKey, scheme, digest, changed)).toBe(false);
        expect(verifyMessage(publicKey, scheme, message, changed)).toBe(false);
      }
      for (const none of [Buffer.alloc(0), Buffer.alloc(1), ofMessage.subarray(1), Buffer.alloc(256, 255)])
        expect(verifyDigest(publicKey, scheme, digest, none)).toBe(false);
    }
  });
});

describe('CURVES', () => {
  it.each(Object.entries(CURVES))('%s has its base point on it', (_name, { p, a, b, g: [x, y] }) => {
    expect((y * y - x * x * x - a * x - b) % p).toBe(0n);
  });

  it('takes one encoding of a signature and no other', () => {
    const signature = encodeSignature({ r: 0x80n, s: 1n });
    expect(decodeSignature(signature)).toEqual({ r: 0x80n, s: 1n });
    expect(decodeSignature(Buffer.concat([signature, Buffer.alloc(1)]))).toBeUndefined();
    expect(decodeSignature(Buffer.from('300702020080020101', 'hex'))).toEqual({ r: 0x80n, s: 1n });
    expect(decodeSignature(Buffer.from('30080202008002020001', 'hex'))).toBeUndefined();
  });
});
