/**
 * The ciphertext blob of a symmetric key: it names its key, so that Decrypt needs no `KeyId`.
 *
 *   "SLK" | format 0x01 | u16 length of key ARN | key ARN | u32 material version | iv (12) | tag (16) | AES-256-GCM text
 *
 * Everything before the iv, and the encryption context in canonical form (pairs sorted by key, byte by byte), is
 * authenticated data: a changed byte or another context makes the blob undecipherable.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export type EncryptionContext = Readonly<Record<string, string>>;

export type CiphertextName = Readonly<{ keyArn: string; materialVersion: number }>;

const MAGIC = Buffer.from([0x53, 0x4c, 0x4b, 0x01]);

export function seal(
  name: CiphertextName,
  material: Uint8Array,
  iv: Uint8Array,
  plaintext: Uint8Array,
  context: EncryptionContext,
): Buffer {
  const header = headerOf(name);
  const cipher = createCipheriv('aes-256-gcm', material, iv);
  cipher.setAAD(Buffer.concat([header, canonical(context)]));
  const text = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([header, iv, cipher.getAuthTag(), text]);
}

/** Which key and material a blob names; undefined for something that is no blob of ours. */
export function nameOf(blob: Uint8Array): CiphertextName | undefined {
  const parts = split(blob);
  if (parts === undefined || !KEY_ARN.test(parts.keyArn)) return undefined;
  return { keyArn: parts.keyArn, materialVersion: parts.materialVersion };
}

const KEY_ARN = /^arn:aws:kms:[a-z0-9-]+:\d{12}:key\/(?:mrk-[0-9a-f]{32}|[0-9a-f-]{36})$/;

/** The plaintext; undefined when the blob was tampered with or the context is another. */
export function unseal(blob: Uint8Array, material: Uint8Array, context: EncryptionContext): Buffer | undefined {
  const parts = split(blob);
  if (parts === undefined) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', material, parts.iv);
  decipher.setAAD(Buffer.concat([parts.header, canonical(context)]));
  decipher.setAuthTag(parts.tag);
  try {
    return Buffer.concat([decipher.update(parts.text), decipher.final()]);
  } catch {
    return undefined;
  }
}

function headerOf(name: CiphertextName): Buffer {
  const arn = Buffer.from(name.keyArn);
  const header = Buffer.alloc(MAGIC.length + 2 + arn.length + 4);
  MAGIC.copy(header);
  header.writeUInt16BE(arn.length, 4);
  arn.copy(header, 6);
  header.writeUInt32BE(name.materialVersion, 6 + arn.length);
  return header;
}

function split(blob: Uint8Array) {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  if (bytes.length < 6 || !bytes.subarray(0, 4).equals(MAGIC)) return undefined;
  const arnEnd = 6 + bytes.readUInt16BE(4);
  const textAt = arnEnd + 4 + 12 + 16;
  if (bytes.length < textAt) return undefined;
  return {
    header: bytes.subarray(0, arnEnd + 4),
    keyArn: bytes.subarray(6, arnEnd).toString('utf8'),
    materialVersion: bytes.readUInt32BE(arnEnd),
    iv: bytes.subarray(arnEnd + 4, arnEnd + 16),
    tag: bytes.subarray(arnEnd + 16, textAt),
    text: bytes.subarray(textAt),
  };
}

function canonical(context: EncryptionContext): Buffer {
  const pairs = Object.entries(context).map(([key, value]) => [Buffer.from(key), Buffer.from(value)] as const);
  pairs.sort(([a], [b]) => Buffer.compare(a, b));
  return Buffer.concat(pairs.flatMap(([key, value]) => [length(key), key, length(value), value]));
}

function length(bytes: Buffer): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(bytes.length);
  return out;
}
