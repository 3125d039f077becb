/** The checksums of object bytes: computed as the bytes pass, compared with what the caller said, put together for parts. */
import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { combineCrc32, combineCrc32c, combineCrc64nvme, Crc32c, Crc64nvme } from '../../core/crc/index.ts';
import { invalidRequest, notImplemented, s3Error } from './errors.ts';
import type { ObjectChecksum } from './records.ts';

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';

/** What S3 computes when nobody says. */
export const DEFAULT_ALGORITHM: ChecksumAlgorithm = 'CRC64NVME';

const BYTES: Readonly<Record<ChecksumAlgorithm, number>> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 };
const ALGORITHMS = Object.keys(BYTES) as ChecksumAlgorithm[];
const UNSUPPORTED = ['SHA512', 'MD5', 'XXHASH64', 'XXHASH3', 'XXHASH128'];

export type ChecksumMembers = Readonly<Partial<Record<`Checksum${ChecksumAlgorithm}`, string | undefined>>>;

export interface Checksum {
  update(bytes: Uint8Array): unknown;
  /** Base64. */
  value(): string;
}

export function newChecksum(algorithm: ChecksumAlgorithm): Checksum {
  switch (algorithm) {
    case 'CRC32': {
      let crc = 0;
      return {
        update: (bytes) => (crc = crc32(bytes, crc)),
        value: () => {
          const out = Buffer.alloc(4);
          out.writeUInt32BE(crc);
          return out.toString('base64');
        },
      };
    }
    case 'CRC32C':
    case 'CRC64NVME': {
      const crc = algorithm === 'CRC32C' ? new Crc32c() : new Crc64nvme();
      return { update: (bytes) => crc.update(bytes), value: () => Buffer.from(crc.digest()).toString('base64') };
    }
    default: {
      const hash: Hash = createHash(algorithm.toLowerCase());
      return { update: (bytes) => hash.update(bytes), value: () => hash.copy().digest('base64') };
    }
  }
}

export function isChecksumAlgorithm(text: string): text is ChecksumAlgorithm {
  return Object.hasOwn(BYTES, text);
}

/** Throws for an algorithm that S3 does not know, and says so of one that it knows and Sluice does not. */
export function checkedAlgorithm(text: string): ChecksumAlgorithm {
  const upper = text.toUpperCase();
  if (isChecksumAlgorithm(upper)) return upper;
  if (UNSUPPORTED.includes(upper)) throw notImplemented(`The checksum algorithm ${upper}`);
  throw invalidRequest(
    'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
  );
}

/**
 * The algorithm that a request asks for: by a checksum given, by the trailer it announces, or by name. Undefined when it
 * asks for none.
 */
export function requestedAlgorithm(
  input: ChecksumMembers & Readonly<{ ChecksumAlgorithm?: string | undefined }>,
  headers: Readonly<Record<string, string>> | undefined,
): ChecksumAlgorithm | undefined {
  const members = input as Readonly<Record<string, unknown>>;
  for (const name of UNSUPPORTED) if (members[`Checksum${name}`] !== undefined) checkedAlgorithm(name);
  const given = ALGORITHMS.filter((algorithm) => members[`Checksum${algorithm}`] !== undefined);
  if (given.length > 1) {
    throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  }
  const trailer = /(?:^|,)\s*x-amz-checksum-([\w]+)/i.exec(headers?.['x-amz-trailer'] ?? '')?.[1];
  const named = input.ChecksumAlgorithm ?? trailer;
  const algorithm = given[0] ?? (named === undefined ? undefined : checkedAlgorithm(named));
  if (given[0] !== undefined && input.ChecksumAlgorithm !== undefined && input.ChecksumAlgorithm !== given[0]) {
    throw invalidRequest('Value for x-amz-sdk-checksum-algorithm header is invalid.');
  }
  return algorithm;
}

/** Throws when the request's own checksum is malformed or is not `value`. Trailing ones are there once the body has ended. */
export function verifyChecksum(input: ChecksumMembers, algorithm: ChecksumAlgorithm, value: string): void {
  const said = (input as Readonly<Record<string, string | undefined>>)[`Checksum${algorithm}`];
  if (said === undefined) return;
  if (!isWellFormed(said, BYTES[algorithm])) {
    throw invalidRequest(`Value for x-amz-checksum-${algorithm.toLowerCase()} header is invalid.`);
  }
  if (said !== value) {
    throw s3Error(400, 'BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
  }
}

/** Throws when `Content-MD5` is malformed or is not the MD5 of the bytes (hex). */
export function verifyContentMd5(contentMd5: string | undefined, md5: string): void {
  if (contentMd5 === undefined) return;
  if (!isWellFormed(contentMd5, 16)) {
    throw s3Error(400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.');
  }
  if (Buffer.from(contentMd5, 'base64').toString('hex') !== md5) {
    throw s3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
}

function isWellFormed(base64: string, bytes: number): boolean {
  const decoded = Buffer.from(base64, 'base64');
  return decoded.length === bytes && decoded.toString('base64') === base64;
}

/** The output members that show a checksum; none for an object without. */
export function checksumOutput(checksum: ObjectChecksum | undefined) {
  return checksum === undefined
    ? {}
    : { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type };
}

/** The checksum type of a multipart upload. Throws for a pair that S3 does not offer. */
export function multipartChecksumType(
  algorithm: ChecksumAlgorithm,
  wanted: string | undefined,
): 'FULL_OBJECT' | 'COMPOSITE' {
  const fullOnly = algorithm === 'CRC64NVME';
  const compositeOnly = algorithm.startsWith('SHA');
  const type = wanted ?? (fullOnly ? 'FULL_OBJECT' : 'COMPOSITE');
  if ((type === 'COMPOSITE' && fullOnly) || (type === 'FULL_OBJECT' && compositeOnly)) {
    throw invalidRequest(
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return type === 'COMPOSITE' ? 'COMPOSITE' : 'FULL_OBJECT';
}

/** The checksum of an object from those of its parts, without reading them again. */
export function combineParts(
  algorithm: ChecksumAlgorithm,
  type: 'FULL_OBJECT' | 'COMPOSITE',
  parts: readonly Readonly<{ checksum: string; bytes: number }>[],
): ObjectChecksum {
  const raw = parts.map(({ checksum }) => Buffer.from(checksum, 'base64'));
  if (type === 'COMPOSITE') {
    const checksum = newChecksum(algorithm);
    for (const part of raw) checksum.update(part);
    return { algorithm, type, value: `${checksum.value()}-${parts.length}` };
  }
  const combine = { CRC32: combineCrc32, CRC32C: combineCrc32c, CRC64NVME: combineCrc64nvme }[
    algorithm as 'CRC32' | 'CRC32C' | 'CRC64NVME'
  ];
  const whole = raw.reduce<Uint8Array | undefined>(
    (sum, part, i) => (sum === undefined ? part : combine(sum, part, parts[i]?.bytes ?? 0)),
    undefined,
  );
  return { algorithm, type, value: Buffer.from(whole ?? new Uint8Array()).toString('base64') };
}
