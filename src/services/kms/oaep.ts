/** RSA encryption with OAEP, MGF1 of the same hash. Source: RFC 8017, 7.1; KMS Developer Guide, "RSA key specs". */
import { constants, createPrivateKey, createPublicKey, privateDecrypt, publicEncrypt } from 'node:crypto';
import { AwsError } from '../../common/index.ts';

const HASHES: Readonly<Record<string, Readonly<{ name: 'sha1' | 'sha256'; bytes: number }>>> = {
  RSAES_OAEP_SHA_1: { name: 'sha1', bytes: 20 },
  RSAES_OAEP_SHA_256: { name: 'sha256', bytes: 32 },
};

function hashOf(algorithm: string) {
  const hash = HASHES[algorithm];
  if (hash === undefined) throw new Error(`no OAEP algorithm: ${algorithm}`);
  return hash;
}

/** `publicKey` in SPKI. Throws `ValidationException` for more than the modulus holds. */
export function rsaEncrypt(publicKey: Buffer, algorithm: string, plaintext: Uint8Array): Buffer {
  const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
  const hash = hashOf(algorithm);
  const most = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8 - 2 * hash.bytes - 2;
  if (plaintext.length > most) {
    throw new AwsError(
      'ValidationException',
      `Plaintext of ${plaintext.length} bytes is too long for ${algorithm} under this key: ${most} bytes at most.`,
    );
  }
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash.name }, plaintext);
}

/** `privateKey` in PKCS #8. Undefined for what the key did not encrypt. */
export function rsaDecrypt(privateKey: Buffer, algorithm: string, ciphertext: Uint8Array): Buffer | undefined {
  const key = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' });
  try {
    return privateDecrypt(
      { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hashOf(algorithm).name },
      ciphertext,
    );
  } catch {
    return undefined;
  }
}
